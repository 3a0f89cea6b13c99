"""Tones as they are heard: frequency, level, cadence, no clicks."""

from array import array
from itertools import pairwise
from math import cos, pi, sin

import pytest

from device.media import pcm
from device.media.tones import (
    COUNTRIES,
    TONE_NAMES,
    ToneGenerator,
    TonePattern,
    ToneSegment,
    tone_pattern,
)
from tests.media.goertzel import level_db

SECOND = 8000


def played(pattern: TonePattern, seconds: float, rate_hz: int = 8000, frame: int = 160) -> bytes:
    generator = ToneGenerator(pattern, rate_hz)
    frames = int(seconds * rate_hz) // frame
    return b"".join(generator.next_frame(frame) for _ in range(frames))


def steps(sound: bytes) -> int:
    """The largest jump from one sample to the next."""
    samples = pcm.to_array(sound)
    return max(abs(later - earlier) for earlier, later in pairwise(samples))


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize(("country", "name"), [("us", "DIAL"), ("au", "DIAL"), ("de", "DIAL")])
def test_frequencies_are_exact_to_a_hertz_and_even_in_level(country: str, name: str, rate_hz: int) -> None:
    pattern = tone_pattern(country, name)
    sound = played(pattern, 4, rate_hz, rate_hz // 50)[rate_hz // 50 * 4 :]
    for frequency in pattern.segments[0].frequencies:
        assert level_db(sound, frequency, rate_hz) == pytest.approx(-16, abs=0.2)
        for off in (-1, 1):
            assert level_db(sound, frequency + off, rate_hz) < -30


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("name", TONE_NAMES)
def test_cadence_is_exact_to_the_sample(country: str, name: str) -> None:
    pattern = tone_pattern(country, name)
    cycle = [(segment.on_ms * 8, segment.off_ms * 8) for segment in pattern.segments]
    quietest = 300 if any(segment.modulation_hz for segment in pattern.segments) else 800
    total = sum(on + off for on, off in cycle)
    generator = ToneGenerator(pattern, 8000)
    sound = generator.next_frame(total)
    at = 0
    for on, off in cycle:
        tone = sound[2 * at : 2 * (at + on)]
        assert pcm.rms(tone[2 * 80 : 2 * 240]) > quietest
        assert pcm.rms(tone[-2 * 160 : -2 * 40]) > quietest
        assert pcm.peak(sound[2 * (at + on) : 2 * (at + on + off)]) == 0
        at += on + off
    assert generator.finished == (not pattern.repeat)
    assert (pcm.peak(generator.next_frame(SECOND)) > 0) == pattern.repeat


def test_frames_of_any_length_give_the_same_sound() -> None:
    pattern = tone_pattern("uk", "RINGBACK")
    whole = ToneGenerator(pattern, 8000).next_frame(28_000)
    for frame in (160, 77, 882, 4000):
        assert pcm.to_array(played(pattern, 3, 8000, frame)) == pytest.approx(
            pcm.to_array(whole)[: 24_000 // frame * frame], abs=6
        )


def test_the_phase_goes_on_for_ever() -> None:
    """After a day of dial tone the wave is where a wave that began a day ago is."""
    generator = ToneGenerator(TonePattern((ToneSegment((425,), 1000),)), 8000)
    generator.next_frame(160)
    for _ in range(9):
        generator.next_frame(1_000_000)
    at = 160 + 9_000_000
    amplitude = pcm.FULL_SCALE * pcm.amplitude(-16)
    expected = [amplitude * sin(2 * pi * (425 * n % 8000) / 8000) for n in range(at, at + 160)]
    assert pcm.to_array(generator.next_frame(160)).tolist() == pytest.approx(expected, abs=3)


@pytest.mark.parametrize("name", TONE_NAMES)
def test_nothing_clicks(name: str) -> None:
    """No step is larger than the steepest slope of the waves themselves, at edges and seams either."""
    for country in COUNTRIES:
        pattern = tone_pattern(country, name)
        sound = played(pattern, 11)
        amplitude = pcm.FULL_SCALE * pcm.amplitude(-16 + pattern.level_db)
        slope = max(
            sum(2 * pi * frequency / 8000 * amplitude for frequency in segment.frequencies)
            for segment in pattern.segments
        )
        assert steps(sound) <= 1.05 * slope + 4
        assert abs(pcm.to_array(sound)[0]) < 5


def test_full_modulation_swings_between_nothing_and_full() -> None:
    sound = played(tone_pattern("jp", "RINGBACK"), 0.9)
    samples = pcm.to_array(sound)
    amplitude = pcm.FULL_SCALE * pcm.amplitude(-16)
    expected = [
        amplitude * sin(2 * pi * 400 * n / 8000) * (1 + cos(2 * pi * 16 * n / 8000)) / 2 for n in range(100, 7000)
    ]
    assert samples[100:7000].tolist() == pytest.approx(expected, abs=6)


def test_a_tone_that_ends_is_followed_by_silence() -> None:
    generator = ToneGenerator(TonePattern((ToneSegment((1000,), 10, 5),), repeat=False), 8000)
    first = generator.next_frame(160)
    assert pcm.peak(first[:160]) > 1000
    assert pcm.peak(first[160:]) == 0
    assert generator.finished
    assert generator.next_frame(80) == bytes(160)
    assert ToneGenerator(TonePattern(()), 8000).finished


def test_segments_without_pause_follow_each_other() -> None:
    pattern = TonePattern((ToneSegment((800,), 100), ToneSegment((1200,), 100)))
    sound = played(pattern, 0.4, frame=400)
    for at, frequency in ((0, 800), (800, 1200), (1600, 800)):
        assert level_db(sound[2 * (at + 40) : 2 * (at + 760)], frequency, 8000) == pytest.approx(-16, abs=0.5)


def test_the_level_can_be_set_and_never_exceeds_full_scale() -> None:
    loud = ToneGenerator(TonePattern((ToneSegment((1000,), 1000),), level_db=30), 8000, -6)
    assert pcm.peak(loud.next_frame(800)) <= 32767
    soft = ToneGenerator(TonePattern((ToneSegment((1000,), 1000),)), 8000, -40)
    assert array("h", soft.next_frame(800)).tolist() == pytest.approx([0] * 800, abs=330)
