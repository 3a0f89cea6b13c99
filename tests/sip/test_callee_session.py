"""Calls that come in, as the peer and the owner see them."""

import pytest

from device.model import CallId
from device.sip.call_facts import CallFacts
from device.sip.errors import SipStateError
from device.sip.events import CallEnded, CallEstablished, EndCause, IncomingCall, OfferReceived
from device.sip.message import Response
from tests.support.sip_bench import ANSWER, OFFER, Bench

IN = CallId("in-1")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def accepted(bench: Bench, offer: bytes = OFFER) -> Response:
    """A call that we answered and whose ACK has not come; gives the 200."""
    bench.called(offer)
    bench.agent.answer(IN, ANSWER, bench.now)
    bench.events()
    return bench.sent_response()


def test_an_answered_call(bench: Bench) -> None:
    record = "<sip:p2.example.org;lr>, <sip:p1.example.org;lr>"
    bench.request(
        "INVITE",
        from_='"Bob B." <sip:bob@192.0.2.2>;tag=peer',
        body=OFFER,
        Record_Route=record,
        Call_Info="<sip:x>;answer-after=0",
    )
    assert bench.event(IncomingCall) == IncomingCall(
        IN,
        None,
        "sip:bob@192.0.2.2",
        "Bob B.",
        "sip:offhook@192.0.2.1",
        OFFER,
        "udp:192.0.2.2:5060",
        0.0,
        CallFacts("sip:bob@192.0.2.2", "Bob B.", call_info=("info sip:x",)),
        "sip:offhook@192.0.2.1:5060",
    )
    bench.agent.ring(IN, bench.now)
    ringing = bench.sent_response()
    bench.agent.answer(IN, ANSWER, bench.now)
    answer = bench.sent_response()
    for response in (ringing, answer):
        assert [str(route.uri) for route in response.record_routes] == [
            "sip:p2.example.org;lr",
            "sip:p1.example.org;lr",
        ]
        assert str(response.contacts[0].uri) == "sip:offhook@192.0.2.1:5060"
    assert ringing.to.tag == answer.to.tag
    assert (ringing.status, ringing.body) == (180, b"")
    assert (answer.status, answer.body, answer.content_type) == (200, ANSWER, "application/sdp")
    assert bench.events() == []
    bench.in_dialog("ACK", answer, cseq=1)
    assert bench.events() == [CallEstablished(IN, b"", "sip:bob@192.0.2.2", "Bob B.")]
    bench.agent.hang_up(IN, bench.now)
    bye = bench.sent_request("BYE")
    assert (bye.from_.tag, bye.to.tag) == (answer.to.tag, "peer")
    assert [str(route.uri.host) for route in bye.routes] == ["p2.example.org", "p1.example.org"]
    assert bench.event(CallEnded).cause == EndCause(0, "hung up here", local=True)


def test_no_ack_at_all_ends_the_call_with_bye(bench: Bench) -> None:
    accepted(bench)
    bench.advance(32)
    assert bench.methods() == ["BYE"]
    assert bench.event(CallEnded).cause == EndCause(408, "the caller did not confirm our answer", local=False)
    bench.advance(40)
    assert bench.agent.is_idle


def test_an_ack_of_another_invite_confirms_nothing(bench: Bench) -> None:
    bench.in_dialog("ACK", accepted(bench), cseq=7)
    assert bench.events() == []


