"""The button that brings back the state of delivery."""

from device.daemon.reset_button import LOOK_S, ResetButton


class Bench:
    def __init__(self) -> None:
        self.pressed = True
        self.resets = 0
        self.shown: list[bool] = []
        self.button = ResetButton(10.0, lambda: self.pressed, self.reset, self.shown.append)

    def reset(self) -> None:
        self.resets += 1


def test_held_from_power_up_on_for_its_time_it_resets_once() -> None:
    bench = Bench()
    assert bench.button.pump(0.0) == LOOK_S
    assert bench.shown == [True]
    assert bench.button.pump(9.9) is not None
    assert bench.resets == 0
    assert bench.button.pump(10.0) is None
    assert bench.button.pump(11.0) is None
    assert bench.resets == 1


def test_let_go_too_soon_it_does_nothing_and_nothing_later_either() -> None:
    bench = Bench()
    bench.button.pump(0.0)
    bench.pressed = False
    assert bench.button.pump(5.0) is None
    assert bench.shown == [True, False]
    bench.pressed = True
    assert bench.button.pump(6.0) is None
    assert bench.button.pump(60.0) is None
    assert bench.resets == 0


def test_a_button_that_is_not_held_at_power_up_is_a_button_like_any_other() -> None:
    bench = Bench()
    bench.pressed = False
    assert bench.button.pump(0.0) is None
    assert bench.shown == []
