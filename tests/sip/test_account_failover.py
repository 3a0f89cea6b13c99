"""An account whose domain names two servers: everything goes to the second when the first is dead, and back."""

import pytest

from device.sip.events import CallEnded, CallEstablished, IncomingCall, RegistrationChanged, RegistrationState
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, CALL, OFFICE, PEER, Bench, office

FIRST, SECOND = Hop("UDP", "198.51.100.1", 5060), Hop("UDP", "198.51.100.2", 5060)
OWN = "<sip:1001@192.0.2.1:5060>;expires=600"


@pytest.fixture
def bench() -> Bench:
    return _bench()


def _bench(**changes: object) -> Bench:
    bench = Bench(account=office(**{"domain": "example.org", **changes}))
    bench.located = [FIRST, SECOND]
    return bench


def _register(bench: Bench, alive: Hop = FIRST) -> None:
    """Register at the first server that is alive."""
    bench.agent.start_registration(OFFICE, bench.now)
    _answer_register(bench, alive)
    assert bench.event(RegistrationChanged).state is RegistrationState.REGISTERED


def _answer_register(bench: Bench, alive: Hop, contact: str = OWN) -> Request:
    register = _next(bench, "REGISTER", alive)
    bench.events()
    bench.reply(register, 200, source=alive, Contact=contact)
    return register


def _next(bench: Bench, method: str, hop: Hop) -> Request:
    """The next request of that kind to that hop, whatever is sent to others before."""
    for _ in range(20):
        for request, target in zip(bench.sent(), bench.hops, strict=True):
            if isinstance(request, Request) and request.method == method and target == hop:
                return request
        due = bench.endpoint.next_timeout()
        assert due is not None
        bench.advance(max(0.0, due - bench.now))
    raise AssertionError(f"no {method} came to {hop}")


def _call(bench: Bench, hop: Hop, ack_hop: Hop | None = None, **headers: str) -> Request:
    """A call that `hop` answers; gives the ACK."""
    bench.agent.invite(CALL, "1002", b"v=0 an offer\r\n", OFFICE, bench.now)
    invite = _next(bench, "INVITE", hop)
    bench.reply(invite, 200, body=ANSWER, source=hop, **headers)
    return _next(bench, "ACK", ack_hop or hop)


def test_a_registration_goes_to_the_second_server_and_comes_back(bench: Bench) -> None:
    _register(bench, SECOND)
    assert bench.now == 4.0
    assert [type(event) for event in bench.events()] == []
    # The first one gets its next chance, finds no taker yet, and half a minute more each time.
    _answer_register(bench, SECOND)
    assert bench.now == pytest.approx(38.0)
    _answer_register(bench, FIRST)
    assert bench.now == pytest.approx(98.0)
    bench.advance(120)
    assert bench.methods() == []


def test_a_call_goes_where_the_registration_lives(bench: Bench) -> None:
    _register(bench, SECOND)
    ack = _call(bench, SECOND, Record_Route="<sip:example.org;lr>")
    assert bench.now == 4.0
    assert ack.uri.host == "192.0.2.2"
    # A better server that is well again is for the registration to move to first.
    bench.located = [Hop("UDP", "198.51.100.7", 5060), FIRST, SECOND]
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    assert bench.hops == [SECOND]


def test_a_call_that_finds_the_server_dead_takes_the_registration_with_it(bench: Bench) -> None:
    _register(bench)
    bench.agent.invite(CALL, "1002", b"v=0 an offer\r\n", OFFICE, bench.now)
    bench.sent()
    bench.endpoint.receive_transport_error(FIRST, bench.now, "Connection refused")
    assert isinstance(_next(bench, "INVITE", SECOND), Request)
    _answer_register(bench, SECOND)
    assert bench.now < 3.0


def test_the_failure_of_a_foreign_server_moves_no_registration(bench: Bench) -> None:
    _register(bench)
    foreign = [Hop("UDP", "203.0.113.1", 5060), Hop("UDP", "203.0.113.2", 5060)]
    bench.located = foreign
    bench.agent.invite(CALL, "bob@elsewhere.example", b"v=0 an offer\r\n", OFFICE, bench.now)
    bench.sent()
    bench.endpoint.receive_transport_error(foreign[0], bench.now, "Connection refused")
    _next(bench, "INVITE", foreign[1])
    bench.advance(5)
    assert "REGISTER" not in bench.methods()


@pytest.mark.parametrize(
    "route", ["<sip:198.51.100.1;lr>", "<sip:198.51.100.1:5060;transport=udp;lr>", "<sip:example.org;lr>"]
)
def test_a_dead_server_in_the_middle_of_a_call_is_stood_in_for_by_the_next(bench: Bench, route: str) -> None:
    _register(bench)
    _call(bench, FIRST, Record_Route=route)
    bench.event(CallEstablished)
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    assert bench.hops == [FIRST]
    bye = _next(bench, "BYE", SECOND)
    assert bench.now < 5.0
    assert bye.headers.get("Route") == route
    bench.reply(bye, 200, source=SECOND)
    assert bench.event(CallEnded)


