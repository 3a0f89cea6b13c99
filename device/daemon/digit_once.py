"""Digits that the far end sends in two ways at once, by RTP (RFC 4733) and by INFO, are heard once."""

from device.annotations import Final
from device.model import CallId
from device.records import dataclass

WINDOW_S: Final = 1.0
"""The two copies of one digit come within this time, in seconds."""
MAX_OPEN: Final = 16
"""So many digits may wait for their copy; phones that send in one way alone leave them waiting."""


@dataclass(frozen=True, slots=True)
class _Heard:
    call_id: CallId
    digit: str
    way: str
    at: float


class DigitOnce:
    """Tells a new digit from the second copy of one that was taken already."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[_Heard] = []

    def is_new(self, call_id: CallId, digit: str, way: str, now: float) -> bool:
        """Whether a digit that came by `way` is to be taken; each taken one has one copy by another way."""
        self._open = [one for one in self._open if now - one.at < WINDOW_S]
        for one in self._open:
            if (one.call_id, one.digit) == (call_id, digit) and one.way != way:
                self._open.remove(one)
                return False
        self._open = [*self._open[1 - MAX_OPEN :], _Heard(call_id, digit, way, now)]
        return True
