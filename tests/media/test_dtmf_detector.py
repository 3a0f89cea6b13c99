"""The detector of digits at the limits of ITU-T Q.24, in noise, with breaks, and with speech that is none."""

import random
import wave
from array import array
from math import pi, sin, sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import pcm
from device.media.codecs import native
from device.media.dtmf import COLUMNS_HZ, FULL_SCALE_DBM0, KEYS, ROWS_HZ
from device.media.dtmf_detector import DigitDetector
from device.media.errors import CodecUnavailableError

SOUNDS = Path(__file__).parents[2] / "device" / "demo" / "sounds"


class Sender:
    """Makes sound with keys in it, by sines of any frequency; the phases and where a key begins are random."""

    def __init__(self, seed: int = 1, rate_hz: int = 8000) -> None:
        self.chance = random.Random(seed)
        self.rate_hz = rate_hz
        self.sound: list[float] = []
        self.power = 0.0

    def pause(self, ms: float) -> "Sender":
        self.sound += [0.0] * round(ms * self.rate_hz / 1000)
        return self

    def key(
        self,
        key: str,
        ms: float = 50,
        levels_dbm0: tuple[float, float] = (-10, -10),
        off: tuple[float, float] = (0.0, 0.0),
        off_hz: tuple[float, float] = (0.0, 0.0),
    ) -> "Sender":
        """`off` is a share of the frequency; low tone first."""
        index = KEYS.index(key)
        self.power = 0.0
        count = round(ms * self.rate_hz / 1000)
        burst = [0.0] * count
        for frequency, level, share, hz in zip(
            (ROWS_HZ[index // 4], COLUMNS_HZ[index % 4]), levels_dbm0, off, off_hz, strict=True
        ):
            amplitude = pcm.FULL_SCALE * pcm.amplitude(level - FULL_SCALE_DBM0)
            self.power += amplitude * amplitude / 2
            step, start = 2 * pi * (frequency * (1 + share) + hz) / self.rate_hz, self.chance.uniform(0, 2 * pi)
            burst = [value + amplitude * sin(start + step * n) for n, value in enumerate(burst)]
        self.sound += burst
        return self

    def heard(self, noise_db: float | None = None, through=lambda sound: sound) -> str:
        """What the detector finds; `noise_db` is white noise so far below the last key."""
        self.pause(100)
        if noise_db is not None:
            deviation = sqrt(self.power) * pcm.amplitude(-noise_db)
            self.sound = [value + self.chance.gauss(0, deviation) for value in self.sound]
        clipped = array("h", [max(-32768, min(32767, round(value))) for value in self.sound])
        return detect(through(pcm.from_array(clipped)), self.rate_hz)


def detect(sound: bytes, rate_hz: int = 8000) -> str:
    detector, octets = DigitDetector(rate_hz), pcm.SAMPLE_BYTES * rate_hz // 50
    return "".join(detector.take(sound[at : at + octets]) for at in range(0, len(sound) - octets + 1, octets))


def all_keys(noise_db: float | None = None, rate_hz: int = 8000, rounds: int = 2, **how: object) -> set[str]:
    """What is heard of each key at random places; the empty set when every one is heard once and right."""
    wrong = set()
    for seed in range(rounds):
        for key in KEYS:
            sender = Sender(f"{seed}{key}", rate_hz)  # type: ignore[arg-type]
            sender.pause(sender.chance.uniform(0, 60)).key(key, **how)  # type: ignore[arg-type]
            heard = sender.heard(noise_db)
            if heard != key:
                wrong.add(f"{key}: {heard}")
    return wrong


TAKEN = {
    "40 ms": {"ms": 40},
    "as loud as can be": {"levels_dbm0": (0, 0)},
    "-25 dBm0": {"ms": 40, "levels_dbm0": (-25, -25)},
    "-35 dBm0": {"ms": 40, "levels_dbm0": (-35, -35)},
    "1.5 % and 2 Hz too high": {"ms": 40, "off": (0.015, 0.015), "off_hz": (2, 2)},
    "1.5 % and 2 Hz too low": {"ms": 40, "off": (-0.015, -0.015), "off_hz": (-2, -2)},
    "1.5 % apart": {"ms": 40, "off": (0.015, -0.015)},
    "higher tone 4 dB louder": {"ms": 40, "levels_dbm0": (-12, -8)},
    "lower tone 8 dB louder": {"ms": 40, "levels_dbm0": (-6, -14)},
    "noise at 15 dB": {"ms": 40, "noise_db": 15},
    "all at once": {"ms": 40, "off": (-0.015, 0.015), "levels_dbm0": (-22, -25), "noise_db": 18},
    "two seconds": {"ms": 2000},
    "at 16 kHz": {"ms": 40, "off": (0.015, -0.015), "rate_hz": 16000, "noise_db": 18},
}
REFUSED = {
    "23 ms": {"ms": 23},
    "23 ms at 16 kHz": {"ms": 23, "rate_hz": 16000},
    "lower tone 3.5 % too high": {"off": (0.035, 0)},
    "lower tone 3.5 % too low": {"off": (-0.035, 0)},
    "higher tone 3.5 % too high": {"off": (0, 0.035)},
    "higher tone 3.5 % too low": {"off": (0, -0.035)},
    "both 3.5 % off for long": {"ms": 500, "off": (0.035, 0.035)},
    "-40 dBm0": {"levels_dbm0": (-40, -40)},
    "higher tone 9 dB louder": {"levels_dbm0": (-17, -8)},
    "lower tone 13 dB louder": {"levels_dbm0": (-5, -18)},
    "noise at 3 dB": {"noise_db": 3},
    "one tone alone": {"levels_dbm0": (-10, -90)},
}


@pytest.mark.parametrize("how", TAKEN.values(), ids=TAKEN)
def test_what_is_taken(how: dict[str, object]) -> None:
    assert all_keys(**how) == set()  # type: ignore[arg-type]


@pytest.mark.parametrize("how", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(how: dict[str, object]) -> None:
    assert all_keys(**how) == {f"{key}: " for key in KEYS}  # type: ignore[arg-type]


def test_a_break_of_ten_milliseconds_is_none() -> None:
    for seed in range(10):
        sender = Sender(seed)
        sender.pause(sender.chance.uniform(10, 40)).key("7", 40).pause(10).key("7", 40)
        assert sender.heard() == "7"


@pytest.mark.parametrize(("tone_ms", "pause_ms"), [(40, 30), (40, 40), (50, 45), (100, 100)])
def test_keys_in_quick_succession(tone_ms: int, pause_ms: int) -> None:
    digits = "1122334455667788990*#ABCD0000"
    for seed in range(3):
        sender = Sender(seed)
        sender.pause(sender.chance.uniform(0, 40))
        for digit in digits:
            sender.key(digit, tone_ms).pause(pause_ms)
        assert sender.heard(noise_db=20) == digits


@pytest.mark.parametrize(
    "through",
    [
        lambda sound: pcm.decode_ulaw(pcm.encode_ulaw(sound)),
        lambda sound: pcm.decode_alaw(pcm.encode_alaw(sound)),
    ],
    ids=["mu-law", "A-law"],
)
def test_through_g711(through) -> None:
    for level in (0, -20, -35):
        sender = Sender()
        for digit in KEYS:
            sender.key(digit, 60, (level, level)).pause(60)
        assert sender.heard(through=through) == KEYS


def test_a_digit_is_told_while_its_key_is_still_down() -> None:
    sender = Sender().key("5", 500)
    clipped = pcm.from_array(array("h", [round(value) for value in sender.sound]))
    assert detect(clipped[: 2 * 8 * 60]) == "5"


def test_noise_and_silence_are_no_digits() -> None:
    chance = random.Random(3)
    noise = array("h", [max(-32768, min(32767, round(chance.gauss(0, 4000)))) for _ in range(8000 * 20)])
    assert detect(pcm.from_array(noise)) == ""
    assert detect(bytes(16000)) == ""


@given(st.lists(st.tuples(st.sampled_from(KEYS + " ~"), st.integers(0, 90), st.integers(0, 32767)), max_size=12))
def test_nothing_that_is_heard_can_harm_it(pieces: list[tuple[str, int, int]]) -> None:
    """Keys, silence and noise of any length and level, one after the other."""
    sender = Sender()
    for key, ms, level in pieces:
        if key in KEYS:
            sender.key(key, ms, (level / 400 - 80, level / 400 - 80))
        else:
            sender.sound += [level * (sender.chance.choice((-1, 1)) if key == "~" else 0) for _ in range(8 * ms)]
    assert set(sender.heard()) <= set(KEYS)


def test_tones_of_telephone_networks_are_no_digits() -> None:
    """Dial, ringback, busy and special information tones, and the other signalling of two frequencies (MF, R1)."""
    for frequencies in [(350, 440), (440, 480), (480, 620), (425,), (950,), (1400,), (1800,), (700, 900), (1100, 1700)]:
        waves = [sum(7000 * sin(2 * pi * hz * n / 8000) for hz in frequencies) for n in range(8000)]
        assert detect(pcm.from_array(array("h", map(round, waves)))) == "", frequencies


@pytest.mark.parametrize("path", sorted(SOUNDS.glob("*.wav")), ids=lambda path: path.name)
@pytest.mark.parametrize("gain_db", [-12, 0, 6])
def test_speech_is_no_digit(path: Path, gain_db: int) -> None:
    """The short part; half an hour of people is in `make quality` (tests/quality/talk_off.py)."""
    with wave.open(str(path)) as file:
        assert file.getframerate() == 8000
        sound = file.readframes(file.getnframes())
    assert detect(pcm.gain(sound, gain_db)) == ""


def test_keys_over_speech_are_heard() -> None:
    """A key pressed while somebody talks quietly in the background."""
    with wave.open(str(SOUNDS / "caller.wav")) as file:
        speech = pcm.gain(file.readframes(file.getnframes()), -20)
    sender = Sender()
    for digit in "159#":
        sender.key(digit, 100).pause(300)
    keys = pcm.from_array(array("h", map(round, sender.sound)))
    assert detect(pcm.mix(keys, speech[: len(keys)])) == "159#"


def test_keys_of_another_maker() -> None:
    """Made by libspandsp, which knows nothing of us."""
    try:
        start = native.function("spandsp", "dtmf_tx_init", "pointer", "pointer")
    except CodecUnavailableError as missing:
        pytest.skip(str(missing))
    put = native.function("spandsp", "dtmf_tx_put", "int", "pointer", "octets", "int")
    make = native.function("spandsp", "dtmf_tx", "int", "pointer", "pointer", "int")
    state = start(None)
    put(state, KEYS.encode(), len(KEYS))
    sound, made = native.buffer(2 * 160), b""
    while count := make(state, sound, 160):
        made += sound[: 2 * count]
    assert detect(made + bytes(1600)) == KEYS
