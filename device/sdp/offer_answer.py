"""Offer and answer for one audio stream (RFC 3264): what to write, and what both sides agreed on.

Audio over RTP/AVP (or AVPF) is taken; every other media of an offer is answered with port 0.
"""

from device.records import dataclass, replace
from device.sdp.errors import NoCommonCodec
from device.sdp.session_description import (
    HELD_ADDRESSES,
    Connection,
    MediaDescription,
    Origin,
    RtpMap,
    SessionDescription,
    whole_number,
)

RTP_PROFILES = ("RTP/AVP", "RTP/AVPF")
TELEPHONE_EVENT = "TELEPHONE-EVENT"
COMFORT_NOISE = "CN"
PTIME_RANGE_MS = range(10, 61)
"""Packet lengths that we send when the peer asks for them."""
_SPELLED_SMALL = (TELEPHONE_EVENT, "OPUS", "SPEEX")
"""Names that their RFCs write in small letters; some peers compare them as they stand."""
_DIRECTION_OF = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """A codec and the payload type by which one side calls it."""

    payload_type: int
    name: str
    """As in a=rtpmap, upper-case."""
    clock_rate_hz: int = 8000
    parameters: str = ""
    """The value of a=fmtp."""
    channels: int = 1
    """As a=rtpmap has them; Opus is always said to have two (RFC 7587 section 7)."""


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """What this phone wants of the call's sound."""

    address: str
    port: int
    formats: tuple[AudioFormat, ...]
    """Best first; payload types are those of our own offers."""
    telephone_event_pt: int | None
    """Payload type by which we offer telephone events; None: do not use them."""
    session_id: int
    ptime_ms: int = 20
    direction: str = "sendrecv"
    """What we allow: "sendonly" holds the peer."""
    rtcp_port: int = 0
    """0 for the port after `port`."""
    other_event_pts: tuple[tuple[int, int], ...] = ()
    """(payload type, clock rate in Hz) of telephone events for codecs that do not run at 8 kHz (RFC 4733 2.5.1.1)."""
    extended_reports: str = ""
    """The value of a=rtcp-xr in our offers; "" for none (RFC 3611 section 5)."""

    noise_pts: tuple[tuple[int, int], ...] = ()
    """(payload type, clock rate in Hz) of comfort noise for each clock rate of our codecs (RFC 3389 section 4)."""

    def event_pt(self, clock_rate_hz: int) -> int | None:
        """The payload type by which we take events beside a codec of this clock rate."""
        return {rate: number for number, rate in self.other_event_pts}.get(clock_rate_hz, self.telephone_event_pt)


@dataclass(frozen=True, slots=True)
class AgreedAudio:
    """The outcome of offer and answer, seen from this phone."""

    codec_name: str
    payload_type: int
    """By which the peer knows the codec that we send."""
    receive_payload_type: int
    """By which we know the same codec."""
    receive_formats: tuple[AudioFormat, ...]
    """All that the peer may send."""
    clock_rate_hz: int
    telephone_event_pt: int | None
    """What we send digits as, or None when the peer does not take them."""
    receive_telephone_event_pt: int | None
    remote_host: str
    remote_port: int
    remote_rtcp_host: str
    remote_rtcp_port: int
    direction: str
    """Seen by us: "recvonly" when the peer holds us."""
    held_by_peer: bool
    """The peer does not want to hear us: its sendonly, inactive, or c=0.0.0.0."""
    ptime_ms: int
    """Length of the packets that we send."""
    media_index: int
    """Which m= line it is."""
    event_clock_rate_hz: int = 8000
    """Of the telephone events that we send."""
    parameters: str = ""
    """What the peer's a=fmtp says of the codec that we send."""
    noise_pt: int | None = None
    """What we send comfort noise as in pauses, or None when not both sides want it."""
    receive_noise_pt: int | None = None
    extended_reports: tuple[str, ...] = ()
    """Words of a=rtcp-xr that we are to act on."""


def build_offer(local: LocalMedia, version: int, previous: SessionDescription | None = None) -> SessionDescription:
    """An offer; with `previous`, the description in force, it keeps the place of each m= line (section 8)."""
    audio_index = find_audio(previous) if previous else None
    lines = [_rejected(media) for media in previous.media] if previous else []
    protocol = RTP_PROFILES[0] if audio_index is None else lines[audio_index].protocol
    others = (*_comfort_noise(local), *_telephone_events(local))
    audio = _audio_line(local, local.formats, others, protocol, local.direction)
    if audio_index is None:
        lines.append(audio)
    else:
        lines[audio_index] = audio
    return _describe(local, version, lines)


