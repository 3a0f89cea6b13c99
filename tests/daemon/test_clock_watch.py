"""A clock that is set while the phone runs, by hand here and by the kernel's own word."""

import errno
import os
from collections.abc import Iterator

import pytest

from device.daemon import clock_watch
from device.daemon.clock_watch import LOOK_S, ClockWatch
from tests.support.turning import HandLoop

YEARS_56_S = 56 * 365.25 * 86_400


class Clock:
    def __init__(self, loop: HandLoop) -> None:
        self.ahead_s = 1.7e9
        self._loop = loop

    def __call__(self) -> float:
        return self._loop.now() + self.ahead_s


class Bench:
    def __init__(self, loop: HandLoop) -> None:
        self.loop = loop
        self.clock = Clock(loop)
        self.steps: list[float] = []
        self.watch = ClockWatch(loop, lambda ahead_s: self.steps.append(round(ahead_s)), self.clock)

    def set_clock(self, ahead_s: float) -> list[float]:
        self.clock.ahead_s += ahead_s
        self.watch.pump(self.loop.now())
        return self.steps


@pytest.fixture
def bench(loop: HandLoop) -> Iterator[Bench]:
    bench = Bench(loop)
    yield bench
    bench.watch.close()


def test_a_clock_that_goes_on_is_no_news(bench: Bench) -> None:
    bench.loop.later += 86_400
    assert bench.set_clock(0.0) == []


def test_the_jump_out_of_1970_is_told_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    assert bench.set_clock(YEARS_56_S) == [round(YEARS_56_S)]
    assert bench.set_clock(0.0) == [round(YEARS_56_S)]
    assert "the clock was set ahead by 20454 days" in caplog.text


def test_an_hour_back_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    assert bench.set_clock(-3600.0) == [-3600]
    assert "the clock was set back by 3600 s" in caplog.text


def test_a_clock_that_was_never_set_is_looked_at_every_second(bench: Bench) -> None:
    now = bench.loop.now()
    assert bench.watch.pump(now) is None
    bench.clock.ahead_s = 0.0
    assert bench.watch.pump(now) == now + LOOK_S


def test_the_steering_of_ntp_is_no_news_however_long_it_goes_on(bench: Bench) -> None:
    for _ in range(100):
        assert bench.set_clock(0.5) == []


class FakeTimers:
    """The timers by descriptor of Python 3.13, on a pipe: what is written is told as a clock that was set."""

    TFD_NONBLOCK = os.O_NONBLOCK
    TFD_CLOEXEC = os.O_CLOEXEC
    TFD_TIMER_ABSTIME = 1
    TFD_TIMER_CANCEL_ON_SET = 2

    def __init__(self) -> None:
        self.armed: list[tuple[int, float]] = []
        self.refuses = False

    def timerfd_create(self, _clock: int, flags: int) -> int:
        if self.refuses:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self.near, self.far = os.pipe2(flags)
        return self.near

    def timerfd_settime(self, fd: int, flags: int, initial: float) -> None:
        assert fd == self.near
        self.armed.append((flags, initial))


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> FakeTimers:
    timers = FakeTimers()
    monkeypatch.setattr(clock_watch, "kernel", timers)
    return timers


def test_the_kernel_wakes_the_loop_when_the_clock_is_set(
    bench: Bench, timers: FakeTimers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.watch.open()
    assert timers.armed == [(3, 2.0**33)]
    cancelled: list[int] = []

    def read(fd: int, _size: int) -> bytes:
        cancelled.append(fd)
        raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))

    monkeypatch.setattr(os, "read", read)
    os.write(timers.far, b"x")
    bench.loop.turn(1.0)
    assert cancelled == [timers.near]
    assert len(timers.armed) == 2
    os.close(timers.far)


def test_a_wake_up_for_nothing_does_no_harm(bench: Bench, timers: FakeTimers, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.watch.open()

    def read(_fd: int, _size: int) -> bytes:
        raise BlockingIOError

    monkeypatch.setattr(os, "read", read)
    os.write(timers.far, b"x")
    bench.loop.turn(1.0)
    assert len(timers.armed) == 1
    bench.watch.close()
    bench.watch.close()
    os.close(timers.far)


def test_without_such_timers_the_next_turn_notices(
    bench: Bench, timers: FakeTimers, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers.refuses = True
    bench.watch.open()
    monkeypatch.setattr(clock_watch, "kernel", object())
    bench.watch.open()
    assert bench.set_clock(YEARS_56_S) == [round(YEARS_56_S)]
