"""What an input does with raw edges where the kernel does not filter them: `Debounce`, checked against the line."""

from collections.abc import Callable

from device.hardware.debounce import Debounce
from device.hardware.interfaces import LineChanged

Edge = tuple[bool, float]
"""Whether the line is active after it, and when it was, in seconds on the monotonic clock."""


class EdgeFilter:
    """Turns edges as they come, some of them perhaps lost, into changes that are settled and alternate.

    `take_edges` gives the edges that wait, oldest first, and never blocks; `read_active` reads the line. When an edge
    has settled the line is read once more, as the kernel's own filter does, so that neither a lost edge nor one whose
    level had changed again before a slow callback looked can leave a wrong state behind.

    Edges that come with their own time by way of another thread may come up to `lag_s` late. Then a line that is not as
    the last edge said is no proof: the edge that tells of it is waited for so long.
    """

    def __init__(
        self,
        name: str,
        debounce_ms: int,
        take_edges: Callable[[], list[Edge]],
        read_active: Callable[[], bool],
        lag_s: float = 0.0,
    ) -> None:
        self._name = name
        self._take_edges = take_edges
        self._read_active = read_active
        self._debounce = Debounce(debounce_ms, read_active())
        self._lag_s = lag_s
        self._doubts = False

    @property
    def active(self) -> bool:
        """The settled state."""
        return self._debounce.level

    def read_events(self) -> list[LineChanged]:
        """The changes that settled up to the last edge that waits."""
        settled = []
        for active, at in self._take_edges():
            self._doubts = False
            settled += self._debounce.receive_edge(active, at)
        return [LineChanged(self._name, active, at) for active, at in settled]

    def handle_timeout(self, now: float) -> list[LineChanged]:
        """The changes that settled by `now`."""
        changes = self.read_events()
        if self._is_due(now):
            active = self._read_active()
            # An edge that comes just now says itself when it was, and ends what was stable until then.
            changes += self.read_events()
            if self._is_due(now) and active != self._debounce.candidate and not self._is_due(now - self._lag_s):
                self._doubts = True
                return changes
            if self._is_due(now):
                self._doubts = False
                self._debounce.confirm(active)
        return changes + [LineChanged(self._name, active, at) for active, at in self._debounce.handle_timeout(now)]

    def next_timeout(self) -> float | None:
        """When the last edge will have settled."""
        deadline = self._debounce.next_timeout()
        return deadline + self._lag_s if self._doubts and deadline is not None else deadline

    def _is_due(self, now: float) -> bool:
        deadline = self._debounce.next_timeout()
        return deadline is not None and deadline <= now
