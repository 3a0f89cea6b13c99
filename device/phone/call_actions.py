"""Actions of the table for what happens to calls: offers, progress, ends, digits from afar, and the timers of calls."""

from device import plain_logging as logging
from device.model import CallId
from device.phone.call import Call, cause_of, is_among, is_busy, is_unknown_number
from device.phone.commands import Announce, PulseRelay, RejectCall, SendRinging
from device.phone.events import (
    AnnouncementBegun,
    CallAnswered,
    CallFinished,
    CallOffered,
    CallRang,
    DigitHeard,
    MediaLost,
)
from device.phone.line import Line
from device.phone.settings import split_list
from device.phone.states import PhoneState, Timer

logger = logging.getLogger(__name__)

FORBIDDEN = 403
BUSY_HERE = 486
HANDED_OVER_S = 4.0
"""So long the far end that sent us on has to hang up, once the new call stands; then we do, in seconds."""
TEMPORARILY_UNAVAILABLE = 480


# Incoming


def offer_call(line: Line, event: CallOffered, now: float) -> PhoneState | None:
    """Ring, or answer at once where auto answer says so; a caller who will not ring is turned away (RFC 5373)."""
    delay_s = auto_answer_delay_s(line, event)
    call = Call(event.call_id, "in", event.caller, event.caller_name, now)
    if event.auto_answer_required and delay_s is None:
        line.send(RejectCall(event.call_id, FORBIDDEN))
        line.keep_record(call, now, "missed", missed=True)
        return None
    call.alert = event.alert
    line.call = call
    line.door.forget_digits()
    logger.debug("%s: %s calls", event.call_id, event.caller)
    if line.settings.announcement:
        call.announced = -1.0 if delay_s is None else delay_s
        line.send(Announce(event.call_id, line.settings.announcement))
        return PhoneState.ALERTING
    return _ring(line, delay_s, now)


def _ring(line: Line, delay_s: float | None, now: float) -> PhoneState:
    if delay_s == 0:
        return answer_by_itself(line, None, now)
    if delay_s is not None:
        line.timers.set(Timer.AUTO_ANSWER, now + delay_s)
    line.send(SendRinging(line.standing_call().call_id))
    return PhoneState.ALERTING


def time_announcement(line: Line, event: AnnouncementBegun, now: float) -> None:
    """The bell waits until the caller has heard it."""
    if line.standing_call().announced is not None:
        line.timers.set(Timer.ANNOUNCEMENT, now + event.seconds)


def end_announcement(line: Line, event: None, now: float) -> PhoneState:
    """Now ring, or answer where that was asked for."""
    call = line.standing_call()
    delay_s, call.announced = call.announced, None
    return _ring(line, delay_s if delay_s is not None and delay_s >= 0 else None, now)


def offer_call_unless_lifted(line: Line, event: CallOffered, now: float) -> PhoneState | None:
    """Ring if the handset is down: what is heard is only the tone of a call that is over."""
    if line.lifted:
        refuse_caller(line, event, now)
        return None
    return offer_call(line, event, now)


def refuse_caller(line: Line, event: CallOffered, now: float) -> None:
    """The line is busy: the caller hears so, and the call log keeps it as missed."""
    if line.call is not None and line.call.call_id == event.call_id:
        return
    line.send(RejectCall(event.call_id, BUSY_HERE))
    line.keep_record(Call(event.call_id, "in", event.caller, event.caller_name, now), now, "busy", missed=True)


def auto_answer_delay_s(line: Line, event: CallOffered) -> float | None:
    """Seconds until the phone answers by itself, None for never."""
    settings = line.settings
    callers = split_list(settings.auto_answer_callers)
    if settings.auto_answer == "off" or (callers and not is_among(event.caller, callers)):
        return None
    if settings.auto_answer == "always":
        return settings.auto_answer_delay_s
    if event.auto_answer_after_s is None:
        return None
    return max(0.0, event.auto_answer_after_s, settings.auto_answer_delay_s)


def answer_by_itself(line: Line, event: None, now: float) -> PhoneState:
    """Auto answer, with a tone so that nobody is listened to unawares."""
    line.answer_call(now, "auto answer")
    if line.settings.auto_answer_beep:
        line.beep(now)
    return PhoneState.CONNECTED


