"""The hook switch: lifted, replaced, and the hook flash between them."""

from collections.abc import Callable
from enum import Enum

from device import plain_logging as logging
from device.desk_events import DeskEvent, HookFlashed, HookLifted, HookReplaced
from device.hardware.interfaces import InputLine, LineChanged
from device.timing import TimerSet

log = logging.getLogger(__name__)


class HookState(Enum):
    """Where the handset is."""

    UNKNOWN = "unknown"
    ON_HOOK = "on-hook"
    OFF_HOOK = "off-hook"
    PRESSED = "pressed"
    """The cradle went down with the flash enabled: a flash or the end, only time tells."""


class HookInput(Enum):
    """What the line or the clock says, times already compared with the flash window."""

    UP = "up"
    """The line became active and the flash window has no say."""
    DOWN = "down"
    """The line became inactive and no flash is wanted."""
    DOWN_PERHAPS_FLASH = "down, perhaps flash"
    UP_TOO_SOON = "up too soon"
    """Shorter than any flash: contact bounce."""
    UP_IN_WINDOW = "up in window"
    WINDOW_OVER = "window over"


def _nothing(at: float) -> list[DeskEvent]:
    return []


def _lifted(at: float) -> list[DeskEvent]:
    return [HookLifted(at)]


def _replaced(at: float) -> list[DeskEvent]:
    return [HookReplaced(at)]


def _flashed(at: float) -> list[DeskEvent]:
    return [HookFlashed(at)]


Reaction = Callable[[float], list[DeskEvent]]

_UP, _DOWN, _PERHAPS = HookInput.UP, HookInput.DOWN, HookInput.DOWN_PERHAPS_FLASH
_SOON, _WINDOW, _OVER = HookInput.UP_TOO_SOON, HookInput.UP_IN_WINDOW, HookInput.WINDOW_OVER

TABLE: dict[tuple[HookState, HookInput], tuple[HookState, Reaction]] = {
    (HookState.UNKNOWN, _UP): (HookState.OFF_HOOK, _lifted),
    (HookState.UNKNOWN, _DOWN): (HookState.ON_HOOK, _replaced),
    (HookState.UNKNOWN, _PERHAPS): (HookState.ON_HOOK, _replaced),
    (HookState.ON_HOOK, _UP): (HookState.OFF_HOOK, _lifted),
    (HookState.ON_HOOK, _DOWN): (HookState.ON_HOOK, _nothing),
    (HookState.ON_HOOK, _PERHAPS): (HookState.ON_HOOK, _nothing),
    (HookState.OFF_HOOK, _UP): (HookState.OFF_HOOK, _nothing),
    (HookState.OFF_HOOK, _DOWN): (HookState.ON_HOOK, _replaced),
    (HookState.OFF_HOOK, _PERHAPS): (HookState.PRESSED, _nothing),
    (HookState.PRESSED, _DOWN): (HookState.ON_HOOK, _replaced),
    (HookState.PRESSED, _PERHAPS): (HookState.PRESSED, _nothing),
    (HookState.PRESSED, _SOON): (HookState.OFF_HOOK, _nothing),
    (HookState.PRESSED, _WINDOW): (HookState.OFF_HOOK, _flashed),
    (HookState.PRESSED, _OVER): (HookState.ON_HOOK, _replaced),
}
"""Every pair that can occur: UP_TOO_SOON, UP_IN_WINDOW and WINDOW_OVER are only said of PRESSED, UP never of it."""


class HookSwitch:
    """The cradle contact of a telephone; its line is active while the handset is lifted.

    With `flash` on, the cradle pressed for `flash_min_ms` to `flash_max_ms` is a HookFlashed, less is bounce, more
    is a HookReplaced that comes when the window is over. With `flash` off a HookReplaced comes at once.
    """

    def __init__(self, line: InputLine, flash: bool = True, flash_min_ms: int = 80, flash_max_ms: int = 800) -> None:
        self._line = line
        self.flash = flash
        """May be changed at any time, and counts from the next time that the cradle goes down."""
        self._flash_min = flash_min_ms / 1000
        self._flash_max = flash_max_ms / 1000
        self._state = HookState.UNKNOWN
        self._pressed_at = 0.0
        self._timers: TimerSet[str] = TimerSet()

    @property
    def lines(self) -> tuple[InputLine, ...]:
        """The lines whose changes this device wants."""
        return (self._line,)

    @property
    def state(self) -> HookState:
        """Where the handset is now."""
        return self._state

    @property
    def lifted(self) -> bool:
        """Whether the handset is off the cradle; during a flash it still is."""
        return self._state in (HookState.OFF_HOOK, HookState.PRESSED)

    def start(self, now: float) -> list[DeskEvent]:
        """Read the line once and report where the handset is. Raises LineError."""
        return self._receive(HookInput.UP if self._line.active() else HookInput.DOWN, now)

    def receive_change(self, change: LineChanged) -> list[DeskEvent]:
        """Take a settled change of the line."""
        # The change is older than the call: what its time stamp says of the window counts, not when we look.
        events = self._let_time_pass(change.at, 0.0)
        if not change.active:
            down = HookInput.DOWN_PERHAPS_FLASH if self.flash else HookInput.DOWN
            if self._state is HookState.OFF_HOOK:
                self._pressed_at = change.at
            return events + self._receive(down, change.at)
        return events + self._receive(self._classify_up(change.at), change.at)

    def _classify_up(self, at: float) -> HookInput:
        if self._state is not HookState.PRESSED:
            return HookInput.UP
        return HookInput.UP_TOO_SOON if at - self._pressed_at < self._flash_min else HookInput.UP_IN_WINDOW

    def handle_timeout(self, now: float) -> list[DeskEvent]:
        """End the flash window if it is over at `now`.

        Where the line is told of late, the end of a flash may be on its way still.
        """
        return self._let_time_pass(now, self._line.lag_s)

    def _let_time_pass(self, now: float, lag_s: float) -> list[DeskEvent]:
        deadline = self._timers.next_timeout()
        if deadline is None or now < deadline + lag_s:
            return []
        return self._receive(HookInput.WINDOW_OVER, deadline)

    def next_timeout(self) -> float | None:
        """When the flash window ends, or None."""
        deadline = self._timers.next_timeout()
        return None if deadline is None else deadline + self._line.lag_s

    def _receive(self, said: HookInput, at: float) -> list[DeskEvent]:
        state, react = TABLE[self._state, said]
        self._enter(state, said)
        return react(at)

    def _enter(self, state: HookState, why: HookInput) -> None:
        if state is self._state:
            return
        log.debug("hook switch: %s -> %s (%s)", self._state.value, state.value, why.value)
        self._state = state
        self._timers.clear()
        if state is HookState.PRESSED:
            self._timers.set("flash window", self._pressed_at + self._flash_max)
