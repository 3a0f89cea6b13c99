"""Captures in the classic pcap format (draft-ietf-opsawg-pcap), written and read without libpcap.

Knows Ethernet, IPv4 with fragments, IPv6 without extension headers, UDP and TCP: what passes the switch of the virtual
boards.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

MAGIC_NANOSECONDS = 0xA1B23C4D
LINKTYPE_ETHERNET = 1
SNAP_LENGTH = 65_535

FILE_HEADER = struct.Struct("<IHHiIII")
PACKET_HEADER = struct.Struct("<IIII")

ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
SIP_PORTS = frozenset(range(5060, 5063))
"""Ports at which SIP is expected; SIP at others is known by its first line."""

_SIP_STARTS = (b"SIP/2.0 ", b"INVITE ", b"ACK ", b"BYE ", b"CANCEL ", b"REGISTER ", b"OPTIONS ", b"PRACK ", b"UPDATE ")
_SIP_STARTS += (b"INFO ", b"SUBSCRIBE ", b"NOTIFY ", b"REFER ", b"MESSAGE ")


class Packet(NamedTuple):
    """One frame and when it passed, in nanoseconds since 1970."""

    at_ns: int
    frame: bytes


class Datagram(NamedTuple):
    """What one packet of UDP or TCP carried."""

    at_ns: int
    source: tuple[str, int]
    target: tuple[str, int]
    protocol: int
    payload: bytes


class PcapWriter:
    """Writes packets so that the file can be read at any time, also after the writer was killed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(FILE_HEADER.pack(MAGIC_NANOSECONDS, 2, 4, 0, 0, SNAP_LENGTH, LINKTYPE_ETHERNET))
        file.flush()

    def write(self, packet: Packet) -> None:
        seconds, nanoseconds = divmod(packet.at_ns, 1_000_000_000)
        kept = packet.frame[:SNAP_LENGTH]
        self._file.write(PACKET_HEADER.pack(seconds, nanoseconds, len(kept), len(packet.frame)) + kept)
        self._file.flush()


def read_pcap(path: Path) -> Iterator[Packet]:
    """The packets of a capture that `PcapWriter` made; a last one that is cut off is left out."""
    with path.open("rb") as file:
        header = file.read(FILE_HEADER.size)
        if len(header) < FILE_HEADER.size or FILE_HEADER.unpack(header)[0] != MAGIC_NANOSECONDS:
            raise ValueError(f"{path} is no capture with nanoseconds")
        while len(head := file.read(PACKET_HEADER.size)) == PACKET_HEADER.size:
            seconds, nanoseconds, length, _ = PACKET_HEADER.unpack(head)
            frame = file.read(length)
            if len(frame) < length:
                return
            yield Packet(seconds * 1_000_000_000 + nanoseconds, frame)


def decode(packet: Packet) -> Datagram | None:
    """What it carries by UDP or TCP; None for anything else and for the later pieces of a fragmented datagram."""
    frame = packet.frame
    if len(frame) < 14:
        return None
    ethertype = int.from_bytes(frame[12:14], "big")
    if ethertype == ETHERTYPE_IPV4:
        found = _ipv4(frame[14:])
    elif ethertype == ETHERTYPE_IPV6:
        found = _ipv6(frame[14:])
    else:
        return None
    if found is None:
        return None
    source, target, protocol, rest = found
    start = {UDP: 8, TCP: (rest[12] >> 4) * 4 if len(rest) > 12 else 0}.get(protocol, 0)
    if not start or len(rest) < start:
        return None
    ports = struct.unpack_from(">HH", rest)
    return Datagram(packet.at_ns, (source, ports[0]), (target, ports[1]), protocol, rest[start:])


def _ipv4(packet: bytes) -> tuple[str, str, int, bytes] | None:
    if len(packet) < 20:
        return None
    header, total = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    if int.from_bytes(packet[6:8], "big") & 0x1FFF:
        return None
    source, target = (".".join(map(str, packet[at : at + 4])) for at in (12, 16))
    return source, target, packet[9], packet[header:total]


def _ipv6(packet: bytes) -> tuple[str, str, int, bytes] | None:
    if len(packet) < 40:
        return None
    source, target = (packet[at : at + 16].hex(":", 2) for at in (8, 24))
    return source, target, packet[6], packet[40 : 40 + int.from_bytes(packet[4:6], "big")]


def is_sip(datagram: Datagram) -> bool:
    """Whether this is a packet of SIP, its connection or its keep-alive."""
    ports = {datagram.source[1], datagram.target[1]}
    return bool(ports & SIP_PORTS) or datagram.payload.startswith(_SIP_STARTS)


def sip_messages(packets: Iterable[Packet]) -> Iterator[tuple[Datagram, str]]:
    """Each message of SIP over UDP with its first line, in order."""
    for packet in packets:
        datagram = decode(packet)
        if datagram is not None and datagram.protocol == UDP and datagram.payload.startswith(_SIP_STARTS):
            yield datagram, datagram.payload.split(b"\r\n", 1)[0].decode("utf-8", "replace")
