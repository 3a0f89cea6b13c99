import pytest

from device.console.keys import ENTER, ctrl
from device.console.pager import HINT, MORE, Pager
from tests.support.screens import Screen

LINES = [f"line {number}" for number in range(1, 31)]


class Desk:
    """A pager and the screen that it writes on."""

    def __init__(self, columns: int = 80, length: int = 10) -> None:
        self.screen = Screen(columns, length or 50)
        self.pager = Pager()
        self.pager.resize(columns, length)
        self.pager.begin()

    def add(self, *lines: str) -> None:
        self.pager.add(lines)
        self.screen.feed(self.pager.text_to_send())

    def press(self, key: str) -> None:
        self.screen.feed(self.pager.receive_key(key))


def test_a_short_text_is_shown_at_once() -> None:
    desk = Desk()
    desk.add(*LINES[:9])
    assert not desk.pager.waiting
    assert desk.screen.lines() == LINES[:9]


def test_a_page_leaves_a_row_for_the_prompt() -> None:
    desk = Desk()
    desk.add(*LINES)
    assert desk.pager.waiting
    assert desk.screen.lines() == [*LINES[:9], MORE]


def test_space_shows_the_next_page_and_enter_the_next_line() -> None:
    desk = Desk()
    desk.add(*LINES)
    desk.press(" ")
    assert desk.screen.lines() == [*LINES[9:18], MORE]
    desk.press(ENTER)
    assert desk.screen.lines() == [*LINES[10:19], MORE]
    desk.press(" ")
    desk.press(" ")
    assert not desk.pager.waiting
    assert desk.screen.lines()[-1] == LINES[-1]


@pytest.mark.parametrize("key", ["q", "Q", ctrl("c"), ctrl("d")])
def test_enough(key: str) -> None:
    desk = Desk()
    desk.add(*LINES)
    desk.press(key)
    assert not desk.pager.waiting
    assert desk.screen.lines() == LINES[:9]
    assert desk.screen.cursor == (0, 9)


def test_another_key_is_answered_with_those_that_there_are() -> None:
    desk = Desk()
    desk.add(*LINES)
    desk.press("x")
    assert desk.screen.lines()[-1] == HINT
    desk.press(" ")
    assert desk.screen.lines()[-1] == MORE


def test_long_lines_count_for_the_rows_that_they_take() -> None:
    desk = Desk(columns=20, length=6)
    desk.add("x" * 50, "y", "z", "end")
    assert desk.screen.lines() == ["x" * 20, "x" * 20, "x" * 10, "y", "z", MORE]
    desk.add("w" * 50)
    desk.press(" ")
    desk.press(ENTER)
    assert not desk.pager.waiting


def test_a_line_longer_than_a_page_is_shown_all_the_same() -> None:
    desk = Desk(columns=20, length=4)
    desk.add("a", "x" * 200)
    assert desk.pager.waiting
    desk.press(ENTER)
    assert not desk.pager.waiting


def test_without_paging_everything_comes_at_once() -> None:
    desk = Desk(length=0)
    desk.add(*LINES)
    assert not desk.pager.waiting
    assert desk.screen.lines() == LINES
