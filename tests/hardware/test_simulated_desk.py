"""A person at the simulated desk."""

import pytest

from device.desk_events import ButtonPressed, DialStarted, DigitDialled, HookLifted, HookReplaced
from device.hardware.errors import UnknownDeviceError
from device.hardware.profile import BoardProfile
from device.hardware.simulated_desk import SimulatedDesk, resting_levels
from tests.support.desk_bench import DeskBench, make_profile


@pytest.fixture
def bench():
    bench = DeskBench(BoardProfile.load("simulated"))
    yield bench
    bench.board.close()


def test_whole_call_at_the_desk(bench):
    bench.desk.lift(1.0)
    bench.desk.dial("12#", 1.0)
    bench.desk.press_button("door", 1.0)
    over_at = bench.desk.replace(1.0)
    events = bench.run(over_at + 2)
    assert [type(event) for event in events] == [HookLifted, *[DigitDialled] * 3, ButtonPressed, HookReplaced]
    assert [event.digit for event in events if isinstance(event, DigitDialled)] == ["1", "2", "#"]


def test_actions_wait_for_each_other(bench):
    first = bench.desk.press_key("1", 1.0)
    second = bench.desk.press_key("1", 1.0)
    assert second > first
    assert len(bench.run(3.0)) == 2


def test_every_movement_bounces(bench):
    bench.desk.lift(1.0)
    levels = []
    while (deadline := bench.desk.next_timeout()) is not None:
        bench.now = deadline
        bench.desk.handle_timeout(deadline)
        levels.append(bench.chip.level("hook"))
    assert levels == [False, True, False, True, False, True, False]


def test_desk_without_bounce(bench):
    desk = SimulatedDesk(bench.board.profile, bench.chip, bounce=False)
    assert desk.lift(1.0) == 1.0
    desk.handle_timeout(1.0)
    assert desk.next_timeout() is None


def test_movements_are_dated_with_their_own_time_when_the_loop_is_late(bench):
    bench.desk.lift(1.0)
    bench.now = 30.0
    bench.desk.handle_timeout(30.0)
    assert bench.board.handle_timeout(30.0) == [HookLifted(pytest.approx(1.0231))]


def test_number_is_dialled_on_the_rotary_dial_where_there_are_no_keys():
    bench = DeskBench(make_profile(dial={"pulse": {"line": 23}, "plan": "sweden"}))
    over_at = bench.desk.dial("07", 1.0)
    events = bench.run(over_at + 1)
    assert [event.digit for event in events if isinstance(event, DigitDialled)] == ["0", "7"]
    assert sum(isinstance(event, DialStarted) for event in events) == 2
    bench.board.close()


def test_handset_that_is_off_at_power_up():
    bench = DeskBench(make_profile(hook={"line": 17}), lifted=True)
    assert bench.first_events == [HookLifted(0.0)]
    bench.board.close()


def test_resting_levels_name_each_contact():
    levels = resting_levels(BoardProfile.load("simulated"))
    assert levels == {"button.door": True, "hook": True, "dial.pulse": False, "dial.off_normal": True}
    assert resting_levels(make_profile()) == {}


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda desk: desk.lift(1.0), "no hook switch"),
        (lambda desk: desk.flash(1.0), "no hook switch"),
        (lambda desk: desk.press_key("1", 1.0), "no keypad"),
        (lambda desk: desk.dial("1", 1.0), "no rotary dial"),
        (lambda desk: desk.press_button("front", 1.0), "it has: none"),
    ],
)
def test_device_that_the_board_lacks(act, said):
    bench = DeskBench(make_profile())
    with pytest.raises(UnknownDeviceError, match=said):
        act(bench.desk)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda desk: desk.press_key("D", 1.0), "no key 'D'"),
        (lambda desk: desk.press_key("", 1.0), "no key ''"),
        (lambda desk: desk.dial_rotary("#", 1.0), "not on a rotary dial"),
        (lambda desk: desk.press_button("front", 1.0), "it has: door"),
    ],
)
def test_key_that_the_board_lacks(bench, act, said):
    with pytest.raises(UnknownDeviceError, match=said):
        act(bench.desk)
    assert bench.desk.next_timeout() is None
