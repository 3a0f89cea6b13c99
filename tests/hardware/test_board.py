"""The board as the daemon sees it: descriptors, deadlines, devices by name, and faults that stay in the hardware."""

import json
import logging

import pytest

from device.desk_events import DigitDialled, HookLifted, HookReplaced
from device.hardware.board import RETRY_S, Board, LineStatus
from device.hardware.errors import LineError, UnknownDeviceError
from device.hardware.interfaces import LineChanged, LineSpec
from device.hardware.mock_chip import MockChip
from device.hardware.profile import BoardProfile
from device.hardware.simulated_desk import resting_levels
from device.records import asdict
from tests.support.desk_bench import DeskBench, make_profile


@pytest.fixture
def bench():
    bench = DeskBench(BoardProfile.load("simulated"))
    yield bench
    bench.board.close()


def test_nothing_is_due_at_rest(bench):
    assert bench.first_events == [HookReplaced(0.0)]
    assert bench.board.next_timeout() is None
    assert bench.board.handle_timeout(1.0) == []
    assert bench.read() == []


def test_descriptors_are_one_for_each_input(bench):
    assert len(set(bench.board.fds())) == 1 + 3 + 2 + 1
    assert bench.board.receive_ready(99999, 1.0) == []


def test_outputs_are_safe_from_the_first_moment(bench):
    for name in ("relay.door", "lamp.in_call", "lamp.message", "ringer.0"):
        assert [change.active for change in bench.chip.history(name)] == [False]


def test_relay_pulse_ends_by_the_deadline_of_the_board(bench):
    bench.board.relay("door").pulse(3.0, 1.0)
    assert bench.board.next_timeout() == 4.0
    bench.run(5.0)
    assert [(change.at, change.active) for change in bench.chip.history("relay.door")] == [
        (0.0, False),
        (0.0, True),
        (4.0, False),
    ]


def test_ringer_and_lamps_run_by_the_deadlines_of_the_board(bench):
    bench.board.ringer.start("us", 0.0)
    bench.board.lamp("message").show("slow-blink", 0.0)
    bench.run(7.0)
    assert [round(change.at, 3) for change in bench.chip.history("ringer.0")] == [0, 0, 2, 6]
    assert [round(change.at, 3) for change in bench.chip.history("lamp.message")][:5] == [0, 0, 0.5, 1, 1.5]


def test_unknown_relay_lists_the_known_ones(bench):
    with pytest.raises(UnknownDeviceError, match="gate: the board profile has no such relay; it has: door"):
        bench.board.relay("gate")


def test_lamp_that_is_not_wired_is_silent(bench):
    lamp = bench.board.lamp("garden")
    lamp.show("fast-blink", 0.0)
    assert bench.board.lamp("garden") is lamp
    assert bench.board.next_timeout() is None


def test_safe_state_silences_everything_and_the_board_goes_on(bench):
    bench.board.ringer.start("us", 0.0)
    bench.board.relay("door").pulse(5.0, 0.0)
    bench.board.lamp("in_call").show("on", 0.0)
    bench.board.safe_state()
    assert bench.board.next_timeout() is None
    assert not any(bench.chip.history(name)[-1].active for name in ("ringer.0", "relay.door", "lamp.in_call"))
    bench.desk.lift(1.0)
    assert bench.run(2.0) == [HookLifted(pytest.approx(1.0231))]


def test_closed_board_is_safe_and_has_nothing_to_wait_for(bench):
    bench.board.ringer.start("us", 0.0)
    bench.board.relay("door").pulse(5.0, 0.0)
    bench.board.close()
    bench.board.close()
    assert not bench.chip.history("ringer.0")[-1].active
    assert not bench.chip.history("relay.door")[-1].active
    assert bench.chip.levels() == {}
    assert bench.board.fds() == []
    assert bench.board.next_timeout() is None
    assert bench.board.handle_timeout(9.0) == []


def test_replaced_handset_forgets_the_digit_that_is_half_dialled():
    profile = make_profile(hook={"line": 17, "flash": False}, dial={"pulse": {"line": 23}})
    bench = DeskBench(profile, lifted=True)
    over_at = bench.desk.dial_rotary("9", 1.0)
    bench.run(over_at - 0.5)
    bench.chip.drive("hook", True, bench.now)
    events = bench.run(over_at + 3)
    assert [type(event) for event in events] == [HookReplaced]
    bench.board.close()


