"""News of addresses and links, as the kernel writes them."""

import errno
import socket
import struct

import pytest

from device import plain_sockets
from device.net.link_monitor import (
    IFA_ADDRESS,
    IFA_F_TENTATIVE,
    IFA_LOCAL,
    IFF_RUNNING,
    NLM_F_REPLACE,
    NLMSG_DONE,
    RT_TABLE_MAIN,
    RTA_GATEWAY,
    RTA_PRIORITY,
    RTM_DELADDR,
    RTM_DELLINK,
    RTM_DELROUTE,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
    SETTLE_S,
    LinkMonitor,
)
from tests.support.turning import HandLoop

OLD, NEW = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")


def _message(kind: int, body: bytes = b"") -> bytes:
    data = struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body
    return data + bytes(-len(data) % 4)


def _address(kind: int, address: bytes, index: int = 2, flags: int = 0, attribute: int = IFA_LOCAL) -> bytes:
    value = struct.pack("=HH", 4 + len(address), attribute) + address
    return _message(kind, struct.pack("=BBBBI", socket.AF_INET, 24, flags, 0, index) + value)


def _link(kind: int, index: int = 2, running: bool = True) -> bytes:
    return _message(kind, struct.pack("=BxHiII", 0, 1, index, IFF_RUNNING if running else 0, 0))


GATEWAY, OTHER_GATEWAY = socket.inet_aton("192.0.2.254"), socket.inet_aton("192.0.2.253")


def _route(
    kind: int,
    gateway: bytes = GATEWAY,
    priority: bytes = b"",
    prefix: int = 0,
    table: int = RT_TABLE_MAIN,
    type_: int = 1,
    replaces: bool = False,
) -> bytes:
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, prefix, 0, 0, table, 3, 0, type_, 0)
    for number, value in ((RTA_GATEWAY, gateway), (RTA_PRIORITY, priority)):
        body += struct.pack("=HH", 4 + len(value), number) + value if value else b""
    message = bytearray(_message(kind, body))
    struct.pack_into("=H", message, 6, NLM_F_REPLACE if replaces else 0)
    return bytes(message)


DONE = _message(NLMSG_DONE, bytes(4))


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def monitor(loop: HandLoop, told: list[str]) -> LinkMonitor:
    monitor = LinkMonitor(loop, lambda: told.append("changed"))
    assert not monitor.receive(_address(RTM_NEWADDR, OLD) + DONE)
    return monitor


def test_what_is_there_at_the_start_is_no_news(loop: HandLoop) -> None:
    monitor = LinkMonitor(loop, lambda: None)
    assert not monitor.receive(_address(RTM_NEWADDR, OLD))
    assert not monitor.receive(_address(RTM_NEWADDR, NEW) + DONE)
    assert not monitor.receive(_address(RTM_NEWADDR, NEW))


def test_a_new_address_is_news_and_a_renewed_lease_is_none(monitor: LinkMonitor) -> None:
    assert not monitor.receive(_address(RTM_NEWADDR, OLD))
    assert monitor.receive(_address(RTM_NEWADDR, NEW, attribute=IFA_ADDRESS))
    assert not monitor.receive(_address(RTM_NEWADDR, NEW))
    # The same address at another link is another way out.
    assert monitor.receive(_address(RTM_NEWADDR, NEW, index=3))


def test_an_address_that_goes_is_news_once(monitor: LinkMonitor) -> None:
    assert monitor.receive(_address(RTM_DELADDR, OLD))
    assert not monitor.receive(_address(RTM_DELADDR, OLD))


def test_an_address_that_is_not_settled_cannot_be_used_yet(monitor: LinkMonitor) -> None:
    assert not monitor.receive(_address(RTM_NEWADDR, NEW, flags=IFA_F_TENTATIVE))
    assert monitor.receive(_address(RTM_NEWADDR, NEW))


def test_a_link_that_comes_back_is_news(monitor: LinkMonitor) -> None:
    assert not monitor.receive(_link(RTM_NEWLINK))
    assert not monitor.receive(_link(RTM_NEWLINK, running=False))
    assert monitor.receive(_link(RTM_NEWLINK))
    assert not monitor.receive(_link(RTM_DELLINK))
    assert monitor.receive(_link(RTM_NEWLINK))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        struct.pack("=IHHII", 4, RTM_NEWADDR, 0, 0, 0),
        struct.pack("=IHHII", 400, RTM_NEWADDR, 0, 0, 0),
        _message(RTM_NEWADDR, b"\2"),
        _message(RTM_NEWLINK, b"\2"),
        _message(RTM_NEWADDR, struct.pack("=BBBBI", 2, 24, 0, 0, 2)),
        _message(RTM_NEWADDR, struct.pack("=BBBBIHH", 2, 24, 0, 0, 2, 1, IFA_LOCAL)),
        _message(RTM_NEWADDR, struct.pack("=BBBBIHH", 2, 24, 0, 0, 2, 99, IFA_LOCAL)),
        _message(99),
    ],
)
def test_what_makes_no_sense_is_passed_over(monitor: LinkMonitor, data: bytes) -> None:
    assert not monitor.receive(data)


@pytest.mark.parametrize("length", range(0, 70, 7))
def test_what_is_cut_off_is_passed_over(monitor: LinkMonitor, length: int) -> None:
    monitor.receive((_address(RTM_NEWADDR, OLD) + _link(RTM_NEWLINK))[:length])


def test_several_messages_come_at_once(monitor: LinkMonitor) -> None:
    assert monitor.receive(_link(RTM_NEWLINK) + _address(RTM_NEWADDR, NEW) + _link(RTM_NEWLINK))


