"""Named deadlines."""

from hypothesis import given
from hypothesis import strategies as st

from device.timing import TimerSet, earliest


def test_the_earliest_deadline_is_next() -> None:
    timers: TimerSet[str] = TimerSet()
    assert timers.next_timeout() is None
    timers.set("b", 20.0)
    timers.set("a", 10.0)
    assert timers.next_timeout() == 10.0
    assert "a" in timers
    assert len(timers) == 2


def test_what_is_due_goes_off_once_earliest_first() -> None:
    timers: TimerSet[str] = TimerSet()
    for name, at in (("late", 9.0), ("early", 1.0), ("middle", 5.0)):
        timers.set(name, at)
    assert timers.pop_due(5.0) == ["early", "middle"]
    assert timers.pop_due(5.0) == []
    assert timers.next_timeout() == 9.0


def test_setting_again_moves_and_cancelling_disarms() -> None:
    timers: TimerSet[str] = TimerSet()
    timers.set("a", 1.0)
    timers.set("a", 2.0)
    assert timers.pop_due(1.5) == []
    timers.cancel("a")
    timers.cancel("a")
    assert "a" not in timers
    timers.set("b", 1.0)
    timers.clear()
    assert len(timers) == 0


@given(st.dictionaries(st.integers(0, 9), st.floats(0, 100)), st.floats(0, 100))
def test_nothing_is_lost_and_nothing_comes_early(deadlines: dict[int, float], now: float) -> None:
    timers: TimerSet[int] = TimerSet()
    for name, at in deadlines.items():
        timers.set(name, at)
    due = timers.pop_due(now)
    assert [deadlines[name] for name in due] == sorted(at for at in deadlines.values() if at <= now)
    left = timers.next_timeout()
    assert left is None or left > now
    assert len(due) + len(timers) == len(deadlines)


def test_the_earliest_of_several_may_be_none() -> None:
    assert earliest(None, 3.0, 2.0, None) == 2.0
    assert earliest(0.0, 1.0) == 0.0
    assert earliest(None) is None
    assert earliest() is None
