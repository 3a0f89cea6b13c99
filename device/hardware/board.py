"""The board: every device of a profile, opened on the lines of a chip, behind one set of descriptors and deadlines."""

import time
from collections.abc import Callable, Iterator, Sequence

from device import plain_logging as logging
from device.annotations import Protocol
from device.desk_events import DeskEvent, HookLifted, HookReplaced
from device.hardware.button import Button
from device.hardware.errors import HardwareError, LineError, UnknownDeviceError
from device.hardware.hook_switch import HookSwitch
from device.hardware.interfaces import InputLine, LineChanged, LineChip, LineSpec, OutputLine, PwmOutput
from device.hardware.keypad import Keypad
from device.hardware.lamp import Lamp
from device.hardware.profile import (
    BoardProfile,
    DialProfile,
    HookProfile,
    KeypadProfile,
    RelayProfile,
    RingerProfile,
)
from device.hardware.relay import Relay
from device.hardware.ringer import RingDrive, Ringer, SteadyDrive
from device.hardware.rotary_dial import RotaryDial
from device.records import dataclass, field, replace
from device.timing import earliest

__all__ = ["Board", "BoardProfile", "BoardSnapshot", "LineStatus"]

log = logging.getLogger(__name__)


RETRY_S = (2.0, 5.0, 10.0, 30.0)
"""Seconds until a device whose line could not be had is tried again; the last one holds on."""


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
    missing: dict[str, str] = field(default_factory=dict)
    """Devices that do not work now, and why; each is tried again."""


OpenDevice = Callable[[], InputDevice | None]
"""Takes the lines of one device; answers it if it is an input. Raises LineError."""


