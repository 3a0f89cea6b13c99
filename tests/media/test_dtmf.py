"""Digits in the speech band: the right two frequencies (ITU-T Q.23) and nothing else."""

import pytest

from device.media import pcm
from device.media.dtmf import digit_generator
from tests.media.goertzel import level_db

ALL_HZ = (697, 770, 852, 941, 1209, 1336, 1477, 1633)
KEYS = {
    "1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "A": (697, 1633),
    "4": (770, 1209), "5": (770, 1336), "6": (770, 1477), "B": (770, 1633),
    "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "C": (852, 1633),
    "*": (941, 1209), "0": (941, 1336), "#": (941, 1477), "D": (941, 1633),
}  # fmt: skip


@pytest.mark.parametrize(("digit", "frequencies"), KEYS.items())
def test_each_key_has_its_two_frequencies(digit: str, frequencies: tuple[int, int]) -> None:
    sound = digit_generator(digit, 120, 80, 8000).next_frame(960)[160:-160]
    for frequency in ALL_HZ:
        if frequency in frequencies:
            assert level_db(sound, frequency, 8000) == pytest.approx(-9, abs=0.5)
        else:
            assert level_db(sound, frequency, 8000) < -24


def test_length_and_pause() -> None:
    generator = digit_generator("5", 60, 40, 8000)
    sound = generator.next_frame(800)
    assert pcm.peak(sound[2 * 440 : 2 * 478]) > 1000
    assert pcm.peak(sound[2 * 480 :]) == 0
    assert generator.finished


def test_small_letters_are_keys_too() -> None:
    assert digit_generator("b", 60, 40, 8000).next_frame(80) == digit_generator("B", 60, 40, 8000).next_frame(80)


@pytest.mark.parametrize("digit", ["", "E", "12", " "])
def test_what_is_no_key_is_refused(digit: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        digit_generator(digit, 60, 40, 8000)
