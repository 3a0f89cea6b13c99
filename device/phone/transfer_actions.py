"""Actions of the table for calls that change partners: transfers in either role, a second call, replaced calls.

The line has one call; while another is tried or talked to, the first waits as the parked one.
"""

from device import plain_logging as logging
from device.phone.call import Call, cause_of
from device.phone.commands import (
    AnswerCall,
    ConnectAudio,
    DisconnectAudio,
    HangUp,
    HoldCall,
    JoinCalls,
    PlaceTransfer,
    RefuseTransfer,
    RejectCall,
    ResumeCall,
    TransferCall,
)
from device.phone.events import (
    CallerChanged,
    CallFinished,
    ConferenceRequested,
    DialRequested,
    ParkedCallFinished,
    ReplacementOffered,
    TransferEnded,
    TransferOffered,
    TransferRequested,
)
from device.phone.line import Line
from device.phone.request_actions import look_up
from device.phone.states import PhoneState

logger = logging.getLogger(__name__)

DECLINE = 603
BUSY_HERE = 486
NO_SUCH_CALL = 481

TRANSFERRED = "transferred"


# The far end sends us on


def be_transferred(line: Line, event: TransferOffered, now: float) -> PhoneState | None:
    """Call whom the far end names; the present call waits until that stands."""
    if line.call is None or event.call_id != line.call.call_id or line.parked is not None:
        refuse_transfer(line, event, now)
        return None
    logger.info("%s: sent on to %s", event.call_id, event.target)
    line.park_call(handed_over=True)
    _place_transfer(line, event, now)
    return PhoneState.CALLING


def dial_for_server(line: Line, event: TransferOffered, now: float) -> PhoneState | None:
    """A server of ours dials for somebody who clicked on a number."""
    if event.call_id is not None:
        refuse_transfer(line, event, now)
        return None
    _place_transfer(line, event, now)
    return PhoneState.CALLING


def _place_transfer(line: Line, event: TransferOffered, now: float) -> None:
    call = line.begin_call(event.target, now)
    line.send(PlaceTransfer(event.transfer_id, call.call_id))


def refuse_transfer(line: Line, event: TransferOffered, now: float) -> None:
    """Nobody may send this phone on now."""
    line.send(RefuseTransfer(event.transfer_id, DECLINE if event.call_id is not None else BUSY_HERE))


def leave_parked(line: Line, event: None, now: float) -> None:
    """The far end that sent us on has not hung up: do so ourselves."""
    if line.parked is not None and line.parked.handed_over:
        line.hang_up_parked(now, TRANSFERRED)


def lose_parked(line: Line, event: ParkedCallFinished, now: float) -> None:
    """The call that waited is over."""
    parked = line.parked
    assert parked is not None, "no call waits"
    cause = TRANSFERRED if parked.handed_over else "answered"
    line.close_parked(now, cause if 0 <= event.status < 300 else cause_of(event.status))


# A second call


def request_consultation(line: Line, event: DialRequested, now: float) -> PhoneState | None:
    """Call somebody else while the far end waits, to ask or to transfer."""
    if line.parked is not None:
        line.refuse("Two calls are there already; end one first.")
        return None
    target = look_up(line, event.target)
    if target is None:
        return None
    line.park_call(handed_over=False)
    line.place_call(target, now, anonymous=event.anonymous)
    return PhoneState.CALLING


def request_conference(line: Line, event: ConferenceRequested, now: float) -> None:
    """Make one talk of three out of the call and the one that waits."""
    call, parked = line.standing_call(), line.parked
    if parked is None or parked.handed_over:
        line.refuse("Nobody waits: put the call on hold, call somebody else, and then say conference.")
    elif parked.joined:
        line.refuse("The three of you talk already.")
    else:
        parked.joined = parked.audio = True
        if parked.held:
            parked.held = False
            line.send(ResumeCall(parked.call_id))
        line.send(ConnectAudio(parked.call_id), JoinCalls((call.call_id, parked.call_id)))


def refuse_conference(line: Line, event: ConferenceRequested, now: float) -> None:
    """Refused: nobody is talking."""
    line.refuse("There is no talk that somebody could join.")


# We send the far end on


def request_transfer(line: Line, event: TransferRequested, now: float) -> PhoneState | None:
    """Send the far end to somebody else, or without a target to the one who waits."""
    call = line.standing_call()
    if line.parked is not None:
        return _join(line, event, now)
    if not event.target.strip():
        line.refuse("Say to whom: `offhook transfer TARGET`, or put the call on hold and call somebody first.")
        return None
    target = look_up(line, event.target)
    if target is None:
        return None
    if not call.held:
        call.held = call.held_to_transfer = True
        line.send(HoldCall(call.call_id))
    line.send(TransferCall(call.call_id, target, None))
    return PhoneState.TRANSFERRING


