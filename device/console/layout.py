"""How values, tables and times read on a terminal; for the console and the command line. Pure."""

import json
import re
from collections.abc import Mapping, Sequence

from device.console.row import cells, width

COLUMN_GAP = "  "
LEAST_COLUMN = 24
"""A last column of a table that has less room goes on below the one before."""
LAST_COLUMN = re.compile(r"(?<=\S) {2,}(?=\S)")
WORD = re.compile(r" *[^ ]+")


def printable(text: object) -> str:
    """`text` without control characters: a caller's name must not move the cursor of whoever reads it."""
    return "".join(character if _harmless(character) else _escaped(character) for character in str(text))


def _harmless(character: str) -> bool:
    return character.isprintable() or character == " "


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shown(value: object) -> str:
    """A value of a JSON object as a person reads it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def duration(seconds: float) -> str:
    """Seconds as a person says them: 45 s, 3 min 05 s, 2 h 07 min, 4 d 03 h."""
    whole = max(0, int(seconds))
    for unit, size, smaller, smaller_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller_size:02d} {smaller}"
    return f"{whole} s"


def table(head: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> list[str]:
    """Rows in aligned columns under `head`; `empty` is said instead when there are none."""
    if not rows:
        return [empty]
    texts = [list(head), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*texts, strict=True)]
    return [
        COLUMN_GAP.join(_filled(cell, wanted) for cell, wanted in zip(row, widths, strict=True)).rstrip()
        for row in texts
    ]


def fields(values: Mapping[str, object]) -> list[str]:
    """One value a line, names in front."""
    longest = max(map(len, values), default=0)
    return [f"{name.ljust(longest)}{COLUMN_GAP}{printable(shown(value))}" for name, value in values.items()]


def wrapped(line: str, columns: int) -> list[str]:
    """A line in pieces that fit, broken between words; those of a table go on below its last column.

    A word that is longer than a line stays whole: the terminal breaks it, and whoever copies it gets it in one piece.
    """
    if _width(line) <= columns:
        return [line]
    gaps = [gap.end() for gap in LAST_COLUMN.finditer(line) if gap.end() <= columns - min(LEAST_COLUMN, columns // 2)]
    indent = " " * (gaps[-1] if gaps else len(line) - len(line.lstrip()))
    pieces, current = [], ""
    for word in WORD.findall(line):
        if current.strip() and _width(current + word) > columns:
            pieces.append(current)
            current = indent + word.lstrip()
        else:
            current += word
    return [*pieces, current]


def _width(text: str) -> int:
    return width(cells(text))


def _filled(text: str, wanted: int) -> str:
    return text + " " * (wanted - _width(text))
