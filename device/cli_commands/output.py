"""The one place where the command line writes: lines, tables, JSON and complaints."""

import json
from collections.abc import Iterable, Mapping, Sequence

from device.annotations import TextIO
from device.console import layout
from device.console.layout import printable


class Output:
    """Writes results to `stream` and complaints to `complaints`; with `as_json` results are one JSON value a line."""

    def __init__(self, stream: TextIO, complaints: TextIO, as_json: bool = False) -> None:
        self._stream = stream
        self._complaints = complaints
        self.as_json = as_json

    def line(self, text: object = "") -> None:
        """One line for a person."""
        self._write(self._stream, printable(text))

    def lines(self, lines: Iterable[str]) -> None:
        """Several lines for a person."""
        for line in lines:
            self.line(line)

    def text(self, text: str) -> None:
        """Several lines for a person, such as help or a SIP message."""
        for line in text.splitlines():
            self.line(line.expandtabs())

    def json(self, value: object) -> None:
        """One JSON value for a program."""
        self._write(self._stream, json.dumps(value, ensure_ascii=False))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
        """Rows in aligned columns under `head`; `empty` is said instead when there are none."""
        self.lines(layout.table(head, rows, empty))

    def fields(self, values: Mapping[str, object]) -> None:
        """One value a line, names in front."""
        self.lines(layout.fields(values))

    def complain(self, text: str) -> None:
        """One line about what went wrong."""
        self._write(self._complaints, f"offhook: {printable(text)}")

    @staticmethod
    def _write(stream: TextIO, line: str) -> None:
        encoding = stream.encoding or "utf-8"
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
