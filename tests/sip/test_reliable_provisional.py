"""Reliable provisional responses of a phone that is called (RFC 3262 sections 3 and 5)."""

import pytest

from device.model import CallId
from device.sip.events import CallEnded, CallEstablished, OfferAnswered, OfferReceived
from device.sip.message import Response
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, OFFER, Bench

IN = CallId("in-1")
NEW = b"v=0 another offer\r\n"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ringing(bench: Bench, offer: bytes = OFFER, require: str = "100rel") -> Response:
    """A call by somebody who insists on PRACK; gives our 180."""
    bench.called(offer, Require=require)
    bench.events()
    bench.agent.ring(IN, bench.now)
    return bench.sent_response()


def prack(bench: Bench, ours: Response, *, rack: str = "", cseq: int = 2, body: bytes = b"") -> None:
    """The caller's PRACK for `ours`."""
    bench.in_dialog("PRACK", ours, cseq=cseq, body=body, RAck=rack or f"{ours.headers.get('RSeq')} 1 INVITE")


def rings(bench: Bench) -> int:
    return len([one for one in bench.sent() if isinstance(one, Response) and one.cseq.method == "INVITE"])


def test_ringing_is_repeated_until_prack_comes(bench: Bench) -> None:
    ours = ringing(bench)
    assert (ours.status, ours.tokens("Require"), ours.body) == (180, ["100rel"], b"")
    assert 1 <= int(ours.headers.get("RSeq") or 0) < 2**31
    assert ours.contacts
    assert ours.to.tag
    for pause in (0.5, 1.0, 2.0, 4.0, 8.0):
        bench.advance(pause - 0.01)
        assert rings(bench) == 0
        bench.advance(0.01)
        assert rings(bench) == 1
    prack(bench, ours)
    assert [(one.status, one.cseq.method) for one in bench.sent() if isinstance(one, Response)] == [(200, "PRACK")]
    bench.advance(30)
    assert rings(bench) == 0
    assert bench.events() == []


def test_no_prack_at_all_ends_the_call(bench: Bench) -> None:
    ringing(bench)
    bench.advance(32)
    assert bench.sent_response().status == 504
    cause = bench.event(CallEnded).cause
    assert (cause.status, cause.text, cause.local) == (504, "the caller did not confirm that it hears us", False)


@pytest.mark.parametrize("rack", ["7 1 INVITE", "{rseq} 2 INVITE", "{rseq} 1 UPDATE", "{rseq} INVITE", "x 1 INVITE"])
def test_a_prack_for_nothing_that_was_sent(bench: Bench, rack: str) -> None:
    ours = ringing(bench)
    prack(bench, ours, rack=rack.replace("{rseq}", ours.headers.get("RSeq") or ""))
    assert bench.statuses() == [481]
    bench.advance(0.5)
    assert rings(bench) == 1


def test_a_second_prack_for_the_same_response(bench: Bench) -> None:
    ours = ringing(bench)
    prack(bench, ours)
    prack(bench, ours, cseq=3)
    assert bench.statuses() == [200, 481]


