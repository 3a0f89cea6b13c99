"""The loop: descriptors, deadlines, wake-ups, and callbacks that fail."""

import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from device.daemon.loop import Loop
from tests.support.turning import HandLoop, hand_loop


class _Participant:
    def __init__(self, act: Callable[[float], float | None] = lambda now: None) -> None:
        self.pumps: list[float] = []
        self._act = act

    def pump(self, now: float) -> float | None:
        self.pumps.append(now)
        return self._act(now)


def test_readers_and_writers_are_called_until_they_are_removed() -> None:
    with hand_loop() as loop:
        left, right = socket.socketpair()
        told: list[str] = []
        with left, right:
            loop.add_reader(left.fileno(), lambda: told.append(left.recv(10).decode()))
            loop.add_writer(left.fileno(), lambda: told.append("writable"))
            right.send(b"hello")
            loop.turn(1.0)
            assert told == ["hello", "writable"]
            loop.remove_writer(left.fileno())
            right.send(b"again")
            loop.turn(1.0)
            assert told[2:] == ["again"]
            loop.remove_reader(left.fileno())
            right.send(b"unheard")
            loop.turn(0.0)
            assert len(told) == 3


def test_removing_what_is_not_watched_is_no_error() -> None:
    with hand_loop() as loop:
        loop.remove_reader(777)
        loop.remove_writer(777)


def test_a_descriptor_that_was_closed_first_can_still_be_removed() -> None:
    with hand_loop() as loop:
        left, right = socket.socketpair()
        with left, right:
            number = left.fileno()
            loop.add_reader(number, lambda: None)
        loop.remove_reader(number)


def test_participants_are_pumped_in_order_and_the_earliest_deadline_counts() -> None:
    with hand_loop() as loop:
        order: list[str] = []
        soon = time.monotonic() + 0.01

        def first(now: float) -> float:
            order.append("first")
            return now + 60

        def second(now: float) -> float | None:
            order.append("second")
            return soon

        loop.add_participant(_Participant(first))
        loop.add_participant(_Participant(second))
        loop.add_participant(_Participant())
        loop.turn(60.0)
        assert order == ["first", "second"]
        assert time.monotonic() >= soon


def test_a_deadline_that_has_passed_is_not_waited_for() -> None:
    with hand_loop() as loop:
        loop.add_participant(_Participant(lambda now: now - 5))
        loop.turn(60.0)
        loop.turn(60.0)


def test_a_participant_that_raises_stops_neither_the_others_nor_the_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with hand_loop() as loop:

        def fail(now: float) -> float | None:
            raise ValueError("a bug")

        good = _Participant()
        loop.add_participant(_Participant(fail))
        loop.add_participant(good)
        loop.turn(0.0)
        loop.turn(0.0)
        assert len(good.pumps) == 2
        assert "a fault in _Participant; the daemon goes on" in caplog.text


def test_a_callback_that_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with hand_loop() as loop:

        def fail() -> None:
            raise ValueError("a bug")

        called: list[str] = []
        left, right = socket.socketpair()
        with left, right:
            loop.add_reader(left.fileno(), fail)
            right.send(b"x")
            loop.call_soon_threadsafe(fail)
            loop.call_soon_threadsafe(lambda: called.append("after"))
            loop.turn(1.0)
        assert called == ["after"]
        assert caplog.text.count("a fault in a callback") == 2


def test_another_thread_can_wake_the_loop() -> None:
    with hand_loop() as loop:
        threads: list[int] = []
        worker = threading.Thread(
            target=lambda: loop.call_soon_threadsafe(lambda: threads.append(threading.get_ident()))
        )
        worker.start()
        loop.turn_until(lambda: threads)
        worker.join()
        assert threads == [threading.get_ident()]


def test_a_callback_that_asks_for_another_one_leaves_the_loop_its_turn() -> None:
    with hand_loop() as loop:
        count = 0

        def again() -> None:
            nonlocal count
            count += 1
            loop.call_soon_threadsafe(again)

        loop.call_soon_threadsafe(again)
        loop.turn(1.0)
        assert count == 1
        loop.turn(1.0)
        assert count == 2


def test_run_turns_until_it_is_stopped() -> None:
    with hand_loop() as loop:
        turns: list[float] = []

        def pump(now: float) -> float | None:
            turns.append(now)
            if len(turns) == 3:
                loop.stop()
            return now

        loop.add_participant(_Participant(pump))
        loop.run()
        assert len(turns) == 3


def test_a_stop_that_was_asked_for_before_the_run_counts() -> None:
    with hand_loop() as loop:
        loop.call_soon_threadsafe(loop.stop)
        loop.run()


def test_an_event_in_hand_is_not_for_the_next_owner_of_the_number() -> None:
    with hand_loop() as loop:
        pairs = [socket.socketpair(), socket.socketpair()]
        fresh = socket.socketpair()
        told: list[str] = []

        def take_place_of(mine: int, other: int) -> Callable[[], None]:
            def read() -> None:
                told.append("first come")
                pairs[mine][0].recv(10)
                number = pairs[other][0].fileno()
                loop.remove_reader(number)
                os.dup2(fresh[0].fileno(), number)
                loop.add_reader(number, lambda: told.append("stale"))

            return read

        for mine, other in ((0, 1), (1, 0)):
            loop.add_reader(pairs[mine][0].fileno(), take_place_of(mine, other))
            pairs[mine][1].send(b"x")
        loop.turn(1.0)
        assert told == ["first come"]
        loop.turn(0.0)
        assert told == ["first come"]
        for sock in (*pairs[0], *pairs[1], *fresh):
            sock.close()


def test_closing_twice_is_no_error_and_a_late_thread_writes_to_nobody() -> None:
    loop = HandLoop()
    number = loop._wake_fd
    loop.close()
    loop.close()
    with socket.socket() as stranger:
        os.dup2(stranger.fileno(), number)
        loop.call_soon_threadsafe(lambda: None)
        os.close(number)
    assert loop._wake_fd == -1


def test_a_spurious_wake_up_is_no_error() -> None:
    with hand_loop() as loop:
        loop._drain_wake_fd()


def test_time_is_monotonic() -> None:
    loop = Loop()
    before = time.monotonic()
    assert before <= loop.now() <= time.monotonic()
    loop.close()
