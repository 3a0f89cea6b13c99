"""UPDATEs of ours: offers before the answer (RFC 3311 section 5.1), a new address in a call, what may go wrong."""

import pytest

from device.model import CallId
from device.sip.events import CallEnded, OfferAnswered, OfferReceived, OfferRefused
from device.sip.message import Request, Response
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench

IN = CallId("in-1")
NEW = b"v=0 another offer\r\n"
NEWER = b"v=0 yet another offer\r\n"
TAKES_UPDATE = "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ringing(bench: Bench, allow: str = TAKES_UPDATE) -> Request:
    """A call of ours with a session before the answer; gives the INVITE."""
    invite = bench.call()
    bench.reply(invite, 183, body=ANSWER, Require="100rel", RSeq="1", Allow=allow)
    bench.reply(bench.sent_request("PRACK"), 200)
    bench.events()
    return invite


def updating(bench: Bench) -> Request:
    """An UPDATE of ours with an offer, before the answer."""
    ringing(bench)
    bench.agent.reoffer(CALL, NEW, bench.now)
    return bench.sent_request("UPDATE")


def test_an_offer_before_the_answer(bench: Bench) -> None:
    update = updating(bench)
    assert (update.body, update.cseq.number, update.to.tag) == (NEW, 3, "peer")
    assert update.contacts
    assert "UPDATE" in update.tokens("Allow")
    assert "Session-Expires" not in update.headers
    bench.reply(update, 200, body=ANSWER)
    assert bench.events() == [OfferAnswered(CALL, ANSWER)]


def test_an_offer_of_the_callee(bench: Bench) -> None:
    bench.called(Require="100rel", Allow=TAKES_UPDATE)
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    bench.events()
    bench.agent.reoffer(IN, NEW, bench.now)
    bench.reply(bench.sent_request("UPDATE"), 200, body=ANSWER)
    assert bench.events() == [OfferAnswered(IN, ANSWER)]


def test_an_offer_of_the_callee_before_its_answer_is_confirmed(bench: Bench) -> None:
    """It waits for the end of the ringing (RFC 3311 section 5.1)."""
    bench.called(Require="100rel", Allow=TAKES_UPDATE)
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.agent.reoffer(IN, NEW, bench.now)
    assert bench.methods() == []
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    assert bench.statuses() == [200]
    bench.agent.answer(IN, ANSWER, bench.now)
    bench.in_dialog("ACK", ours, cseq=1)
    assert bench.sent_request("INVITE").body == NEW


@pytest.mark.parametrize("settled", [True, False])
def test_an_offer_that_cannot_go_before_the_answer_follows_it(bench: Bench, settled: bool) -> None:
    if settled:
        invite = ringing(bench, allow="INVITE")
    else:
        invite = bench.call()
        bench.reply(invite, 180, Allow=TAKES_UPDATE)
    bench.agent.reoffer(CALL, NEW, bench.now)
    assert bench.methods() == []
    bench.reply(invite, 200, body=ANSWER)
    ack, again = bench.sent()
    assert isinstance(again, Request)
    assert (ack.cseq.method, again.method, again.body) == ("ACK", "INVITE", NEW)


def test_the_newest_offer_follows_the_one_under_way(bench: Bench) -> None:
    update = updating(bench)
    bench.agent.reoffer(CALL, b"skipped", bench.now)
    bench.agent.reoffer(CALL, NEWER, bench.now)
    assert bench.methods() == []
    bench.reply(update, 200, body=ANSWER)
    assert bench.sent_request("UPDATE").body == NEWER


@pytest.mark.parametrize("status", [488, 504, 405, 501])
def test_a_refused_offer(bench: Bench, status: int) -> None:
    bench.reply(updating(bench), status)
    assert bench.events() == [OfferRefused(CALL, status)]


def test_an_offer_that_is_confirmed_without_answer(bench: Bench) -> None:
    bench.reply(updating(bench), 200)
    assert bench.events() == [OfferRefused(CALL, 488)]


def test_a_broken_transport(bench: Bench) -> None:
    updating(bench)
    bench.endpoint.receive_transport_error(bench.hops[-1], bench.now, "no route")
    assert bench.events() == [OfferRefused(CALL, 503)]


def test_glare_is_followed_by_a_pause(bench: Bench) -> None:
    """The side that made the Call-ID waits 2.1 to 4 s."""
    bench.reply(updating(bench), 491)
    bench.advance(2.09)
    assert bench.methods() == []
    bench.advance(1.91)
    again = bench.sent_request("UPDATE")
    assert (again.body, again.cseq.number) == (NEW, 4)


def test_a_newer_offer_takes_the_place_of_one_that_waits(bench: Bench) -> None:
    bench.reply(updating(bench), 491)
    bench.agent.reoffer(CALL, NEWER, bench.now)
    bench.advance(4)
    assert bench.sent_request("UPDATE").body == NEWER


def test_a_refresh_does_not_take_the_place_of_an_offer_that_waits(bench: Bench) -> None:
    update = updating(bench)
    bench.reply(update, 491)
    bench.agent.reoffer(CALL, b"", bench.now)
    bench.advance(4)
    again = bench.sent_request("UPDATE")
    assert again.body == NEW
    bench.reply(again, 200, body=ANSWER)
    assert bench.sent_request("UPDATE").body == b""


