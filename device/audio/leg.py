"""One call's stream with its ports, as the bridge drives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from device.annotations import TYPE_CHECKING
from device.audio.commands import AttachStream
from device.audio.interfaces import SAMPLE_BYTES, DatagramPort
from device.audio.reports import AudioReport, DigitHeard, StreamEnded, StreamHeard
from device.media.rates import resampler
from device.media.stream import MediaStream, StreamParameters, StreamReport

if TYPE_CHECKING:
    from device.audio.playing import Player
    from device.media.resample import Resampler

PAUSE_S = 2.0
"""A stream without packets for so long is not heard any more."""
PAUSE_PATIENCE = 10
"""So many times longer is waited for a far end that announced a pause (RFC 3389), which need not say so again."""
RTCP_EVERY = 5
"""Reports are read and sent every so many periods: 100 ms, beside intervals of seconds."""
MAX_DATAGRAMS_A_PERIOD = 64
"""How many datagrams are taken from a port in 20 ms; a flood must not stop the sound."""


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram begins as an RTCP packet does: version 2, types 200 to 204 (RFC 3550 section 6)."""
    return len(data) >= 8 and data[0] >> 6 == 2 and 200 <= data[1] <= 204


FaultLog = Callable[[str], None]
"""Takes what was being done, inside an exception handler."""


def begin_leg(
    command: AttachStream,
    new_stream: Callable[[StreamParameters], MediaStream],
    rate_hz: int,
    now: float,
    report: Callable[[StreamEnded], None],
    log_fault: FaultLog,
) -> Leg | None:
    """The leg that a command asks for; None where it cannot be, which is told, with the ports closed. Never raises."""
    try:
        return Leg(command, new_stream(command.parameters), rate_hz, now)
    except Exception as error:
        log_fault(f"call {command.call_id}: its sound cannot be started")
        command.rtp.close()
        if command.rtcp is not None:
            command.rtcp.close()
        report(StreamEnded(command.call_id, None, f"starting sound failed: {error!r}"))
        return None


