"""ICMP errors out of the kernel's queue: which count (RFC 3261 section 18.4) and which do not."""

import errno
import socket
import struct

import pytest

from device.net.icmp_errors import ask_for_errors, take_errors

IP_RECVERR, IPV6_RECVERR = 11, 25
ICMP, ICMP6, LOCAL = 2, 3, 1


class _Queue:
    """Stands for a socket whose error queue holds what a test puts there."""

    def __init__(self, *errors: tuple[list[tuple[int, int, bytes]], tuple[str, int]]) -> None:
        self._errors = list(errors)
        self.taken = 0

    def recvmsg(self, size: int, ancillary_size: int, flags: int) -> tuple[object, ...]:
        assert flags == socket.MSG_ERRQUEUE
        if not self._errors:
            raise BlockingIOError
        self.taken += 1
        ancillary, address = self._errors.pop(0)
        return b"", ancillary, 0, address


def _error(origin: int, kind: int, code: int, number: int = errno.ECONNREFUSED) -> tuple[int, int, bytes]:
    level, name = (socket.IPPROTO_IPV6, IPV6_RECVERR) if origin == ICMP6 else (socket.IPPROTO_IP, IP_RECVERR)
    return level, name, struct.pack("=IBBBBII", number, origin, kind, code, 0, 0, 0) + bytes(16)


@pytest.mark.parametrize(
    ("origin", "kind", "code"), [(ICMP, 3, 0), (ICMP, 3, 1), (ICMP, 3, 3), (ICMP, 12, 0), (ICMP6, 1, 4), (ICMP6, 4, 0)]
)
def test_unreachable_peers_are_told(origin: int, kind: int, code: int) -> None:
    queue = _Queue(([_error(origin, kind, code)], ("192.0.2.7", 5060)))
    assert take_errors(queue) == {("192.0.2.7", 5060): "Connection refused"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ancillary",
    [
        [_error(ICMP, 4, 0)],
        [_error(ICMP, 11, 0)],
        [_error(ICMP, 3, 4, errno.EMSGSIZE)],
        [_error(ICMP6, 2, 0, errno.EMSGSIZE)],
        [_error(LOCAL, 0, 0, errno.EMSGSIZE)],
        [(socket.IPPROTO_IP, IP_RECVERR, b"short")],
        [(socket.IPPROTO_IP, 8, b"packet information and no error")],
        [],
    ],
)
def test_what_is_no_failure_is_taken_and_not_told(ancillary: list[tuple[int, int, bytes]]) -> None:
    queue = _Queue((ancillary, ("192.0.2.7", 5060)), ([_error(ICMP, 3, 3)], ("::ffff:192.0.2.8", 5062)))
    assert take_errors(queue) == {("192.0.2.8", 5062): "Connection refused"}  # type: ignore[arg-type]


def test_a_flood_of_errors_leaves_the_loop_its_other_work() -> None:
    queue = _Queue(*(([_error(ICMP, 3, 3)], ("192.0.2.7", number)) for number in range(100)))
    assert len(take_errors(queue)) == queue.taken == 32  # type: ignore[arg-type]


def test_a_kernel_without_the_queue_is_put_up_with() -> None:
    class Refusing:
        def setsockopt(self, *_: object) -> None:
            raise OSError(errno.ENOPROTOOPT, "no")

    ask_for_errors(Refusing(), socket.AF_INET6)  # type: ignore[arg-type]
