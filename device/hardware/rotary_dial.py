"""A rotary dial: pulses of a contact, counted into digits."""

from collections.abc import Callable
from enum import Enum

from device import plain_logging as logging
from device.annotations import ClassVar
from device.desk_events import DeskEvent, DialStarted, DigitDialled
from device.hardware.interfaces import InputLine, LineChanged
from device.timing import TimerSet

log = logging.getLogger(__name__)

REST_GRACE_S = 0.03
"""After the off-normal contact says rest, the last pulse may still be on its way through a slower filter."""

DIAL_PLANS: dict[str, str] = {
    "international": " 1234567890",
    "sweden": " 0123456789",
    "new-zealand": " 9876543210",
}
"""The digit for each number of pulses: n as n, in Sweden as n+1, in New Zealand and old Oslo as 10-n pulses."""


class DialState(Enum):
    """Where the dial is."""

    REST = "rest"
    MAKE = "make"
    """Turned, or between two pulses: the contact is closed."""
    BREAK = "break"
    """The contact is open: a pulse, if it is not too short or too long."""
    SPOILT = "spoilt"
    """The contact was open for too long for a pulse: what was counted is worth nothing until the dial rests."""


class DialInput(Enum):
    """What the contacts or the clock say."""

    TURNED = "turned"
    RESTED = "rested"
    OPENED = "opened"
    CLOSED = "closed"
    CLOSED_TOO_SOON = "closed too soon"
    GAP_OVER = "gap over"
    BREAK_TOO_LONG = "break too long"
    ABANDONED = "abandoned"


Reaction = Callable[["RotaryDial", float], list[DeskEvent]]


