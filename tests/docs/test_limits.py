"""The tables of docs/limits.md tell the truth: constants have their values, tests exist, no table is left out."""

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


ROOMS = ("sip", "net", "exchange", "daemon", "control", "store")
A_BOUND = re.compile(r"^(_?MAX_[A-Z_]+|_?[A-Z_]+_KEPT|KEPT_[A-Z_]+|[A-Z_]+_LIMIT)\b[^=\n]*= ", re.MULTILINE)
NO_TABLE = {
    "device/sip": (
        "MAX_CHALLENGES_READ MAX_STALE_RENEWALS MAX_UDP_REQUEST_BYTES _MAX_FORWARDS MAX_FORWARDS LOST_LIMIT MAX_CSEQ "
        "MAX_BODY_BYTES MAX_MAX_FORWARDS MAX_PARTS MAX_DEPTH MAX_INTERVALS MAX_HEADER_BYTES MAX_HEADER_LINES MAX_PORT "
        "MAX_SERVICE_ROUTES MAX_STUN_BYTES MAX_ATTRIBUTES MAX_NUMBER MAX_ATTEMPTS"
    ),
    "device/net": (
        "MAX_TTL_S MAX_NEGATIVE_TTL_S MAX_STALE_S MAX_QUERIES MAX_SOCKETS MAX_RESPONSE _MAX_NAME_BYTES "
        "_MAX_LABEL_BYTES _MAX_STEPS _MAX_RECORDS _MAX_ALIASES MAX_WORKERS MAX_RTP_DATAGRAM MAX_SERVERS "
        "MAX_SEARCH MAX_BYTES MAX_FILE_BYTES MAX_DATAGRAM"
    ),
    "device/exchange": "MAX_FORWARDS",
    "device/daemon": "DEFAULT_LIMIT MAX_FILE_BYTES",
    "device/control": "MAX_LINE_BYTES MAX_EVENTS_KEPT MAX_ANSWER_BYTES MAX_PATH_BYTES",
    "device/store": "DAMAGED_FILES_KEPT",
}
"""Limits of single messages and files, of numbers and of attempts, and a client's own: they fill up with nothing."""


def test_no_table_is_left_out() -> None:
    """Whoever bounds something new says here what happens when it is full."""
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for room in ROOMS
        for path in sorted((ROOT / "device" / room).glob("*.py"))
        for name in A_BOUND.findall(path.read_text())
        if f"{path.relative_to(ROOT)}: {name} = " not in PAGE and name not in NO_TABLE[f"device/{room}"].split()
    ]
    assert missing == []
