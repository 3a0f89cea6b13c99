"""THE table of the phone: (state, event) -> (next states, action), and the pairs that are ignored on purpose.

No next state means that the state stays, one that it is always entered; among several the action chooses by what it
returns, None for staying. While the line is out of service, OUT_OF_SERVICE takes the place of IDLE and DIAL_TONE.
A timer may run in the states in which it has a row, and is cancelled on leaving them.
"""

from collections.abc import Callable

from device.annotations import Any
from device.phone import call_actions as call
from device.phone import desk_actions as desk
from device.phone import request_actions as request
from device.phone.events import (
    AnswerRequested,
    ButtonPressed,
    CallAnswered,
    CallFinished,
    CallOffered,
    CallProgressed,
    CallRang,
    DialRequested,
    DialStarted,
    DigitDialled,
    DigitHeard,
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    HookFlashed,
    HookLifted,
    HookReplaced,
    MediaLost,
    MessagesUpdated,
    MissedCallsSeen,
    PhoneEvent,
    RegistrationUpdated,
    ResumeRequested,
)
from device.phone.line import Line
from device.phone.states import PhoneState as S
from device.phone.states import Timer

EventType = type[PhoneEvent] | Timer
Action = Callable[[Line, Any, float], S | None]
Row = tuple[tuple[S, ...], Action]

EVENT_TYPES: tuple[EventType, ...] = (
    HookLifted,
    HookReplaced,
    HookFlashed,
    DigitDialled,
    DialStarted,
    ButtonPressed,
    CallOffered,
    CallProgressed,
    CallRang,
    CallAnswered,
    CallFinished,
    MediaLost,
    DigitHeard,
    RegistrationUpdated,
    MessagesUpdated,
    MissedCallsSeen,
    DialRequested,
    AnswerRequested,
    HangupRequested,
    DigitsRequested,
    HoldRequested,
    ResumeRequested,
    *Timer,
)

