"""What a call negotiated about its sound (RFC 3264): owned by the call from the first offer to BYE, never made anew."""

from collections.abc import Iterator

from device.ids import IdSource
from device.media.codecs import codec_class, codec_key, missing_library, packet_ms
from device.media.decoders import COMFORT_NOISE_CLOCK_HZ, COMFORT_NOISE_PT
from device.media.settings import DYNAMIC_PAYLOAD_TYPES, MediaSettings
from device.media.stream_parameters import StreamParameters
from device.records import dataclass, replace
from device.sdp.errors import SdpError, SdpStateError
from device.sdp.offer_answer import (
    AgreedAudio,
    AudioFormat,
    LocalMedia,
    build_answer,
    build_offer,
    find_audio,
    read_answer,
)
from device.sdp.parser import parse_sdp
from device.sdp.session_description import Origin, SessionDescription

MOST_NOISE_CLOCK_HZ = 16000
"""Opus, whose clock runs at 48 kHz, has pauses of its own."""
EVENT_CLOCK_HZ = 8000
"""Of the telephone events that are always offered."""
EXTENDED_REPORTS = "voip-metrics rcvr-rtt=all"
"""What we ask of the far end by a=rtcp-xr (RFC 3611 section 5.1)."""


@dataclass(frozen=True, slots=True)
class _Identity:
    """What stays the same for the whole call, as it names our stream to the peer."""

    session_id: int
    ssrc: int
    sequence: int
    timestamp: int
    seed: int
    cname: str


