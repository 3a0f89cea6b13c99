"""Change of sample rate between the card and the codec, streaming.

Whole ratios (8, 16, 24, 32, 48 kHz among each other) go through short filters that keep images and aliases some 45 dB
down; the rest, 44.1 kHz above all, is helped by the linear interpolation of audioop at a rate well above the need.
"""

from array import array
from math import ceil, pi, sin

from device.media import pcm

PASS_SHARE = 0.425
"""Of the lower rate: 3.4 kHz at 8 kHz goes through untouched."""
STOP_SHARE = 0.575
"""From here on a frequency would fold back into what goes through."""
STOP_DB = 45.0
_BETA = 0.5842 * (STOP_DB - 21) ** 0.4 + 0.07886 * (STOP_DB - 21)
"""Shape of Kaiser's window for STOP_DB (Kaiser 1974)."""
_NEGLIGIBLE = 1e-5
OVERSAMPLING = 4
"""Linear interpolation works at so many times the lower rate, where its images can still be filtered out."""


class Resampler:
    """Converts S16LE mono from one rate to another, keeping its state between fragments."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._stages = _stages(from_hz, to_hz)

    def convert(self, pcm: bytes) -> bytes:
        """The samples at the new rate. Whole 10 ms in give whole 10 ms out, except at the first from or to 44.1 kHz."""
        for stage in self._stages:
            pcm = stage.convert(pcm)
        return pcm

    def reset(self) -> None:
        """Forget the past, as after a gap."""
        self._stages = _stages(self.from_hz, self.to_hz)


class _Interpolator:
    """Up by a whole factor: one short filter for each of the output's phases, then interleaved."""

    def __init__(self, factor: int, taps: list[float]) -> None:
        self._factor = factor
        # Tap k of phase p is tap k * factor + p of the whole filter; the factor makes up for the zeros in between.
        self._phases = [_ordered([factor * tap for tap in taps[phase::factor]]) for phase in range(factor)]
        self._past = pcm.silence(len(taps) // factor)

    def convert(self, fragment: bytes) -> bytes:
        if not fragment:
            return b""
        whole = self._past + fragment
        past, size = len(self._past), len(fragment)
        out = array("h", bytes(size * self._factor))
        view = memoryview(whole)
        for phase, taps in enumerate(self._phases):
            pieces = [(view[past - 2 * k : past - 2 * k + size], tap) for k, tap in taps]
            out[phase :: self._factor] = array("h", pcm.weighted_sum(pieces))
        self._past = whole[size:]
        return out.tobytes()


class _Decimator:
    """Down by a whole factor: the filter is computed only for the samples that stay."""

    def __init__(self, factor: int, taps: list[float]) -> None:
        self._factor = factor
        self._order = len(taps) - 1
        self._taps = _ordered(taps)
        self._past = pcm.silence(self._order)

    def convert(self, fragment: bytes) -> bytes:
        whole = self._past + fragment
        count = max(0, (len(whole) // pcm.SAMPLE_BYTES - self._order) // self._factor)
        samples = array("h", whole)
        phases = [memoryview(samples[phase :: self._factor].tobytes()) for phase in range(self._factor)]
        pieces = []
        for k, tap in self._taps:
            first, phase = divmod(self._order - k, self._factor)
            pieces.append((phases[phase][2 * first : 2 * (first + count)], tap))
        self._past = whole[pcm.SAMPLE_BYTES * count * self._factor :]
        return pcm.weighted_sum(pieces)


def _ordered(taps: list[float]) -> list[tuple[int, float]]:
    """(place, tap) with the smallest first, as `weighted_sum` wants them; taps of nearly nothing are left out."""
    return sorted(((k, tap) for k, tap in enumerate(taps) if abs(tap) > _NEGLIGIBLE), key=lambda pair: abs(pair[1]))


class _Linear:
    """Any ratio by linear interpolation, for signals far below half of either rate."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._converter = pcm.RateConverter(from_hz, to_hz)

    def convert(self, fragment: bytes) -> bytes:
        return self._converter.convert(fragment)


_Stage = _Interpolator | _Decimator | _Linear


def _stages(from_hz: int, to_hz: int) -> list[_Stage]:
    if from_hz < to_hz:
        factor = to_hz // from_hz if to_hz % from_hz == 0 else OVERSAMPLING
        stages = _interpolators(from_hz, factor)
        return stages if from_hz * factor == to_hz else [*stages, _Linear(from_hz * factor, to_hz)]
    if from_hz > to_hz:
        if from_hz % to_hz == 0:
            return _decimators(from_hz, from_hz // to_hz, to_hz)
        return [_Linear(from_hz, to_hz * OVERSAMPLING), *_decimators(to_hz * OVERSAMPLING, OVERSAMPLING, to_hz)]
    return []


def _interpolators(from_hz: int, factor: int) -> list[_Stage]:
    """Small factors first: the sharp filter then works at the lowest rate, where it is short."""
    stages: list[_Stage] = []
    rate = from_hz
    for part in _prime_factors(factor):
        stages.append(_Interpolator(part, _low_pass(PASS_SHARE * from_hz, rate - PASS_SHARE * from_hz, rate * part)))
        rate *= part
    return stages


def _decimators(from_hz: int, factor: int, to_hz: int) -> list[_Stage]:
    """Large factors first, for the same reason."""
    stages: list[_Stage] = []
    rate = from_hz
    for part in reversed(_prime_factors(factor)):
        rest = rate // part
        stages.append(_Decimator(part, _low_pass(PASS_SHARE * to_hz, rest - PASS_SHARE * to_hz, rate)))
        rate = rest
    return stages


def _prime_factors(number: int) -> list[int]:
    factors = []
    divisor = 2
    while number > 1:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    return factors


def _low_pass(pass_hz: float, stop_hz: float, rate_hz: int) -> list[float]:
    """A linear-phase filter by Kaiser's window: odd length, gain 1 at zero."""
    half = ceil((STOP_DB - 7.95) / (14.36 * (stop_hz - pass_hz) / rate_hz) / 2)
    cut_off = (pass_hz + stop_hz) / 2 / rate_hz
    taps = []
    for n in range(-half, half + 1):
        ideal = 2 * cut_off if n == 0 else sin(2 * pi * cut_off * n) / (pi * n)
        taps.append(ideal * _bessel(_BETA * (1 - (n / half) ** 2) ** 0.5) / _bessel(_BETA))
    total = sum(taps)
    return [tap / total for tap in taps]


def _bessel(x: float) -> float:
    """The modified Bessel function of order zero."""
    total = term = 1.0
    k = 1
    while term > 1e-9 * total:
        term *= (x / 2 / k) ** 2
        total += term
        k += 1
    return total
