"""Calls that we make, as the peer and the owner see them."""

import pytest

from device.model import CallId
from device.sip.core import ALLOW
from device.sip.errors import SipStateError
from device.sip.events import (
    CallEnded,
    CallEstablished,
    CallRinging,
    CallTrying,
    EndCause,
    OfferReceived,
)
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_answered_call(bench: Bench) -> None:
    invite = bench.call()
    assert str(invite.uri) == "sip:192.0.2.2"
    assert invite.body == OFFER
    assert invite.headers.get("Allow") == ALLOW
    bench.reply(invite, 100, tag="")
    bench.reply(invite, 180)
    bench.reply(invite, 200, body=ANSWER)
    assert bench.events() == [
        CallTrying(CALL),
        CallRinging(CALL, 180, "Ringing", b""),
        CallEstablished(CALL, ANSWER, "sip:192.0.2.2", ""),
    ]
    ack = bench.sent_request("ACK")
    assert str(ack.uri) == "sip:bob@192.0.2.2:5060"
    assert (ack.cseq.number, ack.body) == (invite.cseq.number, b"")
    bench.agent.hang_up(CALL, bench.now)
    bye = bench.sent_request("BYE")
    assert bench.events() == [CallEnded(CALL, EndCause(0, "hung up here", local=True))]
    bench.reply(bye, 200)
    bench.advance(100)
    assert bench.events() == []
    assert bench.agent.is_idle


def test_a_provisional_response_that_says_nothing_new_is_told_once(bench: Bench) -> None:
    invite = bench.call()
    for _ in range(3):
        bench.reply(invite, 180)
    assert bench.events() == [CallRinging(CALL, 180, "Ringing", b"")]


@pytest.mark.parametrize(
    ("status", "reason", "text"),
    [
        (486, None, "busy"),
        (603, None, "declined"),
        (404, None, "number not found"),
        (480, "Out", "not available now (Out)"),
    ],
)
def test_a_refused_call(bench: Bench, status: int, reason: str | None, text: str) -> None:
    bench.reply(bench.call(), status, reason=reason)
    assert bench.event(CallEnded).cause == EndCause(status, text, local=False)
    assert bench.methods() == ["ACK"]


def test_nobody_there(bench: Bench) -> None:
    bench.call()
    bench.advance(32)
    assert bench.event(CallEnded).cause == EndCause(408, "no answer from the network", local=False)


def test_an_unreachable_peer(bench: Bench) -> None:
    bench.call()
    bench.endpoint.receive_transport_error(bench.hops[0], bench.now, "connection refused")
    assert bench.event(CallEnded).cause == EndCause(503, "cannot reach the other side: connection refused", local=False)


def test_a_challenge_without_an_account(bench: Bench) -> None:
    bench.reply(bench.call(), 401, WWW_Authenticate='Digest realm="x", nonce="n"')
    assert "user offhook has none here" in bench.event(CallEnded).cause.text


# Hanging up in every state.


def test_a_cancel_waits_for_the_first_response(bench: Bench) -> None:
    invite = bench.call()
    bench.agent.hang_up(CALL, bench.now)
    assert bench.event(CallEnded).cause == EndCause(487, "cancelled here", local=True)
    assert bench.methods() == []
    bench.reply(invite, 180)
    cancel = bench.sent_request("CANCEL")
    assert cancel.cseq.number == invite.cseq.number
    bench.reply(cancel, 200)
    bench.reply(invite, 487)
    assert bench.methods() == ["ACK"]
    bench.advance(40)
    assert bench.events() == []
    assert bench.agent.is_idle


def test_hanging_up_while_it_rings(bench: Bench) -> None:
    bench.reply(bench.call(), 180)
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == ["CANCEL"]
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == []


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 180)
    bench.agent.hang_up(CALL, bench.now)
    bench.reply(invite, 200, body=ANSWER)
    assert bench.methods() == ["CANCEL", "ACK", "BYE"]
    assert [type(event) for event in bench.events()] == [CallRinging, CallEnded]


def test_a_cancelled_call_that_nobody_ends_is_forgotten(bench: Bench) -> None:
    bench.reply(bench.call(), 180)
    bench.agent.hang_up(CALL, bench.now)
    bench.advance(64.1)
    assert bench.agent.is_idle


