"""How much of what one side said the other one heard."""

import math
import wave
from array import array
from itertools import pairwise
from pathlib import Path

import pytest

from device.demo.measure import RATE_HZ, Recording, compare, read_wav

SPOKEN_S = 3.0


def _speech(seconds: float, seed: int = 7) -> bytes:
    """Noise whose loudness comes and goes, the same for the same seed."""
    state, samples = seed, array("h")
    for index in range(int(seconds * RATE_HZ)):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        loudness = 2000 + 6000 * math.sin(index / RATE_HZ * 3) ** 2
        samples.append(int((state / 2**30 - 1) * loudness))
    return samples.tobytes()


SPEECH = _speech(SPOKEN_S)


def _silence(seconds: float) -> bytes:
    return bytes(2 * int(seconds * RATE_HZ))


def _scaled(pcm: bytes, factor: float) -> bytes:
    return array("h", [int(sample * factor) for sample in array("h", pcm)]).tobytes()


@pytest.mark.parametrize(("delay_s", "gain"), [(0.05, 1.0), (0.2, 1.0), (0.1, 0.5)])
def test_speech_that_came_through_is_found_with_delay_and_gain(delay_s: float, gain: float) -> None:
    heard = _silence(delay_s) + _scaled(SPEECH * 3, gain)
    found = compare(Recording(SPEECH, 100.0), Recording(heard, 100.0), 101.0, 107.0)
    assert found.correlation > 0.99
    assert found.delay_s == pytest.approx(delay_s, abs=0.001)
    assert found.gain == pytest.approx(gain, rel=0.02)


def test_clocks_that_began_at_different_times_are_taken_into_account() -> None:
    heard = SPEECH * 3
    found = compare(Recording(SPEECH, 100.0), Recording(heard, 100.5), 101.0, 107.0)
    assert found.delay_s == pytest.approx(0.5, abs=0.001)


def test_something_else_was_heard() -> None:
    heard = _speech(9.0, seed=99)
    assert abs(compare(Recording(SPEECH, 0.0), Recording(heard, 0.0), 1.0, 7.0).correlation) < 0.2


@pytest.mark.parametrize("heard", [b"", _silence(0.5), _silence(9.0)])
def test_nothing_was_heard(heard: bytes) -> None:
    assert compare(Recording(SPEECH, 0.0), Recording(heard, 0.0), 1.0, 7.0).correlation == 0.0


@pytest.mark.parametrize("said", [b"", _silence(3.0)])
def test_nothing_was_said(said: bytes) -> None:
    assert compare(Recording(said, 0.0), Recording(SPEECH * 3, 0.0), 1.0, 7.0).correlation == 0.0


def test_a_time_that_is_too_short_gives_nothing() -> None:
    assert compare(Recording(SPEECH, 0.0), Recording(SPEECH, 0.0), 6.0, 1.0).correlation == 0.0


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (2, 8000), (1, 16_000), (2, 48_000)])
def test_a_file_becomes_mono_at_8_khz(tmp_path: Path, channels: int, rate: int) -> None:
    path = tmp_path / "x.wav"
    tone = [int(8000 * math.sin(2 * math.pi * 400 * index / rate)) for index in range(rate)]
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(array("h", [sample for sample in tone for _ in range(channels)]).tobytes())
    recording = read_wav(path, 5.0)
    assert recording.started_at == 5.0
    samples = array("h", recording.pcm)
    assert abs(len(samples) - RATE_HZ) < 100
    crossings = sum(before < 0 <= after for before, after in pairwise(samples))
    assert crossings == pytest.approx(400, abs=5)
