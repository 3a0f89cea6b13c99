"""UPDATEs of the other side (RFC 3311 section 5.2), before and after the answer."""

import pytest

from device.model import CallId
from device.sip.events import OfferAnswered, OfferReceived
from device.sip.message import Request, Response
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench

IN = CallId("in-1")
NEW = b"v=0 another offer\r\n"
MOVED = "<sip:bob@192.0.2.2:5099>"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ringing(bench: Bench) -> Response:
    """A call to us with a session before the answer; gives our 183."""
    bench.called(Require="100rel")
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    bench.events()
    bench.sent()
    return ours


def test_an_offer_in_a_call(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, body=NEW, Contact=MOVED)
    assert bench.event(OfferReceived) == OfferReceived(CALL, NEW)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    answer = bench.sent_response()
    assert (answer.status, answer.cseq.method, answer.body) == (200, "UPDATE", ANSWER)
    assert answer.contacts
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").uri.port == 5099


def test_an_offer_that_we_refuse_moves_nobody(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, body=NEW, Contact=MOVED)
    bench.agent.refuse_offer(CALL, 488, bench.now)
    refusal = bench.sent_response()
    assert (refusal.status, "Warning" in refusal.headers) == (488, True)
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").uri.port == 5060


def test_without_offer_it_is_confirmed_at_once(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, Contact=MOVED)
    answer = bench.sent_response()
    assert (answer.status, answer.body) == (200, b"")
    assert bench.events() == []
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").uri.port == 5099


def test_an_offer_before_the_answer(bench: Bench) -> None:
    ours = ringing(bench)
    bench.in_dialog("UPDATE", ours, cseq=3, body=NEW)
    assert bench.event(OfferReceived) == OfferReceived(IN, NEW)
    bench.agent.accept_offer(IN, ANSWER, bench.now)
    assert bench.sent_response().body == ANSWER


def test_an_offer_of_the_callee_before_its_answer(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 183, body=ANSWER, Require="100rel", RSeq="1")
    prack = bench.sent_request("PRACK")
    bench.events()
    bench.in_dialog("UPDATE", prack, cseq=1, body=NEW)
    assert bench.event(OfferReceived) == OfferReceived(CALL, NEW)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    assert bench.sent_response().body == ANSWER
    bench.reply(invite, 200)
    established = bench.events()[0]
    assert established.sdp == b"", "the session of the 183 must not come back"  # type: ignore[attr-defined]


# Out of turn.


def test_glare_with_a_reinvite_of_ours(bench: Bench) -> None:
    ack = bench.established()
    bench.agent.reoffer(CALL, OFFER, bench.now)
    bench.in_dialog("UPDATE", ack, body=NEW)
    assert bench.statuses() == [491]
    bench.in_dialog("UPDATE", ack, cseq=3)
    assert bench.statuses() == [200]


