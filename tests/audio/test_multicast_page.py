"""A page as the phones of a multicast group get it."""

from array import array

import pytest

from device.audio.multicast_page import MulticastPage
from device.media.codecs import codec_class, missing_library, new_codec
from device.rtp.packet import parse_rtp


class Group:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True


def frame(rate_hz: int, level: int = 4000) -> bytes:
    return array("h", [level] * (rate_hz // 50)).tobytes()


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_packets_follow_each_other_and_say_what_was_said(codec: str, rate_hz: int) -> None:
    if missing_library(codec):
        pytest.skip("the library of this codec is not here")
    group = Group()
    page = MulticastPage(group, codec, ssrc=7, sequence=0xFFFE, timestamp=0xFFFFFF00)
    for _ in range(10):
        page.send_frame(frame(rate_hz), rate_hz, 0.0)
    packets = [parse_rtp(data) for data in group.sent]
    assert [packet.sequence for packet in packets[:4]] == [0xFFFE, 0xFFFF, 0, 1]
    assert [packet.timestamp for packet in packets[:3]] == [0xFFFFFF00, 0xFFFFFFA0, 0x40]
    assert [packet.marker for packet in packets] == [True] + [False] * 9
    assert {packet.payload_type for packet in packets} == {codec_class(codec).payload_type}
    assert {packet.ssrc for packet in packets} == {7}
    decoder = new_codec(codec)
    heard = array("h", b"".join(decoder.decode(packet.payload) for packet in packets))
    assert len(heard) == codec_class(codec).sample_rate_hz // 5
    assert heard[-1] == pytest.approx(4000, rel=0.1)
    page.close()
    assert group.closed
