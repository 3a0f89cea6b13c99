"""G.711 A-law against the recommendation."""

from array import array

import pytest

from device.media.codecs.pcma import PcmaCodec


def expand(octet: int) -> int:
    """G.711 table 1, with samples scaled to 16 bits."""
    octet ^= 0x55
    exponent, mantissa = octet >> 4 & 7, octet & 15
    magnitude = (mantissa << 4) + 8 if not exponent else ((mantissa << 4) + 0x108) << exponent - 1
    return magnitude if octet & 0x80 else -magnitude


def test_every_octet_expands_as_the_recommendation_says() -> None:
    decoded = array("h", PcmaCodec().decode(bytes(range(256))))
    assert decoded.tolist() == [expand(octet) for octet in range(256)]


def test_every_octet_survives_a_round_trip() -> None:
    codec = PcmaCodec()
    assert codec.encode(codec.decode(bytes(range(256)))) == bytes(range(256))


@pytest.mark.parametrize("level", [10, 100, 1000, 10000, 32000])
def test_the_error_is_small_at_any_loudness(level: int) -> None:
    codec = PcmaCodec()
    (back,) = array("h", codec.decode(codec.encode(array("h", [level]).tobytes())))
    assert abs(back - level) <= max(8, level // 28)


def test_static_number_and_rates() -> None:
    codec = PcmaCodec()
    assert (codec.name, codec.payload_type, codec.clock_rate_hz, codec.sample_rate_hz) == ("PCMA", 8, 8000, 8000)
