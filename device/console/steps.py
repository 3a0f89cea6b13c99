"""What a dialogue can wait for. A dialogue is a generator: it yields a step and is sent what came of it. Pure.

BrokenOffError is raised at the step when the person breaks off, LoggedOutError when the line is gone or silent.
"""

from collections.abc import Callable, Generator

from device.annotations import Any
from device.control.client import DaemonEvent
from device.records import dataclass


@dataclass(frozen=True, slots=True)
class AskLine:
    """A line from the person: its text is sent back. `assisted` gives history, completion and help."""

    prompt: str
    hidden: bool = False
    assisted: bool = False
    text: str = ""
    """What stands in the line already."""


@dataclass(frozen=True, slots=True)
class AwaitKey:
    """One key, or None after so many seconds."""

    timeout_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """So many seconds in which keys are passed over; with `keeps_keys` they wait, and Ctrl-C breaks off."""

    seconds: float
    keeps_keys: bool = False


@dataclass(frozen=True, slots=True)
class AwaitEvent:
    """The next event of the daemon, as DaemonEvent; None after so many seconds in all."""

    timeout_s: float | None = None
    wanted: Callable[[DaemonEvent], bool] | None = None
    """Which events are waited for; others are passed over and do not prolong it. None: all."""
    is_brief: bool = False
    """It comes to an end by itself: keys wait for what follows, but for Ctrl-C. Otherwise `q` ends it."""


Step = AskLine | AwaitKey | Pause | AwaitEvent
Dialogue = Generator[Step, Any, Any]
"""What it returns is nothing, or whether what was tried came out well."""


def agree(question: str) -> Generator[Step, Any, bool]:
    """Whether the person says yes to a question; anything else is no."""
    answer = yield AskLine(f"{question} (yes or no) ")
    return str(answer).strip().lower() in ("y", "yes")
