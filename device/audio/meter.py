"""How loud the microphone is, and what it heard a second ago: for whoever sets up a board."""

from collections import deque

from device.audio.reports import MicrophoneMeasured
from device.media import pcm as arithmetic

FRAMES_A_REPORT = 10
LOOP_BACK_FRAMES = 50
"""A second: long enough not to whistle from the ear piece into the microphone at once."""
SILENCE_DB = -96.0


class Meter:
    """Give it every captured frame; it answers now and then."""

    def __init__(self, loop_back: bool) -> None:
        self._kept: deque[bytes] = deque(maxlen=FRAMES_A_REPORT)
        self._echo: deque[bytes] | None = deque() if loop_back else None

    def take(self, captured: bytes) -> MicrophoneMeasured | None:
        """One frame of the microphone; the levels when enough have come."""
        self._kept.append(captured)
        if self._echo is not None:
            self._echo.append(captured)
        if len(self._kept) < FRAMES_A_REPORT:
            return None
        sound = b"".join(self._kept)
        self._kept.clear()
        return MicrophoneMeasured(_db(arithmetic.rms(sound)), _db(arithmetic.peak(sound)))

    def next_frame(self) -> bytes:
        """What was said a second ago; b"" for nothing."""
        if self._echo is None or len(self._echo) <= LOOP_BACK_FRAMES:
            return b""
        return self._echo.popleft()


def _db(level: int) -> float:
    return round(arithmetic.decibels(level), 1) if level else SILENCE_DB
