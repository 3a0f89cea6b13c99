"""The call flows of RFC 3665 between our own elements, with each single message lost, doubled and delayed in turn."""

import pytest

from tests.scenarios.flows.catalogue import FLOWS, LADDERS, Flow
from tests.scenarios.flows.network import Mishap

TALK_S = 3.0
LONG_TALK_S = 60.0
"""So long that what arrives TOO_LATE_S comes into the middle of the conversation."""

LATE_S = 0.7
"""Longer than T1: the message has been sent again meanwhile (Timers A, E, G)."""
TOO_LATE_S = 40.0
"""Longer than 64 T1: whoever waited for the message has given up (Timers B, F, H)."""

MISHAPS = {
    "lost": (),
    "doubled": (0.0, 0.0),
    "late": (LATE_S,),
    "too-late": (TOO_LATE_S,),
    "and-again-later": (0.0, LATE_S),
    "and-again-much-later": (0.0, TOO_LATE_S),
}

every_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)


@every_flow
def test_the_ladder_is_as_expected(flow: Flow) -> None:
    play = flow.play(None, TALK_S)
    assert play.network.ladder() == flow.ladder()
    assert play.outcome() == flow.outcomes[0]
    play.check_end()


@every_flow
@pytest.mark.parametrize("copies", MISHAPS.values(), ids=MISHAPS)
def test_one_mishap_changes_nothing_for_the_people(flow: Flow, copies: tuple[float, ...]) -> None:
    """Whatever befalls one message: the people have the same call, both sides agree, and nothing is left of it."""
    for talk_s in (TALK_S, LONG_TALK_S):
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
