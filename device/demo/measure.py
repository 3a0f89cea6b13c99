"""Compares what one side heard with what the other said: delay, likeness, level."""

import wave
from array import array
from pathlib import Path

from device.media import pcm as arithmetic
from device.media.resample import Resampler
from device.records import dataclass

RATE_HZ = 8000
SAMPLE_BYTES = 2

PROBE_S = 1.5
"""Length of speech that is searched for, in seconds: long enough to be unmistakable."""


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
    """Find in `heard` the loudest stretch of `said` between the monotonic times `from_s` and `to_s`.

    `said` is taken as looped, as a WAV microphone is. Returns correlation 0 when there is nothing to compare.
    """
    probe_length = int(PROBE_S * RATE_HZ)
    start = int((from_s - said.started_at) * RATE_HZ)
    end = int((to_s - said.started_at - longest_delay_s) * RATE_HZ)
    spoken = _looped(said.pcm, start, end + probe_length)
    position = _loudest(spoken, probe_length)
    probe = _slice(spoken, position, probe_length)
    spoken_at = said.started_at + (start + position) / RATE_HZ
    window_start = max(0, int((spoken_at - heard.started_at) * RATE_HZ))
    window = _slice(heard.pcm, window_start, probe_length + int(longest_delay_s * RATE_HZ))
    if len(window) < len(probe) or not probe or not arithmetic.rms(probe):
        return Likeness(0.0, 0.0, 0.0)
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