def test_changes_can_be_watched_for_the_wiring_test(bench):
    seen = []
    bench.board.on_line_changed = seen.append
    bench.desk.lift(1.0)
    bench.run(2.0)
    assert seen == [LineChanged("hook", True, pytest.approx(1.0231))]


def test_snapshot_shows_devices_and_lines(bench):
    bench.desk.lift(1.0)
    bench.run(2.0)
    bench.board.ringer.start("uk", 2.0)
    bench.board.relay("door").pulse(3.0, 2.0)
    bench.board.lamp("message").show("wink", 2.0)
    snapshot = bench.board.snapshot()
    assert (snapshot.profile, snapshot.driver) == ("Simulated desk phone", "mock")
    assert (snapshot.hook, snapshot.ringing) == ("off-hook", "uk")
    assert snapshot.relays == {"door": True}
    assert snapshot.lamps["message"] == "wink"
    assert snapshot.lamps["in_call"] == "off"
    lines = {line.name: line for line in snapshot.lines}
    assert lines["hook"] == LineStatus("hook", "mock", "17", "in", True, "kernel", 1)
    assert lines["relay.door"] == LineStatus("relay.door", "mock", "25", "out", True, "none", 0)
    assert json.loads(json.dumps(asdict(snapshot)))["lines"][0]["name"] == "relay.door"


def test_snapshot_of_other_hook_states():
    board = Board(make_profile(), MockChip())
    assert board.snapshot().hook == "none"
    assert board.snapshot().ringing == ""
    board.close()
    profile = make_profile(hook={"line": 17})
    board = Board(profile, MockChip(initially=resting_levels(profile)))
    assert board.snapshot().hook == "unknown"
    board.start(0.0)
    assert board.snapshot().hook == "on-hook"
    board.close()


class TestMissingDevices:
    """A line that somebody else holds must not keep the telephone from working."""

    @pytest.fixture
    def taken(self):
        """A phone whose hook switch, door and lamp are in other hands; `give_back` frees them."""
        profile = make_profile(
            hook={"line": 17}, relays={"door": {"line": 25}}, lamps={"message": {"line": 27}}, ringer={"lines": [18]}
        )
        chip = MockChip(initially=resting_levels(profile, lifted=True))
        held = [chip.request_output(f"other{line}", LineSpec("mock", line)) for line in (17, 25, 27)]
        board = Board(profile, chip)
        yield board, chip, held
        board.close()

    def test_the_rest_works_and_says_what_does_not(self, taken, caplog):
        board, _, _ = taken
        assert set(board.missing) == {"hook", "relay.door", "lamp.message"}
        assert "in use by 'other25'" in board.snapshot().missing["relay.door"]
        said = [record.getMessage() for record in caplog.get_records("setup")]
        assert any("relay.door does not work, and is tried again" in text for text in said)
        board.ringer.start("us", 0.0)
        assert board.ringer.sounding
        board.lamp("message").show("on", 0.0)
        with pytest.raises(LineError, match=r"relay door: .*in use by 'other25'"):
            board.relay("door")

    def test_they_are_taken_when_they_are_free(self, taken):
        board, chip, held = taken
        assert board.start(0.0) == []
        board.lamp("message").show("on", 0.0)
        for line in held:
            line.close()
        assert board.next_timeout() == RETRY_S[0]
        assert board.handle_timeout(RETRY_S[0]) == [HookLifted(RETRY_S[0])]
        assert board.missing == {}
        assert chip.level("lamp.message")
        board.relay("door").pulse(1.0, 3.0)
        assert chip.level("relay.door")
        assert board.next_timeout() == 4.0

    def test_they_are_tried_less_and_less_often_and_told_once(self, taken, caplog):
        board, _, _ = taken
        board.start(0.0)
        caplog.clear()
        now, waits = 0.0, []
        for _ in range(6):
            waits.append(board.next_timeout() - now)
            now = board.next_timeout()
            board.handle_timeout(now)
        assert waits == [2.0, 5.0, 10.0, 30.0, 30.0, 30.0]
        assert caplog.text == ""

    def test_a_lamp_that_blinks_meanwhile_goes_on_blinking(self, taken):
        board, chip, held = taken
        board.start(0.0)
        board.lamp("message").show("slow-blink", 0.0)
        held[2].close()
        board.handle_timeout(2.0)
        lit = set()
        for step in range(8):
            board.handle_timeout(2.0 + step / 4)
            lit.add(chip.level("lamp.message"))
        assert lit == {True, False}

    def test_lines_of_a_device_that_cannot_have_all_are_given_back(self):
        profile = make_profile(keypad={"rows": [5, 6], "columns": [16, 20], "keys": ["12", "34"]})
        chip = MockChip()
        chip.request_output("other", LineSpec("mock", 20))
        board = Board(profile, chip)
        assert list(board.missing) == ["keypad"]
        assert list(chip.levels()) == ["other"]
        assert board.keypad is None
        board.close()

    def test_a_chip_that_goes_and_comes_back_takes_all_its_devices_with_it(self, bench, caplog):
        board, chip = bench.board, bench.chip
        board.lamp("message").show("on", 0.0)
        board.ringer.start("us", 0.0)
        board.relay("door").pulse(1.0, 0.0)
        for line in board._outputs.values():
            line.set = lambda _: (_ for _ in ()).throw(LineError("the chip is gone"))
        bench.run(1.0)
        assert {"relay.door", "ringer", "lamp.message", "keypad"} <= set(board.missing)
        with pytest.raises(LineError, match="relay door: the chip is gone"):
            board.relay("door")
        bench.run(3.5)
        assert board.missing == {}
        assert chip.level("lamp.message")
        assert not chip.level("relay.door")
        assert not chip.level("ringer.0")  # It is lost in the middle of a burst and rings from the next one on.
        bench.run(6.1)
        assert chip.level("ringer.0")
        bench.desk.press_key("7", 6.2)
        assert [event.digit for event in bench.run(7.0)] == ["7"]


