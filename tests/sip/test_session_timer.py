"""Session timers (RFC 4028) as the peer sees them, in every role."""

import pytest

from device.model import CallId
from device.sip.events import CallEnded, CallEstablished, OfferAnswered, OfferRefused
from device.sip.message import Request, Response
from device.sip.session_timer import SessionTimer, read_interval, read_minimum
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench

IN = CallId("in-1")
NEW = b"v=0 another offer\r\n"
TAKES_UPDATE = "INVITE, ACK, BYE, CANCEL, UPDATE"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def placed(bench: Bench, interval: str, allow: str = TAKES_UPDATE) -> Request:
    """A call of ours whose answer names that interval; gives the ACK."""
    headers = {"Session_Expires": interval, "Require": "timer"} if interval else {}
    bench.reply(bench.call(), 200, body=ANSWER, Allow=allow, **headers)
    bench.events()
    return bench.sent_request("ACK")


def taken(bench: Bench, **headers: str) -> Response:
    """A call of the peer with these header fields; gives our 200."""
    bench.called(**headers)
    bench.agent.answer(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("ACK", ours, cseq=1)
    bench.events()
    return ours


# What stands in messages.


@pytest.mark.parametrize(
    ("value", "seconds", "refresher"),
    [
        ("1800", 1800, ""),
        ("90;refresher=uac", 90, "uac"),
        ("90 ; Refresher = UAS ;x", 90, "uas"),
        ("90;refresher=me", 90, ""),
    ],
)
def test_reading_an_interval(value: str, seconds: int, refresher: str) -> None:
    request = Request("UPDATE", "sip:x@y")
    request.headers.set("Session-Expires", value)
    interval = read_interval(request)
    assert interval is not None
    assert (interval.seconds, interval.refresher) == (seconds, refresher)


@pytest.mark.parametrize("value", ["soon", "", "-1", "99999999999"])
def test_an_interval_that_cannot_be_read_is_none(value: str) -> None:
    request = Request("UPDATE", "sip:x@y")
    request.headers.set("Session-Expires", value)
    request.headers.set("Min-SE", value)
    assert read_interval(request) is None
    assert read_minimum(request) == 90


def test_a_timer_that_was_never_started_is_never_due() -> None:
    timer = SessionTimer()
    assert timer.next_timeout() is None
    assert not timer.take_refresh(1e9)
    assert not timer.take_expiry(1e9)
    assert not timer.add_to(Request("UPDATE", "sip:x@y"), 0.0)


@pytest.mark.parametrize(("interval", "ends"), [(1800, 1768.0), (90, 60.0), (96, 64.0), (300, 268.0)])
def test_a_session_ends_shortly_before_its_interval(interval: int, ends: float) -> None:
    timer = SessionTimer()
    timer.start(interval, False, 0.0)
    assert timer.next_timeout() == ends
    assert not timer.take_refresh(ends - 0.01)
    assert not timer.take_expiry(ends - 0.01)
    assert timer.take_expiry(ends)
    assert timer.next_timeout() is None


def test_a_refresh_that_failed_is_tried_again_in_half_the_time_that_is_left() -> None:
    timer = SessionTimer()
    timer.start(1800, True, 0.0)
    assert timer.next_timeout() == 900.0
    tried = []
    while (at := timer.next_timeout()) is not None and timer.take_refresh(at):
        tried.append(at)
    assert tried[:3] == [900.0, 1350.0, 1575.0]
    assert len(tried) < 14
    assert timer.next_timeout() == 1800.0
    assert timer.take_expiry(1800.0)


# We call.


def test_an_invite_asks_for_half_an_hour(bench: Bench) -> None:
    invite = bench.call()
    assert (invite.headers.get("Session-Expires"), invite.headers.get("Min-SE")) == ("1800", None)
    assert "timer" in invite.tokens("Supported")


def test_an_invite_asks_for_nothing_where_that_is_set() -> None:
    bench = Bench(UserAgentSettings(session_expires_s=0))
    assert "Session-Expires" not in bench.call().headers


def test_a_peer_without_session_timers_is_never_hung_up(bench: Bench) -> None:
    placed(bench, "")
    bench.advance(100_000)
    assert bench.sent() == []
    assert bench.events() == []


@pytest.mark.parametrize("interval", ["1800;refresher=uac", "1800"])
def test_we_refresh_by_update(bench: Bench, interval: str) -> None:
    placed(bench, interval)
    bench.advance(899.9)
    assert bench.methods() == []
    for _ in range(3):
        bench.advance(0.5)
        update = bench.sent_request("UPDATE")
        assert (update.headers.get("Session-Expires"), update.body) == ("1800;refresher=uac", b"")
        assert update.contacts
        assert "timer" in update.tokens("Supported")
        bench.reply(update, 200, Session_Expires="1800;refresher=uac", Contact="<sip:bob@192.0.2.2:5060>")
        bench.advance(899.6)
    assert bench.events() == []


def test_we_refresh_by_reinvite_where_the_peer_takes_no_update(bench: Bench) -> None:
    """The same description, to the letter, so that nothing of the session changes."""
    placed(bench, "1800;refresher=uac", allow="INVITE, ACK, BYE")
    bench.advance(900)
    invite = bench.sent_request("INVITE")
    assert (invite.body, invite.headers.get("Session-Expires")) == (OFFER, "1800;refresher=uac")
    bench.reply(invite, 200, body=ANSWER, Session_Expires="1800;refresher=uac")
    assert bench.methods() == ["ACK"]
    assert bench.events() == []
    bench.advance(900)
    bench.reply(bench.sent_request("INVITE"), 200, body=NEW, Session_Expires="1800;refresher=uac")
    assert bench.events() == [OfferAnswered(CALL, NEW)]


def test_a_peer_that_does_not_keep_what_its_allow_says(bench: Bench) -> None:
    placed(bench, "1800;refresher=uac")
    bench.advance(900)
    bench.reply(bench.sent_request("UPDATE"), 405)
    bench.reply(bench.sent_request("INVITE"), 200, body=ANSWER, Session_Expires="1800;refresher=uac")
    bench.advance(900)
    assert bench.methods() == ["ACK", "INVITE"]


def test_a_refresh_that_is_refused_ends_the_call_only_when_the_time_is_over(bench: Bench) -> None:
    placed(bench, "1800;refresher=uac", allow="INVITE")
    bench.advance(900)
    bench.reply(bench.sent_request("INVITE"), 500)
    assert bench.methods() == ["ACK"]
    assert not any(isinstance(event, OfferRefused) for event in bench.events())
    bench.advance(450)
    bench.reply(bench.sent_request("INVITE"), 200, body=ANSWER, Session_Expires="1800;refresher=uac")
    bench.sent()
    bench.advance(899)
    assert bench.methods() == []


def test_a_peer_that_has_lost_the_call(bench: Bench) -> None:
    placed(bench, "1800;refresher=uac")
    bench.advance(900)
    bench.reply(bench.sent_request("UPDATE"), 481)
    assert bench.methods() == ["BYE"]
    assert bench.event(CallEnded).cause.status == 481


@pytest.mark.parametrize("status", [0, 400, 405, 408, 420, 488, 500, 503])
def test_a_refresh_that_fails_as_update_goes_by_reinvite(bench: Bench, status: int) -> None:
    """Whatever becomes of an UPDATE, no call is lost for it; 0 is silence."""
    placed(bench, "1800;refresher=uac")
    bench.advance(900)
    update = bench.sent_request("UPDATE")
    if status:
        bench.reply(update, status)
    else:
        bench.advance(32)
    invite = bench.sent_request("INVITE")
    assert invite.body == OFFER
    bench.reply(invite, 200, body=ANSWER, Session_Expires="1800;refresher=uac", Allow=TAKES_UPDATE)
    bench.sent()
    bench.advance(899)
    assert bench.methods() == []
    assert bench.events() == []


def test_a_far_end_that_refuses_every_refresh_keeps_its_call(bench: Bench) -> None:
    placed(bench, "90;refresher=uac", allow="INVITE")
    for _ in range(40):
        bench.advance(20)
        for request in bench.sent():
            if isinstance(request, Request) and request.method == "INVITE":
                bench.reply(request, 488)
    assert bench.events() == []
    bench.advance(200)
    assert bench.event(CallEnded).cause.status == 408


def test_silence_to_every_refresh_ends_the_call(bench: Bench) -> None:
    placed(bench, "1800;refresher=uac")
    bench.advance(963)
    assert "BYE" not in bench.methods()
    bench.advance(2)
    assert bench.methods()[-1] == "BYE"


def test_the_other_side_refreshes(bench: Bench) -> None:
    ack = placed(bench, "90;refresher=uas")
    bench.advance(59)
    bench.in_dialog("UPDATE", ack, Session_Expires="90;refresher=uac", Supported="timer", Contact="<sip:b@192.0.2.2>")
    answer = bench.sent_response()
    assert (answer.status, answer.headers.get("Session-Expires")) == (200, "90;refresher=uac")
    assert answer.tokens("Require") == ["timer"]
    assert answer.contacts
    bench.advance(59)
    assert bench.sent() == []
    bench.advance(1)
    bye = bench.sent_request("BYE")
    assert "SIP;cause=408" in (bye.headers.get("Reason") or "")
    assert bench.event(CallEnded).cause.text == "the other side did not refresh the session"


def test_an_answer_without_interval_ends_the_timer(bench: Bench) -> None:
    placed(bench, "90;refresher=uac")
    bench.advance(45)
    bench.reply(bench.sent_request("UPDATE"), 200)
    bench.advance(10_000)
    assert bench.sent() == []


def test_an_interval_that_is_too_short_is_not_kept(bench: Bench) -> None:
    placed(bench, "5;refresher=uac")
    bench.advance(1000)
    assert bench.sent() == []


def test_an_answer_that_was_long_on_its_way_does_not_put_the_next_refresh_off(bench: Bench) -> None:
    """The other side counts from our request, and would give up after 60 s."""
    placed(bench, "90;refresher=uac")
    bench.advance(45)
    update = bench.sent_request("UPDATE")
    bench.advance(20)
    bench.sent()
    bench.reply(update, 200, Session_Expires="90;refresher=uac")
    bench.advance(25)
    assert bench.methods() == ["UPDATE"]


def test_the_answer_to_an_early_update_says_nothing_about_the_interval(bench: Bench) -> None:
    bench.called(Require="100rel", Supported="timer", Session_Expires="90", Allow=TAKES_UPDATE)
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    bench.agent.reoffer(IN, NEW, bench.now)
    update = bench.sent_request("UPDATE")
    bench.agent.answer(IN, ANSWER, bench.now)
    bench.reply(update, 200, body=ANSWER)
    bench.in_dialog("ACK", ours, cseq=1)
    bench.sent()
    bench.advance(45)
    assert bench.methods() == ["UPDATE"]


# 422.


def test_a_longer_interval_is_asked_for_after_422(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 422, Min_SE="3600")
    again = [one for one in bench.sent() if isinstance(one, Request) and one.method == "INVITE"][-1]
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("3600", "3600")
    assert (again.call_id, again.from_.tag, again.cseq.number) == (invite.call_id, invite.from_.tag, 2)
    bench.reply(again, 422, Min_SE="7200")
    once_more = [one for one in bench.sent() if isinstance(one, Request) and one.method == "INVITE"][-1]
    assert once_more.headers.get("Session-Expires") == "7200"
    bench.reply(once_more, 200, body=ANSWER, Session_Expires="7200;refresher=uac", Allow="UPDATE")
    assert isinstance(bench.event(CallEstablished), CallEstablished)
    bench.advance(3600)
    assert bench.sent_request("UPDATE").headers.get("Min-SE") == "7200"


@pytest.mark.parametrize("minimum", ["", "1800", "nonsense"])
def test_a_422_that_asks_for_nothing_longer(bench: Bench, minimum: str) -> None:
    bench.reply(bench.call(), 422, Min_SE=minimum)
    assert bench.event(CallEnded).cause.status == 422


def test_422_without_end(bench: Bench) -> None:
    invite = bench.call()
    for minimum in ("2000", "3000", "4000", "5000"):
        bench.reply(invite, 422, Min_SE=minimum)
        invites = [one for one in bench.sent() if isinstance(one, Request) and one.method == "INVITE"]
        invite = invites[-1] if invites else invite
    assert bench.event(CallEnded).cause.status == 422


def test_422_to_a_call_that_was_given_up(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 180)
    bench.agent.hang_up(CALL, bench.now)
    bench.reply(invite, 422, Min_SE="3600")
    assert "INVITE" not in bench.methods()[1:]


@pytest.mark.parametrize("allow", [TAKES_UPDATE, "INVITE"])
def test_422_to_a_refresh(bench: Bench, allow: str) -> None:
    placed(bench, "100;refresher=uac", allow)
    bench.advance(50)
    method = "UPDATE" if "UPDATE" in allow else "INVITE"
    bench.reply(bench.sent_request(method), 422, Min_SE="300")
    bench.advance(0)
    again = bench.sent_request(method)
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("300;refresher=uac", "300")


# We are called.


def test_where_the_choice_is_ours_we_refresh(bench: Bench) -> None:
    ours = taken(bench, Supported="timer", Session_Expires="600")
    assert (ours.headers.get("Session-Expires"), ours.tokens("Require")) == ("600;refresher=uas", ["timer"])
    bench.advance(300)
    assert bench.methods() == ["INVITE"]


def test_a_caller_that_can_is_asked_even_if_it_did_not(bench: Bench) -> None:
    ours = taken(bench, Supported="timer", Allow=TAKES_UPDATE)
    assert ours.headers.get("Session-Expires") == "1800;refresher=uas"
    bench.advance(900)
    assert bench.sent_request("UPDATE").headers.get("Session-Expires") == "1800;refresher=uac"


def test_a_caller_that_cannot_is_left_alone(bench: Bench) -> None:
    ours = taken(bench)
    assert "Session-Expires" not in ours.headers
    bench.advance(100_000)
    assert bench.sent() == []


def test_a_caller_that_can_is_not_asked_where_that_is_set() -> None:
    bench = Bench(UserAgentSettings(session_expires_s=0))
    assert "Session-Expires" not in taken(bench, Supported="timer").headers


def test_the_wish_of_a_proxy_for_a_caller_that_cannot(bench: Bench) -> None:
    """Table 2 of section 9: then it is for us to refresh, and the caller must not be required anything."""
    ours = taken(bench, Session_Expires="60")
    assert (ours.headers.get("Session-Expires"), ours.tokens("Require")) == ("60;refresher=uas", [])
    bench.advance(30)
    assert bench.methods() == ["INVITE"]


def test_a_caller_that_wants_to_refresh(bench: Bench) -> None:
    ours = taken(bench, Supported="timer", Session_Expires="90;refresher=uac")
    assert ours.headers.get("Session-Expires") == "90;refresher=uac"
    bench.advance(60)
    assert bench.methods() == ["BYE"]


def test_a_shorter_interval_may_be_ours(bench: Bench) -> None:
    settings = UserAgentSettings(session_expires_s=600)
    ours = taken(Bench(settings), Supported="timer", Session_Expires="3600")
    assert ours.headers.get("Session-Expires") == "600;refresher=uas"
    ours = taken(Bench(settings), Supported="timer", Session_Expires="3600", Min_SE="900")
    assert ours.headers.get("Session-Expires") == "900;refresher=uas"


def test_an_interval_that_is_too_brief(bench: Bench) -> None:
    bench.called(Supported="timer", Session_Expires="60")
    refusal = bench.sent_response()
    assert (refusal.status, refusal.headers.get("Min-SE")) == (422, "90")
    assert bench.events() == []
    bench.called(Supported="timer", Session_Expires="90", call_id="longer")
    assert len(bench.events()) == 1


def test_an_interval_that_is_too_brief_within_a_call() -> None:
    bench = Bench(UserAgentSettings(session_min_se_s=300))
    ours = taken(bench, Supported="timer", Session_Expires="300;refresher=uac")
    for method in ("UPDATE", "INVITE"):
        bench.in_dialog(method, ours, cseq=2 if method == "UPDATE" else 3, Supported="timer", Session_Expires="200")
        refusal = bench.sent_response()
        assert (refusal.status, refusal.headers.get("Min-SE")) == (422, "300")


def test_a_hold_refreshes_too(bench: Bench) -> None:
    ours = taken(bench, Supported="timer", Session_Expires="90;refresher=uac")
    bench.advance(50)
    bench.in_dialog("INVITE", ours, body=NEW, Supported="timer", Session_Expires="90;refresher=uac")
    bench.agent.accept_offer(IN, ANSWER, bench.now)
    answer = bench.sent_response()
    assert answer.headers.get("Session-Expires") == "90;refresher=uac"
    bench.in_dialog("ACK", ours, cseq=2)
    bench.advance(59)
    assert "BYE" not in bench.methods()


def test_a_reoffer_of_ours_keeps_the_interval_and_the_roles(bench: Bench) -> None:
    ours = taken(bench, Supported="timer", Session_Expires="90;refresher=uac")
    bench.agent.reoffer(IN, NEW, bench.now)
    invite = bench.sent_request("INVITE")
    assert invite.headers.get("Session-Expires") == "90;refresher=uas"
    assert ours.to.tag == invite.from_.tag
