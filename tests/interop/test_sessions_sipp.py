"""PRACK, UPDATE, session timers, glare, late offers and races of CANCEL, with SIPp on the other side of the phone."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.daemons import PhoneDaemon, running
from tests.support.processes import HOST
from tests.support.sipp import Sipp

pytestmark = pytest.mark.interop

LONG = ("-timeout", "60")
"""For what waits for a session interval: the shortest that the phone keeps is half a minute."""
LONG_S = 65.0


@pytest.fixture(scope="module")
def one_phone(tmp_path_factory) -> Iterator[PhoneDaemon]:
    phone = PhoneDaemon("phone", tmp_path_factory.mktemp("phone"), {"phone.direct_calls": "on"})
    with running(phone):
        yield phone


@pytest.fixture
def phone(one_phone) -> Iterator[PhoneDaemon]:
    """The phone at rest, before and after."""
    yield one_phone
    one_phone.rest()


@pytest.fixture
def call(play, phone) -> Callable[..., Sipp]:
    """SIPp calls the phone."""
    return lambda scenario, **more: play(scenario, f"{HOST}:{phone.port}", target=phone.target, **more)


def lift(phone: PhoneDaemon) -> None:
    """Somebody answers."""
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("connected")


# Reliable provisional responses.


@pytest.mark.parametrize(("transport", "pause_ms"), [("udp", 700), ("tcp", 0)])
def test_reliable_ringing(phone, call, transport, pause_ms) -> None:
    before = len(phone.messages("out", "SIP/2.0 180"))
    sipp = call("call-prack", extra="Require: 100rel", pause_ms=pause_ms, transport=transport)
    phone.expect_state("alerting")
    phone.expect_message("in", "PRACK")
    phone.expect_message("in", "PRACK")
    phone.lift()
    phone.expect_state("connected")
    sipp.succeed()
    rings = len(phone.messages("out", "SIP/2.0 180")) - before
    assert rings >= 2 if pause_ms else rings == 1


def test_ringing_is_reliable_where_that_is_set_and_the_caller_can(start_phone, play) -> None:
    phone = start_phone({"phone.direct_calls": "on", "sip.reliable_ringing": "on"})
    sipp = play("call-prack", f"{HOST}:{phone.port}", target=phone.target, extra="Supported: 100rel")
    phone.expect_message("in", "PRACK")
    phone.expect_message("in", "PRACK")
    phone.lift()
    sipp.succeed()


def test_a_late_offer_comes_with_the_ringing(phone, call) -> None:
    sipp = call("call-prack-late-offer")
    phone.expect_state("alerting")
    phone.expect_message("in", "PRACK")
    phone.lift()
    phone.expect_state("connected")
    sipp.succeed()


def test_updates_before_and_after_the_answer(phone, call) -> None:
    sipp = call("call-prack-update", extra="Require: 100rel")
    phone.expect_state("alerting")
    phone.expect_message("in", "UPDATE")
    phone.expect_message("in", "UPDATE")
    phone.lift()
    phone.expect_state("connected")
    phone.expect_message("in", "UPDATE")
    phone.expect_message("in", "UPDATE")
    phone.rest()
    sipp.succeed()


def test_the_phone_acknowledges_and_is_updated(phone, play) -> None:
    sipp = play("answer-prack")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    phone.rest()
    sipp.succeed()


def test_branches_of_a_fork_have_a_session_each(phone, play) -> None:
    sipp = play("answer-forked-early")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    phone.expect_message("out", "BYE")
    assert phone.status()["phone"]["state"] == "connected"
    phone.rest()
    sipp.succeed()


# Session timers.


def test_the_caller_refreshes(phone, call) -> None:
    sipp = call("call-session-timer")
    lift(phone)
    phone.expect_state("busy-tone")
    sipp.succeed()


def test_the_phone_refreshes_for_a_caller_that_cannot(phone, call) -> None:
    sipp = call("call-refreshed-by-phone", extra="Session-Expires: 30", options=LONG)
    lift(phone)
    sipp.succeed(LONG_S)
    phone.expect_state("busy-tone")


SDP_AGAIN = "Content-Type: application/sdp\nContent-Length: [len]\n\n{sdp}"


@pytest.mark.parametrize(
    ("allow", "refresh", "answer", "end"),
    [
        ("Allow: INVITE, ACK, BYE, UPDATE", "UPDATE", "Content-Length: 0\n", ""),
        ("Allow: INVITE, ACK, BYE", "INVITE", SDP_AGAIN, '<recv request="ACK"/>'),
    ],
)
def test_the_phone_refreshes(phone, play, allow, refresh, answer, end) -> None:
    values = {"extra": allow, "refresh": refresh, "refresh_answer": answer, "refresh_end": end}
    sipp = play("answer-refreshed", options=LONG, **values)
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    asked = phone.messages("out", "INVITE")[-1]
    assert "Session-Expires: 1800" in asked
    assert "timer" in asked
    sipp.succeed(LONG_S)
    assert phone.call_log()[0]["cause"] == "answered"


def test_a_session_that_nobody_refreshes_ends(phone, play) -> None:
    sipp = play("answer-never-refreshed", options=LONG)
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    sipp.succeed(LONG_S)
    phone.expect_state("idle")
    assert phone.call_log()[0]["cause"] == "the other side did not refresh the session"


def test_a_longer_interval_is_asked_for(phone, play) -> None:
    sipp = play("answer-interval-too-small")
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    phone.rest()
    sipp.succeed()


# Races and routes.


def test_glare(start_phone, play) -> None:
    phone = start_phone({"phone.direct_calls": "on", "hardware.flash": "on"})
    sipp = play("call-glare", f"{HOST}:{phone.port}", target=phone.target)
    lift(phone)
    phone.expect_message("in", "ACK")
    phone.replace()
    phone.lift()
    phone.expect_state("held")
    phone.expect_message("out", "ACK")
    phone.rest()
    sipp.succeed()


def test_a_cancel_that_comes_too_late(phone, call) -> None:
    sipp = call("call-cancel-too-late")
    lift(phone)
    phone.expect_state("busy-tone")
    sipp.succeed()
    assert phone.call_log()[0]["cause"] == "answered"


def test_a_bye_before_the_answer(phone, call) -> None:
    sipp = call("call-and-bye-early")
    phone.expect_state("alerting")
    phone.expect_state("idle")
    sipp.succeed()
    assert phone.call_log()[0]["cause"] == "missed"


def test_a_caller_that_waits_for_a_second(phone, call) -> None:
    sipp = call("call-that-expires", extra="Expires: 1")
    phone.expect_state("alerting")
    phone.expect_state("idle")
    sipp.succeed()


@pytest.mark.parametrize(
    ("near", "line", "route"),
    [
        ("sip:[local_ip]:[local_port];lr", "^ACK sip:sipp@", "Route: .sip:[0-9.:]+;lr.*Route: .sip:far.example.org;lr"),
        ("sip:[local_ip]:[local_port]", "^ACK sip:[0-9.:]+ SIP", "Route: .sip:far.example.org;lr.*Route: .sip:sipp@"),
    ],
)
def test_a_call_through_proxies_that_record_the_route(phone, play, near, line, route) -> None:
    """The second one routes strictly, as those of RFC 2543 do."""
    sipp = play("answer-routed", near=near, line=line, route=route)
    phone.place(f"sip:bob@{sipp.address}")
    phone.expect_state("connected")
    phone.expect_message("out", "ACK")
    phone.rest()
    sipp.succeed()
