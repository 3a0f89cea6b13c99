"""Keypad digits as named events in RTP (RFC 4733): one sender, one receiver, both in units of the RTP clock."""

from collections import deque

from device.records import dataclass
from device.rtp.packet import RtpPacket, signed_difference

DIGITS = "0123456789*#ABCD"
"""Event codes 0 to 15 (section 3.2)."""
END_PACKETS = 3
"""The last packet goes out so many times (section 2.5.1.4)."""
MAX_DURATION = 0xFFFF
PAYLOAD_OCTETS = 4
MAX_QUEUED = 64
_REMEMBERED_EVENTS = 8
_END = 0x80


@dataclass(frozen=True, slots=True)
class EventPacket:
    """What to put into the next RTP packet instead of audio."""

    payload: bytes
    timestamp: int
    """That of the event's beginning, the same in all its packets."""
    marker: bool


class TelephoneEventSender:
    """Queue of digits and the one being sent; asked once a packet interval for what to send.

    Durations come in units of the RTP clock: 160 is 20 ms at 8 kHz. `volume` is the level below 0 dBm0 in dB.
    """

    __slots__ = ("_duration", "_elapsed", "_ends_left", "_event", "_pause_left", "_queue", "_start", "sent")

    def __init__(self) -> None:
        self._queue: deque[tuple[int, int, int, int]] = deque()
        self._event: tuple[int, int, int, int] | None = None
        self._start = 0
        self._elapsed = 0
        self._duration = 0
        self._ends_left = 0
        self._pause_left = 0
        self.sent = 0
        """Digits begun so far."""

    def queue(self, digit: str, duration: int, gap: int, volume: int) -> None:
        """Add a digit, then a gap; beyond MAX_QUEUED it is dropped. Raises ValueError for what is no digit."""
        event = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
        if event < 0:
            raise ValueError(f"{digit!r} is not one of {DIGITS}")
        if len(self._queue) < MAX_QUEUED:
            self._queue.append((event, max(1, min(duration, MAX_DURATION)), gap, volume & 0x3F))

    def is_active(self) -> bool:
        """A digit or the gap after it is under way or waits: audio is suppressed meanwhile."""
        return self._event is not None or self._pause_left > 0 or len(self._queue) > 0

    def next_packet(self, timestamp: int, interval: int) -> EventPacket | None:
        """The packet for the interval that begins at `timestamp`; None in a gap or with nothing to do."""
        if self._event is None:
            if self._pause_left > 0:
                self._pause_left = max(0, self._pause_left - interval)
                return None
            if not self._queue:
                return None
            self._begin(timestamp)
        return self._continue(interval)

    def clear(self) -> None:
        """Forget what waits and what is under way."""
        self._queue.clear()
        self._event = None
        self._pause_left = 0

    def _begin(self, timestamp: int) -> None:
        self._event = self._queue.popleft()
        self._start = timestamp
        self._elapsed = 0
        self._ends_left = END_PACKETS
        self.sent += 1

    def _continue(self, interval: int) -> EventPacket:
        code, duration, gap, volume = self._event or (0, 0, 0, 0)
        marker = self._elapsed == 0
        self._elapsed += interval
        ended = self._elapsed >= duration
        told = min(self._elapsed, duration)
        payload = bytes((code, (_END if ended else 0) | volume, told >> 8, told & 0xFF))
        packet = EventPacket(payload, self._start, marker)
        if ended:
            self._ends_left -= 1
            if not self._ends_left:
                self._event = None
                self._pause_left = max(0, gap - (self._elapsed - duration))
        return packet


class TelephoneEventReceiver:
    """Turns event packets into digits, one for each event, at its first packet, whichever that is.

    The marker may be missing, any packet may be lost, the last may come in any number; an event goes on in a
    packet with a later time stamp when that lies inside it: a long event's next segment (section 2.5.1.3), or a
    sender that wrongly moves the time stamp along.
    """

    __slots__ = ("_code", "_duration", "_ended", "_seen", "_timestamp", "received")

    def __init__(self) -> None:
        self._seen: deque[int] = deque(maxlen=_REMEMBERED_EVENTS)
        self._timestamp = 0
        self._code = -1
        self._duration = 0
        self._ended = True
        self.received = 0
        """Digits so far."""

    def receive(self, packet: RtpPacket) -> str | None:
        """The digit that this packet begins, or None."""
        if len(packet.payload) < PAYLOAD_OCTETS:
            return None
        code = packet.payload[0]
        duration = packet.payload[2] << 8 | packet.payload[3]
        ended = bool(packet.payload[1] & _END)
        begins = not self._is_known(packet.timestamp, code)
        if begins or signed_difference(packet.timestamp, self._timestamp, 32) >= 0:
            same = not begins and packet.timestamp == self._timestamp
            self._ended = ended or (same and self._ended)
            self._duration = max(duration, self._duration) if same else duration
            self._timestamp, self._code = packet.timestamp, code
        if packet.timestamp not in self._seen:
            self._seen.append(packet.timestamp)
        if not begins or code >= len(DIGITS):
            return None
        self.received += 1
        return DIGITS[code]

    def _is_known(self, timestamp: int, code: int) -> bool:
        if timestamp in self._seen:
            return True
        later = signed_difference(timestamp, self._timestamp, 32)
        return bool(self._seen) and code == self._code and not self._ended and 0 < later <= self._duration
