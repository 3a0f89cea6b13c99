"""The lines that were typed before, for the arrow keys and for Ctrl-R. Pure."""

LINES_KEPT = 200


class History:
    """Lines, oldest first, and where the person is among them; the line being typed stands after the last."""

    __slots__ = ("_draft", "_lines", "_place")

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._place = 0
        self._draft = ""

    @property
    def lines(self) -> list[str]:
        return list(self._lines)

    def add(self, line: str) -> None:
        """Remember a line; empty ones and repetitions are not."""
        if line.strip() and self._lines[-1:] != [line]:
            self._lines.append(line)
            del self._lines[:-LINES_KEPT]
        self.rewind()

    def forget_last(self) -> None:
        """The last line held something that nobody is to see."""
        del self._lines[-1:]
        self.rewind()

    def rewind(self) -> None:
        """Back to the line being typed."""
        self._place = len(self._lines)
        self._draft = ""

    def step(self, by: int, text: str) -> str | None:
        """The line `by` steps away from the present one, whose text is `text`; None where there is none."""
        place = self._place + by
        if not 0 <= place <= len(self._lines):
            return None
        if self._place == len(self._lines):
            self._draft = text
        self._place = place
        return self._draft if place == len(self._lines) else self._lines[place]

    def find(self, part: str, before: int | None = None) -> int | None:
        """The place of the newest line with `part` in it, older than the one at `before`; None where there is none."""
        newest = len(self._lines) if before is None else before
        return next((place for place in range(newest - 1, -1, -1) if part in self._lines[place]), None)

    def go_to(self, place: int, text: str) -> str:
        """Make the line at `place` the present one, and answer it."""
        if self._place == len(self._lines):
            self._draft = text
        self._place = place
        return self._lines[place]