class MediaSession:
    """Offers, answers and hold of one call; `parameters` is what the audio thread gets. Main thread only."""

    def __init__(self, settings: MediaSettings, local_address: str, rtp_port: int, ids: IdSource) -> None:
        self._settings = settings
        self._address = local_address.strip("[]")
        self._rtp_port = rtp_port
        # RFC 3264 section 5 keeps o= numbers below 2**62; 31 bits suit every peer. RFC 3550 wants random beginnings.
        self._identity = _Identity(
            ids.number(31), ids.number(32), ids.number(16), ids.number(32), ids.number(64), ids.nonce()[:24]
        )
        self._formats = _own_formats(settings)
        self._event_pt: int | None = None
        self._other_event_pts: tuple[tuple[int, int], ...] = ()
        if settings.dtmf != "inband":  # where events are agreed, gateways listen no longer for tones
            self._event_pt = settings.telephone_event_payload_type
            self._other_event_pts = _event_numbers(self._formats, self._event_pt)
        self._noise_pts = _noise_numbers(self._formats, self._event_numbers()) if settings.silence_suppression else ()
        self._version = 0
        self._sent: SessionDescription | None = None
        self._offered: tuple[SessionDescription, LocalMedia] | None = None
        self._in_force: tuple[SessionDescription, LocalMedia] | None = None
        self._agreed: AgreedAudio | None = None
        self._on_hold = False
        self._on_hold_before = False
        self._parameters: StreamParameters | None = None

    @property
    def parameters(self) -> StreamParameters | None:
        """None until an offer has met its answer; neither sending nor receiving when the peer switched audio off."""
        return self._parameters

    @property
    def dtmf(self) -> str:
        """In which way digits are to be sent, one of DTMF_WAYS."""
        return self._settings.dtmf

    @property
    def on_hold(self) -> bool:
        """We hold the call."""
        return self._on_hold

    @property
    def held_by_peer(self) -> bool:
        """The peer holds us (sendonly, inactive or c=0.0.0.0)."""
        return self._agreed is not None and self._agreed.held_by_peer

    def create_offer(self) -> bytes:
        """Our offer for INVITE, re-INVITE, or a 200 to an INVITE without one.

        An offer that says what the last description said keeps its version (RFC 3264 section 8).
        """
        local = self._local()
        offer = self._numbered(build_offer(local, self._version, self._sent))
        self._offered = (offer, local)
        return offer.encode()

    def receive_offer(self, sdp: bytes) -> bytes:
        """Take the peer's offer and give our answer; an offer of ours that still waits for its answer is void.

        Raises NoCommonCodec (answer 488) or SdpParseError (400); all is then as it was before.
        """
        offer = parse_sdp(sdp)
        answer, agreed = build_answer(offer, self._local(), self._version)
        answer = self._numbered(answer)
        if agreed and agreed.receive_telephone_event_pt is not None:
            self._keep_event_number(agreed.receive_telephone_event_pt, agreed.event_clock_rate_hz)
        self._formats = _renumbered(self._formats, agreed)
        self._offered = None
        self._agree(agreed)
        self._in_force = answer, self._local()
        return answer.encode()

    def receive_answer(self, sdp: bytes) -> None:
        """Take the answer to our last offer; a later one, from another branch of a forked call, replaces it.

        Without such an offer it answers the description in force, which was offered again to refresh the session.
        Raises NoCommonCodec, SdpParseError, or SdpStateError when nothing was ever described.
        """
        described = self._offered or self._in_force
        if described is None:
            raise SdpStateError("an answer came, but nothing was offered")
        offer, local = described
        agreed = read_answer(offer, parse_sdp(sdp), local)
        self._in_force = described
        self._on_hold_before = self._on_hold
        self._agree(agreed)

    def answer_gone(self) -> None:
        """The branch of a forked call whose answer was taken has failed: there is nobody to be heard for now."""
        self._agree(None)

    def offer_refused(self) -> None:
        """Our last re-offer was refused: all stays as it was before (RFC 3264 section 8)."""
        self._offered = None
        self._on_hold = self._on_hold_before
        self._refresh()

    def hold(self) -> bytes:
        """The offer that puts the peer on hold; from now on the peer hears silence."""
        return self._offer_hold(True)

    def resume(self) -> bytes:
        """The offer that ends our hold."""
        return self._offer_hold(False)

    @property
    def local_address(self) -> str:
        """Where the peer is told to send to."""
        return self._address

    def set_local_address(self, address: str) -> None:
        """The next offer or answer carries another address, after a change of network."""
        self._address = address.strip("[]")

    def _offer_hold(self, on_hold: bool) -> bytes:
        self._on_hold_before = self._on_hold
        self._on_hold = on_hold
        self._refresh()
        return self.create_offer()

    def _local(self) -> LocalMedia:
        return LocalMedia(
            address=self._address,
            port=self._rtp_port,
            formats=_preferred(self._formats, self._agreed),
            telephone_event_pt=self._event_pt,
            session_id=self._identity.session_id,
            ptime_ms=self._settings.ptime_ms,
            direction="sendonly" if self._on_hold else "sendrecv",
            other_event_pts=self._other_event_pts,
            noise_pts=self._noise_pts,
            extended_reports=EXTENDED_REPORTS if self._settings.rtcp and self._settings.rtcp_xr else "",
        )

    def _event_numbers(self) -> set[int]:
        return {number for number in (self._event_pt, *dict(self._other_event_pts)) if number is not None}

    def _keep_event_number(self, number: int, clock_rate_hz: int) -> None:
        """Numbers once agreed may not change (section 8.3.2)."""
        if clock_rate_hz == EVENT_CLOCK_HZ:
            self._event_pt = number
            return
        others = ((kept, rate) for kept, rate in self._other_event_pts if rate != clock_rate_hz)
        self._other_event_pts = (*others, (number, clock_rate_hz))

    def _numbered(self, description: SessionDescription) -> SessionDescription:
        """The description with its version: one higher than that of the last one, unless nothing changed."""
        if self._sent is not None and description != self._sent:
            self._version += 1
            origin = Origin(self._identity.session_id, self._version, self._address)
            description = SessionDescription(
                origin, description.media, description.connection, description.attributes, description.name
            )
        self._sent = description
        return description

    def _agree(self, agreed: AgreedAudio | None) -> None:
        self._agreed = agreed
        self._refresh()

    def _refresh(self) -> None:
        if self._agreed:
            self._parameters = self._stream_parameters(self._agreed)
        elif self._parameters:
            self._parameters = replace(self._parameters, sending=False, receiving=False)

    def _stream_parameters(self, agreed: AgreedAudio) -> StreamParameters:
        settings, identity = self._settings, self._identity
        name = codec_key(agreed.codec_name, agreed.clock_rate_hz)
        events = {agreed.receive_telephone_event_pt, agreed.telephone_event_pt} - {None}
        return StreamParameters(
            codec_name=name,
            payload_type=agreed.payload_type,
            receive_formats=_receive_formats(agreed),
            clock_rate_hz=agreed.clock_rate_hz,
            sample_rate_hz=codec_class(name).sample_rate_hz,
            remote=(agreed.remote_host, agreed.remote_port),
            remote_rtcp=(agreed.remote_rtcp_host, agreed.remote_rtcp_port),
            sending=agreed.direction in ("sendrecv", "sendonly"),
            receiving=agreed.direction in ("sendrecv", "recvonly"),
            on_hold=self._on_hold,
            ptime_ms=packet_ms(name, agreed.ptime_ms),
            telephone_event_pt=agreed.telephone_event_pt,
            receive_telephone_event_pts=tuple(sorted(number for number in events if number is not None)),
            ssrc=identity.ssrc,
            sequence=identity.sequence,
            timestamp=identity.timestamp,
            seed=identity.seed,
            cname=identity.cname,
            jitter_start_ms=settings.jitter_start_ms,
            jitter_min_ms=settings.jitter_min_ms,
            jitter_max_ms=settings.jitter_max_ms,
            digit_ms=settings.digit_ms,
            digit_gap_ms=settings.digit_gap_ms,
            digit_level_db=settings.digit_level_db,
            symmetric=settings.symmetric,
            rtcp=settings.rtcp,
            event_clock_rate_hz=agreed.event_clock_rate_hz,
            format_parameters=agreed.parameters,
            bit_rate=1000 * settings.opus_kbit_s,
            dtx=settings.dtx,
            hold_music=settings.hold_music,
            noise_pt=agreed.noise_pt,
            receive_noise_pts=() if agreed.receive_noise_pt is None else (agreed.receive_noise_pt,),
            detect_digits=settings.dtmf_detector == "on"
            or (settings.dtmf_detector == "auto" and agreed.telephone_event_pt is None),
            extended_reports=_loaded(agreed.extended_reports) if settings.rtcp else (),
        )


