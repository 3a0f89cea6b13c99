import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.console import keys
from device.console.keys import ctrl
from device.console.typed_line import CHANGES, MAX_LINE, TypedLine


def line_of(text: str) -> TypedLine:
    """A line whose cursor stands where the bar is."""
    line = TypedLine()
    line.put(text.replace("|", ""))
    line.cursor = text.index("|")
    return line


def shown(line: TypedLine) -> str:
    return f"{line.before}|{line.text[line.cursor :]}"


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("ab|c", keys.BACKSPACE, "a|c"),
        ("|abc", keys.BACKSPACE, "|abc"),
        ("a|bc", keys.DELETE, "a|c"),
        ("abc|", keys.DELETE, "abc|"),
        ("a|bc", keys.LEFT, "|abc"),
        ("|abc", ctrl("b"), "|abc"),
        ("a|bc", keys.RIGHT, "ab|c"),
        ("abc|", ctrl("f"), "abc|"),
        ("ab|c", ctrl("a"), "|abc"),
        ("ab|c", keys.HOME, "|abc"),
        ("ab|c", ctrl("e"), "abc|"),
        ("ab|c", keys.END, "abc|"),
        ("one two  |", keys.WORD_LEFT, "one |two  "),
        ("one| two", keys.WORD_RIGHT, "one two|"),
        ("one| two", ctrl("k"), "one|"),
        ("one| two", ctrl("u"), "| two"),
        ("one two|x", ctrl("w"), "one |x"),
        ("|one two", keys.DELETE_WORD, "| two"),
        ("ab|c", ctrl("t"), "acb|"),
        ("abc|", ctrl("t"), "acb|"),
        ("|abc", ctrl("t"), "|abc"),
        ("a|", ctrl("t"), "a|"),
    ],
)
def test_keys(before: str, key: str, after: str) -> None:
    line = line_of(before)
    CHANGES[key](line)
    assert shown(line) == after


@pytest.mark.parametrize("key", [ctrl("k"), ctrl("u"), ctrl("w")])
def test_what_was_cut_out_can_be_put_back(key: str) -> None:
    line = line_of("one two| three")
    CHANGES[key](line)
    CHANGES[ctrl("y")](line)
    assert line.text == "one two three"


def test_nothing_of_a_hidden_line_is_kept() -> None:
    line = line_of("secret|")
    line.keeps_killed = False
    CHANGES[ctrl("u")](line)
    assert line.killed == ""


def test_a_stuck_key_does_not_fill_the_memory() -> None:
    line = TypedLine()
    assert line.insert("x" * MAX_LINE)
    assert not line.insert("y")
    assert line.text == "x" * MAX_LINE


@given(st.lists(st.one_of(st.sampled_from(sorted(CHANGES)), st.sampled_from("ab ")), max_size=60))
def test_the_cursor_never_leaves_the_line(pressed: list[str]) -> None:
    line = TypedLine()
    for key in pressed:
        if key in CHANGES:
            CHANGES[key](line)
        else:
            line.insert(key)
        assert 0 <= line.cursor <= len(line.text)
