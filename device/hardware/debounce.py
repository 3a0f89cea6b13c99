"""A glitch filter for one input, for chips whose kernel side cannot filter; pure."""


class Debounce:
    """A level counts once no edge has come for `debounce_ms`; a spike that is shorter leaves no trace.

    This is a filter and not a dead time: a dead time lets the first spike through and then goes blind. A change is
    dated when the level has been stable for long enough, as the kernel dates it, so that both edges of a pulse are
    late by the same time and its length is right even if we are called late.
    """

    __slots__ = ("_deadline", "_period", "candidate", "level")

    def __init__(self, debounce_ms: int, level: bool = False) -> None:
        self._period = debounce_ms / 1000
        self.candidate = level
        """What the last edge said."""
        self._deadline: float | None = None
        self.level = level
        """The settled level."""

    def receive_edge(self, level: bool, at: float) -> list[tuple[bool, float]]:
        """Take the raw level seen at `at`; returns the settled changes (level, time) up to then, usually none."""
        settled = self.handle_timeout(at)
        self.candidate = level
        # An edge back to the settled level arms the time as well: one that follows at once may be lost, and whoever
        # looks at the line when the time is over finds out.
        self._deadline = at + self._period
        return settled + self.handle_timeout(at)

    def handle_timeout(self, now: float) -> list[tuple[bool, float]]:
        """The change that settled at or before `now`, as (level, time), or an empty list."""
        if self._deadline is None or self._deadline > now:
            return []
        at, self._deadline = self._deadline, None
        if self.candidate == self.level:
            return []
        self.level = self.candidate
        return [(self.level, at)]

    def confirm(self, level: bool) -> None:
        """Say what level the line has while its time runs out; it goes before what the last edge said."""
        self.candidate = level

    def dismiss(self) -> None:
        """Forget the level that is being watched: it was a spike."""
        self._deadline = None
        self.candidate = self.level

    def next_timeout(self) -> float | None:
        """When the level that is being watched will count, if it is not the settled one."""
        return self._deadline