TRANSITIONS: dict[tuple[S, EventType], Row] = {
    # Handset down, nothing happens.
    (S.IDLE, HookLifted): ((S.DIAL_TONE, S.CALLING), desk.lift_to_dial),
    (S.IDLE, ButtonPressed): ((S.IDLE, S.CALLING, S.REORDER), desk.press_to_call),
    (S.IDLE, CallOffered): ((S.ALERTING, S.CONNECTED), call.offer_call),
    (S.IDLE, RegistrationUpdated): ((S.IDLE, S.OUT_OF_SERVICE), request.lose_service),
    (S.IDLE, MessagesUpdated): ((), request.note_messages),
    (S.IDLE, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.IDLE, DialRequested): ((S.IDLE, S.CALLING), request.request_dial),
    (S.IDLE, AnswerRequested): ((), request.refuse_answer),
    (S.IDLE, HangupRequested): ((), request.refuse_hang_up),
    (S.IDLE, DigitsRequested): ((), request.refuse_digits),
    (S.IDLE, HoldRequested): ((), request.refuse_hold),
    (S.IDLE, ResumeRequested): ((), request.refuse_resume),
    # No account can be used; the handset may be down or lifted.
    (S.OUT_OF_SERVICE, HookLifted): ((S.DIAL_TONE, S.CALLING), desk.lift_to_dial),
    (S.OUT_OF_SERVICE, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.OUT_OF_SERVICE, DigitDialled): (
        (S.OUT_OF_SERVICE, S.COLLECTING, S.CALLING, S.REORDER),
        desk.dial_out_of_service,
    ),
    (S.OUT_OF_SERVICE, DialStarted): ((S.OUT_OF_SERVICE, S.COLLECTING), desk.start_dial_out_of_service),
    (S.OUT_OF_SERVICE, ButtonPressed): ((S.OUT_OF_SERVICE, S.CALLING, S.REORDER), desk.press_to_call),
    (S.OUT_OF_SERVICE, CallOffered): ((S.OUT_OF_SERVICE, S.ALERTING, S.CONNECTED), call.offer_call_unless_lifted),
    (S.OUT_OF_SERVICE, RegistrationUpdated): ((S.OUT_OF_SERVICE, S.IDLE, S.DIAL_TONE), request.regain_service),
    (S.OUT_OF_SERVICE, MessagesUpdated): ((), request.note_messages),
    (S.OUT_OF_SERVICE, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.OUT_OF_SERVICE, DialRequested): ((S.OUT_OF_SERVICE, S.CALLING), request.request_dial),
    (S.OUT_OF_SERVICE, AnswerRequested): ((), request.refuse_answer),
    (S.OUT_OF_SERVICE, HangupRequested): ((), request.refuse_hang_up),
    (S.OUT_OF_SERVICE, DigitsRequested): (
        (S.OUT_OF_SERVICE, S.COLLECTING, S.CALLING, S.REORDER),
        request.request_first_digits,
    ),
    (S.OUT_OF_SERVICE, HoldRequested): ((), request.refuse_hold),
    (S.OUT_OF_SERVICE, ResumeRequested): ((), request.refuse_resume),
    (S.OUT_OF_SERVICE, Timer.HOTLINE): ((S.CALLING, S.REORDER), desk.call_hotline),
    (S.OUT_OF_SERVICE, Timer.TONE): ((), desk.silence),
    # Handset lifted, nothing dialled yet.
    (S.DIAL_TONE, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.DIAL_TONE, DigitDialled): ((S.COLLECTING, S.CALLING, S.REORDER), desk.dial_first_digit),
    (S.DIAL_TONE, DialStarted): ((S.COLLECTING,), desk.start_dial),
    (S.DIAL_TONE, ButtonPressed): ((S.DIAL_TONE, S.CALLING, S.REORDER), desk.press_to_call),
    (S.DIAL_TONE, CallOffered): ((), call.refuse_caller),
    (S.DIAL_TONE, RegistrationUpdated): ((S.DIAL_TONE, S.OUT_OF_SERVICE), request.lose_service),
    (S.DIAL_TONE, MessagesUpdated): ((), request.note_messages),
    (S.DIAL_TONE, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.DIAL_TONE, DialRequested): ((S.DIAL_TONE, S.CALLING), request.request_dial),
    (S.DIAL_TONE, AnswerRequested): ((), request.refuse_answer),
    (S.DIAL_TONE, HangupRequested): ((), request.refuse_hang_up),
    (S.DIAL_TONE, DigitsRequested): (
        (S.DIAL_TONE, S.COLLECTING, S.CALLING, S.REORDER),
        request.request_first_digits,
    ),
    (S.DIAL_TONE, HoldRequested): ((), request.refuse_hold),
    (S.DIAL_TONE, ResumeRequested): ((), request.refuse_resume),
    (S.DIAL_TONE, Timer.FIRST_DIGIT): ((S.REORDER,), desk.give_up_dialling),
    (S.DIAL_TONE, Timer.HOTLINE): ((S.CALLING, S.REORDER), desk.call_hotline),
    # Digits are being dialled.
    (S.COLLECTING, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.COLLECTING, HookFlashed): ((S.COLLECTING, S.DIAL_TONE), desk.flash_for_dial_tone),
    (S.COLLECTING, DigitDialled): ((S.COLLECTING, S.CALLING, S.REORDER), desk.dial_digit),
    (S.COLLECTING, DialStarted): ((S.COLLECTING,), desk.turn_dial),
    (S.COLLECTING, CallOffered): ((), call.refuse_caller),
    (S.COLLECTING, RegistrationUpdated): ((), request.note_registration),
    (S.COLLECTING, MessagesUpdated): ((), request.note_messages),
    (S.COLLECTING, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.COLLECTING, DialRequested): ((S.COLLECTING, S.CALLING), request.request_dial),
    (S.COLLECTING, AnswerRequested): ((), request.refuse_answer),
    (S.COLLECTING, HangupRequested): ((S.DIAL_TONE,), request.request_new_number),
    (S.COLLECTING, DigitsRequested): ((S.COLLECTING, S.CALLING, S.REORDER), request.request_more_digits),
    (S.COLLECTING, HoldRequested): ((), request.refuse_hold),
    (S.COLLECTING, ResumeRequested): ((), request.refuse_resume),
    (S.COLLECTING, Timer.INTER_DIGIT): ((S.DIAL_TONE, S.CALLING, S.REORDER), desk.finish_number),
    # A call was placed; the handset may be down.
    (S.CALLING, HookLifted): ((), desk.lift_to_take_over),
    (S.CALLING, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.CALLING, ButtonPressed): ((S.CALLING, S.IDLE, S.DIAL_TONE), desk.press_to_end),
    (S.CALLING, CallOffered): ((), call.refuse_caller),
    (S.CALLING, CallRang): ((S.RINGBACK,), call.hear_ringback),
    (S.CALLING, CallAnswered): ((S.CONNECTED,), call.begin_talk),
    (S.CALLING, CallFinished): ((S.CALLING, S.BUSY_TONE, S.REORDER), call.fail_call),
    (S.CALLING, RegistrationUpdated): ((), request.note_registration),
    (S.CALLING, MessagesUpdated): ((), request.note_messages),
    (S.CALLING, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.CALLING, DialRequested): ((), request.refuse_dial),
    (S.CALLING, AnswerRequested): ((), request.refuse_answer),
    (S.CALLING, HangupRequested): ((S.IDLE, S.DIAL_TONE), request.request_hang_up),
    (S.CALLING, DigitsRequested): ((), request.refuse_digits),
    (S.CALLING, HoldRequested): ((), request.refuse_hold),
    (S.CALLING, ResumeRequested): ((), request.refuse_resume),
    (S.CALLING, Timer.NO_ANSWER): ((S.CALLING, S.REORDER), call.give_up_calling),
    # The far end rings, or is heard before it answers.
    (S.RINGBACK, HookLifted): ((), desk.lift_to_take_over),
    (S.RINGBACK, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.RINGBACK, DigitDialled): ((), desk.send_digit),
    (S.RINGBACK, ButtonPressed): ((S.RINGBACK, S.IDLE, S.DIAL_TONE), desk.press_to_end),
    (S.RINGBACK, CallOffered): ((), call.refuse_caller),
    (S.RINGBACK, CallRang): ((), call.hear_ringback),
    (S.RINGBACK, CallAnswered): ((S.CONNECTED,), call.begin_talk),
    (S.RINGBACK, CallFinished): ((S.CALLING, S.BUSY_TONE, S.REORDER), call.fail_call),
    (S.RINGBACK, RegistrationUpdated): ((), request.note_registration),
    (S.RINGBACK, MessagesUpdated): ((), request.note_messages),
    (S.RINGBACK, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.RINGBACK, DialRequested): ((), request.refuse_dial),
    (S.RINGBACK, AnswerRequested): ((), request.refuse_answer),
    (S.RINGBACK, HangupRequested): ((S.IDLE, S.DIAL_TONE), request.request_hang_up),
    (S.RINGBACK, DigitsRequested): ((), request.request_digits),
    (S.RINGBACK, HoldRequested): ((), request.refuse_hold),
    (S.RINGBACK, ResumeRequested): ((), request.refuse_resume),
    (S.RINGBACK, Timer.NO_ANSWER): ((S.CALLING, S.REORDER), call.give_up_calling),
    # A caller rings; the handset is down.
    (S.ALERTING, HookLifted): ((S.CONNECTED, S.DIAL_TONE, S.CALLING), desk.lift_to_answer),
    (S.ALERTING, ButtonPressed): ((S.ALERTING, S.CONNECTED), desk.press_to_answer),
    (S.ALERTING, CallOffered): ((), call.refuse_caller),
    (S.ALERTING, CallFinished): ((S.IDLE,), call.lose_caller),
    (S.ALERTING, RegistrationUpdated): ((), request.note_registration),
    (S.ALERTING, MessagesUpdated): ((), request.note_messages),
    (S.ALERTING, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.ALERTING, DialRequested): ((), request.refuse_dial),
    (S.ALERTING, AnswerRequested): ((S.CONNECTED,), request.request_answer),
    (S.ALERTING, HangupRequested): ((S.IDLE,), request.request_decline),
    (S.ALERTING, DigitsRequested): ((), request.refuse_digits),
    (S.ALERTING, HoldRequested): ((), request.refuse_hold),
    (S.ALERTING, ResumeRequested): ((), request.refuse_resume),
    (S.ALERTING, Timer.RING): ((S.IDLE,), call.stop_ringing),
    (S.ALERTING, Timer.AUTO_ANSWER): ((S.CONNECTED,), call.answer_by_itself),
    # Two people talk, by handset or hands-free.
    (S.CONNECTED, HookLifted): ((), desk.lift_to_take_over),
    (S.CONNECTED, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.CONNECTED, HookFlashed): ((S.CONNECTED, S.HELD), desk.flash_to_hold),
    (S.CONNECTED, DigitDialled): ((), desk.send_digit),
    (S.CONNECTED, ButtonPressed): ((S.CONNECTED, S.IDLE, S.DIAL_TONE), desk.press_to_end),
    (S.CONNECTED, CallOffered): ((), call.refuse_caller),
    (S.CONNECTED, CallFinished): ((S.IDLE, S.BUSY_TONE, S.REORDER), call.lose_far_end),
    (S.CONNECTED, MediaLost): ((S.IDLE, S.BUSY_TONE, S.REORDER), call.lose_media),
    (S.CONNECTED, DigitHeard): ((), call.hear_digit),
    (S.CONNECTED, RegistrationUpdated): ((), request.note_registration),
    (S.CONNECTED, MessagesUpdated): ((), request.note_messages),
    (S.CONNECTED, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.CONNECTED, DialRequested): ((), request.refuse_dial),
    (S.CONNECTED, AnswerRequested): ((), request.refuse_answer),
    (S.CONNECTED, HangupRequested): ((S.IDLE, S.DIAL_TONE), request.request_hang_up),
    (S.CONNECTED, DigitsRequested): ((), request.request_digits),
    (S.CONNECTED, HoldRequested): ((S.HELD,), request.request_hold),
    (S.CONNECTED, ResumeRequested): ((), request.refuse_resume),
    (S.CONNECTED, Timer.BEEP): ((), call.end_beep),
    (S.CONNECTED, Timer.TALK): ((S.IDLE, S.BUSY_TONE, S.REORDER), call.end_talk),
    (S.CONNECTED, Timer.DOOR_HANG_UP): ((S.IDLE, S.BUSY_TONE, S.REORDER), call.end_talk),
    # The far end waits.
    (S.HELD, HookLifted): ((S.CONNECTED,), desk.lift_to_resume),
    (S.HELD, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.HELD, HookFlashed): ((S.HELD, S.CONNECTED), desk.flash_to_resume),
    (S.HELD, ButtonPressed): ((S.HELD, S.IDLE, S.DIAL_TONE), desk.press_to_end),
    (S.HELD, CallOffered): ((), call.refuse_caller),
    (S.HELD, CallFinished): ((S.IDLE, S.BUSY_TONE, S.REORDER), call.lose_far_end),
    (S.HELD, DigitHeard): ((), call.hear_digit),
    (S.HELD, RegistrationUpdated): ((), request.note_registration),
    (S.HELD, MessagesUpdated): ((), request.note_messages),
    (S.HELD, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.HELD, DialRequested): ((), request.refuse_dial),
    (S.HELD, AnswerRequested): ((), request.refuse_answer),
    (S.HELD, HangupRequested): ((S.IDLE, S.DIAL_TONE), request.request_hang_up),
    (S.HELD, DigitsRequested): ((), request.refuse_digits),
    (S.HELD, HoldRequested): ((), request.refuse_hold),
    (S.HELD, ResumeRequested): ((S.CONNECTED,), request.request_resume),
    (S.HELD, Timer.BEEP): ((), call.end_beep),
    (S.HELD, Timer.TALK): ((S.IDLE, S.BUSY_TONE, S.REORDER), call.end_talk),
    (S.HELD, Timer.DOOR_HANG_UP): ((S.IDLE, S.BUSY_TONE, S.REORDER), call.end_talk),
    # The number was busy or the far end hung up; with the handset down the tone is short.
    (S.BUSY_TONE, HookLifted): ((S.DIAL_TONE, S.CALLING), desk.lift_to_dial),
    (S.BUSY_TONE, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.BUSY_TONE, HookFlashed): ((S.BUSY_TONE, S.DIAL_TONE), desk.flash_for_dial_tone),
    (S.BUSY_TONE, ButtonPressed): ((S.BUSY_TONE, S.CALLING, S.REORDER), desk.press_to_call),
    (S.BUSY_TONE, CallOffered): ((S.BUSY_TONE, S.ALERTING, S.CONNECTED), call.offer_call_unless_lifted),
    (S.BUSY_TONE, RegistrationUpdated): ((), request.note_registration),
    (S.BUSY_TONE, MessagesUpdated): ((), request.note_messages),
    (S.BUSY_TONE, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.BUSY_TONE, DialRequested): ((S.BUSY_TONE, S.CALLING), request.request_dial),
    (S.BUSY_TONE, AnswerRequested): ((), request.refuse_answer),
    (S.BUSY_TONE, HangupRequested): ((S.IDLE, S.DIAL_TONE), request.request_silence),
    (S.BUSY_TONE, DigitsRequested): ((), request.refuse_digits),
    (S.BUSY_TONE, HoldRequested): ((), request.refuse_hold),
    (S.BUSY_TONE, ResumeRequested): ((), request.refuse_resume),
    (S.BUSY_TONE, Timer.TONE): ((S.HOWLER, S.IDLE), desk.end_tone),
    # The call failed, or the number is not one; with the handset down the tone is short.
    (S.REORDER, HookLifted): ((S.DIAL_TONE, S.CALLING), desk.lift_to_dial),
    (S.REORDER, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.REORDER, HookFlashed): ((S.REORDER, S.DIAL_TONE), desk.flash_for_dial_tone),
    (S.REORDER, ButtonPressed): ((S.REORDER, S.CALLING), desk.press_to_call),
    (S.REORDER, CallOffered): ((S.REORDER, S.ALERTING, S.CONNECTED), call.offer_call_unless_lifted),
    (S.REORDER, RegistrationUpdated): ((), request.note_registration),
    (S.REORDER, MessagesUpdated): ((), request.note_messages),
    (S.REORDER, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.REORDER, DialRequested): ((S.REORDER, S.CALLING), request.request_dial),
    (S.REORDER, AnswerRequested): ((), request.refuse_answer),
    (S.REORDER, HangupRequested): ((S.IDLE, S.DIAL_TONE), request.request_silence),
    (S.REORDER, DigitsRequested): ((), request.refuse_digits),
    (S.REORDER, HoldRequested): ((), request.refuse_hold),
    (S.REORDER, ResumeRequested): ((), request.refuse_resume),
    (S.REORDER, Timer.TONE): ((S.HOWLER, S.IDLE), desk.end_tone),
    # The handset was forgotten off the cradle.
    (S.HOWLER, HookReplaced): ((S.IDLE,), desk.replace_handset),
    (S.HOWLER, HookFlashed): ((S.HOWLER, S.DIAL_TONE), desk.flash_for_dial_tone),
    (S.HOWLER, ButtonPressed): ((S.HOWLER, S.CALLING, S.REORDER), desk.press_to_call),
    (S.HOWLER, CallOffered): ((), call.refuse_caller),
    (S.HOWLER, RegistrationUpdated): ((), request.note_registration),
    (S.HOWLER, MessagesUpdated): ((), request.note_messages),
    (S.HOWLER, MissedCallsSeen): ((), request.forget_missed_calls),
    (S.HOWLER, DialRequested): ((S.HOWLER, S.CALLING), request.request_dial),
    (S.HOWLER, AnswerRequested): ((), request.refuse_answer),
    (S.HOWLER, HangupRequested): ((), desk.silence),
    (S.HOWLER, DigitsRequested): ((), request.refuse_digits),
    (S.HOWLER, HoldRequested): ((), request.refuse_hold),
    (S.HOWLER, ResumeRequested): ((), request.refuse_resume),
    (S.HOWLER, Timer.TONE): ((), desk.silence),
}

