"""G.711 mu-law against the recommendation."""

from array import array

import pytest

from device.media.codecs.pcmu import PcmuCodec

NEGATIVE_ZERO = 0x7F


def expand(octet: int) -> int:
    """G.711 table 2, with samples scaled to 16 bits."""
    octet ^= 0xFF
    magnitude = ((((octet & 15) << 3) + 0x84) << (octet >> 4 & 7)) - 0x84
    return -magnitude if octet & 0x80 else magnitude


def test_every_octet_expands_as_the_recommendation_says() -> None:
    decoded = array("h", PcmuCodec().decode(bytes(range(256))))
    assert decoded.tolist() == [expand(octet) for octet in range(256)]


def test_every_octet_but_negative_zero_survives_a_round_trip() -> None:
    codec = PcmuCodec()
    octets = bytes(octet for octet in range(256) if octet != NEGATIVE_ZERO)
    assert codec.encode(codec.decode(octets)) == octets


@pytest.mark.parametrize("level", [10, 100, 1000, 10000, 32000])
def test_the_error_is_small_at_any_loudness(level: int) -> None:
    codec = PcmuCodec()
    (back,) = array("h", codec.decode(codec.encode(array("h", [level]).tobytes())))
    assert abs(back - level) <= max(8, level // 28)


def test_static_number_and_rates() -> None:
    codec = PcmuCodec()
    assert (codec.name, codec.payload_type, codec.clock_rate_hz, codec.sample_rate_hz) == ("PCMU", 0, 8000, 8000)
