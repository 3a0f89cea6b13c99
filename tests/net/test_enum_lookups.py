"""Numbers in DNS over real sockets: what is asked, what is kept, and what comes when nobody answers."""

from collections.abc import Iterator

import pytest

from device.ids import SystemIds
from device.net.dns_message import NAPTR, Naptr
from device.net.enum_lookups import EnumLookups
from tests.support import dns_wire as wire
from tests.support.name_server import NameServer
from tests.support.turning import HandLoop

NAME = "4.3.2.1.9.4.e164.arpa"


class Bench:
    """A name server, and look-ups that ask it."""

    def __init__(self, loop: HandLoop) -> None:
        self.loop = loop
        self.server = NameServer(loop)
        self.told: list[tuple[str, tuple[Naptr, ...]]] = []
        self.lookups = EnumLookups(loop, SystemIds(), lambda name, records: self.told.append((name, records)))
        self.lookups.servers = (self.server.address,)

    def ask(self) -> tuple[Naptr, ...]:
        before = len(self.told)
        self.lookups.lookup(NAME)
        self.loop.turn_until(lambda: len(self.told) > before, "an answer")
        return self.told[-1][1]


@pytest.fixture
def bench(loop: HandLoop) -> Iterator[Bench]:
    bench = Bench(loop)
    yield bench
    bench.lookups.close()
    bench.server.close()


def test_records_come_as_they_are_and_are_kept(bench: Bench) -> None:
    record = wire.naptr(NAME, 10, 20, "u", "E2U+sip", "", regexp="!^.*$!sip:Info@Example.com!")
    bench.server.add(NAME, NAPTR, record)
    (found,) = bench.ask()
    assert (found.order, found.preference, found.flags, found.service) == (10, 20, "U", "E2U+SIP")
    assert found.regexp == "!^.*$!sip:Info@Example.com!"
    assert bench.ask() == (found,)
    assert len(bench.server.types_asked(NAME)) == 1


def test_a_number_that_is_not_there(bench: Bench) -> None:
    assert bench.ask() == ()


def test_a_name_server_in_trouble(bench: Bench) -> None:
    bench.server.rcode = 2
    assert bench.ask() == ()
    bench.server.rcode = 0
    bench.server.add(NAME, NAPTR, wire.naptr(NAME, 10, 20, "u", "E2U+sip", "", regexp="!^.*$!sip:a@b!"))
    assert len(bench.ask()) == 1


def test_a_name_that_cannot_be_asked_for(bench: Bench) -> None:
    bench.lookups.lookup("x" * 70 + ".e164.arpa")
    assert bench.told[-1][1] == ()


def test_what_is_kept_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.net.enum_lookups.KEPT", 1)
    bench.ask()
    bench.lookups.lookup("1." + NAME)
    bench.loop.turn_until(lambda: len(bench.told) == 2, "an answer")
    assert len(bench.lookups._known) == 1
