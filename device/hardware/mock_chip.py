"""The simulated board: lines that other code drives and looks at, as strict as real ones.

It is product code: `offhook` runs on it wherever there is no GPIO, and the control socket reaches through it.
Between the lines lies what lies there in life: bias resistors, switches of a key matrix, the kernel's glitch filter
and a descriptor that becomes readable.
"""

import time
from collections.abc import Callable, Mapping

from device.hardware.debounce import Debounce
from device.hardware.edge_queue import EdgeQueue
from device.hardware.errors import LineError
from device.hardware.interfaces import (
    Debouncer,
    InputLine,
    LineChanged,
    LineSpec,
    OutputLine,
    PwmOutput,
    PwmSpec,
)
from device.records import dataclass

HISTORY_LIMIT = 1000
"""Output changes kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class OutputChange:
    """An output took a new level; `active` is as the device meant it, `level` what a meter would show."""

    at: float
    name: str
    active: bool
    level: bool


@dataclass(frozen=True, slots=True)
class _Wire:
    """One physical line of a chip."""

    chip: str
    line: int | str


class MockChip:
    """A `LineChip` without hardware.

    `clock` dates output changes and the edges that they cause; `initially` gives the physical levels that outside
    parts hold before the board is opened, by line name (a handset that is off at power-up).
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, initially: Mapping[str, bool] | None = None
    ) -> None:
        self._clock = clock
        self._driven: dict[str, bool] = dict(initially or {})
        self._inputs: dict[str, MockInputLine] = {}
        self._outputs: dict[str, MockOutputLine] = {}
        self._switches: set[tuple[str, str]] = set()
        self._history: list[OutputChange] = []
        self._tones: dict[str, MockPwm] = {}
        self._shorts: list[OutputChange] = []

    # The chip, as a board sees it.

    def request_input(self, name: str, spec: LineSpec) -> InputLine:
        self._refuse_taken(name, spec)
        line = MockInputLine(self, name, spec)
        self._inputs[name] = line
        line.settle_at(self.level(name))
        self._propagate(self._clock())
        return line

    def request_output(self, name: str, spec: LineSpec, initially: bool = False) -> OutputLine:
        self._refuse_taken(name, spec)
        if name in self._driven:
            raise LineError(f"{name}: something outside drives this line already; it cannot be an output")
        line = MockOutputLine(self, name, spec, initially)
        self._outputs[name] = line
        self._record(line)
        self._propagate(self._clock())
        return line

    def request_pwm(self, name: str, spec: PwmSpec) -> PwmOutput:
        if name in self._tones and not self._tones[name].closed:
            raise LineError(f"{name}: the PWM output is in use already")
        self._tones[name] = MockPwm()
        return self._tones[name]

    def tone(self, name: str) -> int:
        """The frequency in Hz that a PWM output makes, 0 while it is silent. Raises LineError."""
        if name not in self._tones:
            raise LineError(
                f"{name}: no PWM output of that name is in use; there are {', '.join(self._tones) or 'none'}"
            )
        return self._tones[name].frequency_hz

    def close(self) -> None:
        for line in self._lines():
            line.close()
        for output in self._tones.values():
            output.close()

    # The world around it.

    def drive(self, name: str, level: bool, at: float | None = None) -> None:
        """Hold an input at a physical level from outside, from `at` on (seconds; default: now). Raises LineError."""
        self._require_input(name)
        self._driven[name] = level
        self._propagate(self._clock() if at is None else at)

    def hold(self, name: str, active: bool, at: float | None = None) -> None:
        """The same in the words of the device: active or not, whatever the polarity of the line. Raises LineError."""
        self._require_input(name)
        self.drive(name, active != self._inputs[name].spec.active_low, at)

    def release(self, name: str, at: float | None = None) -> None:
        """Stop holding an input: its bias resistor takes over. Raises LineError."""
        self._require_input(name)
        self._driven.pop(name, None)
        self._propagate(self._clock() if at is None else at)

    def press(self, row: str, column: str, down: bool, at: float | None = None) -> None:
        """Close or open the switch between two lines, such as "keypad.row0" and "keypad.column2". Raises LineError."""
        for name in (row, column):
            if name not in self._inputs and name not in self._outputs:
                raise LineError(f"{name}: no line of that name is in use; there are {self._names()}")
        (self._switches.add if down else self._switches.discard)((row, column))
        self._propagate(self._clock() if at is None else at)

    def level(self, name: str) -> bool:
        """What a meter would show on a line in use, high is True. Raises LineError."""
        net = self._net(name)
        strong = [level for wire in net if (level := self._strong_level(wire)) is not None]
        if strong:
            return all(strong)
        biases = {self._inputs[wire].spec.bias for wire in net if wire in self._inputs}
        return "pull-up" in biases and "pull-down" not in biases

    def levels(self) -> dict[str, bool]:
        """The physical level of every line in use, by name."""
        return {name: self.level(name) for name in (*self._inputs, *self._outputs)}

    def inputs(self) -> dict[str, LineSpec]:
        """The inputs in use, by name."""
        return {name: line.spec for name, line in self._inputs.items()}

    def outputs(self) -> dict[str, LineSpec]:
        """The outputs in use, by name."""
        return {name: line.spec for name, line in self._outputs.items()}

    def history(self, name: str | None = None) -> tuple[OutputChange, ...]:
        """The last changes of one output, or of all, oldest first; the first entry is the level at the request."""
        return tuple(change for change in self._history if name is None or change.name == name)

    def shorts(self) -> tuple[OutputChange, ...]:
        """Output changes that drove a line against another driver: in life, current through both pins."""
        return tuple(self._shorts)

    # What the lines tell their chip.

    def output_changed(self, line: "MockOutputLine") -> None:
        """An output was set: note it and let the level spread."""
        self._record(line)
        self._propagate(self._clock())

    def line_closed(self, name: str) -> None:
        """A line was given back; what hung on it floats or is held by others now."""
        self._inputs.pop(name, None)
        self._outputs.pop(name, None)
        self._propagate(self._clock())

    def _record(self, line: "MockOutputLine") -> None:
        change = OutputChange(self._clock(), line.name, line.active(), line.active() != line.spec.active_low)
        self._history.append(change)
        del self._history[:-HISTORY_LIMIT]
        if len({level for wire in self._net(line.name) if (level := self._strong_level(wire)) is not None}) > 1:
            self._shorts.append(change)

    def _propagate(self, at: float) -> None:
        for name, line in self._inputs.items():
            line.receive_level(self.level(name), at)

    def _net(self, name: str) -> set[str]:
        """All lines that closed switches join to this one."""
        if name not in self._inputs and name not in self._outputs:
            raise LineError(f"{name}: no line of that name is in use; there are {self._names()}")
        net, waiting = {name}, [name]
        while waiting:
            wire = waiting.pop()
            for pair in self._switches:
                if wire in pair:
                    other = pair[1] if pair[0] == wire else pair[0]
                    if other not in net:
                        net.add(other)
                        waiting.append(other)
        return net

    def _strong_level(self, name: str) -> bool | None:
        """The level that this line or something outside drives, or None where only a resistor holds it."""
        if name in self._outputs:
            return self._outputs[name].driven_level()
        return self._driven.get(name)

    def _require_input(self, name: str) -> None:
        if name in self._outputs:
            raise LineError(f"{name}: this line is an output; driving it from outside would be a short circuit")
        if name not in self._inputs:
            raise LineError(f"{name}: no input of that name is in use; there are {self._names()}")

    def _refuse_taken(self, name: str, spec: LineSpec) -> None:
        wire = _Wire(spec.chip, spec.line)
        for line in self._lines():
            if line.name == name or _Wire(line.spec.chip, line.spec.line) == wire:
                raise LineError(
                    f"{name}: line {spec.line} of {spec.chip} is in use by {line.name!r}; give each line one task"
                )

    def _lines(self) -> "list[MockInputLine | MockOutputLine]":
        return [*self._outputs.values(), *self._inputs.values()]

    def _names(self) -> str:
        return ", ".join(sorted((*self._inputs, *self._outputs))) or "none"


