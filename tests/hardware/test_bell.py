"""Two phases that take turns, and are never on together."""

from itertools import pairwise

import pytest

from device.hardware.bell import TwoPhaseDrive
from device.hardware.board import Board
from device.hardware.errors import LineError
from device.hardware.mock_chip import MockChip
from tests.hardware.recording_line import RecordingLine
from tests.support.desk_bench import make_profile


class Bench:
    """A bell whose lines tell when they changed, and a loop that comes late by `lag(n)` to the n-th deadline."""

    def __init__(self, frequency_hz=25, lag=lambda n: 0.0, enable=False, **options):
        self.now = 0.0
        self.course = []
        self.lines = tuple(self.line(name) for name in "ab")
        self.enable = RecordingLine() if enable else None
        self.lag = lag
        self.drive = TwoPhaseDrive(self.lines, frequency_hz, enable=self.enable, **options)

    def line(self, name):
        line = RecordingLine()
        line_set = line.set

        def record(active):
            line_set(active)
            self.course.append((self.now, name, active))
            assert not all(other.active() for other in self.lines), "both phases on: a short circuit through the bridge"

        line.set = record
        return line

    def ring(self, until):
        self.drive.start(self.now)
        count = 0
        while (deadline := self.drive.next_timeout()) is not None and deadline + self.lag(count) <= until:
            self.now = max(self.now, deadline + self.lag(count))
            self.drive.handle_timeout(self.now)
            count += 1
        self.now = until
        self.drive.stop()

    def rises(self, name):
        return [at for at, other, active in self.course if other == name and active]


@pytest.mark.parametrize("frequency_hz", [20, 25])
def test_each_phase_comes_once_in_a_cycle(frequency_hz):
    bench = Bench(frequency_hz)
    bench.ring(1.0)
    for name, first in (("a", 0.0), ("b", 0.5 / frequency_hz)):
        expected = [first + cycle / frequency_hz for cycle in range(frequency_hz)]
        assert bench.rises(name) == pytest.approx(expected)


def test_the_dead_time_lies_between_any_two_phases_however_late_the_loop_comes():
    lags = (0.0, 0.0007, 0.004, 0.0, 0.013, 0.03, 0.0, 0.001)
    bench = Bench(lag=lambda n: lags[n % len(lags)], dead_time_ms=2)
    bench.ring(2.0)
    held, fell_at = set(), -1.0
    for at, name, active in bench.course:
        if active:
            assert not held
            assert at - fell_at >= 0.002 - 1e-9
            held.add(name)
        elif name in held:
            held.remove(name)
            fell_at = at
    assert len(bench.rises("a")) > 20


def test_a_machine_that_is_held_up_on_the_way_to_the_line_keeps_the_dead_time_all_the_same():
    """The time that the drive is given is then older than the moment in which the line really moves."""
    real = [0.0]
    changes = []

    class SlowLine(RecordingLine):
        def set(self, active):
            real[0] += 0.0015
            if active != self.active():
                changes.append((real[0], active))
            super().set(active)

    drive = TwoPhaseDrive((SlowLine(), SlowLine()), 25, clock=lambda: real[0])
    drive.start(real[0])
    while (deadline := drive.next_timeout()) is not None and deadline < 1.0:
        real[0] = max(real[0], deadline)
        drive.handle_timeout(real[0])
    on_off = [(off_at, on_at) for (off_at, off), (on_at, on) in pairwise(changes) if on and not off]
    assert len(on_off) > 30
    assert min(on_at - off_at for off_at, on_at in on_off) >= 0.002 - 1e-9


def test_a_loop_that_is_a_millisecond_late_each_time_keeps_the_frequency():
    bench = Bench(lag=lambda n: 0.001)
    bench.ring(4.0)
    assert len(bench.rises("a")) == 100
    # An on-time is shortened by what its begin was late, and never turned into a spike.
    assert bench.rises("a")[-1] == pytest.approx(3.96, abs=0.0025)


def test_both_lines_are_off_at_the_end_of_a_burst_and_nothing_is_planned():
    bench = Bench(enable=True)
    bench.ring(0.005)
    assert not any(line.active() for line in bench.lines)
    assert bench.enable.states[-2:] == [True, False]
    assert bench.drive.next_timeout() is None


def test_a_burst_without_end_is_cut(caplog):
    bench = Bench(max_burst_s=0.5)
    bench.drive.start(0.0)
    while (deadline := bench.drive.next_timeout()) is not None:
        bench.now = deadline
        bench.drive.handle_timeout(deadline)
    assert bench.now == 0.5
    assert not any(line.active() for line in bench.lines)
    assert "is stopped" in caplog.text


def test_a_line_that_fails_takes_the_other_and_the_enable_with_it():
    bench = Bench(enable=True)
    bench.drive.start(0.0)
    bench.lines[0].set = bench.lines[1].set = lambda active: (_ for _ in ()).throw(LineError("the chip is gone"))
    with pytest.raises(LineError, match="the chip is gone"):
        bench.drive.handle_timeout(bench.drive.next_timeout())
    assert not bench.enable.active()
    assert bench.drive.next_timeout() is None
    with pytest.raises(LineError, match="the chip is gone"):
        bench.drive.stop()


@pytest.mark.parametrize(("cadence", "setting", "hz"), [("eu", 0, 25), ("us", 0, 20), ("us", 25, 25), ("jp", 0, 20)])
def test_the_country_of_the_cadence_says_how_fast(cadence, setting, hz):
    now = 0.0
    ringer = {"kind": "bell", "lines": [18, 25], "cadence": cadence, "frequency_hz": setting}
    chip = MockChip(lambda: now)
    board = Board(make_profile(ringer=ringer), chip)
    board.ringer.start("default", 0.0)
    while (deadline := board.next_timeout()) is not None and deadline < 0.999:
        now = deadline
        board.handle_timeout(now)
    rises = [change for change in chip.history("ringer.0") if change.active]
    assert len(rises) == hz
    board.close()
    assert not any(chip.history(f"ringer.{line}")[-1].active for line in (0, 1))
