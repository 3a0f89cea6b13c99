"""The matrix keypad: presses, bounce, ghosts, and quiet between them."""

import pytest

from device.desk_events import DigitDialled
from device.hardware.errors import LineError
from tests.support.desk_bench import DeskBench, make_profile

KEYS_3X4 = {"rows": [5, 6, 13, 19], "columns": [16, 20, 21], "keys": ["123", "456", "789", "*0#"], "settle_us": 0}
KEYS_4X4 = {**KEYS_3X4, "columns": [16, 20, 21, 26], "keys": ["123A", "456B", "789C", "*0#D"]}


def make_bench(keypad=None, **options):
    return DeskBench(make_profile(keypad={**KEYS_3X4, **(keypad or {})}), **options)


def digits(events):
    assert all(isinstance(event, DigitDialled) for event in events)
    return "".join(event.digit for event in events)


def switch(bench, row, column, down, at=None):
    bench.chip.press(f"keypad.row{row}", f"keypad.column{column}", down, at)


@pytest.mark.parametrize("layout", [KEYS_3X4, KEYS_4X4], ids=["3x4", "4x4"])
def test_every_key_gives_its_digit_once(layout):
    bench = make_bench(layout)
    keys = "".join(layout["keys"])
    over_at = bench.desk.dial(keys, 1.0)
    assert digits(bench.run(over_at + 1)) == keys
    assert bench.chip.shorts() == ()
    bench.board.close()


def test_digit_is_dated_when_the_key_has_settled():
    bench = make_bench()
    bench.desk.press_key("5", 1.0)
    (event,) = bench.run(2.0)
    assert 1.02 <= event.at <= 1.04
    bench.board.close()


def test_key_held_for_long_is_one_digit():
    bench = make_bench()
    bench.desk.press_key("5", 1.0, 8.0)
    assert digits(bench.run(12.0)) == "5"
    bench.board.close()


def test_nothing_wakes_the_loop_while_no_key_is_down():
    bench = make_bench()
    assert bench.board.next_timeout() is None
    bench.desk.press_key("1", 1.0)
    bench.run(1.05)
    assert bench.board.keypad.scanning
    bench.run(3.0)
    assert not bench.board.keypad.scanning
    assert bench.board.next_timeout() is None
    assert bench.read() == []
    bench.board.close()


@pytest.mark.parametrize("spike_s", [10e-6, 1e-3, 5e-3, 15e-3])
def test_spike_on_a_key_is_no_digit(spike_s):
    bench = make_bench()
    for number in range(10):
        at = 1.0 + number * 0.1
        bench.run(at)
        switch(bench, 1, 1, True, at)
        bench.read()
        bench.run(at + spike_s)
        switch(bench, 1, 1, False, at + spike_s)
    assert bench.run(3.0) == []
    assert bench.board.next_timeout() is None
    bench.board.close()


def test_bouncing_release_is_no_second_digit():
    bench = make_bench()
    switch(bench, 0, 0, True, 0.0)
    events = bench.run(0.2)
    for number in range(6):
        switch(bench, 0, 0, number % 2 == 1, bench.now)
        events += bench.run(bench.now + 0.004)
    switch(bench, 0, 0, False, bench.now)
    assert digits(events + bench.run(1.0)) == "1"
    bench.board.close()


def test_second_key_pressed_while_the_first_is_held_counts():
    bench = make_bench()
    switch(bench, 0, 0, True)
    events = bench.run(0.1)
    switch(bench, 2, 1, True)
    events += bench.run(0.2)
    switch(bench, 0, 0, False)
    events += bench.run(0.3)
    switch(bench, 2, 1, False)
    assert digits(events + bench.run(1.0)) == "18"
    assert bench.chip.shorts() == ()
    bench.board.close()


def test_ghost_of_three_keys_is_not_dialled():
    bench = make_bench()
    switch(bench, 0, 0, True)
    switch(bench, 0, 1, True)
    events = bench.run(0.2)
    assert sorted(digits(events)) == ["1", "2"]
    # With 4 down as well, 5 appears to be down: neither is taken, for nobody can tell them apart.
    switch(bench, 1, 0, True)
    assert bench.run(0.5) == []
    switch(bench, 0, 1, False)
    assert digits(bench.run(1.0)) == "4"
    for row, column in ((0, 0), (1, 0)):
        switch(bench, row, column, False)
    assert bench.run(2.0) == []
    assert bench.board.next_timeout() is None
    bench.board.close()


def test_key_half_settled_when_the_ghost_appears_starts_again():
    bench = make_bench()
    switch(bench, 0, 0, True)
    bench.run(0.012)
    switch(bench, 0, 1, True)
    switch(bench, 1, 0, True)
    assert bench.run(0.3) == []
    switch(bench, 0, 1, False)
    switch(bench, 1, 0, False)
    (event,) = bench.run(1.0)
    assert event.digit == "1"
    assert event.at >= 0.32
    bench.board.close()


def test_key_that_is_stuck_at_power_up_is_no_press_and_leaves_the_others_usable():
    profile = make_profile(keypad=KEYS_3X4)
    bench = DeskBench(profile)
    switch(bench, 3, 2, True)
    # The daemon starts again while the key is held down.
    bench.read()
    bench.board.keypad._timers.clear()
    assert bench.board.keypad.start(bench.now) == []
    bench.desk.press_key("1", 1.0)
    assert digits(bench.run(3.0)) == "1"
    switch(bench, 3, 2, False)
    assert bench.run(4.0) == []
    assert bench.board.next_timeout() is None
    bench.board.close()


@pytest.mark.parametrize("lag", [0.005, 0.03])
def test_slow_loop_still_gives_each_digit_once(lag):
    bench = make_bench(lag=lag)
    over_at = bench.desk.dial("112358", 1.0)
    assert digits(bench.run(over_at + 2)) == "112358"
    bench.board.close()


def test_key_that_only_one_scan_has_seen_is_no_press():
    bench = make_bench()
    switch(bench, 1, 1, True)
    bench.read()
    switch(bench, 1, 1, False)
    # The loop is away for longer than the debounce time: nobody knows how long the key was down.
    bench.now = 0.3
    assert bench.board.handle_timeout(0.3) == []
    assert bench.run(1.0) == []
    bench.desk.press_key("5", 1.0)
    assert digits(bench.run(2.0)) == "5"
    bench.board.close()


def test_key_that_closes_just_after_the_last_scan_is_not_lost():
    bench = make_bench()
    keypad = bench.board.keypad
    bench.desk.press_key("1", 1.0)
    bench.run(1.3)
    switch(bench, 1, 1, True)
    for column in keypad.lines:
        column.read_events()
    keypad._go_idle(bench.now)
    assert digits(bench.run(1.5)) == "5"
    bench.board.close()


def test_dead_column_is_logged_and_not_raised(caplog):
    bench = make_bench()
    switch(bench, 1, 1, True)
    bench.board.keypad.lines[0].close()
    assert bench.board.handle_timeout(0.1) == []
    assert bench.read() == []
    with pytest.raises(LineError):
        bench.board.keypad.lines[0].active()
    assert "keypad.column0" in caplog.text
    bench.board.close()


def test_rows_settle_before_the_columns_are_read():
    waits = []
    bench = make_bench()
    bench.board.keypad._settle = lambda: waits.append(1)
    bench.desk.press_key("1", 1.0)
    bench.run(2.0)
    assert len(waits) % 8 == 0
    assert waits
    bench.board.close()
