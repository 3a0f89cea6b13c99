"""Look-ups from next hops to hops through a name server on loopback, the hosts file, the system and the store."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import plain_sockets
from device.ids import CountingIds
from device.net import dns_lookups
from device.net.dns_cache import MAX_STALE_S
from device.net.dns_lookups import GIVE_UP_AFTER_S, IMPATIENT_AFTER_S, MAX_LOOKUPS, STORE_PAUSE_S, DnsLookups
from device.net.dns_message import NAPTR, SRV, A
from device.sip.hop import Hop, NextHop
from tests.support import dns_wire as wire
from tests.support.name_server import NameServer, name_server
from tests.support.turning import HandLoop

OFFICE = NextHop("office.example", None, "UDP")
HOST = NextHop("pbx.example", 5060, "UDP")


class _Found(dict[NextHop, list[list[str]]]):
    """Every answer that was delivered, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def take(self, next_hop: NextHop, hops: list[Hop], fault: str) -> None:
        self.setdefault(next_hop, []).append([str(hop) for hop in hops])
        if fault:
            self.faults.append(fault)


class _Store(dict[tuple[str, int], str]):
    """A store in memory that counts what is written."""

    writes = 0

    def get(self, name: str, kind: int) -> str | None:  # type: ignore[override]
        return super().get((name, kind))

    def put(self, name: str, kind: int, answer: str) -> None:
        self.writes += 1
        self[name, kind] = answer


@pytest.fixture
def server(loop: HandLoop) -> Iterator[NameServer]:
    with name_server(loop) as server:
        server.host("pbx.example", "192.0.2.7", "2001:db8::7")
        server.host("a.example", "192.0.2.1")
        server.host("b.example", "192.0.2.2")
        owner = "_sip._udp.office.example"
        server.add(owner, SRV, wire.srv(owner, 1, 1, 5070, "a.example"), wire.srv(owner, 2, 1, 5060, "b.example"))
        yield server


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.99 desk.lan desk\n")
    monkeypatch.setattr(dns_lookups, "HOSTS", str(hosts))
    return hosts


@pytest.fixture
def resolv_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text("search lan example\n")
    monkeypatch.setattr(dns_lookups, "RESOLV_CONF", str(path))
    return path


@pytest.fixture
def found() -> _Found:
    return _Found()


@pytest.fixture
def store() -> _Store:
    return _Store()


@pytest.fixture
def lookups(
    loop: HandLoop, found: _Found, server: NameServer, store: _Store, hosts: Path, resolv_conf: Path
) -> Iterator[DnsLookups]:
    lookups = _new(loop, found, server, store)
    yield lookups
    lookups.close()


def _new(loop: HandLoop, found: _Found, server: NameServer, store: _Store, ipv6: bool = False) -> DnsLookups:
    return DnsLookups(loop, CountingIds(), found.take, ("UDP", "TCP"), ipv6, (server.address,), store)


def _wait(loop: HandLoop, lookups: DnsLookups, seconds: float) -> None:
    """Let time pass as the daemon does: every deadline has its turn."""
    end = loop.later + seconds
    while (due := lookups.next_timeout()) is not None and due - loop.now() < end - loop.later:
        loop.settle()
        due = lookups.next_timeout()
        if due is None:
            break
        loop.later = min(end, loop.later + max(0.0, due - loop.now()) + 0.01)
        lookups.handle_timeout(loop.now())
        loop.settle()
    loop.later = end
    lookups.handle_timeout(loop.now())
    loop.settle()


def test_a_domain_leads_to_its_servers_in_order(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer
) -> None:
    lookups.lookup(OFFICE)
    lookups.lookup(OFFICE)
    loop.turn_until(lambda: found)
    assert found == {OFFICE: [["udp:192.0.2.1:5070", "udp:192.0.2.2:5060"]]}
    assert lookups.next_timeout() is None
    # While the answers hold nobody is asked again, and the answer comes at once.
    asked = len(server.asked)
    lookups.lookup(OFFICE)
    assert len(found[OFFICE]) == 2
    assert len(server.asked) == asked


def test_two_ways_to_one_host_ask_once(loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer) -> None:
    tcp = NextHop("pbx.example", 5060, "TCP")
    lookups.lookup(HOST)
    lookups.lookup(tcp)
    loop.turn_until(lambda: len(found) == 2)
    assert found[tcp] == [["tcp:192.0.2.7:5060"]]
    assert server.types_asked("pbx.example") == [A]


