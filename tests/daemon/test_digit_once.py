"""Digits that come in two ways at once."""

import pytest

from device.daemon.digit_once import MAX_OPEN, WINDOW_S, DigitOnce
from device.model import CallId

CALL, OTHER = CallId("c1"), CallId("c2")


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


def test_a_digit_dialled_twice_by_both_ways(once: DigitOnce) -> None:
    assert taken(once, ("1", "rtp", 0.0), ("1", "info", 0.1), ("1", "rtp", 0.3), ("1", "info", 0.4)) == "11"
    assert taken(once, ("5", "rtp", 9.0), ("5", "rtp", 9.2), ("5", "info", 9.3), ("5", "info", 9.4)) == "55"


def test_another_digit_or_a_late_one_is_no_copy(once: DigitOnce) -> None:
    assert taken(once, ("1", "rtp", 0.0), ("2", "info", 0.1), ("1", "info", WINDOW_S + 0.1)) == "121"


def test_another_call_is_no_copy(once: DigitOnce) -> None:
    assert once.is_new(CALL, "1", "rtp", 0.0)
    assert once.is_new(OTHER, "1", "info", 0.1)


def test_digits_that_wait_are_bounded(once: DigitOnce) -> None:
    assert once.is_new(CALL, "1", "rtp", 0.0)
    for _ in range(MAX_OPEN):
        assert once.is_new(CALL, "2", "rtp", 0.0)
    assert len(once._open) == MAX_OPEN
    assert once.is_new(CALL, "1", "info", 0.1), "the oldest was forgotten"
