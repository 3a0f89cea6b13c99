"""Speex at 8 and 16 kHz."""

import pytest

from device.media.codecs import new_codec
from device.media.codecs.speex import count_frames
from tests.media.codecs.test_codecs import speech_like


@pytest.mark.parametrize(("name", "rate_hz"), [("SPEEX", 8000), ("SPEEX/16000", 16000)])
@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_frames_of_a_payload_are_counted_without_decoding(name: str, rate_hz: int, frames: int) -> None:
    codec = new_codec(name)
    for at in range(5):
        payload = codec.encode(speech_like(rate_hz, 0.02 * frames))
        assert count_frames(payload) == frames, at


def test_what_is_no_frame_is_not_counted() -> None:
    assert count_frames(b"") == 0
    assert count_frames(b"\x78") == 0  # mode 15 ends a packet
    assert count_frames(b"\xff" * 40) == 0
