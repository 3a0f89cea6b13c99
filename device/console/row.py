"""One row of a terminal, kept right with printable characters, backspaces and carriage returns alone. Pure.

No cursor addressing, no colour: what works on a printing terminal works everywhere, and few bytes cross a slow line.
"""

from collections.abc import Sequence
from unicodedata import category, east_asian_width

Cell = str
"""A character with the marks that stand on it."""


def cells(text: str) -> list[Cell]:
    """The cells of `text`; a mark without a character before it stands on a blank."""
    found: list[Cell] = []
    for character in text:
        if cell_width(character):
            found.append(character)
        elif found:
            found[-1] += character
        else:
            found.append(f" {character}")
    return found


def cell_width(cell: Cell) -> int:
    """Columns that a cell takes: 2 for wide characters of East Asia, 0 for a mark alone (Unicode Annex 11)."""
    if cell[0].isascii():
        return 1
    if category(cell[0]) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(cell[0]) in "WF" else 1


def width(row: Sequence[Cell]) -> int:
    """Columns that cells take together."""
    return sum(map(cell_width, row))


class Row:
    """What stands on the row of the cursor. `show` answers the text that makes it another row."""

    __slots__ = ("_cells", "_column")

    def __init__(self) -> None:
        self._cells: list[Cell] = []
        self._column = 0

    def reset(self) -> None:
        """The cursor stands on an empty row, in the first column."""
        self._cells = []
        self._column = 0

    def show(self, wanted: Sequence[Cell], cursor: int) -> str:
        """The text that turns the row into `wanted` and puts the cursor before the cell of index `cursor`."""
        same = 0
        for old, new in zip(self._cells, wanted, strict=False):
            if old != new:
                break
            same += 1
        out = ""
        if same < len(self._cells) or same < len(wanted):
            out = self._move(width(self._cells[:same]))
            old_width, fresh = width(self._cells[same:]), wanted[same:]
            surplus = old_width - width(fresh)
            self._cells = list(wanted)
            self._column = width(self._cells)
            out += "".join(fresh)
            if surplus > 0:
                out += " " * surplus
                self._column += surplus
        return out + self._move(width(self._cells[:cursor]))

    def clear(self) -> str:
        """The text that empties the row and leaves the cursor in its first column."""
        return self.show([], 0)

    def _move(self, column: int) -> str:
        """The text that moves the cursor to `column`, which is where a cell begins or ends."""
        before, self._column = self._column, column
        if column > before:
            return self._between(before, column)
        if before - column <= column + 1:
            return "\b" * (before - column)
        return "\r" + self._between(0, column)

    def _between(self, first: int, last: int) -> str:
        """The characters from one column to another: printing them moves the cursor over them."""
        text, column = "", 0
        for cell in self._cells:
            if first <= column < last:
                text += cell
            column += cell_width(cell)
        return text
