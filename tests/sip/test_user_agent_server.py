"""Which request is answered how, and whom a call means."""

import pytest

from device.model import AccountId, CallId
from device.sip.events import (
    IncomingCall,
)
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, OFFER, PEER, STRANGER, Bench, office


@pytest.fixture
def bench() -> Bench:
    return Bench()


# Section 8.2: what is refused, and how.


@pytest.mark.parametrize("method", ["BYE", "INFO", "NOTIFY"])
def test_methods_that_mean_nothing_outside_a_dialog(bench: Bench, method: str) -> None:
    bench.request(method)
    assert bench.statuses() == [481]


@pytest.mark.parametrize("method", ["BYE", "INFO", "NOTIFY", "INVITE", "OPTIONS"])
def test_a_dialog_that_we_do_not_know(bench: Bench, method: str) -> None:
    bench.request(method, to="<sip:offhook@192.0.2.1>;tag=gone")
    assert bench.statuses() == [481]


def test_an_ack_that_belongs_to_nothing_is_dropped(bench: Bench) -> None:
    bench.request("ACK", to="<sip:offhook@192.0.2.1>;tag=gone")
    assert bench.sent() == []


@pytest.mark.parametrize("contact", ["", "<tel:+44>"])
def test_an_invite_that_we_could_not_talk_back_to(bench: Bench, contact: str) -> None:
    bench.request("INVITE", body=OFFER, Contact=contact)
    assert bench.statuses() == [400]
    assert bench.events() == []


