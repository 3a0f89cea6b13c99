"""The RTP packet (RFC 3550 section 5.1): octets to fields and back, and the arithmetic of its wrapping counters."""

from struct import Struct

from device.records import dataclass
from device.rtp.errors import RtpParseError

VERSION = 2
HEADER_OCTETS = 12
RTCP_PACKET_TYPES = range(192, 224)
"""Second octets that mean RTCP where both share a port (RFC 5761 section 4)."""

_HEADER = Struct("!BBHII")
_EXTENSION = Struct("!HH")


@dataclass(slots=True)
class RtpPacket:
    """One packet; padding is gone, the header extension is kept as it came.

    Nobody changes one, but a record that says so takes four times as long to make, fifty times a second.
    """

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes
    csrcs: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None
    """Profile number and octets, a multiple of four (section 5.3.1)."""

    def encode(self) -> bytes:
        """The packet without padding."""
        first = VERSION << 6 | (0x10 if self.extension else 0) | len(self.csrcs)
        parts = [
            _HEADER.pack(first, self.marker << 7 | self.payload_type, self.sequence, self.timestamp, self.ssrc),
            *(csrc.to_bytes(4, "big") for csrc in self.csrcs),
        ]
        if self.extension:
            profile, octets = self.extension
            parts.append(_EXTENSION.pack(profile, len(octets) // 4) + octets)
        return b"".join(parts) + self.payload


def encode_rtp(payload_type: int, sequence: int, timestamp: int, ssrc: int, marker: bool, payload: bytes) -> bytes:
    """A packet with the plain header, the one that is sent fifty times a second."""
    return _HEADER.pack(VERSION << 6, marker << 7 | payload_type, sequence, timestamp, ssrc) + payload


def parse_rtp(data: bytes) -> RtpPacket:
    """Parse and validate one datagram; raises RtpParseError for what is no RTP."""
    if len(data) < HEADER_OCTETS:
        raise RtpParseError(f"{len(data)} octets are too few for an RTP packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != VERSION:
        raise RtpParseError(f"RTP version {first >> 6} instead of 2")
    if second in RTCP_PACKET_TYPES:
        raise RtpParseError(f"RTCP packet type {second} where RTP was expected")
    if first == VERSION << 6:
        return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, second > 0x7F, data[HEADER_OCTETS:])
    return _parse_long(data, RtpPacket(second & 0x7F, sequence, timestamp, ssrc, second > 0x7F, b""))


def _parse_long(data: bytes, head: RtpPacket) -> RtpPacket:
    """The packets with contributing sources, extension or padding."""
    start = HEADER_OCTETS + 4 * (data[0] & 0x0F)
    csrcs = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(HEADER_OCTETS, start, 4))
    extension = None
    if data[0] & 0x10:
        if len(data) < start + 4:
            raise RtpParseError("RTP packet ends inside its header extension")
        profile, words = _EXTENSION.unpack_from(data, start)
        extension = (profile, data[start + 4 : start + 4 + 4 * words])
        start += 4 + 4 * words
    end = len(data)
    if data[0] & 0x20:
        if not 0 < data[-1] <= end - start:
            raise RtpParseError(f"RTP padding of {data[-1]} octets in a packet of {end}")
        end -= data[-1]
    if start > end:
        raise RtpParseError("RTP packet ends inside its header")
    return RtpPacket(
        head.payload_type, head.sequence, head.timestamp, head.ssrc, head.marker, data[start:end], csrcs, extension
    )


def signed_difference(later: int, earlier: int, bits: int) -> int:
    """later - earlier of counters that wrap at so many bits, taken the short way round."""
    half = 1 << (bits - 1)
    return ((later - earlier + half) & ((1 << bits) - 1)) - half
