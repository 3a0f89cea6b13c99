"""G.726 at 32 kbit/s."""

from device.media.codecs import new_codec
from tests.media.codecs.test_codecs import speech_like


def test_the_first_sample_is_in_the_lower_half_of_the_octet() -> None:
    """RFC 3551 section 4.5.4: two codes an octet, the first in the four least significant bits."""
    codec = new_codec("G726-32")
    quiet_then_loud = bytes(2 * 2) + speech_like(8000, 0.02)
    both = codec.encode(quiet_then_loud[:4])
    assert len(both) == 1
    loud_second = new_codec("G726-32").encode(b"\0\0" + b"\0\x40")
    loud_first = new_codec("G726-32").encode(b"\0\x40" + b"\0\0")
    silent = new_codec("G726-32").encode(bytes(4))
    assert loud_second[0] & 0x0F == silent[0] & 0x0F
    assert loud_first[0] & 0x0F != silent[0] & 0x0F


def test_two_samples_an_octet() -> None:
    codec = new_codec("G726-32")
    assert len(codec.encode(speech_like(8000, 0.02))) == 80
    assert codec.payload_type is None