def test_with_ipv6_addresses_that_can_be_reached_come_first(
    loop: HandLoop, found: _Found, server: NameServer, store: _Store, hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = _new(loop, found, server, store, ipv6=True)
    monkeypatch.setattr(dns_lookups, "has_route", lambda host: True)
    lookups.lookup(HOST)
    loop.turn_until(lambda: found)
    monkeypatch.setattr(dns_lookups, "has_route", lambda host: ":" not in host)
    lookups.lookup(HOST)
    six, four = "udp:[2001:db8::7]:5060", "udp:192.0.2.7:5060"
    assert found[HOST] == [[six, four], [four, six]]


def test_an_answer_is_asked_for_again_when_its_time_is_over(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer
) -> None:
    lookups.lookup(HOST)
    loop.turn_until(lambda: found)
    server.host("pbx.example", "192.0.2.17")
    loop.later = 61
    lookups.lookup(HOST)
    loop.turn_until(lambda: len(found[HOST]) == 2)
    assert found[HOST][1] == ["udp:192.0.2.17:5060"]


def test_a_name_that_is_not_there_is_not_asked_for_again_at_once(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer
) -> None:
    nobody = NextHop("nobody.example", 5060, None)
    lookups.lookup(nobody)
    loop.turn_until(lambda: found)
    lookups.lookup(nobody)
    assert found[nobody] == [[], []]
    assert found.faults == ["DNS knows no such server, or does not answer"] * 2
    assert len(server.asked) == 1
    # The zone says 20 s.
    loop.later = 21
    server.host("nobody.example", "192.0.2.3")
    lookups.lookup(nobody)
    loop.turn_until(lambda: len(found[nobody]) == 3)
    assert found[nobody][2] == ["udp:192.0.2.3:5060"]


def test_while_dns_is_dead_the_last_good_answer_serves_without_delay(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "device")
    lookups.lookup(OFFICE)
    loop.turn_until(lambda: found)
    server.is_silent = True
    loop.later = 3600
    lookups.lookup(OFFICE)
    _wait(loop, lookups, IMPATIENT_AFTER_S + 0.1)
    assert found[OFFICE][1] == found[OFFICE][0]
    assert "DNS is slow" in caplog.text
    # Once the servers are known to be dead nobody waits for them, for half a minute.
    _wait(loop, lookups, 10)
    lookups.lookup(OFFICE)
    assert len(found[OFFICE]) == 3
    asked = len(server.asked)
    loop.later += 30
    lookups.lookup(OFFICE)
    loop.turn_until(lambda: len(server.asked) > asked)


def test_an_answer_too_old_serves_no_more(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, store: _Store
) -> None:
    lookups.lookup(HOST)
    loop.turn_until(lambda: found)
    server.is_silent = True
    store.clear()
    loop.later = MAX_STALE_S + 61
    lookups.lookup(HOST)
    _wait(loop, lookups, GIVE_UP_AFTER_S)
    assert found[HOST][1] == []


def test_a_dead_dns_is_given_up_and_found_again(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer
) -> None:
    server.is_silent = True
    lookups.lookup(OFFICE)
    _wait(loop, lookups, GIVE_UP_AFTER_S + 0.1)
    assert found[OFFICE] == [[]]
    assert lookups.next_timeout() is None
    server.is_silent = False
    loop.later += 6
    lookups.lookup(OFFICE)
    loop.turn_until(lambda: len(found[OFFICE]) == 2)
    assert len(found[OFFICE][1]) == 2


def test_a_look_up_ends_in_time_whatever_the_servers_do(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, resolv_conf: Path
) -> None:
    resolv_conf.write_text("options timeout:10 attempts:5\n")
    server.is_silent = True
    lookups.lookup(OFFICE)
    _wait(loop, lookups, GIVE_UP_AFTER_S - 0.5)
    assert not found
    _wait(loop, lookups, 1)
    assert found[OFFICE] == [[]]


def test_a_box_that_drops_what_it_does_not_know_costs_little(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer
) -> None:
    server.ignored_types = (SRV, NAPTR)
    home = NextHop("pbx.example", None, None)
    lookups.lookup(home)
    _wait(loop, lookups, IMPATIENT_AFTER_S + 0.1)
    loop.turn_until(lambda: found)
    assert found[home] == [["udp:192.0.2.7:5060"]]
    lookups.lookup(home)
    assert len(found[home]) == 2


def test_a_host_of_the_hosts_file_needs_no_dns(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, hosts: Path
) -> None:
    desk = NextHop("Desk", None, None)
    lookups.lookup(desk)
    assert found[desk] == [["udp:192.0.2.99:5060"]]
    hosts.write_text("192.0.2.100 desk\n")
    lookups.lookup(desk)
    assert found[desk][1] == ["udp:192.0.2.100:5060"]
    assert server.asked == []


def test_the_target_of_a_service_may_stand_in_the_hosts_file(
    loop: HandLoop, lookups: DnsLookups, found: _Found, hosts: Path
) -> None:
    hosts.write_text("192.0.2.201 a.example\n")
    lookups.lookup(OFFICE)
    loop.turn_until(lambda: found)
    assert found[OFFICE] == [["udp:192.0.2.201:5070", "udp:192.0.2.2:5060"]]


@pytest.mark.parametrize("name", ["localhost", "pbx.localhost"])
def test_localhost_is_this_machine_whatever_dns_says(
    lookups: DnsLookups, found: _Found, server: NameServer, name: str
) -> None:
    here = NextHop(name, None, "TCP")
    lookups.lookup(here)
    assert found[here] == [["tcp:127.0.0.1:5060"]]
    assert server.asked == []


def test_a_short_name_is_searched_for(loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer) -> None:
    short = NextHop("pbx", None, "UDP")
    lookups.lookup(short)
    loop.turn_until(lambda: found)
    assert found[short] == [["udp:192.0.2.7:5060"]]
    assert [name for name, kind, _ in server.asked if kind == A] == ["pbx.lan", "pbx.example"]


def test_more_look_ups_than_can_be_under_way_find_nothing(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer
) -> None:
    server.is_silent = True
    for number in range(MAX_LOOKUPS):
        lookups.lookup(NextHop(f"h{number}.example", 5060))
    assert not found
    lookups.lookup(HOST)
    assert found[HOST] == [[]]
    assert found.faults == [f"{MAX_LOOKUPS} look-ups are under way already"]


def test_after_a_change_of_network_dead_servers_are_asked_again_at_once(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer
) -> None:
    server.rcode = 2
    lookups.lookup(HOST)
    loop.turn_until(lambda: found)
    server.rcode = 0
    lookups.lookup(HOST)
    assert found[HOST] == [[], []]
    lookups.network_changed()
    lookups.lookup(HOST)
    loop.turn_until(lambda: len(found[HOST]) == 3)
    assert found[HOST][2]


def test_another_resolv_conf_counts_from_the_next_look_up(
    loop: HandLoop, found: _Found, server: NameServer, hosts: Path, resolv_conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.net.system_names.DNS_PORT", server.address[1])
    lookups = DnsLookups(loop, CountingIds(), found.take, ("UDP",), False)
    resolv_conf.write_text("nameserver 127.0.0.2\noptions attempts:1\n")
    lookups.lookup(HOST)
    loop.turn_until(lambda: found)
    assert found[HOST] == [[]]
    resolv_conf.write_text("nameserver 127.0.0.1\n")
    lookups.lookup(HOST)
    loop.turn_until(lambda: len(found[HOST]) == 2)
    assert found[HOST][1] == ["udp:192.0.2.7:5060"]
    lookups.close()


class _System:
    """The C library, which knows two hosts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_dead = False

    def getaddrinfo(self, host: str, port: None, family: int, kind: int) -> list[tuple[object, ...]]:
        self.asked.append(host)
        if self.is_dead or host not in ("bell.local", "bell"):
            raise socket.gaierror(-2, "Name or service not known")
        return [(family, kind, 17, "", ("192.0.2.55", 0))]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> _System:
    system = _System()
    monkeypatch.setattr(plain_sockets, "getaddrinfo", system.getaddrinfo)
    return system


def test_multicast_names_are_for_the_system(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, system: _System
) -> None:
    bell = NextHop("bell.local", None, None)
    lookups.lookup(bell)
    loop.turn_until(lambda: found)
    lookups.lookup(bell)
    assert found[bell] == [["udp:192.0.2.55:5060"]] * 2
    assert (server.asked, system.asked) == ([], ["bell.local"])
    system.is_dead = True
    loop.later = 61
    lookups.lookup(bell)
    loop.turn_until(lambda: len(found[bell]) == 3)
    assert found[bell][2] == ["udp:192.0.2.55:5060"]


def test_a_domain_of_an_office_under_local_is_found_in_dns(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, system: _System
) -> None:
    owner = "_sip._udp.office.local"
    server.add(owner, SRV, wire.srv(owner, 1, 1, 5070, "a.example"))
    office = NextHop("office.local", None, "UDP")
    lookups.lookup(office)
    loop.turn_until(lambda: found)
    assert found[office] == [["udp:192.0.2.1:5070"]]
    assert system.asked == ["office.local"]
    nobody = NextHop("nobody.local")
    lookups.lookup(nobody)
    loop.turn_until(lambda: nobody in found)
    assert found[nobody] == [[]]


def test_without_a_name_server_the_system_is_asked(
    loop: HandLoop, found: _Found, hosts: Path, resolv_conf: Path, system: _System, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "device")
    lookups = DnsLookups(loop, CountingIds(), found.take, ("UDP",), False)
    lookups.lookup(OFFICE)
    loop.turn_until(lambda: found)
    assert system.asked == ["office.example"]
    assert found[OFFICE] == [[]]
    assert "cannot find office.example: Name or service not known" in caplog.text


def test_a_name_without_domain_that_dns_does_not_know_may_be_known_to_the_system(
    loop: HandLoop,
    found: _Found,
    server: NameServer,
    hosts: Path,
    resolv_conf: Path,
    system: _System,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("device.net.system_names.DNS_PORT", server.address[1])
    resolv_conf.write_text("nameserver 127.0.0.1\n")
    lookups = DnsLookups(loop, CountingIds(), found.take, ("UDP",), False)
    bell = NextHop("bell", None, "TCP")
    lookups.lookup(bell)
    loop.turn_until(lambda: found)
    assert found[bell] == [["tcp:192.0.2.55:5060"]]
    lookups.close()


def test_an_answer_of_an_earlier_run_serves_when_dns_is_dead_from_the_start(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, store: _Store
) -> None:
    lookups.lookup(OFFICE)
    loop.turn_until(lambda: found)
    assert store["_sip._udp.office.example", SRV] == "1 1 5070 a.example\n2 1 5060 b.example"
    server.is_silent = True
    later = _new(loop, found, server, store)
    later.lookup(OFFICE)
    _wait(loop, later, 2 * IMPATIENT_AFTER_S + 0.2)
    assert found[OFFICE][1] == found[OFFICE][0]
    later.close()


def test_the_store_is_written_only_when_an_answer_changes_and_not_too_often(
    loop: HandLoop, lookups: DnsLookups, found: _Found, server: NameServer, store: _Store
) -> None:
    def look_up_again(address: str) -> None:
        server.host("pbx.example", address)
        loop.later += 61
        count = len(found.get(HOST, []))
        lookups.lookup(HOST)
        loop.turn_until(lambda: len(found.get(HOST, [])) > count)

    look_up_again("192.0.2.7")
    look_up_again("192.0.2.7")
    assert store.writes == 1
    look_up_again("192.0.2.8")
    assert store.writes == 1
    loop.later += STORE_PAUSE_S
    look_up_again("192.0.2.9")
    assert (store.writes, store["pbx.example", A]) == (2, "192.0.2.9")


def test_what_is_remembered_of_store_and_lots_is_bounded(lookups: DnsLookups, store: _Store) -> None:
    lots = [lookups._draw(f"s{number}.example") for number in range(dns_lookups.MAX_DRAWS + 1)]
    assert all(0 < lot <= 1 for lot in lots)
    assert lookups._draw("s5.example") == lots[5]
    for number in range(dns_lookups.MAX_DRAWS + 1):
        lookups._keep(dns_lookups.Question(f"h{number}.example", A), ("192.0.2.1",), 1.0)
    assert len(lookups._draws) == len(lookups._stored) == dns_lookups.MAX_DRAWS
