"""Every vector, damaged copies of them and plain garbage, thrown at a port by UDP and TCP."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from random import Random

from tests.support.processes import HOST, PATIENCE_S, ROOT

VECTORS = ROOT / "tests" / "vectors"
FOLDERS = ("sip", "sdp", "fuzz")
NOT_SENT = (".json", ".md", ".txt", ".toml", ".py")

DAMAGED_COPIES = 6
BURST = 40
"""Datagrams after which the receiver is waited for: a full socket buffer would only drop the rest."""
LARGEST_DATAGRAM = 65_507
T1_S, ATTEMPTS = 0.5, 40

GARBAGE = (
    b"\0",
    b"\0" * 1500,
    b"\xff" * LARGEST_DATAGRAM,
    b"\r\n" * 5000,
    b"A" * 60_000,
    b"INVITE sip:x@y SIP/2.0\r\n" + b"Via: SIP/2.0/UDP 1.2.3.4\r\n" * 2000 + b"\r\n",
    b"OPTIONS sip:x@y SIP/2.0\r\nVia: " + b"(" * 50_000 + b"\r\n\r\n",
    b"OPTIONS sip:x@y SIP/2.0\r\nTo: " + b'"\\' * 25_000 + b"\r\n\r\n",
    b"SIP/2.0 200 OK\r\n\r\n",
    b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"x" * 12,
    b"GET / HTTP/1.1\r\nHost: phone\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    b"REGISTER sip:x SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
)


def every_vector() -> list[bytes]:
    """The contents of all files of messages and descriptions among the vectors."""
    paths = [path for folder in FOLDERS for path in sorted((VECTORS / folder).rglob("*"))]
    wanted = (path for path in paths if path.is_file() and path.suffix not in NOT_SENT and path.name[0] != ".")
    return [path.read_bytes() for path in wanted]


def damaged(data: bytes, dice: Random) -> bytes:
    """A copy with one thing wrong: bytes changed, a line doubled, a part left out, or the end missing."""
    if not data:
        return data
    at = dice.randrange(len(data))
    what = dice.randrange(4)
    if what == 0:
        changed = bytearray(data)
        for _ in range(dice.randrange(1, 9)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        return bytes(changed)
    if what == 1:
        lines = data.split(b"\r\n")
        lines.insert(dice.randrange(len(lines)), dice.choice(lines))
        return b"\r\n".join(lines)
    return data[:at] + data[at + dice.randrange(20) :] if what == 2 else data[:at]


def missiles(seed: int) -> Iterator[bytes]:
    """All that is thrown, the same for the same seed."""
    dice = Random(seed)
    vectors = every_vector()
    yield from GARBAGE
    for data in vectors:
        yield data
        for _ in range(DAMAGED_COPIES):
            yield damaged(data, dice)
    for _ in range(200):
        yield dice.randbytes(dice.randrange(1, 1500))


def options(port: int, branch: str, transport: str = "UDP") -> bytes:
    """The question whether somebody is there."""
    return (
        f"OPTIONS sip:offhook@{HOST} SIP/2.0\r\n"
        f"Via: SIP/2.0/{transport} {HOST}:{port};branch=z9hG4bK-{branch};rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:probe@{HOST}>;tag={branch}\r\nTo: <sip:offhook@{HOST}>\r\n"
        f"Call-ID: probe-{branch}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


class Blast:
    """Throws at `port` of this machine; `thrown` counts."""

    def __init__(self, port: int) -> None:
        self.thrown = 0
        self._target = (HOST, port)
        self._probes = 0

    def by_udp(self, seed: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            sock.settimeout(T1_S)
            for data in missiles(seed):
                sock.sendto(data[:LARGEST_DATAGRAM], self._target)
                self.thrown += 1
                if self.thrown % BURST == 0:
                    self._await_answer(sock)
            self._await_answer(sock)

    def by_tcp(self, seed: int) -> None:
        """Each missile on a connection of its own: after garbage the far end closes it."""
        for data in missiles(seed):
            with socket.create_connection(self._target, PATIENCE_S) as sock, suppress(ConnectionError):
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65_536):
                    pass
            self.thrown += 1

    def is_answered(self) -> bool:
        """Whether OPTIONS gets its 200, or 486 where calls among what was thrown still take every line."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            sock.settimeout(T1_S)
            return self._await_answer(sock)[:12] in (b"SIP/2.0 200 ", b"SIP/2.0 486 ")

    def _await_answer(self, sock: socket.socket) -> bytes:
        """Ask, again since the buffer may be full, and pass over what else comes until the answer is there."""
        self._probes += 1
        branch = f"probe{sock.getsockname()[1]}-{self._probes}"
        question = options(sock.getsockname()[1], branch)
        for _ in range(ATTEMPTS):
            sock.sendto(question, self._target)
            with suppress(TimeoutError):
                while True:
                    data = sock.recv(65_536)
                    if f"Call-ID: probe-{branch}\r\n".encode() in data:
                        return data
        raise AssertionError(f"no answer after {self.thrown} messages")
