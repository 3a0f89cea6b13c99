"""The tables of docs/limits.md tell the truth: constants have their values and tests exist."""

import re
from importlib import import_module

import pytest

from tests.docs.test_conformance import ROOT, cells, defined_tests

PAGE = (ROOT / "docs/limits.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what")]
CONSTANT = re.compile(r"`(device/[a-z_/]+\.py): ([A-Za-z_.]+) = (\d+)`")


def faults(row: str) -> list[str]:
    """What is wrong with one row."""
    what, room, constant, when_full, tests = cells(row)
    found = [] if all((what, room, when_full)) else ["an empty cell"]
    match = CONSTANT.fullmatch(constant)
    if match is None:
        found.append("no constant")
    elif value_of(match[1], match[2]) != int(match[3]):
        found.append(f"{match[2]} is {value_of(match[1], match[2])}")
    names = re.findall(r"`([^`]+)`", tests)
    if not names:
        found.append("no test")
    for name in names:
        path, _, test = name.partition("::")
        if test not in defined_tests(path):
            found.append(f"no test {name}")
    return found


def value_of(path: str, name: str) -> object:
    """The value of a constant, or the default of a setting; None when there is none of that name."""
    if not (ROOT / path).is_file():
        return None
    module = import_module(path.removesuffix(".py").replace("/", "."))
    first, _, field = name.partition(".")
    found = getattr(module, first, None)
    return getattr(found(), field, None) if field and found is not None else found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: cells(row)[0][:50])
def test_each_row_is_true(row: str) -> None:
    assert faults(row) == []


GOOD = "`device/sip/identity.py: MAX_SERVERS = 32`"
TEST = "`tests/docs/test_limits.py::test_each_row_is_true`"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"| x | 1 | {GOOD.replace('32', '1')} | y | {TEST} |", "MAX_SERVERS is 32"),
        (f"| x | 1 | {GOOD.replace('MAX_SERVERS', 'NOTHING')} | y | {TEST} |", "NOTHING is None"),
        (f"| x | 1 | {GOOD.replace('identity', 'nothing')} | y | {TEST} |", "MAX_SERVERS is None"),
        (f"| x | 1 | 48 | y | {TEST} |", "no constant"),
        (f"| x | 1 | {GOOD} | y | none |", "no test"),
        (
            f"| x | 1 | {GOOD} | y | `tests/docs/test_limits.py::test_no` |",
            "no test tests/docs/test_limits.py::test_no",
        ),
        (f"| x | | {GOOD} | y | {TEST} |", "an empty cell"),
    ],
)
def test_a_row_that_is_wrong_is_noticed(row: str, fault: str) -> None:
    assert faults(row) == [fault]
