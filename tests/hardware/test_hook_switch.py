"""The hook switch: lift, replace, flash, bounce, by time stamps alone."""

import itertools

import pytest

from device.desk_events import HookFlashed, HookLifted, HookReplaced
from device.hardware.hook_switch import TABLE, HookInput, HookState, HookSwitch
from device.hardware.interfaces import LineChanged
from tests.support.desk_bench import DeskBench, make_profile


class Line:
    def __init__(self, active, lag_s=0.0):
        self.is_active = active
        self.lag_s = lag_s

    def active(self):
        return self.is_active


def make_hook(lifted, lag_s=0.0, **options):
    hook = HookSwitch(Line(lifted, lag_s), **options)
    hook.start(0.0)
    return hook


def change(active, at):
    return LineChanged("hook", active, at)


def test_state_at_power_up_is_reported():
    assert HookSwitch(Line(True)).start(0.5) == [HookLifted(0.5)]
    assert HookSwitch(Line(False)).start(0.5) == [HookReplaced(0.5)]


def test_lifted_is_reported_at_once_with_the_time_of_the_line():
    hook = make_hook(False)
    assert hook.receive_change(change(True, 1.25)) == [HookLifted(1.25)]
    assert hook.lifted


def test_without_flash_the_end_is_reported_at_once():
    hook = make_hook(True, flash=False)
    assert hook.receive_change(change(False, 1.0)) == [HookReplaced(1.0)]
    assert hook.next_timeout() is None
    assert not hook.lifted


@pytest.mark.parametrize("pressed_s", [0.0801, 0.25, 0.7999])
def test_cradle_pressed_within_the_window_is_a_flash(pressed_s):
    hook = make_hook(True)
    assert hook.receive_change(change(False, 1.0)) == []
    assert hook.receive_change(change(True, 1.0 + pressed_s)) == [HookFlashed(1.0 + pressed_s)]
    assert hook.next_timeout() is None
    assert hook.lifted


@pytest.mark.parametrize("pressed_s", [0.001, 0.02, 0.0799])
def test_cradle_pressed_for_less_than_a_flash_is_nothing(pressed_s):
    hook = make_hook(True)
    assert hook.receive_change(change(False, 1.0)) == []
    assert hook.receive_change(change(True, 1.0 + pressed_s)) == []
    assert hook.next_timeout() is None
    assert hook.lifted


def test_cradle_pressed_for_longer_than_a_flash_is_the_end():
    hook = make_hook(True)
    hook.receive_change(change(False, 1.0))
    assert hook.next_timeout() == pytest.approx(1.8)
    assert hook.handle_timeout(1.79) == []
    assert hook.handle_timeout(1.81) == [HookReplaced(pytest.approx(1.8))]
    assert hook.receive_change(change(True, 3.0)) == [HookLifted(3.0)]


def test_late_loop_judges_by_the_time_stamps():
    flash = make_hook(True)
    flash.receive_change(change(False, 1.0))
    # The loop comes back after two seconds and finds the line's change before it looks at the timers.
    assert flash.receive_change(change(True, 1.3)) == [HookFlashed(1.3)]
    end = make_hook(True)
    end.receive_change(change(False, 1.0))
    assert end.receive_change(change(True, 2.9)) == [HookReplaced(pytest.approx(1.8)), HookLifted(2.9)]


def test_flash_whose_end_is_told_of_late_is_no_hang_up():
    hook = make_hook(True, lag_s=0.2)
    hook.receive_change(change(False, 1.0))
    assert hook.next_timeout() == pytest.approx(2.0)
    assert hook.handle_timeout(1.95) == []
    # The cradle came up 750 ms after it went down; the driver's thread says so 200 ms later.
    assert hook.receive_change(change(True, 1.75)) == [HookFlashed(1.75)]


def test_end_is_certain_only_when_a_late_change_can_no_longer_come():
    hook = make_hook(True, lag_s=0.2)
    hook.receive_change(change(False, 1.0))
    assert hook.handle_timeout(hook.next_timeout()) == [HookReplaced(pytest.approx(1.8))]
    assert hook.next_timeout() is None


def test_window_is_configurable():
    hook = make_hook(True, flash_min_ms=200, flash_max_ms=300)
    hook.receive_change(change(False, 1.0))
    assert hook.receive_change(change(True, 1.15)) == []
    hook.receive_change(change(False, 2.0))
    assert hook.handle_timeout(2.31) == [HookReplaced(pytest.approx(2.3))]


def test_flash_turned_off_counts_from_the_next_press():
    hook = make_hook(True)
    hook.flash = False
    assert hook.receive_change(change(False, 1.0)) == [HookReplaced(1.0)]


def test_flash_turned_off_while_the_cradle_is_down_ends_at_a_repeated_change():
    hook = make_hook(True)
    hook.receive_change(change(False, 1.0))
    hook.flash = False
    assert hook.receive_change(change(False, 1.1)) == [HookReplaced(1.1)]


def test_repeated_changes_say_nothing_new():
    hook = make_hook(True)
    assert hook.receive_change(change(True, 1.0)) == []
    hook.receive_change(change(False, 2.0))
    assert hook.receive_change(change(False, 2.1)) == []
    assert hook.next_timeout() == pytest.approx(2.8)
    hook.handle_timeout(3.0)
    assert hook.receive_change(change(False, 3.1)) == []


NEVER_SAID = {
    (state, said)
    for state, said in itertools.product(HookState, HookInput)
    if (state is HookState.PRESSED) != (said in (HookInput.UP_TOO_SOON, HookInput.UP_IN_WINDOW, HookInput.WINDOW_OVER))
    and said not in (HookInput.DOWN, HookInput.DOWN_PERHAPS_FLASH)
}


@pytest.mark.parametrize(("state", "said"), list(itertools.product(HookState, HookInput)), ids=str)
def test_every_pair_is_decided(state, said):
    assert ((state, said) in TABLE) != ((state, said) in NEVER_SAID)
    if (state, said) in TABLE:
        following, react = TABLE[state, said]
        assert isinstance(following, HookState)
        assert len(react(1.0)) <= 1


@pytest.mark.parametrize("active_low", [True, False])
def test_contact_of_either_kind_on_the_board(active_low):
    bench = DeskBench(make_profile(hook={"line": 17, "active_low": active_low}))
    assert bench.first_events == [HookReplaced(0.0)]
    bench.desk.lift(1.0)
    assert bench.run(2.0) == [HookLifted(pytest.approx(1.0231))]
    bench.desk.flash(2.0)
    assert bench.run(4.0) == [HookFlashed(pytest.approx(2.2731))]
    bench.desk.replace(4.0)
    assert bench.run(6.0) == [HookReplaced(pytest.approx(4.8231))]
    bench.board.close()


@pytest.mark.parametrize("spike_s", [10e-6, 1e-3, 5e-3])
def test_spikes_on_the_wire_are_no_hook_events(spike_s):
    bench = DeskBench(make_profile(hook={"line": 17}))
    for number in range(20):
        bench.run(1.0 + number * 0.1)
        bench.chip.drive("hook", False, bench.now)
        bench.now += spike_s
        bench.chip.drive("hook", True, bench.now)
    assert bench.run(5.0) == []
    bench.board.close()


@pytest.mark.parametrize("lag", [0.0, 0.03, 0.3])
def test_flash_is_a_flash_however_late_the_loop(lag):
    bench = DeskBench(make_profile(hook={"line": 17}), lifted=True, lag=lag)
    bench.desk.flash(1.0, 0.6)
    assert bench.run(5.0) == [HookFlashed(pytest.approx(1.6231))]
    bench.board.close()