def _join(line: Line, event: TransferRequested, now: float) -> PhoneState | None:
    """Send the one who waits to the one we talk to."""
    parked = line.parked
    assert parked is not None, "no call waits"
    if event.target.strip():
        line.refuse("Two calls are there: `offhook transfer` without a target joins them; or end one first.")
        return None
    if parked.handed_over:
        line.refuse("The far end is sending you on itself just now; try again in a moment.")
        return None
    line.send(TransferCall(parked.call_id, "", line.standing_call().call_id))
    return PhoneState.TRANSFERRING


def refuse_transfer_request(line: Line, event: TransferRequested, now: float) -> None:
    """Refused: nobody is talking who could be sent on."""
    line.refuse("There is no talk to transfer.")


def refuse_second_transfer(line: Line, event: TransferRequested, now: float) -> None:
    """Refused: one transfer at a time."""
    line.refuse("The call is being transferred already; wait for the outcome.")


def end_transfer(line: Line, event: TransferEnded, now: float) -> PhoneState:
    """Let go of a far end that has found its new partner; take back one that has not."""
    if event.succeeded:
        if line.parked is not None:
            line.hang_up_parked(now, TRANSFERRED)
        line.hang_up(now, TRANSFERRED)
        return line.state_at_rest
    logger.info("%s: the transfer failed: %s", event.call_id, event.text or "no reason given")
    return _take_back(line, now)


def _take_back(line: Line, now: float) -> PhoneState:
    call = line.standing_call()
    if call.held_to_transfer:
        call.held = call.held_to_transfer = False
        line.send(ResumeCall(call.call_id))
    line.beep(now)
    if call.held:
        return PhoneState.HELD
    line.connect_audio()
    return PhoneState.CONNECTED


def end_late_transfer(line: Line, event: TransferEnded, now: float) -> PhoneState | None:
    """The outcome comes when the person is already elsewhere: a far end that has arrived is let go."""
    if not event.succeeded:
        return None
    if line.parked is not None and line.parked.call_id == event.call_id:
        line.hang_up_parked(now, TRANSFERRED)
        return None
    line.hang_up(now, TRANSFERRED)
    return line.after_call(now, line.state_at_rest, answered=True)


def lose_transferred(line: Line, event: CallFinished, now: float) -> PhoneState | None:
    """A far end hangs up while it is sent on, mostly because it has arrived."""
    line.close_call(now, TRANSFERRED if 0 <= event.status < 300 else cause_of(event.status))
    if line.parked is None:
        return line.state_after_talk
    # The one we talked to has been taken over by the one who waits, who is about to say so.
    line.call, line.parked = line.parked, None
    return None


def lose_transferee(line: Line, event: ParkedCallFinished, now: float) -> PhoneState:
    """The one whom we were sending on has gone: what is left is the talk with the other."""
    line.close_parked(now, TRANSFERRED if 0 <= event.status < 300 else cause_of(event.status))
    return PhoneState.HELD if line.standing_call().held else PhoneState.CONNECTED


# Others take the place of the far end


def be_replaced(line: Line, event: ReplacementOffered, now: float) -> PhoneState | None:
    """Somebody takes the place of the far end: answer at once, and let the old call go (RFC 3891 section 3)."""
    new = Call(event.call_id, "in", event.caller, event.caller_name, now)
    if line.parked is not None and line.parked.call_id == event.replaces:
        new.answered, new.handed_over = now, line.parked.handed_over
        line.send(AnswerCall(new.call_id))
        line.hang_up_parked(now, TRANSFERRED)
        line.parked = new
        return None
    old = line.standing_call()
    if old.call_id != event.replaces:
        refuse_replacement(line, event, now)
        return None
    if old.audio:
        line.send(DisconnectAudio(old.call_id))
    line.call = new
    line.answer_call(now, f"replacing {old.call_id}")
    line.send(HangUp(old.call_id))
    line.keep_record(old, now, TRANSFERRED if old.answered is not None else "picked up", missed=False)
    return PhoneState.CONNECTED


def refuse_replacement(line: Line, event: ReplacementOffered, now: float) -> None:
    """The call that was to be replaced is gone."""
    line.send(RejectCall(event.call_id, NO_SUCH_CALL))
    line.keep_record(Call(event.call_id, "in", event.caller, event.caller_name, now), now, "too late", missed=False)


def rename_caller(line: Line, event: CallerChanged, now: float) -> None:
    """The far end is somebody else now, or tells its name only now (RFC 4916)."""
    for call in (line.call, line.parked):
        if call is not None and call.call_id == event.call_id:
            call.remote, call.remote_name = event.remote, event.remote_name