def test_a_caller_of_the_old_standard_is_reached_by_its_from(bench: Bench) -> None:
    """RFC 2543 asks for no Contact, no tag and no branch (RFC 4475 section 3.4.1)."""
    request = bench.request("INVITE", body=OFFER, from_="<sip:bob@192.0.2.2>", branch="1", Contact="")
    bench.event(IncomingCall)
    bench.agent.answer(CallId("in-1"), ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("ACK", ours, cseq=1)
    bench.agent.hang_up(CallId("in-1"), bench.now)
    bye = bench.sent_request("BYE")
    assert (bye.uri_text, bye.to.tag, bye.call_id) == ("sip:bob@192.0.2.2", None, request.call_id)


def test_the_same_request_by_two_ways(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER)
    bench.request("INVITE", body=OFFER)
    assert bench.statuses() == [482]
    assert len(bench.events()) == 1
    bench.agent.reject(CallId("in-1"), 486, bench.now)
    bench.advance(100)
    bench.sent()
    bench.request("INVITE", body=OFFER)
    assert 482 not in bench.statuses()


def test_the_server_header_names_the_product() -> None:
    bench = Bench(UserAgentSettings(user_agent="door/1"))
    bench.request("OPTIONS")
    assert bench.sent_response().headers.get("Server") == "door/1"
    assert bench.call().headers.get("User-Agent") == "door/1"
    bench = Bench(UserAgentSettings(user_agent=""))
    assert "User-Agent" not in bench.call().headers


# OPTIONS and requests within a call.


def test_options_say_what_we_can(bench: Bench) -> None:
    bench.request("OPTIONS", Max_Forwards="0")
    response = bench.sent_response()
    assert response.status == 200
    for name, value in (
        ("Accept", "application/sdp, multipart/mixed, multipart/alternative"),
        ("Supported", "100rel, answermode, from-change, norefersub, replaces, timer"),
        ("Accept-Language", "en"),
        ("Allow-Events", "refer"),
        ("Recv-Info", ""),
        ("Accept-Encoding", "identity"),
    ):
        assert response.headers.get(name) == value
    assert "INVITE" in response.tokens("Allow")
    assert bench.events() == []


def test_options_are_answered_as_an_invite_would_be(bench: Bench) -> None:
    bench.request("OPTIONS", "sip:nobody@192.0.2.1")
    assert bench.statuses() == [404]
    bench = Bench(UserAgentSettings(max_calls=1))
    bench.called()
    bench.request("OPTIONS", call_id="x")
    assert bench.statuses() == [486]


class Owner:
    """What a phone says of itself."""

    def __init__(self, status: int = 200) -> None:
        self.status = status

    def availability(self) -> int:
        return self.status

    def capabilities(self) -> bytes:
        return b"v=0 all that we can"


@pytest.mark.parametrize(
    ("accept", "body"),
    [
        (None, b"v=0 all that we can"),
        ("application/sdp", b"v=0 all that we can"),
        ("text/plain, application/*;q=0.1", b"v=0 all that we can"),
        ("text/plain", b""),
    ],
)
def test_options_describe_our_session_to_who_takes_that(bench: Bench, accept: str | None, body: bytes) -> None:
    bench.agent.set_owner(Owner())
    bench.request("OPTIONS", **({"Accept": accept} if accept else {}))
    response = bench.sent_response()
    assert (response.body, response.content_type) == (body, "application/sdp" if body else None)


@pytest.mark.parametrize("status", [480, 486])
def test_options_tell_of_a_phone_that_would_not_ring(bench: Bench, status: int) -> None:
    bench.agent.set_owner(Owner(status))
    bench.request("OPTIONS")
    response = bench.sent_response()
    assert (response.status, response.body) == (status, b"")
    assert "REFER" in response.tokens("Allow")


def test_options_of_a_phone_whose_calls_linger() -> None:
    bench = Bench(UserAgentSettings(max_calls=1))
    for number in range(1, 5):
        bench.request("INVITE", call_id=f"c{number}", body=OFFER)
        bench.agent.answer(CallId(f"in-{number}"), ANSWER, bench.now)
        bench.agent.hang_up(CallId(f"in-{number}"), bench.now)
    bench.request("OPTIONS", call_id="asking")
    response = bench.sent_response()
    assert (response.status, response.headers.get("Retry-After")) == (503, "5")


def test_options_within_a_call_describe_our_session(bench: Bench) -> None:
    ack = bench.established()
    bench.agent.set_owner(Owner(486))
    bench.in_dialog("OPTIONS", ack)
    response = bench.sent_response()
    assert (response.status, response.body) == (200, b"v=0 all that we can")


def test_requests_within_a_call(bench: Bench) -> None:
    ack = bench.established()
    for cseq, (method, status) in enumerate((("OPTIONS", 200), ("INFO", 200), ("NOTIFY", 481), ("REFER", 400)), 2):
        bench.in_dialog(method, ack, cseq=cseq)
        assert bench.statuses() == [status]
    bench.in_dialog("INFO", ack, cseq=1)
    assert bench.statuses() == [500]
    assert bench.events() == []


# Whom a call means.


def add(bench: Bench, name: str, **changes: object) -> None:
    bench.agent.add_account(office(id=AccountId(name), **changes), None)


def test_a_call_for_an_account(bench: Bench) -> None:
    add(bench, "office")
    bench.request("INVITE", "sip:1001@192.0.2.1", body=OFFER, source=STRANGER)
    assert bench.event(IncomingCall).account_id == "office"
    bench.agent.ring(CallId("in-1"), bench.now)
    assert bench.sent_response().contacts[0].uri.user == "1001"


@pytest.mark.parametrize("uri", ["sip:bob@192.0.2.1", "sip:100@192.0.2.1", "sip:1001%20@192.0.2.1"])
def test_strangers_do_not_ring_arbitrary_users(bench: Bench, uri: str) -> None:
    add(bench, "office")
    bench.request("INVITE", uri, body=OFFER)
    assert bench.statuses() == [404]


def test_a_disabled_account_takes_no_calls(bench: Bench) -> None:
    add(bench, "office", enabled=False)
    bench.request("INVITE", "sip:1001@192.0.2.1", body=OFFER)
    assert bench.statuses() == [404]


@pytest.mark.parametrize("uri", ["sip:192.0.2.1", "sip:offhook@192.0.2.1:5060"])
def test_calls_straight_to_our_address(uri: str) -> None:
    bench = Bench()
    bench.request("INVITE", uri, body=OFFER)
    assert bench.event(IncomingCall).account_id is None
    bench = Bench(UserAgentSettings(accept_ip_calls=False))
    bench.request("INVITE", uri, body=OFFER)
    assert bench.statuses() == [404]


@pytest.mark.parametrize(
    "uri",
    [
        "tel:+44-20-7946",
        "tel:+44207946;ext=1",
        "sip:+44-20-7946@192.0.2.1;user=phone",
        "sip:+44207946@192.0.2.1",
    ],
)
@pytest.mark.parametrize("user", ["+44207946", "+44.20.7946"])
def test_a_call_to_our_telephone_number(bench: Bench, uri: str, user: str) -> None:
    add(bench, "office", user=user)
    bench.request("INVITE", uri.replace("+44207946@", f"{user}@"), body=OFFER)
    assert bench.event(IncomingCall).account_id == "office"


def test_a_number_may_stand_without_its_plus_sign_at_our_server(bench: Bench) -> None:
    add(bench, "office", user="44207946")
    bench.request("INVITE", "tel:+44-20-7946", body=OFFER)
    assert bench.event(IncomingCall).account_id == "office"


@pytest.mark.parametrize("uri", ["tel:+44-20-7947", "tel:nobody", "tel:44207946", "sip:bob@192.0.2.1;user=phone"])
def test_other_numbers_are_not_ours(bench: Bench, uri: str) -> None:
    add(bench, "office", user="+44207946")
    bench.request("INVITE", uri, body=OFFER)
    assert bench.statuses() == [404]


def test_two_servers_know_us_by_the_same_user(bench: Bench) -> None:
    add(bench, "one", domain="198.51.100.1")
    add(bench, "two", domain="192.0.2.2")
    add(bench, "three", domain="three.example.org")
    for call_id, source, to, account in (
        ("a", PEER, "<sip:1001@three.example.org>", "two"),
        ("b", STRANGER, "<sip:1001@three.example.org>", "three"),
        ("c", STRANGER, "<sip:1001@elsewhere.org>", "one"),
    ):
        bench.request("INVITE", "sip:1001@192.0.2.1", to=to, call_id=call_id, body=OFFER, source=source)
        assert bench.event(IncomingCall).account_id == account


def test_only_servers_of_ours_may_be_trusted() -> None:
    bench = Bench(UserAgentSettings(trusted_sources_only=True))
    add(bench, "office")
    bench.request("INVITE", "sip:1001@192.0.2.1", body=OFFER, source=STRANGER)
    assert bench.statuses() == [403]
    bench.request("INVITE", "sip:1001@192.0.2.1", call_id="b", body=OFFER)
    bench.event(IncomingCall)


def test_more_calls_than_the_settings_allow_hear_busy() -> None:
    bench = Bench(UserAgentSettings(max_calls=2))
    for number in range(3):
        bench.request("INVITE", call_id=f"c{number}", body=OFFER)
    assert bench.statuses() == [486]
    bench.agent.reject(CallId("in-1"), 480, bench.now)
    bench.request("INVITE", call_id="c9", body=OFFER)
    assert len([event for event in bench.events() if isinstance(event, IncomingCall)]) == 3


def test_calls_that_linger_are_bounded_too() -> None:
    bench = Bench(UserAgentSettings(max_calls=1))
    for number in range(1, 6):
        bench.request("INVITE", call_id=f"c{number}", body=OFFER)
        call_id = CallId(f"in-{number}")
        bench.agent.answer(call_id, ANSWER, bench.now)
        bench.agent.hang_up(call_id, bench.now)
    refusal = bench.sent_response()
    assert (refusal.status, refusal.headers.get("Retry-After")) == (503, "5")
