"""Outbound, GRUU, Path and Service-Route as the registrar and those whom we call see them (5626, 5627, 3327, 3608)."""

import pytest

from device.model import Credential
from device.sip.events import FlowDoubted, IncomingCall, RegistrationChanged, RegistrationState, TransportDoubted
from device.sip.hop import Hop
from device.sip.instance import Instance
from device.sip.message import Request
from device.sip.transaction_layer import KeepAliveAnswered, KeepAliveLost
from tests.support.sip_bench import OFFICE, PEER, PEER_STREAM, Bench, office

URN = "urn:uuid:f81d4fae-7dec-41d0-8765-00a0c91e6bf6"
INSTANCE = Instance(URN, 0.5)
OWN = "<sip:1001@192.0.2.1:5060>"
OURS = f'{OWN};+sip.instance="<{URN}>";reg-id=1'
PUBLIC, TEMPORARY = f"sip:1001@192.0.2.2;gr={URN}", "sip:tgruu.7hs@192.0.2.2;gr"
GRUUS = f'{OURS};pub-gruu="{PUBLIC}";temp-gruu="{TEMPORARY}";expires=600'


def make(instance: Instance = INSTANCE, **changes: object) -> Bench:
    return Bench(account=office(**changes), instance=instance)


def start(bench: Bench) -> Request:
    bench.agent.start_registration(OFFICE, bench.now)
    return bench.sent_request("REGISTER")


def registered(bench: Bench, contact: str = OURS + ";expires=600", **headers: str) -> Request:
    register = start(bench)
    bench.reply(register, 200, Contact=contact, **headers)
    bench.events()
    return register


def state(bench: Bench) -> RegistrationState:
    return [event.state for event in bench.events() if isinstance(event, RegistrationChanged)][-1]


# RFC 5626 section 4.2: registering.


def test_a_register_names_the_device_and_the_flow() -> None:
    register = start(make())
    assert register.headers.get_all("Contact") == [OURS]
    assert {"path", "outbound", "gruu"} <= set(register.tokens("Supported"))


def test_an_account_that_wants_no_outbound_names_no_device() -> None:
    register = start(make(outbound=False))
    assert register.headers.get_all("Contact") == [OWN]
    assert "path" in register.tokens("Supported")
    assert "outbound" not in register.tokens("Supported")


def test_the_refresh_and_the_end_name_the_same_flow() -> None:
    bench = make()
    registered(bench)
    bench.advance(525)
    refresh = bench.sent_request("REGISTER")
    assert refresh.headers.get_all("Contact") == [OURS]
    bench.reply(refresh, 200, Contact=OURS + ";expires=600")
    bench.agent.stop_registration(OFFICE, bench.now)
    end = bench.sent_request("REGISTER")
    assert (end.headers.get_all("Contact"), end.expires) == ([OURS], 0)


def test_a_moved_contact_replaces_the_old_one_by_its_reg_id() -> None:
    bench = make()
    registered(bench, Require="outbound")
    bench.agent._core.local_address = lambda _transport, _host: ("192.0.2.44", 5060)
    bench.agent.network_changed(bench.now)
    moved = bench.sent_request("REGISTER")
    assert [str(one.uri) for one in moved.contacts] == ["sip:1001@192.0.2.44:5060"]
    assert moved.contacts[0].param("reg-id") == "1"


def test_a_registrar_without_outbound_is_told_to_forget_the_old_contact() -> None:
    bench = make()
    registered(bench, contact=OWN + ";expires=600")
    bench.agent._core.local_address = lambda _transport, _host: ("192.0.2.44", 5060)
    bench.agent.network_changed(bench.now)
    new, old = bench.sent_request("REGISTER").contacts
    assert (str(new.uri), new.param("reg-id"), new.expires) == ("sip:1001@192.0.2.44:5060", None, None)
    assert (str(old.uri), old.param("reg-id"), old.expires) == ("sip:1001@192.0.2.1:5060", None, 0)


