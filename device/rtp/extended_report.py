"""Extended reports (RFC 3611): round trips for whoever only listens, and VoIP metrics; loaded where they are agreed.

Read and written are the blocks of sections 4.4, 4.5 and 4.7; those of other types are passed over.
"""

from collections.abc import Callable
from struct import Struct

from device.records import dataclass
from device.rtp.errors import RtcpParseError
from device.rtp.loss_pattern import MIN_GAP
from device.rtp.rtcp import ExtendedReport, round_trip_s

REFERENCE_TIME_BLOCK, DELAY_BLOCK, VOIP_METRICS_BLOCK = 4, 5, 7
UNAVAILABLE = 127
"""For levels, return loss, R factors and MOS that were not measured (section 4.7.4)."""
MAX_SOURCES = 8
"""Of so many that send a reference time the last one is remembered; in a call between two there is one."""

_HEAD = Struct("!BBH")
_TIME = Struct("!Q")
_DELAY = Struct("!III")
_METRICS = Struct("!IBBBBHHHHbbBBBBBBBxHHH")
_METRICS_WORDS = 8


@dataclass(frozen=True, slots=True)
class ReceiverReferenceTime:
    """When the packet left (section 4.4), from whoever sends no sender reports."""

    ntp_time: int
    """64 bits, 32.32 fixed point."""


@dataclass(frozen=True, slots=True)
class ReceptionDelay:
    """The answer to a reference time (section 4.5)."""

    ssrc: int
    """Who sent the reference time."""
    last_rr: int
    """Middle 32 bits of it."""
    delay: int
    """How long ago it came, in 1/65536 s."""


@dataclass(frozen=True, slots=True)
class VoipMetrics:
    """What a receiver heard of one source (section 4.7)."""

    ssrc: int
    loss_rate: int
    """Of 256, since the beginning."""
    discard_rate: int
    """Of 256: came too late or too early to be played."""
    burst_density: int
    """Of 256: lost or discarded within bursts."""
    gap_density: int
    burst_ms: int
    """Mean length."""
    gap_ms: int
    round_trip_ms: int
    end_system_ms: int
    """From the last packet of a talk spurt to the ear, and from the microphone to the wire."""
    signal_db: int = UNAVAILABLE
    """Speech, in dBm0."""
    noise_db: int = UNAVAILABLE
    return_loss_db: int = UNAVAILABLE
    min_gap: int = MIN_GAP
    r_factor: int = UNAVAILABLE
    external_r_factor: int = UNAVAILABLE
    mos_listening: int = UNAVAILABLE
    """Ten times the score."""
    mos_conversational: int = UNAVAILABLE
    receiver_configuration: int = 0
    """Concealment, kind and speed of the jitter buffer (section 4.7.6)."""
    buffer_nominal_ms: int = 0
    buffer_maximum_ms: int = 0
    buffer_absolute_maximum_ms: int = 0


XrBlock = ReceiverReferenceTime | ReceptionDelay | VoipMetrics


def parse_blocks(data: bytes) -> list[XrBlock]:
    """The blocks of one extended report; raises RtcpParseError for lengths that cannot be (section 3)."""
    blocks: list[XrBlock] = []
    start = 0
    while start < len(data):
        if len(data) - start < _HEAD.size:
            raise RtcpParseError("extended report ends inside the header of a block")
        kind, _, words = _HEAD.unpack_from(data, start)
        begin, start = start + 4, start + 4 + 4 * words
        if start > len(data):
            raise RtcpParseError(f"block {kind} of an extended report of {words} words where fewer are left")
        blocks += _parse_block(kind, data[begin:start])
    return blocks


def _parse_block(kind: int, body: bytes) -> list[XrBlock]:
    if kind == REFERENCE_TIME_BLOCK and len(body) == _TIME.size:
        return [ReceiverReferenceTime(*_TIME.unpack(body))]
    if kind == DELAY_BLOCK and len(body) % _DELAY.size == 0:
        return [ReceptionDelay(*values) for values in _DELAY.iter_unpack(body)]
    if kind == VOIP_METRICS_BLOCK and len(body) == 4 * _METRICS_WORDS:
        return [VoipMetrics(*_METRICS.unpack(body))]
    if kind in (REFERENCE_TIME_BLOCK, DELAY_BLOCK, VOIP_METRICS_BLOCK):
        raise RtcpParseError(f"block {kind} of an extended report has {len(body)} octets, which it cannot have")
    return []


