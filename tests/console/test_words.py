import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.console.errors import ConsoleError
from device.console.words import Word, quoted, scan, split_words


def test_words_and_their_places() -> None:
    assert split_words(' show  "front door" x') == [Word("show", 1), Word("front door", 7, True), Word("x", 20)]
    assert split_words("   ") == []


def test_quotes() -> None:
    assert [word.text for word in split_words(r'"" a"b c"d "say \"hi\" \\"')] == ["", "ab cd", 'say "hi" \\']


def test_a_quote_that_is_never_closed() -> None:
    with pytest.raises(ConsoleError, match="never closed") as caught:
        split_words('call "front')
    assert caught.value.at == 5
    assert scan('call "fro') == ([Word("call", 0), Word("fro", 5, True)], False)


@given(st.lists(st.text(max_size=10), max_size=5))
def test_quoting_is_undone_by_splitting(texts: list[str]) -> None:
    assert [word.text for word in split_words(" ".join(map(quoted, texts)))] == texts
