"""What a receiver counts about one source: extended sequence, loss and jitter (RFC 3550 appendices A.1, A.3, A.8)."""

from device.rtp.packet import TIMESTAMP_MOD
from device.rtp.rtcp import ReportBlock

MIN_SEQUENTIAL = 2
"""Packets in sequence before a source is believed (A.1)."""
MAX_DROPOUT = 3000
MAX_MISORDER = 100
_SEQUENCE_MOD = 1 << 16


class Reception:
    """Counts of one synchronisation source, begun with its first packet."""

    __slots__ = (
        "_bad_sequence",
        "_base",
        "_cycles",
        "_expected_prior",
        "_highest",
        "_most_jitter",
        "_probation",
        "_received_prior",
        "_transit",
        "clock_rate_hz",
        "jitter",
        "last_sr",
        "last_sr_at",
        "received",
        "ssrc",
    )

    def __init__(self, ssrc: int, sequence: int, clock_rate_hz: int) -> None:
        self.ssrc = ssrc
        self.clock_rate_hz = clock_rate_hz
        self._most_jitter = 10.0 * clock_rate_hz
        self.last_sr = 0
        """Middle 32 bits of the source's last sender report's time."""
        self.last_sr_at = 0.0
        self._restart(sequence)
        self._highest = (sequence - 1) % _SEQUENCE_MOD
        self._probation = MIN_SEQUENTIAL
        self.jitter = 0.0
        """In units of the RTP clock."""
        self._transit: float | None = None

    def _restart(self, sequence: int) -> None:
        self._base = self._highest = sequence
        self._bad_sequence = -1
        self._cycles = 0
        self.received = 0
        self._received_prior = self._expected_prior = 0

    @property
    def is_valid(self) -> bool:
        """Enough packets came in sequence to believe in the source."""
        return not self._probation

    @property
    def extended_highest(self) -> int:
        """Highest sequence number with its cycles."""
        return self._cycles + self._highest

    @property
    def lost(self) -> int:
        """Packets expected and not received (A.3); duplicates can make it negative."""
        return self.extended_highest - self._base + 1 - self.received if self.received else 0

    def count(self, sequence: int) -> bool:
        """Take one sequence number (A.1); False while the source is on probation or has made a wild jump."""
        delta = (sequence - self._highest) & 0xFFFF
        if self._probation:
            return self._prove(sequence, delta)
        if delta < MAX_DROPOUT:
            if sequence < self._highest:
                self._cycles += _SEQUENCE_MOD
            self._highest = sequence
        elif delta <= _SEQUENCE_MOD - MAX_MISORDER:
            if sequence != self._bad_sequence:
                self._bad_sequence = (sequence + 1) % _SEQUENCE_MOD
                return False
            self._restart(sequence)  # two in a row: the other side began anew
        self.received += 1
        return True

    def _prove(self, sequence: int, delta: int) -> bool:
        if delta == 1:
            self._probation -= 1
            self._highest = sequence
            if not self._probation:
                # A.1 counts from here; we count the packets of the probation too, for they are played.
                self._restart((sequence - MIN_SEQUENTIAL + 1) % _SEQUENCE_MOD)
                self._cycles = _SEQUENCE_MOD if sequence < self._base else 0
                self._highest = sequence
                self.received = MIN_SEQUENTIAL
                return True
        else:
            self._probation = MIN_SEQUENTIAL - 1
            self._highest = sequence
        return False

    def measure_jitter(self, timestamp: int, now: float) -> None:
        """Take one packet's time stamp and arrival (A.8); not for packets that repeat a time stamp."""
        transit = now * self.clock_rate_hz - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference > 2147483648.0:  # time stamps began again from 0
                difference = abs(difference - TIMESTAMP_MOD)
            # Beyond ten seconds the sender's clock was set, not the network late.
            if difference < self._most_jitter:
                self.jitter += (difference - self.jitter) / 16.0
        self._transit = transit

    def note_sender_report(self, ntp_time: int, now: float) -> None:
        """Remember a sender report of the source, for the delay in our next block."""
        self.last_sr = ntp_time >> 16 & 0xFFFFFFFF
        self.last_sr_at = now

    def report_block(self, now: float) -> ReportBlock:
        """The block about this source; counts the interval since the last one (A.3)."""
        expected = self.extended_highest - self._base + 1
        expected_interval = expected - self._expected_prior
        lost_interval = expected_interval - (self.received - self._received_prior)
        self._expected_prior, self._received_prior = expected, self.received
        fraction = (lost_interval << 8) // expected_interval if expected_interval > 0 and lost_interval > 0 else 0
        delay = int((now - self.last_sr_at) * 65536) & 0xFFFFFFFF if self.last_sr else 0
        return ReportBlock(
            self.ssrc,
            min(fraction, 255),
            self.lost,
            self.extended_highest & 0xFFFFFFFF,
            int(self.jitter) & 0xFFFFFFFF,
            self.last_sr,
            delay,
        )