class Board:
    """Hook switch, keypad, dial, buttons, ringer, lamps and relays of one profile.

    A device whose line cannot be had, or fails later, is left out with its reason in `missing`, and tried again: the
    rest of a phone works without its lamp. `open_sounder` makes the drive of a ringer on a sound card;
    `clock` is that of the times that the board is given, where it may be asked.
    """

    def __init__(
        self,
        profile: BoardProfile,
        chip: LineChip,
        open_sounder: Callable[[RingerProfile], RingDrive] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.profile = profile
        self._chip = chip
        self._open_sounder = open_sounder
        self._clock = clock
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
        self.ringer = Ringer(SteadyDrive(()), "eu" if profile.ringer is None else profile.ringer.cadence)
        """Always there; without lines in the profile it is silent."""
        self.missing: dict[str, str] = {}
        """The devices that do not work now, and why."""
        self._tone: PwmOutput | None = None
        self._closed = False
        self._lifted_before: bool | None = None
        self._tries = 0
        self._retry_at: float | None = None
        self._devices: dict[str, InputDevice] = {}
        self._openers = dict(self._all_openers())
        for name in self._openers:
            self._try_to_open(name)

    # Opening.

    def _all_openers(self) -> Iterator[tuple[str, OpenDevice]]:
        # Outputs first, and of these the relays: they are in their safe state before anything can happen.
        profile = self.profile
        for name, relay in profile.relays.items():
            yield f"relay.{name}", lambda name=name, relay=relay: self._open_relay(name, relay)  # type: ignore[misc]
        if profile.ringer is not None:
            ringer = profile.ringer
            yield "ringer", lambda: self._open_ringer(ringer)
        for name, spec in profile.lamps.items():
            self.lamps[name] = Lamp(name)
            yield f"lamp.{name}", lambda name=name, spec=spec: self._open_lamp(name, spec)  # type: ignore[misc]
        if profile.hook is not None:
            hook = profile.hook
            yield "hook", lambda: self._open_hook(hook)
        if profile.keypad is not None:
            keypad = profile.keypad
            yield "keypad", lambda: self._open_keypad(keypad)
        if profile.dial is not None:
            dial = profile.dial
            yield "dial", lambda: self._open_dial(dial)
        for name, spec in profile.buttons.items():
            yield f"button.{name}", lambda name=name, spec=spec: self._open_button(name, spec)  # type: ignore[misc]

    def _try_to_open(self, name: str) -> bool:
        """Take the lines of one device; all of them or none."""
        before = set(self._specs)
        try:
            device = self._openers[name]()
        except LineError as error:
            self._close_lines_of([line for line in self._specs if line not in before])
            self._note_missing(name, str(error))
            return False
        if device is not None:
            self._devices[name] = device
        if self.missing.pop(name, ""):
            log.info("%s works now", name)
        return True

    def _note_missing(self, name: str, why: str) -> None:
        if self.missing.get(name) != why:
            log.error("%s does not work, and is tried again: %s", name, why)
        self.missing[name] = why

    def _open_relay(self, name: str, relay: RelayProfile) -> None:
        self.relays[name] = Relay(name, self._output(f"relay.{name}", relay.line), relay.max_pulse_s)

    def _open_lamp(self, name: str, spec: LineSpec) -> None:
        self.lamps[name].attach(self._output(f"lamp.{name}", spec))

    def _open_ringer(self, ringer: RingerProfile) -> None:
        self.ringer.attach(self._ring_drive(ringer))

    def _ring_drive(self, ringer: RingerProfile) -> RingDrive:
        if ringer.kind == "sounder" and self._open_sounder is not None:
            return self._open_sounder(ringer)
        if ringer.pwm is not None:
            from device.hardware.pwm import ToneDrive  # noqa: PLC0415  # for the few ringers that need it

            self._tone = self._chip.request_pwm("ringer", ringer.pwm)
            return ToneDrive(self._tone, ringer.tones_hz, ringer.turn_ms)
        lines = [self._output(f"ringer.{number}", spec) for number, spec in enumerate(ringer.lines)]
        if ringer.kind != "bell":
            return SteadyDrive(lines)
        from device.hardware.bell import COUNTRY_HZ, EUROPEAN_HZ, TwoPhaseDrive  # noqa: PLC0415  # for bells only

        return TwoPhaseDrive(
            (lines[0], lines[1]),
            ringer.frequency_hz or COUNTRY_HZ.get(ringer.cadence, EUROPEAN_HZ),
            dead_time_ms=ringer.dead_time_ms,
            enable=None if ringer.enable is None else self._output("ringer.enable", ringer.enable),
            max_burst_s=ringer.max_burst_s,
            clock=self._clock,
        )

    def _open_hook(self, hook: HookProfile) -> HookSwitch:
        line = self._input("hook", hook.line)
        self.hook = HookSwitch(line, hook.flash, hook.flash_min_ms, hook.flash_max_ms)
        return self.hook

    def _open_button(self, name: str, spec: LineSpec) -> Button:
        self.buttons[name] = Button(name, self._input(f"button.{name}", spec))
        return self.buttons[name]

    def _open_keypad(self, keypad: KeypadProfile) -> Keypad:
        self.keypad = Keypad(
            [self._output(f"keypad.row{number}", spec, initially=True) for number, spec in enumerate(keypad.rows)],
            [self._input(f"keypad.column{number}", spec) for number, spec in enumerate(keypad.columns)],
            keypad.keys,
            debounce_ms=keypad.debounce_ms,
            scan_ms=keypad.scan_ms,
            settle=_pause(keypad.settle_us),
        )
        return self.keypad

    def _open_dial(self, dial: DialProfile) -> RotaryDial:
        self.dial = RotaryDial(
            self._input("dial.pulse", dial.pulse),
            None if dial.off_normal is None else self._input("dial.off_normal", dial.off_normal),
            plan=dial.plan,
            gap_ms=dial.gap_ms,
            min_break_ms=dial.min_break_ms,
            max_break_ms=dial.max_break_ms,
        )
        return self.dial

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
        for device in self._devices.values():
            events += self._guarded(device.start, now)
        self._plan_retry(now)
        return events

    def _plan_retry(self, now: float) -> None:
        self._retry_at = now + RETRY_S[min(self._tries, len(RETRY_S) - 1)] if self.missing else None

    def _retry(self, now: float) -> list[DeskEvent]:
        """Try once more to take what could not be had; what an input says when it begins is told."""
        self._tries += 1
        events: list[DeskEvent] = []
        for name in list(self.missing):
            if self._try_to_open(name) and name in self._devices:
                events += self._news_of(name, self._guarded(self._devices[name].start, now))
        if not self.missing:
            self._tries = 0
        self._plan_retry(now)
        return events

    def _news_of(self, name: str, events: list[DeskEvent]) -> list[DeskEvent]:
        """What an input says when it begins again, without what is known since before it was lost."""
        if name != "hook" or self._lifted_before is None:
            return events
        known = HookLifted if self._lifted_before else HookReplaced
        self._lifted_before = None
        return [event for event in events if not isinstance(event, known)]

    def fds(self) -> list[int]:
        """The descriptors to wait on for reading. A line that fails is closed and leaves this list."""
        return [fd for line in self._inputs.values() if (fd := line.fileno()) >= 0]

    def receive_ready(self, fd: int, now: float) -> list[DeskEvent]:
        """Take what a readable descriptor has to say. Never raises for a fault of the hardware: that is logged."""
        for name, device in list(self._devices.items()):
            if any(line.fileno() == fd for line in device.lines):
                return self._run(name, device, now)
        return []

    def handle_timeout(self, now: float) -> list[DeskEvent]:
        """Do all that is due at `now`. Never raises for a fault of the hardware: that is logged."""
        events: list[DeskEvent] = []
        for name, device in list(self._devices.items()):
            if _is_due(_deadline(device), now):
                events += self._run(name, device, now)
        for output in list(self._output_devices()):
            if _is_due(output.next_timeout(), now) and not _log_failure(output.handle_timeout, now):
                self._check_outputs()
                self._plan_retry(now)
        if _is_due(self._retry_at, now):
            events += self._retry(now)
        return events

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return earliest(
            self._retry_at,
            *(_deadline(device) for device in self._devices.values()),
            *(device.next_timeout() for device in self._output_devices()),
        )

    def _run(self, name: str, device: InputDevice, now: float) -> list[DeskEvent]:
        """Give a device what its lines hold, in the order of time stamps, and then the time.

        All of its lines are read before its timers run: a change that waits in a descriptor is older than a deadline
        that has just passed, and a slow loop must not turn a hook flash into a hang-up.
        """
        changes: list[LineChanged] = []
        try:
            for line in device.lines:
                changes += self._read(line, now)
        except LineError as error:
            return self._lose(name, device, str(error), now)
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

    def _lose(self, name: str, device: InputDevice, why: str, now: float) -> list[DeskEvent]:
        """A line of the device has failed: give back all that it has, and try again later."""
        self._note_missing(name, why)
        del self._devices[name]
        if name == "hook" and self.hook is not None:
            self._lifted_before = self.hook.lifted
        self._give_back(name)
        # Where one line has gone the whole chip may have, and with it outputs that say nothing by themselves.
        self._check_outputs()
        self._plan_retry(now)
        return []

    def _give_back(self, name: str) -> None:
        """All lines of a device; an output goes on without any, in silence."""
        kind, _, rest = name.partition(".")
        if kind == "ringer":
            self.ringer.attach(SteadyDrive(()))
        elif kind == "lamp":
            self.lamps[rest].detach()
        elif kind == "relay":
            # What it was to open is shut by now; when its line is back it begins released.
            self.relays.pop(rest, None)
        self._close_lines_of([line for line in self._specs if line == name or line.startswith(f"{name}.")])

    def _check_outputs(self) -> None:
        """Set every output to what it is; one that fails is given back, to be taken again with its device."""
        for line_name, line in list(self._outputs.items()):
            device = line_name if line_name in self._openers else line_name.rpartition(".")[0]
            if device in self.missing:
                continue
            try:
                line.set(line.active())
            except LineError as error:
                self._note_missing(device, str(error))
                self._devices.pop(device, None)
                self._give_back(device)

    def _read(self, line: InputLine, now: float) -> list[LineChanged]:
        changes = line.read_events()
        if _is_due(line.next_timeout(), now):
            # What settles only now may come back as a result, or out of the descriptor as from a kernel.
            changes += line.handle_timeout(now) + line.read_events()
        return changes

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
        """The relay of that name. Raises UnknownDeviceError with those that there are, LineError if it is missing."""
        if f"relay.{name}" in self.missing:
            raise LineError(f"relay {name}: {self.missing[f'relay.{name}']}")
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
        if not self._closed:
            self._closed = True
            self.safe_state()
            self._close_lines_of(list(self._specs))
            if self._tone is not None:
                _log_failure(self._tone.close)
            self._devices.clear()
            self.missing.clear()
            self._retry_at = None

    def _close_lines_of(self, names: Sequence[str]) -> None:
        """Give back lines, outputs first and made inactive by that."""
        lines: list[InputLine | OutputLine] = []
        for name in names:
            if name in self._outputs:
                lines.append(self._outputs.pop(name))
        for name in names:
            if name in self._inputs:
                lines.append(self._inputs.pop(name))
            self._specs.pop(name, None)
        for line in lines:
            _log_failure(line.close)

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
            missing=dict(self.missing),
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
    return earliest(device.next_timeout(), *(line.next_timeout() for line in device.lines))


def _is_due(deadline: float | None, now: float) -> bool:
    return deadline is not None and deadline <= now


def _log_failure(act: Callable[..., None], *arguments: float) -> bool:
    """Do it; answers false where it failed, which is logged."""
    try:
        act(*arguments)
    except HardwareError as error:
        log.error("%s", error)
        return False
    return True
