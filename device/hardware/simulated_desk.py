"""A person at the simulated desk: lifts, dials, presses, and the contacts bounce as contacts do."""

from device.hardware.errors import UnknownDeviceError
from device.hardware.interfaces import LineSpec
from device.hardware.mock_chip import MockChip
from device.hardware.profile import BoardProfile
from device.hardware.rotary_dial import DIAL_PLANS
from device.records import dataclass

BOUNCES_MS = (0.0, 0.3, 0.7, 1.2, 1.6, 2.4, 3.1)
"""When a closing or opening contact changes, from the first touch; an odd number of changes, so that it stays."""

KEY_HOLD_S = 0.12
"""How long a finger holds a key or button."""

PAUSE_S = 0.15
"""Between one action and the next that was asked for in the meantime."""

BREAK_PART = 0.6
"""The part of a dial pulse for which the contact is open."""

DIAL_WIND_S = 0.3
"""From the off-normal contact to the first pulse: the finger winds the dial up."""

DIAL_REST_S = 0.06
"""From the last pulse to the off-normal contact."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A contact changes at `at`: an input line goes to a level, or, with `column`, a key opens or closes."""

    at: float
    line: str
    level: bool
    column: str = ""


def resting_levels(profile: BoardProfile, lifted: bool = False) -> dict[str, bool]:
    """The physical levels of a desk that nobody touches, by line name: what a `MockChip` shall begin with."""
    levels = {f"button.{name}": spec.active_low for name, spec in profile.buttons.items()}
    if profile.hook is not None:
        levels["hook"] = lifted != profile.hook.line.active_low
    if profile.dial is not None:
        levels["dial.pulse"] = profile.dial.pulse.active_low
        if profile.dial.off_normal is not None:
            levels["dial.off_normal"] = profile.dial.off_normal.active_low
    return levels


class SimulatedDesk:
    """Turns what a person does into movements of the lines of a `MockChip`, one action after the other.

    Every action returns the time in seconds at which it will be over; call `handle_timeout` as `next_timeout` asks,
    so that the movements take place. An action on a device that the profile lacks raises UnknownDeviceError.
    """

    def __init__(self, profile: BoardProfile, chip: MockChip, *, bounce: bool = True) -> None:
        self._profile = profile
        self._chip = chip
        self._bounces = tuple(ms / 1000 for ms in BOUNCES_MS) if bounce else (0.0,)
        self._movements: list[Movement] = []
        self._free_at = 0.0

    def lift(self, now: float) -> float:
        """Take the handset off the cradle."""
        return self._hold("hook", self._hook(), True, self._begin(now))

    def replace(self, now: float) -> float:
        """Put the handset back."""
        return self._hold("hook", self._hook(), False, self._begin(now))

    def flash(self, now: float, seconds: float = 0.25) -> float:
        """Press the cradle for so long: a hook flash, if the time is in the window of the profile."""
        begin = self._begin(now)
        self._hold("hook", self._hook(), False, begin)
        return self._hold("hook", self._hook(), True, begin + seconds)

    def press_key(self, key: str, now: float, seconds: float = KEY_HOLD_S) -> float:
        """Press a key of the keypad."""
        row, column = self._crossing(key)
        begin = self._begin(now)
        self._move(row, True, begin, column)
        return self._move(row, False, begin + seconds, column)

    def press_button(self, name: str, now: float, seconds: float = KEY_HOLD_S) -> float:
        """Press a single button, such as the one beside the door."""
        spec = self._profile.buttons.get(name)
        if spec is None:
            known = ", ".join(self._profile.buttons) or "none"
            raise UnknownDeviceError(f"button {name}: the board profile has no such button; it has: {known}")
        begin = self._begin(now)
        self._hold(f"button.{name}", spec, True, begin)
        return self._hold(f"button.{name}", spec, False, begin + seconds)

    def dial_rotary(self, digit: str, now: float, pulses_per_second: float = 10.0) -> float:
        """Turn the rotary dial to a digit and let it run back."""
        dial = self._profile.dial
        if dial is None:
            raise UnknownDeviceError("dial: the board profile has no rotary dial")
        pulses = DIAL_PLANS[dial.plan].find(digit, 1)
        if pulses < 1:
            raise UnknownDeviceError(f"dial: {digit!r} is not on a rotary dial; there are 0 to 9")
        begin = self._begin(now)
        if dial.off_normal is not None:
            self._hold("dial.off_normal", dial.off_normal, True, begin)
        at = begin + DIAL_WIND_S
        for _ in range(pulses):
            self._hold("dial.pulse", dial.pulse, True, at)
            self._hold("dial.pulse", dial.pulse, False, at + BREAK_PART / pulses_per_second)
            at += 1 / pulses_per_second
        if dial.off_normal is not None:
            self._hold("dial.off_normal", dial.off_normal, False, at + DIAL_REST_S)
        # The person cannot start the next digit before this one has ended by its gap.
        self._free_at = at + dial.gap_ms / 1000
        return self._free_at

    def dial(self, digits: str, now: float) -> float:
        """Dial a number on the keypad, or on the rotary dial where there is no keypad."""
        over_at = now
        for digit in digits:
            over_at = self.dial_rotary(digit, now) if self._profile.keypad is None else self.press_key(digit, now)
        return over_at

    def handle_timeout(self, now: float) -> None:
        """Make the movements that are due at `now`, each dated with its own time."""
        due = [movement for movement in self._movements if movement.at <= now]
        self._movements = self._movements[len(due) :]
        for movement in due:
            if movement.column:
                self._chip.press(movement.line, movement.column, movement.level, movement.at)
            else:
                self._chip.drive(movement.line, movement.level, movement.at)

    def next_timeout(self) -> float | None:
        """When the next movement is due, or None."""
        return self._movements[0].at if self._movements else None

    def _begin(self, now: float) -> float:
        return max(now, self._free_at)

    def _hook(self) -> LineSpec:
        if self._profile.hook is None:
            raise UnknownDeviceError("hook: the board profile has no hook switch")
        return self._profile.hook.line

    def _crossing(self, key: str) -> tuple[str, str]:
        keypad = self._profile.keypad
        if keypad is None:
            raise UnknownDeviceError("keypad: the board profile has no keypad")
        for row, keys in enumerate(keypad.keys):
            if key and key in keys:
                return f"keypad.row{row}", f"keypad.column{keys.index(key)}"
        raise UnknownDeviceError(f"keypad: there is no key {key!r}; there are {' '.join(''.join(keypad.keys))}")

    def _hold(self, name: str, spec: LineSpec, active: bool, at: float) -> float:
        return self._move(name, active != spec.active_low, at)

    def _move(self, line: str, level: bool, at: float, column: str = "") -> float:
        """Plan a movement with its bounces."""
        for count, delay in enumerate(self._bounces):
            self._movements.append(Movement(at + delay, line, level if count % 2 == 0 else not level, column))
        self._movements.sort(key=lambda movement: movement.at)
        self._free_at = max(self._free_at, at + PAUSE_S)
        return at + self._bounces[-1]
