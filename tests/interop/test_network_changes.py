"""The whole phone in a network that changes under it: it is reachable at its new address at once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import ExchangeDaemon, PhoneDaemon, running
from tests.support.namespaces import Cable
from tests.support.processes import wait_until

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}
AT_ONCE_S = 3.0
"""The phone acts within a second; the machine is shared."""


class FarExchange(ExchangeDaemon):
    """The embedded exchange at the far end of a cable."""

    def __init__(self, folder: Path, host: str, cable: Cable) -> None:
        super().__init__(folder, PASSWORDS)
        self.address = f"{host}:{self.port}"
        self.prefix = cable.far.prefix


class Place:
    """A phone at the near end, its registrar at the far one."""

    def __init__(self, folder: Path, cable: Cable, server: str, bind_address: str = "") -> None:
        self.cable = cable
        self.exchange = FarExchange(folder, server, cable)
        self.phone = PhoneDaemon("1001", folder, {"sip.bind_address": bind_address})
        self.phone.prefix = cable.near.prefix

    def register(self, transport: str = "udp") -> None:
        self.phone.add_account(self.exchange.address, "1001", PASSWORDS["1001"], transport=transport)
        self.phone.expect_registration("registered")

    def hosts(self) -> list[str]:
        """The hosts of the contacts that the registrar holds."""
        return [re.findall(r"sip:1001@(\[[^\]]*\]|[0-9.]+)", contact)[0] for contact in self.exchange.contacts("1001")]

    def expect_hosts(self, *hosts: str) -> None:
        wait_until(f"the registrar to hold {hosts} alone", lambda: self.hosts() == list(hosts), AT_ONCE_S)
        assert self.phone.account()["state"] == "registered"


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_address_that_goes_and_another_that_comes_a_while_later(cable, tmp_path, transport) -> None:
    cable.near.add_address("192.0.2.1")
    cable.far.add_address("192.0.2.10")
    place = Place(tmp_path, cable, "192.0.2.10")
    with running(place.exchange, place.phone):
        place.register(transport)
        place.expect_hosts("192.0.2.1")
        cable.near.take_address("192.0.2.1")
        place.phone.expect_registration("failed")
        cable.near.add_address("192.0.2.2")
        place.phone.expect_registration("registered", AT_ONCE_S)
        place.expect_hosts("192.0.2.2")


def test_another_default_route_leads_to_the_server_from_another_address(cable, tmp_path) -> None:
    for near, far in (("192.0.2.1", "192.0.2.254"), ("198.51.100.1", "198.51.100.254")):
        cable.near.add_address(near)
        cable.far.add_address(far)
    cable.far.ip("address", "add", "203.0.113.10/32", "dev", "lo")
    cable.near.ip("route", "add", "default", "via", "192.0.2.254")
    place = Place(tmp_path, cable, "203.0.113.10")
    with running(place.exchange, place.phone):
        place.register()
        place.expect_hosts("192.0.2.1")
        cable.near.ip("route", "replace", "default", "via", "198.51.100.254")
        place.expect_hosts("198.51.100.1")
        cable.near.ip("route", "delete", "default")
        cable.near.ip("route", "add", "default", "via", "192.0.2.254")
        place.expect_hosts("192.0.2.1")


def test_another_ipv6_address(cable, tmp_path) -> None:
    for room, address in ((cable.near, "2001:db8::1"), (cable.far, "2001:db8::10")):
        room.ip("address", "add", f"{address}/64", "dev", "cable", "nodad")
    place = Place(tmp_path, cable, "[2001:db8::10]", "::")
    with running(place.exchange, place.phone):
        place.register()
        place.expect_hosts("[2001:db8::1]")
        cable.near.ip("address", "add", "2001:db8::2/64", "dev", "cable", "nodad")
        cable.near.ip("address", "delete", "2001:db8::1/64", "dev", "cable")
        place.expect_hosts("[2001:db8::2]")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_link_that_was_down(cable, tmp_path, transport) -> None:
    cable.near.add_address("192.0.2.1")
    cable.far.add_address("192.0.2.10")
    place = Place(tmp_path, cable, "192.0.2.10")
    with running(place.exchange, place.phone):
        place.register(transport)
        place.phone.expect_message("in", "SIP/2.0 200")
        cable.near.pull_cable()
        place.phone.call("registration.refresh")
        place.phone.expect_message("out", "REGISTER")
        cable.near.plug_cable()
        # By TCP over a new connection: the kernel would repeat what it has on the old one after ever longer pauses.
        place.phone.expect_message("in", "SIP/2.0 200", "REGISTER", AT_ONCE_S)
        place.expect_hosts("192.0.2.1")


def test_a_call_follows_the_phone_to_its_new_address(cable, tmp_path) -> None:
    cable.near.add_address("192.0.2.1")
    cable.far.add_address("192.0.2.10")
    place = Place(tmp_path, cable, "192.0.2.10")
    other = PhoneDaemon("1002", tmp_path, {"sip.bind_address": "192.0.2.10"})
    other.prefix = cable.far.prefix
    with running(place.exchange, place.phone, other):
        place.register()
        other.add_account(place.exchange.address, "1002", PASSWORDS["1002"])
        other.expect_registration("registered")
        place.phone.place("1002")
        other.expect_state("alerting")
        other.lift()
        for phone in (place.phone, other):
            phone.expect_state("connected")
        cable.near.take_address("192.0.2.1")
        cable.near.add_address("192.0.2.2")
        invite = place.phone.expect_message("out", "INVITE", "192.0.2.2", AT_ONCE_S)
        assert "c=IN IP4 192.0.2.2" in invite
        other.expect_message("out", "SIP/2.0 200", "INVITE", AT_ONCE_S)
        place.expect_hosts("192.0.2.2")
        # The far end reaches us where we are now.
        other.replace()
        place.phone.expect_message("in", "BYE", "", AT_ONCE_S)
        other.expect_state("idle")