def test_a_default_route_that_changes_is_news(monitor: LinkMonitor) -> None:
    assert monitor.receive(_route(RTM_NEWROUTE))
    assert not monitor.receive(_route(RTM_NEWROUTE)), "a router that advertises itself again"
    assert monitor.receive(_route(RTM_NEWROUTE, OTHER_GATEWAY, replaces=True))
    assert monitor.receive(_route(RTM_NEWROUTE, replaces=True)), "back to the first"
    assert monitor.receive(_route(RTM_NEWROUTE, OTHER_GATEWAY))
    assert not monitor.receive(_route(RTM_DELROUTE, OTHER_GATEWAY, priority=b"\1\0\0\0"))
    assert monitor.receive(_route(RTM_DELROUTE, OTHER_GATEWAY))
    assert not monitor.receive(_route(RTM_DELROUTE, OTHER_GATEWAY))


@pytest.mark.parametrize("changes", [{"prefix": 24}, {"table": 255}, {"type_": 3}])
def test_other_routes_are_no_news(monitor: LinkMonitor, changes: dict[str, int]) -> None:
    assert not monitor.receive(_route(RTM_NEWROUTE, **changes))  # type: ignore[arg-type]


def test_a_burst_without_end_is_told_in_time(loop: HandLoop, monitor: LinkMonitor, told: list[str]) -> None:
    monitor._note_change()
    first = monitor.next_timeout()
    assert first is not None
    monitor._latest = first
    monitor._note_change()
    assert monitor.next_timeout() == first
    monitor.handle_timeout(first)
    assert told == ["changed"]


def test_a_burst_is_told_once_when_it_is_over(loop: HandLoop, monitor: LinkMonitor, told: list[str]) -> None:
    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    monitor._socket = ours
    loop.add_reader(ours.fileno(), monitor._readable)
    assert monitor.next_timeout() is None
    kernel.send(_address(RTM_NEWADDR, NEW))
    loop.turn(1.0)
    first = monitor.next_timeout()
    kernel.send(_address(RTM_DELADDR, OLD))
    loop.turn(1.0)
    due = monitor.next_timeout()
    assert first is not None
    assert due is not None
    assert first <= due <= loop.now() + SETTLE_S
    monitor.handle_timeout(due - 0.01)
    assert told == []
    monitor.handle_timeout(due)
    monitor.handle_timeout(due + 1)
    assert told == ["changed"]
    assert monitor.next_timeout() is None
    # Nothing to read is nothing new.
    monitor._readable()
    kernel.send(DONE)
    loop.turn(1.0)
    assert monitor.next_timeout() is None
    monitor.close()
    monitor.close()
    monitor._readable()
    kernel.close()


def test_when_the_kernel_had_more_to_tell_than_fits_something_has_changed(
    monitor: LinkMonitor, told: list[str]
) -> None:
    class Overrun:
        def recv(self, size: int) -> bytes:
            raise OSError(errno.ENOBUFS, "No buffer space available")

        def send(self, data: bytes) -> None:
            asked.append(struct.unpack_from("=IH", data)[1])

    asked: list[int] = []
    monitor._socket = Overrun()  # type: ignore[assignment]
    monitor._readable()
    assert monitor.next_timeout() is not None
    # What it could not tell is asked for, one thing after the other, and is no news when it comes.
    assert not monitor.receive(_address(RTM_NEWADDR, NEW) + DONE)
    assert not monitor.receive(_address(RTM_NEWADDR, OLD) + DONE)
    assert not monitor.receive(_route(RTM_NEWROUTE) + DONE)
    assert asked == [18, 22, 26]
    assert not monitor.receive(_address(RTM_NEWADDR, OLD))
    assert monitor.receive(_address(RTM_DELADDR, OLD))
    monitor._socket = None


def test_where_the_kernel_will_not_tell_again_later_news_still_counts(monitor: LinkMonitor) -> None:
    class Deaf:
        def recv(self, size: int) -> bytes:
            raise OSError(errno.ENOBUFS, "No buffer space available")

        def send(self, data: bytes) -> None:
            raise OSError(errno.EBUSY, "Device or resource busy")

    monitor._socket = Deaf()  # type: ignore[assignment]
    monitor._readable()
    assert monitor.receive(_address(RTM_NEWADDR, NEW))
    monitor._socket = None


def test_the_real_kernel_tells_what_there_is(loop: HandLoop, told: list[str]) -> None:
    monitor = LinkMonitor(loop, lambda: told.append("changed"))
    monitor.open()
    if monitor._socket is None:
        pytest.skip("the kernel lets nobody listen to its network news here")
    loop.turn_until(lambda: monitor._all_known)
    assert any(address == socket.inet_aton("127.0.0.1") for _, address in monitor._addresses)
    assert monitor.next_timeout() is None
    monitor.close()


@pytest.mark.parametrize("fails", ["socket", "bind"])
def test_where_the_kernel_does_not_let_us_the_phone_works_without(
    loop: HandLoop, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    class Refusing:
        closed = False

        def bind(self, _address: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        def close(self) -> None:
            Refusing.closed = True

    def make(*_: object) -> Refusing:
        if fails == "socket":
            raise OSError(errno.EPERM, "Operation not permitted")
        return Refusing()

    monkeypatch.setattr(plain_sockets, "socket", make)
    monitor = LinkMonitor(loop, lambda: None)
    monitor.open()
    assert monitor._socket is None
    assert Refusing.closed == (fails == "bind")
