"""A gap with true sound on both sides of it."""

from array import array

import pytest

from device.media import pcm
from device.media.concealment import Concealer
from tests.media.test_concealment import voiced


def error_of(got: bytes, truth: bytes) -> float:
    """RMS of the difference, as a share of the truth's."""
    pairs = zip(pcm.to_array(got), pcm.to_array(truth), strict=True)
    difference = array("h", [max(-32768, min(32767, a - b)) for a, b in pairs]).tobytes()
    return pcm.rms(difference) / pcm.rms(truth)


def after_voice(pitch_hz: float, rate_hz: int = 8000) -> Concealer:
    concealer = Concealer(rate_hz)
    frame = rate_hz // 50
    for n in range(5):
        concealer.play(voiced(pitch_hz, n * frame, frame, rate_hz))
    return concealer


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("pitch_hz", [85, 120, 170, 230])
def test_a_lost_packet_of_a_vowel_is_nearly_what_it_was(pitch_hz: int, rate_hz: int) -> None:
    frame = rate_hz // 50
    concealer = after_voice(pitch_hz, rate_hz)
    bridged = concealer.bridge(frame, voiced(pitch_hz, 6 * frame, frame, rate_hz))
    assert error_of(bridged, voiced(pitch_hz, 5 * frame, frame, rate_hz)) < 0.35


def test_it_is_better_than_what_knows_only_the_past() -> None:
    """The pitch rises across the gap: the end of the bridge meets what comes, which is then played as it is."""
    following = voiced(126, 960, 160)
    blind, seeing = after_voice(120), after_voice(120)
    blind.conceal(160)
    bridged = seeing.bridge(160, following)
    after_alone, after_bridge = blind.play(following), seeing.play(following)
    assert after_bridge == following
    assert after_alone != following
    last, first = pcm.to_array(bridged)[-1], pcm.to_array(following)[0]
    assert abs(last - first) < 2500
    assert pcm.rms(bridged[-80:]) > 0.7 * pcm.rms(following)


@pytest.mark.parametrize("samples", [1, 7, 80, 160, 320, 480])
def test_any_length_is_filled_exactly(samples: int) -> None:
    assert len(after_voice(120).bridge(samples, voiced(120, 960, 160))) == 2 * samples


@pytest.mark.parametrize("length", [1, 5, 30, 80])
def test_little_sound_after_the_gap_is_enough(length: int) -> None:
    assert len(after_voice(120).bridge(160, voiced(120, 960, length))) == 320


def test_without_a_past_or_a_future_it_is_concealment() -> None:
    assert Concealer(8000).bridge(160, voiced(120, 0, 160)) == bytes(320)
    one, other = after_voice(120), after_voice(120)
    assert one.bridge(160, b"") == other.conceal(160)


def test_silence_on_both_sides_stays_silence() -> None:
    concealer = Concealer(8000)
    concealer.play(bytes(960))
    assert concealer.bridge(160, bytes(320)) == bytes(320)


def test_the_bridge_belongs_to_the_past_of_the_next_gap() -> None:
    concealer = after_voice(120)
    following = voiced(120, 960, 160)
    concealer.bridge(160, following)
    concealer.play(following)
    assert error_of(concealer.conceal(80), voiced(120, 1120, 80)) < 0.4
