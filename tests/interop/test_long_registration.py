"""Phones that stay registered: through address changes, cables pulled, and minutes of silence in compressed time."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.support.asterisk import Asterisk
from tests.support.canary import CANARY
from tests.support.daemons import PhoneDaemon, running
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.namespaces import Cable
from tests.support.processes import wait_until

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}"}
SERVER = "192.0.2.10"
HERE, THERE = "192.0.2.1", "192.0.2.2"

AT_ONCE_S = 5.0
"""The phone acts within a second; the machine is shared."""

REFRESHES = 12
"""How often a registration is renewed while nothing else happens: an hour of a usual lifetime of five minutes."""


@contextmanager
def asterisk_at(cable: Cable, folder, expires_s: int) -> Iterator[tuple[str, dict[str, str], Callable[[], list[str]]]]:
    asterisk = Asterisk(PASSWORDS, expires_s, host=SERVER, prefix=cable.far.prefix)
    try:
        asterisk.start()
        yield asterisk.address, {"domain": SERVER}, lambda: asterisk.contacts("1001")
    finally:
        asterisk.remove()


@contextmanager
def kamailio_at(cable: Cable, folder, expires_s: int) -> Iterator[tuple[str, dict[str, str], Callable[[], list[str]]]]:
    kamailio = Kamailio(folder, PASSWORDS, expires_s, host=SERVER, prefix=cable.far.prefix)
    with running(kamailio):
        yield kamailio.address, {"domain": DOMAIN}, kamailio.contacts


class Place:
    """A phone at one end of a cable, a server at the other."""

    def __init__(
        self, folder, cable: Cable, address: str, account: dict[str, str], contacts: Callable[[], list[str]]
    ) -> None:
        self.cable = cable
        self.phone = PhoneDaemon("1001", folder, {"sip.bind_address": ""})
        self.phone.prefix = cable.near.prefix
        self.contacts = contacts
        self._address = address
        self._account = account

    def start(self, transport: str) -> None:
        self.phone.start()
        self.phone.add_account(self._address, "1001", PASSWORDS["1001"], transport=transport, **self._account)
        self.phone.expect_registration("registered")


@pytest.fixture(params=[asterisk_at, kamailio_at], ids=["asterisk", "kamailio"])
def place(request, tmp_path) -> Iterator[Callable[..., Place]]:
    """Builds a place with the server of the test and a lifetime of registrations."""
    with Cable() as cable:
        cable.near.add_address(HERE)
        cable.far.add_address(SERVER)
        built: list[Place] = []

        def build(expires_s: int, transport: str) -> Place:
            server = request.param(cable, tmp_path, expires_s)
            servers.append(server)
            built.append(Place(tmp_path, cable, *server.__enter__()))
            built[-1].start(transport)
            return built[-1]

        servers: list = []
        try:
            yield build
        finally:
            for one in built:
                one.phone.stop()
            for server in servers:
                server.__exit__(None, None, None)


def hosts(contacts: list[str]) -> list[str]:
    """The hosts in a server's list of contacts."""
    return [re.search(r"sip:1001@([0-9.]+)", contact)[1] for contact in contacts]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_new_address_is_registered_at_once(place, transport) -> None:
    """The lease of the address ended and another one began; the binding of the old address is gone with it."""
    here = place(60, transport)
    assert hosts(here.contacts()) == [HERE]
    here.cable.near.take_address(HERE)
    here.cable.near.add_address(THERE)
    wait_until("the server to know the new address alone", lambda: hosts(here.contacts()) == [THERE], AT_ONCE_S)
    assert here.phone.account()["state"] == "registered"


def test_a_cable_that_was_out_for_a_while(place) -> None:
    here = place(4, "udp")
    here.cable.near.pull_cable()
    here.phone.expect_registration("failed")
    here.cable.near.plug_cable()
    here.phone.expect_registration("registered")
    assert hosts(here.contacts()) == [HERE]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_silence_does_not_end_a_registration(place, transport) -> None:
    """Nothing happens but that the lifetime runs out again and again; at no moment is the phone unreachable."""
    here = place(2, transport)
    for _ in range(REFRESHES):
        here.phone.expect_message("out", "REGISTER")
        here.phone.expect_message("in", "SIP/2.0 200")
        assert hosts(here.contacts()) == [HERE]
    states = [event.params["state"] for event in here.phone.events if event.topic == "registration"]
    assert "failed" not in states
