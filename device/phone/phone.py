"""The phone: events in, commands out, one table between them."""

from collections.abc import Callable, Mapping

from device import plain_logging as logging
from device.model import CallId
from device.phone.call import Call
from device.phone.commands import Command, Refuse
from device.phone.events import (
    AnnouncementBegun,
    AnswerRequested,
    CallAnswered,
    CallerChanged,
    CallFinished,
    CallProgressed,
    CallRang,
    ConferenceRequested,
    DigitHeard,
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    HookFlashed,
    HookLifted,
    HookReplaced,
    MediaLost,
    ParkedCallFinished,
    PhoneEvent,
    RegistrationUpdated,
    ResumeRequested,
    TransferEnded,
    TransferRequested,
)
from device.phone.line import Line
from device.phone.outputs import Outputs
from device.phone.settings import PhoneSettings
from device.phone.states import PhoneState, Timer
from device.phone.transitions import IGNORED, TRANSITIONS, EventType, event_name
from device.records import dataclass

logger = logging.getLogger(__name__)

_CALL_EVENTS = (AnnouncementBegun, CallProgressed, CallRang, CallAnswered, CallFinished, MediaLost, DigitHeard)
_PARTNER_EVENTS = (ParkedCallFinished, TransferEnded, CallerChanged)
"""Events that may be about the call that waits as well."""
_CALL_REQUESTS = (
    AnswerRequested,
    HangupRequested,
    DigitsRequested,
    HoldRequested,
    ResumeRequested,
    ConferenceRequested,
    TransferRequested,
)
_TALKING = (PhoneState.CONNECTED, PhoneState.HELD)


@dataclass(frozen=True, slots=True)
class CallSnapshot:
    """One call as a status display shows it; times are seconds on the monotonic clock."""

    call_id: str
    direction: str
    """"in" or "out"."""
    remote: str
    remote_name: str
    started: float
    answered: float | None
    held: bool
    early_media: bool


@dataclass(frozen=True, slots=True)
class PhoneSnapshot:
    """What the phone is doing, in plain values that `asdict` can hand to JSON."""

    state: str
    lifted: bool
    registered: bool
    ringing: bool
    tone: str
    """Name of the tone that plays, empty for none."""
    audio_path: str
    """"handset" or "loudspeaker"."""
    missed_calls: int
    messages_waiting: bool
    call: CallSnapshot | None
    parked: CallSnapshot | None
    """The call that waits while another is tried or talked to."""