def test_the_ring_time_out_cancels(bench: Bench) -> None:
    invite = bench.call()
    bench.advance(1)
    bench.reply(invite, 180)
    bench.advance(178)
    assert not any(isinstance(event, CallEnded) for event in bench.events())
    bench.advance(1)
    assert bench.event(CallEnded).cause == EndCause(408, "no answer", local=True)
    assert "CANCEL" in bench.methods()


def test_hanging_up_twice_and_after_the_end_is_no_error(bench: Bench) -> None:
    bench.established()
    bench.agent.hang_up(CALL, bench.now)
    bench.agent.hang_up(CALL, bench.now)
    bench.agent.reoffer(CALL, OFFER, bench.now)
    bench.agent.hang_up(CallId("never was"), bench.now)
    assert bench.methods() == ["BYE"]


# The other side hangs up.


def test_a_bye_ends_the_call_once(bench: Bench) -> None:
    ack = bench.established()
    bench.in_dialog("BYE", ack, cseq=1)
    assert bench.statuses() == [200]
    assert bench.event(CallEnded).cause == EndCause(0, "the other side hung up", local=False)
    bench.in_dialog("BYE", ack, cseq=2)
    assert bench.statuses() == [481]
    assert bench.events() == []


def test_a_bye_may_say_why(bench: Bench) -> None:
    bench.in_dialog("BYE", bench.established(), Reason='Q.850;cause=16;text="Normal call clearing"')
    assert bench.event(CallEnded).cause.text == "the other side hung up (Normal call clearing)"


def test_byes_that_cross_are_both_answered(bench: Bench) -> None:
    ack = bench.established()
    bench.agent.hang_up(CALL, bench.now)
    bye = bench.sent_request("BYE")
    bench.in_dialog("BYE", ack)
    bench.in_dialog("INVITE", ack, cseq=3, body=OFFER)
    assert bench.statuses() == [200, 481]
    bench.reply(bye, 481)
    assert [type(event) for event in bench.events()] == [CallEnded]


def test_a_bye_that_nobody_answers_ends_all_the_same(bench: Bench) -> None:
    bench.established()
    bench.agent.hang_up(CALL, bench.now)
    bench.advance(40)
    assert bench.agent.is_idle


def test_a_bye_before_the_answer_ends_the_call_and_cancels(bench: Bench) -> None:
    invite = bench.call()
    early = bench.reply(invite, 180)
    bench.events()
    bench.request("BYE", to=str(early.from_), from_=str(early.to), call_id=early.call_id)
    sent = bench.sent()
    assert [str(one) for one in sent] == ["<Response 200 OK>", "<Request CANCEL sip:192.0.2.2>"]
    assert bench.event(CallEnded).cause.text == "the other side hung up"
    bench.request("BYE", to=str(early.from_), from_=str(early.to), call_id=early.call_id, cseq=2)
    bench.request("INVITE", to=str(early.from_), from_=str(early.to), call_id=early.call_id, cseq=3, body=OFFER)
    assert bench.statuses() == [200, 491]


# 2xx again and from elsewhere.


def test_a_repeated_answer_is_acknowledged_again(bench: Bench) -> None:
    invite = bench.call()
    for _ in range(3):
        bench.reply(invite, 200, body=ANSWER)
    acks = bench.sent()
    assert [str(ack) for ack in acks] == ["<Request ACK sip:bob@192.0.2.2:5060>"] * 3
    assert {ack.cseq.number for ack in acks} == {1}
    bench.event(CallEstablished)


def test_a_repeated_answer_is_acknowledged_after_the_end(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 200, body=ANSWER)
    bench.agent.hang_up(CALL, bench.now)
    bench.reply(bench.sent()[-1], 200)  # type: ignore[arg-type]
    bench.reply(invite, 200, body=ANSWER)
    assert bench.methods() == ["ACK"]


def test_an_answer_without_session_description_ends_the_call(bench: Bench) -> None:
    bench.reply(bench.call(), 200)
    assert bench.methods() == ["ACK", "BYE"]
    assert bench.event(CallEnded).cause == EndCause(
        488, "the other side answered without saying how to talk", local=False
    )


# Without an offer of ours.


