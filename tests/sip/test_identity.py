"""Accounts in use: where their requests go and which addresses they carry."""

import pytest

from device.model import AccountId, CallId
from device.records import replace
from device.sip.errors import SipStateError
from device.sip.events import IncomingCall
from device.sip.headers import parse_via
from device.sip.hop import Hop, NextHop
from device.sip.identity import Identity
from device.sip.message import Request
from device.sip.settings import UserAgentSettings
from device.sip.transaction_layer import LookupWanted
from tests.support.sip_bench import ANSWER, CALL, OFFER, OFFICE, PEER, Bench, office


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


SERVER = Hop("TLS", "198.51.100.1", 5061, names=("198.51.100.1", "example.org"))
"""The server of the accounts below, which may prove either name."""


def seen_from_outside(request: Request, host: str, port: int) -> Request:
    seen = request.copy()
    seen.headers.set("Via", str(request.top_via.with_param("received", host).with_param("rport", str(port))))
    return seen


class TestTls:
    """An account over TLS, and calls that are to be secure."""

    def bench(self, listens: bool = False, **more: str) -> Bench:
        fields = {"transport": "tls", "domain": "example.org", "registrar": "198.51.100.1", **more}
        return Bench(account=office(**fields), listens=listens)

    def test_it_registers_at_the_port_of_tls_and_knows_whom_it_expects(self) -> None:
        bench = self.bench()
        request = register(bench)
        assert bench.hops == [SERVER]
        assert str(request.top_via).startswith("SIP/2.0/TLS 192.0.2.1;branch=")
        assert not request.top_via.has_param("alias")
        assert str(request.contacts[0]) == "<sip:1001@192.0.2.1;transport=tls>"
        assert str(request.uri) == "sip:example.org"

    def test_where_others_can_connect_the_port_is_told(self) -> None:
        request = register(self.bench(listens=True))
        assert str(request.contacts[0]) == "<sip:1001@192.0.2.1:5060;transport=tls>"
        assert request.top_via.has_param("alias")

    def test_a_server_given_by_name_may_prove_that_or_the_domain(self) -> None:
        bench = self.bench(registrar="pbx.example.org")
        bench.agent.start_registration(OFFICE, bench.now)
        wanted = bench.endpoint.next_event()
        assert isinstance(wanted, LookupWanted)
        assert wanted.next_hop == NextHop("pbx.example.org", None, "TLS", "example.org")
        assert wanted.next_hop.at("TLS", "192.0.2.9", 5061).names == ("pbx.example.org", "example.org")

    @pytest.mark.parametrize("target", ["1002", "bob@192.0.2.9", "sip:bob@192.0.2.9;transport=udp"])
    def test_nothing_of_it_goes_in_the_clear(self, target: str) -> None:
        bench = self.bench()
        bench.call(target, account=OFFICE)
        assert [hop.transport for hop in bench.hops] == ["TLS"]

    @pytest.mark.parametrize(
        ("contact", "hop"),
        [
            ("<sip:bob@198.51.100.1:5061>", replace(SERVER, port=5061)),
            ("<sip:bob@198.51.100.1;transport=tls>", SERVER),
            ("<sip:bob@198.51.100.1:5060;transport=tcp>", Hop("TCP", "198.51.100.1", 5060)),
        ],
    )
    def test_within_a_call_what_the_other_side_says_holds_and_tls_where_it_says_nothing(
        self, contact: str, hop: Hop
    ) -> None:
        bench = self.bench()
        invite = bench.call("1002", account=OFFICE)
        bench.reply(invite, 200, body=ANSWER, source=replace(SERVER, connection=7), Contact=contact)
        assert bench.methods() == ["ACK"]
        assert bench.hops == [hop]
        bench.agent.hang_up(CALL, bench.now)
        assert bench.methods() == ["BYE"]
        assert bench.hops == [hop]

    def test_the_port_of_the_connection_is_learnt_where_nobody_can_connect(self) -> None:
        bench = self.bench()
        accept = {"source": replace(SERVER, connection=7), "Contact": "<sip:1001@192.0.2.1;transport=tls>;expires=600"}
        bench.reply(seen_from_outside(register(bench), "192.0.2.1", 40000), 200, **accept)
        again = bench.sent_request("REGISTER")
        assert [str(one) for one in again.contacts] == [
            "<sip:1001@192.0.2.1:40000;transport=tls>",
            "<sip:1001@192.0.2.1;transport=tls>;expires=0",
        ]
        bench.reply(
            seen_from_outside(again, "192.0.2.1", 40000),
            200,
            source=replace(SERVER, connection=7),
            Contact="<sip:1001@192.0.2.1:40000;transport=tls>;expires=600",
        )
        assert bench.methods() == []
        assert str(bench.call("1002", account=OFFICE).contacts[0]) == "<sip:1001@192.0.2.1:40000;transport=tls>"

    @pytest.mark.parametrize(("seen", "learns"), [("192.0.2.1", False), ("203.0.113.9", True)])
    def test_where_others_can_connect_only_address_translation_counts(self, seen: str, learns: bool) -> None:
        bench = self.bench(listens=True)
        bench.reply(
            seen_from_outside(register(bench), seen, 40000),
            200,
            source=replace(SERVER, connection=7),
            Contact="<sip:1001@192.0.2.1:5060;transport=tls>;expires=600",
        )
        assert bench.methods() == (["REGISTER"] if learns else [])

    def test_what_is_learnt_by_one_transport_holds_for_that_alone(self) -> None:
        bench = self.bench()
        accept = {"source": replace(SERVER, connection=7), "Contact": "<sip:1001@192.0.2.1;transport=tls>;expires=600"}
        bench.reply(seen_from_outside(register(bench), "203.0.113.9", 40000), 200, **accept)
        bench.sent()
        bench.agent.add_account(office(transport="udp", domain="example.org", registrar="198.51.100.1"), None)
        assert str(bench.call("1002", account=OFFICE).contacts[0]) == "<sip:1001@192.0.2.1:5060>"