def test_an_offer_while_their_reinvite_is_open(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("INVITE", ack, body=NEW)
    bench.in_dialog("UPDATE", ack, cseq=3, body=NEW)
    refusal = bench.sent_response()
    assert (refusal.status, 0 <= int(refusal.headers.get("Retry-After") or -1) <= 10) == (500, True)
    assert len(bench.events()) == 1


def test_an_offer_while_a_reinvite_asks_for_ours(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("INVITE", ack)
    bench.in_dialog("UPDATE", ack, cseq=3, body=NEW)
    assert bench.sent_response().status == 500


def test_a_second_update_before_the_first_is_answered(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, body=NEW)
    for cseq, body in ((3, NEW), (4, b"")):
        bench.in_dialog("UPDATE", ack, cseq=cseq, body=body)
        assert bench.sent_response().status == 500
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    assert bench.sent_response().cseq.number == 2


def test_a_reinvite_before_an_update_is_answered(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, body=NEW)
    bench.in_dialog("INVITE", ack, cseq=3, body=NEW)
    refusal = bench.sent_response()
    assert (refusal.status, "Retry-After" in refusal.headers) == (500, True)


def test_an_offer_before_the_first_is_answered(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(IN, bench.now)
    bench.in_dialog("UPDATE", bench.sent_response(), body=NEW)
    assert bench.statuses() == [500]


def test_an_offer_of_the_callee_before_it_answered_ours(bench: Bench) -> None:
    ringing = bench.reply(bench.call(), 180)
    bench.request("UPDATE", to=str(ringing.from_), from_=str(ringing.to), call_id=ringing.call_id, cseq=1, body=NEW)
    assert bench.statuses() == [491]


def test_an_offer_out_of_order(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, cseq=5)
    bench.in_dialog("UPDATE", ack, cseq=4)
    assert bench.statuses() == [200, 500]


def test_an_offer_that_nobody_answers(bench: Bench) -> None:
    """Whoever cannot answer without asking a person says 504 (section 5.2)."""
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, body=NEW)
    bench.advance(3.9)
    assert 504 not in bench.statuses()
    bench.advance(0.1)
    assert bench.statuses() == [504]
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    assert bench.sent() == []


def test_an_offer_while_our_reinvite_asks_for_theirs(bench: Bench) -> None:
    ack = bench.established()
    bench.agent.reoffer(CALL, b"", bench.now)
    invite = bench.sent_request("INVITE")
    bench.in_dialog("UPDATE", ack, body=NEW)
    assert bench.statuses() == [491]
    bench.reply(invite, 200, body=NEW)
    assert bench.event(OfferReceived) == OfferReceived(CALL, NEW)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.in_dialog("UPDATE", ack, cseq=3, body=NEW)
    assert isinstance(bench.event(OfferReceived), OfferReceived)


@pytest.mark.parametrize("status", [488, 491])
def test_an_offer_after_our_reinvite_asked_for_theirs_in_vain(bench: Bench, status: int) -> None:
    ack = bench.established()
    bench.agent.reoffer(CALL, b"", bench.now)
    bench.reply(bench.sent_request("INVITE"), status)
    bench.sent()
    bench.events()
    bench.in_dialog("UPDATE", ack, body=NEW)
    assert bench.event(OfferReceived) == OfferReceived(CALL, NEW)


def test_an_offer_after_we_had_none_to_give(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("INVITE", ack)
    bench.agent.refuse_offer(CALL, 488, bench.now)
    bench.events()
    bench.in_dialog("UPDATE", ack, cseq=3, body=NEW)
    assert bench.event(OfferReceived) == OfferReceived(CALL, NEW)


def test_a_description_in_the_ack_is_no_answer_to_an_early_update(bench: Bench) -> None:
    bench.called(Require="100rel", Allow="UPDATE")
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    bench.agent.reoffer(IN, NEW, bench.now)
    update = bench.sent_request("UPDATE")
    bench.agent.answer(IN, ANSWER, bench.now)
    bench.in_dialog("ACK", ours, cseq=1, body=b"v=0 nobody asked for this")
    bench.events()
    bench.reply(update, 200, body=ANSWER)
    assert bench.events() == [OfferAnswered(IN, ANSWER)]


# Our own wishes meanwhile, and the end.


def test_a_wish_of_ours_waits_for_their_update(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("UPDATE", ack, body=NEW)
    bench.agent.reoffer(CALL, OFFER, bench.now)
    assert bench.sent() == []
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    assert bench.methods() == ["INVITE"]


def test_a_back_off_waits_for_their_update(bench: Bench) -> None:
    ack = bench.established()
    bench.agent.reoffer(CALL, OFFER, bench.now)
    bench.reply(bench.sent_request("INVITE"), 491)
    bench.sent()
    bench.advance(2.0)
    bench.in_dialog("UPDATE", ack, body=NEW)
    bench.advance(2.2)
    assert "INVITE" not in bench.methods()
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.advance(0.5)
    assert bench.methods() == ["INVITE"]


def test_hanging_up_while_their_offer_waits(bench: Bench) -> None:
    bench.in_dialog("UPDATE", bench.established(), body=NEW)
    bench.agent.hang_up(CALL, bench.now)
    sent = bench.sent()
    assert [one.status for one in sent if isinstance(one, Response)] == [487]
    assert [one.method for one in sent if isinstance(one, Request)] == ["BYE"]


def test_a_cancel_while_their_offer_waits(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-1", Require="100rel")
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    bench.in_dialog("UPDATE", ours, cseq=3, body=NEW)
    bench.sent()
    bench.request("CANCEL", branch="z9hG4bK-1")
    answers = {one.cseq.method: one.status for one in bench.sent() if isinstance(one, Response)}
    assert answers == {"CANCEL": 200, "INVITE": 487, "UPDATE": 487}


def test_a_call_that_is_over(bench: Bench) -> None:
    ack = bench.established()
    bench.agent.hang_up(CALL, bench.now)
    bench.in_dialog("UPDATE", ack, body=NEW)
    bench.in_dialog("PRACK", ack, cseq=3, RAck="1 1 INVITE")
    assert bench.statuses() == [481, 481]


def test_a_call_that_is_being_taken_back(bench: Bench) -> None:
    ringing = bench.reply(bench.call(), 180)
    bench.agent.hang_up(CALL, bench.now)
    bench.request("UPDATE", to=str(ringing.from_), from_=str(ringing.to), call_id=ringing.call_id, cseq=1)
    assert bench.statuses() == [481]


def test_an_update_before_the_ack(bench: Bench) -> None:
    bench.called()
    bench.agent.answer(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.events()
    bench.in_dialog("UPDATE", ours, body=NEW)
    assert bench.event(OfferReceived) == OfferReceived(IN, NEW)
    bench.agent.accept_offer(IN, ANSWER, bench.now)
    answer = next(one for one in bench.sent() if isinstance(one, Response) and one.cseq.method == "UPDATE")
    assert (answer.status, answer.body) == (200, ANSWER)
    bench.in_dialog("ACK", ours, cseq=1)
    assert not any(isinstance(event, OfferAnswered) for event in bench.events())


def test_an_update_before_the_ack_that_owes_an_answer(bench: Bench) -> None:
    bench.called(b"")
    bench.agent.answer(IN, OFFER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("UPDATE", ours, body=NEW)
    assert bench.statuses()[-1] == 491


def test_the_settings_do_not_matter_here() -> None:
    bench = Bench(UserAgentSettings(session_expires_s=0))
    bench.in_dialog("UPDATE", bench.established())
    assert "Session-Expires" not in bench.sent_response().headers
