"""What the codecs of libspandsp have in common."""

import gc

from device.media.codecs import new_codec
from device.media.codecs.spandsp import MAX_OCTETS


def test_a_payload_that_is_too_long_is_cut() -> None:
    for name, samples in (("G722", 2), ("G726-32", 2)):
        codec = new_codec(name)
        assert len(codec.decode(bytes(MAX_OCTETS + 500))) == 2 * samples * MAX_OCTETS


def test_many_codecs_come_and_go() -> None:
    for _ in range(200):
        new_codec("G722").encode(bytes(640))
        new_codec("G726-32").decode(bytes(80))
    gc.collect()
