"""How much work an action is, counted and not timed: the same on every machine and under every load.

Counted are the lines of Python that run, the calls, and for methods that read a whole text its length.
"""

import sys
from collections.abc import Callable
from types import FrameType

READING = frozenset(
    (
        "count", "decode", "encode", "isdigit", "isprintable", "join", "lower", "lstrip", "partition", "replace",
        "rpartition", "rstrip", "split", "splitlines", "strip", "translate", "upper",
    )
)  # fmt: skip
"""Methods of str and bytes that look at all of the text."""

OCTETS_A_LINE = 200
"""So many octets read in C take about as long as one line of Python."""


def work_of(action: Callable[[], object]) -> int:
    """What `action` costs, in lines of Python."""
    lines = octets = 0

    def count_line(frame: FrameType, event: str, _argument: object) -> object:
        nonlocal lines
        lines += 1
        return count_line

    def count_call(_frame: FrameType, event: str, function: object) -> None:
        nonlocal lines, octets
        if event == "c_call":
            lines += 1
            text = getattr(function, "__self__", None)
            if isinstance(text, str | bytes | bytearray) and getattr(function, "__name__", "") in READING:
                octets += len(text)

    tracer = sys.gettrace()
    sys.setprofile(count_call)
    sys.settrace(count_line)
    try:
        action()
    finally:
        sys.settrace(tracer)
        sys.setprofile(None)
    return lines + octets // OCTETS_A_LINE


def growth(make: Callable[[int], Callable[[], object]], size: int, factor: int = 4) -> float:
    """How many times more work an input of `factor` times `size` is; `factor` or less where work is linear.

    Each size is done once beforehand, so that what is remembered of values seen before does not count.
    """
    works = []
    for number in (size, size * factor):
        make(number)()
        works.append(work_of(make(number)))
    return works[1] / works[0]
