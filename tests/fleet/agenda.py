"""Virtual time: what is to happen when, and nothing waits for it."""

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class Agenda:
    """A heap of actions, the earliest first; those of one moment happen in the order in which they were put there."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Action]] = []
        self._sequence = 0

    def at(self, moment: float, action: Action) -> None:
        """Let `action` happen at `moment`, or now if that is over."""
        self._sequence += 1
        heappush(self._due, (max(moment, self.now), self._sequence, action))

    def run(self, until: float) -> None:
        """Let everything happen that is due up to `until`, and stand there."""
        due = self._due
        while due and due[0][0] <= until:
            self.now, _, action = heappop(due)
            action()
        self.now = max(self.now, until)
