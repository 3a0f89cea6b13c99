"""Actions of the table for requests from the control socket and for news of the line: registration, messages."""

from device.phone.commands import SendDigit
from device.phone.desk_actions import carry_out, hold, resume
from device.phone.digit_collector import DTMF_DIGITS, MAX_DIGITS
from device.phone.events import (
    AnswerRequested,
    DialRequested,
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    MessagesUpdated,
    MissedCallsSeen,
    RegistrationUpdated,
    ResumeRequested,
)
from device.phone.line import Line
from device.phone.states import PhoneState

_NUMBER = set("0123456789*#+")
_SEPARATORS = str.maketrans("", "", " -/()")


# Calls


def request_dial(line: Line, event: DialRequested, now: float) -> PhoneState | None:
    """Call a number by way of the dial plan, a short code or name of the phone book, or a URI as it is."""
    target = look_up(line, event.target)
    if target is None:
        return None
    line.place_call(target, now, anonymous=event.anonymous)
    return PhoneState.CALLING


def look_up(line: Line, target: str) -> str | None:
    """Whom `target` calls; None, and the reason told, where nobody can be called by it."""
    asked = target.strip()
    if not asked:
        line.refuse("There is nothing to dial: give a number or a SIP address.")
        return None
    found = _look_up(line, asked)
    if found is None:
        line.refuse(f"The dial plan does not allow {asked}.")
        return None
    if not line.can_call(found):
        line.refuse(
            "No account is registered; see `offhook status`, or set phone.direct_calls=on to call straight by IP."
        )
        return None
    return found


def _look_up(line: Line, asked: str) -> str | None:
    """Whom `asked` calls, None if it is a number that the dial plan does not allow."""
    number = asked.translate(_SEPARATORS)
    if number in line.emergency_numbers:
        return number
    if asked.casefold() in line.short_codes:
        return line.short_codes[asked.casefold()]
    if number and set(number) <= _NUMBER:
        return line.collector.plan.translate(number)
    return asked


def refuse_dial(line: Line, event: DialRequested, now: float) -> None:
    """Refused: there is a call already."""
    line.refuse(f"There is a call already ({line.standing_call().call_id}); end it first.")


def request_answer(line: Line, event: AnswerRequested, now: float) -> None:
    """Answer the caller hands-free."""
    line.answer_call(now, "request")


def refuse_answer(line: Line, event: AnswerRequested, now: float) -> None:
    """Refused: nobody waits to be answered."""
    line.refuse("No call is ringing; `offhook status` shows the calls there are.")


def request_decline(line: Line, event: HangupRequested, now: float) -> None:
    """Turn the caller away; whoever asked for it knows of the call, so it is not missed."""
    line.reject_call(line.settings.decline_status, now, "declined")


def request_hang_up(line: Line, event: HangupRequested, now: float) -> PhoneState | None:
    """End the call, and go back to the one that waits; a lifted handset gets dial tone."""
    parked = line.parked
    if parked is not None and event.call_id == parked.call_id:
        line.hang_up_parked(now, "answered")
        return None
    answered = line.standing_call().answered is not None
    line.hang_up(now)
    return line.after_call(now, line.state_at_rest, answered=answered)


def request_silence(line: Line, event: HangupRequested, now: float) -> PhoneState:
    """Stop the tone of a call that is over; a lifted handset gets dial tone."""
    return line.state_at_rest


def request_new_number(line: Line, event: HangupRequested, now: float) -> None:
    """Forget what was dialled."""


def refuse_hang_up(line: Line, event: HangupRequested, now: float) -> None:
    """Refused: there is nothing to end."""
    line.refuse("There is no call to end; `offhook status` shows the calls there are.")


def request_hold(line: Line, event: HoldRequested, now: float) -> None:
    """Put the call on hold."""
    hold(line)


def refuse_hold(line: Line, event: HoldRequested, now: float) -> None:
    """Refused: nobody is talking."""
    line.refuse("There is no talk to put on hold.")


def request_resume(line: Line, event: ResumeRequested, now: float) -> None:
    """Take the call off hold."""
    resume(line)


def refuse_resume(line: Line, event: ResumeRequested, now: float) -> None:
    """Refused: nobody waits."""
    line.refuse("No call is on hold.")


# Digits


def _refuse_bad_digits(line: Line, digits: str) -> bool:
    if digits and len(digits) <= MAX_DIGITS and set(digits) <= set(DTMF_DIGITS):
        return False
    line.refuse(f"Digits are 1 to {MAX_DIGITS} of 0-9, *, # and A-D.")
    return True


def request_first_digits(line: Line, event: DigitsRequested, now: float) -> PhoneState | None:
    """Dial as if by keypad, from dial tone."""
    if not line.lifted:
        line.refuse("There is no call and the handset is down; ask for a call to a number instead.")
        return None
    line.collector.clear()
    return request_more_digits(line, event, now)


def request_more_digits(line: Line, event: DigitsRequested, now: float) -> PhoneState | None:
    """Dial as if by keypad; digits after the number was complete are dropped, as a keypad's would be."""
    if _refuse_bad_digits(line, event.digits):
        return None
    line.collector.in_service = line.in_service
    for digit in event.digits:
        state = carry_out(line, line.collector.add(digit), now)
        if state is not PhoneState.COLLECTING:
            return state
    return PhoneState.COLLECTING


def request_digits(line: Line, event: DigitsRequested, now: float) -> None:
    """Send digits to the far end."""
    call = line.standing_call()
    if not call.audio:
        line.refuse("The far end has not answered yet.")
    elif not _refuse_bad_digits(line, event.digits):
        line.send(*(SendDigit(call.call_id, digit) for digit in event.digits))


def refuse_digits(line: Line, event: DigitsRequested, now: float) -> None:
    """Refused: nobody would hear them."""
    line.refuse("There is no talk that digits could go to.")


# News


def lose_service(line: Line, event: RegistrationUpdated, now: float) -> PhoneState | None:
    """At rest or at dial tone, the line shows at once that it has become useless."""
    line.registered, line.by_account = event.registered, event.by_account
    return None if line.in_service else PhoneState.OUT_OF_SERVICE


def regain_service(line: Line, event: RegistrationUpdated, now: float) -> PhoneState | None:
    """The line is back: dial tone for a lifted handset."""
    line.registered, line.by_account = event.registered, event.by_account
    return line.state_at_rest if line.in_service else None


def note_registration(line: Line, event: RegistrationUpdated, now: float) -> None:
    """What goes on goes on."""
    line.registered, line.by_account = event.registered, event.by_account


def note_messages(line: Line, event: MessagesUpdated, now: float) -> None:
    """The lamp shows it."""
    line.messages_waiting = event.waiting


def forget_missed_calls(line: Line, event: MissedCallsSeen, now: float) -> None:
    """The lamp goes out."""
    line.missed_calls = 0
