"""Finds keypad digits in the sound of a call (ITU-T Q.23, Q.24); loaded for the calls that need it.

Sums of products are taken in C (audioop), so that a frame of speech costs sixteen calls and no loop in Python. Only
where two of the frequencies make up most of a frame is it looked at again, every 4 ms, for length, purity, levels and
the exact frequencies, which show in how far the phase moves from step to step.
"""

from array import array
from cmath import phase as angle_of
from itertools import pairwise
from math import cos, pi, sin

from device.annotations import Final
from device.media import pcm
from device.media.dtmf import COLUMNS_HZ, FULL_SCALE_DBM0, KEYS, ROWS_HZ

WINDOW_MS: Final = 20
"""A window that rises and falls as a raised cosine: the other six frequencies are 30 dB down and more."""
STEP_MS: Final = 4
LEAST_DBM0: Final = -36.0
"""Of each of the two tones. Q.24 asks for -25 to -29 at least; a longer line costs some more."""
MOST_TWIST_DB: Final = 6.0
"""The higher tone over the lower one; Q.24 annex A asks for 4 to 6."""
MOST_REVERSE_TWIST_DB: Final = 10.0
"""The lower tone over the higher one; Q.24 annex A asks for 8 to 10."""
MOST_DEVIATION: Final = 0.025
"""Of the frequency: between the 1.5 % that are to be taken and the 3.5 % that are not (Q.24)."""
LEAST_STEPS: Final = 8
"""So many steps, 32 ms, at more than half of the tone's amplitude: between 40 ms, to be taken, and 23 ms, not."""
PURE: Final = 0.88
"""Share of the two tones in all the sound; noise 15 dB below them leaves 0.97, a voice mostly less."""
_FAIRLY_PURE: Final = 0.65
"""The same of a single window, where tones that are out of tune count for less."""
LEAST_PURE_STEPS: Final = 4
PAUSE_STEPS: Final = 7
"""A key is released when it has not been there for so long, 28 ms: a break of 10 ms is none (Q.24)."""
_PROMISING: Final = 0.35
"""Share of the two strongest frequencies in a frame that is looked at again."""
_HOT_FRAMES: Final = 3
_LOSS_BY_DETUNING: Final = 0.0175
"""The window's answer to a tone that turns by x radians too much or too little within it is 1 / (1 + 0.0175 x^2)."""

_FREQUENCIES: Final = (*ROWS_HZ, *COLUMNS_HZ)
_LEAST: Final = pcm.FULL_SCALE * pcm.amplitude(LEAST_DBM0 - FULL_SCALE_DBM0)
_QUIET: Final = int(0.8 * _LEAST)
"""RMS below which a frame holds no digit: two tones at the limit have that of one amplitude."""


class _Probe:
    """Measures one frequency in a window of samples: amplitude and phase as a complex number."""

    __slots__ = ("_cosine", "_cosine_scale", "_sine", "_sine_scale", "turn")

    def __init__(self, frequency_hz: int, rate_hz: int) -> None:
        length = pcm.samples_in(WINDOW_MS, rate_hz)
        window = [0.5 - 0.5 * cos(2 * pi * (n + 0.5) / length) for n in range(length)]
        step = 2 * pi * frequency_hz / rate_hz
        self._cosine, self._cosine_scale = _reference(window, [cos(step * n) for n in range(length)])
        self._sine, self._sine_scale = _reference(window, [-sin(step * n) for n in range(length)])
        self.turn = step * pcm.samples_in(STEP_MS, rate_hz)
        """Radians by which its phase moves in a step."""

    def measure(self, window: bytes) -> complex:
        return complex(
            pcm.factor_of(window, self._cosine) * self._cosine_scale,
            pcm.factor_of(window, self._sine) * self._sine_scale,
        )

    def deviation(self, moves: list[complex]) -> float:
        """How far off the frequency is, as a share of it, by what each step turned the phase by; 1 when unknown."""
        back = complex(cos(self.turn), -sin(self.turn))
        return sum(angle_of(move * back) for move in moves) / len(moves) / self.turn if moves else 1.0

    def weakened(self, deviation: float) -> float:
        """By which factor the window shows the power of a tone as too small that is so far out of tune."""
        return (1 + _LOSS_BY_DETUNING * (deviation * self.turn * WINDOW_MS / STEP_MS) ** 2) ** 2


def _reference(window: list[float], wave: list[float]) -> tuple[bytes, float]:
    """What to correlate with, and what makes an amplitude in samples of the factor found."""
    samples = array("h", [round(pcm.FULL_SCALE * height * value) for height, value in zip(window, wave, strict=True)])
    power = sum(sample * sample for sample in samples)
    return pcm.from_array(samples), 2 * power / (pcm.FULL_SCALE * sum(window))


