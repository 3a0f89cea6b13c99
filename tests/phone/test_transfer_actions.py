"""Calls that change partners: sent on by the far end, sending it on, a second call, replaced calls."""

import pytest

from device.model import CallId
from device.phone.commands import (
    AnswerCall,
    Command,
    ConnectAudio,
    DisconnectAudio,
    HangUp,
    HoldCall,
    JoinCalls,
    LogCall,
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
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    ReplacementOffered,
    ResumeRequested,
    TransferEnded,
    TransferOffered,
    TransferRequested,
)
from device.phone.states import PhoneState
from tests.phone.bench import Bench, refusals

CAROL = "sip:carol@pbx.example"


@pytest.fixture
def bench() -> Bench:
    """Talking with 1001, handset lifted."""
    bench = Bench()
    bench.talking()
    bench.done.clear()
    return bench


def causes(bench: Bench) -> list[tuple[str, str]]:
    return [(log.remote, log.cause) for log in bench.done if isinstance(log, LogCall)]


def only(commands: list[Command], *kinds: type) -> list[Command]:
    return [command for command in commands if isinstance(command, kinds)]


# The far end sends us on


def sent_on(bench: Bench) -> tuple[CallId, CallId]:
    old = bench.call_id
    bench.handle(TransferOffered("t", old, CAROL))
    assert bench.state is PhoneState.CALLING
    return old, bench.call_id


def test_the_new_call_is_tried_while_the_old_one_waits(bench: Bench) -> None:
    old = bench.call_id
    commands = bench.handle(TransferOffered("t", old, CAROL))
    assert only(commands, DisconnectAudio, PlaceTransfer) == [DisconnectAudio(old), PlaceTransfer("t", bench.call_id)]
    snapshot = bench.phone.snapshot()
    assert snapshot.call is not None
    assert snapshot.parked is not None
    assert (snapshot.call.remote, snapshot.parked.remote) == (CAROL, "1001")


def test_the_far_end_hangs_up_when_the_new_call_stands(bench: Bench) -> None:
    old, new = sent_on(bench)
    bench.far_rings()
    assert bench.tone == "RINGBACK"
    assert ConnectAudio(new) in bench.far_answers()
    bench.handle(CallFinished(old, 0))
    assert bench.state is PhoneState.CONNECTED
    assert causes(bench) == [("1001", "transferred")]
    assert HangUp(old) not in bench.wait(10)


def test_we_hang_up_when_the_far_end_does_not(bench: Bench) -> None:
    old, _ = sent_on(bench)
    bench.far_answers()
    assert HangUp(old) not in bench.wait(3.9)
    assert HangUp(old) in bench.wait(0.2)
    assert bench.state is PhoneState.CONNECTED
    assert causes(bench) == [("1001", "transferred")]


@pytest.mark.parametrize("ringing", [False, True])
@pytest.mark.parametrize("status", [486, 404])
def test_the_old_call_goes_on_when_the_new_one_fails(bench: Bench, ringing: bool, status: int) -> None:
    old, new = sent_on(bench)
    if ringing:
        bench.far_rings()
    commands = bench.handle(CallFinished(new, status))
    assert bench.state is PhoneState.CONNECTED
    assert ConnectAudio(old) in commands
    assert bench.call_id == old
    assert bench.tone == "CONFIRMATION"
    assert [cause for _, cause in causes(bench)] == ["busy" if status == 486 else "failed 404"]


def test_nobody_answers_the_new_call(bench: Bench) -> None:
    old, new = sent_on(bench)
    assert HangUp(new) in bench.wait(121)
    assert (bench.state, bench.call_id) == (PhoneState.CONNECTED, old)


def test_the_far_end_is_gone_before_the_new_call_stands(bench: Bench) -> None:
    old, new = sent_on(bench)
    bench.handle(CallFinished(old, 0))
    assert bench.state is PhoneState.CALLING
    bench.handle(CallFinished(new, 486))
    assert bench.state is PhoneState.BUSY_TONE


def test_the_new_call_ends_before_the_old_one(bench: Bench) -> None:
    old, new = sent_on(bench)
    bench.far_answers()
    assert HangUp(old) in bench.handle(CallFinished(new, 0))
    assert bench.state is PhoneState.BUSY_TONE
    assert bench.phone.parked_id is None


def test_replacing_the_handset_ends_both(bench: Bench) -> None:
    old, new = sent_on(bench)
    assert only(bench.replace(), HangUp) == [HangUp(old), HangUp(new)]
    assert bench.state is PhoneState.IDLE


