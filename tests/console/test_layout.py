import pytest

from device.console.layout import duration, fields, printable, shown, table, wrapped


def test_columns_are_aligned_wide_letters_too() -> None:
    assert table(("a", "b"), [("x", "1"), ("你好", "2"), ("e\u0301", "3")], "nothing") == [
        "a     b",
        "x     1",
        "你好  2",
        "e\u0301     3",
    ]
    assert table(("a",), [], "nothing") == ["nothing"]


def test_control_characters_do_no_harm() -> None:
    assert printable("a\x1b[2Jb\r\n") == "a\\x1b[2Jb\\r\\n"
    assert table(("a",), [("\x07",)], "") == ["a", "\\x07"]
    assert fields({"name": "\x1b"}) == ["name  \\x1b"]


def test_values() -> None:
    assert [shown(value) for value in (None, "", True, False, 3, {"a": [1]})] == [
        "-",
        "-",
        "yes",
        "no",
        "3",
        '{"a": [1]}',
    ]


@pytest.mark.parametrize(
    ("seconds", "wanted"), [(0, "0 s"), (59.9, "59 s"), (185, "3 min 05 s"), (7620, "2 h 07 min"), (356400, "4 d 03 h")]
)
def test_durations(seconds: float, wanted: str) -> None:
    assert duration(seconds) == wanted


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("short", ["short"]),
        ("exactly twenty wide.", ["exactly twenty wide."]),
        ("a sentence of more than twenty", ["a sentence of more", "than twenty"]),
        ("  - a point of more than twenty", ["  - a point of more", "  than twenty"]),
        ("key  value that goes on and on", ["key  value that goes", "     on and on"]),
        ("a word that: supercalifragilisticexpialidocious", ["a word that:", "supercalifragilisticexpialidocious"]),
        ("a-name-of-half-a-line  and more text", ["a-name-of-half-a-line", "and more text"]),
        ("one  two-of-more  than half", ["one  two-of-more", "     than half"]),
        ("每一個字都是兩格寬的 字", ["每一個字都是兩格寬的", "字"]),
    ],
)
def test_a_line_is_broken_between_words(line: str, pieces: list[str]) -> None:
    assert wrapped(line, 20) == pieces
