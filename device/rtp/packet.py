"""The RTP packet (RFC 3550 section 5.1): octets to fields and back, and the arithmetic of its wrapping counters.

Here, as wherever each packet passes, nothing is shifted and no 32 bits are masked: what counts is how much of the
interpreter a packet touches, for between two of them its caches go cold (docs/decisions/0017-cold-frames.md).
"""

from struct import Struct

from device.records import dataclass
from device.rtp.errors import RtpParseError

VERSION = 2
HEADER_OCTETS = 12
FIRST_RTCP_TYPE, LAST_RTCP_TYPE = 192, 223
"""Second octets that mean RTCP where both share a port (RFC 5761 section 4)."""
TIMESTAMP_MOD = 0x100000000
"""Where time stamps begin again from 0."""

_PLAIN = VERSION << 6
"""First octet of a packet without padding, extension and contributing sources."""
_MARKER = 0x80
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
        first = _PLAIN | (0x10 if self.extension else 0) | len(self.csrcs)
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
    second = payload_type + _MARKER if marker else payload_type
    return _HEADER.pack(_PLAIN, second, sequence, timestamp, ssrc) + payload


def parse_rtp(data: bytes) -> RtpPacket:
    """Parse and validate one datagram; raises RtpParseError for what is no RTP."""
    if len(data) < HEADER_OCTETS:
        raise RtpParseError(f"{len(data)} octets are too few for an RTP packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if FIRST_RTCP_TYPE <= second <= LAST_RTCP_TYPE:
        raise RtpParseError(f"RTCP packet type {second} where RTP was expected")
    marker = second >= _MARKER
    payload_type = second - _MARKER if marker else second
    if first == _PLAIN:
        return RtpPacket(payload_type, sequence, timestamp, ssrc, marker, data[HEADER_OCTETS:])
    if first >> 6 != VERSION:
        raise RtpParseError(f"RTP version {first >> 6} instead of 2")
    return _parse_long(data, RtpPacket(payload_type, sequence, timestamp, ssrc, marker, b""))


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
