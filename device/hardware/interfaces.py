"""What a line and a chip are to the rest of this subpackage; the chips in this folder satisfy it.

A device (`HookSwitch`) says what a change means, a line (`InputLine`) what it is, and only a chip (`LineChip`) knows
the kernel. Polarity ends at the line: above it there is `active` and nothing else.
"""

from device.annotations import Literal, Protocol
from device.records import dataclass

Bias = Literal["none", "pull-up", "pull-down"]
Drive = Literal["push-pull", "open-drain", "open-source"]
Debouncer = Literal["kernel", "software", "none"]

BIASES: tuple[Bias, ...] = ("none", "pull-up", "pull-down")
DRIVES: tuple[Drive, ...] = ("push-pull", "open-drain", "open-source")

UNHELD = ("high", "low", "floating")
"""What a pin may be while nobody holds it."""

ANY_CHIP = "any"
"""Stands for whichever chip has a line of that name, for boards that name their lines after the pins."""

HEADER_CHIP = "raspberry-pi"
"""Stands for the chip behind the 40-pin header, whatever the model calls it."""

HEADER_LABELS = ("pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835")
"""The labels of that chip: Raspberry Pi 5, 4, and 1 to 3 with Zero."""


@dataclass(frozen=True, slots=True)
class LineSpec:
    """Which line of which chip, and how it is wired.

    `chip` is a device path, a kernel name ("gpiochip0"), a label ("pinctrl-bcm2835"), "raspberry-pi" for the chip
    of the 40-pin header of any model, or "any" for the one that has a line of that name. `line` is an offset
    (the BCM number on a Raspberry Pi) or a line name.
    """

    chip: str
    line: int | str
    active_low: bool = False
    bias: Bias = "none"
    debounce_ms: int = 0
    """A new level counts once it was stable for so long; 0 for every edge as it comes. Inputs only."""
    drive: Drive = "push-pull"
    """Outputs only."""
    unheld: str = ""
    """One of UNHELD where a resistor outside decides it; empty for what the chip does by itself. Outputs only."""


@dataclass(frozen=True, slots=True)
class PwmSpec:
    """One output of a PWM controller of the kernel.

    `chip` is a kernel name ("pwmchip0") or the name of the controller's device ("fe20c000.pwm").
    """

    chip: str
    channel: int
    line: LineSpec | None = None
    """A line of the header in its place, on which the driver makes the pulses itself: rpi-gpio only."""


@dataclass(frozen=True, slots=True)
class LineChanged:
    """An input became active or inactive, polarity and debounce applied; `at` in seconds on the monotonic clock."""

    name: str
    active: bool
    at: float


class InputLine(Protocol):
    """One requested input. The daemon waits for `fileno()` to be readable and for `next_timeout()`."""

    @property
    def debounced_by(self) -> Debouncer:
        """Who filters this line: the kernel, our `Debounce`, or nobody."""

    @property
    def lag_s(self) -> float:
        """How late changes may be told of at the moment, with their dates, on top of debouncing; 0 for at once."""

    def fileno(self) -> int:
        """A descriptor that is readable while `read_events()` has something to give; -1 once the line is closed."""

    def read_events(self) -> list[LineChanged]:
        """Take the changes that wait; never blocks, an empty list when there are none. Raises LineError."""

    def active(self) -> bool:
        """The state now. On a debounced line this is the settled state. Raises LineError."""

    def handle_timeout(self, now: float) -> list[LineChanged]:
        """Changes whose debounce time has passed, where the kernel does not do this for us."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""

    def close(self) -> None:
        """Give the line back; idempotent."""


class OutputLine(Protocol):
    """One requested output."""

    def set(self, active: bool) -> None:
        """Drive the line; returns at once. Raises LineError."""

    def active(self) -> bool:
        """What the line was last set to."""

    def close(self) -> None:
        """Make the line inactive and give it back; idempotent."""


class PwmOutput(Protocol):
    """An output that makes a square wave of half time high by itself."""

    def sound(self, frequency_hz: int) -> None:
        """Begin, or go on with another frequency; returns at once. Raises LineError."""

    def silence(self) -> None:
        """End; the output is low. Raises LineError."""

    def close(self) -> None:
        """Silence it and give it back; idempotent. Raises LineError."""


class LineChip(Protocol):
    """A way to the GPIO chips of this board; one object serves all of them."""

    def request_input(self, name: str, spec: LineSpec) -> InputLine:
        """Take an input with edge events on both edges; `name` appears in events and errors. Raises LineError."""

    def request_output(self, name: str, spec: LineSpec, initially: bool = False) -> OutputLine:
        """Take an output, driven `initially` from the first moment. Raises LineError."""

    def request_pwm(self, name: str, spec: PwmSpec) -> PwmOutput:
        """Take a PWM output, silent. Raises LineError."""

    def close(self) -> None:
        """Give back every line that is still held, outputs made inactive; idempotent."""
