"""The RTP header on the wire (RFC 3550 section 5.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.rtp.errors import RtpParseError
from device.rtp.packet import RtpPacket, encode_rtp, parse_rtp, signed_difference

PACKETS = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 63) | st.integers(96, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    marker=st.booleans(),
    payload=st.binary(max_size=60),
    csrcs=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15).map(tuple),
    extension=st.none()
    | st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40).map(lambda octets: octets[: len(octets) // 4 * 4])),
)


@given(PACKETS, st.integers(0, 20))
def test_what_is_encoded_is_parsed_again_padded_or_not(packet: RtpPacket, padding: int) -> None:
    data = packet.encode()
    if padding:
        data = bytes((data[0] | 0x20,)) + data[1:] + bytes(padding - 1) + bytes((padding,))
    assert parse_rtp(data) == packet


def test_the_octets_of_a_plain_packet() -> None:
    data = bytes.fromhex("80e5 fffe 00010203 0a0b0c0d") + b"abc"
    packet = parse_rtp(data)
    assert packet == RtpPacket(101, 0xFFFE, 0x00010203, 0x0A0B0C0D, True, b"abc")
    assert packet.encode() == data == encode_rtp(101, 0xFFFE, 0x00010203, 0x0A0B0C0D, True, b"abc")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "too few"),
        (bytes(11), "too few"),
        (b"\x00\x01" + bytes(20), "version 0"),
        (b"\xc0\x00" + bytes(20), "version 3"),
        (b"\x80\xc8" + bytes(20), "RTCP"),
        (b"\x81\x00" + bytes(10), "inside its header"),
        (b"\x90\x00" + bytes(12), "header extension"),
        (b"\x90\x00" + bytes(10) + b"\x00\x00\x00\x02" + bytes(4), "inside its header"),
        (b"\xa0\x00" + bytes(10) + b"ab\x00", "padding of 0"),
        (b"\xa0\x00" + bytes(10) + b"ab\x04", "padding of 4"),
    ],
)
def test_what_is_no_rtp_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(RtpParseError, match=why):
        parse_rtp(data)


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda tail: b"\xb3" + tail))
def test_any_octets_give_a_packet_or_a_parse_error(data: bytes) -> None:
    try:
        packet = parse_rtp(data)
    except RtpParseError:
        return
    assert len(packet.payload) <= len(data) - 12


@pytest.mark.parametrize(
    ("later", "earlier", "bits", "expected"),
    [
        (1, 0xFFFF, 16, 2),
        (0xFFFF, 1, 16, -2),
        (5, 5, 16, 0),
        (0, 0xFFFFFFFF, 32, 1),
        (0x8000, 0, 16, -0x8000),
        (5, 0x1FFFF, 16, 6),
    ],
)
def test_differences_of_wrapping_counters(later: int, earlier: int, bits: int, expected: int) -> None:
    assert signed_difference(later, earlier, bits) == expected
