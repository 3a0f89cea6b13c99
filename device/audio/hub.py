"""What joins the calls of services with programs and rooms, 20 ms at a time. Knows no thread and no clock."""

from __future__ import annotations

from collections.abc import Callable

from device.annotations import TYPE_CHECKING, Final
from device.audio import commands, hub_commands, reports
from device.audio.bridge import MAX_RATE_HZ, PERIODS_A_REPORT
from device.audio.leg import Leg, begin_leg
from device.audio.programs import EchoBack, Playlist, Program, Silence, Taping
from device.audio.room import Member, Room
from device.media.stream import MediaStream, StreamParameters
from device.media.stream_parameters import FRAME_MS
from device.media.tone_plan import TonePattern, ToneSegment
from device.model import CallId

if TYPE_CHECKING:
    from device.audio.leg import FaultLog

SOMEBODY_CAME: Final = TonePattern((ToneSegment((440,), 120), ToneSegment((660,), 160)), repeat=False)
SOMEBODY_LEFT: Final = TonePattern((ToneSegment((660,), 120), ToneSegment((440,), 160)), repeat=False)
CHIME_DB: Final = -22.0

Reporter = Callable[[reports.AudioReport | hub_commands.ProgramEnded | tuple[int, str]], None]


class Channel:
    """One call: its stream and what it hears."""

    __slots__ = ("leg", "program", "rate_hz", "room")

    def __init__(self, leg: Leg, rate_hz: int) -> None:
        self.leg = leg
        self.rate_hz = rate_hz
        self.program: Program = Silence()
        self.room = ""

    def take_rate(self, rate_hz: int) -> None:
        """Frames are of this rate from now on."""
        if rate_hz != self.rate_hz:
            self.rate_hz = rate_hz
            self.leg.change_rate(rate_hz)
            self.program.change_rate(rate_hz)

    @property
    def own_rate_hz(self) -> int:
        """The rate at which nothing that is worth it is lost."""
        return min(MAX_RATE_HZ, self.leg.stream_rate_hz)


