"""GSM full rate."""

from device.media.codecs import new_codec


def test_a_frame_is_33_octets_with_its_signature() -> None:
    payload = new_codec("GSM").encode(bytes(640))
    assert len(payload) == 66
    assert payload[0] >> 4 == payload[33] >> 4 == 0xD


def test_a_frame_without_the_signature_is_silence() -> None:
    codec = new_codec("GSM")
    assert codec.decode(bytes(33)) == bytes(320)
    assert codec.decode(bytes(20)) == b""
