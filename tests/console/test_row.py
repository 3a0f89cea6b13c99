import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.console.row import Row, cell_width, cells, width

LETTERS = st.text(alphabet="ab çé你好 ", max_size=30)


@pytest.mark.parametrize(
    ("text", "wanted"), [("abc", 3), ("你好", 4), ("e\u0301", 1), ("", 0), ("\u0301", 1), ("\u200bx", 2)]
)
def test_widths(text: str, wanted: int) -> None:
    assert width(cells(text)) == wanted


def test_a_mark_belongs_to_the_character_before_it() -> None:
    assert cells("e\u0301a") == ["e\u0301", "a"]
    assert cell_width("\u0301") == 0


@given(st.lists(st.tuples(LETTERS, st.integers(0, 30)), min_size=1, max_size=8))
def test_a_terminal_shows_each_row_with_the_cursor_in_its_place(rows: list[tuple[str, int]]) -> None:
    screen, row = pyte.Screen(80, 3), Row()
    stream = pyte.Stream(screen)
    for text, place in rows:
        shown = cells(text)
        cursor = min(place, len(shown))
        stream.feed(row.show(shown, cursor))
        assert screen.display[0].rstrip() == text.rstrip()
        assert screen.cursor.x == width(shown[:cursor])
        assert screen.cursor.y == 0
    stream.feed(row.clear())
    assert screen.display[0].strip() == ""
    assert screen.cursor.x == 0


def test_little_is_sent_for_a_little_change() -> None:
    row = Row()
    row.show(list("show status"), 11)
    assert row.show(list("show status!"), 12) == "!"
    assert row.show(list("show status!"), 11) == "\b"
    assert row.show(list("show status"), 11) == " \b"
    assert row.show(list("show status"), 0) == "\r"


def test_nothing_but_characters_backspace_and_return_is_sent() -> None:
    row = Row()
    sent = row.show(list("abc"), 1) + row.show(list("x"), 0) + row.show(list("abcd"), 2) + row.clear()
    assert set(sent) <= set("abcdx \b\r")
