"""The timers of RFC 3261 table 4 with those of RFC 6026, and the heap in which many deadlines wait."""

from collections.abc import Hashable
from heapq import heapify, heappop, heappush

from device.annotations import Final, Generic, TypeVar
from device.records import dataclass

TRYING_DELAY_S: Final = 0.2
"""An INVITE that the TU has not answered by then is answered 100 (RFC 3261 section 17.2.1)."""

TIMER_D_UNRELIABLE_S: Final = 32.0
"""Timer D over UDP: at least 32 s, whatever T1 is (RFC 3261 section 17.1.1.2)."""

_COMPACT_SLACK: Final = 64
"""Stale heap entries that are tolerated beside as many stale as live ones before the heap is rebuilt."""


@dataclass(frozen=True, slots=True)
class SipTimers:
    """T1 (round trip), T2 (longest retransmission interval), T4 (longest life of a message), in seconds."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    next_server: float = 4.0
    """How long a server may say nothing before the next one that DNS names is tried: four transmissions over UDP."""

    @property
    def transaction_timeout(self) -> float:
        """64*T1: what Timers B, F, H, J, L and M share."""
        return 64 * self.t1

    def hop_patience(self, reliable: bool) -> float:
        """How long a hop may say nothing while there is another; a stream has to be opened first."""
        return min(self.next_server * (2 if reliable else 1), self.transaction_timeout)

    @property
    def timer_a(self) -> float:
        """First INVITE retransmission, UDP only; doubles each time."""
        return self.t1

    @property
    def timer_b(self) -> float:
        """INVITE client gives up."""
        return self.transaction_timeout

    def timer_d(self, reliable: bool) -> float:
        """How long an INVITE client answers retransmitted non-2xx with ACK."""
        return 0.0 if reliable else max(TIMER_D_UNRELIABLE_S, self.transaction_timeout)

    @property
    def timer_e(self) -> float:
        """First non-INVITE retransmission, UDP only; doubles up to T2."""
        return self.t1

    @property
    def timer_f(self) -> float:
        """Non-INVITE client gives up."""
        return self.transaction_timeout

    @property
    def timer_g(self) -> float:
        """First retransmission of a non-2xx to an INVITE, UDP only; doubles up to T2."""
        return self.t1

    @property
    def timer_h(self) -> float:
        """INVITE server gives up waiting for the ACK."""
        return self.transaction_timeout

    def timer_i(self, reliable: bool) -> float:
        """How long an INVITE server absorbs retransmitted ACKs."""
        return 0.0 if reliable else self.t4

    def timer_j(self, reliable: bool) -> float:
        """How long a non-INVITE server answers retransmitted requests."""
        return 0.0 if reliable else self.transaction_timeout

    def timer_k(self, reliable: bool) -> float:
        """How long a non-INVITE client absorbs retransmitted responses."""
        return 0.0 if reliable else self.t4

    @property
    def timer_l(self) -> float:
        """How long an INVITE server stays Accepted (RFC 6026 section 8.7)."""
        return self.transaction_timeout

    @property
    def timer_m(self) -> float:
        """How long an INVITE client stays Accepted (RFC 6026 section 8.4)."""
        return self.transaction_timeout

    @property
    def late_trying(self) -> float:
        """When Timer E of the other side reaches T2: the earliest 100 to a non-INVITE (RFC 4320 section 4.1)."""
        elapsed, interval = 0.0, self.t1
        while interval < self.t2:
            elapsed += interval
            interval *= 2
        return elapsed


Name = TypeVar("Name", bound=Hashable)


class DeadlineHeap(Generic[Name]):
    """A large set of named deadlines, earliest first; the big sister of `device.timing.TimerSet`.

    Moving or cancelling a deadline leaves a stale entry in the heap, which is dropped when it comes to the top
    or when stale entries outnumber live ones: every operation costs O(log n) at most, amortised.
    """

    __slots__ = ("_deadlines", "_heap", "_sequence")

    def __init__(self) -> None:
        self._deadlines: dict[Name, float] = {}
        self._heap: list[tuple[float, int, Name]] = []
        self._sequence = 0

    def set(self, name: Name, deadline: float | None) -> None:
        """Arm `name`, or move it, to fire at `deadline`; None disarms it."""
        if deadline is None:
            self.cancel(name)
            return
        if self._deadlines.get(name) == deadline:
            return
        self._deadlines[name] = deadline
        self._sequence += 1
        heappush(self._heap, (deadline, self._sequence, name))
        if len(self._heap) > 2 * len(self._deadlines) + _COMPACT_SLACK:
            self._compact()

    def cancel(self, name: Name) -> None:
        """Disarm `name`; it is no error if it was not armed."""
        self._deadlines.pop(name, None)
        if not self._deadlines:
            self._heap.clear()

    def next_timeout(self) -> float | None:
        """The earliest deadline, or None when nothing is armed."""
        while self._heap:
            deadline, _, name = self._heap[0]
            if self._deadlines.get(name) == deadline:
                return deadline
            heappop(self._heap)
        return None

    def pop_due(self, now: float) -> list[Name]:
        """Disarm and return the names whose deadline is at or before `now`, earliest first."""
        due: list[Name] = []
        while self._heap and self._heap[0][0] <= now:
            deadline, _, name = heappop(self._heap)
            if self._deadlines.get(name) == deadline:
                del self._deadlines[name]
                due.append(name)
        return due

    def _compact(self) -> None:
        """Rebuild the heap from the live deadlines, in the order in which they were set."""
        live: dict[Name, tuple[float, int, Name]] = {}
        for entry in self._heap:
            if self._deadlines.get(entry[2]) == entry[0]:
                live[entry[2]] = entry
        self._heap = list(live.values())
        heapify(self._heap)

    def __contains__(self, name: Name) -> bool:
        return name in self._deadlines

    def __len__(self) -> int:
        return len(self._deadlines)