def build_answer(
    offer: SessionDescription, local: LocalMedia, version: int
) -> tuple[SessionDescription, AgreedAudio | None]:
    """Our answer, and what it agrees on: None when the offer itself switched its audio off or has no media.

    Formats keep the order and the numbers of the offer (section 6.1). Raises NoCommonCodec when audio is
    offered and none of it is for us.
    """
    index, formats = _choose_audio(offer, local)
    if index is None:
        if any(media.kind == "audio" and media.port for media in offer.media):
            raise NoCommonCodec(f"none of our codecs ({_names(local.formats)}) is offered for RTP/AVP audio")
        if any(media.port for media in offer.media):
            raise NoCommonCodec("no audio is offered, only other media")
        return _describe(local, version, [_rejected(media) for media in offer.media]), None
    media = offer.media[index]
    event = _offered_event(media, formats[0].clock_rate_hz) if local.telephone_event_pt is not None else None
    direction = _answer_direction(offer, media, local.direction)
    lines = [_rejected(other) for other in offer.media]
    noise = _offered_noise(media, formats[0].clock_rate_hz, local)
    others = tuple(format_ for format_ in (noise, event) if format_ is not None)
    local = replace(local, extended_reports=_answered_reports(offer, media, local))
    lines[index] = _audio_line(local, formats, others, media.protocol, direction)
    number = event.payload_type if event else None
    agreed = _agreed(offer, index, local, direction, (formats[0], formats[0].payload_type, formats), (event, number))
    if noise is not None:
        agreed = replace(agreed, noise_pt=noise.payload_type, receive_noise_pt=noise.payload_type)
    return _describe(local, version, lines), agreed


def read_answer(offer: SessionDescription, answer: SessionDescription, local: LocalMedia) -> AgreedAudio:
    """What the answer to our offer agrees on; raises NoCommonCodec when the peer refused our audio.

    We send by the payload types of the answer and receive by those of the offer (section 6.1).
    """
    index = find_audio(offer)
    if index is None or index >= len(answer.media):
        index = find_audio(answer)
    if index is None or not answer.media[index].port:
        raise NoCommonCodec("the peer's answer refuses audio")
    media = answer.media[index]
    chosen = _answered_format(media, local)
    if chosen is None:
        raise NoCommonCodec(f"the peer's answer has none of the offered codecs ({_names(local.formats)})")
    sent, mine = chosen
    event = _offered_event(media, sent.clock_rate_hz) if local.telephone_event_pt is not None else None
    if event is None and local.telephone_event_pt is not None and str(local.telephone_event_pt) in media.formats:
        # Listed, but its a=rtpmap left out: the offer's meaning holds.
        event = AudioFormat(local.telephone_event_pt, TELEPHONE_EVENT)
    direction = _answer_direction(answer, media, local.direction)
    formats = (sent, mine.payload_type, local.formats)
    own_event_pt = local.event_pt(event.clock_rate_hz) if event else local.telephone_event_pt
    agreed = _agreed(answer, index, local, direction, formats, (event, own_event_pt))
    noise = _offered_noise(media, sent.clock_rate_hz, local)
    if noise is None:
        return agreed
    own = {rate: number for number, rate in local.noise_pts}
    return replace(agreed, noise_pt=noise.payload_type, receive_noise_pt=own[sent.clock_rate_hz])


def find_audio(description: SessionDescription | None) -> int | None:
    """Index of the audio line in use: the first that is not switched off, else the first at all."""
    media = description.media if description else ()
    audio = [index for index, line in enumerate(media) if line.kind == "audio"]
    return next((index for index in audio if media[index].port), audio[0] if audio else None)


def _choose_audio(offer: SessionDescription, local: LocalMedia) -> tuple[int | None, tuple[AudioFormat, ...]]:
    """The first offered audio line with a codec of ours, and our formats in the offer's order and numbers."""
    for index, media in enumerate(offer.media):
        if (
            media.kind == "audio"
            and media.port
            and media.protocol.upper() in RTP_PROFILES
            and offer.connection_of(media)
        ):
            formats = _common_formats(media, local)
            if formats:
                return index, formats
    return None, ()


