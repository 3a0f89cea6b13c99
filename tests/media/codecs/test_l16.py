"""L16 in the network's order."""

from device.media.codecs import new_codec


def test_the_most_significant_octet_comes_first() -> None:
    codec = new_codec("L16")
    assert codec.encode(b"\x02\x01\x04\x03") == b"\x01\x02\x03\x04"
    assert codec.decode(b"\x01\x02\x03\x04\x05") == b"\x02\x01\x04\x03"


def test_it_comes_at_two_rates() -> None:
    assert [new_codec(name).sample_rate_hz for name in ("L16", "L16/16000")] == [8000, 16000]