def test_a_registrar_that_knows_instances_replaces_the_old_contact_by_itself() -> None:
    """Kamailio does, without outbound. The same address with and without reg-id would be two phones to it."""
    bench = make()
    registered(bench, contact=OURS + ";expires=600")
    bench.agent._core.local_address = lambda _transport, _host: ("192.0.2.44", 5060)
    bench.agent.network_changed(bench.now)
    moved = bench.sent_request("REGISTER").headers.get_all("Contact")
    assert moved == [f'<sip:1001@192.0.2.44:5060>;+sip.instance="<{URN}>";reg-id=1']


def test_the_old_contact_is_named_by_its_address_alone() -> None:
    """Whoever looks for a contact with an instance id by that would forget the new one."""
    bench = make()
    registered(bench, contact=OWN + ";expires=600")
    bench.agent._core.local_address = lambda _transport, _host: ("192.0.2.44", 5060)
    bench.agent.network_changed(bench.now)
    moved = bench.sent_request("REGISTER").headers.get_all("Contact")
    assert moved == [f'<sip:1001@192.0.2.44:5060>;+sip.instance="<{URN}>"', f"{OWN};expires=0"]


def test_behind_translation_a_server_with_outbound_needs_no_second_register() -> None:
    bench = make()
    seen = start(bench).copy()
    seen.headers.set("Via", str(seen.top_via.with_param("received", "203.0.113.9").with_param("rport", "4000")))
    bench.reply(seen, 200, Contact=OURS + ";expires=600", Require="outbound")
    assert bench.methods() == []


# Section 4.3: `ob`; RFC 5627 section 4.4: GRUUs as Contact.


def test_requests_that_make_dialogs_ask_for_our_flow() -> None:
    bench = make()
    registered(bench, Require="outbound")
    assert str(bench.call(account=OFFICE).contacts[0].uri) == "sip:1001@192.0.2.1:5060;ob"


def test_without_outbound_there_is_no_ob() -> None:
    bench = make()
    registered(bench)
    assert str(bench.call(account=OFFICE).contacts[0].uri) == "sip:1001@192.0.2.1:5060"


@pytest.mark.parametrize(("privacy", "contact"), [("", PUBLIC), ("id", TEMPORARY), ("full", TEMPORARY)])
def test_our_gruu_is_our_contact_in_dialogs(privacy: str, contact: str) -> None:
    bench = make(privacy=privacy)
    register = registered(bench, GRUUS, Require="outbound")
    assert str(register.contacts[0].uri) == "sip:1001@192.0.2.1:5060", "a GRUU is never registered"
    assert str(bench.call(account=OFFICE).contacts[0].uri) == contact
    bench.request("INVITE", "sip:1001@192.0.2.1:5060", body=b"v=0\r\n")
    call = bench.event(IncomingCall)
    bench.agent.answer(call.call_id, b"v=0\r\n", bench.now)
    assert str(bench.sent_response().contacts[0].uri) == contact
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 200)


@pytest.mark.parametrize("uri", [PUBLIC, TEMPORARY])
def test_a_call_to_a_gruu_of_ours_is_for_us(uri: str) -> None:
    bench = make()
    registered(bench, GRUUS)
    bench.request("INVITE", uri, body=b"v=0\r\n")
    assert bench.event(IncomingCall).account_id == OFFICE


@pytest.mark.parametrize("uri", ["sip:tgruu.other@192.0.2.2;gr", "sip:tgruu.other@192.0.2.2;gr=x"])
def test_a_gruu_of_somebody_else_is_not(uri: str) -> None:
    bench = make()
    registered(bench, GRUUS)
    bench.request("INVITE", uri, body=b"v=0\r\n")
    assert bench.statuses()[-1] == 404


def test_gruus_end_with_the_registration() -> None:
    bench = make()
    registered(bench, GRUUS, Service_Route="<sip:198.51.100.1;lr>")
    bench.agent.stop_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 200)
    invite = bench.call(account=OFFICE)
    assert str(invite.contacts[0].uri) == "sip:1001@192.0.2.1:5060"
    assert invite.routes == []


