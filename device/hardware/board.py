"""The board: every device of a profile, opened on the lines of a chip, behind one set of descriptors and deadlines."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from device.annotations import Protocol
from device.desk_events import DeskEvent, HookReplaced
from device.hardware.button import Button
from device.hardware.errors import HardwareError, LineError, UnknownDeviceError
from device.hardware.hook_switch import HookSwitch
from device.hardware.interfaces import InputLine, LineChanged, LineChip, LineSpec, OutputLine
from device.hardware.keypad import Keypad
from device.hardware.lamp import Lamp
from device.hardware.profile import BoardProfile, DialProfile, KeypadProfile
from device.hardware.relay import Relay
from device.hardware.ringer import Ringer, SteadyDrive
from device.hardware.rotary_dial import RotaryDial
from device.records import dataclass, replace
from device.timing import earliest

__all__ = ["Board", "BoardProfile", "BoardSnapshot", "LineStatus"]

log = logging.getLogger(__name__)


class InputDevice(Protocol):
    """What a board asks of hook switch, keypad, dial and buttons."""

    @property
    def lines(self) -> tuple[InputLine, ...]:
        """The lines whose changes this device wants."""

    def start(self, now: float) -> list[DeskEvent]:
        """Read the lines once. Raises LineError."""

    def receive_change(self, change: LineChanged) -> list[DeskEvent]:
        """Take a settled change of one of the lines."""

    def handle_timeout(self, now: float) -> list[DeskEvent]:
        """Do what is due. Raises LineError."""

    def next_timeout(self) -> float | None:
        """When something is due, or None."""


class OutputDevice(Protocol):
    """What a board asks of ringer, lamps and relays."""

    def handle_timeout(self, now: float) -> None:
        """Do what is due. Raises LineError."""

    def next_timeout(self) -> float | None:
        """When something is due, or None."""

    def close(self) -> None:
        """Go to the safe state. Raises LineError."""


@dataclass(frozen=True, slots=True)
class LineStatus:
    """One line as the wiring test shows it."""

    name: str
    chip: str
    line: str
    direction: str
    """"in" or "out"."""
    active: bool
    debounced_by: str
    """"kernel", "software" or "none"."""
    changes: int
    """Settled changes since the start; inputs only."""


@dataclass(frozen=True, slots=True)
class BoardSnapshot:
    """The state of the whole board, for status pages; plain values only."""

    profile: str
    driver: str
    hook: str
    """"on-hook", "off-hook", "unknown", or "none" on a board without hook switch."""
    ringing: str
    """The name of the ring pattern, empty while silent."""
    lamps: dict[str, str]
    relays: dict[str, bool]
    lines: tuple[LineStatus, ...]


class Board:
    """Hook switch, keypad, dial, buttons, ringer, lamps and relays of one profile.

    Raises LineError when a line cannot be had; what was opened before is closed again.
    """

    def __init__(self, profile: BoardProfile, chip: LineChip) -> None:
        self.profile = profile
        self._chip = chip
        self._inputs: dict[str, InputLine] = {}
        self._outputs: dict[str, OutputLine] = {}
        self._specs: dict[str, LineSpec] = {}
        self._changes: dict[str, int] = {}
        self.hook: HookSwitch | None = None
        self.keypad: Keypad | None = None
        self.dial: RotaryDial | None = None
        self.buttons: dict[str, Button] = {}
        self.lamps: dict[str, Lamp] = {}
        self.relays: dict[str, Relay] = {}
        self.on_line_changed: Callable[[LineChanged], None] | None = None
        """Called with each change of an input before its device sees it: the live wiring test."""
        try:
            self.ringer = self._open_outputs()
            """Always there; without lines in the profile it is silent."""
            self._open_inputs()
        except LineError:
            self._close_lines()
            raise
        self._devices: list[InputDevice] = [
            device for device in (self.hook, self.keypad, self.dial, *self.buttons.values()) if device is not None
        ]

    # Opening.

    def _open_outputs(self) -> Ringer:
        # Outputs first: a relay is in its safe state before anything can happen.
        for name, relay in self.profile.relays.items():
            self.relays[name] = Relay(name, self._output(f"relay.{name}", relay.line), relay.max_pulse_s)
        for name, spec in self.profile.lamps.items():
            self.lamps[name] = Lamp(name, self._output(f"lamp.{name}", spec))
        if self.profile.ringer is None:
            return Ringer(SteadyDrive(()))
        lines = [self._output(f"ringer.{number}", spec) for number, spec in enumerate(self.profile.ringer.lines)]
        return Ringer(SteadyDrive(lines), self.profile.ringer.cadence)

    def _open_inputs(self) -> None:
        profile = self.profile
        if profile.hook is not None:
            hook = profile.hook
            line = self._input("hook", hook.line)
            self.hook = HookSwitch(line, hook.flash, hook.flash_min_ms, hook.flash_max_ms)
        if profile.keypad is not None:
            self.keypad = self._open_keypad(profile.keypad)
        if profile.dial is not None:
            self.dial = self._open_dial(profile.dial)
        for name, spec in profile.buttons.items():
            self.buttons[name] = Button(name, self._input(f"button.{name}", spec))

    def _open_keypad(self, keypad: KeypadProfile) -> Keypad:
        return Keypad(
            [self._output(f"keypad.row{number}", spec, initially=True) for number, spec in enumerate(keypad.rows)],
            [self._input(f"keypad.column{number}", spec) for number, spec in enumerate(keypad.columns)],
            keypad.keys,
            debounce_ms=keypad.debounce_ms,
            scan_ms=keypad.scan_ms,
            settle=_pause(keypad.settle_us),
        )

    def _open_dial(self, dial: DialProfile) -> RotaryDial:
        return RotaryDial(
            self._input("dial.pulse", dial.pulse),
            None if dial.off_normal is None else self._input("dial.off_normal", dial.off_normal),
            plan=dial.plan,
            gap_ms=dial.gap_ms,
            min_break_ms=dial.min_break_ms,
            max_break_ms=dial.max_break_ms,
        )

    def _input(self, name: str, spec: LineSpec) -> InputLine:
        line = self._chip.request_input(name, spec)
        self._inputs[name], self._specs[name], self._changes[name] = line, spec, 0
        return line

    def _output(self, name: str, spec: LineSpec, initially: bool = False) -> OutputLine:
        line = self._chip.request_output(name, spec, initially)
        self._outputs[name], self._specs[name] = line, spec
        return line

    # Running.

    def start(self, now: float) -> list[DeskEvent]:
        """Read all inputs once: gives HookLifted or HookReplaced, so that a handset off at power-up is known."""
        events: list[DeskEvent] = []
        for device in self._devices:
            events += self._guarded(device.start, now)
        return events

    def fds(self) -> list[int]:
        """The descriptors to wait on for reading. A line that fails is closed and leaves this list."""
        return [fd for line in self._inputs.values() if (fd := line.fileno()) >= 0]

    def receive_ready(self, fd: int, now: float) -> list[DeskEvent]:
        """Take what a readable descriptor has to say. Never raises for a fault of the hardware: that is logged."""
        for device in self._devices:
            if any(line.fileno() == fd for line in device.lines):
                return self._run(device, now)
        return []

    def handle_timeout(self, now: float) -> list[DeskEvent]:
        """Do all that is due at `now`. Never raises for a fault of the hardware: that is logged."""
        events: list[DeskEvent] = []
        for device in self._devices:
            if _is_due(_deadline(device), now):
                events += self._run(device, now)
        for output in self._output_devices():
            if _is_due(output.next_timeout(), now):
                _log_failure(output.handle_timeout, now)
        return events

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return earliest(
            *(_deadline(device) for device in self._devices),
            *(device.next_timeout() for device in self._output_devices()),
        )

    def _run(self, device: InputDevice, now: float) -> list[DeskEvent]:
        """Give a device what its lines hold, in the order of time stamps, and then the time.

        All of its lines are read before its timers run: a change that waits in a descriptor is older than a deadline
        that has just passed, and a slow loop must not turn a hook flash into a hang-up.
        """
        changes: list[LineChanged] = []
        for line in device.lines:
            changes += self._read(line, now)
        events: list[DeskEvent] = []
        for change in sorted(changes, key=lambda change: change.at):
            self._changes[change.name] += 1
            if self.on_line_changed is not None:
                self.on_line_changed(change)
            events += device.receive_change(change)
        events += self._guarded(device.handle_timeout, now)
        if self.dial is not None and any(isinstance(event, HookReplaced) for event in events):
            self.dial.abandon(now)
        return events

    def _read(self, line: InputLine, now: float) -> list[LineChanged]:
        if _is_dead(line):
            return []
        try:
            changes = line.read_events()
            if _is_due(line.next_timeout(), now):
                # What settles only now may come back as a result, or out of the descriptor as from a kernel.
                changes += line.handle_timeout(now) + line.read_events()
            return changes
        except LineError as error:
            log.error("%s; this input is dead until offhook is started again", error)
            line.close()
            return []

    def _guarded(self, act: Callable[[float], list[DeskEvent]], now: float) -> list[DeskEvent]:
        try:
            return act(now)
        except LineError as error:
            log.error("%s", error)
            return []

    # Outputs.

    def lamp(self, name: str) -> Lamp:
        """The lamp of that name; where the profile has none, one without a line that takes every mode in silence."""
        if name not in self.lamps:
            self.lamps[name] = Lamp(name)
        return self.lamps[name]

    def relay(self, name: str) -> Relay:
        """The relay of that name. Raises UnknownDeviceError, which lists the relays that there are."""
        if name not in self.relays:
            known = ", ".join(self.relays) or "none"
            raise UnknownDeviceError(f"relay {name}: the board profile has no such relay; it has: {known}")
        return self.relays[name]

    def _output_devices(self) -> Iterator[OutputDevice]:
        yield self.ringer
        yield from self.relays.values()
        yield from self.lamps.values()

    def safe_state(self) -> None:
        """Ringer silent, relays released, lamps dark, at once; the board goes on working. Never raises."""
        for device in self._output_devices():
            _log_failure(device.close)

    def close(self) -> None:
        """Safe state, then give back all lines; idempotent. Never raises."""
        if self._specs:
            self.safe_state()
            self._close_lines()

    def _close_lines(self) -> None:
        lines: Sequence[InputLine | OutputLine] = [*self._outputs.values(), *self._inputs.values()]
        for line in lines:
            _log_failure(line.close)
        self._inputs.clear()
        self._outputs.clear()
        self._specs.clear()
        self._devices = []

    # Status.

    def snapshot(self) -> BoardSnapshot:
        """The state of every device and line. Never raises."""
        return BoardSnapshot(
            profile=self.profile.name,
            driver=self.profile.driver,
            hook="none" if self.hook is None else "off-hook" if self.hook.lifted else self.hook.state.value,
            ringing="" if self.ringer.pattern is None else self.ringer.pattern.name,
            lamps={name: lamp.mode for name, lamp in self.lamps.items()},
            relays={name: relay.active for name, relay in self.relays.items()},
            lines=tuple(self._line_status(name, spec) for name, spec in self._specs.items()),
        )

    def _line_status(self, name: str, spec: LineSpec) -> LineStatus:
        status = LineStatus(name, spec.chip, str(spec.line), "out", False, "none", 0)
        if name in self._outputs:
            return replace(status, active=self._outputs[name].active())
        line = self._inputs[name]
        status = replace(status, direction="in", changes=self._changes[name], debounced_by=line.debounced_by)
        try:
            return replace(status, active=line.active())
        except LineError:
            return replace(status, direction="failed")


def _pause(settle_us: int) -> Callable[[], None]:
    """Time for a column to follow its row, through the capacitance of a cable."""
    if settle_us == 0:
        return lambda: None
    return lambda: time.sleep(settle_us / 1_000_000)


def _deadline(device: InputDevice) -> float | None:
    return earliest(device.next_timeout(), *(line.next_timeout() for line in device.lines if not _is_dead(line)))


def _is_dead(line: InputLine) -> bool:
    """Whether the line was closed after a fault."""
    return line.fileno() < 0


def _is_due(deadline: float | None, now: float) -> bool:
    return deadline is not None and deadline <= now


def _log_failure(act: Callable[..., None], *arguments: float) -> None:
    try:
        act(*arguments)
    except HardwareError as error:
        log.error("%s", error)
