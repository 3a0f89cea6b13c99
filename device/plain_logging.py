"""The names of `logging` that a phone uses, without what that module brings along; see decision 0013.

A line goes to every handler of the `root`, whatever thread it comes from, one line at a time. Before anything is set up
there is one handler, which writes warnings and errors to stderr as they are.
"""

import sys
import time
from _thread import RLock
from collections.abc import Callable

from device.annotations import Final

DEBUG: Final = 10
INFO: Final = 20
WARNING: Final = 30
ERROR: Final = 40

LEVEL_NAMES = {DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARNING", ERROR: "ERROR"}


class LogRecord:
    """One line: who says it, how important it is, its form and arguments, the Unix time, and the trace of an error."""

    __slots__ = ("args", "created", "levelno", "msg", "name", "trace")

    def __init__(self, name: str, levelno: int, msg: str, args: tuple[object, ...] = (), trace: str = "") -> None:
        self.name = name
        self.levelno = levelno
        self.msg = msg
        self.args = args
        self.trace = trace
        self.created = time.time()

    @property
    def levelname(self) -> str:
        """The level as a word; a number between two levels is named by it."""
        return LEVEL_NAMES.get(self.levelno) or f"Level {self.levelno}"

    def message(self) -> str:
        """The form with its arguments, or beside them where they do not fit, and the trace below."""
        try:
            text = self.msg % self.args if self.args else self.msg
        except (TypeError, ValueError):
            text = f"{self.msg} {self.args!r}"
        return f"{text}\n{self.trace.rstrip()}" if self.trace else text


Handler = Callable[[LogRecord], None]


class Root:
    """The least important level that is told, who is told, and what is left out."""

    def __init__(self) -> None:
        self.level: int = WARNING
        self.handlers: list[Handler] = [write_plainly]
        self.passes: Callable[[LogRecord], bool] = _everything
        self._lock = RLock()

    def handle(self, record: LogRecord) -> None:
        """Tell every handler. One that fails is reported at stderr, and keeps nobody from his work."""
        with self._lock:
            if not self.passes(record):
                return
            for handler in list(self.handlers):
                try:
                    handler(record)
                except Exception:
                    _complain(record)


class Logger:
    """Says lines by one name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, msg: str, *args: object) -> None:
        """What is of use to whoever looks for a fault in the program."""
        self.log(DEBUG, msg, *args)

    def info(self, msg: str, *args: object) -> None:
        """What an installer wants to know."""
        self.log(INFO, msg, *args)

    def warning(self, msg: str, *args: object) -> None:
        """What is not as it should be and was got over."""
        self.log(WARNING, msg, *args)

    def error(self, msg: str, *args: object) -> None:
        """What somebody has to put right."""
        self.log(ERROR, msg, *args)

    def exception(self, msg: str, *args: object) -> None:
        """An error, with the trace of the exception that is being handled."""
        import traceback  # noqa: PLC0415  # brings 0.3 MiB, and is not needed before something has gone wrong

        if root.level <= ERROR:
            root.handle(LogRecord(self.name, ERROR, msg, args, traceback.format_exc()))

    def log(self, level: int, msg: str, *args: object) -> None:
        """One line of a level that is worked out."""
        if level >= root.level:
            root.handle(LogRecord(self.name, level, msg, args))


def getLogger(name: str) -> Logger:  # noqa: N802  # the name is the library's
    """The logger of a module."""
    return Logger(name)


def write_plainly(record: LogRecord) -> None:
    """The handler that is there from the beginning."""
    if sys.stderr is not None:
        sys.stderr.write(f"{record.message()}\n")


def _everything(_record: LogRecord) -> bool:
    return True


def _complain(record: LogRecord) -> None:
    """Say at stderr, if that is possible, which line could not be told."""
    import traceback  # noqa: PLC0415

    text = f"a log line of {record.name} could not be told: {record.msg!r}\n{traceback.format_exc()}"
    try:
        sys.stderr.write(text)
    except (OSError, ValueError, AttributeError):
        return  # there is no stderr, or it is closed


root: Final = Root()
