"""The INVITE that begins a call: forks, redirections, early media."""

import pytest

from device.sip.events import (
    CallEnded,
    CallEstablished,
    CallRinging,
    EndCause,
)
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench

OTHER = b"v=0 the answer of another branch\r\n"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_early_media_is_carried_up_and_counts_as_answer_of_a_bare_200(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 183, body=ANSWER)
    assert bench.event(CallRinging).sdp == ANSWER
    bench.reply(invite, 200)
    assert bench.event(CallEstablished).sdp == ANSWER


def test_a_failed_branch_of_a_fork_is_not_ringing(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 183, body=ANSWER, tag="one")
    bench.reply(invite, 199, tag="one")
    bench.reply(invite, 199, tag="one")
    assert [(event.status, event.sdp) for event in bench.events()] == [(183, ANSWER), (199, b"")]  # type: ignore[attr-defined]


def test_after_a_failed_branch_another_one_is_heard(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 183, body=ANSWER, tag="one")
    bench.reply(invite, 183, body=OTHER, tag="two")
    bench.reply(invite, 180, body=ANSWER, tag="one")
    bench.reply(invite, 199, tag="two")
    heard = [(event.status, event.sdp) for event in bench.events()]  # type: ignore[attr-defined]
    assert heard == [(183, ANSWER), (183, OTHER), (180, b""), (199, ANSWER)]
    bench.reply(invite, 199, tag="three")
    assert bench.events() == []


def test_the_first_branch_that_answers_wins_and_others_are_hung_up(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 180, tag="one")
    bench.reply(invite, 180, tag="two")
    bench.reply(invite, 200, tag="two", body=ANSWER)
    assert bench.methods() == ["ACK"]
    for _ in range(2):
        bench.reply(invite, 200, tag="one", body=ANSWER, Contact="<sip:one@192.0.2.8>")
    ack, bye, again = bench.sent()
    assert [ack.to.tag, bye.to.tag, again.to.tag] == ["one", "one", "one"]
    assert [str(one) for one in (ack, bye, again)] == [
        "<Request ACK sip:one@192.0.2.8>",
        "<Request BYE sip:one@192.0.2.8>",
        "<Request ACK sip:one@192.0.2.8>",
    ]
    assert bye.cseq.number == 2
    assert [type(event) for event in bench.events()] == [CallRinging, CallRinging, CallEstablished]


def test_the_end_of_a_branch_that_lost_is_not_the_end_of_the_call(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 180, tag="one")
    bench.reply(invite, 200, tag="two", body=ANSWER)
    bench.sent()
    bench.request("BYE", to=str(invite.from_), from_="<sip:192.0.2.2>;tag=one", call_id=invite.call_id, cseq=7)
    assert bench.statuses() == [481]
    assert not any(isinstance(event, CallEnded) for event in bench.events())


def test_an_answer_after_the_call_failed_is_hung_up(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 486, tag="one")
    bench.events()
    bench.sent()
    bench.reply(invite, 200, tag="two", body=ANSWER)
    assert bench.methods() == ["ACK", "BYE"]
    assert bench.events() == []


def test_an_early_description_is_no_offer_of_a_call_without_one(bench: Bench) -> None:
    invite = bench.call(offer=b"")
    bench.reply(invite, 183, body=OFFER)
    bench.reply(invite, 200)
    assert bench.event(CallEnded).cause.status == 488


def test_a_redirection_is_followed_in_the_order_of_preference(bench: Bench) -> None:
    first = bench.call()
    bench.reply(first, 302, Contact="<sip:low@192.0.2.2>;q=0.1, <sip:high@192.0.2.2>;q=0.9, <tel:+44>, <sip:192.0.2.2>")
    second = bench.sent()[-1]
    assert str(second) == "<Request INVITE sip:high@192.0.2.2>"
    assert (second.call_id, second.from_.tag, second.to.tag) == (first.call_id, first.from_.tag, None)
    assert second.cseq.number == 2
    assert second.body == OFFER
    bench.reply(second, 404)  # type: ignore[arg-type]
    third = bench.sent()[-1]
    assert str(third) == "<Request INVITE sip:low@192.0.2.2>"
    bench.reply(third, 200, body=ANSWER)  # type: ignore[arg-type]
    assert [type(event) for event in bench.events()] == [CallEstablished]