def test_hanging_up_by_request_goes_back(bench: Bench) -> None:
    old, new = sent_on(bench)
    assert HangUp(new) in bench.handle(HangupRequested())
    assert (bench.state, bench.call_id) == (PhoneState.CONNECTED, old)


def test_a_far_end_on_hold_may_send_us_on(bench: Bench) -> None:
    bench.handle(HoldRequested())
    old, new = sent_on(bench)
    bench.handle(CallFinished(new, 486))
    assert (bench.state, bench.call_id) == (PhoneState.HELD, old)
    assert ConnectAudio(old) in bench.handle(ResumeRequested())


def test_only_one_transfer_at_a_time_and_only_by_the_far_end(bench: Bench) -> None:
    assert bench.handle(TransferOffered("t", CallId("other"), CAROL)) == [RefuseTransfer("t", 603)]
    assert bench.handle(TransferOffered("t", None, CAROL)) == [RefuseTransfer("t", 486)]
    old, _ = sent_on(bench)
    assert bench.handle(TransferOffered("u", old, CAROL)) == [RefuseTransfer("u", 603)]
    bench.far_answers()
    assert bench.handle(TransferOffered("u", bench.call_id, CAROL)) == [RefuseTransfer("u", 603)]


def test_a_server_dials_for_somebody() -> None:
    bench = Bench()
    commands = bench.handle(TransferOffered("t", None, CAROL))
    assert only(commands, PlaceTransfer) == [PlaceTransfer("t", bench.call_id)]
    assert bench.state is PhoneState.CALLING
    bench = Bench()
    assert bench.handle(TransferOffered("t", CallId("gone"), CAROL)) == [RefuseTransfer("t", 603)]


# We send the far end on


def test_a_blind_transfer(bench: Bench) -> None:
    old = bench.call_id
    commands = bench.handle(TransferRequested("1002"))
    assert only(commands, HoldCall, TransferCall) == [HoldCall(old), TransferCall(old, "1002", None)]
    assert bench.state is PhoneState.TRANSFERRING
    assert HangUp(old) in bench.handle(TransferEnded(old, True))
    assert bench.state is PhoneState.DIAL_TONE
    assert causes(bench) == [("1001", "transferred")]


def test_a_blind_transfer_that_fails_gives_the_far_end_back(bench: Bench) -> None:
    old = bench.call_id
    bench.handle(TransferRequested("1002"))
    assert ResumeCall(old) in bench.handle(TransferEnded(old, False, "busy"))
    assert bench.state is PhoneState.CONNECTED
    assert bench.tone == "CONFIRMATION"
    assert causes(bench) == []


def test_a_transfer_from_hold_that_fails_leaves_the_far_end_on_hold(bench: Bench) -> None:
    bench.handle(HoldRequested())
    old = bench.call_id
    assert only(bench.handle(TransferRequested("1002")), HoldCall) == []
    assert only(bench.handle(TransferEnded(old, False)), ResumeCall) == []
    assert bench.state is PhoneState.HELD


def test_the_far_end_hangs_up_when_it_has_arrived(bench: Bench) -> None:
    bench.handle(TransferRequested("1002"))
    bench.far_ends(0)
    assert bench.state is PhoneState.BUSY_TONE
    assert causes(bench) == [("1001", "transferred")]


def test_what_cannot_be_transferred(bench: Bench) -> None:
    assert "to whom" in refusals(bench.handle(TransferRequested()))[0].lower()
    bench.handle(TransferRequested("1002"))
    assert "already" in refusals(bench.handle(TransferRequested("1003")))[0]
    assert refusals(Bench().handle(TransferRequested("1002"))) == ["There is no talk to transfer."]
    barred = Bench(dial_plan="1xxx|!9.")
    barred.lift()
    barred.dial("1001")
    barred.far_answers()
    assert "dial plan" in refusals(barred.handle(TransferRequested("9")))[0]
    assert barred.state is PhoneState.CONNECTED
    assert refusals(bench.handle(TransferRequested("1", CallId("none"))))[0].startswith("There is no call none")


# A second call, and an attended transfer


def consulting(bench: Bench) -> tuple[CallId, CallId]:
    bench.handle(HoldRequested())
    first = bench.call_id
    bench.handle(DialRequested("1002"))
    bench.far_answers()
    return first, bench.call_id


def test_a_second_call_while_the_first_waits(bench: Bench) -> None:
    first, second = consulting(bench)
    assert bench.state is PhoneState.CONNECTED
    assert first != second
    assert HangUp(first) not in bench.wait(60)
    assert HangUp(second) in bench.handle(HangupRequested())
    assert (bench.state, bench.call_id) == (PhoneState.HELD, first)


