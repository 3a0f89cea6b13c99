"""Where log lines go: to journald or the terminal, into a short memory for `offhook log`, to its followers."""

import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic

LOG_LEVELS = ("debug", "info", "warning", "error")

KEPT_LINES = 300
"""Log lines kept in memory for `offhook log`; about 40 kB."""

MAX_ENTRY = 4000
"""Characters of one entry: names and addresses of strangers may be as long as a datagram, and stand in the log."""

LINES_OF_A_KIND = 60
"""Lines that may come from one place of the program in a minute: a stranger must not fill the log, whatever he does."""

FLOOD_WINDOW_S = 60.0

_JOURNAL_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Syslog severities that journald reads from a "<N>" in front of a line (sd-daemon(3))."""


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class _LineFormatter(logging.Formatter):
    """Shows control characters as such: a stranger's name must not steer the terminal of whoever reads the log."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).translate(_CONTROLS)
        return text if len(text) <= MAX_ENTRY else f"{text[:MAX_ENTRY]}... and {len(text) - MAX_ENTRY} characters more"


class FloodFilter(logging.Filter):
    """Leaves out what is told over and over; the last line of its kind that is let through says so.

    One kind is what has the same text but for its parameters. Whoever has asked for debugging gets everything.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._until = 0.0
        self._told: dict[tuple[str, object], int] = {}
        self._last: logging.LogRecord | None = None
        self._passes = True

    def filter(self, record: logging.LogRecord) -> bool:
        # Each handler asks about each record.
        if record is not self._last:
            self._last = record
            self._passes = self._debugs() or self._count(record)
        return self._passes

    @staticmethod
    def _debugs() -> bool:
        """Whether debugging is asked for. `isEnabledFor` says no to everything while a line is being logged (3.14)."""
        return logging.getLogger("device").getEffectiveLevel() <= logging.DEBUG

    def _count(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        if now >= self._until:
            self._until = now + FLOOD_WINDOW_S
            self._told.clear()
        kind = record.name, record.msg
        told = self._told[kind] = self._told.get(kind, 0) + 1
        if told == LINES_OF_A_KIND:
            record.msg = f"{record.getMessage()} (further lines of this kind are left out for a minute)"
            record.args = None
        return told <= LINES_OF_A_KIND


class RecentLines(logging.Handler):
    """Remembers the last lines and passes new ones on to whoever follows the log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.follower: Callable[[str, str], None] | None = None
        self.setFormatter(_LineFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            self.lines.append(line)
            if self.follower is not None:
                self.follower(record.levelname.lower(), line)
        except Exception:
            # A line that cannot be written must not end what it tells about.
            self.handleError(record)


class _JournalFormatter(_LineFormatter):
    """Puts the syslog severity in front, as journald expects; journald adds the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        priority = _JOURNAL_PRIORITY.get(record.levelno, 6)
        return f"<{priority}>{record.name}: {super().format(record)}".replace("\n", f"\n<{priority}>")


def start_logging(level: str, environment: Mapping[str, str]) -> RecentLines:
    """Send the log to stderr, in journald's form when journald reads it; return the memory of recent lines."""
    stream = logging.StreamHandler(sys.stderr)
    if _feeds_journal(environment):
        stream.setFormatter(_JournalFormatter("%(message)s"))
    else:
        stream.setFormatter(_LineFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    recent = RecentLines()
    root = logging.getLogger("device")
    flood = FloodFilter()
    stream.addFilter(flood)
    recent.addFilter(flood)
    root.handlers[:] = [stream, recent]
    root.propagate = False
    set_level(level)
    # Threads, processes and call sites are never printed; finding them out for each line would cost time.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return recent


def _feeds_journal(environment: Mapping[str, str]) -> bool:
    """Whether stderr is the very stream that journald reads (systemd.exec(5), JOURNAL_STREAM).

    The variable alone does not say so: a shell within a user's session inherits it, and its terminal is no journal.
    """
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def set_level(level: str) -> None:
    """Change the least important level that is logged; a word that is no level is taken for "info"."""
    logging.getLogger("device").setLevel(level.upper() if level in LOG_LEVELS else "INFO")
