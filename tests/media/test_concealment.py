"""What is heard when packets are missing."""

from array import array
from math import pi, sin

import pytest

from device.media import pcm
from device.media.concealment import Concealer
from tests.media.goertzel import level_db


def voiced(pitch_hz: float, start: int, samples: int, rate_hz: int = 8000) -> bytes:
    """A vowel-like sound: a few harmonics of a pitch."""
    step = 2 * pi * pitch_hz / rate_hz
    partials = ((1, 6000), (2, 4000), (3, 3000), (5, 1500))
    wave = [sum(a * sin(k * step * n) for k, a in partials) for n in range(start, start + samples)]
    return array("h", [round(value) for value in wave]).tobytes()


def after_speech(pitch_hz: float, rate_hz: int = 8000) -> Concealer:
    concealer = Concealer(rate_hz)
    frame = rate_hz // 50
    for n in range(5):
        fragment = voiced(pitch_hz, n * frame, frame, rate_hz)
        assert concealer.play(fragment) == fragment
    return concealer


@pytest.mark.parametrize("pitch_hz", [80, 110, 150, 200, 260, 390])
def test_a_short_gap_in_a_vowel_is_hardly_heard(pitch_hz: int) -> None:
    """Ten milliseconds go on in the same pitch and phase: the difference to the truth is far below the sound."""
    concealed = pcm.to_array(after_speech(pitch_hz).conceal(80))
    truth = pcm.to_array(voiced(pitch_hz, 800, 80))
    error = array("h", [a - b for a, b in zip(concealed, truth, strict=True)]).tobytes()
    assert pcm.rms(error) < 0.3 * pcm.rms(truth.tobytes())


def test_the_beginning_does_not_click() -> None:
    for pitch_hz in (90, 130, 180):
        last = pcm.to_array(voiced(pitch_hz, 0, 800))[-2:]
        first = pcm.to_array(after_speech(pitch_hz).conceal(160))[0]
        assert abs(first - last[1]) < abs(last[1] - last[0]) + 2500


def test_it_fades_to_silence_within_150_ms() -> None:
    concealer = after_speech(120)
    loudness = [pcm.rms(concealer.conceal(160)) for _ in range(10)]
    assert loudness[0] > 4000
    assert loudness[1:7] == sorted(loudness[1:7], reverse=True)
    assert 0 < loudness[7] < 0.15 * loudness[0]
    assert loudness[8:] == [0, 0]
    assert concealer.is_silent


def test_any_lengths_give_the_same_as_one() -> None:
    whole = after_speech(120).conceal(80)
    concealer = after_speech(120)
    assert concealer.conceal(33) + concealer.conceal(47) == whole


def test_true_sound_comes_back_without_a_click() -> None:
    concealer = after_speech(120)
    concealer.conceal(320)
    truth = voiced(120, 1120, 160)
    back = concealer.play(truth)
    assert len(back) == len(truth)
    assert back[64:] == truth[64:]
    assert back[:64] != truth[:64]
    following = voiced(120, 1280, 160)
    assert concealer.play(following) == following


def test_after_a_long_gap_sound_fades_in() -> None:
    concealer = after_speech(120)
    for _ in range(10):
        concealer.conceal(160)
    back = concealer.play(voiced(120, 40, 160))
    assert abs(pcm.to_array(back)[0]) < 600


def test_nothing_before_means_silence() -> None:
    concealer = Concealer(8000)
    assert concealer.is_silent
    assert concealer.conceal(160) == bytes(320)
    assert concealer.play(b"\1\0" * 160) == b"\1\0" * 160


@pytest.mark.parametrize("samples", [1, 20, 60, 160])
def test_little_history_is_enough(samples: int) -> None:
    concealer = Concealer(8000)
    concealer.play(voiced(200, 0, samples))
    assert len(concealer.conceal(500)) == 1000


def test_reset_forgets() -> None:
    concealer = after_speech(120)
    concealer.conceal(80)
    concealer.reset()
    assert concealer.conceal(160) == bytes(320)


def test_background_noise_and_wide_band_are_concealed_too() -> None:
    hiss = Concealer(8000)
    for n in range(5):
        hiss.play(array("h", [(7919 * k * k + n) % 41 - 20 for k in range(160)]).tobytes())
    assert 0 < pcm.rms(hiss.conceal(160)) < 30
    wide = after_speech(150, 16000)
    assert level_db(wide.conceal(320), 150, 16000) > -20