class Leg:
    """Moves datagrams and frames between two ports and a MediaStream. May raise whatever the stream raises."""

    __slots__ = (
        "_expecting",
        "_from_mouth",
        "_music",
        "_quiet_since",
        "_rate_hz",
        "_rtcp",
        "_rtp",
        "_silence_told",
        "_stream",
        "_to_ear",
        "_until_rtcp",
        "call_id",
        "is_heard",
        "on_hold",
        "stream_rate_hz",
    )

    def __init__(self, command: AttachStream, stream: MediaStream, rate_hz: int, now: float) -> None:
        self.call_id = command.call_id
        self._stream = stream
        self._rtp = command.rtp
        self._rtcp = command.rtcp
        self._rate_hz = rate_hz
        self.stream_rate_hz = rate_hz
        """Of the stream's own samples."""
        self._to_ear: Resampler | None = None
        self._from_mouth: Resampler | None = None
        self._music: Player | None = None
        """What a far end hears that we hold."""
        self.on_hold = False
        self._until_rtcp = 1
        if command.rtcp is not None:
            command.rtcp.waited_s()  # what comes from now on is dated
        self._expecting = False
        self._quiet_since = now
        self._silence_told = False
        self.is_heard = False
        """Whether packets are coming in."""
        self._adapt(command.parameters, now)

    def update(self, parameters: StreamParameters, now: float) -> None:
        """Take what was agreed anew."""
        self._stream.update(parameters)
        self._adapt(parameters, now)

    def change_rate(self, rate_hz: int) -> None:
        """From now on frames are of another rate."""
        self._rate_hz = rate_hz
        self._take_resamplers()

    @property
    def is_two_way(self) -> bool:
        """Whether neither side holds the other: who holds us may play music, which is no part of the talk."""
        return self._expecting

    def send_digit(self, digit: str, duration_ms: int, in_band: bool) -> None:
        self._stream.send_digit(digit, duration_ms, in_band)

    def next_frame(self, now: float) -> bytes:
        """Give the stream what has arrived, and take 20 ms to be heard."""
        stream, rtp = self._stream, self._rtp
        budget = MAX_DATAGRAMS_A_PERIOD
        while budget and (datagram := rtp.receive()) is not None:
            stream.receive_rtp(datagram[0], datagram[1], now)
            budget -= 1
        frame = stream.next_frame()
        return self._to_ear.convert(frame) if self._to_ear else frame

    def send_frame(self, pcm: bytes, now: float) -> None:
        """Send 20 ms of the microphone, and RTCP when it is due."""
        if self._music is not None:
            pcm = self._music.next_frame(self._rate_hz, len(pcm) // SAMPLE_BYTES)
        if self._from_mouth:
            pcm = self._from_mouth.convert(pcm)
        for data, destination in self._stream.send_frame(pcm, now):
            self._rtp.send(data, destination)
        self._until_rtcp -= 1
        if not self._until_rtcp:
            self._until_rtcp = RTCP_EVERY
            if self._rtcp is not None:
                self._exchange_reports(self._rtcp, now)

    def _exchange_reports(self, port: DatagramPort, now: float) -> None:
        budget = MAX_DATAGRAMS_A_PERIOD
        while budget and (datagram := port.receive()) is not None:
            # To a round trip it matters when it came, not when it is read.
            self._stream.receive_rtcp(datagram[0], datagram[1], now - port.waited_s())
            budget -= 1
            if is_rtcp(datagram[0]):
                # A peer that suppresses silence still reports: it is there (RFC 3550 section 6.3.5).
                self._heard(now)
        for data, destination in self._stream.rtcp_to_send(now):
            port.send(data, destination)

    def counters(self) -> StreamReport:
        return self._stream.counters()

    def _heard(self, at: float) -> None:
        """The far end has shown that it is there."""
        self._quiet_since = at
        self._silence_told = False

    def news(self, now: float) -> Sequence[AudioReport]:
        """What there is to tell after `next_frame`: mostly nothing."""
        stream = self._stream
        last = stream.last_packet_at
        heard = False
        if last is not None and now - last < PAUSE_S:
            heard = True
        if heard is self.is_heard and not stream.digits_waiting:
            return ()
        found: list[AudioReport] = []
        if heard is not self.is_heard:
            self.is_heard = heard
            found.append(StreamHeard(self.call_id, heard))
        found += [DigitHeard(self.call_id, digit, way) for digit, way in stream.digits_received()]
        return found

    def newly_silent(self, report: StreamReport, timeout_s: float, now: float) -> float:
        """Seconds without RTP when that has just become too long, else 0."""
        if report.last_packet_at is not None and report.last_packet_at > self._quiet_since:
            self._heard(report.last_packet_at)
        quiet_s = now - self._quiet_since
        if not timeout_s or not self._expecting or self._silence_told or quiet_s < timeout_s:
            return 0.0
        if self._stream.far_end_pauses and quiet_s < PAUSE_PATIENCE * timeout_s:
            return 0.0
        self._silence_told = True
        return quiet_s

    def close(self, now: float) -> StreamReport:
        """Say goodbye and release the ports."""
        try:
            datagrams = self._stream.close(now)
            if self._rtcp is not None:
                for data, destination in datagrams:
                    self._rtcp.send(data, destination)
            return self._stream.counters()
        finally:
            self.release()

    def release(self) -> None:
        """Close the ports without a word."""
        self._play_music("")
        self._rtp.close()
        if self._rtcp is not None:
            self._rtcp.close()

    def _adapt(self, parameters: StreamParameters, now: float) -> None:
        # A far end that holds us (sendonly, so that we do not send) may play music to us or nothing at all.
        expecting = parameters.receiving and parameters.sending and not parameters.on_hold
        if expecting and not self._expecting:
            self._quiet_since, self._silence_told = now, False
        self._expecting = expecting
        self.on_hold = parameters.on_hold
        self._play_music(parameters.hold_music if parameters.on_hold and parameters.sending else "")
        if parameters.sample_rate_hz != self.stream_rate_hz:
            self.stream_rate_hz = parameters.sample_rate_hz
            self._take_resamplers()

    def _play_music(self, path: str) -> None:
        """Let the far end hear a file over and over instead of the microphone, or with "" the microphone again."""
        if self._music is not None and not path:
            self._music.close()
            self._music = None
        elif path and self._music is None:
            from device.audio.playing import Player  # noqa: PLC0415  # for the phones that have music

            self._music = Player(path, loop=True)

    def _take_resamplers(self) -> None:
        self._to_ear = resampler(self.stream_rate_hz, self._rate_hz)
        self._from_mouth = resampler(self._rate_hz, self.stream_rate_hz)