def _common_formats(media: MediaDescription, local: LocalMedia) -> tuple[AudioFormat, ...]:
    found = []
    for number in media.payload_types():
        rtpmap = media.rtpmap(number)
        mine = _local_format(local, rtpmap) if rtpmap else None
        if mine:
            found.append(replace(mine, payload_type=number))
    return tuple(found)


def _local_format(local: LocalMedia, rtpmap: RtpMap) -> AudioFormat | None:
    wanted = (rtpmap.name, rtpmap.clock_rate_hz, rtpmap.channels)
    return next((mine for mine in local.formats if (mine.name, mine.clock_rate_hz, mine.channels) == wanted), None)


def _answered_format(media: MediaDescription, local: LocalMedia) -> tuple[AudioFormat, AudioFormat] | None:
    """The answer's first codec of ours: as the peer numbers it, and as we do."""
    for number in media.payload_types():
        rtpmap = media.rtpmap(number)
        if rtpmap is None:  # a dynamic number without a=rtpmap can only mean what the offer said
            mine = next((format_ for format_ in local.formats if format_.payload_type == number), None)
        else:
            mine = _local_format(local, rtpmap)
        if mine:
            return replace(mine, payload_type=number), mine
    return None


def _offered_event(media: MediaDescription, clock_rate_hz: int) -> AudioFormat | None:
    """The telephone-event format of a media, best of the codec's clock rate (RFC 4733 section 2.5.1.1)."""
    found = None
    for number in media.payload_types():
        rtpmap = media.rtpmap(number)
        if rtpmap and rtpmap.name == TELEPHONE_EVENT and (found is None or rtpmap.clock_rate_hz == clock_rate_hz):
            found = AudioFormat(number, TELEPHONE_EVENT, rtpmap.clock_rate_hz, _common_events(media.fmtp(number)))
            if rtpmap.clock_rate_hz == clock_rate_hz:
                break
    return found


def _offered_noise(media: MediaDescription, clock_rate_hz: int, local: LocalMedia) -> AudioFormat | None:
    """The comfort noise of a media for a codec of this clock rate, if we want any."""
    if clock_rate_hz not in (rate for _, rate in local.noise_pts):
        return None
    for number in media.payload_types():
        rtpmap = media.rtpmap(number)
        if rtpmap and (rtpmap.name, rtpmap.clock_rate_hz) == (COMFORT_NOISE, clock_rate_hz):
            return AudioFormat(number, COMFORT_NOISE, clock_rate_hz)
    return None


def _comfort_noise(local: LocalMedia) -> tuple[AudioFormat, ...]:
    return tuple(AudioFormat(number, COMFORT_NOISE, rate) for number, rate in local.noise_pts)


def _common_events(offered: str) -> str:
    """Digits 0-15 always; the hook flash (16) only when the peer lists it (RFC 4733 section 2.4.1)."""
    for part in offered.split(","):
        first, _, last = part.strip().partition("-")
        low, high = whole_number(first), whole_number(last or first)
        if low is not None and high is not None and low <= 16 <= high:
            return "0-16"
    return "0-15"


def _telephone_events(local: LocalMedia) -> tuple[AudioFormat, ...]:
    """Telephone events for each clock rate among our codecs."""
    if local.telephone_event_pt is None:
        return ()
    events = ((local.telephone_event_pt, 8000), *local.other_event_pts)
    return tuple(AudioFormat(number, TELEPHONE_EVENT, rate, "0-16") for number, rate in events)


def _answer_direction(theirs: SessionDescription, media: MediaDescription, allowed: str) -> str:
    """Our direction: what the peer's allows, as far as we allow it too (section 6.1)."""
    offered = theirs.direction_of(media)
    send = offered in ("sendrecv", "recvonly") and allowed in ("sendrecv", "sendonly") and not _is_held(theirs, media)
    receive = offered in ("sendrecv", "sendonly") and allowed in ("sendrecv", "recvonly")
    return _DIRECTION_OF.get((send, receive), "inactive")


def _is_held(theirs: SessionDescription, media: MediaDescription) -> bool:
    connection = theirs.connection_of(media)
    return connection is None or connection.is_held


