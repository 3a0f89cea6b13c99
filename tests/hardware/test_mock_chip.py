"""The simulated board: lines, bias, key matrix, filter and history, and the mistakes it does not let pass."""

import select

import pytest

from device.hardware.errors import LineError
from device.hardware.interfaces import LineChanged, LineSpec
from device.hardware.mock_chip import HISTORY_LIMIT, MockChip, OutputChange


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def chip(clock):
    chip = MockChip(clock)
    yield chip
    chip.close()


def make_input(line=17, **options):
    return LineSpec("mock", line, **{"active_low": True, "bias": "pull-up", **options})


def is_readable(line):
    return bool(select.select([line.fileno()], [], [], 0)[0])


def test_change_comes_out_of_a_descriptor_with_polarity_applied(chip):
    line = chip.request_input("hook", make_input())
    assert not line.active()
    assert not is_readable(line)
    chip.drive("hook", False, 1.5)
    assert is_readable(line)
    assert line.read_events() == [LineChanged("hook", True, 1.5)]
    assert not is_readable(line)
    assert line.active()


def test_line_is_held_in_the_words_of_the_device(chip):
    line = chip.request_input("hook", make_input())
    chip.hold("hook", True, 1.0)
    assert line.read_events() == [LineChanged("hook", True, 1.0)]
    assert chip.level("hook") is False
    with pytest.raises(LineError, match="no input"):
        chip.hold("hok", True)


def test_level_that_is_already_there_is_no_change(chip):
    line = chip.request_input("hook", make_input())
    chip.drive("hook", True, 1.0)
    assert line.read_events() == []


@pytest.mark.parametrize(("bias", "level"), [("pull-up", True), ("pull-down", False), ("none", False)])
def test_bias_holds_what_nobody_drives(chip, bias, level):
    chip.request_input("hook", make_input(bias=bias))
    assert chip.level("hook") is level
    chip.drive("hook", not level, 1.0)
    assert chip.level("hook") is not level
    chip.release("hook", 2.0)
    assert chip.level("hook") is level


def test_filter_works_as_in_the_kernel(chip):
    line = chip.request_input("hook", make_input(debounce_ms=10))
    assert line.debounced_by == "kernel"
    chip.drive("hook", False, 1.0)
    assert not is_readable(line)
    # The settled level is what a filtered line answers with.
    assert not line.active()
    assert line.next_timeout() == pytest.approx(1.01)
    line.handle_timeout(1.02)
    assert line.read_events() == [LineChanged("hook", True, pytest.approx(1.01))]
    assert line.active()
    chip.drive("hook", True, 2.0)
    chip.drive("hook", False, 2.005)
    line.handle_timeout(3.0)
    assert line.read_events() == []


def test_levels_that_outside_parts_hold_before_the_board_is_opened(clock):
    chip = MockChip(clock, {"hook": False})
    line = chip.request_input("hook", make_input())
    assert line.active()
    assert line.read_events() == []
    chip.close()


def test_outputs_are_recorded_with_time_and_level(chip, clock):
    line = chip.request_output("ringer.0", LineSpec("mock", 18, active_low=True))
    clock.now = 2.0
    line.set(True)
    line.set(True)
    clock.now = 3.0
    line.set(False)
    assert chip.history("ringer.0") == (
        OutputChange(0.0, "ringer.0", False, True),
        OutputChange(2.0, "ringer.0", True, False),
        OutputChange(3.0, "ringer.0", False, True),
    )
    assert chip.levels() == {"ringer.0": True}
    assert chip.outputs() == {"ringer.0": LineSpec("mock", 18, active_low=True)}


def test_history_of_all_outputs_is_bounded(chip):
    line = chip.request_output("lamp.a", LineSpec("mock", 18))
    chip.request_output("lamp.b", LineSpec("mock", 19))
    for number in range(HISTORY_LIMIT + 50):
        line.set(number % 2 == 0)
    assert len(chip.history()) == HISTORY_LIMIT
    assert chip.history("lamp.b") == ()


