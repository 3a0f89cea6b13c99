"""Carries out what the phone wants, each command by the adapter that can: hop 5 of every road in the architecture."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Any, Protocol
from device.audio.commands import JoinStreams
from device.audio.commands import StartTone as PlayTone
from device.audio.commands import StopTone as SilenceTone
from device.audio.engine import AudioEngine
from device.daemon.desk import Desk
from device.daemon.phone_line import PhoneLine
from device.media.settings import MediaSettings
from device.media.tone_plan import tone_pattern
from device.model import CallId, CallRecord
from device.phone.commands import (
    Announce,
    AnswerCall,
    Command,
    ConnectAudio,
    DisconnectAudio,
    HangUp,
    HoldCall,
    JoinCalls,
    LogCall,
    PlaceCall,
    PlaceTransfer,
    PulseRelay,
    Refuse,
    RefuseTransfer,
    RejectCall,
    ResumeCall,
    SelectAudioPath,
    SendDigit,
    SendRinging,
    SetLamp,
    StartRinger,
    StartTone,
    StopRinger,
    StopTone,
    TransferCall,
)
from device.store.call_log import CallLog
from device.store.errors import StoreError

if TYPE_CHECKING:
    from device.daemon.quality_log import QualityLog

logger = logging.getLogger(__name__)


ATTEMPTS_LOGGED, ATTEMPT_WINDOW_S = 20, 60.0
"""So many unanswered calls are put in the call log in so many seconds."""


class WallClock(Protocol):
    """Turns monotonic seconds into Unix time."""

    def __call__(self, monotonic: float) -> float:
        """The Unix time at `monotonic`."""


class Executor:
    """One method a command; nothing is decided here."""

    def __init__(
        self,
        line: PhoneLine,
        engine: AudioEngine,
        desk: Desk,
        call_log: CallLog,
        media_settings: MediaSettings,
        wall_clock: WallClock,
        transfer: Callable[[CallId, str, CallId | None, float], None],
    ) -> None:
        self._line = line
        self._engine = engine
        self._desk = desk
        self._call_log = call_log
        self._media_settings = media_settings
        self._wall_clock = wall_clock
        self._quality: QualityLog | None = None
        self._refusal: str | None = None
        self._attempts: deque[float] = deque()
        self._attempts_dropped = False
        self._actions: dict[type, Callable[[Any, float], None]] = {
            PlaceCall: lambda c, now: line.place(c.call_id, c.target, c.emergency, now, c.anonymous),
            PlaceTransfer: lambda c, now: line.place_transfer(c.transfer_id, c.call_id, now),
            RefuseTransfer: lambda c, now: line.refuse_transfer(c.transfer_id, c.status, now),
            TransferCall: lambda c, now: transfer(c.call_id, c.target, c.joined, now),
            Announce: lambda c, now: line.announce(c.call_id, c.path, now),
            SendRinging: lambda c, now: line.ring(c.call_id, now),
            AnswerCall: lambda c, now: line.answer(c.call_id, now),
            RejectCall: lambda c, now: line.reject(c.call_id, c.status, now),
            HangUp: lambda c, now: line.hang_up(c.call_id, now),
            HoldCall: lambda c, now: line.hold(c.call_id, now),
            ResumeCall: lambda c, now: line.resume(c.call_id, now),
            ConnectAudio: lambda c, now: line.connect_audio(c.call_id),
            DisconnectAudio: lambda c, now: line.disconnect_audio(c.call_id),
            JoinCalls: lambda c, now: engine.submit(JoinStreams(c.call_ids)),
            SelectAudioPath: lambda c, now: None,  # one card serves as handset and loudspeaker
            SendDigit: lambda c, now: line.send_digit(c.call_id, c.digit, now),
            StartTone: self._start_tone,
            StopTone: lambda c, now: engine.submit(SilenceTone()),
            StartRinger: lambda c, now: desk.start_ringer(c.pattern, now),
            StopRinger: lambda c, now: desk.stop_ringer(),
            SetLamp: lambda c, now: desk.show_lamp(c.name, c.state, now),
            PulseRelay: lambda c, now: desk.pulse_relay(c.name, c.seconds, now),
            LogCall: self._log_call,
            Refuse: self._refuse,
        }

    def execute(self, commands: list[Command], now: float) -> None:
        """Carry out `commands` in order; one that fails is logged and does not keep the others from being done."""
        for command in commands:
            try:
                self._actions[type(command)](command, now)
            except Exception:
                # Not the whole command: digits that somebody dials into a call may be a PIN.
                logger.exception("%s could not be carried out", type(command).__name__)

    @property
    def quality(self) -> QualityLog:
        """How calls sound; loaded with the first that has sound."""
        if self._quality is None:
            from device.daemon.quality_log import QualityLog  # noqa: PLC0415

            self._quality = QualityLog(self._call_log, self._engine.counters)
        return self._quality

    def take_refusal(self) -> str | None:
        """Why the request that was just handled was refused, None if it was not."""
        refusal, self._refusal = self._refusal, None
        return refusal

    def _refuse(self, command: Refuse, _now: float) -> None:
        self._refusal = command.reason

    def _start_tone(self, command: StartTone, _now: float) -> None:
        settings = self._media_settings
        self._engine.submit(
            PlayTone(tone_pattern(settings.tones, command.tone, settings.own_tones), settings.tone_level_db)
        )

    def _log_call(self, command: LogCall, now: float) -> None:
        if command.answered is None and command.direction == "in" and not self._may_log_attempt(now):
            return
        record = CallRecord(
            direction=command.direction,
            remote=command.remote,
            remote_name=command.remote_name,
            account=self._line.account_of(command.call_id),
            started_at=self._wall_clock(command.started),
            answered_at=0.0 if command.answered is None else self._wall_clock(command.answered),
            ended_at=self._wall_clock(command.ended),
            cause=command.cause,
        )
        try:
            row = self._call_log.add(record)
            if command.answered is not None or self._quality is not None:
                self.quality.logged(command.call_id, row)
        except StoreError as error:
            # A full or broken card must not keep anybody from telephoning.
            logger.error("%s: the call could not be put in the call log: %s", command.call_id, error)

    def _may_log_attempt(self, now: float) -> bool:
        """Whether one more call that nobody answered may be written; each costs a wait for the memory card.

        Somebody who floods the phone with calls must neither wear out the card nor push real calls out of the log.
        """
        while self._attempts and self._attempts[0] <= now - ATTEMPT_WINDOW_S:
            self._attempts.popleft()
        if len(self._attempts) >= ATTEMPTS_LOGGED:
            if not self._attempts_dropped:
                logger.warning("too many calls in a minute: unanswered ones are left out of the call log for a while")
            self._attempts_dropped = True
            return False
        self._attempts_dropped = False
        self._attempts.append(now)
        return True
