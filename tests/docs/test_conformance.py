"""The tables of docs/conformance are whole and name tests that exist; what is not met says why."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
INDEX = ROOT / "docs/conformance.md"
FILES = sorted((ROOT / "docs/conformance").glob("*.md"))
COLUMNS = ["clause", "requirement", "behaviour", "test"]

KEYWORDS = "MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|text"
CLAUSE = re.compile(rf"([0-9A-Z]+(?:\.[0-9]+)*)(?: item [0-9]+)? (?:{KEYWORDS})")
SHORTFALL = re.compile(r"(Partly met|Not met|Not applicable): \S")
SHORTEST_REASON = 3
"""Words after "because": fewer are no reason."""

SECTIONS = """
    7.1 7.2 7.3 7.3.1 7.3.2 7.3.3 7.4 7.4.1 7.4.2 7.5
    8.1 8.1.1 8.1.1.1 8.1.1.2 8.1.1.3 8.1.1.4 8.1.1.5 8.1.1.6 8.1.1.7 8.1.1.8 8.1.1.9 8.1.1.10 8.1.2
    8.1.3 8.1.3.1 8.1.3.2 8.1.3.3 8.1.3.4 8.1.3.5
    8.2 8.2.1 8.2.2 8.2.2.1 8.2.2.2 8.2.2.3 8.2.3 8.2.4 8.2.5 8.2.6 8.2.6.1 8.2.6.2 8.2.7 8.3
    9.1 9.2
    10.1 10.2 10.2.1 10.2.1.1 10.2.1.2 10.2.2 10.2.3 10.2.4 10.2.5 10.2.6 10.2.7 10.2.8 10.3
    11 11.1 11.2
    12.1 12.1.1 12.1.2 12.2 12.2.1 12.2.1.1 12.2.1.2 12.2.2 12.3
    13.1 13.2 13.2.1 13.2.2 13.2.2.1 13.2.2.2 13.2.2.3 13.2.2.4 13.3 13.3.1 13.3.1.1 13.3.1.2 13.3.1.3 13.3.1.4
    14 14.1 14.2
    15 15.1 15.1.1 15.1.2
    16.1 16.2 16.3 16.4 16.5 16.6 16.7 16.8 16.9 16.10 16.11 16.12 16.12.1
    17 17.1 17.1.1 17.1.1.1 17.1.1.2 17.1.1.3 17.1.2 17.1.2.1 17.1.2.2 17.1.3 17.1.4
    17.2 17.2.1 17.2.2 17.2.3 17.2.4
    18 18.1 18.1.1 18.1.2 18.2 18.2.1 18.2.2 18.3 18.4
    19.1 19.1.1 19.1.2 19.1.3 19.1.4 19.1.5 19.1.6 19.2 19.3
    20 21.1 21.2 21.2.1 21.3 21.4 21.5 21.6
    22 22.1 22.2 22.3 22.4
    23 23.1 23.2 23.3 23.4 23.4.1 23.4.1.1 23.4.1.2 23.4.2 23.4.3
    26.1 26.2 26.2.1 26.2.2 26.2.3 26.2.4 26.3 26.3.1 26.3.2 26.3.2.1 26.3.2.2 26.3.2.3 26.3.2.4
    26.4 26.4.1 26.4.2 26.4.3 26.4.4 26.5
"""
LAST_STATUS = ((1, 5), (3, 5), (4, 28), (5, 7), (6, 4))
SECTIONS_OF_RFC_3261 = frozenset(
    (
        *SECTIONS.split(),
        *(f"20.{number}" for number in range(1, 45)),
        *(f"21.{kind}.{number}" for kind, last in LAST_STATUS for number in range(1, last + 1)),
    )
)
"""The section numbers that a clause of RFC 3261 may have."""


def cells(line: str) -> list[str]:
    """The cells of a row; a bar that belongs to the text is written with a backslash."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


@cache
def defined_tests(path: str) -> frozenset[str]:
    """The tests that a file defines, as they stand after its path: `test_name` or `TestClass::test_name`."""
    file = ROOT / path
    if not path.startswith("tests/") or not file.is_file():
        return frozenset()
    found = set()
    for node in ast.parse(file.read_text()).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for member in members:
            if isinstance(member, ast.FunctionDef) and member.name.startswith("test"):
                found.add(prefix + member.name)
    return frozenset(found)


def faults_of_tests(text: str, may_be_missing: bool) -> list[str]:
    if text == "none":
        return [] if may_be_missing else ["no test, though the clause is met"]
    names = re.findall(r"`([^`]+)`", text)
    if re.sub(r"`[^`]+`", "", text).replace(",", "").strip() or not names:
        return [f"not a list of tests in back quotes: {text!r}"]
    return [
        f"no such test: {name}"
        for name in names
        if name.partition("::")[2] not in defined_tests(name.partition("::")[0])
    ]