def _answered_reports(offer: SessionDescription, media: MediaDescription, local: LocalMedia) -> str:
    offered = offer.extended_reports_of(media)
    if not offered or not local.extended_reports:
        return ""
    from device.sdp.extended_reports import answer_formats  # noqa: PLC0415  # many peers know nothing of them

    return answer_formats(offered, local.extended_reports)


def _agreed_reports(theirs: SessionDescription, media: MediaDescription, local: LocalMedia) -> tuple[str, ...]:
    said = theirs.extended_reports_of(media)
    if not said or not local.extended_reports:
        return ()
    from device.sdp.extended_reports import agreed_formats  # noqa: PLC0415

    return agreed_formats(said, local.extended_reports, theirs.direction_of(media) in ("sendrecv", "sendonly"))


def _agreed(
    theirs: SessionDescription,
    index: int,
    local: LocalMedia,
    direction: str,
    formats: tuple[AudioFormat, int, tuple[AudioFormat, ...]],
    events: tuple[AudioFormat | None, int | None],
) -> AgreedAudio:
    media = theirs.media[index]
    connection = theirs.connection_of(media)
    rtcp_host, rtcp_port = theirs.rtcp_of(media)
    codec, receive_payload_type, receive_formats = formats
    return AgreedAudio(
        codec_name=codec.name,
        payload_type=codec.payload_type,
        receive_payload_type=receive_payload_type,
        receive_formats=receive_formats,
        clock_rate_hz=codec.clock_rate_hz,
        telephone_event_pt=events[0].payload_type if events[0] else None,
        receive_telephone_event_pt=events[1],
        remote_host=connection.address if connection else HELD_ADDRESSES[0],
        remote_port=media.port,
        remote_rtcp_host=rtcp_host,
        remote_rtcp_port=rtcp_port,
        direction=direction,
        held_by_peer=theirs.direction_of(media) in ("sendonly", "inactive") or _is_held(theirs, media),
        ptime_ms=_send_ptime_ms(media, local.ptime_ms),
        media_index=index,
        event_clock_rate_hz=events[0].clock_rate_hz if events[0] else codec.clock_rate_hz,
        parameters=media.fmtp(codec.payload_type),
        extended_reports=_agreed_reports(theirs, media, local),
    )


def _send_ptime_ms(media: MediaDescription, preferred_ms: int) -> int:
    """What the peer asks for if it is sensible, else ours; in whole 10 ms, never above its a=maxptime."""
    asked = media.ptime_ms
    chosen = asked if asked in PTIME_RANGE_MS and asked is not None else preferred_ms
    limit = media.maxptime_ms
    if limit is not None and limit >= PTIME_RANGE_MS.start:
        chosen = min(chosen, limit)
    return chosen // 10 * 10


def _rejected(media: MediaDescription) -> MediaDescription:
    """A media as we refuse it, or keep it refused: port 0, the same protocol and formats (section 6)."""
    return MediaDescription(media.kind, 0, media.protocol, media.formats or ("0",))


def _audio_line(
    local: LocalMedia, formats: tuple[AudioFormat, ...], events: tuple[AudioFormat, ...], protocol: str, direction: str
) -> MediaDescription:
    listed = formats + events
    attributes: list[tuple[str, str | None]] = []
    for format_ in listed:
        name = format_.name.lower() if format_.name in _SPELLED_SMALL else format_.name
        channels = f"/{format_.channels}" if format_.channels > 1 else ""
        attributes.append(("rtpmap", f"{format_.payload_type} {name}/{format_.clock_rate_hz}{channels}"))
        if format_.parameters:
            attributes.append(("fmtp", f"{format_.payload_type} {format_.parameters}"))
    attributes.append(("ptime", str(local.ptime_ms)))
    if local.rtcp_port and local.rtcp_port != local.port + 1:
        attributes.append(("rtcp", str(local.rtcp_port)))
    if local.extended_reports:
        attributes.append(("rtcp-xr", local.extended_reports))
    attributes.append((direction, None))
    numbers = tuple(str(format_.payload_type) for format_ in listed)
    return MediaDescription("audio", local.port, protocol, numbers, attributes=tuple(attributes))


def _describe(local: LocalMedia, version: int, lines: list[MediaDescription]) -> SessionDescription:
    origin = Origin(local.session_id, version, local.address)
    return SessionDescription(origin, tuple(lines), Connection(local.address))


def _names(formats: tuple[AudioFormat, ...]) -> str:
    return ", ".join(format_.name for format_ in formats)