class Hub:
    """All calls of services. Never raises: a call whose sound fails is ended with a report."""

    def __init__(
        self,
        report: Reporter,
        log_fault: FaultLog,
        silence_timeout_s: float,
        new_stream: Callable[[StreamParameters], MediaStream] = MediaStream,
    ) -> None:
        """`log_fault` is called inside an exception handler with what was being done."""
        self._report = report
        self._log_fault = log_fault
        self._timeout_s = silence_timeout_s
        self._new_stream = new_stream
        self._channels: dict[CallId, Channel] = {}
        self._rooms: dict[str, Room] = {}
        self._until_report = PERIODS_A_REPORT
        self._obedience: dict[type, Callable[..., None]] = {
            commands.AttachStream: self._attach,
            commands.UpdateStream: self._update,
            commands.DetachStream: self._detach,
            hub_commands.PlaySegments: self._play,
            hub_commands.EchoCall: self._echo,
            hub_commands.TapeCall: self._tape,
            hub_commands.EnterRoom: self._enter,
            hub_commands.ChimeRoom: self._chime,
            hub_commands.ListenToRoom: self._listen,
        }

    def is_busy(self) -> bool:
        """Whether there is any call."""
        return bool(self._channels)

    def obey(self, command: hub_commands.HubCommand, now: float) -> None:
        """Carry out one command; one about a call that is not there changes nothing."""
        self._obedience[type(command)](command, now)

    def run_period(self, now: float) -> None:
        """20 ms of every call."""
        for channel in list(self._channels.values()):
            leg = channel.leg
            try:
                frame = leg.next_frame(now)
                channel.program.hear(frame if leg.is_two_way else bytes(len(frame)))
                for news in leg.news(now):
                    self._report(news)
            except Exception as error:  # one call's fault must not end the others
                self._give_up(channel, "receiving", error)
        for room in self._rooms.values():
            room.mix(now)
        for channel in list(self._channels.values()):
            try:
                channel.leg.send_frame(channel.program.say(channel.rate_hz * FRAME_MS // 1000), now)
            except Exception as error:
                self._give_up(channel, "sending", error)
        self._until_report -= 1
        if self._until_report <= 0:
            self._until_report = PERIODS_A_REPORT
            self._look_for_silence(now)

    def close(self, now: float) -> None:
        """End every call's sound."""
        for channel in list(self._channels.values()):
            self._end(channel, now)

    def _look_for_silence(self, now: float) -> None:
        for channel in list(self._channels.values()):
            try:
                quiet_s = channel.leg.newly_silent(channel.leg.counters(), self._timeout_s, now)
            except Exception as error:
                self._give_up(channel, "counting", error)
                continue
            if quiet_s:
                self._report(reports.StreamSilent(channel.leg.call_id, quiet_s))

    # Calls.

    def _attach(self, command: commands.AttachStream, now: float) -> None:
        if command.call_id in self._channels:
            self._end(self._channels[command.call_id], now)
        rate_hz = min(MAX_RATE_HZ, command.parameters.sample_rate_hz)
        leg = begin_leg(command, self._new_stream, rate_hz, now, self._report, self._log_fault)
        if leg is None:
            return
        leg.change_rate(rate_hz)
        self._channels[command.call_id] = Channel(leg, rate_hz)

    def _update(self, command: commands.UpdateStream, now: float) -> None:
        if (channel := self._channels.get(command.call_id)) is None:
            return
        try:
            channel.leg.update(command.parameters, now)
            if channel.room:
                self._settle_rate(channel.room)
            else:
                channel.take_rate(channel.own_rate_hz)
        except Exception as error:
            self._give_up(channel, "changing", error)

    def _detach(self, command: commands.DetachStream, now: float) -> None:
        if (channel := self._channels.get(command.call_id)) is not None:
            self._end(channel, now)

    def _end(self, channel: Channel, now: float) -> None:
        try:
            report = channel.leg.close(now)
        except Exception as error:
            self._give_up(channel, "ending", error)
            return
        self._forget(channel)
        self._report(reports.StreamEnded(channel.leg.call_id, report))

    def _give_up(self, channel: Channel, doing: str, error: Exception) -> None:
        """End a call's sound that failed; called in the exception handler."""
        self._log_fault(f"call {channel.leg.call_id}: {doing} sound failed")
        self._forget(channel)
        channel.leg.release()
        self._report(reports.StreamEnded(channel.leg.call_id, None, f"{doing} sound failed: {error!r}"))

    def _forget(self, channel: Channel) -> None:
        self._channels.pop(channel.leg.call_id, None)
        channel.program.close()

    # Programs.

    def _run(self, call_id: CallId, program: Program) -> None:
        """Let a call go on with another program; one that is not there is closed."""
        channel = self._channels.get(call_id)
        if channel is None:
            program.close()
            return
        channel.program.close()
        channel.program = program
        channel.take_rate(channel.own_rate_hz)
        program.change_rate(channel.rate_hz)

    def _ended(self, call_id: CallId, number: int) -> Callable[[], None]:
        return lambda: self._report(hub_commands.ProgramEnded(call_id, number))

    def _play(self, command: hub_commands.PlaySegments, now: float) -> None:
        ended = self._ended(command.call_id, command.number)
        self._run(command.call_id, Playlist(command.segments, ended, command.loop))

    def _echo(self, command: hub_commands.EchoCall, now: float) -> None:
        self._run(command.call_id, EchoBack())

    def _tape(self, command: hub_commands.TapeCall, now: float) -> None:
        ended = self._ended(command.call_id, command.number)
        self._run(command.call_id, Taping(command.recording, command.longest_s, command.quiet_s, ended))

    # Rooms.

    def _enter(self, command: hub_commands.EnterRoom, now: float) -> None:
        channel = self._channels.get(command.call_id)
        if channel is None:
            return
        room = self._rooms.get(command.room)
        if channel.room != command.room:
            self._run(command.call_id, Silence())
            if room is None:
                room = self._rooms[command.room] = Room(channel.rate_hz)
            elif command.announced:
                room.chime(SOMEBODY_CAME, CHIME_DB)
            name, announced = command.room, command.announced
            channel.room = name
            channel.program = Member(room, command.call_id, lambda call_id: self._leave(name, call_id, announced))
        if room is not None:
            room.enter(command.call_id, command.muted)
            self._settle_rate(command.room)

    def _leave(self, name: str, call_id: CallId, announced: bool) -> None:
        room = self._rooms.get(name)
        if room is None:
            return
        if (channel := self._channels.get(call_id)) is not None:
            channel.room = ""
        room.leave(call_id)
        if not room.members:
            del self._rooms[name]
            if room.listener is not None:
                room.listener.close()
            return
        self._settle_rate(name)
        if announced:
            room.chime(SOMEBODY_LEFT, CHIME_DB)

    def _settle_rate(self, name: str) -> None:
        """A room has the best rate that any of its members has."""
        room = self._rooms[name]
        members = [self._channels[call_id] for call_id in room.members if call_id in self._channels]
        rate_hz = max((member.own_rate_hz for member in members), default=room.rate_hz)
        if rate_hz != room.rate_hz:
            room.change_rate(rate_hz)
        for member in members:
            member.take_rate(rate_hz)

    def _chime(self, command: hub_commands.ChimeRoom, now: float) -> None:
        if (room := self._rooms.get(command.room)) is not None:
            room.chime(command.pattern, command.level_db)

    def _listen(self, command: hub_commands.ListenToRoom, now: float) -> None:
        room = self._rooms.get(command.room)
        if room is None:
            command.listener.close()
            return
        if room.listener is not None:
            room.listener.close()
        room.listener = command.listener