def test_a_prack_where_nothing_was_sent_reliably(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(IN, bench.now)
    ours = bench.sent_response()
    prack(bench, ours, rack="1 1 INVITE")
    assert bench.statuses() == [481]


@pytest.mark.parametrize(("wanted", "header"), [(True, "Supported"), (False, "Require")])
def test_who_decides_that_ringing_is_reliable(wanted: bool, header: str) -> None:
    bench = Bench(UserAgentSettings(reliable_ringing=wanted))
    bench.called(**{header: "100rel"})
    bench.agent.ring(IN, bench.now)
    assert "RSeq" in bench.sent_response().headers


@pytest.mark.parametrize(("wanted", "supported"), [(True, ""), (False, "100rel")])
def test_ringing_is_plain_unless_both_sides_want_it(wanted: bool, supported: str) -> None:
    bench = Bench(UserAgentSettings(reliable_ringing=wanted))
    bench.called(Supported=supported)
    bench.agent.ring(IN, bench.now)
    ours = bench.sent_response()
    assert "RSeq" not in ours.headers
    assert not ours.tokens("Require")


def test_one_at_a_time(bench: Bench) -> None:
    """183 waits until the 180 before it is acknowledged (section 3)."""
    first = ringing(bench)
    bench.agent.progress(IN, ANSWER, bench.now)
    assert bench.sent() == []
    prack(bench, first)
    second = next(one for one in bench.sent() if isinstance(one, Response) and one.cseq.method == "INVITE")
    assert (second.status, second.body) == (183, ANSWER)
    assert int(second.headers.get("RSeq") or 0) == int(first.headers.get("RSeq") or 0) + 1
    prack(bench, second, cseq=3)
    assert bench.statuses() == [200]


def test_the_answer_waits_for_the_prack_of_our_session(bench: Bench) -> None:
    bench.called(Require="100rel")
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.agent.answer(IN, ANSWER, bench.now)
    assert bench.sent() == []
    prack(bench, ours)
    answer = bench.sent_response()
    assert (answer.status, answer.cseq.method, answer.body) == (200, "INVITE", b"")
    bench.events()
    bench.in_dialog("ACK", answer, cseq=1)
    assert isinstance(bench.event(CallEstablished), CallEstablished)


def test_the_answer_need_not_wait_for_plain_ringing(bench: Bench) -> None:
    ours = ringing(bench)
    bench.agent.answer(IN, ANSWER, bench.now)
    answer = bench.sent_response()
    assert (answer.status, answer.body) == (200, ANSWER)
    prack(bench, ours)
    assert bench.statuses() == [200]
    bench.in_dialog("ACK", answer, cseq=1)
    prack(bench, ours, cseq=3)
    assert bench.statuses() == [481]
    bench.advance(40)
    assert bench.sent() == []


def test_a_late_prack_after_the_ack_is_still_met(bench: Bench) -> None:
    ours = ringing(bench)
    bench.agent.answer(IN, ANSWER, bench.now)
    bench.in_dialog("ACK", bench.sent_response(), cseq=1)
    prack(bench, ours)
    assert bench.statuses() == [200]


def test_an_invite_without_offer_gets_ours_with_the_ringing(bench: Bench) -> None:
    """The first reliable response brings the offer, and PRACK the answer (section 5)."""
    bench.called(b"", Require="100rel")
    bench.events()
    bench.agent.ring(IN, bench.now)
    assert bench.event(OfferReceived) == OfferReceived(IN, b"")
    assert bench.sent() == []
    bench.agent.accept_offer(IN, OFFER, bench.now)
    ours = bench.sent_response()
    assert (ours.status, ours.body, ours.content_type) == (180, OFFER, "application/sdp")
    bench.agent.answer(IN, OFFER, bench.now)
    assert bench.sent() == []
    prack(bench, ours, body=ANSWER)
    assert bench.events() == [OfferAnswered(IN, ANSWER)]
    confirmation, answer = bench.sent()
    assert (confirmation.cseq.method, answer.cseq.method, answer.body) == ("PRACK", "INVITE", b"")
    bench.in_dialog("ACK", answer, cseq=1)  # type: ignore[arg-type]
    assert bench.event(CallEstablished).sdp == b""


def test_our_offer_must_be_answered_in_prack(bench: Bench) -> None:
    bench.called(b"", Require="100rel")
    bench.agent.ring(IN, bench.now)
    bench.agent.accept_offer(IN, OFFER, bench.now)
    prack(bench, bench.sent_response())
    assert bench.statuses() == [200, 488]
    assert bench.event(CallEnded).cause.status == 488


def test_no_offer_to_give_refuses_the_call(bench: Bench) -> None:
    bench.called(b"", Require="100rel")
    bench.agent.ring(IN, bench.now)
    bench.agent.ring(IN, bench.now)
    bench.agent.refuse_offer(IN, 503, bench.now)
    assert bench.statuses() == [503]


def test_an_offer_in_prack(bench: Bench) -> None:
    bench.called(Require="100rel")
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.events()
    prack(bench, ours, body=NEW)
    assert bench.event(OfferReceived) == OfferReceived(IN, NEW)
    bench.agent.accept_offer(IN, ANSWER, bench.now)
    answer = bench.sent_response()
    assert (answer.status, answer.cseq.method, answer.body) == (200, "PRACK", ANSWER)


def test_an_offer_in_prack_that_we_cannot_take(bench: Bench) -> None:
    bench.called(Require="100rel")
    bench.agent.progress(IN, ANSWER, bench.now)
    prack(bench, bench.sent_response(), body=NEW)
    bench.agent.refuse_offer(IN, 488, bench.now)
    refusal = bench.sent_response()
    assert (refusal.status, refusal.cseq.method) == (488, "PRACK")
    bench.agent.answer(IN, ANSWER, bench.now)
    assert bench.sent_response().status == 200


def test_an_offer_in_prack_before_theirs_is_answered(bench: Bench) -> None:
    prack(bench, ringing(bench), body=NEW)
    assert bench.statuses() == [500]


def test_early_media_that_nobody_confirms_is_repeated_in_the_answer(bench: Bench) -> None:
    bench.called()
    bench.agent.progress(IN, ANSWER, bench.now)
    assert bench.sent_response().status == 183
    bench.advance(60)
    again = bench.sent_response()
    assert (again.status, again.body, "RSeq" in again.headers) == (183, ANSWER, False)
    bench.agent.answer(IN, b"something else", bench.now)
    assert bench.sent_response().body == ANSWER


def test_ringing_is_repeated_every_minute_reliably(bench: Bench) -> None:
    first = ringing(bench)
    prack(bench, first)
    bench.sent()
    bench.advance(60)
    again = bench.sent_response()
    assert (again.status, int(again.headers.get("RSeq") or 0)) == (180, int(first.headers.get("RSeq") or 0) + 1)


def test_progress_without_an_offer_to_answer(bench: Bench) -> None:
    bench.called(b"")
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    assert (ours.status, ours.body) == (183, b"")


def test_a_cancel_while_prack_is_awaited(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-1", Require="100rel")
    bench.agent.ring(IN, bench.now)
    bench.sent()
    bench.request("CANCEL", branch="z9hG4bK-1", Require="")
    assert bench.statuses() == [200, 487]
    bench.advance(40)
    assert rings(bench) <= 11
    assert bench.agent.is_idle
