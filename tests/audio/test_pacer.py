"""Deadlines on a clock that the test moves."""

import pytest

from device.audio.pacer import MAX_CATCH_UP, Pacer


class Clock:
    def __init__(self) -> None:
        self.now = 50.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        # A real sleep ends a little late.
        self.now += seconds + 0.003


def test_late_wake_ups_do_not_add_up() -> None:
    clock = Clock()
    pacer = Pacer(0.02, clock, clock.sleep)
    for _ in range(100):
        pacer.wait()
    assert clock.now == pytest.approx(52.003)
    assert pacer.lost == 0


def test_a_short_delay_is_caught_up_without_a_pause() -> None:
    clock = Clock()
    pacer = Pacer(0.02, clock, clock.sleep)
    clock.now += 0.02 * MAX_CATCH_UP + 0.001
    for _ in range(MAX_CATCH_UP):
        pacer.wait()
    assert clock.slept == []
    pacer.wait()
    assert len(clock.slept) == 1
    assert pacer.lost == 0


def test_a_long_delay_is_given_up_and_counted() -> None:
    clock = Clock()
    pacer = Pacer(0.02, clock, clock.sleep)
    clock.now += 60.0
    pacer.wait()
    assert pacer.lost == 1
    pacer.wait()
    assert clock.slept == [pytest.approx(0.02)]
