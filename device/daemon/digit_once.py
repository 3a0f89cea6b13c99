"""One press of a key that comes in several ways (RFC 4733, INFO, tones in the speech band) counts once.

The rule: a digit is a copy when the same call has, within WINDOW_S, a press of the same key that has not been heard by
this way yet; it then belongs to the oldest such press. Otherwise it is a new press.

The reason: within one way a press is told once (retransmissions, the three ends of an RFC 4733 event and the repeated
INFO of a lossy network are dropped before they come here), so the n-th telling by one way and the n-th by another are
the same press, in whatever order the ways mix. Two tellings by one way are two presses, however quickly they follow. A
window is needed because a way may be lost on the way to us: a press that it missed must not swallow a later one.
"""

from device.annotations import Final
from device.model import CallId

WINDOW_S: Final = 1.0
"""The ways of one press come within this time, in seconds: a jitter buffer, a retransmission of INFO over UDP."""
LONGEST_HELD_S: Final = 5.0
"""An INFO sent at the release of a key is this much later at most."""
MAX_OPEN: Final = 16
"""So many presses are remembered; phones that send in one way alone leave them waiting."""


class _Press:
    __slots__ = ("at", "call_id", "digit", "ways")

    def __init__(self, call_id: CallId, digit: str, way: str, at: float) -> None:
        self.call_id = call_id
        self.digit = digit
        self.at = at
        self.ways = {way}


class DigitOnce:
    """Tells a new press from another way's word of one that was taken already."""

    __slots__ = ("_presses",)

    def __init__(self) -> None:
        self._presses: list[_Press] = []

    def is_new(self, call_id: CallId, digit: str, way: str, now: float, held_s: float = 0.0) -> bool:
        """Whether a digit that came by `way` is to be taken; `held_s` is how long its key was held before now."""
        self._presses = [press for press in self._presses if now - press.at < WINDOW_S + LONGEST_HELD_S]
        window_s = WINDOW_S + min(held_s, LONGEST_HELD_S)
        for press in self._presses:
            if (press.call_id, press.digit) == (call_id, digit) and way not in press.ways and now - press.at < window_s:
                press.ways.add(way)
                return False
        self._presses = [*self._presses[1 - MAX_OPEN :], _Press(call_id, digit, way, now)]
        return True
