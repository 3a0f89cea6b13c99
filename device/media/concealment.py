"""What is heard in place of lost packets: the last pitch periods repeated and faded, after ITU-T G.711 Appendix I."""

from collections import deque

from device.media import pcm
from device.media.bridging import bridge
from device.media.stream_parameters import FRAME_MS

PITCH_MIN_MS = 5.0
PITCH_MAX_MS = 15.0
"""Periods of voices from 66 to 200 Hz; higher ones repeat in two or three periods just as well (Appendix I)."""
_TEMPLATE_MS = 20.0
_HISTORY_MS = 50.0
_OVERLAP_MS = 4.0
"""Cross-fade where the repeated part meets itself, and where true sound begins again."""
_HOLD_MS = 10.0
"""Full loudness so long, then down to silence at the end of _FADE_MS."""
_FADE_MS = 150.0
"""Appendix I is silent after 60 ms; up to here the score of bursts of losses grows (PESQ by 0.2), and no further."""
_STEP_MS = 5.0
_QUIET = 30
"""Loudness (RMS of 32767) below which a stretch is background, not speech."""


class Concealer:
    """Remembers the last 50 ms that were played and goes on from there when nothing comes.

    Give it every decoded fragment through `play`, in order; ask `conceal` for what is missing.
    """

    __slots__ = (
        "_at",
        "_concealed",
        "_cycle",
        "_keep",
        "_octets",
        "_overlap",
        "_period",
        "_periods",
        "_rate_hz",
        "_recent",
    )

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._keep = pcm.SAMPLE_BYTES * pcm.samples_in(_HISTORY_MS, rate_hz)
        self._overlap = pcm.samples_in(_OVERLAP_MS, rate_hz)
        self._recent: deque[bytes] = deque()
        """The fragments that the last 50 ms are in, put together only when something is missing."""
        self._octets = 0
        self._cycle = b""
        self._at = 0
        self._concealed = 0
        self._periods = 0
        self._period = 0

    @property
    def is_silent(self) -> bool:
        """Concealment has faded out, or there was nothing to go on from."""
        return not self._octets or self._concealed >= pcm.samples_in(_FADE_MS, self._rate_hz)

    def play(self, fragment: bytes) -> bytes:
        """True sound: returned as it is, or with its first milliseconds blended in after a concealment."""
        if self._concealed:
            overlap = min(self._overlap, len(fragment) // pcm.SAMPLE_BYTES)
            size = pcm.SAMPLE_BYTES * overlap
            fragment = pcm.cross_fade(self._continue(overlap), fragment[:size]) + fragment[size:]
            self._concealed = 0
        self._remember(fragment)
        return fragment

    def conceal(self, samples: int) -> bytes:
        """So many samples to fill a gap; silence once faded out."""
        return pcm.silence(samples) if self.is_silent else self._continue(samples)

    def bridge(self, samples: int, following: bytes) -> bytes:
        """So many samples to fill the gap up to `following`, the sound that has come and is to be played next."""
        if self.is_silent or not following:
            return self.conceal(samples)
        start = self._concealed
        reach = samples + pcm.samples_in(PITCH_MAX_MS, self._rate_hz) + pcm.samples_in(_STEP_MS, self._rate_hz)
        onward = self._continue(reach, fading=start > 0)
        self._concealed = 0
        piece = bridge(onward, following, samples, self._rate_hz, max(1, self._period))
        self._remember(piece)
        return piece

    def _remember(self, fragment: bytes) -> None:
        recent = self._recent
        recent.append(fragment)
        self._octets += len(fragment)
        while self._octets - (oldest := len(recent[0])) >= self._keep:
            recent.popleft()
            self._octets -= oldest

    @property
    def _history(self) -> bytes:
        return b"".join(self._recent)[-self._keep :]

    def reset(self) -> None:
        """Forget the past: the next sound has nothing to do with it."""
        self._recent.clear()
        self._octets = 0
        self._concealed = 0

    def _continue(self, samples: int, fading: bool = True) -> bytes:
        fade_from = self._concealed
        if not fade_from:
            self._period = self._find_period()
            self._periods = 0
        wanted = 1 + fade_from // pcm.samples_in(FRAME_MS / 2, self._rate_hz)
        if self._periods < min(wanted, 3):
            self._lengthen(min(wanted, 3))
        piece = self._next_of_cycle(samples)
        self._concealed = fade_from + samples
        return self._fade(piece, fade_from) if fading else piece

    def _find_period(self) -> int:
        """The lag in samples at which the end of the history looks most like what came before it."""
        template = pcm.SAMPLE_BYTES * pcm.samples_in(_TEMPLATE_MS, self._rate_hz)
        shortest = pcm.samples_in(PITCH_MIN_MS, self._rate_hz)
        longest = pcm.samples_in(PITCH_MAX_MS, self._rate_hz)
        history = self._history
        end = history[-template:]
        before = history[-template - pcm.SAMPLE_BYTES * longest : -pcm.SAMPLE_BYTES * shortest]
        if len(before) < len(end) or pcm.rms(end) < _QUIET:
            return min(longest, len(history) // pcm.SAMPLE_BYTES)
        return longest - pcm.best_match(before, end)

    def _lengthen(self, periods: int) -> None:
        """Repeat that many periods instead of one: a single one buzzes when it is heard for long (Appendix I)."""
        history = self._history
        have = len(history) // pcm.SAMPLE_BYTES
        length = min(periods * self._period, have)
        cycle = history[-pcm.SAMPLE_BYTES * length :]
        overlap = min(self._overlap, have - length)
        if overlap > 0:
            # The end of the cycle blends into what came before its beginning, so that the seam is not heard.
            size = pcm.SAMPLE_BYTES * overlap
            before = history[-len(cycle) - size : -len(cycle)]
            cycle = cycle[:-size] + pcm.cross_fade(cycle[-size:], before)
        if self._periods:
            self._at %= max(1, self._period)
        else:
            self._at = 0
        self._cycle, self._periods = cycle, periods

    def _next_of_cycle(self, samples: int) -> bytes:
        length = len(self._cycle) // pcm.SAMPLE_BYTES
        repeated = self._cycle * (2 + samples // length)
        start = pcm.SAMPLE_BYTES * self._at
        self._at = (self._at + samples) % length
        return repeated[start : start + pcm.SAMPLE_BYTES * samples]

    def _fade(self, piece: bytes, start: int) -> bytes:
        """Full for the first 10 ms, then evenly down to nothing."""
        hold = pcm.samples_in(_HOLD_MS, self._rate_hz)
        length = pcm.samples_in(_FADE_MS, self._rate_hz) - hold
        count = len(piece) // pcm.SAMPLE_BYTES
        kept = max(0, min(count, hold - start))
        size = pcm.SAMPLE_BYTES * kept
        first = 1 - max(0, start - hold) / length
        last = first - (count - kept) / length
        return piece[:size] + pcm.ramp(piece[size:], first, last)
