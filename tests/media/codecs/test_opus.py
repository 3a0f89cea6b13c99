"""Opus: rates, redundancy, pauses, and what the peer's parameters change."""

import ctypes

import pytest

from device.media import pcm
from device.media.codecs import configurable, new_codec
from device.media.codecs.opus import LEAST_BIT_RATE, OpusCodec
from tests.media.codecs.test_codecs import speech_like, through

WITH_FEC = "useinbandfec=1"


def packets(codec: OpusCodec, length_s: float = 2.0) -> list[bytes]:
    sound = speech_like(16000, length_s)
    return [codec.encode(sound[at : at + 640]) for at in range(0, len(sound), 640)]


def kbit_s(codec: OpusCodec) -> float:
    found = packets(codec)
    return 8 * sum(map(len, found)) / (20 * len(found))


def test_time_stamps_run_at_48_khz() -> None:
    codec = OpusCodec()
    assert codec.duration(codec.encode(bytes(640))) == 960


@pytest.mark.parametrize("rate", [16000, 24000, 64000])
def test_the_bit_rate_is_a_setting(rate: int) -> None:
    codec = OpusCodec()
    codec.configure(rate, dtx=False, format_parameters=WITH_FEC)
    assert kbit_s(codec) == pytest.approx(rate / 1000, rel=0.35)


def test_the_peer_may_set_a_limit() -> None:
    codec = OpusCodec()
    codec.configure(64000, dtx=False, format_parameters="maxaveragebitrate=16000; useinbandfec=1")
    assert kbit_s(codec) < 22
    codec.configure(64000, dtx=False, format_parameters="maxaveragebitrate=6000")
    assert kbit_s(codec) < 1.4 * LEAST_BIT_RATE / 1000
    codec.configure(64000, dtx=False, format_parameters="maxaveragebitrate=many;;=;stereo")
    assert kbit_s(codec) > 30


def similarity(codec: OpusCodec, filled: bytes, truth: bytes) -> float:
    return pcm.fit(filled, truth[: len(filled)])[1] if pcm.rms(filled) else 0.0


def test_a_lost_packet_is_read_from_the_one_after_it() -> None:
    """A tone begins in the lost packet: what came before cannot tell of it, the redundancy in the next one does."""
    silence_then_sound = bytes(640 * 40) + speech_like(16000, 1.0)
    sender, hearer = OpusCodec(), OpusCodec()
    sender.configure(40000, dtx=False, format_parameters=WITH_FEC)
    sender.expect_loss(0.2)
    payloads = [sender.encode(silence_then_sound[at : at + 640]) for at in range(0, len(silence_then_sound), 640)]
    for payload in payloads[:41]:
        hearer.decode(payload)
    recovered = hearer.recover(payloads[42], 320)
    assert len(recovered) == 640
    assert pcm.rms(recovered) > 800
    blind = OpusCodec()
    for payload in payloads[:40]:
        blind.decode(payload)
    assert pcm.rms(blind.conceal(320)) < 50


@pytest.mark.parametrize("samples", [1, 39, 40, 100, 320, 333])
def test_gaps_of_any_length_are_filled_exactly(samples: int) -> None:
    codec = OpusCodec()
    payload = codec.encode(speech_like(16000, 0.02))
    codec.decode(payload)
    assert len(codec.conceal(samples)) == 2 * samples
    assert len(codec.recover(payload, samples)) == 2 * samples
    assert len(codec.recover(b"\xff\xff", samples)) == 2 * samples


def test_reported_loss_brings_redundancy_and_then_a_lower_rate() -> None:
    codec = OpusCodec()
    codec.configure(40000, dtx=False, format_parameters=WITH_FEC)
    calm = kbit_s(codec)
    for _ in range(8):
        codec.expect_loss(0.6)
    assert kbit_s(codec) < 0.75 * calm
    for _ in range(100):
        codec.expect_loss(0.0)
    assert kbit_s(codec) == pytest.approx(calm, rel=0.1)


def work_asked_for(codec: OpusCodec) -> int:
    """The complexity that libopus has been told, of 10 (OPUS_GET_COMPLEXITY)."""
    found = ctypes.c_int()
    ctl = ctypes.CDLL("libopus.so.0").opus_encoder_ctl
    ctl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
    assert ctl(codec._encoder, 4011, ctypes.byref(found)) == 0
    return found.value


def test_the_encoder_works_less_where_bits_are_plenty_and_nothing_is_lost() -> None:
    codec = OpusCodec()
    assert work_asked_for(codec) == 1
    codec.expect_loss(0.03)
    assert work_asked_for(codec) == 1
    codec.expect_loss(0.1)
    assert work_asked_for(codec) == 5
    for _ in range(20):
        codec.expect_loss(0.0)
    assert work_asked_for(codec) == 1
    codec.configure(40000, dtx=False, format_parameters=WITH_FEC)
    assert work_asked_for(codec) == 5


def test_a_broken_payload_is_as_long_as_it_claims() -> None:
    codec = OpusCodec()
    assert codec.decode(b"") == b""
    assert codec.decode(b"\x0b\xff\xff") in (b"", bytes(640))
    assert len(codec.decode(OpusCodec().encode(speech_like(16000, 0.02)))) == 640


def test_pauses_are_not_sent_where_that_is_wanted() -> None:
    codec = OpusCodec()
    codec.configure(32000, dtx=True, format_parameters=WITH_FEC)
    packets(codec, 0.5)
    quiet = [codec.encode(bytes(640)) for _ in range(100)]
    assert quiet.count(b"") > 60
    codec.configure(32000, dtx=False, format_parameters=WITH_FEC)
    assert b"" not in [codec.encode(bytes(640)) for _ in range(20)]


def test_it_is_found_to_have_choices() -> None:
    assert configurable(new_codec("OPUS")) is not None
    assert configurable(new_codec("PCMA")) is None
    assert len(through(OpusCodec(), speech_like(16000), 60)) == pytest.approx(32000, abs=1920)