def test_a_redirection_of_a_redirection_is_not_followed(bench: Bench) -> None:
    bench.reply(bench.call(), 302, Contact="<sip:a@192.0.2.2>")
    bench.reply(bench.sent()[-1], 302, Contact="<sip:b@192.0.2.2>")  # type: ignore[arg-type]
    assert bench.methods() == ["ACK"]
    assert bench.event(CallEnded).cause == EndCause(302, "the number has moved for now", local=False)


def test_a_redirection_to_where_we_were_ends_the_call(bench: Bench) -> None:
    bench.reply(bench.call(), 301, Contact="<sip:192.0.2.2>")
    assert bench.event(CallEnded).cause.status == 301


def test_a_refusal_for_everywhere_stops_the_search(bench: Bench) -> None:
    bench.reply(bench.call(), 300, Contact="<sip:a@192.0.2.2>, <sip:b@192.0.2.2>")
    bench.reply(bench.sent()[-1], 603)  # type: ignore[arg-type]
    assert bench.event(CallEnded).cause.status == 603


def test_a_cancelled_call_follows_no_redirection(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 180)
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    bench.reply(invite, 302, Contact="<sip:a@192.0.2.2>")
    assert bench.methods() == ["ACK"]


def test_the_next_address_is_tried_when_one_is_silent(bench: Bench) -> None:
    bench.reply(bench.call(), 302, Contact="<sip:a@192.0.2.7>, <sip:b@192.0.2.2>")
    bench.sent()
    bench.advance(32)
    assert str(bench.sent()[-1]) == "<Request INVITE sip:b@192.0.2.2>"


def test_an_answer_from_before_the_redirection_wins_all_the_same(bench: Bench) -> None:
    first = bench.call()
    bench.reply(first, 302, Contact="<sip:a@192.0.2.2>")
    second = bench.sent()[-1]
    bench.reply(second, 180)  # type: ignore[arg-type]
    bench.reply(first, 200, body=ANSWER, tag="first")
    cancel, ack = bench.sent()
    assert (cancel.cseq.number, cancel.cseq.method) == (2, "CANCEL")
    assert (ack.cseq.number, ack.cseq.method) == (1, "ACK")
    bench.reply(second, 487)  # type: ignore[arg-type]
    assert [type(event) for event in bench.events()] == [CallRinging, CallEstablished]
    bench.agent.hang_up(CALL, bench.now)
    assert bench.sent_request("BYE").cseq.number == 3


def test_an_answer_with_another_via_leaves_no_invite_ringing(bench: Bench) -> None:
    """What goes on ringing is cancelled, or its transaction would stay for good."""
    invite = bench.call()
    bench.reply(invite, 180)
    answer = invite.response(200, to_tag="peer")
    answer.headers.set("Via", "SIP/2.0/UDP 192.0.2.1:5060;rport")
    answer.headers.add("Contact", "<sip:bob@192.0.2.2:5060>")
    answer.headers.add("Content-Type", "application/sdp")
    answer.body = ANSWER
    bench.receive(answer)
    bench.event(CallEstablished)
    assert bench.methods() == ["CANCEL", "ACK"]
    bench.agent.hang_up(CALL, bench.now)
    bench.advance(200.0)
    assert len(bench.endpoint.layer) == 0


def test_an_invite_says_what_it_understands(bench: Bench) -> None:
    assert {"100rel", "timer", "199"} <= set(bench.call().tokens("Supported"))


def test_a_reliable_199_is_acknowledged(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 183, Require="100rel", RSeq="4", tag="one")
    bench.reply(invite, 199, Require="100rel", RSeq="5", tag="one")
    acknowledged = [one.headers.get("RAck") for one in bench.sent()]
    assert acknowledged == ["4 1 INVITE", "5 1 INVITE"]
