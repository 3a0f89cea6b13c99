"""Where log lines go: to journald or the terminal, into a short memory for `offhook log`, to its followers."""

import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from time import localtime, monotonic, strftime

from device import plain_logging as logging

_NUMBERS = {name.lower(): number for number, name in logging.LEVEL_NAMES.items()}
LOG_LEVELS = tuple(_NUMBERS)

KEPT_LINES = 300
"""Log lines kept in memory for `offhook log`; about 40 kB."""

MAX_ENTRY = 4000
"""Characters of one entry: names and addresses of strangers may be as long as a datagram, and stand in the log."""

LINES_OF_A_KIND = 60
"""Lines that may come from one place of the program in a minute: a stranger must not fill the log, whatever he does."""

FLOOD_WINDOW_S = 60.0

_JOURNAL_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
"""Syslog severities that journald reads from a "<N>" in front of a line (sd-daemon(3))."""


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def _readable(text: str) -> str:
    """Shows control characters as such: a stranger's name must not steer the terminal of whoever reads the log."""
    text = text.translate(_CONTROLS)
    return text if len(text) <= MAX_ENTRY else f"{text[:MAX_ENTRY]}... and {len(text) - MAX_ENTRY} characters more"


def _dated_line(record: logging.LogRecord) -> str:
    """The line for a person."""
    date = strftime("%Y-%m-%d %H:%M:%S", localtime(record.created))
    milliseconds = int(record.created % 1 * 1000)
    text = f"{date},{milliseconds:03} {record.levelname:7} {record.name}: {record.message()}"
    return _readable(text)


def _journal_line(record: logging.LogRecord) -> str:
    """The line for journald, which adds the time itself: the syslog severity stands in front of each part of it."""
    priority = _JOURNAL_PRIORITY.get(record.levelno, 6)
    return f"<{priority}>{record.name}: {_readable(record.message())}".replace("\n", f"\n<{priority}>")


class FloodFilter:
    """Leaves out what is told over and over; the last line of its kind that is let through says so.

    One kind is what has the same text but for its parameters. Whoever has asked for debugging gets everything.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._told: dict[tuple[str, str], int] = {}

    def passes(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be told; it may be changed to say that no more will come."""
        if logging.root.level <= logging.DEBUG:
            return True
        now = self._clock()
        if now >= self._until:
            self._until = now + FLOOD_WINDOW_S
            self._told.clear()
        kind = record.name, record.msg
        told = self._told[kind] = self._told.get(kind, 0) + 1
        if told == LINES_OF_A_KIND:
            record.msg = f"{record.message()} (further lines of this kind are left out for a minute)"
            record.args = ()
        return told <= LINES_OF_A_KIND


class RecentLines:
    """Remembers the last lines and passes new ones on to whoever follows the log."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.follower: Callable[[str, str], None] | None = None

    def take(self, record: logging.LogRecord) -> None:
        """A handler of the log."""
        line = _dated_line(record)
        self.lines.append(line)
        if self.follower is not None:
            self.follower(record.levelname.lower(), line)


def start_logging(level: str, environment: Mapping[str, str]) -> RecentLines:
    """Send the log to stderr, in journald's form when journald reads it; return the memory of recent lines."""
    line_of = _journal_line if _feeds_journal(environment) else _dated_line
    recent = RecentLines()
    logging.root.passes = FloodFilter().passes
    logging.root.handlers[:] = [lambda record: _write(line_of(record)), recent.take]
    set_level(level)
    return recent


def _write(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


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
    logging.root.level = _NUMBERS.get(level, logging.INFO)