class Phone:
    """One line with one call at a time.

    `new_call_id` names the calls this phone places; without it they are "out-1", "out-2" ...
    `speed_dials` maps short codes, and names that can be asked for, to targets, besides those of the settings.
    Raises DialPlanError or ValueError for settings whose `faults()` were not heeded.
    """

    def __init__(
        self,
        settings: PhoneSettings,
        new_call_id: Callable[[], CallId] | None = None,
        speed_dials: Mapping[str, str] | None = None,
    ) -> None:
        self._speed_dials = dict(speed_dials or {})
        self._line = Line(settings, new_call_id, self._speed_dials)
        self._line.state = self._in_service_or_out(PhoneState.IDLE)
        self._outputs = Outputs()

    @property
    def state(self) -> PhoneState:
        return self._line.state

    @property
    def call_id(self) -> CallId | None:
        """The name of the call there is, None without one."""
        return None if self._line.call is None else self._line.call.call_id

    @property
    def parked_id(self) -> CallId | None:
        """The name of the call that waits, None without one."""
        return None if self._line.parked is None else self._line.parked.call_id

    @property
    def availability(self) -> int:
        """What a caller would meet now: 200 rings, 486 is busy."""
        rings = (PhoneState.IDLE, PhoneState.OUT_OF_SERVICE, PhoneState.BUSY_TONE, PhoneState.REORDER)
        return 200 if self._line.state in rings and not self._line.lifted else 486

    def handle(self, event: PhoneEvent, now: float) -> list[Command]:
        """Take one event at `now` (monotonic seconds) and say what is to be done about it, in order.

        A request that cannot be met is answered by `Refuse` among the commands.
        """
        parked_id = self.parked_id
        if isinstance(event, CallFinished) and event.call_id == parked_id:
            event = ParkedCallFinished(event.call_id, event.status)
        if self._changes_nothing(event):
            logger.debug("%s: %s changes nothing", self._label(), type(event).__name__)
            return []
        known = (None, self.call_id, parked_id) if isinstance(event, HangupRequested) else (None, self.call_id)
        if isinstance(event, _CALL_REQUESTS) and event.call_id not in known:
            return [Refuse(f"There is no call {event.call_id}; `offhook status` shows the calls there are.")]
        if isinstance(event, HookLifted | HookReplaced):
            self._line.lifted = isinstance(event, HookLifted)
        return self._dispatch(type(event), event, now)

    def handle_timeout(self, now: float) -> list[Command]:
        """Let every deadline up to `now` take effect."""
        commands: list[Command] = []
        while due := self._line.timers.pop_due(now):
            for timer in due:
                commands += self._dispatch(timer, None, now)
        return commands

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called next, None for not at all."""
        return self._line.timers.next_timeout()

    def set_speed_dials(self, speed_dials: Mapping[str, str]) -> None:
        """Replace the short codes that came besides the settings, as when the phone book has changed."""
        self._speed_dials = dict(speed_dials)
        self._line.configure(self._line.settings, self._speed_dials)

    def configure(self, settings: PhoneSettings, now: float) -> list[Command]:
        """Go on with other settings; a call that stands, or a number half dialled, is not touched.

        Raises DialPlanError or ValueError, with nothing changed, for settings that have faults.
        """
        self._line.configure(settings, self._speed_dials)
        return self.handle(RegistrationUpdated(self._line.registered, self._line.by_account), now)

    @property
    def wants_digits(self) -> bool:
        """Whether keys that the far end presses can do anything: open the door."""
        return bool(self._line.settings.door_code)

    def snapshot(self) -> PhoneSnapshot:
        """What the phone is doing now."""
        line, outputs = self._line, self._outputs
        return PhoneSnapshot(
            line.state.value,
            line.lifted,
            line.registered,
            outputs.ringing,
            outputs.tone,
            outputs.audio_path,
            line.missed_calls,
            line.messages_waiting,
            _snapshot(line.call),
            _snapshot(line.parked),
        )

    def _changes_nothing(self, event: PhoneEvent) -> bool:
        """Whether the event tells of a hook that is so already, or of a call that is no more."""
        if isinstance(event, HookLifted):
            return self._line.lifted
        if isinstance(event, HookReplaced | HookFlashed):
            return not self._line.lifted
        if isinstance(event, _PARTNER_EVENTS):
            return event.call_id not in (self.call_id, self.parked_id)
        return isinstance(event, _CALL_EVENTS) and event.call_id != self.call_id

    def _dispatch(self, event_type: EventType, event: PhoneEvent | None, now: float) -> list[Command]:
        line = self._line
        row = TRANSITIONS.get((line.state, event_type))
        if row is None:
            assert event_type in IGNORED[line.state], f"undecided: {line.state} on {event_name(event_type)}"
            logger.debug("%s: %s ignored in %s", self._label(), event_name(event_type), line.state.name)
            return []
        next_states, action = row
        label = self._label()
        chosen = action(line, event, now)
        if len(next_states) == 1:
            chosen = next_states[0]
        assert chosen is None or chosen in next_states, f"{line.state} on {event_name(event_type)} chose {chosen}"
        if chosen is not None:
            self._enter(chosen, label, event_type, now)
        before, after = self._outputs.follow(line)
        return before + line.take_commands() + after

    def _enter(self, state: PhoneState, label: str, event_type: EventType, now: float) -> None:
        """Change the state: the one place where that is done."""
        line, entered = self._line, self._in_service_or_out(state)
        label = self._label() if line.call is not None else label
        logger.debug("%s: %s -> %s on %s", label, line.state.name, entered.name, event_name(event_type))
        line.state = entered
        line.silenced = False
        line.beeping = line.beeping and entered in _TALKING
        for timer in Timer:
            if (entered, timer) not in TRANSITIONS:
                line.timers.cancel(timer)
        self._start_timer(entered, now)

    def _in_service_or_out(self, state: PhoneState) -> PhoneState:
        """Rest and dial tone are not what they say while nobody can be called."""
        if state in (PhoneState.IDLE, PhoneState.DIAL_TONE) and not self._line.in_service:
            return PhoneState.OUT_OF_SERVICE
        return state

    def _start_timer(self, state: PhoneState, now: float) -> None:
        """Start the timer that goes with a state."""
        line, settings = self._line, self._line.settings
        if state is PhoneState.DIAL_TONE:
            line.timers.set(Timer.FIRST_DIGIT, now + settings.first_digit_timeout_s)
        elif state is PhoneState.COLLECTING:
            line.timers.set(Timer.INTER_DIGIT, now + settings.inter_digit_timeout_s)
        elif state is PhoneState.ALERTING and settings.ring_timeout_s > 0 and not line.is_announcing:
            line.timers.set(Timer.RING, now + settings.ring_timeout_s)
        elif state is PhoneState.CONNECTED:
            self._limit_talk(now)
        elif state in (PhoneState.BUSY_TONE, PhoneState.REORDER, PhoneState.HOWLER, PhoneState.OUT_OF_SERVICE):
            self._limit_tone(state, now)

    def _limit_talk(self, now: float) -> None:
        line = self._line
        limit_s = line.settings.talk_limit_s
        if limit_s > 0 and Timer.TALK not in line.timers and not line.standing_call().emergency:
            line.timers.set(Timer.TALK, now + limit_s)

    def _limit_tone(self, state: PhoneState, now: float) -> None:
        line, settings = self._line, self._line.settings
        tone_s = {
            PhoneState.BUSY_TONE: settings.busy_tone_s,
            PhoneState.HOWLER: settings.howler_s,
        }.get(state, settings.reorder_s)
        if line.lifted:
            line.timers.set(Timer.TONE, now + tone_s)
        elif state is not PhoneState.OUT_OF_SERVICE:
            line.timers.set(Timer.TONE, now + settings.hands_free_tone_s)

    def _label(self) -> str:
        """The call that a line in the log is about."""
        return self.call_id or "-"


def _snapshot(call: Call | None) -> CallSnapshot | None:
    if call is None:
        return None
    return CallSnapshot(
        call.call_id,
        call.direction,
        call.remote,
        call.remote_name,
        call.started,
        call.answered,
        call.held,
        call.early_media,
    )
