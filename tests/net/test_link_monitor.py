"""The netlink messages are written after linux/rtnetlink.h."""

import struct
from collections.abc import Callable

import pytest

from device.net.link_monitor import SETTLE_S, LinkMonitor

NEWLINK, NEWADDR, DELADDR = 16, 20, 21
RUNNING, TENTATIVE = 0x40, 0x40


def message(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + padded


def address(kind: int, text: bytes = b"\xc0\x00\x02\x01", index: int = 2, flags: int = 0) -> bytes:
    attributes = b"".join(struct.pack("=HH", 4 + len(text), name) + text for name in (1, 2))
    return message(kind, struct.pack("=BBBBI", 2, 24, flags, 0, index) + attributes)


def link(running: bool, index: int = 2) -> bytes:
    return message(NEWLINK, struct.pack("=BxHiII", 0, 1, index, RUNNING if running else 0, 0))


class FakeReactor:
    """Time by hand; descriptors are remembered."""

    def __init__(self) -> None:
        self.time = 0.0
        self.readers: dict[int, Callable[[], None]] = {}

    def now(self) -> float:
        return self.time

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        self.readers[fd] = callback

    def remove_reader(self, fd: int) -> None:
        self.readers.pop(fd, None)

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        raise NotImplementedError

    def remove_writer(self, fd: int) -> None:
        raise NotImplementedError

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError


@pytest.fixture
def monitor() -> LinkMonitor:
    return LinkMonitor(FakeReactor(), lambda: None)


def test_a_new_address_is_news_once(monitor: LinkMonitor) -> None:
    assert monitor.receive(address(NEWADDR))
    assert not monitor.receive(address(NEWADDR)), "a renewed lease is no news"


def test_an_address_that_goes_is_news(monitor: LinkMonitor) -> None:
    monitor.receive(address(NEWADDR))
    assert monitor.receive(address(DELADDR))
    assert not monitor.receive(address(DELADDR))


def test_an_address_that_is_still_being_checked_does_not_count(monitor: LinkMonitor) -> None:
    assert not monitor.receive(address(NEWADDR, bytes(15) + b"\x01", flags=TENTATIVE))


def test_the_same_address_on_another_interface_is_another(monitor: LinkMonitor) -> None:
    monitor.receive(address(NEWADDR))
    assert monitor.receive(address(NEWADDR, index=3))


def test_a_link_that_comes_back_is_news_and_one_that_goes_is_not(monitor: LinkMonitor) -> None:
    assert not monitor.receive(link(running=True))
    assert not monitor.receive(link(running=False))
    assert monitor.receive(link(running=True))


def test_several_messages_in_one_datagram(monitor: LinkMonitor) -> None:
    assert monitor.receive(link(running=True) + address(NEWADDR))


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_what_is_cut_off_is_passed_over(monitor: LinkMonitor, length: int) -> None:
    monitor.receive((address(NEWADDR) + link(running=True))[:length])


def test_lengths_that_lie_end_the_reading(monitor: LinkMonitor) -> None:
    assert not monitor.receive(struct.pack("=IHHII", 4, NEWADDR, 0, 0, 0) + address(NEWADDR))
    assert not monitor.receive(message(NEWADDR, struct.pack("=BBBBI", 2, 24, 0, 0, 2) + struct.pack("=HH", 1, 1)))


def test_a_burst_is_told_once_when_it_has_settled() -> None:
    told: list[float] = []
    reactor = FakeReactor()
    monitor = LinkMonitor(reactor, lambda: told.append(reactor.time))
    reactor.time = 10.0
    monitor._note_change()
    reactor.time = 10.6
    monitor._note_change()
    assert monitor.next_timeout() == 10.6 + SETTLE_S
    monitor.handle_timeout(11.0)
    assert told == []
    reactor.time = 11.6
    monitor.handle_timeout(11.6)
    assert (told, monitor.next_timeout()) == ([11.6], None)


def test_what_was_there_at_the_start_is_no_change() -> None:
    reactor = FakeReactor()
    monitor = LinkMonitor(reactor, lambda: None)
    monitor.open()
    assert len(reactor.readers) == 1
    next(iter(reactor.readers.values()))()
    assert monitor.next_timeout() is None
    assert monitor._addresses, "the loopback address at least is there"
    monitor.close()
    monitor.close()
    assert not reactor.readers
