"""The bells of an old telephone: two phases of direct current that take turns at 20 or 25 Hz, through an H-bridge."""

from collections.abc import Callable

from device import plain_logging as logging
from device.hardware.errors import LineError
from device.hardware.interfaces import OutputLine
from device.timing import TimerSet

log = logging.getLogger(__name__)

EUROPEAN_HZ = 25
"""Ringing current of most networks (ETSI TBR 21, ETSI ES 201 970)."""

COUNTRY_HZ = {"us": 20, "ca": 20, "jp": 20}
"""Where it is another, by the country of the cadence (ANSI T1.401: 20 Hz; Japan: 15 to 20 Hz)."""


class TwoPhaseDrive:
    """A `RingDrive`: one line, a dead time with both off, the other line, a dead time, and so on while a burst lasts.

    Both lines are never active together, however late the loop comes: a line is only made active by a step of its own,
    a whole dead time after the other one was made inactive. `clock` tells when that really was: a busy machine may hold
    us up between the time that we are given and the line. What is late in a phase is taken from its own
    length, so that the frequency holds; a loop that is late by more than half a phase starts from where it is.
    """

    def __init__(
        self,
        lines: tuple[OutputLine, OutputLine],
        frequency_hz: float,
        *,
        dead_time_ms: float = 2.0,
        enable: OutputLine | None = None,
        max_burst_s: float = 5.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._clock = clock
        self._lines = lines
        self._enable = enable
        self._half = 0.5 / frequency_hz
        self._dead = dead_time_ms / 1000
        self._max_burst = max_burst_s
        self._phase = 0
        self._next_phase_at = 0.0
        self._off_at = 0.0
        self._timers: TimerSet[str] = TimerSet()

    def start(self, now: float) -> None:
        self._drop_all()
        self._off_at = now - self._dead
        if self._enable is not None:
            self._enable.set(True)
        self._timers.set("guard", now + self._max_burst)
        self._next_phase_at = now
        self._begin_phase(now)

    def stop(self) -> None:
        self._timers.clear()
        self._drop_all()

    def handle_timeout(self, now: float) -> None:
        for due in self._timers.pop_due(now):
            if due == "guard":
                log.warning("the bell has rung for %g s without a pause and is stopped", self._max_burst)
                self.stop()
                return
            # One step a call: the line that goes on next waits for its dead time, whatever the clock says.
            self._guarded(self._begin_pause if due == "pause" else self._begin_phase, now)

    def next_timeout(self) -> float | None:
        return self._timers.next_timeout()

    def _guarded(self, step: Callable[[float], None], now: float) -> None:
        try:
            step(now)
        except LineError:
            self._timers.clear()
            self._drop_all_quietly()
            raise

    def _begin_phase(self, now: float) -> None:
        now = now if self._clock is None else self._clock()
        if now < self._off_at + self._dead:
            self._timers.set("phase", self._off_at + self._dead)
            return
        self._next_phase_at += self._half
        if self._next_phase_at - now < self._half / 2:
            self._next_phase_at = now + self._half
        self._timers.set("pause", self._next_phase_at - self._dead)
        self._lines[self._phase].set(True)

    def _begin_pause(self, now: float) -> None:
        self._lines[self._phase].set(False)
        self._phase = 1 - self._phase
        self._off_at = now if self._clock is None else self._clock()
        self._timers.set("phase", max(self._next_phase_at, self._off_at + self._dead))

    def _drop_all(self) -> None:
        """Every line inactive, whatever happens to one of them. Raises LineError."""
        failures = self._drop_all_quietly()
        if failures:
            raise failures[0]

    def _drop_all_quietly(self) -> list[LineError]:
        failures = []
        for line in (*self._lines, *(() if self._enable is None else (self._enable,))):
            try:
                line.set(False)
            except LineError as error:
                failures.append(error)
        return failures
