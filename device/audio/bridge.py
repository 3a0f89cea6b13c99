"""What joins the handset with the calls and the tones, 20 ms at a time. Knows no thread and no card."""

from __future__ import annotations

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.audio import commands, reports
from device.audio.interfaces import SAMPLE_BYTES
from device.audio.leg import FaultLog, Leg, begin_leg
from device.audio.settings import SIDE_TONE_OFF_DB, AudioSettings
from device.audio.voice_control import make_control, wants_control
from device.media import pcm as arithmetic
from device.media.limiter import Limiter
from device.media.mixer import mix_frames
from device.media.stream import MediaStream, StreamParameters
from device.media.stream_parameters import FRAME_MS
from device.media.tones import ToneGenerator
from device.model import CallId

if TYPE_CHECKING:
    from device.audio.call_extras import CallExtras
    from device.audio.meter import Meter
    from device.media.hands_free import EchoControl

CALL_RATE_HZ = 8000
"""Rate that sound is mixed at while all calls are of telephone quality."""
MAX_RATE_HZ = 16000
PERIODS_A_REPORT = 50
"""Progress is told every second."""

Reporter = Callable[[reports.AudioReport | tuple[int, str]], None]
"""Takes reports, and lines for the log with their level."""


class Bridge:
    """Streams, tone, gains and mute of one handset. Never raises: a stream that does is ended with a report."""

    __slots__ = (
        "_each",
        "_extras",
        "_factors",
        "_has_side_tone",
        "_legs",
        "_limiter",
        "_log_fault",
        "_meter",
        "_muted",
        "_new_stream",
        "_obedience",
        "_report",
        "_samples",
        "_settings",
        "_silence",
        "_timeout_s",
        "_tone",
        "_until_report",
        "_voice",
        "rate_hz",
    )

    def __init__(
        self,
        settings: AudioSettings,
        rate_hz: int,
        report: Reporter,
        log_fault: FaultLog,
        new_stream: Callable[[StreamParameters], MediaStream] = MediaStream,
    ) -> None:
        """`log_fault` is called inside an exception handler with what was being done."""
        self._take_rate(rate_hz)
        self._report = report
        self._log_fault = log_fault
        self._new_stream = new_stream
        self._timeout_s = settings.rtp_timeout_s
        self._legs: dict[CallId, Leg] = {}
        self._each: list[Leg] = []
        """The same, made anew with each change, so that it may be gone through meanwhile."""
        self._extras: dict[CallId, CallExtras] = {}
        """Of calls that are recorded or have a file played into them."""
        self._tone: ToneGenerator | None = None
        self._meter: Meter | None = None
        self._muted = False
        self._factors = {
            path: arithmetic.amplitude(db)
            for path, db in (
                ("mic", settings.mic_gain_db),
                ("ear", settings.ear_gain_db),
                ("tone", settings.tone_gain_db),
                ("side_tone", settings.side_tone_db),
            )
        }
        self._has_side_tone = settings.side_tone_db > SIDE_TONE_OFF_DB
        self._limiter = Limiter(settings.ear_limit_db) if settings.ear_limit_db < 0 else None
        self._settings = settings
        self._voice: EchoControl | None = None
        """What keeps the loudspeaker out of the microphone; made with the first call."""
        self._until_report = PERIODS_A_REPORT
        self._obedience: dict[type, Callable[..., None]] = {
            commands.AttachStream: self._attach,
            commands.UpdateStream: self._update,
            commands.DetachStream: self._detach,
            commands.StartTone: self._start_tone,
            commands.StopTone: self._stop_tone,
            commands.SendDigit: self._send_digit,
            commands.SetGain: self._set_gain,
            commands.SetMuted: self._set_muted,
            commands.StartMeter: self._start_meter,
            commands.StopMeter: self._stop_meter,
            commands.StartRecording: self._start_recording,
            commands.StopRecording: self._stop_recording,
            commands.StartPlaying: self._start_playing,
            commands.StopPlaying: self._stop_playing,
            commands.JoinStreams: self._join,
        }

    def _take_rate(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        """Of the sound that comes and goes."""
        self._samples = rate_hz * FRAME_MS // 1000
        self._silence = bytes(SAMPLE_BYTES * self._samples)

    @property
    def wanted_rate_hz(self) -> int:
        """The rate at which nothing of any stream is lost: 8 kHz, or 16 kHz as soon as one call has wide-band sound."""
        return min(MAX_RATE_HZ, max((leg.stream_rate_hz for leg in self._legs.values()), default=CALL_RATE_HZ))

    def change_rate(self, rate_hz: int) -> None:
        """From the next frame on sound comes and goes at another rate; the tone begins anew."""
        self._take_rate(rate_hz)
        for leg in self._legs.values():
            leg.change_rate(rate_hz)
        for extras in self._extras.values():
            extras.change_rate(rate_hz)
        if self._voice is not None:
            self._take_voice()
        if self._tone is not None:
            self._tone = self._tone.at_rate(rate_hz)

    def is_busy(self) -> bool:
        """Whether there is anything to hear or to send."""
        return len(self._each) > 0 or self._tone is not None or self._meter is not None

    def obey(self, command: commands.AudioCommand, now: float) -> None:
        """Carry out one command."""
        self._obedience[type(command)](command, now)

    def next_frame(self, now: float, captured: bytes = b"") -> bytes:
        """The next 20 ms for the ear; `captured` is what the microphone just heard, for the side-tone."""
        frames = []
        for leg in self._each:
            try:
                frame = leg.next_frame(now)
                if self._extras and leg.call_id in self._extras:
                    frame = self._extras[leg.call_id].heard(frame)
                frames.append(frame)
                if found := leg.news(now):
                    for news in found:
                        self._report(news)
            except Exception as error:  # one call's fault must not end the others
                self._give_up(leg, "receiving", error)
        if self._tone is not None:
            frames.append(self._next_tone_frame(self._tone))
        if self._meter is not None and (echo := self._meter.next_frame()):
            frames.append(echo)
        if self._has_side_tone and self._each and not self._muted:
            frames.append(arithmetic.scale(captured, self._factors["side_tone"] * self._factors["mic"]))
        return self._to_ear(mix_frames(frames, self._samples) if frames else self._silence)

    def _to_ear(self, frame: bytes) -> bytes:
        factor = self._factors["ear"]
        if factor != 1.0:
            frame = arithmetic.scale(frame, factor)
        if self._limiter is not None:
            frame = self._limiter.limit(frame, self.rate_hz)
        return frame if self._voice is None else self._treated(self._voice.to_ear, frame)

    def send_frame(self, captured: bytes, now: float) -> None:
        """Give 20 ms of the microphone to every call; once a second tell how they are."""
        if self._muted:
            captured = self._silence
        elif (factor := self._factors["mic"]) != 1.0:
            captured = arithmetic.scale(captured, factor)
        if self._voice is not None:
            captured = self._treated(self._voice.from_mouth, captured)
        if self._meter is not None and (level := self._meter.take(captured)):
            self._report(level)
        for leg in self._each:
            try:
                extras = self._extras.get(leg.call_id) if self._extras else None
                leg.send_frame(extras.sent(captured, leg.on_hold) if extras is not None else captured, now)
            except Exception as error:
                self._give_up(leg, "sending", error)
        self._until_report -= 1
        if self._until_report <= 0:
            self._until_report = PERIODS_A_REPORT
            self._tell_progress(now)

    def close(self, now: float, error: str = "") -> None:
        """End the tone and every stream."""
        self._tone = self._meter = None
        for leg in self._each:
            self._end(leg, now, error)

    def _next_tone_frame(self, tone: ToneGenerator) -> bytes:
        frame = tone.next_frame(self._samples)
        if tone.finished:
            self._tone = None
        factor = self._factors["tone"]
        return frame if factor == 1.0 else arithmetic.scale(frame, factor)

    def _tell_progress(self, now: float) -> None:
        for leg in self._each:
            try:
                report = leg.counters()
                self._report(reports.StreamProgressed(leg.call_id, report))
                if quiet_s := leg.newly_silent(report, self._timeout_s, now):
                    self._report(reports.StreamSilent(leg.call_id, quiet_s))
            except Exception as error:
                self._give_up(leg, "counting", error)

    def _give_up(self, leg: Leg, doing: str, error: Exception) -> None:
        """End a stream that failed; called in the exception handler."""
        self._log_fault(f"call {leg.call_id}: {doing} sound failed")
        self._forget(leg)
        leg.release()
        self._report(reports.StreamEnded(leg.call_id, None, f"{doing} sound failed: {error!r}"))

    def _end(self, leg: Leg, now: float, error: str = "") -> None:
        try:
            report = leg.close(now)
        except Exception as fault:
            self._give_up(leg, "ending", fault)
            return
        self._forget(leg)
        self._report(reports.StreamEnded(leg.call_id, report, error))

    def _forget(self, leg: Leg) -> None:
        self._legs.pop(leg.call_id, None)
        self._each = list(self._legs.values())
        if (extras := self._extras.pop(leg.call_id, None)) is not None:
            extras.close()
            for call_id, others in list(self._extras.items()):
                self._drop_idle(call_id, others)

    def _attach(self, command: commands.AttachStream, now: float) -> None:
        if command.call_id in self._legs:
            self._end(self._legs[command.call_id], now, "replaced by another stream of the same call")
        leg = begin_leg(command, self._new_stream, self.rate_hz, now, self._report, self._log_fault)
        if leg is None:
            return
        self._legs[command.call_id] = leg
        self._each = list(self._legs.values())
        if self._voice is None and wants_control(self._settings):
            self._take_voice()

    def _take_voice(self) -> None:
        def tell(text: str) -> None:
            self._report((logging.WARNING, text))

        self._voice = make_control(self._settings, self.rate_hz, tell)

    def _treated(self, treat: Callable[[bytes], bytes], frame: bytes) -> bytes:
        """A frame as it is to be heard or sent, or as it is where that fails."""
        if not self._legs:
            return frame
        try:
            return treat(frame)
        except Exception:
            self._log_fault("treating the voice failed, it is sent as it is")
            self._voice = None
            return frame

    def _update(self, command: commands.UpdateStream, now: float) -> None:
        if leg := self._legs.get(command.call_id):
            try:
                leg.update(command.parameters, now)
            except Exception as error:
                self._give_up(leg, "changing", error)

    def _detach(self, command: commands.DetachStream, now: float) -> None:
        if leg := self._legs.get(command.call_id):
            self._end(leg, now)

    def _start_tone(self, command: commands.StartTone, now: float) -> None:
        self._tone = ToneGenerator(command.pattern, self.rate_hz, command.level_db)

    def _stop_tone(self, command: commands.StopTone, now: float) -> None:
        self._tone = None

    def _send_digit(self, command: commands.SendDigit, now: float) -> None:
        if leg := self._legs.get(command.call_id):
            try:
                leg.send_digit(command.digit, command.duration_ms, command.in_band)
            except ValueError:
                self._log_fault(f"call {command.call_id}: {command.digit!r} is no digit that can be sent")
            except Exception as error:
                self._give_up(leg, "sending a digit in", error)

    def _set_gain(self, command: commands.SetGain, now: float) -> None:
        self._factors[command.path] = arithmetic.amplitude(command.db)
        if command.path == "side_tone":
            self._has_side_tone = command.db > SIDE_TONE_OFF_DB

    def _set_muted(self, command: commands.SetMuted, now: float) -> None:
        self._muted = command.muted

    def _start_meter(self, command: commands.StartMeter, now: float) -> None:
        from device.audio.meter import Meter  # noqa: PLC0415  # for whoever sets up a board

        self._meter = Meter(command.loop_back)

    def _stop_meter(self, command: commands.StopMeter, now: float) -> None:
        self._meter = None

    def _start_recording(self, command: commands.StartRecording, now: float) -> None:
        if command.call_id in self._legs:
            self._extras_of(command.call_id).record(command.recording, command.notice)
        else:
            command.recording.close()

    def _stop_recording(self, command: commands.StopRecording, now: float) -> None:
        if (extras := self._extras.get(command.call_id)) is not None:
            extras.stop_recording()
            self._drop_idle(command.call_id, extras)

    def _start_playing(self, command: commands.StartPlaying, now: float) -> None:
        if command.call_id in self._legs:
            self._extras_of(command.call_id).play(command.player)
        else:
            command.player.close()

    def _stop_playing(self, command: commands.StopPlaying, now: float) -> None:
        if (extras := self._extras.get(command.call_id)) is not None:
            extras.stop_playing()
            self._drop_idle(command.call_id, extras)

    def _join(self, command: commands.JoinStreams, now: float) -> None:
        from device.audio.joined_calls import JoinedCalls  # noqa: PLC0415  # few talks are of three

        joined = JoinedCalls()
        for call_id in command.call_ids:
            if call_id in self._legs:
                self._extras_of(call_id).join(joined, call_id)

    def _extras_of(self, call_id: CallId) -> CallExtras:
        from device.audio.call_extras import CallExtras  # noqa: PLC0415  # few calls are recorded

        return self._extras.setdefault(call_id, CallExtras(self.rate_hz))

    def _drop_idle(self, call_id: CallId, extras: CallExtras) -> None:
        if extras.idle:
            del self._extras[call_id]
