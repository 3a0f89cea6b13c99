"""What a run noted: messages by what became of them, and phones by whether they are registered, second by second."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

ANSWERED = ("registered", "challenged")
TURNED_AWAY = "refused"
DROPPED = "dropped"
UNHEARD = "unheard"
FATES = (*ANSWERED, TURNED_AWAY, DROPPED, UNHEARD)
"""What becomes of a REGISTER on the wire: 200, 401, 503, no room in the socket's buffer, or no server there."""


@dataclass
class Journal:
    """Counts by interval of `step_s` seconds."""

    phones: int
    step_s: float = 1.0
    fates: dict[str, Counter[int]] = field(default_factory=lambda: {name: Counter() for name in FATES})
    failures: Counter[int] = field(default_factory=Counter)
    """Attempts that a phone gave up, to try again after its pause."""
    copies: Counter[int] = field(default_factory=Counter)
    """Retransmissions among the messages (Timer E)."""
    changes: list[tuple[float, int]] = field(default_factory=list)
    """When the number of registered phones changed, and to what."""
    statuses: Counter[int] = field(default_factory=Counter)
    """How often phones were told of which failure."""
    first_registered: int = 0
    """How many phones were registered when the counts began."""
    _registered: set[int] = field(default_factory=set)

    def note_fate(self, name: str, now: float) -> None:
        """A REGISTER met this fate."""
        self.fates[name][int(now / self.step_s)] += 1

    def note_copy(self, now: float) -> None:
        """A phone sent a REGISTER again."""
        self.copies[int(now / self.step_s)] += 1

    def note_failure(self, status: int, now: float) -> None:
        """A phone gave an attempt up."""
        self.failures[int(now / self.step_s)] += 1
        self.statuses[status] += 1

    def note_registered(self, number: int, now: float) -> None:
        """A phone knows that it is registered."""
        if number not in self._registered:
            self._registered.add(number)
            self.changes.append((now, len(self._registered)))

    def note_lost(self, number: int, now: float) -> None:
        """A phone knows that it is not."""
        if number in self._registered:
            self._registered.discard(number)
            self.changes.append((now, len(self._registered)))

    def forget_counts(self) -> None:
        """Let what was counted so far be another story; who is registered stays so."""
        for counts in (*self.fates.values(), self.failures, self.copies, self.statuses):
            counts.clear()
        self.changes.clear()
        self.first_registered = len(self._registered)

    @property
    def registered(self) -> int:
        """How many phones are registered now."""
        return len(self._registered)

    def missing(self) -> set[int]:
        """The phones that are not."""
        return set(range(self.phones)) - self._registered

    def load(self) -> Counter[int]:
        """REGISTERs by interval that a server was there for, whatever became of them."""
        return sum((self.fates[name] for name in FATES if name != UNHEARD), Counter())

    def back_after(self, since: float, part: float = 1.0) -> float | None:
        """How long after `since` that part of the phones was registered for good; None where it is not."""
        wanted = round(self.phones * part)
        at: float | None = None
        for moment, count in self.changes:
            if count < wanted:
                at = None
            elif at is None:
                at = moment
        return None if at is None else max(0.0, at - since)

    def peak(self, since: float = 0.0, names: Iterable[str] = FATES) -> float:
        """The most REGISTERs of these fates a second, in any interval from `since` on."""
        counts: Counter[int] = Counter()
        for name in names:
            counts += self.fates[name]
        first = int(since / self.step_s)
        return max((count for at, count in counts.items() if at >= first), default=0) / self.step_s
