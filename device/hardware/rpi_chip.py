"""GPIO through the RPi.GPIO interface: the original package, or `rpi-lgpio` that speaks the same on newer kernels.

Its callbacks come on a thread of its own and without level or time; they look at the line, note the time and put both
into a queue whose descriptor wakes the loop. `rpi-lgpio` stands on `lgpio`, which does know level and time from the
kernel: there its reports are taken, and a callback that is late, as on a slow or busy board, spoils no pulse. Nothing
here is debounced by the package: its `bouncetime` is a dead time that lets the first spike through.
"""

import time
from collections.abc import Callable

from device.annotations import Any
from device.hardware.edge_filter import Edge, EdgeFilter
from device.hardware.edge_queue import EdgeQueue
from device.hardware.errors import LineError
from device.hardware.interfaces import (
    HEADER_CHIP,
    HEADER_LABELS,
    Debouncer,
    InputLine,
    LineChanged,
    LineSpec,
    OutputLine,
    PwmOutput,
    PwmSpec,
)

LEAST_LAG_S = 0.005
"""How late a report of lgpio is taken to come at least; it passes through two threads."""
LAG_DECAY = 0.9
"""From one report to the next a late one is forgotten by so much."""

CLOCK_TOLERANCE_S = 60.0
"""Kernels have dated edges by one clock or the other; a date that fits neither is not taken."""


