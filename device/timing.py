"""Named deadlines for the pure objects: who waits for what until when. Reads no clock."""

from collections.abc import Hashable

from device.annotations import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)


class TimerSet(Generic[Name]):
    """A small set of named deadlines, earliest first.

    All times are seconds on the caller's monotonic clock. Setting a name again moves its deadline.
    The sets of a phone hold a handful of names, so a plain dictionary beats a heap.
    """

    __slots__ = ("_deadlines",)

    def __init__(self) -> None:
        self._deadlines: dict[Name, float] = {}

    def set(self, name: Name, deadline: float) -> None:
        """Arm `name`, or move it, to fire at `deadline`."""
        self._deadlines[name] = deadline

    def cancel(self, name: Name) -> None:
        """Disarm `name`; it is no error if it was not armed."""
        self._deadlines.pop(name, None)

    def clear(self) -> None:
        """Disarm every timer."""
        self._deadlines.clear()

    def next_timeout(self) -> float | None:
        """The earliest deadline, or None when nothing is armed."""
        return min(self._deadlines.values(), default=None)

    def pop_due(self, now: float) -> list[Name]:
        """Disarm and return the names whose deadline is at or before `now`, earliest first."""
        due = sorted((name for name, at in self._deadlines.items() if at <= now), key=self._deadlines.__getitem__)
        for name in due:
            del self._deadlines[name]
        return due

    def __contains__(self, name: Name) -> bool:
        return name in self._deadlines

    def __len__(self) -> int:
        return len(self._deadlines)


def earliest(*deadlines: float | None) -> float | None:
    """The earliest of several deadlines, each of which may be absent."""
    return min((deadline for deadline in deadlines if deadline is not None), default=None)
