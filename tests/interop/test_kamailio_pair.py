"""Two Kamailios: two registrars of a domain behind SRV, of which one dies; a registrar with an edge proxy before it."""

from collections.abc import Iterator

import pytest

from device.demo.system import free_port
from tests.interop.test_kamailio import PASSWORDS
from tests.support.daemons import CALLEE_WAV, PhoneDaemon, running
from tests.support.dnsmasq import Dnsmasq
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.processes import HOST, wait_until

pytestmark = pytest.mark.interop


def call(caller: PhoneDaemon, callee: PhoneDaemon) -> None:
    """A whole call, hands-free on the caller's side."""
    caller.place(callee.name)
    callee.expect_state("alerting")
    callee.lift()
    callee.expect_state("connected")
    caller.expect_state("connected")
    callee.rest()
    caller.rest()


class Twins:
    """Two registrars of one domain, the first preferred; each forgets everything when it ends."""

    def __init__(self, folder, transport: str) -> None:
        self.servers = [Kamailio(folder, PASSWORDS) for _ in range(2)]
        self.dnsmasq = Dnsmasq(folder)
        for priority, server in enumerate(self.servers):
            self.dnsmasq.srv(f"_sip._{transport}.{DOMAIN}", f"s{priority}.test", server.port, priority)
            self.dnsmasq.host(f"s{priority}.test", HOST)
        self.phones = [
            PhoneDaemon("1001", folder, {"sip.dns_servers": self.dnsmasq.address}),
            PhoneDaemon("1002", folder, {"sip.dns_servers": self.dnsmasq.address}, microphone=CALLEE_WAV),
        ]
        self._transport = transport

    def register(self) -> None:
        for phone in self.phones:
            fields = {"id": "office", "user": phone.name, "domain": DOMAIN, "transport": self._transport}
            phone.call("account.add", **fields, password=PASSWORDS[phone.name])
        self.expect_both_at(0)

    def expect_both_at(self, number: int) -> None:
        wait_until(f"both phones to be at server {number}", lambda: len(self.servers[number].contacts()) == 2, 20.0)
        for phone in self.phones:
            wait_until("the account to be registered", lambda p=phone: p.account()["state"] == "registered")


@pytest.fixture(params=["udp", "tcp"])
def twins(request, tmp_path) -> Iterator[Twins]:
    twins = Twins(tmp_path, request.param)
    twins.dnsmasq.start()
    with running(*twins.servers, *twins.phones):
        yield twins
    twins.dnsmasq.stop()


def test_when_the_registrar_dies_the_other_one_takes_over_and_back(twins) -> None:
    twins.register()
    call(*twins.phones)
    twins.servers[0].kill()
    twins.expect_both_at(1)
    call(*twins.phones)
    twins.servers[0].start()
    twins.servers[1].kill()
    twins.expect_both_at(0)
    call(*twins.phones)


@pytest.fixture(params=["udp", "tcp"])
def houses(request, tmp_path) -> Iterator[tuple[Kamailio, Kamailio, list[PhoneDaemon]]]:
    port = free_port()
    suffix = "" if request.param == "udp" else ";transport=tcp"
    core = Kamailio(tmp_path, PASSWORDS, 60, edge=f"{HOST}:{port}{suffix}")
    edge = Kamailio(tmp_path, {}, port=port, core=core.address)
    phones = [PhoneDaemon(user, tmp_path) for user in PASSWORDS]
    with running(core, edge, *phones):
        for phone in phones:
            fields = {"id": "office", "user": phone.name, "domain": DOMAIN, "registrar": edge.address}
            phone.call("account.add", **fields, password=PASSWORDS[phone.name], transport=request.param)
            phone.expect_registration("registered")
        yield core, edge, phones


def test_path_and_service_route(houses) -> None:
    """The phones know the edge alone: calls to them come by their Path, calls of theirs go by the Service-Route."""
    core, edge, (first, second) = houses
    register = first.messages("out", "REGISTER")[-1]
    assert "Supported: " in register
    assert "path" in register.partition("Supported: ")[2].partition("\n")[0]
    granted = first.messages("in", "SIP/2.0 200")[-1]
    assert f"Path: <sip:{edge.address}" in granted
    assert f"Service-Route: <sip:{edge.address}" in granted
    assert f"Path: <sip:{edge.address}" in core.ask("ul.dump")
    call(first, second)
    invite = first.messages("out", "INVITE")[-1]
    assert f"Route: <sip:{edge.address}" in invite
    assert second.messages("in", "INVITE")[-1].count("Record-Route: ") >= 2
