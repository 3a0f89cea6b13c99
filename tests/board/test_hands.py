"""What contacts do, as arithmetic."""

from random import Random

import pytest

from tests.board.hands import bounce, burst, in_order, later, press_keys, spike, turn_dial


def test_a_bounce_ends_where_the_contact_goes() -> None:
    actions = bounce(17, False, 1.0, Random(1), swings=3)
    assert [state for _, _, state in actions] == [False, True, False, True, False, True, False]
    assert actions == in_order(actions)
    assert actions[-1][0] - actions[0][0] < 3 * 2 * 0.0012


@pytest.mark.parametrize("per_s", [7.0, 10.0, 13.0])
def test_a_dial_opens_its_contact_once_a_pulse(per_s) -> None:
    actions = turn_dial(23, 24, [3, 1], per_s=per_s)
    opened = [at for at, line, state in actions if line == 23 and state]
    closed = [at for at, line, state in actions if line == 23 and not state]
    assert len(opened) == len(closed) == 4
    assert [round(c - o, 6) for o, c in zip(opened, closed, strict=True)] == [round(0.6 / per_s, 6)] * 4
    assert opened[1] - opened[0] == pytest.approx(1 / per_s)
    turned = [(at, state) for at, line, state in actions if line == 24]
    assert [state for _, state in turned] == [False, True, False, True]
    assert turned[0][0] < opened[0]
    assert closed[2] < turned[1][0] < turned[2][0] < opened[3]


def test_a_dial_without_off_normal_contact_moves_one_line() -> None:
    assert {line for _, line, _ in turn_dial(23, None, [2])} == {23}


def test_keys_are_released_before_the_next_is_pressed() -> None:
    actions = press_keys([(5, 16), (6, 16)], down_s=0.1, up_s=0.05)
    assert actions == [
        (0.0, (5, 16), True),
        (0.1, (5, 16), False),
        (pytest.approx(0.15), (6, 16), True),
        (pytest.approx(0.25), (6, 16), False),
    ]


def test_a_spike_and_a_burst_leave_the_lines_as_they_were() -> None:
    assert spike(4, True, 0.5, 0.00001) == [(0.5, 4, False), (0.50001, 4, True)]
    actions = burst([4, 17], True, 2.0, Random(3))
    assert actions == in_order(actions)
    assert min(at for at, _, _ in actions) > 2.0
    for line in (4, 17):
        states = [state for _, what, state in actions if what == line]
        assert len(states) >= 4
        assert states[-1] is True


def test_later_moves_all() -> None:
    assert later([(0.5, 4, True)], 1.0) == [(1.5, 4, True)]
