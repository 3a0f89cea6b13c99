"""Accounts in use: where their requests go and which addresses they carry."""

import pytest

from device.model import AccountId, CallId
from device.sip.errors import SipStateError
from device.sip.events import IncomingCall
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import OFFER, OFFICE, PEER, Bench, office


@pytest.fixture
def bench() -> Bench:
    return Bench()


def add(bench: Bench, name: str, **changes: object) -> None:
    bench.agent.add_account(office(id=AccountId(name), **changes), None)


def test_a_server_is_known_by_the_address_that_its_registrar_answers_from() -> None:
    bench = Bench(UserAgentSettings(trusted_sources_only=True))
    add(bench, "office", domain="pbx.example.org")
    bench.request("INVITE", "sip:1001@192.0.2.1", body=OFFER)
    assert bench.statuses() == [403]
    bench.agent.start_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 200)
    bench.request("INVITE", "sip:1001@192.0.2.1", call_id="b", body=OFFER)
    assert any(isinstance(event, IncomingCall) for event in bench.events())


def test_a_number_is_called_through_the_account() -> None:
    bench = Bench(account=office())
    invite = bench.call("1002", account=OFFICE)
    assert str(invite.uri) == "sip:1002@192.0.2.2"
    assert str(invite.from_).startswith('"Office" <sip:1001@192.0.2.2>;tag=')
    assert str(invite.to) == "<sip:1002@192.0.2.2>"
    assert str(invite.contacts[0]) == "<sip:1001@192.0.2.1:5060>"
    assert bench.hops == [PEER]


def test_the_registrar_stands_in_for_its_domain() -> None:
    bench = Bench(account=office(domain="example.org", registrar="198.51.100.1:5070"))
    invite = bench.call("1002", account=OFFICE)
    assert str(invite.uri) == "sip:1002@example.org"
    assert bench.hops == [Hop("UDP", "198.51.100.1", 5070)]
    bench.agent.invite(CallId("b"), "bob@192.0.2.9", OFFER, OFFICE, bench.now)
    bench.sent()
    assert bench.hops == [Hop("UDP", "192.0.2.9", 5060)]


def test_a_domain_with_a_port() -> None:
    bench = Bench(account=office(domain="198.51.100.1:5070"))
    invite = bench.call("1002", account=OFFICE)
    assert str(invite.uri) == "sip:1002@198.51.100.1:5070"
    assert invite.from_.uri.host_port == "198.51.100.1:5070"
    assert bench.hops == [Hop("UDP", "198.51.100.1", 5070)]
    assert str(register(bench).uri) == "sip:198.51.100.1:5070"


def test_everything_goes_through_the_outbound_proxy() -> None:
    bench = Bench(account=office(domain="example.org", outbound_proxy="198.51.100.1:5070"))
    for request in (bench.call("bob@elsewhere.org", account=OFFICE), register(bench)):
        assert [str(route) for route in request.routes] == ["<sip:198.51.100.1:5070;lr>"]
        assert bench.hops == [Hop("UDP", "198.51.100.1", 5070)]


def register(bench: Bench) -> Request:
    bench.agent.start_registration(OFFICE, bench.now)
    return bench.sent_request("REGISTER")


def test_an_account_over_tcp() -> None:
    bench = Bench(account=office(transport="tcp", outbound_proxy="198.51.100.1"))
    request = register(bench)
    assert bench.hops == [Hop("TCP", "198.51.100.1", 5060)]
    assert request.top_via.transport == "TCP"
    assert str(request.routes[0]) == "<sip:198.51.100.1;transport=tcp;lr>"
    assert str(request.contacts[0]) == "<sip:1001@192.0.2.1:5060;transport=tcp>"


def test_an_account_over_tcp_without_proxy() -> None:
    bench = Bench(account=office(transport="tcp"))
    bench.call("1002", account=OFFICE)
    assert bench.hops == [Hop("TCP", "192.0.2.2", 5060)]


def test_an_account_whose_transport_dns_chooses() -> None:
    bench = Bench(account=office(transport="auto", outbound_proxy="198.51.100.1"))
    request = register(bench)
    assert bench.hops == [Hop("UDP", "198.51.100.1", 5060)]
    assert str(request.routes[0]) == "<sip:198.51.100.1;lr>"


def test_an_advertised_address_is_written_into_contact() -> None:
    bench = Bench(UserAgentSettings(advertised_address="phone.example.org", advertised_port=5099))
    assert str(bench.call().contacts[0].uri) == "sip:offhook@phone.example.org:5099"


def test_servers_that_cannot_be_read(bench: Bench) -> None:
    for changes in ({"registrar": "a:b"}, {"outbound_proxy": "x y"}, {"domain": ""}):
        with pytest.raises(SipStateError, match=r"account office: .*; write host or host:port"):
            add(bench, "office", **changes)
