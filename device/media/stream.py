"""One call's RTP stream as the audio thread drives it: datagrams and PCM in, datagrams and PCM out. Pure."""

from collections import deque

from device.annotations import TYPE_CHECKING
from device.media import pcm as samples
from device.media.codecs import codec_class, configurable, new_codec
from device.media.decoders import COMFORT_NOISE_PT, Decoders
from device.media.dtmf import DigitTone
from device.media.level import EVERY_FRAMES, SoundLevel
from device.media.playout import Playout
from device.media.remote_source import RemoteSource
from device.media.seeded_numbers import SeededNumbers
from device.media.stream_parameters import FRAME_MS, Address, Datagrams, StreamParameters, StreamReport
from device.rtp.errors import RtcpParseError, RtpParseError
from device.rtp.jitter_buffer import JitterBuffer
from device.rtp.packet import FIRST_RTCP_TYPE, LAST_RTCP_TYPE, RtpPacket, parse_rtp
from device.rtp.rtcp import parse_rtcp
from device.rtp.session import RtpSession
from device.rtp.telephone_event import MAX_QUEUED, TelephoneEventReceiver, TelephoneEventSender

if TYPE_CHECKING:
    from device.media.dtmf_detector import DigitDetector
    from device.media.silence_suppression import SilenceSuppressor

MAX_DIGITS_WAITING = 64


