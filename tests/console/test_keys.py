import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.console import keys
from device.console.keys import ESCAPE_PATIENCE_S, KeyDecoder, ctrl


def decoded(data: bytes) -> list[str]:
    return KeyDecoder().receive(data, 0.0)


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"\r", [keys.ENTER]),
        (b"\n", [keys.ENTER]),
        (b"\r\n", [keys.ENTER]),
        (b"\r\0", [keys.ENTER]),
        (b"\n\n", [keys.ENTER, keys.ENTER]),
        (b"\r\r\n", [keys.ENTER, keys.ENTER]),
        (b"a\r\nb\r\n", ["a", keys.ENTER, "b", keys.ENTER]),
        (b"\x7f\x08\t", [keys.BACKSPACE, keys.BACKSPACE, keys.TAB]),
        (b"\x01\x05\x0b\x15\x17\x12", [ctrl(letter) for letter in "aekuwr"]),
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", [keys.UP, keys.DOWN, keys.RIGHT, keys.LEFT]),
        (b"\x1bOA\x1bOH\x1bOF", [keys.UP, keys.HOME, keys.END]),
        (b"\x1b[1~\x1b[3~\x1b[4~\x1b[7~\x1b[8~", [keys.HOME, keys.DELETE, keys.END, keys.HOME, keys.END]),
        (b"\x1b[5~\x1b[6~", [keys.PAGE_UP, keys.PAGE_DOWN]),
        (b"\x1b[1;5C\x1b[1;3D", [keys.WORD_RIGHT, keys.WORD_LEFT]),
        (b"\x1bb\x1bf\x1bd\x1b\x7f", [keys.WORD_LEFT, keys.WORD_RIGHT, keys.DELETE_WORD, ctrl("w")]),
        (b"\x1b[24;80R", ["report 24 80"]),
        ("Grüße 你".encode(), list("Grüße 你")),
    ],
)
def test_what_terminals_send(data: bytes, wanted: list[str]) -> None:
    assert decoded(data) == wanted


@pytest.mark.parametrize(
    "noise",
    [
        b"\0\0\0",
        b"\x11\x13",
        b"\x80\xbf",
        b"\xff\xfe",
        b"\xc3\x28"[:1],
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\xf5\x80\x80\x80",
        b"\xc2\x9b",
        b"\x1b[99z",
        b"\x1b[200~\x1b[201~",
        b"\x1bz",
        b"\x1c\x1d\x1e\x1f",
    ],
)
def test_noise_is_passed_over_and_what_follows_is_not(noise: bytes) -> None:
    assert decoded(noise + b"ok\r") == ["o", "k", keys.ENTER]


def test_a_character_that_is_broken_off_does_not_swallow_the_next() -> None:
    assert decoded(b"\xc3(") == ["("]
    assert decoded(b"\xe2\x82\r") == [keys.ENTER]
    assert decoded(b"\xe2\xc3\xa4") == ["ä"]


def test_a_sequence_that_is_broken_off_does_not_swallow_enter() -> None:
    assert decoded(b"\x1b\r") == [keys.ENTER]
    assert decoded(b"\x1b[1\r") == [keys.ENTER]
    assert decoded(b"\x1b\r\n") == [keys.ENTER]
    assert decoded(b"\x1b\x1b[A") == [keys.UP]
    assert decoded(b"\x1b[\x80ok") == ["o", "k"]


def test_a_sequence_without_end_is_given_up() -> None:
    assert decoded(b"\x1b[" + b"1" * 100 + b"x")[-1:] == ["x"]


def test_an_escape_that_came_long_ago_is_forgotten() -> None:
    decoder = KeyDecoder()
    assert decoder.receive(b"\x1b", 0.0) == []
    assert decoder.receive(b"[A", 0.5) == [keys.UP]
    assert decoder.receive(b"\x1b", 1.0) == []
    assert decoder.receive(b"[A", 1.0 + ESCAPE_PATIENCE_S + 0.1) == ["[", "A"]


@given(st.binary(max_size=200), st.lists(st.integers(1, 5), max_size=100))
def test_it_does_not_matter_how_bytes_are_cut(data: bytes, sizes: list[int]) -> None:
    decoder, rest, found = KeyDecoder(), data, []
    for size in sizes:
        found += decoder.receive(rest[:size], 0.0)
        rest = rest[size:]
    found += decoder.receive(rest, 0.0)
    assert found == decoded(data)
    assert all(len(key) > 1 or key.isprintable() for key in found)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=50))
def test_every_text_that_can_be_printed_comes_through(text: str) -> None:
    assert "".join(decoded(text.encode())) == text