class RpiChip:
    """A `LineChip` over the 40-pin header of a Raspberry Pi; lines are BCM numbers or "GPIO17".

    `library` is the module `RPi.GPIO`, imported here when it is not given. Raises LineError if it cannot be used.
    """

    def __init__(self, library: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._gpio = _import_rpi_gpio() if library is None else library
        self._clock = clock
        self._lines: dict[int, RpiInputLine | RpiOutputLine | RpiPwm] = {}
        if self._gpio.getmode() not in (None, self._gpio.BCM):
            raise LineError("RPi.GPIO is in use with board numbers in this process; offhook needs BCM numbers")
        # A pin that another program left as an output is nothing to warn of: we set it up anew.
        self._gpio.setwarnings(False)
        self._gpio.setmode(self._gpio.BCM)

    def request_input(self, name: str, spec: LineSpec) -> InputLine:
        pin = self._pin(name, spec)
        pulls = {"none": self._gpio.PUD_OFF, "pull-up": self._gpio.PUD_UP, "pull-down": self._gpio.PUD_DOWN}
        _call(name, self._gpio.setup, pin, self._gpio.IN, pull_up_down=pulls[spec.bias])
        try:
            line = RpiInputLine(self, name, spec, pin)
        except LineError:
            _call(name, self._gpio.cleanup, pin)
            raise
        self._lines[pin] = line
        try:
            line.watch()
        except LineError:
            line.close()
            raise
        return line

    def request_output(self, name: str, spec: LineSpec, initially: bool = False) -> OutputLine:
        line = RpiOutputLine(self, name, spec, self._pin(name, spec))
        line.set(initially)
        self._lines[line.pin] = line
        return line

    def request_pwm(self, name: str, spec: PwmSpec) -> PwmOutput:
        if spec.line is None:
            from device.hardware.pwm import SysfsPwm  # noqa: PLC0415  # for the few ringers that need it

            return SysfsPwm(name, spec)
        output = RpiPwm(self, name, self._pin(name, spec.line))
        self._lines[output.pin] = output
        return output

    def close(self) -> None:
        for line in list(self._lines.values()):
            line.close()

    @property
    def gpio(self) -> Any:
        """The module behind this chip."""
        return self._gpio

    def now(self) -> float:
        """The time that an edge is dated with."""
        return self._clock()

    def line_closed(self, pin: int) -> None:
        """A line was given back."""
        self._lines.pop(pin, None)

    def _pin(self, name: str, spec: LineSpec) -> int:
        if spec.chip not in (HEADER_CHIP, "gpiochip0", *HEADER_LABELS):
            raise LineError(f"{name}: RPi.GPIO knows the chip of the header only, not {spec.chip!r}; use driver gpiod")
        text = str(spec.line).upper().removeprefix("GPIO")
        if not text.isdecimal():
            raise LineError(f"{name}: {spec.line!r} is no BCM number, such as 17 or GPIO17")
        pin = int(text)
        if pin in self._lines:
            raise LineError(f"{name}: GPIO{pin} is in use by {self._lines[pin].name!r}; give each line one task")
        return pin


class RpiInputLine:
    """An input of the header."""

    def __init__(self, chip: RpiChip, name: str, spec: LineSpec, pin: int) -> None:
        self.name = name
        self.pin = pin
        self._chip = chip
        self._active_low = spec.active_low
        self._debounce_ms = spec.debounce_ms
        self._closed = False
        self._queue: EdgeQueue[Edge] = EdgeQueue()
        self._lgpio: Any = getattr(chip.gpio, "lgpio", None)
        self._reports: Any = None
        self._lag_s = LEAST_LAG_S
        lag_s = None if self._lgpio is None else lambda: self._lag_s
        try:
            self._filter = EdgeFilter(name, spec.debounce_ms, self._queue.take_all, self._read_active, lag_s)
        except LineError:
            self._queue.close()
            raise

    def watch(self) -> None:
        """Have edges told from now on. Raises LineError."""
        gpio = self._chip.gpio
        if self._lgpio is None:
            _call(self.name, gpio.add_event_detect, self.pin, gpio.BOTH, callback=self.receive_callback)
            return
        _call(self.name, gpio.add_event_detect, self.pin, gpio.BOTH)
        # The chip's handle is the module's own affair; without it the plain callbacks serve.
        handle = getattr(gpio, "_chip", None)
        if handle is None:
            _call(self.name, gpio.add_event_callback, self.pin, self.receive_callback)
        else:
            self._reports = _call(self.name, self._lgpio.callback, handle, self.pin, func=self.receive_report)

    def receive_report(self, _chip: int, _line: int, level: int, date_ns: int) -> None:
        """Note an edge with the kernel's date; runs on the thread of lgpio. Level 2 is its watchdog."""
        if self._closed or level not in (0, 1):
            return
        now = self._chip.now()
        at = self._on_our_clock(date_ns / 1e9, now)
        self._lag_s = max(LEAST_LAG_S, now - at + LEAST_LAG_S, LAG_DECAY * self._lag_s)
        self._queue.put((bool(level) != self._active_low, at))

    @staticmethod
    def _on_our_clock(date: float, now: float) -> float:
        """The date of an edge on the monotonic clock, whichever clock the kernel took."""
        since_1970 = time.time()
        for age in (now - date, since_1970 - date):
            if -CLOCK_TOLERANCE_S < age < CLOCK_TOLERANCE_S:
                return now - max(age, 0.0)
        return now

    def receive_callback(self, channel: int) -> None:
        """Note an edge; runs on the thread of RPi.GPIO, and touches the queue only."""
        if not self._closed:
            self._queue.put((self._read_active(), self._chip.now()))

    @property
    def debounced_by(self) -> Debouncer:
        return "software" if self._debounce_ms else "none"

    @property
    def lag_s(self) -> float:
        return self._filter.lag_s

    def fileno(self) -> int:
        return self._queue.fileno()

    def read_events(self) -> list[LineChanged]:
        self._require_open()
        return self._filter.read_events()

    def active(self) -> bool:
        self._require_open()
        return self._filter.active if self._debounce_ms else self._read_active()

    def handle_timeout(self, now: float) -> list[LineChanged]:
        self._require_open()
        return self._filter.handle_timeout(now)

    def next_timeout(self) -> float | None:
        return self._filter.next_timeout()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._reports is not None:
                _call(self.name, self._reports.cancel)
            _call(self.name, self._chip.gpio.remove_event_detect, self.pin)
            _call(self.name, self._chip.gpio.cleanup, self.pin)
        finally:
            self._queue.close()
            self._chip.line_closed(self.pin)

    def _read_active(self) -> bool:
        return bool(_call(self.name, self._chip.gpio.input, self.pin)) != self._active_low

    def _require_open(self) -> None:
        if self._closed:
            raise LineError(f"{self.name}: the line was given back and cannot be read any more")


class RpiOutputLine:
    """An output of the header; an open drain is played by letting the pin be an input."""

    def __init__(self, chip: RpiChip, name: str, spec: LineSpec, pin: int) -> None:
        self.name = name
        self.pin = pin
        self._chip = chip
        self._spec = spec
        self._active = False
        self._driven: bool | None = None
        self._closed = False

    def set(self, active: bool) -> None:
        if self._closed:
            raise LineError(f"{self.name}: the line was given back and cannot be set any more")
        level = active != self._spec.active_low
        gpio = self._chip.gpio
        if (self._spec.drive == "open-drain" and level) or (self._spec.drive == "open-source" and not level):
            _call(self.name, gpio.setup, self.pin, gpio.IN, pull_up_down=gpio.PUD_OFF)
            self._driven = None
        elif self._driven is None:
            _call(self.name, gpio.setup, self.pin, gpio.OUT, initial=level)
            self._driven = level
        else:
            _call(self.name, gpio.output, self.pin, level)
            self._driven = level
        self._active = active

    def active(self) -> bool:
        return self._active

    def close(self) -> None:
        if self._closed:
            return
        try:
            self.set(False)
            # The pin becomes an input. A relay board must stay released with that: docs/wiring.md says how.
            _call(self.name, self._chip.gpio.cleanup, self.pin)
        finally:
            self._closed = True
            self._chip.line_closed(self.pin)


class RpiPwm:
    """A line on which a thread of the package makes the pulses; good for the tone of a buzzer, not for more."""

    def __init__(self, chip: RpiChip, name: str, pin: int) -> None:
        self.name = name
        self.pin = pin
        self._chip = chip
        self._pulses: Any = None
        self._closed = False
        _call(name, chip.gpio.setup, pin, chip.gpio.OUT, initial=False)

    def sound(self, frequency_hz: int) -> None:
        if self._closed:
            raise LineError(f"{self.name}: the line was given back and cannot be set any more")
        if self._pulses is None:
            self._pulses = _call(self.name, self._chip.gpio.PWM, self.pin, frequency_hz)
        else:
            _call(self.name, self._pulses.ChangeFrequency, frequency_hz)
        _call(self.name, self._pulses.start, 50)

    def silence(self) -> None:
        if self._pulses is not None:
            _call(self.name, self._pulses.stop)
            _call(self.name, self._chip.gpio.output, self.pin, False)

    def close(self) -> None:
        if self._closed:
            return
        try:
            self.silence()
            # The object of the package must be gone before its pin is cleaned up: it touches it at its end.
            self._pulses = None
            _call(self.name, self._chip.gpio.cleanup, self.pin)
        finally:
            self._closed = True
            self._chip.line_closed(self.pin)


def _import_rpi_gpio() -> Any:
    try:
        import RPi.GPIO  # noqa: PLC0415  # needed on boards with this driver only
    except ImportError as error:
        raise LineError(
            "the Python package RPi.GPIO is missing; install `rpi-lgpio` (pip install offhook[rpi-gpio]), "
            "or use driver gpiod"
        ) from error
    except RuntimeError as error:
        raise LineError(f"RPi.GPIO cannot be used here: {error} Other boards need driver gpiod.") from error
    return RPi.GPIO


def _call(name: str, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call into RPi.GPIO. Raises LineError with what it says and what to do.

    rpi-lgpio lets `lgpio.error` through, which derives from nothing but Exception: hence the wide net.
    """
    try:
        return act(*arguments, **options)
    except Exception as error:
        raise LineError(f"{name}: {error}{_advice(str(error))}") from error


def _advice(text: str) -> str:
    said = text.lower()
    if "edge detection" in said:
        return "; the original RPi.GPIO cannot see edges on kernels from 6.6 on: install rpi-lgpio or use driver gpiod"
    if "busy" in said:
        return "; another program uses this pin: end it, or wire to another pin"
    if "/dev/mem" in said or "permission" in said or "root" in said or "not allocated" in said:
        return "; put the user of offhook into the group gpio, `sudo usermod -aG gpio USER`, and log in anew"
    return ""
