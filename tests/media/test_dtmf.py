"""Digits in the speech band: the right two frequencies (ITU-T Q.23) and nothing else."""

import pytest

from device.media import pcm
from device.media.dtmf import DigitTone
from tests.media.goertzel import level_db

ALL_HZ = (697, 770, 852, 941, 1209, 1336, 1477, 1633)
KEYS = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "A": (697, 1633),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477), "B": (770, 1633),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "C": (852, 1633),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477), "D": (941, 1633),
}  # fmt: skip


LEVEL = -8.0


@pytest.mark.parametrize(("digit", "frequencies"), KEYS.items())
def test_each_key_has_its_two_frequencies_the_higher_a_little_louder(digit: str, frequencies: tuple[int, int]) -> None:
    sound = DigitTone(digit, 120, 80, 8000, LEVEL).next_frame(960)[160:-160]
    for frequency in ALL_HZ:
        if frequency == frequencies[1]:
            assert level_db(sound, frequency, 8000) == pytest.approx(LEVEL - 3.14, abs=0.5)
        elif frequency == frequencies[0]:
            assert level_db(sound, frequency, 8000) == pytest.approx(LEVEL - 3.14 - 2, abs=0.5)
        else:
            assert level_db(sound, frequency, 8000) < -26


def test_length_and_pause() -> None:
    tone = DigitTone("5", 60, 40, 8000, LEVEL)
    sound = tone.next_frame(800)
    assert pcm.peak(sound[2 * 440 : 2 * 478]) > 1000
    assert pcm.peak(sound[2 * 480 :]) == 0
    assert tone.finished


def test_small_letters_are_keys_too() -> None:
    tones = [DigitTone(digit, 60, 40, 8000, LEVEL).next_frame(80) for digit in "bB"]
    assert tones[0] == tones[1]


@pytest.mark.parametrize("digit", ["", "E", "12", " "])
def test_what_is_no_key_is_refused(digit: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        DigitTone(digit, 60, 40, 8000, LEVEL)