def lose_caller(line: Line, event: CallFinished, now: float) -> None:
    """The caller gave up, or somebody took the call elsewhere."""
    if event.elsewhere:
        line.close_call(now, "answered elsewhere")
    else:
        line.close_call(now, "missed", missed=True)


def stop_ringing(line: Line, event: None, now: float) -> None:
    """It rang long enough."""
    line.reject_call(TEMPORARILY_UNAVAILABLE, now, "missed", missed=True)


# Outgoing


def hear_ringback(line: Line, event: CallRang, now: float) -> None:
    """The far end rings; sound of its own is heard instead of our ringback tone."""
    call = line.standing_call()
    if event.early_media:
        call.early_media = True
        line.connect_audio()
    call.ringback = not call.early_media if event.ringback is None else event.ringback


def begin_talk(line: Line, event: CallAnswered, now: float) -> None:
    """The far end answered."""
    call = line.standing_call()
    call.answered = now
    line.connect_audio()
    if line.parked is not None and line.parked.handed_over:
        line.timers.set(Timer.HANDED_OVER, now + HANDED_OVER_S)
    logger.debug("%s: answered by the far end", call.call_id)


def fail_call(line: Line, event: CallFinished, now: float) -> PhoneState:
    """Our call was not answered: try the next target, or let a tone tell."""
    next_targets, button = line.standing_call().next_targets, line.standing_call().button
    line.close_call(now, cause_of(event.status))
    if next_targets:
        line.place_call(next_targets[0], now, next_targets[1:], button)
        return PhoneState.CALLING
    line.number_unknown = is_unknown_number(event.status)
    tone = PhoneState.BUSY_TONE if is_busy(event.status) else PhoneState.REORDER
    return line.after_call(now, tone, answered=False)


def give_up_calling(line: Line, event: None, now: float) -> PhoneState:
    """Nobody answers: try the next target, or give up."""
    next_targets, button = line.standing_call().next_targets, line.standing_call().button
    line.hang_up(now, "no answer")
    if next_targets:
        line.place_call(next_targets[0], now, next_targets[1:], button)
        return PhoneState.CALLING
    return line.after_call(now, PhoneState.REORDER, answered=False)


# Within a call


def lose_far_end(line: Line, event: CallFinished, now: float) -> PhoneState:
    """The far end hung up, or is lost: then the log says how, for "no answer" would be wrong after a talk."""
    line.close_call(now, "answered" if 0 <= event.status < 300 else event.text or cause_of(event.status))
    return line.after_call(now, line.state_after_talk, answered=True)


def lose_media(line: Line, event: MediaLost, now: float) -> PhoneState:
    """The far end fell silent for good: end a call that would otherwise stand for ever."""
    line.hang_up(now, event.text)
    return line.after_call(now, line.state_after_talk, answered=True)


def end_talk(line: Line, event: None, now: float) -> PhoneState:
    """The longest allowed talk is over, or the door has been opened."""
    line.hang_up(now)
    return line.after_call(now, line.state_after_talk, answered=True)


def end_beep(line: Line, event: None, now: float) -> None:
    """The confirmation tone was long enough."""
    line.beeping = False


def hear_digit(line: Line, event: DigitHeard, now: float) -> None:
    """A digit from the far end may be part of the door code."""
    settings, call = line.settings, line.standing_call()
    callers = split_list(settings.door_callers)
    if callers and not is_among(call.remote, callers):
        return
    locked = line.door.locked(now)
    if line.door.opens(event.digit, now):
        open_door(line, call.call_id, now)
    elif not locked and line.door.locked(now):
        logger.warning(
            "%s: too many wrong door codes from %s, the door takes none for %.0f s",
            call.call_id,
            call.remote,
            settings.door_lock_out_s,
        )


def open_door(line: Line, call_id: CallId, now: float) -> None:
    """Pulse the relay, and let both sides hear that it was done."""
    settings = line.settings
    line.send(PulseRelay(settings.door_relay, settings.door_open_s))
    line.beep(now)
    if settings.door_hang_up_s > 0:
        line.timers.set(Timer.DOOR_HANG_UP, now + settings.door_hang_up_s)
    logger.info("%s: door opened by code", call_id)
