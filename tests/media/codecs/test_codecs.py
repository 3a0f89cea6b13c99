"""Codecs by name, and what every codec keeps to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.media.codecs import CODEC_NAMES, new_codec
from device.media.errors import UnknownCodecError


def test_a_codec_is_found_in_any_spelling() -> None:
    assert new_codec("pcmu").name == "PCMU"
    with pytest.raises(UnknownCodecError, match="known are PCMA, PCMU"):
        new_codec("G729")


@pytest.mark.parametrize("name", CODEC_NAMES)
@given(payload=st.binary(max_size=300))
def test_any_octets_decode_to_as_much_sound_as_they_announce(name: str, payload: bytes) -> None:
    codec = new_codec(name)
    expected = codec.duration(payload) * codec.sample_rate_hz // codec.clock_rate_hz
    assert len(codec.decode(payload)) == 2 * expected


@pytest.mark.parametrize("name", CODEC_NAMES)
def test_twenty_milliseconds_stay_twenty_milliseconds(name: str) -> None:
    codec = new_codec(name)
    payload = codec.encode(bytes(2 * codec.sample_rate_hz // 50))
    assert codec.duration(payload) == codec.clock_rate_hz // 50
