"""Mixing for conferences: everybody else to the bit, oneself never, and no distortion where many are loud."""

from array import array

import pytest

from device.media import pcm
from device.media.mix_minus import MixMinus
from device.media.tones import Sine

SAMPLES = 160


def tone(frequency_hz: int, amplitude: float = 0.2) -> bytes:
    return Sine(frequency_hz, 8000).stretch(0, SAMPLES, amplitude)


def summed(*frames: bytes) -> list[int]:
    return [sum(samples) for samples in zip(*map(pcm.to_array, frames), strict=True)]


def test_two_hear_each_other_and_one_alone_hears_silence() -> None:
    mixer: MixMinus[str] = MixMinus()
    assert mixer.mix({"a": tone(300), "b": tone(500)}) == {"a": tone(500), "b": tone(300)}
    assert mixer.mix({"a": tone(300)}) == {"a": bytes(2 * SAMPLES)}
    assert mixer.mix({}) == {}


@pytest.mark.parametrize("members", [3, 4, 9])
def test_each_hears_all_others_to_the_bit(members) -> None:
    frames = {number: tone(200 + 70 * number, 0.9 / members) for number in range(members)}
    for listener, heard in MixMinus[int]().mix(frames).items():
        assert list(pcm.to_array(heard)) == summed(*(frame for who, frame in frames.items() if who != listener))


def test_nobody_hears_himself_even_where_the_sum_of_all_is_far_too_loud() -> None:
    """The loud one hears the two quiet ones as they are, although all three together are above full scale."""
    loud = array("h", [32767, -32768] * (SAMPLES // 2)).tobytes()
    frames = {"loud": loud, "one": tone(300, 0.3), "two": tone(500, 0.3)}
    heard = MixMinus[str]().mix(frames)
    assert list(pcm.to_array(heard["loud"])) == summed(frames["one"], frames["two"])


def test_what_is_too_loud_is_weakened_and_not_cut_off() -> None:
    frames = {name: tone(400, 0.9) for name in "abc"}
    mixer: MixMinus[str] = MixMinus()
    heard = mixer.mix(frames)["a"]
    assert pcm.peak(heard) >= 32700
    factor = pcm.factor_of(heard, frames["b"])
    residue = [
        abs(mixed - factor * said) for mixed, said in zip(pcm.to_array(heard), pcm.to_array(frames["b"]), strict=True)
    ]
    assert max(residue) < 2


def test_it_becomes_as_loud_as_before_within_a_second() -> None:
    mixer: MixMinus[str] = MixMinus()
    mixer.mix({name: tone(400, 0.9) for name in "abc"})
    quiet = {name: tone(400, 0.1) for name in "abc"}
    levels = [pcm.peak(mixer.mix(quiet)["a"]) for _ in range(50)]
    assert levels[0] < 0.62 * levels[-1]
    assert sorted(levels) == levels
    assert list(pcm.to_array(mixer.mix(quiet)["a"])) == summed(quiet["b"], quiet["c"])


def test_256_voices_at_full_scale_do_not_overflow() -> None:
    loud = array("h", [32767] * SAMPLES).tobytes()
    heard = MixMinus[int]().mix(dict.fromkeys(range(pcm.ROOM_FOR_VOICES), loud))
    assert min(pcm.to_array(heard[0])) >= 32700
