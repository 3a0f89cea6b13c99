"""PRACK for the reliable provisional responses to a call of ours (RFC 3262 sections 4 and 5)."""

import pytest

from device.sip.events import CallEnded, CallEstablished, CallRinging, EndCause, OfferReceived
from device.sip.message import Request
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench

OTHER = b"v=0 the answer of another branch\r\n"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ring(bench: Bench, invite: Request, rseq: int, status: int = 180, tag: str = "peer", body: bytes = b"") -> None:
    bench.reply(invite, status, tag=tag, body=body, Require="100rel", RSeq=str(rseq))


def test_a_reliable_response_is_acknowledged_in_its_dialog(bench: Bench) -> None:
    invite = bench.call()
    assert "100rel" in invite.tokens("Supported")
    bench.reply(
        invite, 180, Require="100rel", RSeq="7", Record_Route="<sip:p2.example.org;lr>, <sip:p1.example.org;lr>"
    )
    assert isinstance(bench.event(CallRinging), CallRinging)
    prack = bench.sent_request("PRACK")
    assert prack.headers.get("RAck") == "7 1 INVITE"
    assert (prack.cseq.number, prack.to.tag, str(prack.uri), prack.body) == (2, "peer", "sip:bob@192.0.2.2:5060", b"")
    assert [route.uri.host for route in prack.routes] == ["p1.example.org", "p2.example.org"]
    bench.reply(prack, 200)
    bench.reply(invite, 200, body=ANSWER)
    ack = bench.sent_request("ACK")
    assert ack.cseq.number == 1
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").cseq.number == 3


def test_a_copy_is_not_acknowledged_again(bench: Bench) -> None:
    invite = bench.call()
    ring(bench, invite, 7)
    ring(bench, invite, 7)
    assert bench.methods() == ["PRACK"]
    assert len(bench.events()) == 1


def test_one_that_overtook_another_waits_for_its_retransmission(bench: Bench) -> None:
    invite = bench.call()
    ring(bench, invite, 7)
    ring(bench, invite, 9, 183)
    ring(bench, invite, 8, 182)
    ring(bench, invite, 9, 183)
    pracks = [one.headers.get("RAck") for one in bench.sent() if isinstance(one, Request)]
    assert pracks == ["7 1 INVITE", "8 1 INVITE", "9 1 INVITE"]
    assert [event.status for event in bench.events()] == [180, 182, 183]  # type: ignore[attr-defined]


def test_each_branch_of_a_fork_is_counted_by_itself(bench: Bench) -> None:
    invite = bench.call()
    ring(bench, invite, 7, tag="one")
    ring(bench, invite, 100, tag="two")
    ring(bench, invite, 8, tag="one")
    pracks = [
        (one.to.tag, one.headers.get("RAck"), one.cseq.number) for one in bench.sent() if isinstance(one, Request)
    ]
    assert pracks == [("one", "7 1 INVITE", 2), ("two", "100 1 INVITE", 2), ("one", "8 1 INVITE", 3)]


@pytest.mark.parametrize(
    "headers",
    [{"RSeq": "7"}, {"Require": "100rel"}, {"Require": "100rel", "RSeq": "many"}, {"Require": "timer", "RSeq": "1"}],
)
def test_what_does_not_ask_for_prack_gets_none(bench: Bench, headers: dict[str, str]) -> None:
    bench.reply(bench.call(), 180, **headers)
    assert bench.methods() == []
    assert isinstance(bench.event(CallRinging), CallRinging)


def test_a_100_is_never_acknowledged(bench: Bench) -> None:
    ring(bench, bench.call(), 7, status=100)
    assert bench.methods() == []


def test_the_answer_in_a_reliable_response_is_the_answer(bench: Bench) -> None:
    invite = bench.call()
    ring(bench, invite, 1, 183, body=ANSWER)
    assert bench.event(CallRinging).sdp == ANSWER
    bench.reply(invite, 200)
    assert bench.event(CallEstablished).sdp == ANSWER


def test_a_gateway_that_changes_its_mind_is_believed(bench: Bench) -> None:
    invite = bench.call()
    ring(bench, invite, 1, 183, body=ANSWER)
    bench.events()
    bench.reply(invite, 200, body=OTHER)
    assert bench.event(CallEstablished).sdp == OTHER


def test_the_branch_that_answers_brings_its_own_session(bench: Bench) -> None:
    invite = bench.call()
    ring(bench, invite, 1, 183, tag="one", body=ANSWER)
    ring(bench, invite, 1, 183, tag="two", body=OTHER)
    bench.events()
    bench.reply(invite, 200, tag="one")
    assert bench.event(CallEstablished).sdp == ANSWER


# Their offer in a reliable response.


def offered(bench: Bench) -> Request:
    invite = bench.call(offer=b"")
    ring(bench, invite, 5, 183, body=OFFER)
    return invite


