"""Measures a tone in a recording: its frequency, level and purity."""

from math import cos, log10, pi, sin, sqrt
from typing import NamedTuple

from device.demo.measure import RATE_HZ
from device.media import pcm as arithmetic

FULL_SCALE = 32767
WINDOW_S = 0.4


class Tone(NamedTuple):
    """A sine that was found."""

    frequency_hz: float
    level_db: float
    """Of its peak, below full scale."""
    purity: float
    """Part of the power that is in it, 1 for a pure sine."""


def find_tone(pcm: bytes, lowest_hz: float, highest_hz: float) -> Tone:
    """The strongest sine between two frequencies in mono PCM at 8 kHz: in the purest of its loud stretches."""
    return max(
        (_measure(stretch, lowest_hz, highest_hz) for stretch in _loud_stretches(pcm)), key=lambda tone: tone.purity
    )


def _measure(stretch: memoryview, lowest_hz: float, highest_hz: float) -> Tone:
    samples = [sample / FULL_SCALE for sample in stretch]
    # A Hann window, so that no edge of the stretch counts.
    count = len(samples)
    weights = [0.5 - 0.5 * cos(2 * pi * n / count) for n in range(count)]
    weighted = [weight * sample for weight, sample in zip(weights, samples, strict=True)]
    low, high, step = lowest_hz, highest_hz, 2.0
    best = low
    while step > 0.04:
        tries = [low + number * step for number in range(int((high - low) / step) + 1)]
        best = max(tries, key=lambda hz: amplitude(weighted, hz))
        low, high, step = best - step, best + step, step / 5
    peak = 2 * amplitude(weighted, best) / (sum(weights) / count)
    power = sum(sample * sample for sample in samples) / count
    return Tone(best, 20 * log10(max(peak, 1e-9)), peak * peak / 2 / max(power, 1e-12))


def amplitude(samples: list[float], frequency_hz: float) -> float:
    """How much of one frequency there is, as the mean of its products."""
    step = 2 * pi * frequency_hz / RATE_HZ
    in_phase = sum(sample * cos(step * n) for n, sample in enumerate(samples))
    across = sum(sample * sin(step * n) for n, sample in enumerate(samples))
    return sqrt(in_phase * in_phase + across * across) / len(samples)


def _loud_stretches(pcm: bytes) -> list[memoryview]:
    """The stretches of WINDOW_S that are hardly less loud than the loudest one, five at most."""
    size = int(WINDOW_S * RATE_HZ) * 2
    found = [pcm[start : start + size] for start in range(0, max(1, len(pcm) - size), size // 2 & ~1)]
    levels = [arithmetic.rms(stretch) for stretch in found]
    loud = [stretch for stretch, level in zip(found, levels, strict=True) if level >= 0.97 * max(levels)]
    return [memoryview(stretch).cast("h") for stretch in loud[:5]]
