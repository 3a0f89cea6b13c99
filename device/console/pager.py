"""Lines in pages that fit the terminal, with a pause between them. Pure."""

from collections import deque
from collections.abc import Iterable

from device.console.keys import ENTER, PAGE_DOWN, ctrl
from device.console.row import Row, cells, width

MORE = "--More--"
HINT = "--More-- (space: next page, Enter: next line, q: enough)"


class Pager:
    """Takes lines, gives text as far as the page goes. `length` 0 is a page without end."""

    __slots__ = ("_columns", "_hint", "_left", "_length", "_lines", "_row")

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._row = Row()
        self._columns, self._length = 80, 24
        self._left = self._length - 1
        self._hint = False

    def resize(self, columns: int, length: int) -> None:
        """The terminal has so many columns and lines; no lines for one that pages by itself."""
        self._columns, self._length = columns, length

    def begin(self) -> None:
        """What comes next starts a page."""
        self._left = max(1, self._length - 1)
        self._hint = False

    def add(self, lines: Iterable[str]) -> None:
        """Lines to show, without their ends."""
        self._lines.extend(lines)

    @property
    def waiting(self) -> bool:
        """Whether there is more to show, and a key is waited for."""
        return bool(self._lines)

    def text_to_send(self) -> str:
        """As much as fits; a prompt at its end when there is more."""
        out = ""
        while self._lines:
            rows = self._rows(self._lines[0])
            if self._length and rows > self._left and self._left < self._length - 1:
                return out + self._row.show(cells(HINT if self._hint else MORE), len(HINT if self._hint else MORE))
            out += self._row.clear() + self._lines.popleft() + "\r\n"
            self._left -= rows
        return out

    def receive_key(self, key: str) -> str:
        """A key at the prompt; the text that follows from it."""
        self._hint = False
        if key in (" ", "f", PAGE_DOWN):
            self._left = max(1, self._length - 1)
        elif key in (ENTER, "j", "down"):
            self._left = self._rows(self._lines[0]) if self._lines else 1
        elif key in ("q", "Q", ctrl("c"), ctrl("d")):
            return self.stop()
        else:
            self._hint = True
        return self.text_to_send()

    def stop(self) -> str:
        """Show no more; the text that takes the prompt away."""
        self._lines.clear()
        return self._row.clear()

    def _rows(self, line: str) -> int:
        return max(1, -(-width(cells(line)) // self._columns))
