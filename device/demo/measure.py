"""Compares what one side heard with what the other said: delay, likeness, level."""

import wave
from array import array
from pathlib import Path

from device.media import pcm as arithmetic
from device.media.resample import Resampler
from device.records import dataclass

RATE_HZ = 8000
SAMPLE_BYTES = 2

STRETCHES = 7
"""So many parts of a conversation are compared."""

PROBE_S = 0.6
"""Length of speech that is searched for in each, in seconds: long enough to be unmistakable."""

AUDIBLE_RMS = 100
"""What is softer than this, of 32767, is a pause between words."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The outcome of a comparison."""

    correlation: float
    """-1 to 1; above 0.9 the speech came through whole (G.711 itself leaves about 0.999)."""
    delay_s: float
    """From microphone sample to loudspeaker sample, in seconds."""
    gain: float
    """Loudness of what was heard relative to what was said, 1 for equal."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono speech at 8 kHz with the monotonic time of its first sample."""

    pcm: bytes
    started_at: float


def read_wav(path: Path, started_at: float) -> Recording:
    """Read a 16-bit WAV file as mono 8 kHz; one that is still being written is read as far as it is."""
    with wave.open(str(path), "rb") as reader:
        pcm = reader.readframes(reader.getnframes())
        if reader.getnchannels() == 2:
            pcm = arithmetic.stereo_to_mono(pcm)
        if reader.getframerate() != RATE_HZ:
            pcm = Resampler(reader.getframerate(), RATE_HZ).convert(pcm)
    return Recording(pcm, started_at)


def compare(said: Recording, heard: Recording, from_s: float, to_s: float, longest_delay_s: float = 1.0) -> Likeness:
    """Find in `heard` what was said between the monotonic times `from_s` and `to_s`, and say how alike it is.

    Several stretches are searched for, each by itself, and the median counts: where the jitter buffer changes its depth
    in the middle of one, as it may on a busy machine, that one does not fit although every word was heard.
    `said` is taken as looped, as a WAV microphone is. Returns correlation 0 when there is nothing to compare.
    """
    length_s = (to_s - longest_delay_s - from_s) / STRETCHES
    found = [
        _find(said, heard, from_s + number * length_s, from_s + (number + 1) * length_s, longest_delay_s)
        for number in range(STRETCHES)
    ]
    audible = sorted((one for one in found if one is not None), key=_correlation)
    return audible[len(audible) // 2] if audible else Likeness(0.0, 0.0, 0.0)


def _correlation(likeness: Likeness) -> float:
    return likeness.correlation


def _find(said: Recording, heard: Recording, from_s: float, to_s: float, longest_delay_s: float) -> Likeness | None:
    """Find the loudest probe of one stretch; None where nothing was said in it, or nobody recorded."""
    probe_length = int(PROBE_S * RATE_HZ)
    start = int((from_s - said.started_at) * RATE_HZ)
    end = int((to_s - said.started_at) * RATE_HZ)
    spoken = _looped(said.pcm, start, max(end, start + probe_length))
    position = _loudest(spoken, probe_length)
    probe = _slice(spoken, position, probe_length)
    spoken_at = said.started_at + (start + position) / RATE_HZ
    window_start = max(0, int((spoken_at - heard.started_at) * RATE_HZ))
    window = _slice(heard.pcm, window_start, probe_length + int(longest_delay_s * RATE_HZ))
    if to_s <= from_s or len(window) < len(probe) or arithmetic.rms(probe) < AUDIBLE_RMS:
        return None
    offset, factor = arithmetic.fit(window, probe)
    loudness = arithmetic.rms(_slice(window, offset, probe_length))
    if not loudness:
        return Likeness(0.0, 0.0, 0.0)
    delay = heard.started_at + (window_start + offset) / RATE_HZ - spoken_at
    return Likeness(factor * arithmetic.rms(probe) / loudness, delay, factor)


def _slice(pcm: bytes, start: int, count: int) -> bytes:
    return pcm[start * SAMPLE_BYTES : (start + count) * SAMPLE_BYTES]


def _looped(pcm: bytes, start: int, end: int) -> bytes:
    """Samples `start` to `end` of `pcm` repeated for ever."""
    if end <= start or not pcm:
        return b""
    length = len(pcm) // SAMPLE_BYTES
    first = start % length
    repeated = pcm * ((first + end - start) // length + 1)
    return _slice(repeated, first, end - start)


def _loudest(pcm: bytes, count: int) -> int:
    """Where the loudest stretch of `count` samples begins, to a tenth of a second."""
    step = RATE_HZ // 10
    energies = array("d", (arithmetic.rms(_slice(pcm, at, step)) ** 2 for at in range(0, len(pcm) // 2, step)))
    width = count // step
    sums = [sum(energies[index : index + width]) for index in range(max(1, len(energies) - width))]
    return sums.index(max(sums)) * step if sums else 0