class MediaStream:
    """Sender, receiver, jitter buffer, concealment, digits and RTCP of one call. Never raises for what a peer sends."""

    __slots__ = (
        "_buffer",
        "_configured",
        "_decoders",
        "_detector",
        "_digits_heard",
        "_digits_sent",
        "_discarded",
        "_encoder",
        "_event_units",
        "_events_in",
        "_events_out",
        "_heard",
        "_is_heard",
        "_marker",
        "_packet_octets",
        "_packet_silence",
        "_packet_units",
        "_pending",
        "_playout",
        "_received_type",
        "_rtcp_source",
        "_sent",
        "_session",
        "_silence",
        "_source",
        "_suppressor",
        "_tones_out",
        "_until_level",
        "digits_waiting",
        "last_packet_at",
        "parameters",
    )

    def __init__(self, parameters: StreamParameters) -> None:
        self.parameters = parameters
        self._session = RtpSession(
            parameters.ssrc,
            parameters.sequence,
            parameters.timestamp,
            parameters.cname,
            parameters.clock_rate_hz,
            SeededNumbers(parameters.seed).number,
        )
        self._source = RemoteSource(parameters.remote, parameters.symmetric)
        self._rtcp_source: Address | None = None
        self._events_out = TelephoneEventSender()
        self._events_in = TelephoneEventReceiver()
        self._tones_out: deque[DigitTone] = deque()
        self.digits_waiting: list[tuple[str, str]] = []
        self._detector: DigitDetector | None = None
        self._suppressor: SilenceSuppressor | None = None
        self._digits_sent = self._digits_heard = 0
        self._pending = b""
        self._discarded = 0
        self._heard, self._sent = SoundLevel(), SoundLevel()
        self._until_level = EVERY_FRAMES
        self._received_type = -1
        self.last_packet_at: float | None = None
        """Monotonic seconds of the last valid packet."""
        self._marker = True
        self._buffer = _new_buffer(parameters)
        self._take_codecs(parameters)
        self._take_extended(parameters)

    def _take_extended(self, parameters: StreamParameters) -> None:
        """Extended reports as they are agreed; their modules are here already, loaded by the MediaSession."""
        agreed = parameters.extended_reports
        if not agreed or not parameters.rtcp:
            self._session.extended = None
            return
        from device.media.voip_metrics import voip_metrics  # noqa: PLC0415
        from device.rtp.extended_report import ExtendedReporting  # noqa: PLC0415

        extended = self._session.extended
        if extended is None:
            self._session.extended = ExtendedReporting(agreed, lambda: voip_metrics(self.counters(), self.parameters))
        else:
            extended.agreed = agreed

    def _take_codecs(self, parameters: StreamParameters) -> None:
        """The objects that depend on the codec; a change of it begins a new play-out."""
        rate, clock = parameters.sample_rate_hz, parameters.clock_rate_hz
        self._encoder = new_codec(parameters.codec_name)
        self._configured = configurable(self._encoder)
        if self._configured:
            self._configured.configure(parameters.bit_rate, parameters.dtx, parameters.format_parameters)
        self._decoders = Decoders(parameters, self._encoder)
        self._playout = Playout(self._decoders, rate, clock, self._buffer)
        self._silence = samples.silence(samples.samples_in(FRAME_MS, rate))
        self._take_sizes(parameters)

    def _take_sizes(self, parameters: StreamParameters) -> None:
        self._is_heard = parameters.receiving and not parameters.on_hold
        self._take_detector(parameters)
        self._packet_octets = samples.SAMPLE_BYTES * samples.samples_in(parameters.ptime_ms, parameters.sample_rate_hz)
        self._packet_units = samples.samples_in(parameters.ptime_ms, parameters.clock_rate_hz)
        self._event_units = samples.samples_in(parameters.ptime_ms, parameters.event_clock_rate_hz)
        self._suppressor = None
        if parameters.noise_pt is not None:
            from device.media.silence_suppression import SilenceSuppressor  # noqa: PLC0415  # off unless set

            self._suppressor = SilenceSuppressor(parameters.ptime_ms)
        self._packet_silence = samples.silence(self._packet_octets // samples.SAMPLE_BYTES)

    def _take_detector(self, parameters: StreamParameters) -> None:
        if not (parameters.detect_digits and self._is_heard):
            self._detector = None
        elif self._detector is None or self._detector.rate_hz != parameters.sample_rate_hz:
            from device.media.dtmf_detector import DigitDetector  # noqa: PLC0415  # hardly any call needs one

            self._detector = DigitDetector(parameters.sample_rate_hz)

    def update(self, parameters: StreamParameters) -> None:
        """Take the outcome of a new offer and answer; counters, SSRC and time stamps go on."""
        before, self.parameters = self.parameters, parameters
        self._source.update(parameters.remote, parameters.symmetric)
        if parameters.remote_rtcp != before.remote_rtcp:
            self._rtcp_source = None
        if _codec_of(parameters) != _codec_of(before):
            self._change_codecs(before, parameters)
        self._take_sizes(parameters)
        if parameters.extended_reports != before.extended_reports:
            self._take_extended(parameters)
        if not self._is_heard:
            self._playout.reset()
        if not parameters.sending:
            self._events_out.clear()
            self._tones_out.clear()

    def _change_codecs(self, before: StreamParameters, parameters: StreamParameters) -> None:
        playout = self._playout
        playout.reset()
        if parameters.clock_rate_hz != before.clock_rate_hz:
            earlier, self._buffer = self._buffer, _new_buffer(parameters)
            self._buffer.pattern = earlier.pattern
            self._session.clock_rate_hz = parameters.clock_rate_hz
        self._take_codecs(parameters)
        self._playout.continue_counts(playout)
        self._pending = b""

    # From the network to the ear

    def receive_rtp(self, data: bytes, source: Address, now: float) -> None:
        """One datagram from the RTP port."""
        if len(data) > 1 and FIRST_RTCP_TYPE <= data[1] <= LAST_RTCP_TYPE:
            self.receive_rtcp(data, source, now)
            return
        try:
            packet = parse_rtp(data)
        except RtpParseError:
            self._discarded += 1
            return
        payload_type = packet.payload_type
        is_audio = payload_type in self._decoders.names
        is_event = not is_audio and payload_type in self.parameters.receive_telephone_event_pts
        known = is_audio or is_event or payload_type == COMFORT_NOISE_PT
        if not known or not self._source.accept(source, packet.ssrc, packet.sequence, now):
            self._discarded += 1
            return
        self.last_packet_at = now
        if self._session.receive(packet, now, is_audio):
            self._playout.reset()
            self._events_in = TelephoneEventReceiver()
        if not is_audio:
            self._receive_other(packet, is_event)
            return
        self._received_type = payload_type
        if self._is_heard:
            self._playout.put(packet)

    def _receive_other(self, packet: RtpPacket, is_event: bool) -> None:
        self._buffer.skip(packet.sequence)
        digit = self._events_in.receive(packet) if is_event else None
        if digit:
            self._note_digit(digit, "rtp")

    def _note_digit(self, digit: str, way: str) -> None:
        self._digits_heard += 1
        if len(self.digits_waiting) < MAX_DIGITS_WAITING:
            self.digits_waiting.append((digit, way))

    def receive_rtcp(self, data: bytes, source: Address, now: float) -> None:
        """One datagram from the RTCP port."""
        try:
            packets = parse_rtcp(data)
        except RtcpParseError:
            self._discarded += 1
            return
        if source[0] not in self._trusted_hosts():
            self._discarded += 1
            return
        if self.parameters.symmetric:
            self._rtcp_source = source
        self._session.receive_reports(packets, len(data), now)
        if self._configured and (about_us := self._session.remote_report):
            self._configured.expect_loss(about_us.fraction_lost / 256)

    def _trusted_hosts(self) -> tuple[str, ...]:
        """Where control packets may come from: what was negotiated, and where the sound comes from."""
        latched = self._source.latched
        return (self.parameters.remote_rtcp[0], self.parameters.remote[0], latched[0] if latched else "")

    def next_frame(self) -> bytes:
        """20 ms of PCM at `parameters.sample_rate_hz`: decoded, concealed or silence. Its calls are the clock."""
        frame = self._playout.next_frame() if self._is_heard else self._silence
        if self._detector is not None:
            for digit in self._detector.take(frame):
                self._note_digit(digit, "inband")
        self._until_level -= 1
        if not self._until_level:
            self._until_level = EVERY_FRAMES
            self._heard.take(frame)
        return frame

    @property
    def far_end_pauses(self) -> bool:
        """The far end sends nothing now, as it has announced."""
        return self._playout.in_pause

    def digits_received(self) -> list[tuple[str, str]]:
        """Digits that began since the last call, oldest first, each with its way: "rtp" or "inband"."""
        digits, self.digits_waiting = self.digits_waiting, []
        return digits

    # From the mouth to the network

    def send_frame(self, pcm: bytes, now: float) -> Datagrams:
        """Take PCM of any length at `sample_rate_hz`, best 20 ms; gives what is due to be sent to the RTP port's peer.

        Call it for every frame even when nothing may be sent (pass silence): it keeps the time stamps in step.
        """
        size = self._packet_octets
        if self._until_level == EVERY_FRAMES:
            self._sent.take(pcm)
        if len(pcm) == size and not self._pending:
            return self._send_packet(pcm, now)
        datagrams: Datagrams = []
        pending = self._pending + pcm
        while len(pending) >= size:
            datagrams += self._send_packet(pending[:size], now)
            pending = pending[size:]
        self._pending = pending
        return datagrams

    def _send_packet(self, pcm: bytes, now: float) -> Datagrams:
        parameters, session = self.parameters, self._session
        timestamp, units = session.timestamp, self._packet_units
        session.advance(units)
        destination = self._source.destination if parameters.sending else None
        if destination is None:
            self._marker = True
            return []
        if parameters.telephone_event_pt is not None and self._events_out.is_active():
            self._marker = True
            event = self._events_out.next_packet(timestamp, self._event_units)
            if event is None:
                return []
            number = parameters.telephone_event_pt
            return [(session.packet(number, event.payload, event.marker, event.timestamp, now), destination)]
        if self._tones_out:
            pcm = self._next_tone(len(pcm) // samples.SAMPLE_BYTES)
        elif parameters.on_hold and not parameters.hold_music:
            pcm = self._packet_silence
        noise = None
        if self._suppressor is not None and not (parameters.on_hold and parameters.hold_music):
            noise = self._suppressor.take(pcm)
        if noise is not None and not self._tones_out:
            return self._send_noise(noise, timestamp, now, destination)
        payload = self._encoder.encode(pcm)
        if not payload:  # the encoder has nothing to say in a pause: the next packet begins a talk spurt
            self._marker = True
            return []
        marker, self._marker = self._marker, False
        return [(session.packet(parameters.payload_type, payload, marker, timestamp, now), destination)]

    def _send_noise(self, payload: bytes, timestamp: int, now: float, destination: Address) -> Datagrams:
        """How the background sounds, or nothing; the next packet of sound begins a talk spurt."""
        self._marker, number = True, self.parameters.noise_pt
        if not payload or number is None:
            return []
        return [(self._session.packet(number, payload, False, timestamp, now), destination)]

    def _next_tone(self, count: int) -> bytes:
        tone = self._tones_out[0]
        frame = tone.next_frame(count)
        if tone.finished:
            self._tones_out.popleft()
        return frame

    def send_digit(self, digit: str, duration_ms: int = 0, in_band: bool = False) -> None:
        """Queue one of 0-9 * # A-D; 0 ms means the length in the parameters. Raises ValueError for other characters.

        It goes as a telephone event where the peer takes them, else, or when asked to, as tones in the speech band.
        """
        parameters = self.parameters
        duration_ms = duration_ms or parameters.digit_ms
        if in_band or parameters.telephone_event_pt is None:
            level, rate = parameters.digit_level_db, parameters.sample_rate_hz
            tone = DigitTone(digit, duration_ms, parameters.digit_gap_ms, rate, level)
            if parameters.sending and len(self._tones_out) < MAX_QUEUED:
                self._tones_out.append(tone)
                self._digits_sent += 1
            return
        units = parameters.event_clock_rate_hz
        self._events_out.queue(
            digit,
            duration_ms * units // 1000,
            parameters.digit_gap_ms * units // 1000,
            -parameters.digit_level_db,
        )

    # Reports

    def rtcp_to_send(self, now: float) -> Datagrams:
        """What is due to be sent from the RTCP port; call it every frame or so, it is cheap when nothing is."""
        if not self.parameters.rtcp:
            return []
        data = self._session.report_due(now)
        destination = self._rtcp_destination() if data else None
        return [(data, destination)] if data and destination else []

    def close(self, now: float) -> Datagrams:
        """The last RTCP packets, with BYE, to be sent from the RTCP port."""
        destination = self._rtcp_destination()
        if not self.parameters.rtcp or destination is None:
            return []
        return [(self._session.bye(now), destination)]

    def _rtcp_destination(self) -> Address | None:
        destination = self._rtcp_source or self.parameters.remote_rtcp
        return destination if destination[1] and self._source.destination else None

    def counters(self) -> StreamReport:
        """The figures so far."""
        session, buffer = self._session, self._buffer.counters
        destination = self._source.destination
        about_us = session.remote_report
        clock = self.parameters.clock_rate_hz
        losses, packet_ms = self._buffer.losses(), self._buffer.packet_units * 1000 / clock
        return StreamReport(
            codec=self.parameters.codec_name,
            remote=_printed(destination) if destination else "",
            packets_sent=session.packets_sent,
            octets_sent=session.octets_sent,
            packets_received=session.packets_received,
            octets_received=session.octets_received,
            packets_lost=session.packets_lost,
            packets_late=buffer.late,
            packets_duplicate=buffer.duplicate,
            packets_discarded=self._discarded + buffer.discarded,
            frames_played=self._playout.frames_played,
            frames_concealed=self._playout.frames_concealed,
            jitter_ms=round(1000 * session.jitter_s, 2),
            buffer_ms=1000 * buffer.delay // clock,
            round_trip_ms=None if session.round_trip_s is None else round(1000 * session.round_trip_s, 2),
            remote_lost=about_us.cumulative_lost if about_us else None,
            remote_jitter_ms=round(1000 * about_us.jitter / clock, 2) if about_us else None,
            last_packet_at=self.last_packet_at,
            digits_sent=self._digits_sent + self._events_out.sent,
            digits_received=self._digits_heard,
            codec_received=self._decoders.names.get(self._received_type, ""),
            received_type=self._received_type if self._received_type >= 0 else None,
            received_ms=packet_ms,
            ptime_ms=self.parameters.ptime_ms,
            packets_expected=losses.expected,
            packets_missing=losses.missing,
            burst_ratio=losses.burst_ratio,
            burst_density=losses.burst_density,
            burst_ms=losses.burst_packets * packet_ms,
            gap_density=losses.gap_density,
            gap_ms=losses.gap_packets * packet_ms,
            heard_db=self._heard.db,
            sent_db=self._sent.db,
            speech_db=self._heard.speech_db,
            ssrc=session.ssrc,
            remote_ssrc=session.reception.ssrc if session.reception else None,
            remote_voice=session.extended.remote_metrics if session.extended else None,
        )


def _new_buffer(parameters: StreamParameters) -> JitterBuffer:
    least_ms = parameters.jitter_min_ms
    if codec_class(parameters.codec_name).repeats:
        # The packet after a lost one must be there when the lost one is to be played.
        least_ms = min(max(least_ms, FRAME_MS + parameters.ptime_ms), parameters.jitter_max_ms)
    start_ms = max(least_ms, parameters.jitter_start_ms)
    return JitterBuffer(parameters.clock_rate_hz, start_ms, least_ms, parameters.jitter_max_ms)


def _codec_of(parameters: StreamParameters) -> tuple[object, ...]:
    return (parameters.codec_name, parameters.receive_formats, parameters.sample_rate_hz, parameters.clock_rate_hz)


def _printed(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


__all__ = ["Address", "Datagrams", "MediaStream", "StreamParameters", "StreamReport"]
