"""A thousand calls over a network that loses, doubles and reorders: both sides always come to agree."""

import pytest

from tests.support.sip_phones import TwoPeople

CALLS = 1000
BATCH = 100
LOSS = 0.3
DUPLICATION = 0.15
DELAY_S = (0.01, 0.6)

ACTIVE_S = 60.0
"""The people act in this time."""
SETTLED_S = 140.0
"""By then every ring has timed out and every transaction of a call that failed is over."""
GONE_S = 300.0
"""By then nothing is left after both hung up."""


def check_call(seed: int) -> tuple[int, int]:
    people = TwoPeople(seed, LOSS, DUPLICATION, DELAY_S)
    caller, callee = people.caller, people.callee
    caller.call("192.0.2.2", 0.0)
    people.run(ACTIVE_S)
    people.run(SETTLED_S, step=20.0)
    assert caller.is_connected == callee.is_connected, "one side talks, the other does not"
    connected = caller.is_connected
    caller.hang_up(people.link.now)
    callee.hang_up(people.link.now)
    people.run(GONE_S, step=40.0)
    assert caller.ended == 1
    assert callee.ended == (1 if callee.call_id is not None else 0)
    assert not caller.faults
    assert not callee.faults
    assert people.link.is_idle(), "a timer is still running"
    assert caller.agent.is_idle
    assert callee.agent.is_idle
    return connected, caller.established


@pytest.mark.parametrize("first", range(0, CALLS, BATCH))
def test_calls_end_in_agreement_and_leave_nothing_behind(first: int) -> None:
    connected = established = 0
    for seed in range(first, first + BATCH):
        try:
            result = check_call(seed)
        except AssertionError as error:
            raise AssertionError(f"call with seed {seed}: {error}") from error
        connected += result[0]
        established += result[1]
    assert 5 < connected < established < BATCH, "the dice must give calls of every kind"
