import random

import pytest

from device.sip.timers import DeadlineHeap, SipTimers


def test_the_defaults_are_those_of_table_4() -> None:
    timers = SipTimers()
    assert (timers.t1, timers.t2, timers.t4) == (0.5, 4.0, 5.0)
    assert (timers.timer_a, timers.timer_e, timers.timer_g) == (0.5, 0.5, 0.5)
    assert {timers.timer_b, timers.timer_f, timers.timer_h, timers.timer_l, timers.timer_m} == {32.0}
    assert (timers.timer_d(False), timers.timer_i(False), timers.timer_j(False), timers.timer_k(False)) == (
        32,
        5,
        32,
        5,
    )


def test_reliable_transports_wait_for_no_stragglers() -> None:
    timers = SipTimers()
    assert [wait(True) for wait in (timers.timer_d, timers.timer_i, timers.timer_j, timers.timer_k)] == [0, 0, 0, 0]


@pytest.mark.parametrize(("t1", "timer_d"), [(0.1, 32.0), (0.5, 32.0), (1.0, 64.0)])
def test_timer_d_is_at_least_32_seconds(t1: float, timer_d: float) -> None:
    assert SipTimers(t1=t1).timer_d(reliable=False) == timer_d


def test_a_late_100_waits_until_timer_e_has_reached_t2() -> None:
    assert SipTimers().late_trying == 3.5
    assert SipTimers(t1=1.0, t2=4.0).late_trying == 3.0


def test_heap_gives_the_earliest_and_pops_in_order() -> None:
    heap: DeadlineHeap[str] = DeadlineHeap()
    assert heap.next_timeout() is None
    heap.set("b", 2.0)
    heap.set("a", 1.0)
    heap.set("c", 3.0)
    assert (heap.next_timeout(), len(heap)) == (1.0, 3)
    assert heap.pop_due(0.5) == []
    assert heap.pop_due(2.0) == ["a", "b"]
    assert heap.next_timeout() == 3.0
    assert "c" in heap
    assert "a" not in heap


def test_heap_moves_and_disarms() -> None:
    heap: DeadlineHeap[str] = DeadlineHeap()
    heap.set("a", 1.0)
    heap.set("a", 5.0)
    heap.set("b", 2.0)
    assert heap.next_timeout() == 2.0
    heap.set("b", None)
    heap.cancel("never armed")
    assert heap.next_timeout() == 5.0
    heap.set("a", 4.0)
    assert heap.pop_due(10.0) == ["a"]
    assert heap.pop_due(10.0) == []
    assert heap.next_timeout() is None


def test_heap_disarmed_and_armed_again_at_the_same_time_fires_once() -> None:
    heap: DeadlineHeap[str] = DeadlineHeap()
    heap.set("other", 9.0)
    heap.set("a", 1.0)
    heap.cancel("a")
    heap.set("a", 1.0)
    assert heap.pop_due(1.0) == ["a"]


def test_heap_agrees_with_a_plain_dictionary() -> None:
    chance = random.Random(1)
    heap: DeadlineHeap[int] = DeadlineHeap()
    plain: dict[int, float] = {}
    now = 0.0
    for _ in range(5000):
        name, deadline = chance.randrange(40), now + chance.randrange(100) / 10
        if chance.random() < 0.7:
            heap.set(name, deadline)
            plain[name] = deadline
        elif chance.random() < 0.7:
            heap.cancel(name)
            plain.pop(name, None)
        else:
            now += chance.random()
            due = heap.pop_due(now)
            assert set(due) == {name for name, at in plain.items() if at <= now}
            assert [plain[name] for name in due] == sorted(plain[name] for name in due)
            for name in due:
                del plain[name]
        assert heap.next_timeout() == min(plain.values(), default=None)
        assert len(heap) == len(plain)


def test_heap_does_not_grow_with_moved_deadlines() -> None:
    heap: DeadlineHeap[str] = DeadlineHeap()
    for turn in range(10_000):
        heap.set("a", float(turn))
        heap.set("b", 20_000.0 - turn)
    assert len(heap._heap) < 200
    assert heap.pop_due(1e9) == ["a", "b"]