def test_a_delayed_offer_is_answered_in_the_ack(bench: Bench) -> None:
    invite = bench.call(offer=b"")
    assert (invite.body, invite.content_type) == (b"", None)
    bench.reply(invite, 200, body=OFFER)
    bench.reply(invite, 200, body=OFFER)
    assert bench.events() == [OfferReceived(CALL, OFFER)]
    assert bench.sent() == []
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    ack = bench.sent_request("ACK")
    assert (ack.body, ack.content_type) == (ANSWER, "application/sdp")
    assert bench.event(CallEstablished).sdp == b""


def test_a_delayed_offer_that_is_refused_ends_the_call(bench: Bench) -> None:
    bench.reply(bench.call(offer=b""), 200, body=OFFER)
    bench.agent.refuse_offer(CALL, 488, bench.now)
    assert bench.methods() == ["ACK", "BYE"]
    assert bench.event(CallEnded).cause == EndCause(488, "no common codec", local=True)


def test_hanging_up_instead_of_answering_the_offer(bench: Bench) -> None:
    ours = bench.call(offer=b"")
    bench.reply(ours, 200, body=OFFER)
    bench.events()
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == ["ACK", "BYE"]
    assert bench.event(CallEnded).cause.text == "hung up here"


# What the owner may not ask.


def test_requests_out_of_place_are_the_owners_fault(bench: Bench) -> None:
    bench.call()
    for ask in (bench.agent.ring, lambda call, now: bench.agent.accept_offer(call, ANSWER, now)):
        with pytest.raises(SipStateError, match="out of place while calling"):
            ask(CALL, bench.now)
    with pytest.raises(SipStateError, match="exists already"):
        bench.agent.invite(CALL, "192.0.2.2", OFFER, None, bench.now)


@pytest.mark.parametrize(
    ("target", "account", "text"),
    [("1002", None, "no account to call through"), ("192.0.2.2", "gone", "no account 'gone'")],
)
def test_what_cannot_be_called_ends_at_once(bench: Bench, target: str, account: str, text: str) -> None:
    bench.agent.invite(CALL, target, OFFER, account, bench.now)  # type: ignore[arg-type]
    cause = bench.event(CallEnded).cause
    assert text in cause.text
    assert cause.local


def test_no_more_calls_than_the_settings_allow() -> None:
    bench = Bench(UserAgentSettings(max_calls=1))
    bench.call()
    bench.agent.invite(CallId("second"), "192.0.2.2", OFFER, None, bench.now)
    assert bench.event(CallEnded).cause.text == "1 calls are going on already; end one"


def test_a_call_in_a_dialog_that_is_not_answered_yet_is_glare(bench: Bench) -> None:
    early = bench.reply(bench.call(), 180)
    bench.request("INVITE", to=str(early.from_), from_=str(early.to), call_id=early.call_id, body=OFFER)
    assert bench.statuses() == [491]


def test_requests_of_foreign_dialogs_do_not_match(bench: Bench) -> None:
    ack = bench.established()
    for call_id, to, from_ in (
        ("other", ack.from_, ack.to),
        (ack.call_id, ack.from_.with_tag("x"), ack.to),
        (ack.call_id, ack.from_, ack.to.with_tag("x")),
    ):
        bench.request("BYE", call_id=call_id, to=str(to), from_=str(from_))
        assert bench.statuses() == [481]
    assert bench.events() == []


# Why (RFC 3326).


def test_a_cancel_says_that_the_caller_hung_up(bench: Bench) -> None:
    bench.reply(bench.call(), 180)
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("CANCEL").headers.get("Reason") == 'Q.850;cause=16;text="Normal call clearing"'


def test_a_cancel_says_that_nobody_answered_also_when_it_had_to_wait(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 100, tag="")
    bench.advance(180)
    assert bench.sent_request("CANCEL").headers.get("Reason") == 'SIP;cause=408;text="no answer"'


def test_a_cancel_that_waits_for_a_provisional_response_keeps_its_reason(bench: Bench) -> None:
    invite = bench.call()
    bench.agent.hang_up(CALL, bench.now)
    assert "CANCEL" not in bench.methods()
    bench.reply(invite, 180)
    assert "Q.850;cause=16" in (bench.sent_request("CANCEL").headers.get("Reason") or "")


def test_a_bye_says_why(bench: Bench) -> None:
    bench.established()
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").headers.get("Reason") == 'Q.850;cause=16;text="Normal call clearing"'
