"""What a person sees: the screen of a terminal, as pyte makes it of what was sent."""

import pyte


class Screen:
    """A terminal of so many columns and lines."""

    def __init__(self, columns: int = 80, length: int = 24) -> None:
        self._screen = pyte.Screen(columns, length)
        self._stream = pyte.Stream(self._screen)

    def feed(self, text: str | bytes) -> None:
        """Print what was sent."""
        self._stream.feed(text.decode() if isinstance(text, bytes) else text)

    def lines(self) -> list[str]:
        """The rows down to the last one with anything on it."""
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def last(self) -> str:
        """The last row with anything on it."""
        return (self.lines() or [""])[-1]

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row, from 0."""
        return self._screen.cursor.x, self._screen.cursor.y
