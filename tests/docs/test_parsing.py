"""The tables of docs/parsing.md name tests that exist and vectors that are there."""

import re

import pytest

from tests.docs.test_conformance import ROOT, cells, defined_tests

PAGE = (ROOT / "docs/parsing.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| what", "|--"))]
VECTORS = {path.stem for path in (ROOT / "tests/vectors/sip").rglob("*.*") if path.suffix in (".sip", ".dat")}


def faults(row: str) -> list[str]:
    """What is wrong with one row."""
    *texts, tests = cells(row)
    found = [] if len(texts) >= 2 and all(texts) else ["an empty cell"]
    names = re.findall(r"`([^`]+)`", tests)
    if not names:
        found.append("no test")
    for name in names:
        path, _, rest = name.partition("::")
        test, _, vector = rest.partition("[")
        if test not in defined_tests(path):
            found.append(f"no test {name}")
        if vector and vector.removesuffix("]") not in VECTORS:
            found.append(f"no vector {vector}")
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: cells(row)[0][:50])
def test_each_row_names_its_test(row: str) -> None:
    assert faults(row) == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("| x | y | `tests/docs/test_parsing.py::test_nothing` |", "no test tests/docs/test_parsing.py::test_nothing"),
        ("| x | y | `tests/docs/test_parsing.py::test_each_row_names_its_test[z]` |", "no vector z]"),
        ("| x | | `tests/docs/test_parsing.py::test_each_row_names_its_test` |", "an empty cell"),
        ("| x | y | none |", "no test"),
    ],
)
def test_a_row_that_is_wrong_is_noticed(row: str, fault: str) -> None:
    assert faults(row) == [fault]


def test_there_are_tables_of_liberties_of_refusals_and_of_bounds() -> None:
    assert len(ROWS) > 50
    assert [line for line in PAGE.splitlines() if line.startswith("## ")] == [
        "## Liberties",
        "## Refused on purpose, though some elements forgive it",
        "## Bounds",
    ]
