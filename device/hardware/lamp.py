"""Lamps: on, off and patterns that a person tells apart across a room."""

from device.hardware.errors import UnknownDeviceError
from device.hardware.interfaces import OutputLine
from device.timing import TimerSet

LAMP_MODES: dict[str, tuple[tuple[int, int], ...]] = {
    "off": (),
    "on": (),
    "slow-blink": ((500, 500),),
    "fast-blink": ((100, 100),),
    "wink": ((100, 1900),),
    "double-wink": ((100, 150), (100, 1650)),
    "flutter": ((50, 50), (50, 50), (50, 750)),
}
"""Name to (on, off) in milliseconds, repeated; "off" and "on" stand still."""


class Lamp:
    """One lamp; `line` is None where the profile has no such lamp, so that a phone may speak to lamps it lacks."""

    def __init__(self, name: str, line: OutputLine | None = None) -> None:
        self.name = name
        self._line = line
        self._mode = "off"
        self._step = 0
        self._timers: TimerSet[bool] = TimerSet()

    def attach(self, line: OutputLine) -> None:
        """Give it a line, perhaps another one than before; it shows there what it shows. Raises LineError."""
        self._line = line
        line.set(self._mode == "on")
        if LAMP_MODES[self._mode]:
            # In the past: whoever calls with the time next lights it.
            self._timers.clear()
            self._timers.set(True, 0.0)

    def detach(self) -> None:
        """Go on without a line."""
        self._line = None
        self._timers.clear()

    @property
    def mode(self) -> str:
        """The mode it was last asked to show."""
        return self._mode

    def show(self, mode: str, now: float) -> None:
        """Show one of LAMP_MODES; the mode that it shows already goes on undisturbed.

        Raises UnknownDeviceError for another mode, LineError when the line fails.
        """
        if mode not in LAMP_MODES:
            raise UnknownDeviceError(f"lamp {self.name}: no mode {mode!r}; there are {', '.join(LAMP_MODES)}")
        if mode == self._mode:
            return
        self._mode = mode
        self._step = 0
        self._timers.clear()
        if LAMP_MODES[mode] and self._line is not None:
            self._light(True, now)
        else:
            self._set(mode == "on")

    def _light(self, lit: bool, at: float) -> None:
        on_ms, off_ms = LAMP_MODES[self._mode][self._step]
        self._timers.set(not lit, at + (on_ms if lit else off_ms) / 1000)
        self._set(lit)

    def _set(self, lit: bool) -> None:
        if self._line is not None:
            self._line.set(lit)

    def handle_timeout(self, now: float) -> None:
        """Move the pattern on to `now`. Raises LineError."""
        for lit in self._timers.pop_due(now):
            if lit:
                self._step = (self._step + 1) % len(LAMP_MODES[self._mode])
            self._light(lit, now)

    def next_timeout(self) -> float | None:
        """When the lamp changes next, or None while it stands still."""
        return self._timers.next_timeout()

    def close(self) -> None:
        """Dark from now on; idempotent. Raises LineError."""
        self._mode = "off"
        self._timers.clear()
        self._set(False)