class RotaryDial:
    """A rotary dial by its pulse contact alone, or with its off-normal contact as well.

    The pulse line is active while the contact breaks, the off-normal line while the dial is away from rest. Dials of
    7 to 13 pulses a second with a break of 50 to 70 per cent are understood (nominal are 10 and 60). Without
    off-normal contact a digit ends when no pulse follows for `gap_ms`, with it when the dial is at rest.
    """

    def __init__(
        self,
        pulse: InputLine,
        off_normal: InputLine | None = None,
        *,
        plan: str = "international",
        gap_ms: int = 200,
        min_break_ms: int = 15,
        max_break_ms: int = 150,
    ) -> None:
        self._pulse = pulse
        self._off_normal = off_normal
        self._digits = DIAL_PLANS[plan]
        self._gap = gap_ms / 1000
        self._min_break = min_break_ms / 1000
        self._max_break = max_break_ms / 1000
        self._state = DialState.REST
        self._turned = False
        self._opened_at = 0.0
        self._pulses = 0
        self._started = False
        self._timers: TimerSet[DialInput] = TimerSet()

    @property
    def lines(self) -> tuple[InputLine, ...]:
        """The lines whose changes this device wants."""
        return (self._pulse,) if self._off_normal is None else (self._pulse, self._off_normal)

    @property
    def state(self) -> DialState:
        """Where the dial is now."""
        return self._state

    @property
    def pulse_name(self) -> str:
        """The name that changes of the pulse contact carry."""
        return "dial.pulse"

    def start(self, now: float) -> list[DeskEvent]:
        """Begin at rest; a dial that is turned at power-up gives its first digit after that. Raises LineError."""
        self._turned = self._off_normal is not None and self._off_normal.active()
        self._enter(DialState.SPOILT if self._turned else DialState.REST, "start")
        return []

    def abandon(self, now: float) -> None:
        """Forget a digit that is half dialled, as when the handset is put down; its last pulses count no more."""
        self._receive(DialInput.ABANDONED, now)

    def receive_change(self, change: LineChanged) -> list[DeskEvent]:
        """Take a settled change of either contact."""
        events = self._let_time_pass(change.at, 0.0)
        at_rest = self._state is DialState.REST and self._off_normal is not None and not self._turned
        if change.name == self.pulse_name and at_rest:
            # The off-normal contact vouches that nobody dials: this is a knock on the set, or the wiring.
            return events
        if change.name != self.pulse_name:
            self._turned = change.active
            said = DialInput.TURNED if change.active else DialInput.RESTED
        elif change.active:
            said = DialInput.OPENED
        else:
            short = change.at - self._opened_at < self._min_break
            said = DialInput.CLOSED_TOO_SOON if short else DialInput.CLOSED
        return events + self._receive(said, change.at)

    def handle_timeout(self, now: float) -> list[DeskEvent]:
        """End the digit, or give it up, if its time is over at `now`.

        What the contacts did is known up to a while ago only, where they are told of late: a pulse that is still on its
        way counts, and a contact that is closed by now is no break that was too long.
        """
        return self._let_time_pass(now, self._lag_s)

    @property
    def _lag_s(self) -> float:
        return max(line.lag_s for line in self.lines)

    def _let_time_pass(self, now: float, lag_s: float) -> list[DeskEvent]:
        events: list[DeskEvent] = []
        while (deadline := self._timers.next_timeout()) is not None and deadline + lag_s <= now:
            for said in self._timers.pop_due(deadline):
                events += self._receive(said, deadline)
        return events

    def next_timeout(self) -> float | None:
        """When the digit ends if nothing else happens, or None."""
        deadline = self._timers.next_timeout()
        return None if deadline is None else deadline + self._lag_s

    def _receive(self, said: DialInput, at: float) -> list[DeskEvent]:
        state, react = self.TABLE[self._state, said]
        self._enter(state, said.value)
        return react(self, at)

    def _enter(self, state: DialState, why: str) -> None:
        if state is not self._state:
            log.debug("dial: %s -> %s (%s)", self._state.value, state.value, why)
            self._state = state

    # Reactions; the table below says when.

    def _nothing(self, at: float) -> list[DeskEvent]:
        return []

    def _begin(self, at: float) -> list[DeskEvent]:
        if self._started:
            return []
        self._started = True
        return [DialStarted(at)]

    def _hold(self, at: float) -> list[DeskEvent]:
        self._timers.clear()
        return []

    def _open(self, at: float) -> list[DeskEvent]:
        self._timers.clear()
        self._opened_at = at
        self._timers.set(DialInput.BREAK_TOO_LONG, at + self._max_break)
        return []

    def _count(self, at: float) -> list[DeskEvent]:
        self._pulses += 1
        self._await_rest(at)
        return self._begin(self._opened_at)

    def _await_rest(self, at: float) -> list[DeskEvent]:
        """The contact is closed: the digit ends after the gap, or once the off-normal contact says so."""
        self._timers.clear()
        if not self._turned:
            self._timers.set(DialInput.GAP_OVER, at + (self._gap if self._off_normal is None else REST_GRACE_S))
        return []

    def _publish(self, at: float) -> list[DeskEvent]:
        pulses = self._pulses
        self._clear(at)
        if pulses >= len(self._digits):
            log.warning("dial: %d pulses are no digit; check the contact and dial.gap_ms", pulses)
            return []
        return [DigitDialled(self._digits[pulses], at)] if pulses else []

    def _clear(self, at: float) -> list[DeskEvent]:
        self._timers.clear()
        self._pulses = 0
        self._started = False
        return []

    TABLE: ClassVar[dict[tuple[DialState, DialInput], tuple[DialState, Reaction]]] = {
        (DialState.REST, DialInput.TURNED): (DialState.MAKE, _begin),
        (DialState.REST, DialInput.RESTED): (DialState.REST, _nothing),
        (DialState.REST, DialInput.OPENED): (DialState.BREAK, _open),
        (DialState.REST, DialInput.CLOSED): (DialState.REST, _nothing),
        (DialState.REST, DialInput.CLOSED_TOO_SOON): (DialState.REST, _nothing),
        (DialState.REST, DialInput.ABANDONED): (DialState.REST, _nothing),
        (DialState.MAKE, DialInput.TURNED): (DialState.MAKE, _hold),
        (DialState.MAKE, DialInput.RESTED): (DialState.MAKE, _await_rest),
        (DialState.MAKE, DialInput.OPENED): (DialState.BREAK, _open),
        (DialState.MAKE, DialInput.CLOSED): (DialState.MAKE, _nothing),
        (DialState.MAKE, DialInput.CLOSED_TOO_SOON): (DialState.MAKE, _nothing),
        (DialState.MAKE, DialInput.GAP_OVER): (DialState.REST, _publish),
        (DialState.MAKE, DialInput.ABANDONED): (DialState.SPOILT, _await_rest),
        (DialState.BREAK, DialInput.TURNED): (DialState.BREAK, _nothing),
        (DialState.BREAK, DialInput.RESTED): (DialState.BREAK, _nothing),
        (DialState.BREAK, DialInput.OPENED): (DialState.BREAK, _nothing),
        (DialState.BREAK, DialInput.CLOSED): (DialState.MAKE, _count),
        (DialState.BREAK, DialInput.CLOSED_TOO_SOON): (DialState.MAKE, _await_rest),
        (DialState.BREAK, DialInput.BREAK_TOO_LONG): (DialState.SPOILT, _hold),
        (DialState.BREAK, DialInput.ABANDONED): (DialState.SPOILT, _hold),
        (DialState.SPOILT, DialInput.TURNED): (DialState.SPOILT, _hold),
        (DialState.SPOILT, DialInput.RESTED): (DialState.SPOILT, _await_rest),
        (DialState.SPOILT, DialInput.OPENED): (DialState.SPOILT, _hold),
        (DialState.SPOILT, DialInput.CLOSED): (DialState.SPOILT, _await_rest),
        (DialState.SPOILT, DialInput.CLOSED_TOO_SOON): (DialState.SPOILT, _await_rest),
        (DialState.SPOILT, DialInput.GAP_OVER): (DialState.REST, _clear),
        (DialState.SPOILT, DialInput.ABANDONED): (DialState.SPOILT, _nothing),
    }
    """Every pair that can occur: GAP_OVER is only awaited in MAKE and SPOILT, BREAK_TOO_LONG in BREAK."""
