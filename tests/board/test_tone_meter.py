"""Tones that are known are measured right."""

from array import array
from math import pi, sin
from random import Random

import pytest

from tests.board.tone_meter import find_tone


def sine(frequency_hz: float, amplitude: float, seconds: float = 0.6, noise: float = 0.0) -> bytes:
    chance = Random(7)
    values = (
        amplitude * sin(2 * pi * frequency_hz * n / 8000) + chance.uniform(-noise, noise)
        for n in range(int(seconds * 8000))
    )
    return array("h", (int(value * 32767) for value in values)).tobytes()


@pytest.mark.parametrize("frequency_hz", [350.0, 425.0, 440.3])
def test_frequency_level_and_purity_of_a_sine(frequency_hz) -> None:
    tone = find_tone(bytes(8000) + sine(frequency_hz, 0.1), 300, 700)
    assert tone.frequency_hz == pytest.approx(frequency_hz, abs=0.2)
    assert tone.level_db == pytest.approx(-20.0, abs=0.1)
    assert tone.purity == pytest.approx(1.0, abs=0.01)


def test_noise_is_no_tone() -> None:
    assert find_tone(sine(425, 0.0, noise=0.3), 300, 700).purity < 0.1
