"""One call's RTP stream as the audio thread drives it: datagrams and PCM in, datagrams and PCM out. Pure."""

from device.records import dataclass

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
    digit_ms: int = 120
    digit_gap_ms: int = 80
    digit_level_db: int = -10
    symmetric: bool = True
    rtcp: bool = True


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
    """Sound that waits in the jitter buffer now."""
    round_trip_ms: float | None = None
    """From the peer's RTCP reports; None when it sent none."""
    remote_lost: int | None = None
    """Packets of ours that the peer reports as lost."""
    remote_jitter_ms: float | None = None
    last_packet_at: float | None = None
    """Monotonic seconds of the last valid packet; None when none came."""
    digits_sent: int = 0
    digits_received: int = 0


class MediaStream:
    """Sender, receiver, jitter buffer, concealment, digits and RTCP of one call. Never raises for what a peer sends."""

    def __init__(self, parameters: StreamParameters) -> None:
        self.parameters = parameters

    def update(self, parameters: StreamParameters) -> None:
        """Take the outcome of a new offer and answer; counters, SSRC and time stamps go on."""
        self.parameters = parameters

    def receive_rtp(self, data: bytes, source: Address, now: float) -> None:
        """One datagram from the RTP port."""

    def receive_rtcp(self, data: bytes, source: Address, now: float) -> None:
        """One datagram from the RTCP port."""

    def next_frame(self) -> bytes:
        """20 ms of PCM at `parameters.sample_rate_hz`: decoded, concealed or silence. Its calls are the clock."""
        return bytes(2 * self.parameters.sample_rate_hz // 50)

    def send_frame(self, pcm: bytes, now: float) -> Datagrams:
        """Take PCM of any length at `sample_rate_hz`, best 20 ms; gives what is due to be sent to the RTP port's peer.

        Call it for every frame even when nothing may be sent (pass silence): it keeps the time stamps in step.
        """
        return []

    def send_digit(self, digit: str, duration_ms: int = 0) -> None:
        """Queue one of 0-9 * # A-D; 0 ms means the length in the parameters. Raises ValueError for other characters."""

    def digits_received(self) -> list[str]:
        """Digits that began since the last call, oldest first."""
        return []

    def rtcp_to_send(self, now: float) -> Datagrams:
        """What is due to be sent from the RTCP port; call it every frame or so, it is cheap when nothing is."""
        return []

    def close(self, now: float) -> Datagrams:
        """The last RTCP packets, with BYE, to be sent from the RTCP port."""
        return []

    def counters(self) -> StreamReport:
        """The figures so far."""
        return StreamReport(self.parameters.codec_name, "")
