"""Whether speech came through: compares recordings of two ends of a call."""

import wave
from array import array
from pathlib import Path
from statistics import median

from device.demo.measure import PROBE_S, RATE_HZ, Likeness, Recording, compare
from device.media import pcm as arithmetic
from device.media.pcm import SAMPLE_BYTES

SETTLE_S = 1.3
"""Speech is compared from so long after the answer: the jitter buffer has found its depth then, and jumps no more."""

LONGEST_DELAY_S = 0.5
CHOICE_S = 0.1
"""How far the stretch that is compared may be moved to where somebody speaks."""
TALK_S = SETTLE_S + CHOICE_S + PROBE_S + LONGEST_DELAY_S
"""The shortest talk that can be judged."""

SETTLE_BYTES = int(SETTLE_S * RATE_HZ) * SAMPLE_BYTES

GOOD_CORRELATION = 0.9

SILENCE = 200
"""A root mean square below this, of 32768, is a pause between words."""

PIECE_BYTES = int(0.3 * RATE_HZ) * SAMPLE_BYTES
"""Speech is searched for in pieces of this length, so that one jump of a jitter buffer spoils but one of them."""

_COARSE = 2
"""Only every so many-th sample is looked at to find about where something is."""


def write_repeated(source: Path, target: Path, times: int) -> Path:
    """A WAV file that says the same several times, for programs that end a call at the end of the file."""
    with wave.open(str(source), "rb") as reader, wave.open(str(target), "wb") as writer:
        writer.setparams(reader.getparams())
        writer.writeframes(reader.readframes(reader.getnframes()) * times)
    return target


def judge(said: Recording, heard: Recording, answered_at: float) -> Likeness:
    """How what was heard from `answered_at` on, in monotonic seconds, resembles what was said then."""
    start = answered_at + SETTLE_S
    return compare(said, heard, start, start + CHOICE_S + LONGEST_DELAY_S, LONGEST_DELAY_S)


def search(said: bytes, heard: bytes) -> float:
    """The median correlation, 0 to 1, of pieces of `heard` with wherever in the looped `said` each fits best.

    For recordings of foreign programs, whose clock nobody knows. Both are PCM at 8 kHz; silent pieces do not count.
    """
    pieces = [heard[at : at + PIECE_BYTES] for at in range(0, len(heard) - PIECE_BYTES + 1, PIECE_BYTES)]
    loud = [piece for piece in pieces if arithmetic.rms(piece) > SILENCE]
    looped = said + said[:PIECE_BYTES]
    thinned = _thinned(looped)
    return median([_best_fit(looped, thinned, piece) for piece in loud]) if loud else 0.0


def _best_fit(looped: bytes, thinned: bytes, piece: bytes) -> float:
    coarse, _ = arithmetic.fit(thinned, _thinned(piece))
    first = max(0, coarse - 2) * _COARSE * SAMPLE_BYTES
    window = looped[first : first + len(piece) + 4 * _COARSE * SAMPLE_BYTES]
    offset, factor = arithmetic.fit(window, piece)
    best = window[offset * SAMPLE_BYTES :][: len(piece)]
    return max(0.0, factor * arithmetic.rms(piece) / max(1, arithmetic.rms(best)))


def _thinned(pcm: bytes) -> bytes:
    """Means of neighbouring samples: the same sound at half the rate."""
    samples = array("h", pcm)
    return array(
        "h", (sum(samples[at : at + _COARSE]) // _COARSE for at in range(0, len(samples) - _COARSE + 1, _COARSE))
    ).tobytes()
