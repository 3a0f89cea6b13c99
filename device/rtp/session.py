"""One RTP session between two (RFC 3550): numbering of what is sent, counts of what comes, and RTCP about both."""

from __future__ import annotations

from collections.abc import Callable

from device.annotations import TYPE_CHECKING
from device.rtp.errors import RtcpParseError
from device.rtp.packet import TIMESTAMP_MOD, RtpPacket, encode_rtp
from device.rtp.reception import Reception
from device.rtp.rtcp import (
    SDES_CNAME,
    Bye,
    ExtendedReport,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    encode_compound,
    round_trip_s,
)
from device.rtp.rtcp_interval import RtcpInterval

if TYPE_CHECKING:
    from device.rtp.extended_report import ExtendedReporting

SESSION_BANDWIDTH_BITS = 80_000
"""G.711 at 20 ms with its IP, UDP and RTP headers, in bit/s."""
_REPORTS_AS_SENDER = 2
"""Who sent since the last report but one still counts as a sender (section 6.3.8)."""


class RtpSession:
    """Sender state, reception statistics and reports. Times are monotonic seconds; NTP time counts from the same zero,
    which section 6.4.1 allows to a sender without wall clock."""

    __slots__ = (
        "_collided",
        "_earlier_lost",
        "_earlier_received",
        "_interval",
        "_random_number",
        "_reports_since_sent",
        "_sequence",
        "_timestamp_at",
        "clock_rate_hz",
        "cname",
        "extended",
        "left_by_peer",
        "octets_received",
        "octets_sent",
        "packets_sent",
        "reception",
        "remote_report",
        "round_trip_s",
        "ssrc",
        "timestamp",
    )

    def __init__(
        self,
        ssrc: int,
        sequence: int,
        timestamp: int,
        cname: str,
        clock_rate_hz: int,
        random_number: Callable[[int], int],
    ) -> None:
        self.ssrc = ssrc
        self.timestamp = timestamp
        """Of the next sample to be sent."""
        self.clock_rate_hz = clock_rate_hz
        self.cname = cname
        self.packets_sent = 0
        self.octets_sent = 0
        self.octets_received = 0
        self.reception: Reception | None = None
        self.round_trip_s: float | None = None
        self.remote_report: ReportBlock | None = None
        """The last that the peer said about us."""
        self.extended: ExtendedReporting | None = None
        """What the two agreed to tell each other by extended reports; None for nothing."""
        self.left_by_peer = False
        """The peer said BYE."""
        self._sequence = sequence
        self._random_number = random_number
        self._interval = RtcpInterval(SESSION_BANDWIDTH_BITS, random_number)
        self._timestamp_at: float | None = None
        self._reports_since_sent = _REPORTS_AS_SENDER
        self._earlier_received = 0
        self._earlier_lost = 0
        self._collided = False

    # Sending

    def packet(self, payload_type: int, payload: bytes, marker: bool, timestamp: int, now: float) -> bytes:
        """The next packet of ours; `timestamp` is its own, as events repeat theirs."""
        data = encode_rtp(payload_type, self._sequence, timestamp, self.ssrc, marker, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets_sent += 1
        self.octets_sent += len(payload)
        self._timestamp_at = now
        self._reports_since_sent = 0
        return data

    def advance(self, units: int) -> None:
        """So much time went into packets, or passed unsent."""
        self.timestamp += units
        if self.timestamp >= TIMESTAMP_MOD:
            self.timestamp -= TIMESTAMP_MOD

    # Receiving

    def receive(self, packet: RtpPacket, now: float, timed: bool) -> bool:
        """Count one valid packet; True when it begins a new source. `timed` is off for repeated time stamps."""
        reception = self.reception
        begins = reception is None or reception.ssrc != packet.ssrc
        if reception is None or begins:
            reception = self._new_source(packet)
        reception.count(packet.sequence)
        self.octets_received += len(packet.payload)
        if timed:
            reception.measure_jitter(packet.timestamp, now)
        return begins

    def _new_source(self, packet: RtpPacket) -> Reception:
        if self.reception:
            self._earlier_received += self.reception.received
            self._earlier_lost += self.reception.lost
        if packet.ssrc == self.ssrc and not self._collided:
            # Section 8.2 asks for a new identifier; once, because some test servers only mirror what they get.
            self._collided = True
            self.ssrc = self._random_number(32)
        self.reception = Reception(packet.ssrc, packet.sequence, self.clock_rate_hz)
        return self.reception

    @property
    def packets_received(self) -> int:
        return self._earlier_received + (self.reception.received if self.reception else 0)

    @property
    def packets_lost(self) -> int:
        return self._earlier_lost + (self.reception.lost if self.reception else 0)

    @property
    def jitter_s(self) -> float:
        return self.reception.jitter / self.clock_rate_hz if self.reception else 0.0

    # RTCP

    def receive_reports(self, packets: list[RtcpPacket], octets: int, now: float) -> None:
        """Take one compound packet of so many octets."""
        self._interval.note_octets(octets)
        for packet in packets:
            if isinstance(packet, SenderReport) and self.reception and packet.ssrc == self.reception.ssrc:
                self.reception.note_sender_report(packet.ntp_time, now)
            if isinstance(packet, (SenderReport, ReceiverReport)):
                for block in packet.blocks:
                    if block.ssrc == self.ssrc:
                        self._note_block(block, now)
            elif isinstance(packet, Bye) and self.reception and self.reception.ssrc in packet.sources:
                self.left_by_peer = True
            elif isinstance(packet, ExtendedReport) and self.extended is not None:
                self._receive_extended(packet, self.extended, now)

    def _receive_extended(self, packet: ExtendedReport, extended: ExtendedReporting, now: float) -> None:
        before = extended.round_trip_s
        try:
            extended.receive(packet, self.ssrc, _ntp_time(now), now)
        except RtcpParseError:
            return  # what came before it in the compound packet holds all the same
        if extended.round_trip_s != before:
            self.round_trip_s = extended.round_trip_s

    def _note_block(self, block: ReportBlock, now: float) -> None:
        self.remote_report = block
        if block.last_sr:
            measured = round_trip_s(_ntp_time(now), block.last_sr, block.delay_since_last_sr)
            self.round_trip_s = self.round_trip_s if measured is None else measured

    def report_due(self, now: float) -> bytes | None:
        """A compound report when its time has come; the first call starts the timer."""
        members = 2 if self.reception else 1
        senders = (self._reports_since_sent < _REPORTS_AS_SENDER) + bool(self.reception)
        if self._interval.due_at is None:
            self._interval.start(now, members, senders)
        if not self._interval.expired(now, members, senders):
            return None
        data = encode_compound(self._report(now))
        self._interval.note_octets(len(data))
        self._reports_since_sent += 1
        return data

    def bye(self, now: float, reason: str = "") -> bytes:
        """The last report with BYE (section 6.3.7)."""
        return encode_compound([*self._report(now), Bye((self.ssrc,), reason)])

    def _report(self, now: float) -> list[RtcpPacket]:
        blocks = (self.reception.report_block(now),) if self.reception and self.reception.is_valid else ()
        report: RtcpPacket = ReceiverReport(self.ssrc, blocks)
        is_sender = self._reports_since_sent < _REPORTS_AS_SENDER and self._timestamp_at is not None
        if self._reports_since_sent < _REPORTS_AS_SENDER and self._timestamp_at is not None:
            since = int((now - self._timestamp_at) * self.clock_rate_hz)
            timestamp = (self.timestamp + since) & 0xFFFFFFFF
            report = SenderReport(self.ssrc, _ntp_time(now), timestamp, self.packets_sent, self.octets_sent, blocks)
        packets: list[RtcpPacket] = [report, SourceDescription(((self.ssrc, ((SDES_CNAME, self.cname),)),))]
        if self.extended is not None and (more := self.extended.report(self.ssrc, is_sender, _ntp_time(now), now)):
            packets.append(more)
        return packets


def _ntp_time(now: float) -> int:
    """64 bits of NTP format: whole seconds and fraction."""
    return int(now * 4294967296.0) & 0xFFFFFFFFFFFFFFFF