def break_line(line, text):
    def fail():
        raise LineError(text)

    line.read_events = fail


def test_input_that_fails_is_reported_once_and_taken_again(bench, caplog):
    (hook,) = bench.board.hook.lines
    break_line(hook, "hook: the chip is gone")
    bench.chip.drive("hook", False, 1.0)
    assert bench.run(1.5) == []
    assert hook.fileno() == -1
    assert caplog.text.count("hook does not work, and is tried again: hook: the chip is gone") == 1
    assert len(bench.board.fds()) == 6
    bench.desk.press_key("5", 1.6)
    assert [event.digit for event in bench.run(2.0)] == ["5"]
    events = bench.run(8.0)
    assert [type(event) for event in events] == [HookLifted]
    assert bench.board.missing == {}


def test_a_handset_that_is_where_it_was_is_no_news():
    bench = DeskBench(make_profile(hook={"line": 17}), lifted=True)
    break_line(bench.board.hook.lines[0], "hook: the chip is gone")
    bench.chip.drive("hook", True, 1.0)
    bench.chip.drive("hook", False, 1.1)
    bench.run(1.5)
    assert list(bench.board.missing) == ["hook"]
    assert bench.run(8.0) == []
    assert bench.board.hook.lifted
    bench.board.close()


def test_a_device_with_two_lines_gives_both_back_when_one_fails():
    bench = DeskBench(make_profile(dial={"pulse": {"line": 23}, "off_normal": {"line": 24}}))
    break_line(bench.board.dial.lines[1], "dial.off_normal: gone")
    bench.chip.drive("dial.off_normal", False, 1.0)
    bench.run(1.5)
    assert bench.board.fds() == []
    assert list(bench.board.missing) == ["dial"]
    bench.run(5.0)
    assert len(bench.board.fds()) == 2
    bench.board.close()


def test_output_that_fails_is_logged_and_not_raised(bench, caplog):
    bench.board.ringer.start("us", 0.0)
    bench.board.relay("door").pulse(2.0, 0.0)

    def fail(_):
        raise LineError("the chip is gone")

    for line in bench.board._outputs.values():
        line.set = fail
    assert bench.board.handle_timeout(2.0) == []
    bench.board.safe_state()
    assert caplog.text.count("the chip is gone") >= 4


def test_start_on_a_line_that_fails_is_logged(caplog):
    profile = make_profile(hook={"line": 17})
    board = Board(profile, MockChip(initially=resting_levels(profile)))
    board.hook.lines[0].close()
    with caplog.at_level(logging.ERROR):
        assert board.start(0.0) == []
    assert "given back" in caplog.text
    board.close()


def test_columns_settle_for_as_long_as_the_profile_says():
    keypad = {"rows": [5], "columns": [16], "keys": ["1"], "settle_us": 1}
    bench = DeskBench(make_profile(keypad=keypad))
    bench.desk.press_key("1", 1.0)
    (event,) = bench.run(2.0)
    assert isinstance(event, DigitDialled)
    bench.board.close()
