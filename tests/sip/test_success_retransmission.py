"""A 2xx is repeated until its ACK comes."""

import pytest

from device.model import CallId
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


def test_the_answer_is_repeated_until_the_ack(bench: Bench) -> None:
    answer = accepted(bench)
    counts = []
    for until in (0.49, 0.51, 1.49, 1.51, 3.49, 3.51, 7.49, 7.51):
        bench.advance(until - bench.now)
        counts.append(len(bench.statuses()))
    assert counts == [0, 1, 0, 1, 0, 1, 0, 1]
    bench.in_dialog("ACK", answer, cseq=1)
    bench.advance(10)
    assert bench.sent() == []
    bench.in_dialog("ACK", answer, cseq=1)
    assert len(bench.events()) == 1


def test_the_interval_between_answers_is_no_longer_than_t2(bench: Bench) -> None:
    accepted(bench)
    bench.advance(31.9)
    assert bench.statuses() == [200] * 10
