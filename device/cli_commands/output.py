"""The one place where the command line writes: lines, tables, JSON and complaints."""

import json
from collections.abc import Mapping, Sequence

from device.annotations import TextIO

COLUMN_GAP = "  "


def printable(text: object) -> str:
    """`text` without control characters: a caller's name must not move the cursor of whoever reads it."""
    return "".join(character if _harmless(character) else _escaped(character) for character in str(text))


def _harmless(character: str) -> bool:
    return character.isprintable() or character == " "


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class Output:
    """Writes results to `stream` and complaints to `complaints`; with `as_json` results are one JSON value a line."""

    def __init__(self, stream: TextIO, complaints: TextIO, as_json: bool = False) -> None:
        self._stream = stream
        self._complaints = complaints
        self.as_json = as_json

    def line(self, text: object = "") -> None:
        """One line for a person."""
        self._write(self._stream, printable(text))

    def text(self, text: str) -> None:
        """Several lines for a person, such as help or a SIP message."""
        for line in text.splitlines():
            self.line(line.expandtabs())

    def json(self, value: object) -> None:
        """One JSON value for a program."""
        self._write(self._stream, json.dumps(value, ensure_ascii=False))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
        """Rows in aligned columns under `head`; `empty` is said instead when there are none."""
        if not rows:
            self.line(empty)
            return
        texts = [[printable(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(head, *texts, strict=True)]
        for row in [list(head), *texts]:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line(COLUMN_GAP.join(cells).rstrip())

    def fields(self, values: Mapping[str, object]) -> None:
        """One value a line, names in front."""
        width = max(map(len, values), default=0)
        for name, value in values.items():
            self.line(f"{name.ljust(width)}{COLUMN_GAP}{shown(value)}")

    def complain(self, text: str) -> None:
        """One line about what went wrong."""
        self._write(self._complaints, f"offhook: {printable(text)}")

    @staticmethod
    def _write(stream: TextIO, line: str) -> None:
        encoding = stream.encoding or "utf-8"
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()


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
