"""What the person at the desk did, as the hardware reports it and the phone understands it.

Every `at` is seconds on the monotonic clock, taken from the kernel's time stamp where there is one.
"""

from device.records import dataclass


@dataclass(frozen=True, slots=True)
class HookLifted:
    """The handset left the cradle (off-hook)."""

    at: float


@dataclass(frozen=True, slots=True)
class HookReplaced:
    """The handset is back in the cradle (on-hook), for longer than a hook flash."""

    at: float


@dataclass(frozen=True, slots=True)
class HookFlashed:
    """The cradle was pressed for the time of a hook flash (register recall)."""

    at: float


@dataclass(frozen=True, slots=True)
class DigitDialled:
    """One of 0-9, *, #, A-D from keypad or rotary dial."""

    digit: str
    at: float


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A single button, such as the one beside a door; `name` is its name in the board profile."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class DialStarted:
    """The rotary dial left its rest position or the first pulse came: dial tone should stop."""

    at: float


DeskEvent = HookLifted | HookReplaced | HookFlashed | DigitDialled | ButtonPressed | DialStarted