def test_gruus_and_routes_end_when_the_registration_has_run_out() -> None:
    bench = make()
    registered(bench, GRUUS, Service_Route="<sip:198.51.100.1;lr>")
    bench.advance(1300)
    bench.sent()
    assert bench.call(account=OFFICE).routes == []


def test_another_server_gives_nothing_yet() -> None:
    bench = make()
    registered(bench, GRUUS)
    bench.agent.add_account(office(domain="198.51.100.7"), Credential("1001", password="secret"))
    assert str(bench.call(account=OFFICE).contacts[0].uri) == "sip:1001@192.0.2.1:5060"


# RFC 3608.


def test_the_service_route_is_preloaded_outside_dialogs_but_not_for_register() -> None:
    bench = make()
    registered(bench, Service_Route="<sip:198.51.100.1;lr>, <sip:198.51.100.2;lr>")
    invite = bench.call(account=OFFICE)
    assert [str(one.uri) for one in invite.routes] == ["sip:198.51.100.1;lr", "sip:198.51.100.2;lr"]
    assert bench.hops[0] == Hop("UDP", "198.51.100.1", 5060)
    bench.sent()
    bench.agent.start_registration(OFFICE, bench.now)
    register = bench.sent_request("REGISTER")
    assert register.routes == []
    assert bench.hops[-1] == PEER
    bench.reply(register, 200, Contact=OURS + ";expires=600")
    bench.agent.invite("c9", "1002", b"v=0\r\n", OFFICE, bench.now)  # type: ignore[arg-type]
    later = [one for one in bench.sent() if isinstance(one, Request) and one.call_id != invite.call_id]
    assert later[-1].routes == [], "each 2xx says anew what holds"


@pytest.mark.parametrize(
    ("service", "hosts"),
    [("<sip:198.51.100.2;lr>", ["198.51.100.9", "198.51.100.2"]), ("<sip:198.51.100.9;lr>", ["198.51.100.9"])],
)
def test_the_outbound_proxy_comes_before_the_service_route_and_once(service: str, hosts: list[str]) -> None:
    bench = make(outbound_proxy="198.51.100.9")
    register = registered(bench, Service_Route=service)
    assert [one.uri.host for one in register.routes] == ["198.51.100.9"]
    assert [one.uri.host for one in bench.call(account=OFFICE).routes] == hosts


# Section 4.4: keep-alives. The bench's fraction is a half, and the first of a flow 0.5 + 0.618 of a turn.


def stream(**changes: object) -> Bench:
    bench = make(transport="tcp", **changes)
    registered(bench, Require="outbound", Flow_Timer="50")
    return bench


def test_a_stream_is_pinged_as_often_as_the_server_wants() -> None:
    bench = stream()
    bench.advance(40)
    bench.sent()
    assert bench.keepalives == []
    bench.advance(10)
    bench.sent()
    assert [(one.data, one.hop) for one in bench.keepalives] == [(b"\r\n\r\n", PEER_STREAM)]
    bench.endpoint.receive_stream(b"\r\n", PEER_STREAM, bench.now)
    bench.advance(11)
    assert bench.methods() == []


def answer_ping(bench: Bench) -> None:
    bench.advance(50)
    bench.sent()
    bench.endpoint.receive_stream(b"\r\n", PEER_STREAM, bench.now)


def test_a_flow_that_answers_no_more_is_formed_anew() -> None:
    bench = stream()
    answer_ping(bench)
    bench.events()
    bench.advance(52)
    assert FlowDoubted(PEER_STREAM) in bench.events()
    bench.advance(10)
    again = bench.sent_request("REGISTER")
    assert again.contacts[0].param("reg-id") == "1"


def test_a_server_that_never_answers_a_ping_is_left_in_peace() -> None:
    bench = make(transport="tcp")
    registered(bench)
    bench.advance(490)
    assert bench.methods() == []
    assert 3 <= len(bench.keepalives) <= 5
    assert FlowDoubted(PEER_STREAM) not in bench.events()


