"""A matrix keypad: quiet until a key closes, then scanned until all are open again."""

from collections.abc import Callable, Sequence

from device import plain_logging as logging
from device.desk_events import DeskEvent, DigitDialled
from device.hardware.debounce import Debounce
from device.hardware.interfaces import InputLine, LineChanged, OutputLine
from device.timing import TimerSet

log = logging.getLogger(__name__)

Crossing = tuple[int, int]
"""Row and column of a key."""


class Keypad:
    """A matrix of keys between driven rows and read columns.

    While no key is down all rows are active, so that any key moves its column and wakes us by an edge; then the rows
    are made active one by one every `scan_ms`. The columns must not be filtered by the kernel, which would answer
    with the settled level of all rows together; each key has a `Debounce` of its own instead.
    """

    def __init__(
        self,
        rows: Sequence[OutputLine],
        columns: Sequence[InputLine],
        keys: Sequence[str],
        *,
        debounce_ms: int = 20,
        scan_ms: int = 5,
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self._rows = tuple(rows)
        self._columns = tuple(columns)
        self._keys = tuple(keys)
        self._debounce_ms = debounce_ms
        self._scan_period = scan_ms / 1000
        self._settle = settle
        self._closed: frozenset[Crossing] = frozenset()
        self._filters: dict[Crossing, Debounce] = {}
        self._timers: TimerSet[str] = TimerSet()

    @property
    def lines(self) -> tuple[InputLine, ...]:
        """The lines whose changes this device wants."""
        return self._columns

    @property
    def scanning(self) -> bool:
        """Whether a key is, or just was, down."""
        return "scan" in self._timers

    def start(self, now: float) -> list[DeskEvent]:
        """Begin to watch. A key that is down at power-up is stuck, which is no press. Raises LineError."""
        self._set_rows(True)
        if any(column.active() for column in self._columns):
            self._closed = self._closed_crossings()
            self._filters = {crossing: Debounce(self._debounce_ms, True) for crossing in self._closed}
            self._timers.set("scan", now + self._scan_period)
        return []

    def receive_change(self, change: LineChanged) -> list[DeskEvent]:
        """A column moved: scan at the next `handle_timeout`. While scanning, our own rows move it."""
        if not self.scanning:
            self._timers.set("scan", change.at)
        return []

    def handle_timeout(self, now: float) -> list[DeskEvent]:
        """Scan if it is time. Raises LineError."""
        if not self._timers.pop_due(now):
            return []
        events = self._receive_scan(self._closed_crossings(), now)
        if self._closed or self._filters:
            self._timers.set("scan", now + self._scan_period)
        else:
            self._go_idle(now)
        return events

    def next_timeout(self) -> float | None:
        """When the next scan is due, or None while no key is down."""
        return self._timers.next_timeout()

    def _go_idle(self, now: float) -> None:
        self._set_rows(True)
        self._forget_edges()
        # A key that closed between the scan and this moment made its edge too early to wake us.
        if any(column.active() for column in self._columns):
            self._timers.set("scan", now + self._scan_period)

    def _closed_crossings(self) -> frozenset[Crossing]:
        self._set_rows(False)
        closed = []
        for number, row in enumerate(self._rows):
            row.set(True)
            self._settle()
            closed += [(number, place) for place, column in enumerate(self._columns) if column.active()]
            row.set(False)
            self._settle()
        self._forget_edges()
        return frozenset(closed)

    def _forget_edges(self) -> None:
        """Take the edges that our own rows made on the columns, so that they wake nobody."""
        for column in self._columns:
            column.read_events()

    def _set_rows(self, active: bool) -> None:
        for row in self._rows:
            row.set(active)

    def _receive_scan(self, closed: frozenset[Crossing], now: float) -> list[DeskEvent]:
        if _is_ambiguous(closed):
            self._distrust()
            return []
        for crossing in closed ^ self._closed:
            key = self._filters.setdefault(crossing, Debounce(self._debounce_ms))
            # Between two scans anything may have happened: a level counts when a later scan still finds it.
            key.dismiss()
            key.receive_edge(crossing in closed, now)
        self._closed = closed
        return self._settle_keys(now)

    def _distrust(self) -> None:
        """Keep what is settled and start all over with what is not."""
        for key in self._filters.values():
            key.dismiss()
        self._closed = frozenset(crossing for crossing, key in self._filters.items() if key.level)

    def _settle_keys(self, now: float) -> list[DeskEvent]:
        events: list[DeskEvent] = []
        for (row, column), key in list(self._filters.items()):
            for level, at in key.handle_timeout(now):
                if level:
                    events.append(DigitDialled(self._keys[row][column], at))
            if not key.level and key.next_timeout() is None:
                del self._filters[row, column]
        return events


def _is_ambiguous(closed: frozenset[Crossing]) -> bool:
    """Whether three keys at the corners of a rectangle may have made a fourth one up.

    Without a diode a key, current finds its way backwards through the three: no scan can tell which one is the ghost.
    """
    by_row: dict[int, set[int]] = {}
    for row, column in closed:
        by_row.setdefault(row, set()).add(column)
    rows = list(by_row.values())
    return any(len(one & other) > 1 for place, one in enumerate(rows) for other in rows[place + 1 :])
