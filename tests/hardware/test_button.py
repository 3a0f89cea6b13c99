"""A single button: one press, one event."""

import pytest

from device.desk_events import ButtonPressed
from tests.support.desk_bench import DeskBench, make_profile


def make_bench(**line):
    return DeskBench(make_profile(buttons={"front": {"line": 4, **line}}))


def test_press_is_one_event_however_long():
    bench = make_bench()
    bench.desk.press_button("front", 1.0)
    bench.desk.press_button("front", 3.0, 5.0)
    assert bench.run(20.0) == [
        ButtonPressed("front", pytest.approx(1.0331)),
        ButtonPressed("front", pytest.approx(3.0331)),
    ]
    assert bench.board.next_timeout() is None
    bench.board.close()


def test_spikes_of_a_relay_coil_ring_no_bell():
    bench = make_bench()
    for number in range(50):
        at = 1.0 + number * 0.06
        bench.run(at)
        bench.chip.drive("button.front", False, at)
        bench.chip.drive("button.front", True, at + 0.005)
    assert bench.run(10.0) == []
    bench.board.close()


def test_button_that_is_down_at_power_up_is_no_press():
    bench = DeskBench(make_profile(buttons={"front": {"line": 4}}))
    bench.board.close()
    bench = make_bench(active_low=False)
    bench.chip.drive("button.front", True, 0.0)
    bench.now = 1.0
    bench.board.handle_timeout(1.0)
    assert bench.board.buttons["front"].start(1.0) == []
    assert bench.run(2.0) == []
    bench.board.close()