class TestSips:
    """Calls with sips URIs: secure from us on, whatever the account says."""

    def test_the_way_is_tls_and_so_is_our_contact(self) -> None:
        bench = Bench(account=office(domain="example.org", registrar="198.51.100.1"))
        invite = bench.call("sips:bob@example.org", account=OFFICE)
        assert bench.hops == [SERVER]
        assert str(invite.uri) == "sips:bob@example.org"
        assert str(invite.contacts[0]) == "<sips:1001@192.0.2.1:5060>"
        bench.reply(invite, 200, body=ANSWER, source=replace(SERVER, connection=7), Contact="<sips:bob@192.0.2.9>")
        (ack,) = bench.sent()
        assert str(ack.uri) == "sips:bob@192.0.2.9"
        assert bench.hops == [Hop("TLS", "192.0.2.9", 5061, names=("192.0.2.9", "example.org"))]
        bench.agent.reoffer(CALL, OFFER, bench.now)
        again = bench.sent_request("INVITE")
        assert str(again.contacts[0]) == "<sips:1001@192.0.2.1:5060>"

    def test_without_an_account(self) -> None:
        bench = Bench()
        invite = bench.call("sips:bob@192.0.2.9")
        assert bench.hops == [Hop("TLS", "192.0.2.9", 5061, names=("192.0.2.9",))]
        assert invite.contacts[0].uri.scheme == "sips"

    def test_it_is_not_redirected_into_the_open(self) -> None:
        bench = Bench()
        invite = bench.call("sips:bob@192.0.2.9")
        source = Hop("TLS", "192.0.2.9", 5061, 7)
        bench.reply(invite, 302, source=source, Contact="<sip:bob@192.0.2.10>")
        assert bench.methods() == ["ACK"]
        assert bench.end().status == 302

    def test_a_secure_call_to_us_is_answered_with_a_secure_contact(self) -> None:
        bench = Bench()
        source = Hop("TLS", "192.0.2.2", 40000, 7)
        bench.request("INVITE", "sips:offhook@192.0.2.1", source=source, body=OFFER, Contact="<sips:bob@192.0.2.2>")
        bench.agent.ring(bench.event(IncomingCall).call_id, bench.now)
        response = bench.sent_response()
        assert str(response.contacts[0]) == "<sips:offhook@192.0.2.1:5060>"


def test_an_ipv6_address_in_another_spelling_is_no_translation(bench: Bench) -> None:
    identity = Identity(bench.agent._core, office(), None)
    for received, moved in (("2001:DB8:0:0:0:0:0:1", False), ("2001:db8::2", True)):
        via = parse_via(f"SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;received={received};rport=5060")
        assert identity.learn_address(via) is moved
        assert identity.is_translated is moved


def test_before_a_server_is_known_a_contact_is_as_good_as_any() -> None:
    bench = Bench(account=office())
    identity = bench.agent._identities[OFFICE]
    assert not identity.is_reached_otherwise(identity.direct_contact("UDP", "192.0.2.2"))
    assert bench.agent.server_of(OFFICE) is None
