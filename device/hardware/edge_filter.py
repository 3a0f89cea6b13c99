"""What an input does with raw edges where the kernel does not filter them: `Debounce`, checked against the line."""

from collections.abc import Callable

from device.hardware.debounce import Debounce
from device.hardware.interfaces import LineChanged

Edge = tuple[bool, float]
"""Whether the line is active after it, and when it was, in seconds on the monotonic clock."""

MISSED_AFTER_S = 0.1
"""An edge that has not been told of for so long has been lost on the way."""


class EdgeFilter:
    """Turns edges as they come, some of them perhaps lost, into changes that are settled and alternate.

    `take_edges` gives the edges that wait, oldest first, and never blocks; `read_active` reads the line. When an edge
    has settled the line is read once more, as the kernel's own filter does, so that neither a lost edge nor one whose
    level had changed again before a slow callback looked can leave a wrong state behind.

    Edges that come with their own time by way of another thread come late, and `lag_s` tells how late they do now. What
    is known of the line ends so long ago: nothing settles sooner. A line that is not as the last edge said is no proof
    then; the edge that tells of it is waited for, up to MISSED_AFTER_S.
    """

    def __init__(
        self,
        name: str,
        debounce_ms: int,
        take_edges: Callable[[], list[Edge]],
        read_active: Callable[[], bool],
        lag_s: Callable[[], float] | None = None,
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

    @property
    def lag_s(self) -> float:
        """How late a change may be told of now, on top of debouncing; 0 for edges that come at once."""
        if self._lag_s is None:
            return 0.0
        return MISSED_AFTER_S if self._doubts else self._lag_s()

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
            if not self._is_due(now):
                return changes
            if self._lag_s is not None and active != self._debounce.candidate and not self._doubts:
                self._doubts = True
                return changes
            self._doubts = False
            self._debounce.confirm(active)
            changes += [LineChanged(self._name, active, at) for active, at in self._debounce.handle_timeout(now)]
        return changes

    def next_timeout(self) -> float | None:
        """When the last edge will have settled."""
        deadline = self._debounce.next_timeout()
        return None if deadline is None else deadline + self.lag_s

    def _is_due(self, now: float) -> bool:
        due_at = self.next_timeout()
        return due_at is not None and due_at <= now
