"""The call flows of RFC 3665 between our own elements, with each single message lost, doubled and delayed in turn."""

import pytest

from tests.scenarios.flows.catalogue import FLOWS, LADDERS, Flow
from tests.scenarios.flows.network import DELAY_S, HangUp, Mishap
from tests.scenarios.flows.rfc3665 import direct

TALK_S = 3.0
LONG_TALK_S = 60.0
"""So long that what arrives TOO_LATE_S comes into the middle of the conversation."""

LATE_S = 0.7
"""Longer than T1: the message has been sent again meanwhile (Timers A, E, G)."""
TOO_LATE_S = 40.0
"""Longer than 64 T1: whoever waited for the message has given up (Timers B, F, H)."""

MISHAPS = {
    "lost": ((), (TALK_S,)),
    "doubled": ((0.0, 0.0), (TALK_S,)),
    "late": ((LATE_S,), (TALK_S,)),
    "too-late": ((TOO_LATE_S,), (TALK_S, LONG_TALK_S)),
    "and-again-later": ((0.0, LATE_S), (TALK_S,)),
    "and-again-much-later": ((0.0, TOO_LATE_S), (TALK_S, LONG_TALK_S)),
}
"""When the copies of the message arrive, and the talks that it makes a difference to."""

every_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)


@every_flow
def test_the_ladder_is_as_expected(flow: Flow) -> None:
    play = flow.play(None, TALK_S)
    assert play.network.ladder() == flow.ladder()
    assert play.outcome() == flow.outcomes[0]
    play.check_end()


@every_flow
@pytest.mark.parametrize(("copies", "talks"), MISHAPS.values(), ids=MISHAPS)
def test_one_mishap_changes_nothing_for_the_people(
    flow: Flow, copies: tuple[float, ...], talks: tuple[float, ...]
) -> None:
    """Whatever befalls one message: the people have the same call, both sides agree, and nothing is left of it."""
    for talk_s in talks:
        ladder = flow.play(None, talk_s).network.ladder()
        for index, rung in enumerate(ladder):
            play = flow.play(Mishap(index, copies), talk_s)
            assert play.outcome() in flow.outcomes, f"message {index}, {rung}, talk of {talk_s} s"
            try:
                play.check_end()
            except AssertionError as error:
                raise AssertionError(f"message {index}, {rung}, talk of {talk_s} s: {error}") from error


def test_every_ladder_belongs_to_a_flow() -> None:
    assert {path.stem for path in LADDERS.glob("*.txt")} == {flow.name for flow in FLOWS}


@every_flow
def test_whoever_hangs_up_at_whatever_moment_leaves_nothing_behind(flow: Flow) -> None:
    """While each message is on the wire: nobody goes on talking alone."""
    usual = flow.play(None, TALK_S)
    moments = sorted({carried.at + DELAY_S / 2 for carried in usual.network.wire})
    for person in usual.people:
        for moment in moments:
            try:
                flow.play(HangUp(person.name, moment), TALK_S).check_end()
            except AssertionError as error:
                raise AssertionError(f"{person.name} hangs up at {moment:.3f} s: {error}") from error


@pytest.mark.parametrize("vanished", ["alice", "bob"])
def test_a_call_whose_other_end_vanished_is_ended_by_its_session_timer(vanished: str) -> None:
    """The power is cut in the middle of the talk: no BYE comes, but no sign of life either (RFC 4028)."""
    play, alice, bob = direct(None, session_expires_s=90)
    alice.call("sip:bob@192.0.2.2")
    play.network.run(10.0)
    assert (alice.standing, bob.standing) == (1, 1)
    gone, left = (alice, bob) if vanished == "alice" else (bob, alice)
    play.network.cut(gone.station)
    play.network.run(101.0)
    assert left.standing == 0