def test_a_server_without_outbound_may_miss_two() -> None:
    bench = make(transport="tcp", keepalive_s=20)
    registered(bench)
    bench.advance(20)
    bench.sent()
    bench.endpoint.receive_stream(b"\r\n", PEER_STREAM, bench.now)
    bench.advance(50)
    assert FlowDoubted(PEER_STREAM) not in bench.events()
    bench.advance(30)
    assert FlowDoubted(PEER_STREAM) in bench.events()


def test_an_idle_phone_on_udp_sends_nothing() -> None:
    bench = make()
    registered(bench)
    at = bench.endpoint.next_timeout()
    bench.advance(40)
    bench.sent()
    assert bench.keepalives == []
    assert at is not None


def test_behind_translation_the_way_is_kept_open_by_empty_lines() -> None:
    bench = make(instance=Instance("", 0.0))
    seen = start(bench).copy()
    seen.headers.set("Via", str(seen.top_via.with_param("received", "203.0.113.9").with_param("rport", "4000")))
    bench.reply(seen, 200, Contact=OWN + ";expires=600")
    moved = bench.sent_request("REGISTER").copy()
    moved.headers.set("Via", str(seen.top_via.with_param("branch", moved.top_via.branch or "")))
    bench.reply(moved, 200, Contact="<sip:1001@203.0.113.9:4000>;expires=600")
    bench.advance(100)
    bench.sent()
    assert {one.data for one in bench.keepalives} == {b"\r\n\r\n"}
    assert 3 <= len(bench.keepalives) <= 4


def test_a_server_that_has_answered_before_is_expected_to_after_a_refresh() -> None:
    bench = make(transport="tcp", keepalive_s=100)
    registered(bench)
    while not bench.keepalives:
        bench.advance(1)
        bench.sent()
    bench.endpoint.receive_stream(b"\r\n", PEER_STREAM, bench.now)
    bench.agent.start_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 200, Contact=OURS + ";expires=600")
    bench.events()
    bench.advance(320)
    assert FlowDoubted(PEER_STREAM) in bench.events()


def test_stun_is_given_up_where_nobody_answers_it() -> None:
    bench = make(keepalive="stun")
    registered(bench)
    bench.advance(240)
    bench.sent()
    kinds = [one.data[:2] for one in bench.keepalives]
    assert kinds[0] == b"\x00\x01"
    assert kinds[-1] == b"\r\n"
    assert bench.methods() == []


def test_an_address_that_moved_ends_the_flow() -> None:
    bench = make()
    registered(bench, Require="outbound")
    other = Hop("UDP", "198.51.100.3", 5060)
    for event in (
        KeepAliveAnswered(other, 0.1, ("203.0.113.9", 1), moved=True),
        KeepAliveAnswered(PEER, 0.1, ("192.0.2.1", 5060)),
    ):
        bench.agent.receive_transaction_event(event, bench.now)
    bench.advance(2)
    assert bench.methods() == []
    bench.agent.receive_transaction_event(KeepAliveAnswered(PEER, 0.1, ("203.0.113.9", 1), moved=True), bench.now)
    bench.agent.receive_transaction_event(KeepAliveLost(PEER, "late news"), bench.now)
    bench.advance(1)
    assert bench.methods() == ["REGISTER"]


def test_options_that_nobody_answers_register_anew_after_three() -> None:
    bench = make(keepalive="options", keepalive_s=40)
    registered(bench)
    bench.advance(40)
    first = bench.sent_request("OPTIONS")
    assert first.headers.get("Accept") == "application/sdp"
    assert str(first.uri) == "sip:192.0.2.2"
    bench.reply(first, 404)
    for _ in range(3):
        bench.advance(40)
        assert "OPTIONS" in bench.methods()
    bench.advance(36)
    assert "REGISTER" in bench.methods()


