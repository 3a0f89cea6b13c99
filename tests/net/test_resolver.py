"""Names to addresses without making the loop wait. What the C library says is given by the tests."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from device.net.resolver import MAX_CACHED, MAX_WAITING, MAX_WORKERS, POSITIVE_TTL_S, STALE_TTL_S, Resolver
from device.sip.hop import Hop, NextHop
from tests.support.turning import HandLoop

PBX = NextHop("pbx.example", None, "TCP")
Answer = Callable[[str], list[str]]


class _Dns:
    """A name service whose answers a test sets; `gate` holds them back."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {"pbx.example": ["192.0.2.7"]}
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[tuple[str, int, int]] = []

    def getaddrinfo(self, host: str, port: int, family: int, kind: int) -> list[tuple[object, ...]]:
        self.asked.append((host, port, family))
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return [(family, kind, 17, "", (address, port)) for address in self.addresses.get(host, [])]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Dns]:
    dns = _Dns()
    monkeypatch.setattr(socket, "getaddrinfo", dns.getaddrinfo)
    yield dns
    dns.gate.set()


class _Found(dict[NextHop, list[list[Hop]]]):
    """Every answer that was delivered."""

    def take(self, next_hop: NextHop, hops: list[Hop]) -> None:
        self.setdefault(next_hop, []).append(hops)


@pytest.fixture
def found() -> _Found:
    return _Found()


@pytest.fixture
def resolver(loop: HandLoop, found: _Found, dns: _Dns) -> Resolver:
    return Resolver(loop, found.take)


def test_an_answer_comes_with_transport_and_port(loop: HandLoop, resolver: Resolver, found: _Found, dns: _Dns) -> None:
    dns.addresses["pbx.example"] = ["192.0.2.7", "192.0.2.8", "192.0.2.7"]
    resolver.lookup(PBX)
    assert found == {}
    loop.turn_until(lambda: found)
    assert found[PBX] == [[Hop("TCP", "192.0.2.7", 5060), Hop("TCP", "192.0.2.8", 5060)]]
    assert dns.asked == [("pbx.example", 5060, socket.AF_INET)]
    assert resolver.known_address("pbx.example") == "192.0.2.7"
    assert resolver.known_address("other.example") is None


def test_a_named_port_is_kept_and_udp_is_the_rule(loop: HandLoop, resolver: Resolver, found: _Found) -> None:
    next_hop = NextHop("pbx.example", 5080, None)
    resolver.lookup(next_hop)
    loop.turn_until(lambda: found)
    assert found[next_hop] == [[Hop("UDP", "192.0.2.7", 5080)]]


def test_an_answer_serves_for_its_time(loop: HandLoop, resolver: Resolver, found: _Found, dns: _Dns) -> None:
    resolver.lookup(PBX)
    loop.turn_until(lambda: found)
    resolver.lookup(PBX)
    assert len(found[PBX]) == 2
    loop.later = POSITIVE_TTL_S + 1
    dns.addresses["pbx.example"] = ["192.0.2.9"]
    resolver.lookup(PBX)
    loop.turn_until(lambda: len(found[PBX]) == 3)
    assert found[PBX][2] == [Hop("TCP", "192.0.2.9", 5060)]
    assert len(dns.asked) == 2


def test_two_who_ask_at_once_get_one_answer(loop: HandLoop, resolver: Resolver, found: _Found, dns: _Dns) -> None:
    dns.gate.clear()
    resolver.lookup(PBX)
    resolver.lookup(PBX)
    dns.gate.set()
    loop.turn_until(lambda: found)
    loop.settle()
    assert len(found[PBX]) == len(dns.asked) == 1


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(-2, "Name or service not known"),
        UnicodeError("label too long"),
        ValueError("embedded null byte"),
        OverflowError("port"),
        RuntimeError(),
    ],
)
def test_a_name_that_is_not_found_is_an_answer_too(
    loop: HandLoop, resolver: Resolver, found: _Found, dns: _Dns, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "device")
    dns.error = error
    resolver.lookup(PBX)
    loop.turn_until(lambda: found)
    assert found[PBX] == [[]]
    assert "cannot find pbx.example" in caplog.text
    # It can be asked for again.
    dns.error = None
    resolver.lookup(PBX)
    loop.turn_until(lambda: len(found[PBX]) == 2)
    assert found[PBX][1]


