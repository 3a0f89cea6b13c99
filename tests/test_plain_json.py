"""JSON as the package `json` has it, which is not there."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import plain_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_the_package_does_not_come_with_it() -> None:
    program = (
        "import sys; from device import plain_json\n"
        "plain_json.loads(plain_json.dumps({'a': [1]})); print('json' in sys.modules)"
    )
    # -S: what the test environment loads at every start is not ours to judge.
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@given(VALUES)
def test_it_says_what_the_package_says(value: object) -> None:
    text = plain_json.dumps(value)
    assert text == json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert plain_json.loads(text) == value


@given(VALUES, st.sampled_from([None, 1, 4]))
def test_it_reads_what_the_package_writes(value: object, indent: int | None) -> None:
    assert plain_json.loads(f" \n{json.dumps(value, indent=indent)}\r\n\t") == value


@given(st.text(alphabet='[]{}",:01e-.tfn \\u\n') | st.text())
def test_it_refuses_what_the_package_refuses(text: str) -> None:
    try:
        wanted = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011  # the words are the scanner's
            plain_json.loads(text)
    else:
        assert plain_json.loads(text) == wanted


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_numbers_that_json_has_not_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        plain_json.loads(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a value is missing at character 0"),
        ("  ", "a value is missing at character 2"),
        ("[1,", "."),
        ('{"a":}', "a value is missing at character 5|Expecting value"),
        ("[1] 2", "something follows the value at character 4"),
    ],
)
def test_where_it_is_wrong_is_told(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plain_json.loads(text)


@pytest.mark.parametrize("value", [{1, 2}, b"octets", object(), [object()]])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is nothing that JSON can say"):
        plain_json.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [-float("inf")]])
def test_numbers_that_json_has_not_are_not_said(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        plain_json.dumps(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueError, match="Circular"):
        plain_json.dumps(value)


def test_a_tower_of_brackets_is_an_error_and_no_crash() -> None:
    with pytest.raises(RecursionError):
        plain_json.loads("[" * 100_000)
