"""A name server on loopback in the loop of a test: UDP and TCP at one port, a zone, and bad manners on demand."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from device.net.dns_message import encode_name
from tests.support import dns_wire as wire
from tests.support.turning import HandLoop

HOST = "127.0.0.1"


class NameServer:
    """Answers from `zone`; a name that is not in it does not exist. Its manners may be changed at any time."""

    def __init__(self, loop: HandLoop) -> None:
        self._loop = loop
        self.zone: dict[tuple[str, int], tuple[bytes, ...]] = {}
        self.ttl = 60
        self.is_silent = False
        self.ignored_types: tuple[int, ...] = ()
        self.rcode = 0
        self.truncates = False
        self.refuses_edns = False
        self.bad_answers: list[bytes] = []
        """Sent before the right one, with the id of the query in place of the first two bytes."""
        self.asked: list[tuple[str, int, str]] = []
        """Name, type, and "udp", "udp+edns", "tcp" ... of each query."""
        self.ports: list[int] = []
        self.ids: list[int] = []
        self._udp, self._tcp = _sockets()
        self.address = self._udp.getsockname()
        self._streams: list[socket.socket] = []
        self._udp.setblocking(False)
        loop.add_reader(self._udp.fileno(), self._read_datagram)
        loop.add_reader(self._tcp.fileno(), self._accept)

    def add(self, name: str, kind: int, *records: bytes) -> None:
        self.zone[name, kind] = records

    def host(self, name: str, *addresses: str) -> None:
        for kind, sign in ((wire.A, "."), (wire.AAAA, ":")):
            self.zone[name, kind] = tuple(wire.address(name, one, self.ttl) for one in addresses if sign in one)

    def types_asked(self, name: str) -> list[int]:
        return [kind for asked, kind, _ in self.asked if asked == name]

    def close(self) -> None:
        for sock in (self._udp, self._tcp, *self._streams):
            self._loop.remove_reader(sock.fileno())
            sock.close()

    def _read_datagram(self) -> None:
        data, source = self._udp.recvfrom(4096)
        self.ports.append(source[1])
        for answer in self._answers(data, "udp"):
            self._udp.sendto(answer, source)

    def _accept(self) -> None:
        stream, _ = self._tcp.accept()
        self._streams.append(stream)
        self._loop.add_reader(stream.fileno(), lambda: self._read_stream(stream))

    def _read_stream(self, stream: socket.socket) -> None:
        data = stream.recv(4096)
        if not data:
            self._loop.remove_reader(stream.fileno())
            stream.close()
            return
        with suppress(OSError):
            for answer in self._answers(data[2:], "tcp"):
                # In two pieces, as a network may cut it.
                stream.send(struct.pack("!H", len(answer)) + answer[:3])
                stream.send(answer[3:])

    def _answers(self, query: bytes, way: str) -> Iterator[bytes]:
        query_id, _, _, _, _, additional = struct.unpack_from("!6H", query)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(labels), struct.unpack_from("!H", query, at + 1)[0]
        assert query[12:].startswith(encode_name(name))
        self.asked.append((name, kind, f"{way}+edns" if additional else way))
        self.ids.append(query_id)
        if self.is_silent or kind in self.ignored_types:
            return
        for bad in self.bad_answers:
            yield query[:2] + bad[2:]
        if self.refuses_edns and additional:
            yield query[:2] + bytes.fromhex("8181 0000 0000 0000 0000")
        elif self.truncates and way == "udp":
            yield wire.response(query_id, name, kind, flags=0x8380)
        else:
            yield self._answer(query_id, name, kind)

    def _answer(self, query_id: int, name: str, kind: int) -> bytes:
        records = self.zone.get((name, kind), ())
        exists = any(known == name for known, _ in self.zone)
        soa = () if records else (wire.soa("example", 20),)
        return wire.response(query_id, name, kind, records, soa, rcode=self.rcode or (0 if exists else 3))


def _sockets() -> tuple[socket.socket, socket.socket]:
    """One for UDP and one for TCP at the same port."""
    while True:
        tcp = socket.create_server((HOST, 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return udp, tcp


@contextmanager
def name_server(loop: HandLoop) -> Iterator[NameServer]:
    server = NameServer(loop)
    try:
        yield server
    finally:
        server.close()