class _Step:
    """One window: the strongest frequency of each group, and whether there is nothing else."""

    __slots__ = ("at", "high", "high_share", "key", "low", "low_share", "pure")

    def __init__(self, at: int, window: bytes, probes: list[_Probe]) -> None:
        self.at = at
        """Its number."""
        found = [probe.measure(window) for probe in probes]
        powers = [abs(value) ** 2 for value in found]
        row = max(range(4), key=powers.__getitem__)
        column = max(range(4, 8), key=powers.__getitem__)
        self.key = (row, column)
        self.low, self.high = found[row], found[column]
        total = max(1.0, 2.0 * pcm.rms(window) ** 2)
        self.low_share, self.high_share = powers[row] / total, powers[column] / total
        self.pure = self.low_share + self.high_share > _FAIRLY_PURE

    @property
    def is_loud(self) -> bool:
        """Whether a digit at the lower limit has come half into the window."""
        return 2 * min(abs(self.low), abs(self.high)) > _LEAST


class DigitDetector:
    """Give it every frame of 20 ms in order; it tells each digit once, 30 to 60 ms after it began."""

    __slots__ = (
        *("_at", "_before", "_frame_octets", "_hot", "_key", "_missing", "_probes", "_step_octets", "_steps", "_told"),
        "rate_hz",
    )

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._probes = [_Probe(frequency, rate_hz) for frequency in _FREQUENCIES]
        self._frame_octets = pcm.SAMPLE_BYTES * pcm.samples_in(WINDOW_MS, rate_hz)
        self._step_octets = pcm.SAMPLE_BYTES * pcm.samples_in(STEP_MS, rate_hz)
        self._before = bytes(self._frame_octets)
        self._at = 0
        self._hot = 0
        """Frames that are still to be looked at closely."""
        self._steps: list[_Step] = []
        """Of the key that seems to be pressed."""
        self._key = (0, 0)
        self._missing = 0
        self._told = False

    def take(self, frame: bytes) -> str:
        """The digits that became certain with this frame: mostly none."""
        if self._is_promising(frame):
            self._hot = _HOT_FRAMES
        digits = ""
        if self._hot:
            self._hot -= 1
            sound = self._before + frame
            for start in range(self._step_octets, self._frame_octets + 1, self._step_octets):
                self._at += 1
                digits += self._follow(_Step(self._at, sound[start : start + self._frame_octets], self._probes))
            if not self._hot:
                self._release()
        self._before = frame
        return digits

    def _is_promising(self, frame: bytes) -> bool:
        rms = pcm.rms(frame)
        if rms < _QUIET:
            return False
        powers = [abs(probe.measure(frame)) ** 2 for probe in self._probes]
        return max(powers[:4]) + max(powers[4:]) > _PROMISING * 2 * rms * rms

    def _release(self) -> None:
        self._steps, self._missing, self._told = [], 0, False

    def _follow(self, step: _Step) -> str:
        """Take one step; gives the digit when it has become certain."""
        if not step.is_loud or (self._steps and step.key != self._key and not step.pure):
            self._missing += 1
            if self._missing >= PAUSE_STEPS:
                self._release()
            return ""
        if step.key != self._key:
            self._release()
            self._key = step.key
        if self._is_much_weaker(step):
            self._missing += 1
            if self._missing >= PAUSE_STEPS:
                self._release()
            return ""
        self._missing = 0
        self._steps.append(step)
        if self._told or not self._is_certain():
            del self._steps[: -2 * LEAST_STEPS]
            return ""
        self._told = True
        row, column = self._key
        return KEYS[4 * row + column - 4]

    def _is_much_weaker(self, step: _Step) -> bool:
        """Whether the key has been released and only its end is still in the window."""
        return bool(self._steps) and (
            2 * abs(step.low) < max(abs(one.low) for one in self._steps)
            or 2 * abs(step.high) < max(abs(one.high) for one in self._steps)
        )

    def _is_certain(self) -> bool:
        low = max(abs(one.low) for one in self._steps)
        high = max(abs(one.high) for one in self._steps)
        steps = [one for one in self._steps if 2 * abs(one.low) >= low and 2 * abs(one.high) >= high]
        if len(steps) < LEAST_STEPS or min(low, high) < _LEAST:
            return False
        twist = high / low
        if not pcm.amplitude(-MOST_REVERSE_TWIST_DB) <= twist <= pcm.amplitude(MOST_TWIST_DB):
            return False
        pure = [one for one in steps if one.pure]
        if len(pure) < LEAST_PURE_STEPS or 2 * len(pure) < len(steps):
            return False
        together = [(one, after) for one, after in pairwise(pure) if after.at == one.at + 1]
        row, column = (self._probes[index] for index in self._key)
        low_off = row.deviation([after.low / one.low for one, after in together])
        high_off = column.deviation([after.high / one.high for one, after in together])
        if max(abs(low_off), abs(high_off)) > MOST_DEVIATION:
            return False
        share = sum(one.low_share for one in pure) * row.weakened(low_off)
        share += sum(one.high_share for one in pure) * column.weakened(high_off)
        return share > PURE * len(pure)