def test_closed_output_is_inactive(chip):
    line = chip.request_output("relay.door", LineSpec("mock", 25))
    line.set(True)
    line.close()
    line.close()
    assert [change.active for change in chip.history("relay.door")] == [False, True, False]


def test_line_cannot_be_requested_twice_until_it_is_given_back(chip):
    line = chip.request_input("hook", make_input())
    with pytest.raises(LineError, match="line 17 of mock is in use by 'hook'"):
        chip.request_output("ringer.0", LineSpec("mock", 17))
    with pytest.raises(LineError, match="in use"):
        chip.request_input("hook", make_input(18))
    line.close()
    chip.request_output("ringer.0", LineSpec("mock", 17))


def test_mistakes_with_lines_are_refused(chip):
    hook = chip.request_input("hook", make_input())
    bell = chip.request_output("ringer.0", LineSpec("mock", 18))
    with pytest.raises(LineError, match="is an output"):
        chip.drive("ringer.0", True)
    with pytest.raises(LineError, match=r"there are hook, ringer\.0"):
        chip.drive("hok", True)
    with pytest.raises(LineError, match=r"there are hook, ringer\.0"):
        chip.press("hook", "keypad.row0", True)
    with pytest.raises(LineError, match="no line of that name"):
        chip.level("nothing")
    hook.close()
    bell.close()
    with pytest.raises(LineError, match="given back"):
        hook.read_events()
    with pytest.raises(LineError, match="given back"):
        hook.active()
    with pytest.raises(LineError, match="given back"):
        bell.set(True)
    with pytest.raises(LineError, match="there are none"):
        chip.release("hook")


def test_output_on_a_line_that_is_driven_from_outside_is_refused(clock):
    chip = MockChip(clock, {"relay.door": True})
    with pytest.raises(LineError, match="drives this line"):
        chip.request_output("relay.door", LineSpec("mock", 25))


def test_key_joins_row_and_column(chip, clock):
    row = chip.request_output("row", LineSpec("mock", 5, active_low=True, drive="open-drain"), True)
    column = chip.request_input("column", make_input(16))
    chip.press("row", "column", True, 1.0)
    assert column.read_events() == [LineChanged("column", True, 1.0)]
    clock.now = 2.0
    row.set(False)
    assert column.read_events() == [LineChanged("column", False, 2.0)]
    row.set(True)
    chip.press("row", "column", False, 3.0)
    assert [change.active for change in column.read_events()] == [True, False]
    assert chip.inputs() == {"column": make_input(16)}


def test_current_finds_its_way_through_three_keys(chip):
    first = chip.request_output("row0", LineSpec("mock", 5, active_low=True, drive="open-drain"), True)
    chip.request_output("row1", LineSpec("mock", 6, active_low=True, drive="open-drain"))
    chip.request_input("column0", make_input(16))
    ghost = chip.request_input("column1", make_input(20))
    for row, column in (("row0", "column0"), ("row1", "column0"), ("row1", "column1")):
        chip.press(row, column, True)
    assert ghost.active()
    first.set(False)
    assert not ghost.active()


def test_two_outputs_against_each_other_are_a_short(chip):
    chip.request_output("row0", LineSpec("mock", 5))
    other = chip.request_output("row1", LineSpec("mock", 6))
    chip.request_input("column", make_input(16))
    chip.press("row0", "column", True)
    chip.press("row1", "column", True)
    assert chip.shorts() == ()
    other.set(True)
    assert [short.name for short in chip.shorts()] == ["row1"]


def test_open_source_lets_go_when_inactive(chip):
    line = chip.request_output("lamp", LineSpec("mock", 5, drive="open-source"))
    chip.request_input("watch", make_input(16))
    chip.press("lamp", "watch", True)
    assert chip.level("watch") is True
    line.set(True)
    assert chip.level("watch") is True
    assert chip.shorts() == ()
