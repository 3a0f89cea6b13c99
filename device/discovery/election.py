"""Which of the boards of a network is its exchange: every board decides for itself, and all decide alike. Pure.

- Whoever is the exchange stays it: a board that joins takes over no house.
- Of several, as after two networks have become one, the one with the most boards stays, and of equals the lowest id.
- Where nobody is, the board with the lowest rank and id takes office once nothing has changed for a while.
- A board alone is nobody's exchange.
"""

from enum import Enum, auto

from device import plain_logging as logging
from device.discovery.announcement import Announcement
from device.records import replace
from device.timing import TimerSet

_log = logging.getLogger(__name__)

SETTLE_S = 5.0
"""So long nothing must have changed before a board takes office: answers of mDNS are spread over a second or more."""
PATIENCE_S = 30.0
"""How long the board whose turn it is may take; then it is the next one's."""
LONELY_S = 60.0
"""How long an exchange whose boards have all gone waits for them."""
MAX_BOARDS = 256
"""Boards that are counted; what a stranger announces beyond them is not seen."""


class Role(Enum):
    """What a board is."""

    ALONE = auto()
    SETTLING = auto()
    """There are others, and nobody is the exchange yet."""
    HOST = auto()
    """This board is the exchange."""
    MEMBER = auto()
    """Another board is the exchange: `Election.host` says which."""


class _Timer(Enum):
    SETTLED = auto()
    OVERDUE = auto()
    LONELY = auto()


class Election:
    """One board's view of the others, and what follows from it."""

    def __init__(self, own: Announcement) -> None:
        self.own = own
        self.role = Role.ALONE
        self.host: Announcement | None = None
        """The exchange, where it is another board."""
        self._others: dict[str, Announcement] = {}
        self._suspects: set[str] = set()
        """Boards that are announced but do not answer, as after a power cut: caches believe in them for an hour."""
        self._unwilling: set[str] = set()
        """Boards whose turn it was and that did not take it."""
        self._turn = ""
        """Whose turn it is to take office."""
        self._timers: TimerSet[_Timer] = TimerSet()

    def see(self, board: Announcement, now: float) -> None:
        """A board is announced, or says something new."""
        if board.id == self.own.id or self._others.get(board.id) == board:
            return
        if board.id not in self._others and len(self._others) >= MAX_BOARDS:
            return
        self._others[board.id] = board
        self._unwilling.discard(board.id)
        self._suspects.discard(board.id)
        self._decide(now, changed=True)

    def lose(self, board_id: str, now: float) -> None:
        """A board has said good-bye, or its announcement has run out."""
        self._suspects.discard(board_id)
        if self._others.pop(board_id, None) is not None:
            self._decide(now, changed=True)

    def suspect(self, board_id: str, now: float) -> None:
        """A board that is announced does not answer: it does not count until it does, or says something new."""
        if board_id in self._others and board_id not in self._suspects:
            self._suspects.add(board_id)
            self._decide(now, changed=True)

    def trust(self, board_id: str, now: float) -> None:
        """A board that was suspected answers again."""
        if board_id in self._suspects:
            self._suspects.discard(board_id)
            self._decide(now, changed=True)

    @property
    def suspects(self) -> list[Announcement]:
        """Those that are to be asked now and then whether they are back."""
        return [self._others[board_id] for board_id in sorted(self._suspects)]

    def set_served(self, served: int, now: float) -> None:
        """So many boards have enrolled here since this one took office."""
        self.own = replace(self.own, served=served)
        self._decide(now)

    def resign(self, now: float) -> None:
        """This board cannot be the exchange after all."""
        self.own = replace(self.own, hosts=False, can_host=False, served=0)
        self._decide(now, changed=True)

    def boards(self) -> list[Announcement]:
        """The other boards that count now."""
        return [board for board in self._others.values() if board.id not in self._suspects]

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        due = self._timers.pop_due(now)
        if _Timer.OVERDUE in due and self._turn != self.own.id:
            _log.warning("board %s does not become the exchange; the next one's turn", self._turn)
            self._unwilling.add(self._turn)
        if due:
            self._decide(now, settled=_Timer.SETTLED in due, lonely=_Timer.LONELY in due)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._timers.next_timeout()

    def _decide(self, now: float, *, changed: bool = False, settled: bool = False, lonely: bool = False) -> None:
        others = self.boards()
        in_office = [board for board in (*others, self.own) if board.hosts]
        if in_office:
            self._follow(max(in_office, key=_claim), others, lonely, now)
            return
        willing = [board for board in (*others, self.own) if board.can_host and board.id not in self._unwilling]
        if not others or not willing:
            self._enter(Role.ALONE if not others else Role.SETTLING)
            return
        first = min(willing, key=lambda board: (board.rank, board.id)).id
        if changed or first != self._turn or self.role is not Role.SETTLING:
            self._turn = first
            self._enter(Role.SETTLING)
            self._timers.set(_Timer.SETTLED, now + SETTLE_S)
            self._timers.set(_Timer.OVERDUE, now + SETTLE_S + PATIENCE_S)
        elif settled and first == self.own.id:
            self._take_office()

    def _follow(self, best: Announcement, others: list[Announcement], lonely: bool, now: float) -> None:
        if best.id != self.own.id:
            self.own = replace(self.own, hosts=False, served=0)
            self._enter(Role.MEMBER, best)
        elif others:
            self._enter(Role.HOST)
        elif lonely:
            self.own = replace(self.own, hosts=False, served=0)
            self._enter(Role.ALONE)
        elif _Timer.LONELY not in self._timers:
            self._timers.set(_Timer.LONELY, now + LONELY_S)

    def _take_office(self) -> None:
        self.own = replace(self.own, hosts=True, served=0)
        self._enter(Role.HOST)

    def _enter(self, role: Role, host: Announcement | None = None) -> None:
        if role is not self.role:
            _log.info("this board is %s now", role.name.lower())
        self.role, self.host = role, host
        self._timers.clear()
        if role is not Role.SETTLING:
            self._unwilling.clear()
            self._turn = ""


def _claim(board: Announcement) -> tuple[int, tuple[int, ...]]:
    """The greater claim stays in office: more boards served, then the lower id.

    A board counts only upwards while it is in office. So two of them cannot both take the other for the greater one,
    however late they hear of each other's counts.
    """
    return board.served, tuple(-ord(letter) for letter in board.id)
