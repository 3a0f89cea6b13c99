"""The ringer: a cadence in time, and the drive that makes a bell, buzzer or generator sound while it is on."""

from collections.abc import Sequence

from device import plain_logging as logging
from device.annotations import Protocol
from device.hardware.cadences import COUNTRY_CADENCES, DISTINCTIVE_CADENCES, RingPattern
from device.hardware.errors import LineError
from device.hardware.interfaces import OutputLine
from device.timing import TimerSet, earliest

log = logging.getLogger(__name__)

DEFAULT_CADENCE = "eu"


class RingDrive(Protocol):
    """How the lines move while a ring burst lasts: held, or alternating at 20 or 25 Hz for the coils of a bell."""

    def start(self, now: float) -> None:
        """The burst begins. Raises LineError."""

    def stop(self) -> None:
        """The burst is over: every line inactive, whatever happens to one of them. Raises LineError."""

    def handle_timeout(self, now: float) -> None:
        """Move the lines on, where the drive alternates. Raises LineError."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""


class SteadyDrive:
    """All lines active for as long as the burst lasts: buzzers, relays, the enable input of a ringing generator."""

    def __init__(self, lines: Sequence[OutputLine]) -> None:
        self._lines = tuple(lines)

    def start(self, now: float) -> None:
        for line in self._lines:
            line.set(True)

    def stop(self) -> None:
        failures = []
        for line in self._lines:
            try:
                line.set(False)
            except LineError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def handle_timeout(self, now: float) -> None:
        return

    def next_timeout(self) -> float | None:
        return None


class Ringer:
    """Rings by cadence until it is stopped. On a board without a ringer it has no lines and does nothing audible."""

    def __init__(self, drive: RingDrive, cadence: str = DEFAULT_CADENCE) -> None:
        self._drive = drive
        self._cadence = cadence
        self._pattern: RingPattern | None = None
        self._step = 0
        self._sounding = False
        self._timers: TimerSet[str] = TimerSet()

    def attach(self, drive: RingDrive) -> None:
        """Ring by another drive from the next burst on: the lines could only be had now."""
        self._drive = drive
        self._sounding = False

    @property
    def pattern(self) -> RingPattern | None:
        """What it rings with, None while it is silent."""
        return self._pattern

    @property
    def sounding(self) -> bool:
        """Whether a burst sounds just now."""
        return self._sounding

    def start(self, pattern: str | RingPattern, now: float) -> None:
        """Ring. `pattern` is a country ("uk"), a distinctive cadence ("bellcore-dr2") or a pattern of one's own.

        Any other name, such as "default", rings with the cadence of the board: a call must be heard in any case. The
        same pattern again lets the cadence go on. Raises LineError.
        """
        wanted = pattern if isinstance(pattern, RingPattern) else self._named(pattern)
        if wanted == self._pattern:
            return
        self.stop()
        self._pattern = wanted
        self._begin_burst(wanted, 0, now)

    def _named(self, name: str) -> RingPattern:
        key = name.lower()
        found = DISTINCTIVE_CADENCES.get(key) or COUNTRY_CADENCES.get(key)
        return found or COUNTRY_CADENCES.get(self._cadence, COUNTRY_CADENCES[DEFAULT_CADENCE])

    def stop(self) -> None:
        """Be silent from now on; idempotent. Raises LineError."""
        self._timers.clear()
        self._pattern = None
        self._sounding = False
        self._drive.stop()

    def close(self) -> None:
        """The same as `stop`. Raises LineError."""
        self.stop()

    def _begin_burst(self, pattern: RingPattern, step: int, at: float) -> None:
        on_ms, _ = pattern.steps[step]
        self._step = step
        self._sounding = True
        self._timers.set("pause", at + on_ms / 1000)
        self._drive.start(at)

    def _begin_pause(self, pattern: RingPattern, at: float) -> None:
        _, off_ms = pattern.steps[self._step]
        self._sounding = False
        self._timers.set("burst", at + off_ms / 1000)
        self._drive.stop()

    def handle_timeout(self, now: float) -> None:
        """Move the cadence on to `now`. Raises LineError."""
        pattern = self._pattern
        if pattern is None:
            return
        # A loop that comes late lengthens the cadence; it never rings a row of bursts to catch up.
        due = self._timers.pop_due(now)
        if "pause" in due:
            self._begin_pause(pattern, now)
        elif "burst" in due:
            self._begin_burst(pattern, (self._step + 1) % len(pattern.steps), now)
        if self._sounding:
            self._drive.handle_timeout(now)

    def next_timeout(self) -> float | None:
        """When the cadence or the drive moves on, or None while it is silent."""
        return earliest(self._timers.next_timeout(), self._drive.next_timeout() if self._sounding else None)