def test_the_server_that_brought_the_answer_gets_the_ack_not_the_one_that_refused(bench: Bench) -> None:
    _register(bench)
    bench.agent.invite(CALL, "1002", b"v=0 an offer\r\n", OFFICE, bench.now)
    bench.reply(_next(bench, "INVITE", FIRST), 503, source=FIRST)
    answered = _next(bench, "INVITE", SECOND)
    response = bench.reply(answered, 200, body=ANSWER, source=SECOND, Record_Route="<sip:example.org;lr>")
    _next(bench, "ACK", SECOND)
    # And again, should that one be lost.
    bench.receive(response, SECOND)
    _next(bench, "ACK", SECOND)


def test_a_peer_that_is_no_server_of_ours_is_not_stood_in_for(bench: Bench) -> None:
    _register(bench)
    _call(bench, FIRST, PEER)
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    hops = set(bench.hops)
    bench.advance(40)
    bench.sent()
    assert hops | set(bench.hops) == {PEER}


def test_dns_that_chooses_tcp_is_followed_by_the_contact() -> None:
    bench = _bench(transport="auto")
    tcp = Hop("TCP", "198.51.100.1", 5060)
    bench.located = [tcp]
    bench.agent.start_registration(OFFICE, bench.now)
    first = bench.sent_request("REGISTER")
    assert first.top_via.transport == "TCP"
    bench.reply(first, 200, source=Hop("TCP", tcp.host, 5060, 1), Contact=OWN)
    again = bench.sent_request("REGISTER")
    contacts = [str(contact) for contact in again.contacts]
    assert contacts[0].startswith("<sip:1001@192.0.2.1:5060;transport=tcp>")
    assert contacts[1] == "<sip:1001@192.0.2.1:5060>;expires=0"
    bench.reply(again, 200, source=Hop("TCP", tcp.host, 5060, 1), Contact=contacts[0] + ";expires=600")
    assert bench.methods() == []
    bench.agent.invite(CALL, "1002", b"v=0 an offer\r\n", OFFICE, bench.now)
    assert str(bench.sent_request("INVITE").contacts[0]) == "<sip:1001@192.0.2.1:5060;transport=tcp>"


def test_the_contact_is_the_address_that_the_server_sees_once_dns_has_said_where_it_is() -> None:
    bench = _bench()
    bench.addresses = {FIRST.host: "10.8.0.7"}
    bench.agent.start_registration(OFFICE, bench.now)
    first = bench.sent_request("REGISTER")
    assert first.contacts[0].uri.host == "192.0.2.1"
    bench.reply(first, 200, source=FIRST, Contact=OWN)
    again = bench.sent_request("REGISTER")
    assert [contact.uri.host for contact in again.contacts] == ["10.8.0.7", "192.0.2.1"]
    bench.reply(again, 200, source=FIRST, Contact="<sip:1001@10.8.0.7:5060>;expires=600")
    assert bench.methods() == []


def test_in_mode_always_every_request_goes_to_the_outbound_proxy() -> None:
    bench = _bench(outbound_proxy="proxy.example.org", proxy_mode="always")
    _register(bench)
    ack = _call(bench, FIRST, Record_Route="<sip:203.0.113.5;lr>")
    assert ack.headers.get("Route") == "<sip:203.0.113.5;lr>"
    bench.agent.hang_up(CALL, bench.now)
    bye = _next(bench, "BYE", FIRST)
    assert bye.headers.get("Route") == "<sip:203.0.113.5;lr>"


def test_in_mode_route_a_dialog_follows_its_routes() -> None:
    bench = _bench(outbound_proxy="proxy.example.org")
    _register(bench)
    bench.agent.invite(CALL, "1002", b"v=0 an offer\r\n", OFFICE, bench.now)
    invite = _next(bench, "INVITE", FIRST)
    bench.reply(invite, 200, body=ANSWER, source=FIRST, Record_Route="<sip:203.0.113.5;lr>")
    assert isinstance(_next(bench, "ACK", Hop("UDP", "203.0.113.5", 5060)), Request)


def test_every_server_of_the_domain_may_call_us() -> None:
    bench = Bench(UserAgentSettings(trusted_sources_only=True), account=office(domain="example.org"))
    bench.located = [FIRST, SECOND]
    _register(bench)
    bench.request("INVITE", "sip:1001@192.0.2.1", body=b"v=0 an offer\r\n", source=SECOND)
    assert bench.event(IncomingCall).caller


def test_a_change_of_servers_is_told_in_the_log(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "device")
    _register(bench, SECOND)
    bench.advance(30)
    _answer_register(bench, FIRST)
    assert "office: the server is now udp:198.51.100.1:5060, no longer udp:198.51.100.2:5060" in caplog.text


def test_in_another_network_every_server_has_its_chance_again(bench: Bench) -> None:
    _register(bench, SECOND)
    bench.agent.network_changed(bench.now)
    bench.sent()
    assert bench.hops == [FIRST]


def test_another_domain_is_another_home(bench: Bench) -> None:
    _register(bench, SECOND)
    bench.agent.add_account(office(domain="other.example"), None)
    bench.located = [SECOND, FIRST]
    bench.agent.invite(CALL, "1002", b"v=0 an offer\r\n", OFFICE, 500.0)
    bench.sent()
    assert bench.hops == [SECOND]
