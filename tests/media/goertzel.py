"""Measures single frequencies in PCM, as a tone detector does."""

from math import cos, log10, pi, sqrt

from device.media import pcm


def level_db(sound: bytes, frequency_hz: float, rate_hz: int) -> float:
    """Level of one frequency in dB below a full-scale sine, by Goertzel's algorithm."""
    samples = pcm.to_array(sound)
    coefficient = 2 * cos(2 * pi * frequency_hz / rate_hz)
    older = old = 0.0
    for sample in samples:
        older, old = old, sample + coefficient * old - older
    power = older * older + old * old - coefficient * older * old
    amplitude = 2 * sqrt(max(power, 0.0)) / len(samples) / pcm.FULL_SCALE
    return 20 * log10(max(amplitude, 1e-6))
