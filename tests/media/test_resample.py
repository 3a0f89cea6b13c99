"""Sample rates changed: what goes through, what must not, and lengths that fit the frames."""

from array import array
from math import pi, sin

import pytest

from device.media import pcm
from device.media.resample import Resampler
from tests.media.goertzel import level_db

WHOLE = [
    (8000, 16000), (16000, 8000), (8000, 48000), (48000, 8000), (16000, 48000), (48000, 16000),
    (8000, 24000), (32000, 8000), (24000, 48000),
]  # fmt: skip
ODD = [(8000, 44100), (44100, 8000), (44100, 16000), (16000, 44100), (48000, 44100)]


def sine(frequency_hz: float, rate_hz: int, seconds: float = 0.5, amplitude: float = 0.4) -> bytes:
    count = int(rate_hz * seconds)
    step = 2 * pi * frequency_hz / rate_hz
    return array("h", [round(pcm.FULL_SCALE * amplitude * sin(step * n)) for n in range(count)]).tobytes()


def in_frames(resampler: Resampler, sound: bytes, frame_ms: int = 20) -> list[bytes]:
    size = 2 * pcm.samples_in(frame_ms, resampler.from_hz)
    return [resampler.convert(sound[at : at + size]) for at in range(0, len(sound), size)]


@pytest.mark.parametrize(("from_hz", "to_hz"), WHOLE + ODD)
@pytest.mark.parametrize("frequency_hz", [300, 1000, 3000])
def test_speech_goes_through_unchanged(from_hz: int, to_hz: int, frequency_hz: int) -> None:
    out = b"".join(in_frames(Resampler(from_hz, to_hz), sine(frequency_hz, from_hz)))
    settled = out[to_hz // 50 * 4 :]
    assert level_db(settled, frequency_hz, to_hz) == pytest.approx(-7.96, abs=0.35)
    around = pcm.rms(settled) / pcm.FULL_SCALE
    assert around == pytest.approx(0.4 / 2**0.5, rel=0.05)


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in WHOLE + ODD if pair[0] > pair[1] * 1.5])
def test_what_would_fold_back_is_kept_out(from_hz: int, to_hz: int) -> None:
    for share in (0.6, 0.75, 0.9):
        out = b"".join(in_frames(Resampler(from_hz, to_hz), sine(share * to_hz, from_hz)))
        assert pcm.rms(out[to_hz // 50 * 4 :]) < (0.003 if (from_hz, to_hz) in WHOLE else 0.015) * pcm.FULL_SCALE


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in WHOLE if pair[0] < pair[1]])
def test_no_images_appear(from_hz: int, to_hz: int) -> None:
    out = b"".join(in_frames(Resampler(from_hz, to_hz), sine(0.375 * from_hz, from_hz)))
    assert level_db(out[to_hz // 50 * 4 :], 0.625 * from_hz, to_hz) < -45


@pytest.mark.parametrize(("from_hz", "to_hz"), WHOLE)
@pytest.mark.parametrize("frame_ms", [10, 20, 60])
def test_whole_ratios_give_whole_frames(from_hz: int, to_hz: int, frame_ms: int) -> None:
    frames = in_frames(Resampler(from_hz, to_hz), bytes(from_hz // 50 * 12), frame_ms)
    assert {len(frame) for frame in frames} == {2 * pcm.samples_in(frame_ms, to_hz)}


@pytest.mark.parametrize(("from_hz", "to_hz"), ODD)
def test_odd_ratios_lose_no_time(from_hz: int, to_hz: int) -> None:
    frames = in_frames(Resampler(from_hz, to_hz), bytes(2 * from_hz))
    assert abs(sum(map(len, frames)) // 2 - to_hz) <= 2
    if from_hz == 44100 or to_hz == 44100:
        assert {len(frame) for frame in frames[1:]} == {2 * to_hz // 50}


@pytest.mark.parametrize(("from_hz", "to_hz"), WHOLE)
def test_frames_join_without_a_seam(from_hz: int, to_hz: int) -> None:
    sound = sine(1000, from_hz, 0.2)
    assert b"".join(in_frames(Resampler(from_hz, to_hz), sound, 10)) == Resampler(from_hz, to_hz).convert(sound)


def test_silence_stays_silence() -> None:
    for from_hz, to_hz in WHOLE:
        assert pcm.peak(Resampler(from_hz, to_hz).convert(bytes(from_hz // 5))) == 0


def test_equal_rates_cost_nothing_and_reset_forgets() -> None:
    sound = sine(500, 8000, 0.02)
    assert Resampler(8000, 8000).convert(sound) is sound
    resampler = Resampler(8000, 16000)
    first = resampler.convert(sound)
    assert resampler.convert(sound) != first
    resampler.reset()
    assert resampler.convert(sound) == first


def test_an_empty_fragment_gives_nothing() -> None:
    for from_hz, to_hz in WHOLE:
        assert Resampler(from_hz, to_hz).convert(b"") == b""


def test_loud_sound_does_not_wrap() -> None:
    for from_hz, to_hz in WHOLE:
        out = Resampler(from_hz, to_hz).convert(sine(1000, from_hz, amplitude=1.0))
        assert level_db(out[to_hz // 50 * 4 :], 1000, to_hz) == pytest.approx(0, abs=0.2)