def test_the_one_who_waits_can_be_hung_up(bench: Bench) -> None:
    first, second = consulting(bench)
    assert HangUp(first) in bench.handle(HangupRequested(first))
    assert (bench.state, bench.call_id) == (PhoneState.CONNECTED, second)


def test_the_one_who_waits_hangs_up(bench: Bench) -> None:
    first, second = consulting(bench)
    bench.handle(CallFinished(first, 0))
    assert (bench.state, bench.call_id) == (PhoneState.CONNECTED, second)
    assert causes(bench) == [("1001", "answered")]


def test_two_calls_are_enough(bench: Bench) -> None:
    consulting(bench)
    bench.handle(HoldRequested())
    assert "Two calls" in refusals(bench.handle(DialRequested("1003")))[0]
    assert "Two calls" in refusals(bench.handle(TransferRequested("1003")))[0]


def test_a_second_call_that_cannot_be_placed(bench: Bench) -> None:
    bench.handle(HoldRequested())
    assert refusals(bench.handle(DialRequested(" ")))
    assert bench.state is PhoneState.HELD
    assert bench.phone.parked_id is None


def test_an_attended_transfer(bench: Bench) -> None:
    first, second = consulting(bench)
    assert only(bench.handle(TransferRequested()), TransferCall) == [TransferCall(first, "", second)]
    assert bench.state is PhoneState.TRANSFERRING
    # The second far end is taken over by the first, and the first tells so.
    bench.handle(CallFinished(second, 0))
    assert bench.state is PhoneState.TRANSFERRING
    assert HangUp(first) in bench.handle(TransferEnded(first, True))
    assert bench.state is PhoneState.DIAL_TONE
    assert causes(bench) == [("1002", "transferred"), ("1001", "transferred")]


def test_the_news_of_an_attended_transfer_may_come_first(bench: Bench) -> None:
    first, second = consulting(bench)
    bench.handle(TransferRequested())
    commands = bench.handle(TransferEnded(first, True))
    assert only(commands, HangUp) == [HangUp(first), HangUp(second)]


def test_an_attended_transfer_that_fails(bench: Bench) -> None:
    first, second = consulting(bench)
    bench.handle(TransferRequested())
    bench.handle(TransferEnded(first, False))
    assert (bench.state, bench.call_id, bench.phone.parked_id) == (PhoneState.CONNECTED, second, first)


def test_the_one_who_was_sent_on_gives_up(bench: Bench) -> None:
    first, second = consulting(bench)
    bench.handle(TransferRequested())
    bench.handle(CallFinished(first, 0))
    assert (bench.state, bench.call_id) == (PhoneState.CONNECTED, second)


def test_the_outcome_may_come_late(bench: Bench) -> None:
    first, second = consulting(bench)
    bench.handle(TransferRequested())
    bench.handle(HangupRequested())
    assert (bench.state, bench.call_id) == (PhoneState.HELD, first)
    assert bench.handle(TransferEnded(first, False)) == []
    assert HangUp(first) in bench.handle(TransferEnded(first, True))
    assert bench.state is PhoneState.DIAL_TONE
    first, second = consulting(_talking())
    assert first != second


def _talking() -> Bench:
    bench = Bench()
    bench.talking()
    return bench


def test_a_late_outcome_for_the_one_who_waits() -> None:
    bench = _talking()
    first, _ = consulting(bench)
    assert HangUp(first) in bench.handle(TransferEnded(first, True))
    assert bench.state is PhoneState.CONNECTED


def test_the_one_who_is_sending_us_on_cannot_be_sent_on(bench: Bench) -> None:
    sent_on(bench)
    bench.far_answers()
    assert "sending you on" in refusals(bench.handle(TransferRequested()))[0]


# Others take the place of the far end


def replace(bench: Bench, replaced: CallId) -> list[Command]:
    return bench.handle(ReplacementOffered(CallId("in-9"), replaced, CAROL, "Carol"))


def test_a_talk_goes_on_with_somebody_else(bench: Bench) -> None:
    old = bench.call_id
    commands = replace(bench, old)
    assert only(commands, DisconnectAudio, AnswerCall, ConnectAudio, HangUp) == [
        DisconnectAudio(old),
        AnswerCall(CallId("in-9")),
        ConnectAudio(CallId("in-9")),
        HangUp(old),
    ]
    assert (bench.state, bench.call_id) == (PhoneState.CONNECTED, "in-9")
    assert causes(bench) == [("1001", "transferred")]


@pytest.mark.parametrize("ringing", [False, True])
def test_a_call_of_ours_is_picked_up_by_somebody_else(ringing: bool) -> None:
    bench = Bench()
    bench.calling()
    if ringing:
        bench.far_rings()
    old = bench.call_id
    assert HangUp(old) in replace(bench, old)
    assert bench.state is PhoneState.CONNECTED
    assert bench.tone == ""
    assert causes(bench) == [("1001", "picked up")]


