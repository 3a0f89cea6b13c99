"""What the ear is kept from, and that speech below the limit is left as it is."""

import wave
from pathlib import Path

import pytest

from device.media import pcm
from device.media.dtmf import DigitTone
from device.media.limiter import Limiter
from device.media.tones import ToneGenerator, TonePattern, ToneSegment
from tests.media.goertzel import level_db

SPEECH = Path(__file__).parents[2] / "device" / "demo" / "sounds" / "caller.wav"
LIMIT_DB = -12.0
LIMIT = round(32767 * 10 ** (LIMIT_DB / 20))


def tone(level_db: float, ms: int = 1000, rate_hz: int = 8000) -> bytes:
    pattern = TonePattern((ToneSegment((1000,), 60_000),))
    return ToneGenerator(pattern, rate_hz, level_db).next_frame(ms * rate_hz // 1000)


def limited(sound: bytes, rate_hz: int = 8000, limit_db: float = LIMIT_DB) -> bytes:
    limiter, octets = Limiter(limit_db), rate_hz // 25
    return b"".join(limiter.limit(sound[at : at + octets], rate_hz) for at in range(0, len(sound), octets))


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("level", [-11, -6, 0])
def test_a_sudden_loud_tone_is_never_above_the_limit_nor_distorted(rate_hz: int, level: float) -> None:
    heard = limited(bytes(3200) + tone(level, rate_hz=rate_hz), rate_hz)
    assert LIMIT - 200 < pcm.peak(heard) <= LIMIT
    steady = heard[-rate_hz:]
    assert level_db(steady, 1000, rate_hz) == pytest.approx(LIMIT_DB, abs=0.1)
    assert level_db(steady, 3000, rate_hz) < -70, "cut-off peaks would make the third harmonic"


def test_a_click_at_full_scale_is_cut_off() -> None:
    click = bytes(200) + pcm.from_array(pcm.to_array(b"\xff\x7f\x00\x80" * 4)) + bytes(104)
    assert pcm.peak(click) == 32768
    assert pcm.peak(limited(bytes(640) + click + bytes(640))) <= LIMIT


def test_speech_below_the_limit_is_left_as_it_is() -> None:
    with wave.open(str(SPEECH)) as file:
        speech = file.readframes(file.getnframes())
    speech = pcm.scale(speech, 0.99 * LIMIT / pcm.peak(speech))
    assert limited(speech) == speech


def test_loud_speech_keeps_its_shape() -> None:
    with wave.open(str(SPEECH)) as file:
        speech = file.readframes(file.getnframes())
    speech = pcm.scale(speech, 32000 / pcm.peak(speech))
    heard = limited(speech)
    assert pcm.peak(heard) <= LIMIT
    size = 16000 * 2
    for at in range(0, len(speech) - size, size):
        factor = pcm.factor_of(heard[at : at + size], speech[at : at + size])
        rest = pcm.mix(heard[at : at + size], pcm.scale(speech[at : at + size], -factor))
        assert pcm.rms(rest) < 0.35 * pcm.rms(heard[at : at + size])


def test_it_lets_go_slowly() -> None:
    heard = limited(tone(0, 500) + tone(-30, 1500))
    after = [level_db(heard[2 * at :][:1600], 1000, 8000) for at in (4000, 7200, 14000)]
    assert after[0] == pytest.approx(-42, abs=1.5)
    assert after[1] == pytest.approx(-34, abs=1.5)
    assert after[2] == pytest.approx(-30, abs=0.1)


def test_keys_and_full_scale_with_an_ordinary_limit() -> None:
    key = DigitTone("5", 200, 0, 8000, 0).next_frame(1600)
    heard = limited(key, limit_db=-6)
    assert pcm.peak(heard) <= 16422