def test_glare_without_end(bench: Bench) -> None:
    update = updating(bench)
    for _ in range(5):
        bench.reply(update, 491)
        bench.advance(4)
        update = bench.sent_request("UPDATE")
    bench.reply(update, 491)
    assert bench.events() == [OfferRefused(CALL, 491)]


def test_their_offer_first(bench: Bench) -> None:
    update = updating(bench)
    bench.in_dialog("UPDATE", update, cseq=1, body=OFFER)
    assert bench.statuses() == [491]
    bench.reply(update, 491)
    bench.in_dialog("UPDATE", update, cseq=2, body=OFFER)
    assert isinstance(bench.event(OfferReceived), OfferReceived)
    bench.advance(3.99)
    assert "UPDATE" not in bench.methods()
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.advance(0.5)
    assert bench.sent_request("UPDATE").body == NEW


@pytest.mark.parametrize(("after", "pause"), [("3", 3.0), ("3600", 10.0), ("2 (busy)", 2.0), ("soon", 1.0)])
def test_a_peer_that_is_busy_with_another_one(bench: Bench, after: str, pause: float) -> None:
    bench.reply(updating(bench), 500, Retry_After=after)
    bench.advance(pause - 0.01)
    assert bench.methods() == []
    bench.advance(0.02)
    assert bench.methods() == ["UPDATE"]


def test_a_500_without_a_time_is_a_refusal(bench: Bench) -> None:
    bench.reply(updating(bench), 500)
    assert bench.events() == [OfferRefused(CALL, 500)]


def test_a_callee_that_has_lost_its_early_dialog(bench: Bench) -> None:
    """Another branch may still answer; that one is left alone."""
    bench.reply(updating(bench), 481)
    assert bench.sent() == []
    assert not any(isinstance(event, CallEnded) for event in bench.events())


def test_a_caller_that_has_lost_the_dialog(bench: Bench) -> None:
    bench.called(Require="100rel", Allow=TAKES_UPDATE)
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    bench.agent.reoffer(IN, NEW, bench.now)
    bench.events()
    bench.reply(bench.sent_request("UPDATE"), 481)
    assert bench.sent_response().status == 504
    assert bench.event(CallEnded).cause.status == 481


def test_silence_to_an_update_before_our_answer_is_acknowledged(bench: Bench) -> None:
    bench.called(Require="100rel", Allow=TAKES_UPDATE)
    bench.agent.progress(IN, ANSWER, bench.now)
    ours = bench.sent_response()
    bench.in_dialog("PRACK", ours, RAck=f"{ours.headers.get('RSeq')} 1 INVITE")
    bench.agent.reoffer(IN, NEW, bench.now)
    update = bench.sent_request("UPDATE")
    bench.agent.answer(IN, ANSWER, bench.now)
    bench.events()
    bench.reply(update, 481)
    assert bench.event(CallEnded).cause.status == 481
    assert "BYE" not in bench.methods()
    answer = next(one for one in [ours] if isinstance(one, Response))
    bench.in_dialog("ACK", answer, cseq=1)
    assert bench.methods() == ["BYE"]


def test_the_end_of_the_call_ends_the_waiting(bench: Bench) -> None:
    update = updating(bench)
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    bench.reply(update, 200, body=ANSWER)
    bench.reply(update, 491)
    assert not any(isinstance(event, OfferAnswered) for event in bench.events())


# A new address.


def test_a_new_address_is_told_to_every_call(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    bench.reply(bench.call(), 200, body=ANSWER, Allow=TAKES_UPDATE)
    bench.sent()
    bench.agent.retarget_calls(bench.now)
    assert bench.methods() == []
    monkeypatch.setattr(bench.agent._core, "local_address", lambda _transport, _host: ("192.0.2.77", 5060))
    bench.agent.retarget_calls(bench.now)
    update = bench.sent_request("UPDATE")
    assert (update.contacts[0].uri.host, update.body) == ("192.0.2.77", b"")
    bench.agent.retarget_calls(bench.now)
    assert bench.methods() == []


def test_an_address_that_changes_again_is_told_after_the_first(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    bench.reply(bench.call(), 200, body=ANSWER, Allow=TAKES_UPDATE)
    bench.sent()
    for host in ("192.0.2.77", "192.0.2.78"):
        monkeypatch.setattr(bench.agent._core, "local_address", lambda _transport, _host, host=host: (host, 5060))
        bench.agent.retarget_calls(bench.now)
    first = bench.sent_request("UPDATE")
    bench.reply(first, 200)
    assert bench.sent_request("UPDATE").contacts[0].uri.host == "192.0.2.78"


def test_a_new_address_is_told_by_reinvite_where_the_peer_takes_no_update(
    monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    bench.established()
    monkeypatch.setattr(bench.agent._core, "local_address", lambda _transport, _host: ("192.0.2.77", 5060))
    bench.agent.retarget_calls(bench.now)
    invite = bench.sent_request("INVITE")
    assert (invite.contacts[0].uri.host, invite.body) == ("192.0.2.77", OFFER)
