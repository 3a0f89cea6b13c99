"""RTCP packets (RFC 3550 section 6): reports, source description and BYE, parsed and encoded.

Of extended reports (RFC 3611) only the frame is known here; `extended_report` reads and writes what is in them.
"""

from struct import Struct

from device.records import dataclass
from device.rtp.errors import RtcpParseError
from device.rtp.packet import signed_difference

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = 200, 201, 202, 203
EXTENDED_REPORT = 207
SDES_CNAME, SDES_TOOL = 1, 6
MAX_BLOCKS = 31
"""Report blocks, chunks or sources in one packet: the count field has five bits."""

MAX_ROUND_TRIP_S = 30.0
"""A longer round trip is a wrong report."""
CLOCK_SLACK_S = 0.05

_COMMON = Struct("!BBH")
_WORD = Struct("!I")
_SENDER = Struct("!QIII")
_BLOCK = Struct("!IIIIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says about one source (section 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since its last report."""
    cumulative_lost: int
    """Signed, 24 bits."""
    highest_sequence: int
    """Extended to 32 bits."""
    jitter: int
    """In units of the RTP clock."""
    last_sr: int
    """Middle 32 bits of the NTP time of the last sender report, 0 for none."""
    delay_since_last_sr: int
    """In 1/65536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR (section 6.4.1)."""

    ssrc: int
    ntp_time: int
    """64 bits, 32.32 fixed point."""
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR (section 6.4.2)."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES (section 6.5): for each source its items, type and text."""

    chunks: tuple[tuple[int, tuple[tuple[int, str], ...]], ...]


@dataclass(frozen=True, slots=True)
class Bye:
    """BYE (section 6.6)."""

    sources: tuple[int, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExtendedReport:
    """XR (RFC 3611 section 2)."""

    ssrc: int
    blocks: bytes
    """The report blocks as they stand in the packet, whole words."""


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Bye | ExtendedReport


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """The packets of one compound packet; those of unknown type are passed over.

    Raises RtcpParseError by the rules of appendix A.2: version, a report first, padding only last, exact lengths.
    """
    packets: list[RtcpPacket] = []
    start = 0
    while start < len(data):
        if len(data) - start < 4:
            raise RtcpParseError("RTCP packet ends inside a header")
        first, kind, words = _COMMON.unpack_from(data, start)
        end = start + 4 + 4 * words
        _check_header(first, kind, start, end, len(data))
        body = data[start + 4 : end - _padding(data, first, start, end)]
        packet = _parse_one(kind, first & 0x1F, body)
        if packet is not None:
            packets.append(packet)
        start = end
    if not data:
        raise RtcpParseError("empty RTCP packet")
    return packets


def round_trip_s(ntp_time: int, last_report: int, delay: int) -> float | None:
    """Seconds there and back by an answer that comes at `ntp_time` (RFC 3550 section 6.4.1); None for a wrong one.

    Clocks that are read at two moments of a period may differ by a little the wrong way: that is no time at all.
    """
    elapsed = signed_difference(ntp_time >> 16 & 0xFFFFFFFF, last_report + delay & 0xFFFFFFFF, 32) / 65536
    return max(0.0, elapsed) if -CLOCK_SLACK_S < elapsed < MAX_ROUND_TRIP_S else None


def encode_compound(packets: list[RtcpPacket]) -> bytes:
    """One datagram; a report must come first, which is the caller's care."""
    return b"".join(_encode_one(packet) for packet in packets)


def _check_header(first: int, kind: int, start: int, end: int, length: int) -> None:
    if first >> 6 != 2:
        raise RtcpParseError(f"RTCP version {first >> 6} instead of 2")
    if end > length:
        raise RtcpParseError(f"RTCP packet of {end - start} octets where {length - start} are left")
    if start == 0 and kind not in (SENDER_REPORT, RECEIVER_REPORT):
        raise RtcpParseError(f"compound RTCP packet begins with type {kind} instead of a report")


def _padding(data: bytes, first: int, start: int, end: int) -> int:
    if not first & 0x20:
        return 0
    count = data[end - 1]
    if end != len(data) or not 0 < count <= end - start - 4:
        raise RtcpParseError("RTCP padding where none may be")
    return count


def _parse_one(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    if kind == SENDER_REPORT:
        _need(body, 24 + 24 * count)
        ntp_time, rtp_timestamp, packets, octets = _SENDER.unpack_from(body, 4)
        source = _WORD.unpack_from(body)[0]
        return SenderReport(source, ntp_time, rtp_timestamp, packets, octets, _blocks(body, 24, count))
    if kind == RECEIVER_REPORT:
        _need(body, 4 + 24 * count)
        return ReceiverReport(_WORD.unpack_from(body)[0], _blocks(body, 4, count))
    if kind == SOURCE_DESCRIPTION:
        return _parse_sdes(body, count)
    if kind == EXTENDED_REPORT:
        _need(body, 4)
        return ExtendedReport(_WORD.unpack_from(body)[0], body[4 : len(body) // 4 * 4])
    if kind == GOODBYE:
        _need(body, 4 * count)
        sources = tuple(_WORD.unpack_from(body, 4 * index)[0] for index in range(count))
        rest = body[4 * count :]
        return Bye(sources, rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else "")
    return None


def _need(body: bytes, octets: int) -> None:
    if len(body) < octets:
        raise RtcpParseError(f"RTCP packet of {len(body)} octets where its count asks for {octets}")


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for at in range(start, start + 24 * count, 24):
        ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, at)
        lost = loss & 0xFFFFFF
        signed = lost - (1 << 24) if lost >> 23 else lost
        blocks.append(ReportBlock(ssrc, loss >> 24, signed, highest, jitter, last_sr, delay))
    return tuple(blocks)


def _parse_sdes(body: bytes, count: int) -> SourceDescription:
    chunks = []
    at = 0
    for _ in range(count):
        if len(body) < at + 4:
            raise RtcpParseError("source description ends inside a chunk")
        source = _WORD.unpack_from(body, at)[0]
        items, end = _parse_items(body, at + 4)
        chunks.append((source, items))
        at = (end + 4) // 4 * 4  # the null octet and what fills up to the next word
    return SourceDescription(tuple(chunks))


def _parse_items(body: bytes, at: int) -> tuple[tuple[tuple[int, str], ...], int]:
    """The items up to the null octet, and where that is."""
    items = []
    while at < len(body) and body[at]:
        if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
            raise RtcpParseError("source description ends inside an item")
        text = body[at + 2 : at + 2 + body[at + 1]]
        items.append((body[at], text.decode("utf-8", "replace")))
        at += 2 + len(text)
    return tuple(items), at


def _encode_one(packet: RtcpPacket) -> bytes:
    if isinstance(packet, SenderReport):
        head = _WORD.pack(packet.ssrc) + _SENDER.pack(
            packet.ntp_time, packet.rtp_timestamp, packet.packets & 0xFFFFFFFF, packet.octets & 0xFFFFFFFF
        )
        return _frame(SENDER_REPORT, len(packet.blocks), head + _encode_blocks(packet.blocks))
    if isinstance(packet, ReceiverReport):
        body = _WORD.pack(packet.ssrc) + _encode_blocks(packet.blocks)
        return _frame(RECEIVER_REPORT, len(packet.blocks), body)
    if isinstance(packet, SourceDescription):
        return _frame(SOURCE_DESCRIPTION, len(packet.chunks), b"".join(_encode_chunk(*c) for c in packet.chunks))
    if isinstance(packet, ExtendedReport):
        return _frame(EXTENDED_REPORT, 0, _WORD.pack(packet.ssrc) + packet.blocks)
    body = b"".join(_WORD.pack(source) for source in packet.sources)
    if packet.reason:
        body += _padded(_counted(packet.reason))
    return _frame(GOODBYE, len(packet.sources), body)


def _frame(kind: int, count: int, body: bytes) -> bytes:
    return _COMMON.pack(2 << 6 | count, kind, len(body) // 4) + body


def _encode_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | max(-0x800000, min(block.cumulative_lost, 0x7FFFFF)) & 0xFFFFFF,
            block.highest_sequence,
            block.jitter,
            block.last_sr,
            block.delay_since_last_sr,
        )
        for block in blocks
    )


def _encode_chunk(source: int, items: tuple[tuple[int, str], ...]) -> bytes:
    body = b"".join(bytes((kind,)) + _counted(text) for kind, text in items)
    return _WORD.pack(source) + _padded(body + b"\0")


def _counted(text: str) -> bytes:
    octets = text.encode()[:255]
    return bytes((len(octets),)) + octets


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
