"""Codecs by name, and what every codec keeps to."""

from array import array
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import codecs, pcm
from device.media.codecs import CODEC_NAMES, codec_class, codec_key, missing_library, native, new_codec, packet_ms
from device.media.errors import CodecUnavailableError, UnknownCodecError

each_codec = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(bool(missing_library(name)), reason=missing_library(name)))
        for name in CODEC_NAMES
    ],
)


def speech_like(rate_hz: int, length_s: float = 1.0) -> bytes:
    partials = ((180, 6000), (540, 4000), (1100, 2500), (2300, 1200))
    wave = [
        sum(level * sin(2 * pi * hz * n / rate_hz) for hz, level in partials)
        * (0.6 + 0.4 * sin(2 * pi * 3 * n / rate_hz))
        for n in range(int(rate_hz * length_s))
    ]
    return array("h", [round(value) for value in wave]).tobytes()


def through(codec: codecs.Codec, sound: bytes, ptime_ms: int = 20) -> bytes:
    size = 2 * codec.sample_rate_hz * ptime_ms // 1000
    return b"".join(codec.decode(codec.encode(sound[at : at + size])) for at in range(0, len(sound), size))


def test_a_codec_is_found_in_any_spelling() -> None:
    assert new_codec("pcmu").name == "PCMU"
    with pytest.raises(UnknownCodecError, match="known are PCMA, PCMU"):
        new_codec("G729")


def test_codecs_at_two_rates_are_two_codecs() -> None:
    assert codec_key("L16", 16000) == "L16/16000"
    assert codec_key("L16", 8000) == "L16"
    assert codec_key("PCMA", 8000) == "PCMA"
    assert codec_class("SPEEX/16000").sample_rate_hz == 16000


def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(native.LIBRARIES, "gsm", (("libnowhere.so.1",), "libgsm1"))
    monkeypatch.setattr(native, "_loaded", {})
    with pytest.raises(CodecUnavailableError, match=r'run "apt install libgsm1", or take the codec out'):
        new_codec("GSM")
    assert "libgsm1" in missing_library("GSM")
    assert missing_library("PCMA") == ""


def test_packets_are_of_a_length_that_the_codec_can_make() -> None:
    assert packet_ms("PCMU", 30) == 30
    assert packet_ms("OPUS", 30) == 20
    assert packet_ms("GSM", 10) == 20
    assert packet_ms("SPEEX", 60) == 60


@each_codec
@given(payload=st.binary(max_size=300))
def test_any_octets_decode_to_as_much_sound_as_they_announce(name: str, payload: bytes) -> None:
    codec = new_codec(name)
    expected = codec.duration(payload) * codec.sample_rate_hz // codec.clock_rate_hz
    assert len(codec.decode(payload)) == 2 * expected


@each_codec
def test_a_packet_stays_as_long_as_it_was(name: str) -> None:
    codec = new_codec(name)
    for ptime_ms in codec.packet_times_ms:
        payload = codec.encode(speech_like(codec.sample_rate_hz, ptime_ms / 1000))
        assert codec.duration(payload) == codec.clock_rate_hz * ptime_ms // 1000


@each_codec
def test_what_comes_out_is_what_went_in(name: str) -> None:
    codec = new_codec(name)
    sound = speech_like(codec.sample_rate_hz)
    heard = through(codec, sound)
    assert len(heard) == len(sound)
    pattern = sound[len(sound) // 2 :][: 2 * codec.sample_rate_hz // 10]
    window = heard[len(sound) // 2 :][: len(pattern) + 2 * codec.sample_rate_hz // 25]
    _, factor = pcm.fit(window, pattern)
    assert factor == pytest.approx(1.0, abs=0.3)


@each_codec
def test_two_codecs_of_a_kind_do_not_share_their_state(name: str) -> None:
    one, other, alone = new_codec(name), new_codec(name), new_codec(name)
    rate = one.sample_rate_hz
    sound = speech_like(rate, 0.2)
    size = 2 * rate // 50
    for at in range(0, len(sound), size):
        payload = one.encode(sound[at : at + size])
        other.encode(bytes(size))
        assert alone.encode(sound[at : at + size]) == payload