class MockInputLine:
    """An input of the simulated board; filtered as the kernel filters it."""

    def __init__(self, chip: MockChip, name: str, spec: LineSpec) -> None:
        self.name = name
        self.spec = spec
        self._chip = chip
        self._filter = Debounce(spec.debounce_ms)
        self._queue: EdgeQueue[LineChanged] = EdgeQueue()
        self._raw = False
        self._closed = False

    @property
    def debounced_by(self) -> Debouncer:
        return "kernel" if self.spec.debounce_ms else "none"

    @property
    def lag_s(self) -> float:
        return 0.0

    def settle_at(self, level: bool) -> None:
        """Start from a level without an event."""
        self._raw = level
        self._filter = Debounce(self.spec.debounce_ms, level)

    def receive_level(self, level: bool, at: float) -> None:
        """The physical level is `level` from `at` on."""
        if level == self._raw:
            return
        self._raw = level
        self._queue_settled(self._filter.receive_edge(level, at))

    def _queue_settled(self, settled: list[tuple[bool, float]]) -> None:
        for level, at in settled:
            self._queue.put(LineChanged(self.name, level != self.spec.active_low, at))

    def fileno(self) -> int:
        return self._queue.fileno()

    def read_events(self) -> list[LineChanged]:
        self._require_open()
        return self._queue.take_all()

    def active(self) -> bool:
        self._require_open()
        # As the kernel does, a filtered line answers with its settled level.
        return self._filter.level != self.spec.active_low

    def handle_timeout(self, now: float) -> list[LineChanged]:
        # This plays the kernel's timer: the change comes out of the descriptor, as it would in life.
        self._queue_settled(self._filter.handle_timeout(now))
        return []

    def next_timeout(self) -> float | None:
        return self._filter.next_timeout()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.close()
            self._chip.line_closed(self.name)

    def _require_open(self) -> None:
        if self._closed:
            raise LineError(f"{self.name}: the line was given back and cannot be read any more")


class MockOutputLine:
    """An output of the simulated board."""

    def __init__(self, chip: MockChip, name: str, spec: LineSpec, initially: bool) -> None:
        self.name = name
        self.spec = spec
        self._chip = chip
        self._active = initially
        self._closed = False

    def set(self, active: bool) -> None:
        if self._closed:
            raise LineError(f"{self.name}: the line was given back and cannot be set any more")
        if active != self._active:
            self._active = active
            self._chip.output_changed(self)

    def active(self) -> bool:
        return self._active

    def driven_level(self) -> bool | None:
        """The level that the pin drives, None while an open drain or open source lets go."""
        level = self._active != self.spec.active_low
        if (self.spec.drive == "open-drain" and level) or (self.spec.drive == "open-source" and not level):
            return None
        return level

    def close(self) -> None:
        if self._closed:
            return
        try:
            self.set(False)
        finally:
            self._closed = True
            self._chip.line_closed(self.name)


class MockPwm:
    """A PWM output of the simulated board."""

    def __init__(self) -> None:
        self.frequency_hz = 0
        self.closed = False

    def sound(self, frequency_hz: int) -> None:
        self.frequency_hz = frequency_hz

    def silence(self) -> None:
        self.frequency_hz = 0

    def close(self) -> None:
        self.silence()
        self.closed = True
