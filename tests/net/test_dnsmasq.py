"""Look-ups against a real name server: dnsmasq on loopback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.ids import SystemIds
from device.net.resolver import Resolver
from device.sip.hop import Hop, NextHop
from tests.support.dnsmasq import Dnsmasq
from tests.support.turning import HandLoop

OFFICE = NextHop("office.test")
Look = Callable[[NextHop], list[str]]


@pytest.fixture
def dnsmasq(tmp_path: Path) -> Iterator[Dnsmasq]:
    dnsmasq = Dnsmasq(tmp_path)
    dnsmasq.host("a.test", "192.0.2.1", "2001:db8::1")
    dnsmasq.host("b.test", "192.0.2.2", ttl=20)
    dnsmasq.host("plain.test", "192.0.2.9")
    dnsmasq.naptr("office.test", 10, 20, "SIP+D2U", "_sip._udp.office.test")
    dnsmasq.naptr("office.test", 10, 10, "SIP+D2T", "_sip._tcp.office.test")
    dnsmasq.srv("_sip._tcp.office.test", "a.test", 5070)
    dnsmasq.srv("_sip._udp.office.test", "a.test", 5080, priority=1)
    dnsmasq.srv("_sip._udp.office.test", "b.test", 5060, priority=0)
    dnsmasq.start()
    yield dnsmasq
    dnsmasq.stop()


@pytest.fixture
def look(loop: HandLoop, dnsmasq: Dnsmasq) -> Iterator[Look]:
    found: list[list[Hop]] = []
    resolver = Resolver(loop, lambda _, hops: found.append(hops), SystemIds(), ipv6=True, servers=dnsmasq.address)

    def look(next_hop: NextHop) -> list[str]:
        count = len(found)
        resolver.lookup(next_hop)
        while len(found) == count:
            loop.turn(0.02)
            due = resolver.next_timeout()
            if due is not None and due <= loop.now() + 0.05:
                loop.later += max(0.0, due - loop.now())
                resolver.handle_timeout(loop.now())
        return [str(hop) for hop in found[-1]]

    yield look
    resolver.close()


def test_naptr_srv_and_addresses_of_both_families(look: Look, dnsmasq: Dnsmasq) -> None:
    hops = look(OFFICE)
    assert sorted(hops[:2]) == ["tcp:192.0.2.1:5070", "tcp:[2001:db8::1]:5070"]
    assert hops[2] == "udp:192.0.2.2:5060"
    assert sorted(hops[3:]) == ["udp:192.0.2.1:5080", "udp:[2001:db8::1]:5080"]
    questions = dnsmasq.questions()
    assert "NAPTR office.test" in questions
    assert {"SRV _sip._tcp.office.test", "A a.test", "AAAA a.test"} <= set(questions)
    look(OFFICE)
    assert dnsmasq.questions() == questions


def test_a_named_transport_and_a_host_without_services(look: Look) -> None:
    assert look(NextHop("office.test", None, "UDP"))[0] == "udp:192.0.2.2:5060"
    assert look(NextHop("plain.test")) == ["udp:192.0.2.9:5060"]
    assert look(NextHop("plain.test", 5090, "TLS")) == ["tls:192.0.2.9:5090"]
    assert look(NextHop("nobody.test")) == []


def test_a_long_answer_comes_by_tcp(look: Look, dnsmasq: Dnsmasq) -> None:
    dnsmasq.stop()
    for number in range(60):
        dnsmasq.srv("_sip._udp.large.test", f"server-number-{number}.large.test", 5060, priority=number)
        dnsmasq.host(f"server-number-{number}.large.test", f"198.51.100.{number}")
    dnsmasq.start()
    hops = look(NextHop("large.test", None, "UDP"))
    assert hops[:2] == ["udp:198.51.100.0:5060", "udp:198.51.100.1:5060"]
    assert len(hops) == 16


def test_an_answer_is_asked_for_again_after_its_time_and_follows_the_zone(
    look: Look, dnsmasq: Dnsmasq, loop: HandLoop
) -> None:
    next_hop = NextHop("b.test", 5060, "UDP")
    assert look(next_hop) == ["udp:192.0.2.2:5060"]
    dnsmasq.stop()
    dnsmasq.zone.remove("--host-record=b.test,192.0.2.2,20")
    dnsmasq.host("b.test", "192.0.2.22")
    dnsmasq.start()
    loop.later += 19
    assert look(next_hop) == ["udp:192.0.2.2:5060"]
    loop.later += 2
    assert look(next_hop) == ["udp:192.0.2.22:5060"]


def test_while_the_server_is_dead_the_last_answer_serves_and_a_new_one_after_that(
    look: Look, dnsmasq: Dnsmasq, loop: HandLoop
) -> None:
    before = look(OFFICE)
    dnsmasq.stop()
    loop.later += 3600
    assert look(OFFICE) == before
    assert look(NextHop("plain.test")) == []
    dnsmasq.zone = [option for option in dnsmasq.zone if "naptr" not in option]
    dnsmasq.start()
    loop.later += 31
    assert look(OFFICE)[0] == "udp:192.0.2.2:5060"
    assert look(NextHop("plain.test")) == ["udp:192.0.2.9:5060"]