def _loaded(extended_reports: tuple[str, ...]) -> tuple[str, ...]:
    """The same; what writes them is loaded here, for the audio thread must not wait for files."""
    if extended_reports:
        import device.media.voip_metrics  # noqa: F401, PLC0415
    return extended_reports


def _own_formats(settings: MediaSettings) -> tuple[AudioFormat, ...]:
    """The codecs of the settings with the payload types of our own offers."""
    formats = []
    free = _free_numbers({settings.telephone_event_payload_type})
    for name in usable_codecs(settings):
        codec = codec_class(name)
        number = codec.payload_type
        if number is None:
            number = next(free)
        formats.append(AudioFormat(number, codec.name, codec.clock_rate_hz, codec.parameters, codec.channels))
    return tuple(formats)


def usable_codecs(settings: MediaSettings) -> tuple[str, ...]:
    """The codecs of the settings whose libraries are installed; G.711 where there is none."""
    return tuple(name for name in settings.codec_names if not missing_library(name)) or ("PCMA", "PCMU")


def _event_numbers(formats: tuple[AudioFormat, ...], event_pt: int) -> tuple[tuple[int, int], ...]:
    """Payload types of telephone events for each clock rate other than 8 kHz (RFC 4733 section 2.5.1.1)."""
    free = _free_numbers({event_pt, *(own.payload_type for own in formats)})
    return tuple((next(free), rate) for rate in sorted({own.clock_rate_hz for own in formats} - {EVENT_CLOCK_HZ}))


def _noise_numbers(formats: tuple[AudioFormat, ...], taken: set[int]) -> tuple[tuple[int, int], ...]:
    """Payload types of comfort noise for the clock rates that codecs without pauses of their own have (RFC 3389)."""
    free = _free_numbers(taken | {own.payload_type for own in formats})
    rates = sorted({own.clock_rate_hz for own in formats if own.clock_rate_hz <= MOST_NOISE_CLOCK_HZ})
    return tuple((COMFORT_NOISE_PT if rate == COMFORT_NOISE_CLOCK_HZ else next(free), rate) for rate in rates)


def _free_numbers(taken: set[int]) -> Iterator[int]:
    """Dynamic payload types that nothing has yet."""
    return (number for number in DYNAMIC_PAYLOAD_TYPES if number not in taken)


def _renumbered(formats: tuple[AudioFormat, ...], agreed: AgreedAudio | None) -> tuple[AudioFormat, ...]:
    """Our formats with the numbers that the peer's offer gave them."""
    theirs = agreed.receive_formats if agreed else ()
    numbers = {(format_.name, format_.clock_rate_hz): format_.payload_type for format_ in theirs}
    return tuple(
        replace(own, payload_type=numbers.get((own.name, own.clock_rate_hz), own.payload_type)) for own in formats
    )


def _preferred(formats: tuple[AudioFormat, ...], agreed: AgreedAudio | None) -> tuple[AudioFormat, ...]:
    """The codec in use first: a re-offer for hold should not change it."""
    if agreed is None:
        return formats
    in_use = (agreed.codec_name, agreed.clock_rate_hz)
    return tuple(sorted(formats, key=lambda own: (own.name, own.clock_rate_hz) != in_use))


def _receive_formats(agreed: AgreedAudio) -> tuple[tuple[int, str], ...]:
    """All that the peer may send, and what it will send by its own numbers if it wrongly keeps to them."""
    listed = tuple(
        (theirs.payload_type, codec_key(theirs.name, theirs.clock_rate_hz)) for theirs in agreed.receive_formats
    )
    if agreed.payload_type in {number for number, _ in listed}:
        return listed
    return (*listed, (agreed.payload_type, codec_key(agreed.codec_name, agreed.clock_rate_hz)))


def offered_host(sdp: bytes) -> str:
    """The address or name at which the peer wants the sound; "" where it cannot be told or is to go nowhere."""
    try:
        offer = parse_sdp(sdp)
    except SdpError:
        return ""
    index = find_audio(offer)
    connection = offer.connection_of(offer.media[index]) if index is not None else None
    return connection.address if connection is not None and not connection.is_held else ""
