"""Comfort noise: level, spectrum, how it goes on and ends, and what strange packets do (RFC 3389)."""

from itertools import pairwise
from math import log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media import pcm
from device.media.comfort_noise import ComfortNoise, impulse_response, noise_rms, reflections
from device.media.silence_suppression import spectrum
from device.media.stream import MediaStream
from device.rtp.packet import RtpPacket
from tests.media.test_stream import RIGHT, parameters, speak


def noise(payload: bytes, frames: int = 200, rate_hz: int = 8000) -> bytes:
    made = ComfortNoise(rate_hz, rate_hz)
    return made.decode(payload) + b"".join(made.conceal(rate_hz // 50) for _ in range(frames - 1))


def level_db(sound: bytes) -> float:
    samples = pcm.to_array(sound)
    return 10 * log10(sum(sample * sample for sample in samples) / len(samples)) - 20 * log10(32768)


@pytest.mark.parametrize("level", [20, 40, 55, 65, 75])
@pytest.mark.parametrize("shape", [b"", bytes((20,)), bytes((220,)), bytes((20, 200, 90, 140, 127, 160, 100))])
def test_the_level_is_that_of_the_packet_whatever_the_spectrum(level: int, shape: bytes) -> None:
    sound = noise(bytes((level,)) + shape)
    assert level_db(sound) == pytest.approx(-level, abs=1.0)
    assert len(sound) == 200 * 320


def test_the_level_octet() -> None:
    assert noise_rms(0) == 32768
    assert noise_rms(20) == pytest.approx(3276.8)
    assert noise_rms(0x80 | 20) == noise_rms(20), "the first bit is no part of the level"
    assert noise_rms(127) == 0
    assert noise(b"\x7f") == bytes(200 * 320)


def low_share(sound: bytes) -> float:
    """Share of the power below a quarter of the sampling rate, from neighbouring sums and differences."""
    samples = pcm.to_array(sound)
    low = sum((a + b) ** 2 for a, b in pairwise(samples))
    high = sum((a - b) ** 2 for a, b in pairwise(samples))
    return low / (low + high)


def test_the_spectrum_is_that_of_the_packet() -> None:
    assert low_share(noise(b"\x28")) == pytest.approx(0.5, abs=0.03)
    deep, shrill = reflections(bytes((30,)))[0], reflections(bytes((224,)))[0]
    assert deep == pytest.approx(-0.764, abs=0.001)
    # A first reflection of k makes neighbours correlate by -k.
    assert low_share(noise(b"\x28" + bytes((30,)))) == pytest.approx((1 - deep) / 2, abs=0.03)
    assert low_share(noise(b"\x28" + bytes((224,)))) == pytest.approx((1 - shrill) / 2, abs=0.03)


def test_what_is_sent_of_a_spectrum_is_what_is_heard() -> None:
    sent = bytes((40, 180, 100, 127, 140, 120))
    again = spectrum(noise(b"\x14" + sent, 2000))
    assert [abs(one - other) < 8 for one, other in zip(sent, again, strict=True)] == [True] * 6, list(again)
    assert spectrum(bytes(320)) == b""


def test_noise_does_not_repeat_itself() -> None:
    sound = noise(b"\x28" + bytes((60,)), 100)
    half = len(sound) // 2
    for lag_ms in range(20, 1000, 20):
        later = sound[16 * lag_ms :][:half]
        assert abs(pcm.factor_of(sound[:half], later)) < 0.3, lag_ms


@given(st.binary(max_size=300))
def test_any_payload_makes_sound_within_bounds(payload: bytes) -> None:
    made = ComfortNoise(8000, 8000)
    assert len(made.decode(payload)) == 320
    assert len(made.conceal(77)) == 154


@given(st.lists(st.floats(-0.99, 0.99), max_size=12))
def test_every_filter_is_stable(coefficients: list[float]) -> None:
    assert all(abs(value) < 1e6 for value in impulse_response(coefficients, 48))


# In a stream.


def test_a_pause_is_filled_and_nothing_is_lost_or_concealed() -> None:
    stream = MediaStream(parameters())
    before = speak(stream, RIGHT, 50)
    assert pcm.rms(before[-3200:]) > 1000
    stream.receive_rtp(RtpPacket(13, 50, 160 * 50, 5, False, b"\x2d\x40").encode(), RIGHT, 1.0)
    pause = b"".join(stream.next_frame() for _ in range(200))
    assert stream.far_end_pauses
    assert level_db(pause[3200:]) == pytest.approx(-45, abs=1.0)
    assert pcm.rms(pause[-640:]) > 50, "it goes on to the end"
    after = speak(stream, RIGHT, 40, first=251)  # noise went on for as long as 201 packets
    assert not stream.far_end_pauses
    assert pcm.rms(after[-3200:]) == pytest.approx(pcm.rms(before[-3200:]), rel=0.05)
    report = stream.counters()
    assert (report.frames_concealed, report.packets_late, report.packets_discarded) == (0, 0, 0)


def test_a_pause_with_packets_of_its_own_is_not_lost_either() -> None:
    stream = MediaStream(parameters())
    speak(stream, RIGHT, 20)
    for n in range(20, 60):
        stream.receive_rtp(RtpPacket(13, n, 160 * n, 5, False, b"\x28").encode(), RIGHT, 0.02 * n)
        stream.next_frame()
    report = stream.counters()
    assert (report.packets_lost, report.packets_discarded, report.packets_received) == (0, 0, 60)
    assert report.frames_concealed == 0
    assert report.frames_played > 55


def test_a_loss_after_the_pause_is_concealed_from_speech() -> None:
    stream = MediaStream(parameters())
    speak(stream, RIGHT, 20)
    stream.receive_rtp(RtpPacket(13, 20, 160 * 20, 5, False, b"\x28").encode(), RIGHT, 0.4)
    for _ in range(20):
        stream.next_frame()
    speak(stream, RIGHT, 20, first=41)
    for _ in range(3):
        stream.next_frame()
    assert stream.counters().frames_concealed > 0


def test_a_wide_band_pause() -> None:
    wide = parameters(
        codec_name="L16/16000",
        payload_type=97,
        receive_formats=((97, "L16/16000"),),
        clock_rate_hz=16000,
        sample_rate_hz=16000,
        receive_noise_pts=(98,),
    )
    stream = MediaStream(wide)
    stream.receive_rtp(RtpPacket(98, 1, 320, 5, False, b"\x32").encode(), RIGHT, 0.0)
    sound = b"".join(stream.next_frame() for _ in range(50))
    assert len(sound) == 50 * 640
    assert level_db(sound[-16000:]) == pytest.approx(-50, abs=1.0)
    stream.receive_rtp(RtpPacket(13, 2, 640, 5, False, b"\x32").encode(), RIGHT, 0.0)
    assert stream.counters().packets_discarded == 0