def test_a_call_on_hold_is_replaced(bench: Bench) -> None:
    bench.handle(HoldRequested())
    replace(bench, bench.call_id)
    assert bench.state is PhoneState.CONNECTED


def test_the_one_who_waits_is_replaced(bench: Bench) -> None:
    first, second = consulting(bench)
    commands = replace(bench, first)
    assert only(commands, AnswerCall, ConnectAudio, HangUp) == [AnswerCall(CallId("in-9")), HangUp(first)]
    assert (bench.call_id, bench.phone.parked_id) == (second, "in-9")
    bench.handle(CallFinished(second, 0))
    assert (bench.state, bench.call_id) == (PhoneState.CONNECTED, "in-9")


def test_who_comes_too_late_is_told_so(bench: Bench) -> None:
    assert only(replace(bench, CallId("gone")), RejectCall) == [RejectCall(CallId("in-9"), 481)]
    assert only(replace(Bench(), CallId("gone")), RejectCall) == [RejectCall(CallId("in-9"), 481)]
    assert causes(bench) == [(CAROL, "too late")]


def test_the_far_end_has_another_name_now(bench: Bench) -> None:
    bench.handle(CallerChanged(bench.call_id, CAROL, "Carol"))
    snapshot = bench.phone.snapshot().call
    assert snapshot is not None
    assert (snapshot.remote, snapshot.remote_name) == (CAROL, "Carol")
    first, _ = consulting(bench)
    bench.handle(CallerChanged(first, "sip:dave@x", "Dave"))
    parked = bench.phone.snapshot().parked
    assert parked is not None
    assert parked.remote_name == "Dave"
    assert refusals(bench.handle(DigitsRequested("1"))) == []


# A talk of three


def joined(bench: Bench) -> tuple[CallId, CallId]:
    first, second = consulting(bench)
    bench.done.clear()
    bench.handle(ConferenceRequested())
    return first, second


def test_the_one_who_waits_joins_the_talk(bench: Bench) -> None:
    first, second = consulting(bench)
    commands = only(bench.handle(ConferenceRequested()), ResumeCall, ConnectAudio, JoinCalls)
    assert commands == [ResumeCall(first), ConnectAudio(first), JoinCalls((second, first))]
    assert bench.state is PhoneState.CONNECTED
    assert refusals(bench.handle(ConferenceRequested())) == ["The three of you talk already."]


def test_nobody_waits_who_could_join(bench: Bench) -> None:
    assert "Nobody waits" in refusals(bench.handle(ConferenceRequested()))[0]
    bench.handle(HoldRequested())
    assert "There is no talk" in refusals(bench.handle(ConferenceRequested()))[0]


def test_who_sends_us_on_cannot_join(bench: Bench) -> None:
    sent_on(bench)
    bench.far_answers()
    assert "Nobody waits" in refusals(bench.handle(ConferenceRequested()))[0]


def test_hold_and_resume_are_for_both(bench: Bench) -> None:
    first, second = joined(bench)
    assert only(bench.handle(HoldRequested()), HoldCall) == [HoldCall(second), HoldCall(first)]
    assert bench.state is PhoneState.HELD
    assert only(bench.handle(ResumeRequested()), ResumeCall) == [ResumeCall(second), ResumeCall(first)]
    assert bench.state is PhoneState.CONNECTED


def test_either_may_leave_and_the_talk_goes_on(bench: Bench) -> None:
    first, second = joined(bench)
    bench.handle(CallFinished(second, 0))
    assert (bench.state, bench.call_id, bench.phone.parked_id) == (PhoneState.CONNECTED, first, None)
    bench.handle(CallFinished(first, 0))
    assert bench.phone.call_id is None


def test_the_one_who_had_waited_leaves(bench: Bench) -> None:
    first, second = joined(bench)
    assert DisconnectAudio(first) in bench.handle(CallFinished(first, 0))
    assert (bench.state, bench.call_id, bench.phone.parked_id) == (PhoneState.CONNECTED, second, None)
    assert only(bench.handle(HoldRequested()), HoldCall) == [HoldCall(second)]


def test_replacing_the_handset_ends_the_talk_of_three(bench: Bench) -> None:
    first, second = joined(bench)
    assert set(only(bench.replace(), HangUp)) == {HangUp(first), HangUp(second)}


def test_the_two_may_be_left_to_each_other(bench: Bench) -> None:
    first, second = joined(bench)
    assert TransferCall(first, "", second) in bench.handle(TransferRequested())
