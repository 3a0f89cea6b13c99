"""When the next RTCP report is due (RFC 3550 sections 6.2 and 6.3): for a session of two, yet by the general rule."""

from collections.abc import Callable

MIN_INTERVAL_S = 5.0
"""Tmin of section 6.2; half of it before the first report (6.3.1)."""
RTCP_BANDWIDTH_FRACTION = 0.05
COMPENSATION = 2.71828182846 - 1.5
"""Corrects what timer reconsideration takes away (6.3.1)."""
_UDP_IP_OCTETS = 28


class RtcpInterval:
    """The timer of one participant; `random_number(bits)` gives the spread of 0.5 to 1.5."""

    __slots__ = ("_average_octets", "_bandwidth", "_initial", "_random_number", "_sent_at", "due_at")

    def __init__(self, bandwidth_bits: int, random_number: Callable[[int], int]) -> None:
        self._bandwidth = bandwidth_bits / 8 * RTCP_BANDWIDTH_FRACTION
        self._random_number = random_number
        self._average_octets = 128.0
        self._initial = True
        self._sent_at: float | None = None
        self.due_at: float | None = None
        """None until `start`."""

    def start(self, now: float, members: int, senders: int) -> None:
        """The session begins: the first report comes after half the least interval, spread."""
        self._sent_at = now
        self.due_at = now + self._interval(members, senders)

    def note_octets(self, octets: int) -> None:
        """A compound packet was sent or received (6.3.3, 6.3.6)."""
        self._average_octets += (octets + _UDP_IP_OCTETS - self._average_octets) / 16

    def expired(self, now: float, members: int, senders: int) -> bool:
        """Whether to send now; with timer reconsideration (6.3.6) a grown group may put it off."""
        if self.due_at is None or self._sent_at is None or now < self.due_at:
            return False
        reconsidered = self._sent_at + self._interval(members, senders)
        if reconsidered > now:
            self.due_at = reconsidered
            return False
        self._initial = False
        self._sent_at = now
        self.due_at = now + self._interval(members, senders)
        return True

    def _interval(self, members: int, senders: int) -> float:
        """Section 6.3.1, without the split of bandwidth, which needs more than four members to matter."""
        least = MIN_INTERVAL_S / 2 if self._initial else MIN_INTERVAL_S
        wanted = max(least, max(members, senders) * self._average_octets / self._bandwidth)
        return wanted * (0.5 + self._random_number(16) / 65536) / COMPENSATION
