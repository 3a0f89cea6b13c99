"""What the main thread tells the audio thread of a call, and what it hears back: values without the machinery."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING
from device.records import dataclass

if TYPE_CHECKING:
    from device.rtp.extended_report import VoipMetrics

FRAME_MS = 20
"""What `MediaStream.next_frame` returns and what every mixing step works on."""

OPUS_BIT_RATE = 64_000
"""Bits a second of Opus unless the settings say otherwise, its redundancy against loss included."""

Address = tuple[str, int]
"""IP literal without brackets, and port."""

Datagrams = list[tuple[bytes, Address]]


@dataclass(frozen=True, slots=True)
class StreamParameters:
    """All that negotiation settled; immutable, so that it can be handed to the audio thread."""

    codec_name: str
    payload_type: int
    """What we send."""
    receive_formats: tuple[tuple[int, str], ...]
    """(payload type, codec name) that the peer may send."""
    clock_rate_hz: int
    sample_rate_hz: int
    """Of `next_frame` and `send_frame`."""
    remote: Address
    """Where the description says to send RTP."""
    remote_rtcp: Address
    sending: bool
    """Whether the negotiated direction lets us send."""
    receiving: bool
    on_hold: bool
    """We hold the call: what we may send is silence, what comes is not played."""
    ptime_ms: int
    """Length of the packets that we send."""
    telephone_event_pt: int | None
    """What we send digits as; None: in the speech band."""
    receive_telephone_event_pts: tuple[int, ...]
    ssrc: int
    sequence: int
    """First sequence number (16 bits)."""
    timestamp: int
    """First time stamp (32 bits)."""
    seed: int
    """Of the randomness that RTCP needs (64 bits)."""
    cname: str
    """Canonical name for SDES (RFC 7022)."""
    jitter_start_ms: int = 40
    jitter_min_ms: int = 20
    jitter_max_ms: int = 300
    digit_ms: int = 100
    digit_gap_ms: int = 100
    digit_level_db: int = -10
    symmetric: bool = True
    rtcp: bool = True
    event_clock_rate_hz: int = 8000
    """Clock of the telephone events that we send."""
    format_parameters: str = ""
    """What the peer's a=fmtp asks of our encoder."""
    bit_rate: int = OPUS_BIT_RATE
    """In bit/s, for codecs that have a choice."""
    dtx: bool = False
    """Send nothing in pauses, where the codec can."""
    hold_music: str = ""
    """A file that the far end hears while we hold it; "" for silence."""
    noise_pt: int | None = None
    """What comfort noise is sent as in pauses; None: every packet is sent."""
    receive_noise_pts: tuple[int, ...] = ()
    """What the peer may send comfort noise as, besides the static payload type."""
    detect_digits: bool = False
    """Listen for digits in the speech band."""
    extended_reports: tuple[str, ...] = ()
    """Words of a=rtcp-xr that both sides agreed on (RFC 3611 section 5)."""


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What one stream did so far."""

    codec: str
    remote: str
    """"host:port" where we send to."""
    packets_sent: int = 0
    octets_sent: int = 0
    packets_received: int = 0
    octets_received: int = 0
    packets_lost: int = 0
    """By RFC 3550 A.3; duplicates make it smaller, even negative."""
    packets_late: int = 0
    """Came after their turn to be played."""
    packets_duplicate: int = 0
    packets_discarded: int = 0
    """Not RTP, of an unknown payload type or from a foreign source."""
    frames_played: int = 0
    frames_concealed: int = 0
    jitter_ms: float = 0.0
    """Interarrival jitter by RFC 3550 A.8."""
    buffer_ms: int = 0
    """Delay that the jitter buffer now adds to the quickest packets."""
    round_trip_ms: float | None = None
    """From the peer's RTCP reports; None when it sent none."""
    remote_lost: int | None = None
    """Packets of ours that the peer reports as lost."""
    remote_jitter_ms: float | None = None
    last_packet_at: float | None = None
    """Monotonic seconds of the last valid packet; None when none came."""
    digits_sent: int = 0
    digits_received: int = 0
    codec_received: str = ""
    """What the far end sends; empty while nothing came."""
    received_type: int | None = None
    """The payload type of it."""
    received_ms: float = 0.0
    """Length of the far end's packets."""
    ptime_ms: int = 20
    """Length of the packets that we send."""
    packets_expected: int = 0
    """Whose turn to be played has come."""
    packets_missing: int = 0
    """Of these: lost or too late."""
    burst_ratio: float = 1.0
    """How much longer runs of missing packets are than by chance (ITU-T G.107 clause 3.5)."""
    burst_density: float = 0.0
    """Share of missing packets within bursts, 0 to 1 (RFC 3611 section 4.7.2)."""
    burst_ms: float = 0.0
    """Mean length of a burst."""
    gap_density: float = 0.0
    gap_ms: float = 0.0
    heard_db: float = -96.0
    """Level of the far end in the last second, in dB below full scale."""
    sent_db: float = -96.0
    """The same of the microphone."""
    speech_db: float | None = None
    """Mean level of the far end's speech so far; None when there was none."""
    ssrc: int = 0
    remote_ssrc: int | None = None
    remote_voice: VoipMetrics | None = None
    """What the far end last told of how it hears us (RFC 3611 section 4.7)."""
