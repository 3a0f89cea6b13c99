"""How many bytes a serial line can take at a time, so that nothing is sent faster than it goes. Pure."""

BITS_A_BYTE = 10
"""8N1: a start bit, eight bits of data, a stop bit."""
BURST_S = 0.02
"""What may be sent at once, in seconds of line time."""


class Pacer:
    """A bucket that fills at the speed of the line. `baud` 0 is a line that needs no pacing."""

    __slots__ = ("_at", "_level", "_room", "bytes_a_second")

    def __init__(self, baud: int, now: float) -> None:
        self.bytes_a_second = baud / BITS_A_BYTE
        self._room = max(1.0, self.bytes_a_second * BURST_S)
        self._level = self._room
        self._at = now

    def allowance(self, now: float) -> int | None:
        """Bytes that may be sent at `now`; None for any number."""
        if not self.bytes_a_second:
            return None
        self._level = min(self._room, self._level + (now - self._at) * self.bytes_a_second)
        self._at = now
        # A sum of parts of a byte may fall short of a whole one by rounding alone.
        return int(self._level + 1e-6)

    def sent(self, count: int) -> None:
        """So many bytes have been sent."""
        if self.bytes_a_second:
            self._level = max(0.0, self._level - count)

    def next_timeout(self) -> float | None:
        """When more may be sent: as soon as the bucket is full again, so that few wake-ups send much. None: at once."""
        if not self.bytes_a_second:
            return None
        return self._at + (self._room - self._level) / self.bytes_a_second
