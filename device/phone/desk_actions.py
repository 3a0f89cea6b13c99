"""Actions of the table for what the person at the desk does: hook, digits, buttons; and the timers of dialling."""

from device.phone.commands import HoldCall, ResumeCall, SendDigit
from device.phone.digit_collector import Dialled, Verdict
from device.phone.events import (
    ButtonPressed,
    DialStarted,
    DigitDialled,
    HookFlashed,
    HookLifted,
    HookReplaced,
)
from device.phone.line import Line
from device.phone.states import PhoneState, Timer

GLARE_S = 0.25
"""Longest time, in seconds, that debouncing may delay the news of a lifted handset."""


# The hook


def lift_to_dial(line: Line, event: HookLifted, now: float) -> PhoneState:
    """Give dial tone, or call the hotline. Lifting also means that the lamp for missed calls was seen."""
    line.missed_calls = 0
    return _dial_tone_or_hotline(line, now)


def _dial_tone_or_hotline(line: Line, now: float) -> PhoneState:
    hotline = line.settings.hotline
    if not hotline or not line.can_call(hotline):
        return PhoneState.DIAL_TONE
    if line.settings.hotline_delay_s > 0:
        line.timers.set(Timer.HOTLINE, now + line.settings.hotline_delay_s)
        return PhoneState.DIAL_TONE
    line.place_call(hotline, now)
    return PhoneState.CALLING


def lift_to_answer(line: Line, event: HookLifted, now: float) -> PhoneState:
    """Answer the caller; but if the handset was lifted before the call arrived, the line was busy.

    Debouncing delays the news of the hook. The kernel's time stamp tells which came first, so that the outcome does
    not hang on that delay. A stamp further back than GLARE_S is no glare but another clock, and is not believed.
    """
    offered = line.standing_call().started
    if 0 < offered - event.at <= GLARE_S:
        line.reject_call(486, now, "busy", missed=True)
        return _dial_tone_or_hotline(line, now)
    line.answer_call(now, "handset")
    return PhoneState.CONNECTED


def lift_to_take_over(line: Line, event: HookLifted, now: float) -> None:
    """The handset takes over from loudspeaker and microphone; the audio path follows by itself."""


def lift_to_resume(line: Line, event: HookLifted, now: float) -> None:
    """The handset takes over a call on hold: whoever lifts wants to talk."""
    resume(line)


def replace_handset(line: Line, event: HookReplaced, now: float) -> None:
    """End whatever there is, and wait for nothing more."""
    line.timers.clear()
    if line.parked is not None:
        line.hang_up_parked(now, "answered")
    if line.call is not None:
        line.hang_up(now)


def flash_for_dial_tone(line: Line, event: HookFlashed, now: float) -> PhoneState | None:
    """Fresh dial tone after a mistake or a busy number."""
    return PhoneState.DIAL_TONE if line.settings.flash else None


def flash_to_hold(line: Line, event: HookFlashed, now: float) -> PhoneState | None:
    """Put the call on hold, if flash is enabled."""
    if not line.settings.flash:
        return None
    hold(line)
    return PhoneState.HELD


def flash_to_resume(line: Line, event: HookFlashed, now: float) -> PhoneState | None:
    """Take the call off hold, if flash is enabled."""
    if not line.settings.flash:
        return None
    resume(line)
    return PhoneState.CONNECTED


def hold(line: Line) -> None:
    """Offer the far end to wait; of a talk of three both."""
    for call in line.talk():
        call.held = True
        line.send(HoldCall(call.call_id))


def resume(line: Line) -> None:
    """Talk to the far end again."""
    for call in line.talk():
        call.held = False
        line.send(ResumeCall(call.call_id))
    line.connect_audio()


# Dialling


def dial_first_digit(line: Line, event: DigitDialled, now: float) -> PhoneState:
    """The number begins."""
    line.collector.clear()
    return dial_digit(line, event, now)


