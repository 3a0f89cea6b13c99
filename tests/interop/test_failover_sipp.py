"""Two SIPp servers behind one domain of dnsmasq: the first dead, dead in the middle of a call, and back again."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from device.demo.system import free_port
from tests.support.canary import ACCOUNT_PASSWORD
from tests.support.daemons import PhoneDaemon
from tests.support.dnsmasq import Dnsmasq
from tests.support.processes import HOST
from tests.support.sipp import Sipp

pytestmark = pytest.mark.interop

DOMAIN = "office.test"
SOON_S = 2.0
"""What a person with a handset takes for at once, the test machine's slowness included."""
SILENT_S = 4.0
"""After so long a server that says nothing is left (sip.failover_s)."""


class _Servers:
    """Two servers of one domain, the first preferred. What runs at their ports is each test's affair."""

    def __init__(self, dnsmasq: Dnsmasq) -> None:
        self.dnsmasq = dnsmasq
        self.ports = free_port(), free_port()
        for priority, port in enumerate(self.ports):
            for service in ("_sip._udp", "_sip._tcp"):
                dnsmasq.srv(f"{service}.{DOMAIN}", f"s{priority}.test", port, priority)
            dnsmasq.host(f"s{priority}.test", HOST)
        dnsmasq.start()


@pytest.fixture
def servers(tmp_path) -> Iterator[_Servers]:
    dnsmasq = Dnsmasq(tmp_path)
    yield _Servers(dnsmasq)
    dnsmasq.stop()


@pytest.fixture
def phone(start_phone: Callable[..., PhoneDaemon], servers: _Servers) -> PhoneDaemon:
    return start_phone({"sip.dns_servers": servers.dnsmasq.address})


def _add_account(phone: PhoneDaemon, **more: object) -> None:
    fields = {"id": "office", "user": "1001", "domain": DOMAIN, "register": False, "password": ACCOUNT_PASSWORD}
    phone.call("account.add", **{**fields, **more})


@pytest.fixture
def silent() -> Iterator[Callable[[int], None]]:
    """Holds a port where datagrams arrive and nobody answers, as behind a firewall that drops."""
    sockets: list[socket.socket] = []

    def hold(port: int) -> None:
        sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sockets[-1].bind((HOST, port))

    yield hold
    for sock in sockets:
        sock.close()


def _call_is_answered_by(phone: PhoneDaemon, sipp: Sipp, within_s: float) -> None:
    began = time.monotonic()
    phone.place("1002")
    phone.expect_state("connected")
    assert time.monotonic() - began < within_s
    phone.call("call.hangup")
    sipp.succeed()
    phone.rest()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_first_server_is_not_there(phone, servers, play, transport) -> None:
    _add_account(phone, transport=transport)
    _call_is_answered_by(phone, play("answer", port=servers.ports[1], transport=transport), SOON_S)


def test_the_first_server_is_silent_once_and_passed_over_from_then_on(phone, servers, play, silent) -> None:
    silent(servers.ports[0])
    _add_account(phone)
    _call_is_answered_by(phone, play("answer", port=servers.ports[1]), SILENT_S + SOON_S)
    _call_is_answered_by(phone, play("answer", port=servers.ports[1]), SOON_S)
    branches = {text.partition("branch=")[2].partition(";")[0] for text in phone.messages("out", "INVITE")}
    assert len(branches) == 3


def test_the_first_server_refuses_with_503(phone, servers, play) -> None:
    refusing = play("refuse", port=servers.ports[0], status=503)
    _add_account(phone)
    _call_is_answered_by(phone, play("answer", port=servers.ports[1]), SOON_S)
    refusing.succeed()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_server_dies_in_the_middle_of_a_call(phone, servers, play, transport) -> None:
    _add_account(phone, transport=transport)
    first = play("answer-and-die", port=servers.ports[0], transport=transport)
    phone.place("1002")
    phone.expect_state("connected")
    first.succeed()
    second = play("take-bye", port=servers.ports[1], transport=transport)
    phone.call("call.hangup")
    second.succeed()
    phone.rest()


def test_the_server_falls_silent_in_the_middle_of_a_call(phone, servers, play, silent) -> None:
    _add_account(phone)
    first = play("answer-and-die", port=servers.ports[0])
    phone.place("1002")
    phone.expect_state("connected")
    first.succeed()
    silent(servers.ports[0])
    second = play("take-bye", port=servers.ports[1])
    phone.call("call.hangup")
    second.succeed()


@pytest.mark.slow
def test_the_registration_comes_back_to_the_first_server_and_calls_with_it(phone, servers, play) -> None:
    second = play("take-register", port=servers.ports[1])
    _add_account(phone, register=True, expires_s=600)
    phone.expect_registration("registered")
    second.succeed()
    # The first server is looked at again half a minute after it has failed.
    first = play("take-register", port=servers.ports[0], options=("-timeout", "50"))
    first.succeed(50)
    _call_is_answered_by(phone, play("answer", port=servers.ports[0]), SOON_S)


def test_dns_that_dies_takes_no_call_with_it(phone, servers, play) -> None:
    _add_account(phone)
    _call_is_answered_by(phone, play("answer", port=servers.ports[0]), SOON_S)
    servers.dnsmasq.stop()
    _call_is_answered_by(phone, play("answer", port=servers.ports[0]), SOON_S)
