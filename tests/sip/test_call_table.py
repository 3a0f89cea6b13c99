"""Which call a message belongs to that comes when nobody waits for it any more."""

import pytest

from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_late_answer_after_all_timers_is_still_recognised(bench: Bench) -> None:
    invite = bench.call()
    bench.advance(33)
    bench.events()
    bench.sent()
    bench.reply(invite, 200, body=ANSWER)
    assert bench.methods() == ["ACK", "BYE"]
    bench.reply(invite, 200, body=ANSWER)
    assert bench.methods() == ["ACK"]


def test_an_answer_to_a_call_that_was_never_made_gets_nothing(bench: Bench) -> None:
    invite = bench.call()
    bench.advance(33)
    bench.sent()
    invite.headers.set("Call-ID", "somebody else's")
    bench.reply(invite, 200, body=ANSWER)
    assert bench.sent() == []


def test_a_late_answer_to_a_re_invite_is_acknowledged_again(bench: Bench) -> None:
    bench.established()
    bench.agent.reoffer(CALL, OFFER, bench.now)
    invite = bench.sent_request("INVITE")
    bench.reply(invite, 200, body=ANSWER)
    bench.advance(33)
    bench.sent()
    bench.reply(invite, 200, body=ANSWER)
    assert bench.sent_request("ACK").cseq.number == invite.cseq.number
