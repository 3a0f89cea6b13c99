"""One look-up, told step by step: each server, its answer, and how nobody's answer looks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.ids import CountingIds
from device.net import dns_lookups
from device.net.dns_message import REFUSED, SRV
from device.net.dns_trial import SYSTEM, DnsStep, DnsTrial, servers_asked
from device.net.resolver import Resolver
from device.sip.hop import Hop, NextHop
from tests.support import dns_wire as wire
from tests.support.name_server import NameServer, name_server
from tests.support.turning import PATIENCE_S, HandLoop

OFFICE = NextHop("office.example", None, "UDP")
OWNER = "_sip._udp.office.example"


@pytest.fixture
def server(loop: HandLoop) -> Iterator[NameServer]:
    with name_server(loop) as server:
        server.add(OWNER, SRV, wire.srv(OWNER, 1, 1, 5070, "a.example"))
        server.host("a.example", "192.0.2.1")
        yield server


class Told:
    def __init__(self) -> None:
        self.steps: list[DnsStep] = []
        self.found: list[list[str]] = []

    def end(self, hops: list[Hop]) -> None:
        self.found.append([str(hop) for hop in hops])

    @property
    def words(self) -> list[tuple[str, str, str]]:
        return [(step.type, step.name, step.fault or step.records[0]) for step in self.steps]


def resolver_at(loop: HandLoop, *servers: NameServer) -> Resolver:
    addresses = ",".join(f"{host}:{port}" for host, port in (server.address for server in servers))
    return Resolver(loop, lambda *_: None, CountingIds(), servers=addresses)


def tried(loop: HandLoop, resolver: Resolver, next_hop: NextHop) -> Told:
    """The whole look-up; time-outs come when nothing else does."""
    told = Told()
    trial = DnsTrial(resolver, next_hop, told.steps.append, told.end)
    trial.begin()
    for _ in range(100):
        loop.settle()
        due = trial.next_timeout()
        if told.found or due is None:
            break
        before = len(told.steps)
        loop.turn(PATIENCE_S)
        if not told.found and len(told.steps) == before:
            loop.later += max(0.0, due - loop.now()) + 0.01
            trial.handle_timeout(loop.now())
    trial.close()
    return told


def test_every_question_is_told_with_server_time_answer_and_how_long_it_holds(
    loop: HandLoop, server: NameServer
) -> None:
    told = tried(loop, resolver_at(loop, server), OFFICE)
    assert told.found == [["udp:192.0.2.1:5070"]]
    first, second = told.steps
    assert (first.type, first.name, first.records) == ("SRV", OWNER, ("a.example:5070 priority 1 weight 1",))
    assert (second.type, second.records, second.ttl_s) == ("A", ("192.0.2.1",), 60)
    assert first.server == second.server == f"127.0.0.1:{server.address[1]}"
    assert 0 <= first.seconds < 60


def test_it_is_asked_afresh_each_time(loop: HandLoop, server: NameServer) -> None:
    resolver = resolver_at(loop, server)
    assert tried(loop, resolver, OFFICE).words == tried(loop, resolver, OFFICE).words
    assert len(server.asked) == 4


def test_a_name_that_does_not_exist_and_one_without_addresses(loop: HandLoop, server: NameServer) -> None:
    server.add("empty.example", SRV)
    resolver = resolver_at(loop, server)
    assert tried(loop, resolver, NextHop("gone.example", 5060, "UDP")).words == [("A", "gone.example", "no-name")]
    server.zone["empty.example", wire.A] = ()
    told = tried(loop, resolver, NextHop("empty.example", 5060, "UDP"))
    assert told.words == [("A", "empty.example", "no-record")]
    assert told.found == [[]]


def test_servers_that_refuse_are_told_and_the_next_one_is_asked(loop: HandLoop, server: NameServer) -> None:
    with name_server(loop) as other:
        other.rcode = REFUSED
        told = tried(loop, resolver_at(loop, other, server), NextHop("a.example", 5060, "UDP"))
    assert told.words == [("A", "a.example", "refused"), ("A", "a.example", "192.0.2.1")]
    assert told.steps[0].server.endswith(str(other.address[1]))


def test_a_server_that_is_silent_is_told_as_such(loop: HandLoop, server: NameServer) -> None:
    server.is_silent = True
    told = tried(loop, resolver_at(loop, server), NextHop("a.example", 5060, "UDP"))
    assert {step.fault for step in told.steps} == {"no-answer"}
    assert told.steps[0].seconds >= 2.0
    assert told.found == [[]]


def test_an_answer_that_is_too_long_is_told_and_asked_for_by_tcp(loop: HandLoop, server: NameServer) -> None:
    server.truncates = True
    told = tried(loop, resolver_at(loop, server), NextHop("a.example", 5060, "UDP"))
    assert told.words == [("A", "a.example", "truncated"), ("A", "a.example", "192.0.2.1")]


def test_without_name_servers_the_system_is_asked_and_told(
    loop: HandLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_lookups, "RESOLV_CONF", str(tmp_path / "none"))
    resolver = Resolver(loop, lambda *_: None, CountingIds())
    monkeypatch.setattr("device.plain_sockets.getaddrinfo", lambda *_: [(2, 2, 0, "", ("192.0.2.9", 0))])
    told = Told()
    trial = DnsTrial(resolver, NextHop("box.lan", 5060, "UDP"), told.steps.append, told.end)
    trial.begin()
    loop.turn_until(lambda: told.found)
    assert [(step.type, step.server, step.records) for step in told.steps] == [("address", SYSTEM, ("192.0.2.9",))]
    assert told.found == [["udp:192.0.2.9:5060"]]
    assert servers_asked(resolver) == []


def test_the_servers_that_are_asked_are_named_with_their_ports(loop: HandLoop) -> None:
    resolver = Resolver(loop, lambda *_: None, CountingIds(), servers="192.0.2.53, 192.0.2.54:5353 [2001:db8::53]:54")
    assert servers_asked(resolver) == ["192.0.2.53", "192.0.2.54:5353", "[2001:db8::53]:54"]