def test_an_empty_answer_is_none(loop: HandLoop, resolver: Resolver, found: _Found) -> None:
    nobody = NextHop("nobody.example", None, None)
    resolver.lookup(nobody)
    loop.turn_until(lambda: found)
    assert found[nobody] == [[]]


def test_while_dns_is_dead_the_last_good_answer_serves(
    loop: HandLoop, resolver: Resolver, found: _Found, dns: _Dns
) -> None:
    resolver.lookup(PBX)
    loop.turn_until(lambda: found)
    dns.error = socket.gaierror(-3, "Temporary failure in name resolution")
    loop.later = POSITIVE_TTL_S + 1
    resolver.lookup(PBX)
    loop.turn_until(lambda: len(found[PBX]) == 2)
    assert found[PBX][1] == [Hop("TCP", "192.0.2.7", 5060)]
    # The next call does not wait for the dead server again.
    resolver.lookup(PBX)
    assert len(found[PBX]) == 3
    assert len(dns.asked) == 2
    loop.later += STALE_TTL_S + 1
    resolver.lookup(PBX)
    loop.turn_until(lambda: len(dns.asked) == 3)


def test_the_log_is_written_by_the_loop(
    loop: HandLoop,
    resolver: Resolver,
    found: _Found,
    dns: _Dns,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging, "logThreads", True)
    caplog.set_level(logging.INFO, "device")
    dns.error = socket.gaierror(-2, "unknown")
    resolver.lookup(PBX)
    loop.turn_until(lambda: found)
    assert {record.thread for record in caplog.records} == {threading.get_ident()}


def test_a_flood_of_names_is_served_by_few_threads(
    loop: HandLoop, resolver: Resolver, found: _Found, dns: _Dns
) -> None:
    dns.gate.clear()
    names = [NextHop(f"host-{number}.example", None, None) for number in range(MAX_WORKERS + MAX_WAITING + 3)]
    for name in names:
        resolver.lookup(name)
    assert len(dns.asked) <= MAX_WORKERS
    # What is too much is told at once.
    assert list(found) == names[-3:]
    dns.gate.set()
    loop.turn_until(lambda: len(found) == len(names))
    assert resolver._workers == 0


def test_the_memory_of_answers_is_bounded(loop: HandLoop, resolver: Resolver, found: _Found, dns: _Dns) -> None:
    names = [NextHop(f"host-{number}.example", None, None) for number in range(MAX_CACHED + 1)]
    for name in names:
        dns.addresses[name.host] = ["192.0.2.1"]
        resolver.lookup(name)
        loop.turn_until(lambda name=name: name in found)  # type: ignore[misc]
    assert resolver.known_address(names[0].host) is None
    assert resolver.known_address(names[1].host) == "192.0.2.1"
    # Renewing an answer drops no other.
    loop.later = POSITIVE_TTL_S + 1
    resolver.lookup(names[-1])
    loop.turn_until(lambda: len(found[names[-1]]) == 2)
    assert resolver.known_address(names[1].host) == "192.0.2.1"


def test_a_process_that_gets_no_thread_goes_on(
    loop: HandLoop, resolver: Resolver, found: _Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    resolver.lookup(PBX)
    loop.turn_until(lambda: found)
    assert found[PBX] == [[]]
    assert resolver._workers == 0


def test_both_families_are_asked_for_where_both_can_be_used(loop: HandLoop, found: _Found, dns: _Dns) -> None:
    Resolver(loop, found.take, ipv6=True).lookup(PBX)
    loop.turn_until(lambda: found)
    assert dns.asked[0][2] == socket.AF_UNSPEC


def test_an_answer_after_the_loop_is_closed_disturbs_nobody(found: _Found, dns: _Dns) -> None:
    loop = HandLoop()
    dns.gate.clear()
    resolver = Resolver(loop, found.take)
    resolver.lookup(PBX)
    worker = next(thread for thread in threading.enumerate() if thread.name == "resolver")
    loop.close()
    dns.gate.set()
    worker.join(5)
    assert not worker.is_alive()
    assert found == {}


def test_a_real_name_is_found(loop: HandLoop, found: _Found) -> None:
    try:
        socket.getaddrinfo("localhost", None)
    except socket.gaierror:
        pytest.skip("this machine has no host table: it does not even know localhost")
    local = NextHop("localhost", 5060, "UDP")
    Resolver(loop, found.take).lookup(local)
    loop.turn_until(lambda: found)
    assert found[local] == [[Hop("UDP", "127.0.0.1", 5060)]]