def dial_out_of_service(line: Line, event: DigitDialled, now: float) -> PhoneState | None:
    """The number begins, and only an emergency number will do."""
    return dial_first_digit(line, event, now) if line.lifted else None


def dial_digit(line: Line, event: DigitDialled, now: float) -> PhoneState:
    """The number goes on."""
    line.collector.in_service = line.in_service
    return carry_out(line, line.collector.add(event.digit), now)


def carry_out(line: Line, dialled: Dialled, now: float) -> PhoneState:
    """Do what the digits ask for."""
    if dialled.verdict is Verdict.WAIT:
        return PhoneState.COLLECTING
    if dialled.verdict is Verdict.INVALID or not line.can_call(dialled.target):
        return PhoneState.REORDER
    line.place_call(dialled.target, now)
    return PhoneState.CALLING


def start_dial(line: Line, event: DialStarted, now: float) -> None:
    """The rotary dial turns: dial tone stops before the digit is known."""
    line.collector.clear()


def start_dial_out_of_service(line: Line, event: DialStarted, now: float) -> PhoneState | None:
    """The rotary dial turns, perhaps for an emergency number."""
    line.collector.clear()
    return PhoneState.COLLECTING if line.lifted else None


def turn_dial(line: Line, event: DialStarted, now: float) -> None:
    """The rotary dial turns again: the time between digits counts from here."""


def finish_number(line: Line, event: None, now: float) -> PhoneState:
    """Nothing more was dialled. A dial that was only touched gives dial tone again."""
    if not line.collector.digits:
        return PhoneState.DIAL_TONE
    line.collector.in_service = line.in_service
    return carry_out(line, line.collector.finish(), now)


def call_hotline(line: Line, event: None, now: float) -> PhoneState:
    """The warmline's time is up."""
    if not line.can_call(line.settings.hotline):
        return PhoneState.REORDER
    line.place_call(line.settings.hotline, now)
    return PhoneState.CALLING


def give_up_dialling(line: Line, event: None, now: float) -> None:
    """Nobody dialled."""


def send_digit(line: Line, event: DigitDialled, now: float) -> None:
    """A digit within a call goes to the far end, once its sound is there."""
    call = line.standing_call()
    if call.audio:
        line.send(SendDigit(call.call_id, event.digit))


# Tones that have played long enough


def end_tone(line: Line, event: None, now: float) -> PhoneState:
    """A handset left off the cradle gets the howler; with the handset down the tone was long enough."""
    return PhoneState.HOWLER if line.lifted else PhoneState.IDLE


def silence(line: Line, event: object, now: float) -> None:
    """The line stays as it is, but without tone."""
    line.silenced = True


# Buttons


def press_to_call(line: Line, event: ButtonPressed, now: float) -> PhoneState | None:
    """Call whom the button stands for; a tone tells if that is not possible."""
    targets = line.buttons.get(event.name, ())
    allowed = tuple(target for target in targets if line.can_call(target))
    if not targets:
        return None
    if not allowed:
        return PhoneState.REORDER
    line.place_call(allowed[0], now, allowed[1:], event.name)
    return PhoneState.CALLING


def press_to_answer(line: Line, event: ButtonPressed, now: float) -> PhoneState | None:
    """Answer hands-free."""
    if event.name not in line.buttons:
        return None
    call = line.standing_call()
    call.button, call.pressed_at = event.name, now
    line.answer_call(now, f"button {event.name}")
    return PhoneState.CONNECTED


def press_to_end(line: Line, event: ButtonPressed, now: float) -> PhoneState | None:
    """End the call that this button began or answered; a button without target ends any call."""
    call = line.standing_call()
    own = event.name in line.buttons and (event.name == call.button or not line.buttons[event.name])
    if not own or now - call.pressed_at < line.settings.button_guard_s:
        return None
    answered = call.answered is not None
    line.hang_up(now)
    return line.after_call(now, line.state_at_rest, answered=answered)