def encode_blocks(blocks: list[XrBlock]) -> bytes:
    """The blocks of one extended report; figures beyond their fields stay at the limit."""
    return b"".join(_encode_block(block) for block in blocks)


def _encode_block(block: XrBlock) -> bytes:
    if isinstance(block, ReceiverReferenceTime):
        return _HEAD.pack(REFERENCE_TIME_BLOCK, 0, 2) + _TIME.pack(block.ntp_time)
    if isinstance(block, ReceptionDelay):
        return _HEAD.pack(DELAY_BLOCK, 0, 3) + _DELAY.pack(block.ssrc, block.last_rr, block.delay)
    body = _METRICS.pack(
        block.ssrc,
        *(_limited(rate, 0xFF) for rate in (block.loss_rate, block.discard_rate)),
        *(_limited(density, 0xFF) for density in (block.burst_density, block.gap_density)),
        *(_limited(ms, 0xFFFF) for ms in (block.burst_ms, block.gap_ms, block.round_trip_ms, block.end_system_ms)),
        *(max(-128, min(level, 127)) for level in (block.signal_db, block.noise_db)),
        *(_limited(value, 0xFF) for value in (block.return_loss_db, block.min_gap)),
        *(_limited(value, 0xFF) for value in (block.r_factor, block.external_r_factor)),
        *(_limited(value, 0xFF) for value in (block.mos_listening, block.mos_conversational)),
        _limited(block.receiver_configuration, 0xFF),
        *(
            _limited(ms, 0xFFFF)
            for ms in (block.buffer_nominal_ms, block.buffer_maximum_ms, block.buffer_absolute_maximum_ms)
        ),
    )
    return _HEAD.pack(VOIP_METRICS_BLOCK, 0, _METRICS_WORDS) + body


def _limited(value: int, most: int) -> int:
    return max(0, min(value, most))


class ExtendedReporting:
    """What two have agreed to tell each other beyond the usual reports.

    `agreed` are the words of section 5.1, which a new offer and answer may change; `metrics` gives our VoIP metrics,
    or None while there is nothing to tell.
    """

    __slots__ = ("_metrics", "_reference_times", "agreed", "remote_metrics", "round_trip_s")

    def __init__(self, agreed: tuple[str, ...], metrics: Callable[[], VoipMetrics | None]) -> None:
        self.agreed = agreed
        self._metrics = metrics
        self._reference_times: dict[int, tuple[int, float]] = {}
        self.round_trip_s: float | None = None
        """From the last answer to a reference time of ours."""
        self.remote_metrics: VoipMetrics | None = None
        """The last that the peer said about what it hears of us."""

    def receive(self, report: ExtendedReport, ssrc: int, ntp_time: int, now: float) -> None:
        """Take a report; `ssrc` is ours, `ntp_time` what our reports would say now. Raises RtcpParseError."""
        for block in parse_blocks(report.blocks):
            if isinstance(block, ReceiverReferenceTime):
                self._reference_times.pop(report.ssrc, None)
                self._reference_times[report.ssrc] = block.ntp_time >> 16 & 0xFFFFFFFF, now
                if len(self._reference_times) > MAX_SOURCES:
                    del self._reference_times[next(iter(self._reference_times))]
            elif block.ssrc == ssrc:
                self._receive_about_us(block, ntp_time)

    def _receive_about_us(self, block: ReceptionDelay | VoipMetrics, ntp_time: int) -> None:
        if isinstance(block, VoipMetrics):
            self.remote_metrics = block
        elif block.last_rr:
            measured = round_trip_s(ntp_time, block.last_rr, block.delay)
            self.round_trip_s = self.round_trip_s if measured is None else measured

    def report(self, ssrc: int, is_sender: bool, ntp_time: int, now: float) -> ExtendedReport | None:
        """What goes along with our next report; None when there is nothing to tell."""
        blocks: list[XrBlock] = []
        mode = next((word.partition("=")[2] for word in self.agreed if word.startswith("rcvr-rtt=")), "")
        if mode == "all" and not is_sender:
            blocks.append(ReceiverReferenceTime(ntp_time))
        if mode == "all" or (mode == "sender" and is_sender):
            for source, (last_rr, at) in self._reference_times.items():
                blocks.append(ReceptionDelay(source, last_rr, int((now - at) * 65536) & 0xFFFFFFFF))
            self._reference_times.clear()
        if "voip-metrics" in self.agreed and (metrics := self._metrics()) is not None:
            blocks.append(metrics)
        return ExtendedReport(ssrc, encode_blocks(blocks)) if blocks else None
