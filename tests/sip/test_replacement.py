"""INVITE with Replaces: whose place it takes, and what is answered where it takes none."""

import pytest

from device.model import CallId
from device.sip.events import IncomingCall
from device.sip.settings import UserAgentSettings
from tests.support.sip_bench import ANSWER, CALL, OFFER, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def replace(bench: Bench, text: str, call_id: str = "replacing", **more: str) -> None:
    bench.request("INVITE", call_id=call_id, body=OFFER, Replaces=text, **more)


def test_an_established_call_is_replaced(bench: Bench) -> None:
    ack = bench.established()
    replace(bench, f"{ack.call_id};to-tag={ack.from_.tag};from-tag=peer", Require="replaces")
    event = bench.event(IncomingCall)
    assert event.facts is not None
    assert event.facts.replaces == CALL
    bench.agent.answer(event.call_id, ANSWER, bench.now)
    assert bench.statuses() == [200]
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == ["BYE"]


def test_a_call_that_we_answered_is_replaced(bench: Bench) -> None:
    ours = bench.answered()
    replace(bench, f"{ours.call_id};to-tag={ours.to.tag};from-tag=peer")
    facts = bench.event(IncomingCall).facts
    assert facts is not None
    assert facts.replaces == "in-1"


def test_a_call_of_ours_that_rings_is_picked_up(bench: Bench) -> None:
    invite = bench.call()
    bench.reply(invite, 180)
    bench.events()
    replace(bench, f"{invite.call_id};to-tag={invite.from_.tag};from-tag=peer;early-only")
    event = bench.event(IncomingCall)
    bench.agent.answer(event.call_id, ANSWER, bench.now)
    bench.agent.hang_up(CALL, bench.now)
    assert bench.methods() == ["CANCEL"]


def test_a_full_phone_still_lets_a_call_be_replaced() -> None:
    bench = Bench(UserAgentSettings(max_calls=1))
    ack = bench.established()
    replace(bench, f"{ack.call_id};to-tag={ack.from_.tag};from-tag=peer")
    bench.event(IncomingCall)


def test_a_call_that_rings_here_is_not_taken_away(bench: Bench) -> None:
    bench.called()
    bench.agent.ring(CallId("in-1"), bench.now)
    tag = bench.sent_response().to.tag
    replace(bench, f"peer-call;to-tag={tag};from-tag=peer")
    assert bench.statuses() == [481]


def test_only_an_early_call_was_meant(bench: Bench) -> None:
    ack = bench.established()
    replace(bench, f"{ack.call_id};to-tag={ack.from_.tag};from-tag=peer;early-only")
    assert bench.statuses() == [486]


def test_a_call_that_has_just_ended(bench: Bench) -> None:
    ack = bench.established()
    bench.agent.hang_up(CALL, bench.now)
    bench.sent()
    replace(bench, f"{ack.call_id};to-tag={ack.from_.tag};from-tag=peer")
    assert bench.statuses() == [603]


@pytest.mark.parametrize(
    "text", ["nothing;to-tag=1;from-tag=2", "{call};to-tag=x;from-tag=peer", "{call};to-tag={tag};from-tag=0"]
)
def test_calls_that_we_do_not_know(bench: Bench, text: str) -> None:
    ack = bench.established()
    replace(bench, text.format(call=ack.call_id, tag=ack.from_.tag))
    assert bench.statuses() == [481]


@pytest.mark.parametrize(
    ("text", "more"), [("call", {}), ("call;to-tag=1;from-tag=2", {"Join": "call;to-tag=1;from-tag=2"})]
)
def test_what_cannot_be_read(bench: Bench, text: str, more: dict[str, str]) -> None:
    replace(bench, text, **more)
    assert bench.statuses() == [400]
    assert bench.events() == []


def test_peers_without_tags(bench: Bench) -> None:
    bench.reply(bench.call(), 200, tag="", body=ANSWER)
    ack = bench.sent_request("ACK")
    bench.events()
    replace(bench, f"{ack.call_id};to-tag={ack.from_.tag};from-tag=0")
    bench.event(IncomingCall)