def test_their_offer_is_answered_in_prack(bench: Bench) -> None:
    invite = offered(bench)
    ringing, offer = bench.events()
    assert (ringing.sdp, offer) == (b"", OfferReceived(CALL, OFFER))  # type: ignore[attr-defined]
    assert bench.methods() == []
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    prack = bench.sent_request("PRACK")
    assert (prack.body, prack.content_type, prack.headers.get("RAck")) == (ANSWER, "application/sdp", "5 1 INVITE")
    ring(bench, invite, 5, 183, body=OFFER)
    assert bench.methods() == []
    bench.reply(prack, 200)
    bench.reply(invite, 200)
    ack = bench.sent_request("ACK")
    assert ack.body == b""
    assert bench.event(CallEstablished).sdp == b""


def test_an_offer_that_we_cannot_take_ends_the_call(bench: Bench) -> None:
    offered(bench)
    bench.events()
    bench.agent.refuse_offer(CALL, 488, bench.now)
    assert bench.methods() == ["CANCEL"]
    assert bench.event(CallEnded).cause == EndCause(488, "no common codec", local=True)


@pytest.mark.parametrize("status", [481, 500])
def test_an_answer_that_does_not_arrive_ends_the_call(bench: Bench, status: int) -> None:
    offered(bench)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.events()
    bench.reply(bench.sent_request("PRACK"), status)
    assert bench.methods() == ["CANCEL"]
    assert bench.event(CallEnded).cause.status == status


def test_silence_to_an_answer_ends_the_call(bench: Bench) -> None:
    offered(bench)
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    bench.advance(32)
    assert bench.event(CallEnded).cause.status == 408


def test_a_prack_without_answer_may_fail(bench: Bench) -> None:
    """The callee has answered meanwhile, or gives up by itself."""
    invite = bench.call()
    ring(bench, invite, 1)
    bench.reply(bench.sent_request("PRACK"), 481)
    bench.reply(invite, 200, body=ANSWER)
    assert [type(event) for event in bench.events()] == [CallRinging, CallEstablished]


def test_an_answer_before_ours_to_their_offer(bench: Bench) -> None:
    """No callee may send it; our answer then goes in the ACK."""
    invite = offered(bench)
    bench.events()
    bench.reply(invite, 200)
    assert bench.events() == []
    bench.agent.accept_offer(CALL, ANSWER, bench.now)
    assert bench.sent_request("ACK").body == ANSWER


def test_a_description_in_a_plain_response_is_no_offer(bench: Bench) -> None:
    invite = bench.call(offer=b"")
    bench.reply(invite, 183, body=OFFER)
    assert bench.event(CallRinging).sdp == b""
    bench.reply(invite, 200, body=OFFER)
    assert bench.event(OfferReceived) == OfferReceived(CALL, OFFER)


def test_two_branches_with_an_offer_each_are_answered_in_turn(bench: Bench) -> None:
    invite = bench.call(offer=b"")
    ring(bench, invite, 5, 183, tag="one", body=OFFER)
    ring(bench, invite, 6, 183, tag="two", body=OTHER)
    for body in (b"to one", b"to two"):
        bench.agent.accept_offer(CALL, body, bench.now)
    answers = [(one.to.tag, one.body) for one in bench.sent() if isinstance(one, Request)]
    assert answers == [("one", b"to one"), ("two", b"to two")]


def test_of_two_branches_with_an_offer_each_the_one_that_answers_is_heard(bench: Bench) -> None:
    invite = bench.call(offer=b"")
    ring(bench, invite, 5, 183, tag="one", body=OFFER)
    ring(bench, invite, 6, 183, tag="two", body=OTHER)
    for body in (b"to one", b"to two"):
        bench.agent.accept_offer(CALL, body, bench.now)
    bench.events()
    bench.sent()
    bench.reply(invite, 200, tag="one")
    offer, established = bench.events()
    assert (offer, type(established)) == (OfferReceived(CALL, OFFER), CallEstablished)
    bench.agent.accept_offer(CALL, b"again to one", bench.now)
    assert bench.methods() == ["ACK"]


# Re-INVITE.


def test_a_reliable_response_to_a_reinvite(bench: Bench) -> None:
    """It moves the other side at once (RFC 6141 section 4.3); the answer in it counts with the 2xx."""
    bench.established()
    bench.agent.reoffer(CALL, OFFER, bench.now)
    invite = bench.sent_request("INVITE")
    moved = "<sip:bob@192.0.2.2:5099>"
    for _ in range(2):
        bench.reply(invite, 183, body=OTHER, Require="100rel", RSeq="3", Contact=moved)
    prack = bench.sent_request("PRACK")
    assert (prack.headers.get("RAck"), prack.uri.port) == ("3 2 INVITE", 5099)
    assert bench.events() == []
    bench.reply(invite, 200, Contact=moved)
    assert [event.sdp for event in bench.events()] == [OTHER]  # type: ignore[attr-defined]


def test_a_reinvite_that_fails_after_it_leaves_the_session_but_not_the_address(bench: Bench) -> None:
    bench.established()
    bench.agent.reoffer(CALL, OFFER, bench.now)
    invite = bench.sent_request("INVITE")
    bench.reply(invite, 183, Require="100rel", RSeq="3", Contact="<sip:bob@192.0.2.2:5099>")
    bench.reply(invite, 488)
    bench.sent()
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").uri.port == 5099
