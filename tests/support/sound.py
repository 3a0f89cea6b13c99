"""Whether speech came through: compares recordings of two ends of a call."""

from array import array

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

GOOD_CORRELATION = 0.9

_COARSE = 8
"""Only every so many-th sample is looked at to find about where something is."""


def judge(said: Recording, heard: Recording, answered_at: float) -> Likeness:
    """How what was heard from `answered_at` on, in monotonic seconds, resembles what was said then."""
    start = answered_at + SETTLE_S
    return compare(said, heard, start, start + CHOICE_S + LONGEST_DELAY_S, LONGEST_DELAY_S)


def search(said: bytes, heard: bytes) -> float:
    """The correlation, -1 to 1, of the loudest 1.5 s of `heard` with wherever in the looped `said` it fits best.

    For recordings of foreign programs, whose clock nobody knows. Both are PCM at 8 kHz.
    """
    probe = _loudest(heard)
    if not arithmetic.rms(probe):
        return 0.0
    looped = said + said[: len(probe)]
    coarse, _ = arithmetic.fit(_thinned(looped), _thinned(probe))
    first = max(0, coarse - 2) * _COARSE * SAMPLE_BYTES
    window = looped[first : first + len(probe) + 4 * _COARSE * SAMPLE_BYTES]
    offset, factor = arithmetic.fit(window, probe)
    best = window[offset * SAMPLE_BYTES :][: len(probe)]
    return factor * arithmetic.rms(probe) / max(1, arithmetic.rms(best))


def _loudest(pcm: bytes) -> bytes:
    """The loudest stretch of the length that is searched for, to a tenth of a second."""
    size = int(PROBE_S * RATE_HZ) * SAMPLE_BYTES
    starts = range(0, max(1, len(pcm) - size), RATE_HZ // 10 * SAMPLE_BYTES)
    best = max(starts, key=lambda start: arithmetic.rms(pcm[start : start + size]))
    return pcm[best : best + size]


def _thinned(pcm: bytes) -> bytes:
    """Means of neighbouring samples: the same sound at an eighth of the rate."""
    samples = array("h", pcm)
    return array(
        "h", (sum(samples[at : at + _COARSE]) // _COARSE for at in range(0, len(samples) - _COARSE + 1, _COARSE))
    ).tobytes()
