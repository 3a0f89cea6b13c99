"""Whether speech came through: compares recordings of two ends of a call."""

import wave
from array import array
from pathlib import Path
from statistics import median

from device.demo.measure import RATE_HZ, Likeness, Recording
from device.media import pcm as arithmetic
from device.media.pcm import SAMPLE_BYTES

SETTLE_S = 0.3
"""Speech is compared from so long after the answer: by then both sides send and play."""

TALK_S = 2.5
"""A talk long enough to be judged."""

LONGEST_DELAY_S = 0.4
"""From one phone's microphone to the other's ear, all on one machine."""

SETTLE_BYTES = int(SETTLE_S * RATE_HZ) * SAMPLE_BYTES

GOOD_CORRELATION = 0.9

SILENCE = 200
"""A root mean square below this, of 32768, is a pause between words."""

PIECE_BYTES = int(0.2 * RATE_HZ) * SAMPLE_BYTES
"""Speech is searched for in pieces of this length, so that a jump of a jitter buffer spoils but few of them."""

STEP_BYTES = PIECE_BYTES // 2

_COARSE = 2
"""Only every so many-th sample is looked at to find about where something is."""


def write_repeated(source: Path, target: Path, times: int) -> Path:
    """A WAV file that says the same several times, for programs that end a call at the end of the file."""
    with wave.open(str(source), "rb") as reader, wave.open(str(target), "wb") as writer:
        writer.setparams(reader.getparams())
        writer.writeframes(reader.readframes(reader.getnframes()) * times)
    return target


def judge(said: Recording, heard: Recording, answered_at: float, seconds: float = TALK_S) -> Likeness:
    """How what was heard for `seconds` from `answered_at` on, in monotonic seconds, resembles what was said then.

    Medians over short pieces. Raises AssertionError where hardly anything was heard.
    """
    first = int((answered_at + SETTLE_S - heard.started_at) * RATE_HZ) * SAMPLE_BYTES
    last = first + int((seconds - SETTLE_S) * RATE_HZ) * SAMPLE_BYTES
    found = [
        _compare_piece(said, heard, at)
        for at in range(first, min(last, len(heard.pcm)) - PIECE_BYTES + 1, STEP_BYTES)
        if arithmetic.rms(heard.pcm[at : at + PIECE_BYTES]) > SILENCE
    ]
    assert len(found) >= 3, "hardly any speech was heard"
    return Likeness(*(median(values) for values in zip(*found, strict=True)))


def _compare_piece(said: Recording, heard: Recording, at: int) -> tuple[float, float, float]:
    """Correlation, delay in seconds and gain of the piece that begins at byte `at` of what was heard."""
    piece = heard.pcm[at : at + PIECE_BYTES]
    heard_at = heard.started_at + at / SAMPLE_BYTES / RATE_HZ
    earliest = round((heard_at - LONGEST_DELAY_S - said.started_at) * RATE_HZ) * SAMPLE_BYTES % len(said.pcm)
    window = (said.pcm * 3)[earliest:][: PIECE_BYTES + int(LONGEST_DELAY_S * RATE_HZ) * SAMPLE_BYTES]
    offset, factor = arithmetic.fit(window, piece)
    loudness = arithmetic.rms(window[offset * SAMPLE_BYTES :][:PIECE_BYTES])
    gain = arithmetic.rms(piece) / max(1, loudness)
    # `factor` is what the piece must be multiplied by to be most like what was said.
    return factor * gain, LONGEST_DELAY_S - offset / RATE_HZ, gain


def search(said: bytes, heard: bytes) -> float:
    """The median correlation, 0 to 1, of pieces of `heard` with wherever in the looped `said` each fits best.

    For recordings of foreign programs, whose clock nobody knows. Both are PCM at 8 kHz; silent pieces do not count.
    """
    pieces = [heard[at : at + PIECE_BYTES] for at in range(0, len(heard) - PIECE_BYTES + 1, STEP_BYTES)]
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
