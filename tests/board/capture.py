"""Writes what passes an interface to a pcap file.   usage: python -m tests.board.capture INTERFACE FILE [--sip]

Runs inside the namespace whose interface it listens to. With --sip only SIP is kept, with the pieces of fragmented
datagrams. Ends at SIGTERM.
"""

import signal
import socket
import sys
import time
from pathlib import Path

from tests.board.pcap import ETHERTYPE_IPV4, SNAP_LENGTH, Packet, PcapWriter, decode, is_sip

ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
"""<asm-generic/socket.h>: the kernel says when each packet passed."""


def is_wanted(packet: Packet) -> bool:
    """Whether a packet belongs to SIP; a later piece of a datagram may, so it is kept."""
    datagram = decode(packet)
    if datagram is not None:
        return is_sip(datagram)
    frame = packet.frame
    is_ipv4 = len(frame) >= 34 and int.from_bytes(frame[12:14], "big") == ETHERTYPE_IPV4
    return is_ipv4 and bool(int.from_bytes(frame[20:22], "big") & 0x1FFF)


def passed_at(ancillary: list[tuple[int, int, bytes]]) -> int:
    """When the kernel saw the packet, in nanoseconds since 1970."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            return int.from_bytes(data[:8], sys.byteorder) * 1_000_000_000 + int.from_bytes(data[8:16], sys.byteorder)
    return time.time_ns()


def main(interface: str, path: str, only_sip: bool) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        wire.bind((interface, 0))
        with Path(path).open("wb") as file:
            writer = PcapWriter(file)
            while True:
                frame, ancillary, _, _ = wire.recvmsg(SNAP_LENGTH, 64)
                packet = Packet(passed_at(ancillary), frame)
                if not only_sip or is_wanted(packet):
                    writer.write(packet)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "--sip" in sys.argv[3:])
