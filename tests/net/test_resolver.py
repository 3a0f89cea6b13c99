"""The front door of name look-ups: what is behind it is tested in test_dns_lookups."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from device.ids import CountingIds
from device.net.resolver import MAX_ADDRESSES, Resolver
from device.sip.hop import Hop, NextHop
from tests.support.name_server import NameServer, name_server
from tests.support.turning import HandLoop

PBX = NextHop("pbx.example", 5060, "TCP")


@pytest.fixture
def server(loop: HandLoop) -> Iterator[NameServer]:
    with name_server(loop) as server:
        server.host("pbx.example", "192.0.2.7")
        yield server


@pytest.fixture
def found() -> list[tuple[NextHop, list[Hop]]]:
    return []


@pytest.fixture
def resolver(loop: HandLoop, server: NameServer, found: list[tuple[NextHop, list[Hop]]]) -> Iterator[Resolver]:
    host, port = server.address
    resolver = Resolver(loop, lambda *answer: found.append(answer), CountingIds(), servers=f"{host}:{port}")
    yield resolver
    resolver.close()


def test_a_look_up_is_answered_and_the_address_remembered(
    loop: HandLoop, resolver: Resolver, found: list[tuple[NextHop, list[Hop]]]
) -> None:
    assert resolver.known_address("pbx.example") is None
    resolver.lookup(PBX)
    assert resolver.next_timeout() is not None
    loop.turn_until(lambda: found)
    assert found == [(PBX, [Hop("TCP", "192.0.2.7", 5060)])]
    assert resolver.known_address("pbx.example") == "192.0.2.7"
    assert resolver.next_timeout() is None


def test_what_is_not_found_is_told_and_logged(
    loop: HandLoop, resolver: Resolver, found: list[tuple[NextHop, list[Hop]]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "device")
    nobody = NextHop("nobody.example", 5060)
    resolver.lookup(nobody)
    loop.turn_until(lambda: found)
    assert found == [(nobody, [])]
    assert "cannot find nobody.example" in caplog.text


def test_time_and_network_reach_the_look_ups(
    loop: HandLoop, resolver: Resolver, server: NameServer, found: list[tuple[NextHop, list[Hop]]]
) -> None:
    server.is_silent = True
    resolver.lookup(PBX)
    while (due := resolver.next_timeout()) is not None:
        loop.later += max(0.0, due - loop.now()) + 0.01
        resolver.handle_timeout(loop.now())
    assert found == [(PBX, [])]
    server.is_silent = False
    resolver.network_changed()
    resolver.lookup(PBX)
    loop.turn_until(lambda: len(found) == 2)
    assert found[1][1]


def test_the_addresses_remembered_are_bounded(
    loop: HandLoop, resolver: Resolver, server: NameServer, found: list[tuple[NextHop, list[Hop]]]
) -> None:
    for number in range(MAX_ADDRESSES + 1):
        server.host(f"h{number}.example", "192.0.2.1")
        resolver.lookup(NextHop(f"h{number}.example", 5060))
        loop.turn_until(lambda number=number: len(found) == number + 1)  # type: ignore[misc]
    assert resolver.known_address("h0.example") is None
    assert resolver.known_address("h1.example") == "192.0.2.1"


def test_a_phone_without_names_loads_nothing_of_dns(loop: HandLoop) -> None:
    resolver = Resolver(loop, lambda *_: None, CountingIds())
    resolver.handle_timeout(0.0)
    resolver.network_changed()
    resolver.close()
    assert resolver.next_timeout() is None
    program = (
        "import sys, device.net.resolver; print([name for name in sys.modules if name.startswith('device.net.dns')])"
    )
    listed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert listed.strip() == "[]"