def test_a_repeated_invite_gets_its_last_answer_again(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-same")
    bench.agent.ring(IN, bench.now)
    bench.sent()
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-same")
    assert bench.statuses() == [180]
    assert len(bench.events()) == 1


def test_ringing_is_repeated_every_minute(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(IN, bench.now)
    bench.sent()
    bench.advance(59)
    assert bench.statuses() == []
    bench.advance(1)
    assert bench.statuses() == [180]


# Refusals.


@pytest.mark.parametrize("status", [486, 603, 480, 488])
def test_the_owner_refuses(bench: Bench, status: int) -> None:
    bench.called()
    bench.events()
    bench.agent.reject(IN, status, bench.now)
    assert bench.statuses() == [status]
    cause = bench.event(CallEnded).cause
    assert (cause.status, cause.local) == (status, True)
    assert cause.text.startswith("refused here: ")


def test_hanging_up_while_it_rings_declines(bench: Bench) -> None:
    bench.called()
    bench.agent.hang_up(IN, bench.now)
    assert bench.statuses() == [603]
    assert bench.event(CallEnded).cause.text == "refused here: declined"


def test_nobody_answers(bench: Bench) -> None:
    bench.called()
    bench.advance(120)
    assert bench.statuses()[-1] >= 100
    assert bench.event(CallEnded).cause == EndCause(480, "nobody answered here", local=True)
    bench.advance(40)
    assert bench.agent.is_idle


def test_an_invite_that_expires(bench: Bench) -> None:
    bench.called(Expires="30")
    bench.advance(29.9)
    assert 487 not in bench.statuses()
    bench.advance(0.1)
    assert bench.statuses() == [487]
    assert bench.event(CallEnded).cause.text == "the caller waits no longer"


# CANCEL.


def test_a_cancel_ends_the_ringing(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-1")
    bench.agent.ring(IN, bench.now)
    tag = bench.sent_response().to.tag
    bench.events()
    bench.request("CANCEL", branch="z9hG4bK-1")
    responses = bench.sent()
    assert [(one.status, one.cseq.method) for one in responses if isinstance(one, Response)] == [
        (200, "CANCEL"),
        (487, "INVITE"),
    ]
    assert {one.to.tag for one in responses} == {tag}
    assert bench.event(CallEnded).cause == EndCause(487, "cancelled by the caller", local=False)


def test_a_cancel_because_another_phone_answered(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-1")
    bench.events()
    bench.request("CANCEL", branch="z9hG4bK-1", Reason='SIP;cause=200;text="Call completed elsewhere"')
    assert bench.event(CallEnded).cause == EndCause(200, "answered elsewhere", local=False)


def test_a_cancel_that_comes_too_late_changes_nothing(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-1")
    bench.agent.answer(IN, ANSWER, bench.now)
    bench.events()
    answer = bench.sent_response()
    bench.request("CANCEL", branch="z9hG4bK-1")
    cancelled = bench.sent_response()
    assert (cancelled.status, cancelled.cseq.method, cancelled.to.tag) == (200, "CANCEL", answer.to.tag)
    bench.in_dialog("ACK", answer, cseq=1)
    assert [type(event) for event in bench.events()] == [CallEstablished]


def test_a_cancel_after_a_refusal_and_one_for_nothing(bench: Bench) -> None:
    bench.request("INVITE", body=OFFER, branch="z9hG4bK-1")
    bench.agent.reject(IN, 486, bench.now)
    bench.sent()
    bench.request("CANCEL", branch="z9hG4bK-1")
    assert bench.statuses() == [200]
    bench.request("CANCEL", branch="z9hG4bK-2")
    assert bench.statuses() == [481]


# BYE at odd times.


def test_a_bye_before_our_answer(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(IN, bench.now)
    bench.events()
    bench.in_dialog("BYE", bench.sent_response())
    assert bench.statuses() == [200, 487]
    assert bench.event(CallEnded).cause.text == "cancelled by the caller"


def test_a_bye_that_overtakes_the_ack(bench: Bench) -> None:
    answer = accepted(bench)
    bench.in_dialog("BYE", answer)
    assert bench.statuses() == [200]
    assert bench.event(CallEnded).cause.text == "the other side hung up"
    bench.in_dialog("ACK", answer, cseq=1)
    bench.advance(100)
    assert bench.sent() == []
    assert bench.agent.is_idle


def test_hanging_up_before_the_ack_waits_for_it(bench: Bench) -> None:
    answer = accepted(bench)
    bench.agent.hang_up(IN, bench.now)
    assert bench.event(CallEnded).cause.text == "hung up here"
    bench.advance(2)
    assert bench.methods() == []
    bench.in_dialog("INVITE", answer, body=OFFER)
    assert bench.statuses() == [481]
    bench.in_dialog("ACK", answer, cseq=1)
    assert bench.methods() == ["BYE"]
    assert bench.events() == []


def test_hanging_up_before_an_ack_that_never_comes(bench: Bench) -> None:
    accepted(bench)
    bench.agent.hang_up(IN, bench.now)
    bench.advance(31)
    assert "BYE" not in bench.methods()
    bench.advance(1)
    assert bench.methods() == ["BYE"]


def test_both_hang_up_before_the_ack(bench: Bench) -> None:
    answer = accepted(bench)
    bench.agent.hang_up(IN, bench.now)
    bench.in_dialog("BYE", answer)
    assert bench.statuses() == [200]
    assert [type(event) for event in bench.events()] == [CallEnded]


# Delayed offer.


def test_a_delayed_offer_is_answered_in_the_ack(bench: Bench) -> None:
    bench.request("INVITE")
    assert bench.event(IncomingCall).offer == b""
    bench.agent.answer(IN, OFFER, bench.now)
    answer = bench.sent_response()
    assert answer.body == OFFER
    bench.in_dialog("ACK", answer, cseq=1, body=ANSWER)
    assert bench.event(CallEstablished).sdp == ANSWER


def test_an_ack_without_the_answer_ends_the_call(bench: Bench) -> None:
    answer = accepted(bench, offer=b"")
    bench.in_dialog("ACK", answer, cseq=1)
    assert bench.methods() == ["BYE"]
    assert bench.event(CallEnded).cause == EndCause(488, "the caller did not answer our offer", local=False)


def test_hanging_up_before_an_ack_without_answer(bench: Bench) -> None:
    answer = accepted(bench, offer=b"")
    bench.agent.hang_up(IN, bench.now)
    bench.in_dialog("ACK", answer, cseq=1)
    assert bench.methods() == ["BYE"]


# INVITEs before the call is established.


def test_a_second_invite_before_our_answer_is_to_be_tried_again(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(IN, bench.now)
    bench.in_dialog("INVITE", bench.sent_response(), body=OFFER)
    refusal = bench.sent_response()
    assert refusal.status == 500
    assert 0 <= int(refusal.headers.get("Retry-After") or "-1") <= 10


def test_a_re_invite_before_the_ack_proves_that_our_answer_arrived(bench: Bench) -> None:
    bench.in_dialog("INVITE", accepted(bench), body=OFFER)
    assert [type(event) for event in bench.events()] == [CallEstablished, OfferReceived]
    bench.sent()
    bench.advance(20)
    assert 200 not in bench.statuses()


def test_a_re_invite_before_the_ack_that_owes_us_an_answer_is_glare(bench: Bench) -> None:
    bench.in_dialog("INVITE", accepted(bench, offer=b""), body=OFFER)
    assert bench.statuses() == [491]
    assert bench.events() == []


def test_a_change_wished_before_the_ack_follows_it(bench: Bench) -> None:
    answer = accepted(bench)
    bench.agent.reoffer(IN, OFFER, bench.now)
    assert bench.methods() == []
    bench.in_dialog("ACK", answer, cseq=1)
    assert bench.methods() == ["INVITE"]


def test_requests_out_of_place_are_the_owners_fault(bench: Bench) -> None:
    accepted(bench)
    for ask in (bench.agent.ring, lambda call, now: bench.agent.answer(call, ANSWER, now)):
        with pytest.raises(SipStateError, match=r"call in-1: .* is out of place while accepted"):
            ask(IN, bench.now)


@pytest.mark.parametrize(("status", "warning"), [(488, '305 offhook "Incompatible media format"'), (486, None)])
def test_a_refusal_for_want_of_a_codec_says_so(bench: Bench, status: int, warning: str | None) -> None:
    bench.agent.reject(bench.called(), status, bench.now)
    assert bench.sent_response().headers.get("Warning") == warning


def test_a_name_that_is_not_utf8_is_read_as_old_exchanges_mean_it(bench: Bench) -> None:
    bench.called(From='"M\udcfcller" <sip:bob@192.0.2.2>;tag=peer')
    assert bench.event(IncomingCall).caller_name == "Müller"