def faults_of_row(line: str, rfc: str) -> list[str]:
    """Everything wrong with one row of a table under a heading that names `rfc`."""
    row = cells(line)
    if len(row) != len(COLUMNS) or not all(row):
        return [f"not four cells with something in each: {line[:80]}"]
    clause, _, behaviour, tests = row
    match = CLAUSE.fullmatch(clause)
    faults = []
    if match is None:
        faults.append(f"{clause!r} is no section number with MUST, MUST NOT, SHOULD, SHOULD NOT, MAY or text")
    elif rfc == "3261" and match[1] not in SECTIONS_OF_RFC_3261:
        faults.append(f"RFC 3261 has no section {match[1]}")
    shortfall = SHORTFALL.match(behaviour)
    reason = behaviour.partition(" because ")[2].split()
    if shortfall is not None and len(reason) < SHORTEST_REASON:
        faults.append(f"{clause}: {shortfall[1]!r} without a reason after 'because'")
    if shortfall is None and re.match(r"\W*(partly|not) (met|applicable|supported)", behaviour, re.IGNORECASE):
        faults.append(f"{clause}: write 'Partly met:', 'Not met:' or 'Not applicable:' and go on in the same cell")
    may_be_missing = shortfall is not None and shortfall[1] != "Partly met"
    return faults + [f"{clause}: {fault}" for fault in faults_of_tests(tests, may_be_missing)]


def faults_of_file(text: str) -> list[str]:
    """Everything wrong with a file: every table in it has the four columns, whole rows and an RFC above it."""
    faults, rfc, rows, lines = [], "", 0, text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            rfc = (re.findall(r"RFC (\d+)", line) or [rfc])[-1]
        if not line.startswith("|"):
            continue
        if number == 1 or not lines[number - 2].startswith("|"):
            found = [] if cells(line) == COLUMNS else [f"the columns of a table are {', '.join(COLUMNS)}"]
            found += [] if rfc else ["no heading above this table names an RFC"]
        elif set(line) <= set("|-: "):
            found = []
        else:
            rows += 1
            found = faults_of_row(line, rfc)
        faults += [f"line {number}: {fault}" for fault in found]
    return faults if rows else [*faults, "no row at all"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_row_is_whole_and_names_tests_that_exist(path: Path) -> None:
    assert faults_of_file(path.read_text()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_requirement_stands_twice(path: Path) -> None:
    rows = [cells(line) for line in path.read_text().splitlines() if line.startswith("|")]
    requirements = [tuple(row[:2]) for row in rows if CLAUSE.fullmatch(row[0])]
    twice = [row for row in dict.fromkeys(requirements) if requirements.count(row) > 1]
    assert twice == []


def test_the_index_names_every_file_and_no_other() -> None:
    assert sorted(re.findall(r"\]\(conformance/([^)]+)\)", INDEX.read_text())) == [path.name for path in FILES]


HEAD = "# RFC 3261\n| clause | requirement | behaviour | test |\n|---|---|---|---|\n"
THIS = "tests/docs/test_conformance.py::test_the_index_names_every_file_and_no_other"


@pytest.mark.parametrize(
    "row",
    [
        f"| 8.2.1 MUST | x | y | `{THIS}` |",
        f"| 16.6 item 8 SHOULD | x | a \\| b | `{THIS}`, `{THIS}` |",
        "| 23.2 SHOULD | x | Not met: dropped, because nobody sends it | none |",
        f"| 23.2 SHOULD NOT | x | Partly met: half, because the rest is rare | `{THIS}` |",
    ],
)
def test_good_rows_are_taken(row: str) -> None:
    assert faults_of_file(HEAD + row) == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"| 8.2.1 MUST | x |  | `{THIS}` |", "four cells"),
        (f"| 8.2.1 MUST | x | y | z | `{THIS}` |", "four cells"),
        (f"| 8.2.1 | x | y | `{THIS}` |", "no section number"),
        (f"| 8.2.9 MUST | x | y | `{THIS}` |", "has no section 8.2.9"),
        ("| 8.2.1 MUST | x | y | none |", "no test"),
        ("| 8.2.1 MUST | x | y | some day |", "not a list"),
        (f"| 8.2.1 MUST | x | y | see `{THIS}` |", "not a list"),
        (f"| 8.2.1 MUST | x | y | `{THIS}_at_all` |", "no such test"),
        ("| 8.2.1 MUST | x | y | `tests/docs/test_nothing.py::test_x` |", "no such test"),
        ("| 8.2.1 MUST | x | Not met: because | none |", "without a reason"),
        ("| 8.2.1 MUST | x | Not met: dropped | none |", "without a reason"),
        ("| 8.2.1 MUST | x | Not supported, because nobody asks | none |", "write 'Partly met:'"),
        ("| 8.2.1 MUST | x | Partly met: half, because the rest is rare | none |", "no test"),
    ],
)
def test_bad_rows_are_found(row: str, fault: str) -> None:
    assert any(fault in found for found in faults_of_file(HEAD + row))


def test_tables_of_another_form_are_found() -> None:
    assert "columns" in faults_of_file(f"# RFC 3261\n| a | b |\n|---|---|\n{HEAD}")[0]
    assert "names an RFC" in faults_of_file(HEAD.partition("\n")[2])[0]
    assert faults_of_file("# RFC 3261\n") == ["no row at all"]
