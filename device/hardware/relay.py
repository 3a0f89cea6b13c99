"""Relays, such as a door opener: closed for a time that is always bounded."""

from device.hardware.errors import HardwareError, LineError
from device.hardware.interfaces import OutputLine
from device.timing import TimerSet

RETRY_S = 0.5
"""Seconds until a relay that could not be released is released again."""


class Relay:
    """One relay. Its safe state is inactive: at the start, after each pulse, and when the board is closed."""

    def __init__(self, name: str, line: OutputLine, max_pulse_s: float = 10.0) -> None:
        self.name = name
        self.max_pulse_s = max_pulse_s
        self._line = line
        self._closed_at = 0.0
        self._timers: TimerSet[str] = TimerSet()

    @property
    def active(self) -> bool:
        """Whether the relay is pulled just now."""
        return "release" in self._timers

    def pulse(self, seconds: float, now: float) -> None:
        """Pull the relay for so long; while it is pulled, a further pulse may make that longer, never shorter.

        Without a break it is never pulled for more than `max_pulse_s` in all, which saves the coil of a door opener.
        Raises HardwareError if `seconds` is not positive, LineError when the line fails.
        """
        # Not `seconds <= 0`: a value that is not a number must not pass.
        if not seconds > 0:
            raise HardwareError(f"relay {self.name}: a pulse of {seconds} s is not possible; give more than 0 s")
        self.handle_timeout(now)
        if not self.active:
            self._closed_at = now
        until = max(now + seconds, self._timers.next_timeout() or now)
        self._timers.set("release", min(until, self._closed_at + self.max_pulse_s))
        self._line.set(True)

    def release(self) -> None:
        """Let go at once; idempotent. Raises LineError."""
        self._timers.clear()
        self._line.set(False)

    def handle_timeout(self, now: float) -> None:
        """Let go if the pulse is over at `now`. Raises LineError, and then tries again after RETRY_S."""
        if not self._timers.pop_due(now):
            return
        try:
            self._line.set(False)
        except LineError:
            # A door must not stay open because the chip was out of reach for a moment.
            self._timers.set("release", now + RETRY_S)
            raise

    def next_timeout(self) -> float | None:
        """When the pulse is over, or None."""
        return self._timers.next_timeout()

    def close(self) -> None:
        """The same as `release`. Raises LineError."""
        self.release()
