"""The line: what the phone knows and can do, shared by the actions that the table names.

Tone, bell, lamps and audio path are not switched by the actions; they follow from the state, see `outputs`.
"""

from collections.abc import Callable, Mapping

from device import plain_logging as logging
from device.model import CallId
from device.phone.call import Call
from device.phone.commands import (
    AnswerCall,
    Command,
    ConnectAudio,
    DisconnectAudio,
    HangUp,
    PlaceCall,
    Refuse,
    RejectCall,
)
from device.phone.dial_plan import DialPlan
from device.phone.digit_collector import DigitCollector
from device.phone.door_code import DoorCode
from device.phone.settings import PhoneSettings, parse_button_targets, parse_pairs, split_list
from device.phone.states import PhoneState, Timer
from device.timing import TimerSet

logger = logging.getLogger(__name__)

BEEP_S = 0.5
"""Length of the confirmation tone within a call, in seconds."""


class Line:
    """State and means of one line with one call at a time."""

    def __init__(
        self, settings: PhoneSettings, new_call_id: Callable[[], CallId] | None, speed_dials: Mapping[str, str]
    ) -> None:
        self.state = PhoneState.IDLE
        self.lifted = False
        self.registered = False
        self.by_account = False
        self.messages_waiting = False
        self.missed_calls = 0
        self.silenced = False
        """The tone of this state has played long enough."""
        self.beeping = False
        self.number_unknown = False
        """The last call failed because there is no such number."""
        self.call: Call | None = None
        self.parked: Call | None = None
        """The call that waits while another is tried or talked to; there is none without a call."""
        self.timers: TimerSet[Timer] = TimerSet()
        self.door = DoorCode(settings)
        self._placed = 0
        self._new_call_id = new_call_id or self._count_call
        self._commands: list[Command] = []
        self.collector = DigitCollector(DialPlan("x"), frozenset(), {}, hash_dials=True)
        self.configure(settings, speed_dials)

    def configure(self, settings: PhoneSettings, speed_dials: Mapping[str, str]) -> None:
        """Take settings into use. Raises DialPlanError or ValueError, with nothing changed, if they have faults."""
        emergency_numbers = frozenset(split_list(settings.emergency_numbers))
        buttons = parse_button_targets(settings.button_targets)
        given = {**parse_pairs(settings.speed_dials), **speed_dials}
        short_codes = {code.casefold(): target for code, target in given.items()}
        collector = DigitCollector(
            DialPlan(settings.dial_plan), emergency_numbers, short_codes, hash_dials=settings.hash_dials
        )
        collector.resume(self.collector)
        self.settings, self.emergency_numbers, self.buttons = settings, emergency_numbers, buttons
        self.short_codes, self.collector = short_codes, collector
        self.door.configure(settings)

    def _count_call(self) -> CallId:
        self._placed += 1
        return CallId(f"out-{self._placed}")

    @property
    def in_service(self) -> bool:
        """Whether anything but an emergency number can be called."""
        return self.registered or self.settings.direct_calls

    def can_call(self, target: str) -> bool:
        """Whether a call to `target` may be tried now."""
        return self.in_service or target in self.emergency_numbers

    # What the actions do.

    def send(self, *commands: Command) -> None:
        """Add commands to those that answer the present event."""
        self._commands.extend(commands)

    def take_commands(self) -> list[Command]:
        """The commands since the last time."""
        commands, self._commands = self._commands, []
        return commands

    def refuse(self, reason: str) -> None:
        """Tell the sender of a request why nothing was done."""
        self.send(Refuse(reason))

    @property
    def is_announcing(self) -> bool:
        """Whether the caller still hears our announcement, so that nothing rings yet."""
        return self.call is not None and self.call.announced is not None

    def standing_call(self) -> Call:
        """The call, in states that have one."""
        assert self.call is not None, f"{self.state} without a call"
        return self.call

    def talk(self) -> tuple[Call, ...]:
        """The call, and the one that has joined it."""
        call, parked = self.standing_call(), self.parked
        return (call,) if parked is None or not parked.joined else (call, parked)

    def place_call(
        self,
        target: str,
        now: float,
        next_targets: tuple[str, ...] = (),
        button: str = "",
        *,
        anonymous: bool = False,
    ) -> None:
        """Call `target`; if it does not answer, `next_targets` one by one."""
        prefix = self.settings.anonymous_prefix
        if prefix and target.startswith(prefix) and len(target) > len(prefix):
            target, anonymous = target.removeprefix(prefix), True
        call = self.begin_call(target, now, button)
        call.next_targets = next_targets
        self.send(PlaceCall(call.call_id, target, call.emergency, anonymous and not call.emergency))

    def begin_call(self, target: str, now: float, button: str = "") -> Call:
        """Make room for a call of ours, and bound how long it may ring."""
        self.number_unknown = False
        call = self.call = Call(self._new_call_id(), "out", target, "", now)
        call.emergency = target in self.emergency_numbers
        call.button = button
        self.door.forget_digits()
        patience_s = self.settings.button_step_s if button else self.settings.no_answer_s
        if patience_s > 0 and not call.emergency:
            self.timers.set(Timer.NO_ANSWER, now + patience_s)
        logger.debug("%s: calling %s%s", call.call_id, target, " (emergency)" if call.emergency else "")
        return call

    # The call that waits.

    def park_call(self, *, handed_over: bool) -> None:
        """Let the present call wait, without sound, so that there is room for another."""
        call = self.parked = self.standing_call()
        self.call = None
        call.handed_over, call.joined = handed_over, False
        if call.audio:
            call.audio = False
            self.send(DisconnectAudio(call.call_id))

    def after_call(self, now: float, otherwise: PhoneState, *, answered: bool) -> PhoneState:
        """The state when the present call has been closed: back to the one that waits, if there is one.

        A far end that sent us on does not wait once the new call was `answered`.
        """
        parked = self.parked
        if parked is None:
            return otherwise
        if parked.handed_over and answered:
            self.hang_up_parked(now, "transferred")
            return otherwise
        self.call, self.parked = parked, None
        parked.handed_over = parked.joined = False
        self.beep(now)
        if parked.held:
            return PhoneState.HELD
        self.connect_audio()
        return PhoneState.CONNECTED

    def hang_up_parked(self, now: float, cause: str) -> None:
        """End the call that waits from our side."""
        if self.parked is not None:
            self.send(HangUp(self.parked.call_id))
            self.close_parked(now, cause)

    def close_parked(self, now: float, cause: str) -> None:
        """Let go of the call that waits."""
        parked, self.parked = self.parked, None
        assert parked is not None, "no call waits"
        self.timers.cancel(Timer.HANDED_OVER)
        if parked.audio:
            self.send(DisconnectAudio(parked.call_id))
        self.keep_record(parked, now, cause, missed=False)

    @property
    def state_at_rest(self) -> PhoneState:
        """Without a call: dial tone for a lifted handset."""
        return PhoneState.DIAL_TONE if self.lifted else PhoneState.IDLE

    @property
    def state_after_talk(self) -> PhoneState:
        """A lifted handset hears that the line is dead; hands-free there is nothing to replace."""
        if not self.lifted:
            return PhoneState.IDLE
        return PhoneState.REORDER if self.settings.hang_up_tone == "REORDER" else PhoneState.BUSY_TONE

    def answer_call(self, now: float, by: str) -> None:
        """Accept the offered call and talk."""
        call = self.standing_call()
        call.answered, call.announced = now, None
        self.send(AnswerCall(call.call_id))
        self.connect_audio()
        logger.debug("%s: answered by %s", call.call_id, by)

    def connect_audio(self) -> None:
        """Join the call's sound, once."""
        call = self.standing_call()
        if not call.audio:
            call.audio = True
            self.send(ConnectAudio(call.call_id))

    def beep(self, now: float) -> None:
        """A short confirmation tone within the call."""
        self.beeping = True
        self.timers.set(Timer.BEEP, now + BEEP_S)

    def reject_call(self, status: int, now: float, cause: str, *, missed: bool = False) -> None:
        """Turn the offered call away."""
        self.send(RejectCall(self.standing_call().call_id, status))
        self.close_call(now, cause, missed=missed)

    def hang_up(self, now: float, cause: str = "") -> None:
        """End the call from our side; without a `cause` it is "answered" or "cancelled"."""
        call = self.standing_call()
        self.send(HangUp(call.call_id))
        self.close_call(now, cause or ("cancelled" if call.answered is None else "answered"))

    def close_call(self, now: float, cause: str, *, missed: bool = False) -> None:
        """Let go of a call that is over: sound, log, lamp. The one place where a call is forgotten."""
        call = self.standing_call()
        self.call = None
        if call.audio:
            self.send(DisconnectAudio(call.call_id))
        self.keep_record(call, now, cause, missed=missed)

    def keep_record(self, call: Call, now: float, cause: str, *, missed: bool) -> None:
        """Write the call into the log and count it if it was missed."""
        self.send(call.log(now, cause, missed))
        self.missed_calls += missed
        talk_s = 0.0 if call.answered is None else now - call.answered
        logger.debug("%s: ended: %s, talk %.0f s", call.call_id, cause, talk_s)
