"""Digits that come in several ways at once."""

import itertools
import random

import pytest

from device.daemon.digit_once import MAX_OPEN, WINDOW_S, DigitOnce
from device.model import CallId

CALL, OTHER = CallId("c1"), CallId("c2")
WAYS = ("rtp", "info", "inband")


@pytest.fixture
def once() -> DigitOnce:
    return DigitOnce()


def taken(once: DigitOnce, *digits: tuple[str, str, float]) -> str:
    return "".join(digit for digit, way, at in digits if once.is_new(CALL, digit, way, at))


def test_one_way_alone_takes_every_digit(once: DigitOnce) -> None:
    assert taken(once, ("1", "rtp", 0.0), ("1", "rtp", 0.2), ("2", "rtp", 0.4)) == "112"


def test_the_same_digit_by_another_way_is_a_copy(once: DigitOnce) -> None:
    assert taken(once, ("1", "rtp", 0.0), ("1", "info", 0.1)) == "1"
    assert taken(once, ("2", "info", 1.0), ("2", "rtp", 1.1)) == "2"


@pytest.mark.parametrize("order", list(itertools.permutations(WAYS)))
def test_three_ways_are_one_press(once: DigitOnce, order: tuple[str, ...]) -> None:
    assert taken(once, *(("1", way, 0.1 * index) for index, way in enumerate(order))) == "1"
    assert taken(once, *(("1", way, 0.5 + 0.1 * index) for index, way in enumerate(order))) == "1"


def test_a_digit_dialled_twice_by_both_ways(once: DigitOnce) -> None:
    assert taken(once, ("1", "rtp", 0.0), ("1", "info", 0.1), ("1", "rtp", 0.3), ("1", "info", 0.4)) == "11"
    assert taken(once, ("5", "rtp", 9.0), ("5", "rtp", 9.2), ("5", "info", 9.3), ("5", "info", 9.4)) == "55"


@pytest.mark.parametrize("seed", range(20))
def test_quick_presses_by_three_ways_with_delays_of_their_own(once: DigitOnce, seed: int) -> None:
    """Every way keeps its order and has a delay of up to 0.4 s; presses follow each other by 0.1 to 0.3 s."""
    chance = random.Random(seed)
    at, told = 0.0, []
    latest = dict.fromkeys(WAYS, 0.0)
    presses = [chance.choice("15#") for _ in range(30)]
    for digit in presses:
        at += chance.uniform(0.1, 0.3)
        for way in WAYS:
            latest[way] = max(latest[way], at + chance.uniform(0.0, 0.4))
            told.append((latest[way], digit, way))
    told.sort(key=lambda one: one[0])
    heard = taken(once, *((digit, way, when) for when, digit, way in told))
    # Different keys may come the other way round by another way; how often each was pressed may not change.
    assert sorted(heard) == sorted(presses)


def test_another_digit_or_a_late_one_is_no_copy(once: DigitOnce) -> None:
    assert taken(once, ("1", "rtp", 0.0), ("2", "info", 0.1), ("1", "info", WINDOW_S + 0.1)) == "121"


def test_an_info_sent_at_the_release_belongs_to_the_press(once: DigitOnce) -> None:
    assert once.is_new(CALL, "1", "rtp", 0.0)
    assert not once.is_new(CALL, "1", "info", 3.05, held_s=3.0)
    assert once.is_new(CALL, "2", "rtp", 10.0)
    assert once.is_new(CALL, "2", "info", 13.05, held_s=0.1)


def test_a_lost_copy_swallows_no_later_press(once: DigitOnce) -> None:
    assert taken(once, ("1", "rtp", 0.0), ("1", "info", 2.0), ("1", "rtp", 2.1)) == "11"


def test_another_call_is_no_copy(once: DigitOnce) -> None:
    assert once.is_new(CALL, "1", "rtp", 0.0)
    assert once.is_new(OTHER, "1", "info", 0.1)


def test_digits_that_wait_are_bounded(once: DigitOnce) -> None:
    assert once.is_new(CALL, "1", "rtp", 0.0)
    for _ in range(MAX_OPEN):
        assert once.is_new(CALL, "2", "rtp", 0.0)
    assert len(once._presses) == MAX_OPEN
    assert once.is_new(CALL, "1", "info", 0.1), "the oldest was forgotten"
