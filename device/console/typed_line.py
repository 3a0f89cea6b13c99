"""The text of a line and the cursor in it, and every way to change them. Pure."""

from collections.abc import Callable

from device.annotations import Final
from device.console import keys
from device.console.keys import ctrl

MAX_LINE = 1000
"""Characters of a line; more, from a stuck key or a noisy line, are not taken."""


class TypedLine:
    """Text and cursor; the cursor stands before the character of its number."""

    __slots__ = ("cursor", "keeps_killed", "killed", "text")

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        self.killed = ""
        """What was cut out last; Ctrl-Y brings it back."""
        self.keeps_killed = True

    @property
    def before(self) -> str:
        """What stands before the cursor."""
        return self.text[: self.cursor]

    def put(self, text: str) -> None:
        """Another text, with the cursor at its end."""
        self.text = text
        self.cursor = len(text)

    def insert(self, text: str) -> bool:
        """Put text at the cursor; answers whether all of it found room."""
        taken = text[: MAX_LINE - len(self.text)]
        self.text = self.before + taken + self.text[self.cursor :]
        self.cursor += len(taken)
        return taken == text

    def backspace(self) -> None:
        """Delete the character before the cursor."""
        if self.cursor:
            self.cursor -= 1
            self.delete()

    def delete(self) -> None:
        """Delete the character at the cursor."""
        self.text = self.before + self.text[self.cursor + 1 :]

    def move(self, by: int) -> None:
        """Move the cursor by so many characters, as far as the line goes."""
        self.cursor = max(0, min(self.cursor + by, len(self.text)))

    def word_left(self) -> None:
        """To the start of the word before the cursor."""
        while self.cursor and self.text[self.cursor - 1] == " ":
            self.cursor -= 1
        while self.cursor and self.text[self.cursor - 1] != " ":
            self.cursor -= 1

    def word_right(self) -> None:
        """To the end of the word after the cursor."""
        end = len(self.text)
        while self.cursor < end and self.text[self.cursor] == " ":
            self.cursor += 1
        while self.cursor < end and self.text[self.cursor] != " ":
            self.cursor += 1

    def kill(self, move: Callable[["TypedLine"], None]) -> None:
        """Cut out what lies between the cursor and where `move` takes it."""
        start = self.cursor
        move(self)
        first, last = sorted((start, self.cursor))
        if first < last:
            self.killed = self.text[first:last] if self.keeps_killed else ""
            self.text = self.text[:first] + self.text[last:]
        self.cursor = first

    def yank(self) -> None:
        """Put back what was cut out last."""
        self.insert(self.killed)

    def swap(self) -> None:
        """Exchange the characters on either side of the cursor; at the end of the line those before it."""
        place = min(self.cursor, len(self.text) - 1)
        if place >= 1:
            pair = self.text[place - 1 : place + 1]
            self.text = self.text[: place - 1] + pair[::-1] + self.text[place + 1 :]
            self.cursor = place + 1


def _home(line: TypedLine) -> None:
    line.move(-MAX_LINE)


def _end(line: TypedLine) -> None:
    line.move(MAX_LINE)


def _left(line: TypedLine) -> None:
    line.move(-1)


def _right(line: TypedLine) -> None:
    line.move(1)


CHANGES: Final[dict[str, Callable[[TypedLine], None]]] = {
    keys.BACKSPACE: TypedLine.backspace,
    keys.DELETE: TypedLine.delete,
    keys.LEFT: _left,
    ctrl("b"): _left,
    keys.RIGHT: _right,
    ctrl("f"): _right,
    keys.HOME: _home,
    ctrl("a"): _home,
    keys.END: _end,
    ctrl("e"): _end,
    keys.WORD_LEFT: TypedLine.word_left,
    keys.WORD_RIGHT: TypedLine.word_right,
    ctrl("k"): lambda line: line.kill(_end),
    ctrl("u"): lambda line: line.kill(_home),
    ctrl("w"): lambda line: line.kill(TypedLine.word_left),
    keys.DELETE_WORD: lambda line: line.kill(TypedLine.word_right),
    ctrl("y"): TypedLine.yank,
    ctrl("t"): TypedLine.swap,
}
"""What each key does to a line."""