def test_options_are_answered_with_credentials_and_go_on() -> None:
    bench = make(keepalive="options", keepalive_s=40)
    registered(bench)
    bench.advance(40)
    bench.reply(bench.sent_request("OPTIONS"), 401, WWW_Authenticate='Digest realm="pbx", nonce="n1"')
    again = bench.sent_request("OPTIONS")
    assert again.headers.get("Authorization")
    bench.reply(again, 200)
    bench.advance(100)
    assert set(bench.methods()) == {"OPTIONS"}


def test_options_show_that_the_translator_has_forgotten_us() -> None:
    bench = make(keepalive="options", keepalive_s=40)
    registered(bench)
    for port in ("4000", "4000", "4001"):
        bench.advance(40)
        asked = bench.sent_request("OPTIONS").copy()
        asked.headers.set("Via", str(asked.top_via.with_param("received", "203.0.113.9").with_param("rport", port)))
        bench.reply(asked, 200)
    bench.advance(1)
    assert bench.methods() == ["REGISTER"]


def test_an_answer_that_comes_late_changes_nothing() -> None:
    bench = make(keepalive="options", keepalive_s=40)
    registered(bench)
    bench.advance(40)
    asked = bench.sent_request("OPTIONS")
    bench.agent.start_registration(OFFICE, bench.now)
    bench.reply(bench.sent_request("REGISTER"), 200, Contact=OURS + ";expires=600")
    bench.advance(20)
    bench.reply(asked, 200)
    bench.advance(15)
    assert "REGISTER" not in bench.methods()


def test_keepalives_can_be_turned_off() -> None:
    bench = make(transport="tcp", keepalive="off")
    registered(bench, Require="outbound")
    bench.advance(500)
    bench.sent()
    assert bench.keepalives == []


# Section 4.5 and the watch-dog.


def test_a_broken_connection_is_replaced_within_two_seconds_by_the_device() -> None:
    bench = make(transport="tcp")
    registered(bench)
    bench.endpoint.connection_closed(PEER_STREAM, bench.now)
    assert bench.methods() == []
    bench.advance(1.0)
    assert bench.methods() == ["REGISTER"]


def test_another_connection_to_the_same_server_may_end() -> None:
    bench = make(transport="tcp")
    registered(bench)
    bench.endpoint.connection_closed(Hop("TCP", PEER.host, 40000, 7), bench.now)
    bench.endpoint.connection_closed(Hop("TCP", "198.51.100.3", 5060, 8), bench.now)
    bench.advance(5)
    assert bench.methods() == []


def test_sockets_are_doubted_after_two_lifetimes_without_success() -> None:
    bench = make()
    registered(bench)
    bench.advance(525 + 2 * 600 + 100)
    doubts = [event for event in bench.events() if isinstance(event, TransportDoubted)]
    assert doubts == [TransportDoubted(OFFICE)]
    bench.advance(2 * 600 + 100)
    assert TransportDoubted(OFFICE) in bench.events(), "and again for as long as it lasts"


def test_a_start_may_be_held_back() -> None:
    bench = make()
    bench.agent.start_registration(OFFICE, bench.now, 3.0)
    assert bench.methods() == []
    event = bench.event(RegistrationChanged)
    assert (event.state, event.next_attempt_s) == (RegistrationState.REGISTERING, 3.0)
    bench.advance(3)
    assert bench.methods() == ["REGISTER"]
    assert state(bench) is RegistrationState.REGISTERING


def test_a_wrong_proof_of_the_server_is_told() -> None:
    bench = make()
    challenge = 'Digest realm="pbx", nonce="n1", algorithm=MD5, qop="auth"'
    bench.reply(start(bench), 401, WWW_Authenticate=challenge)
    info = 'qop=auth, rspauth="00", cnonce="x", nc=00000001'
    bench.reply(bench.sent_request("REGISTER"), 200, Contact=OURS + ";expires=600", Authentication_Info=info)
    told = [event for event in bench.events() if isinstance(event, RegistrationChanged)][-1]
    assert told.text == "registered; the server's proof that it knows the password is wrong"