_CALL_NEWS: tuple[EventType, ...] = (CallProgressed, CallRang, CallAnswered, CallFinished, MediaLost, DigitHeard)
"""There is no call that it could be news of."""
_TALK_TIMERS: tuple[EventType, ...] = (Timer.BEEP, Timer.TALK, Timer.DOOR_HANG_UP)
_DIAL_TIMERS: tuple[EventType, ...] = (Timer.FIRST_DIGIT, Timer.HOTLINE, Timer.INTER_DIGIT)
_RING_TIMERS: tuple[EventType, ...] = (Timer.RING, Timer.AUTO_ANSWER)
_AT_REST: tuple[EventType, ...] = (*_CALL_NEWS, *_TALK_TIMERS, *_RING_TIMERS, Timer.NO_ANSWER)
_AFTER_A_CALL: tuple[EventType, ...] = (*_AT_REST, *_DIAL_TIMERS, DigitDialled, DialStarted)
_IN_A_CALL: tuple[EventType, ...] = (*_DIAL_TIMERS, *_RING_TIMERS, Timer.TONE, CallProgressed, DialStarted)

_IGNORED: dict[S, tuple[EventType, ...]] = {
    # Digits with the handset down mean nothing.
    S.IDLE: (*_AT_REST, *_DIAL_TIMERS, Timer.TONE, HookReplaced, HookFlashed, DigitDialled, DialStarted),
    S.OUT_OF_SERVICE: (*_AT_REST, Timer.FIRST_DIGIT, Timer.INTER_DIGIT, HookFlashed),
    S.DIAL_TONE: (*_AT_REST, Timer.INTER_DIGIT, Timer.TONE, HookLifted, HookFlashed),
    # A button beside the door does not break into a number that is being dialled.
    S.COLLECTING: (*_AT_REST, Timer.FIRST_DIGIT, Timer.HOTLINE, Timer.TONE, HookLifted, ButtonPressed),
    # A number that was placed takes no more digits; a flash has no second call to turn to.
    S.CALLING: (*_IN_A_CALL, *_TALK_TIMERS, HookFlashed, DigitDialled, MediaLost, DigitHeard),
    # An announcement may pause, and nobody who has not answered opens the door.
    S.RINGBACK: (*_IN_A_CALL, *_TALK_TIMERS, HookFlashed, MediaLost, DigitHeard),
    S.ALERTING: (
        *_DIAL_TIMERS,
        *_TALK_TIMERS,
        Timer.NO_ANSWER,
        Timer.TONE,
        HookReplaced,
        HookFlashed,
        DigitDialled,
        DialStarted,
        CallProgressed,
        CallRang,
        CallAnswered,
        MediaLost,
        DigitHeard,
    ),
    # CallAnswered confirms what we answered ourselves.
    S.CONNECTED: (*_IN_A_CALL, Timer.NO_ANSWER, CallRang, CallAnswered),
    # Who waits sends no sound; digits would go unheard.
    S.HELD: (*_IN_A_CALL, Timer.NO_ANSWER, CallRang, CallAnswered, MediaLost, DigitDialled),
    S.BUSY_TONE: _AFTER_A_CALL,
    S.REORDER: _AFTER_A_CALL,
    S.HOWLER: (*_AFTER_A_CALL, HookLifted),
}

IGNORED: frozenset[tuple[S, EventType]] = frozenset(
    (state, event_type) for state, event_types in _IGNORED.items() for event_type in event_types
)


def event_name(event_type: EventType) -> str:
    """What an event is called in logs and documents."""
    return f"Timer {event_type.value}" if isinstance(event_type, Timer) else event_type.__name__
