"""What calls do to the phone: ringing, progress, failure, the end, and the door."""

import logging

import pytest

from device.model import CallId
from device.phone.commands import (
    AnswerCall,
    ConnectAudio,
    DisconnectAudio,
    HangUp,
    LogCall,
    PlaceCall,
    PulseRelay,
    RejectCall,
    SelectAudioPath,
    SendRinging,
    SetLamp,
    StartRinger,
    StartTone,
    StopRinger,
    StopTone,
)
from device.phone.events import (
    CallAnswered,
    CallFinished,
    CallOffered,
    CallRang,
    DialRequested,
    HoldRequested,
    MediaLost,
    MessagesUpdated,
    RegistrationUpdated,
    TransferRequested,
)
from device.phone.states import PhoneState
from tests.phone.bench import CALLER, Bench

# Outgoing


def test_far_end_rings_then_answers() -> None:
    bench = Bench()
    bench.calling()
    assert bench.far_rings() == [StartTone("RINGBACK")]
    assert bench.state is PhoneState.RINGBACK
    assert bench.far_answers() == [StopTone(), ConnectAudio("out-1")]
    assert bench.state is PhoneState.CONNECTED


def test_far_end_answers_without_ringing() -> None:
    bench = Bench()
    bench.calling()
    assert bench.far_answers() == [ConnectAudio("out-1")]


def test_early_media_is_heard_instead_of_local_ringback() -> None:
    bench = Bench()
    bench.calling()
    assert bench.far_rings(early_media=True) == [ConnectAudio("out-1")]
    assert bench.far_rings() == []
    assert bench.far_answers() == []


def test_early_media_after_ringing_stops_local_ringback() -> None:
    bench = Bench()
    bench.ringing_out()
    assert bench.far_rings(early_media=True) == [StopTone(), ConnectAudio("out-1")]


def test_our_own_ringback_follows_what_is_heard() -> None:
    bench = Bench()
    bench.calling()
    call_id = bench.call_id
    assert bench.handle(CallRang(call_id, True, True))[0] == ConnectAudio(call_id)
    assert bench.phone.snapshot().tone == "RINGBACK"
    assert bench.handle(CallRang(call_id, True, False)) == [StopTone()]
    assert bench.handle(CallRang(call_id, True, True)) == [StartTone("RINGBACK")]


@pytest.mark.parametrize(
    ("status", "tone", "cause"),
    [
        (486, "BUSY", "busy"),
        (600, "BUSY", "busy"),
        (404, "SPECIAL_INFORMATION", "failed 404"),
        (484, "SPECIAL_INFORMATION", "failed 484"),
        (403, "REORDER", "rejected 403"),
        (603, "REORDER", "rejected 603"),
        (408, "REORDER", "no answer"),
        (480, "REORDER", "unavailable"),
        (0, "REORDER", "failed"),
    ],
)
@pytest.mark.parametrize("ringing", [False, True])
def test_failure_gives_its_tone_then_howler(status: int, tone: str, cause: str, ringing: bool) -> None:
    bench = Bench(busy_tone_s=10.0, reorder_s=10.0)
    bench.calling()
    if ringing:
        bench.far_rings()
    bench.far_ends(status)
    assert bench.tone == tone
    assert bench.logged()[-1].cause == cause
    assert bench.wait(10) == [StartTone("HOWLER")]


def test_failure_with_the_handset_down_gives_a_short_tone() -> None:
    bench = Bench(hands_free_tone_s=4.0)
    bench.handle(DialRequested("1001"))
    assert StartTone("BUSY") in bench.far_ends(486)
    assert bench.wait(4) == [StopTone()]
    assert bench.state is PhoneState.IDLE


@pytest.mark.parametrize("ringing", [False, True])
def test_call_that_nobody_answers_is_given_up(ringing: bool) -> None:
    bench = Bench(no_answer_s=60.0)
    bench.calling()
    bench.wait(20)
    if ringing:
        bench.far_rings()
    bench.wait(39)
    assert bench.tone in ("RINGBACK", "")
    assert HangUp("out-1") in bench.wait(1)
    assert bench.tone == "REORDER"
    assert bench.logged()[-1].cause == "no answer"


def test_patience_may_be_endless() -> None:
    bench = Bench(no_answer_s=0.0)
    bench.calling()
    assert bench.phone.next_timeout() is None


# Incoming


def test_caller_makes_the_phone_ring() -> None:
    bench = Bench(ring_pattern="internal")
    assert bench.offer() == [SendRinging("in-1"), StartRinger("internal"), SetLamp("ringing", "blink")]
    assert bench.state is PhoneState.ALERTING
    assert bench.phone.snapshot().ringing


def test_caller_who_gives_up_was_missed() -> None:
    bench = Bench()
    bench.offer()
    bench.wait(10)
    assert bench.far_ends(487) == [
        StopRinger(),
        LogCall("in-1", "in", CALLER, "", 1000.0, None, 1010.0, "missed", missed=True),
        SetLamp("ringing", "off"),
        SetLamp("missed", "blink"),
    ]
    assert bench.state is PhoneState.IDLE
    assert SetLamp("missed", "off") in bench.lift()


def test_call_taken_elsewhere_is_not_missed() -> None:
    bench = Bench()
    bench.offer()
    bench.far_ends(487, elsewhere=True)
    assert bench.logged()[0].cause == "answered elsewhere"
    assert bench.phone.snapshot().missed_calls == 0


def test_ringing_ends_after_its_time() -> None:
    bench = Bench(ring_timeout_s=30.0)
    bench.offer()
    done = bench.wait(30)
    assert done[:2] == [StopRinger(), RejectCall("in-1", 480)]
    assert bench.logged()[0].missed


def test_ringing_may_be_endless() -> None:
    bench = Bench(ring_timeout_s=0.0)
    bench.offer()
    assert bench.phone.next_timeout() is None


def test_call_is_answered_out_of_service_too() -> None:
    """A registrar that is away for a moment may still send us calls."""
    bench = Bench(registered=False)
    bench.offer()
    bench.lift()
    assert bench.state is PhoneState.CONNECTED
    bench.replace()
    assert bench.state is PhoneState.OUT_OF_SERVICE
    bench.lift()
    assert RejectCall("in-2", 486) in bench.offer()


@pytest.mark.parametrize("state", list(PhoneState))
def test_second_caller_is_told_that_the_line_is_busy(state: PhoneState) -> None:
    bench = _bench_in(state)
    if bench.state in (PhoneState.IDLE,):
        bench.offer()
    before = bench.state
    done = bench.offer("sip:1003@pbx.example")
    assert RejectCall(_last_offer(bench), 486) in done
    assert bench.state is before
    record = bench.logged()[-1]
    assert (record.remote, record.cause, record.missed) == ("sip:1003@pbx.example", "busy", True)


def _last_offer(bench: Bench) -> CallId:
    return [command.call_id for command in bench.done if isinstance(command, RejectCall)][-1]


def _bench_in(state: PhoneState) -> Bench:
    """A bench with the handset lifted where the state allows it."""
    bench = Bench(registered=state is not PhoneState.OUT_OF_SERVICE, dial_plan="1xxx")
    if state is PhoneState.ALERTING:
        bench.offer()
    elif state is not PhoneState.IDLE:
        bench.lift()
    if state not in (PhoneState.ALERTING, PhoneState.IDLE, PhoneState.DIAL_TONE, PhoneState.OUT_OF_SERVICE):
        bench.dial("1")
    steps = {
        PhoneState.CALLING: [lambda: bench.dial("001")],
        PhoneState.RINGBACK: [lambda: bench.dial("001"), bench.far_rings],
        PhoneState.CONNECTED: [lambda: bench.dial("001"), bench.far_answers],
        PhoneState.HELD: [lambda: bench.dial("001"), bench.far_answers, bench.flash],
        PhoneState.TRANSFERRING: [
            lambda: bench.dial("001"),
            bench.far_answers,
            lambda: bench.handle(TransferRequested("1002")),
        ],
        PhoneState.BUSY_TONE: [lambda: bench.dial("001"), lambda: bench.far_ends(486)],
        PhoneState.REORDER: [lambda: bench.wait(4)],
        PhoneState.HOWLER: [lambda: bench.wait(24)],
    }
    for step in steps.get(state, []):
        step()
    assert bench.state is state
    return bench


def test_same_offer_again_is_no_second_caller() -> None:
    bench = Bench()
    bench.offer()
    assert bench.handle(CallOffered(bench.call_id, CALLER)) == []


def test_caller_during_the_tone_of_a_failed_hands_free_call_rings() -> None:
    bench = Bench()
    bench.handle(DialRequested("1001"))
    bench.far_ends(404)
    done = bench.offer()
    assert done[0] == StopTone()
    assert StartRinger("default") in done


def test_news_of_a_call_that_is_over_changes_nothing() -> None:
    bench = Bench()
    bench.calling()
    call_id = bench.call_id
    bench.replace()
    assert bench.handle(CallRang(call_id)) == []
    assert bench.handle(CallAnswered(call_id)) == []
    assert bench.handle(CallFinished(call_id, 487, local=True)) == []
    assert len(bench.logged()) == 1


# The end of a talk


@pytest.mark.parametrize("tone", ["BUSY", "REORDER"])
def test_far_end_hangs_up_on_a_lifted_handset(tone: str) -> None:
    bench = Bench(hang_up_tone=tone, busy_tone_s=20.0, reorder_s=20.0)
    bench.talking()
    done = bench.far_ends()
    assert done[0] == DisconnectAudio("out-1")
    assert StartTone(tone) in done
    assert HangUp("out-1") not in done
    assert bench.logged()[-1].cause == "answered"
    assert bench.wait(20) == [StartTone("HOWLER")]


def test_far_end_hangs_up_hands_free() -> None:
    bench = Bench()
    bench.talking_hands_free()
    bench.far_ends()
    assert bench.state is PhoneState.IDLE
    assert bench.tone == ""


def test_held_far_end_hangs_up() -> None:
    bench = Bench()
    bench.talking()
    bench.flash()
    bench.far_ends(408)
    assert bench.tone == "BUSY"
    assert bench.logged()[-1].cause == "no answer"


def test_dead_call_is_ended() -> None:
    bench = Bench()
    bench.talking()
    assert HangUp("out-1") in bench.handle(MediaLost(bench.call_id))
    assert bench.logged()[-1].cause == "no media"
    assert bench.state is PhoneState.BUSY_TONE


def test_silence_on_hold_is_no_dead_call() -> None:
    bench = Bench()
    bench.talking()
    bench.flash()
    assert bench.handle(MediaLost(bench.call_id)) == []


def test_longest_talk_counts_time_on_hold() -> None:
    bench = Bench(talk_limit_s=60.0)
    bench.talking()
    bench.wait(30)
    bench.flash()
    bench.wait(10)
    bench.flash()
    bench.wait(19.9)
    assert bench.state is PhoneState.CONNECTED
    assert HangUp("out-1") in bench.wait(0.1)


def test_registration_lost_in_a_call_shows_after_it() -> None:
    bench = Bench()
    bench.talking()
    assert bench.handle(RegistrationUpdated(False)) == [SetLamp("registered", "off")]
    bench.replace()
    assert bench.state is PhoneState.OUT_OF_SERVICE


# Auto answer


def test_auto_answer_is_off_by_default() -> None:
    bench = Bench()
    bench.offer(auto_answer_after_s=0.0)
    assert bench.state is PhoneState.ALERTING


def test_auto_answer_at_once_does_not_ring() -> None:
    bench = Bench(auto_answer="always")
    assert bench.offer() == [
        SelectAudioPath("loudspeaker"),
        AnswerCall("in-1"),
        ConnectAudio("in-1"),
        StartTone("CONFIRMATION"),
        SetLamp("in_call", "on"),
    ]
    assert bench.wait(0.5) == [StopTone()]
    bench.far_ends()
    assert bench.state is PhoneState.IDLE


def test_auto_answer_after_a_delay_rings_first() -> None:
    bench = Bench(auto_answer="always", auto_answer_delay_s=3.0, auto_answer_beep=False)
    assert SendRinging("in-1") in bench.offer()
    assert bench.wait(3) == [
        StopRinger(),
        SelectAudioPath("loudspeaker"),
        AnswerCall("in-1"),
        ConnectAudio("in-1"),
        SetLamp("ringing", "off"),
        SetLamp("in_call", "on"),
    ]


def test_handset_takes_over_an_auto_answered_call() -> None:
    bench = Bench(auto_answer="always")
    bench.offer()
    assert SelectAudioPath("handset") in bench.lift()
    bench.far_ends()
    assert bench.tone == "BUSY"


def test_auto_answer_on_the_callers_request() -> None:
    bench = Bench(auto_answer="header", auto_answer_delay_s=1.0)
    bench.offer()
    assert bench.state is PhoneState.ALERTING
    bench.far_ends(487)
    bench.offer(auto_answer_after_s=2.0)
    bench.wait(1.9)
    assert bench.state is PhoneState.ALERTING
    bench.wait(0.1)
    assert bench.state is PhoneState.CONNECTED


def test_callers_request_does_not_shorten_our_own_delay() -> None:
    bench = Bench(auto_answer="header", auto_answer_delay_s=5.0)
    bench.offer(auto_answer_after_s=0.0)
    bench.wait(4.9)
    assert bench.state is PhoneState.ALERTING
    bench.wait(0.1)
    assert bench.state is PhoneState.CONNECTED


def test_beep_of_one_call_is_not_heard_in_the_next() -> None:
    bench = Bench(auto_answer="always")
    bench.offer()
    bench.far_ends()
    bench.talking()
    assert bench.tone == ""


def test_auto_answer_for_some_callers_only() -> None:
    bench = Bench(auto_answer="always", auto_answer_callers="1002,sip:boss@example.org")
    bench.offer("sip:1003@pbx.example")
    assert bench.state is PhoneState.ALERTING
    bench.far_ends(487)
    bench.offer("sip:boss@example.org")
    assert bench.state is PhoneState.CONNECTED


# The door


@pytest.mark.parametrize("incoming", [False, True])
def test_door_opens_by_code_in_calls_of_both_directions(incoming: bool) -> None:
    bench = Bench(door_code="1234", door_relay="gate", door_open_s=1.5)
    if incoming:
        bench.talking_hands_free()
    else:
        bench.talking()
    assert bench.hear("123") == []
    assert bench.hear("4") == [PulseRelay("gate", 1.5), StartTone("CONFIRMATION")]
    assert bench.wait(0.5) == [StopTone()]


def test_door_opens_on_hold() -> None:
    bench = Bench(door_code="12")
    bench.talking_hands_free()
    bench.handle(HoldRequested())
    assert PulseRelay("door", 3.0) in bench.hear("12")


def test_door_stays_shut_before_the_answer() -> None:
    bench = Bench(door_code="12")
    bench.calling()
    bench.far_rings(early_media=True)
    assert bench.hear("12") == []


def test_door_opens_for_some_only() -> None:
    bench = Bench(door_code="12", door_callers="1001")
    bench.talking_hands_free()
    assert bench.hear("12") == []
    bench.far_ends()
    bench.talking()
    assert PulseRelay("door", 3.0) in bench.hear("12")


@pytest.mark.parametrize("incoming", [False, True])
def test_half_a_code_does_not_count_in_the_next_call(incoming: bool) -> None:
    bench = Bench(door_code="1234")
    bench.talking_hands_free()
    bench.hear("12")
    bench.far_ends()
    if incoming:
        bench.talking_hands_free()
    else:
        bench.talking()
    assert bench.hear("34") == []


def test_call_may_end_after_the_door_was_opened() -> None:
    bench = Bench(door_code="12", door_hang_up_s=2.0)
    bench.talking_hands_free()
    bench.hear("12")
    assert HangUp("in-1") in bench.wait(2)
    assert bench.state is PhoneState.IDLE


def test_wrong_codes_are_reported_without_showing_them(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(door_code="9876", door_tries=2)
    bench.talking_hands_free()
    with caplog.at_level(logging.DEBUG):
        bench.hear("77777777")
        bench.hear("9876")
    assert [r.levelname for r in caplog.records if "too many wrong door codes" in r.message] == ["WARNING"]
    assert not any(digit in message for digit in "789" for message in caplog.messages)
    assert not any(isinstance(command, PulseRelay) for command in bench.done)


def test_a_caller_who_will_not_ring() -> None:
    """RFC 5373: Answer-Mode: Auto;require is turned away where the phone does not answer by itself."""
    for auto_answer, state in (("off", PhoneState.IDLE), ("header", PhoneState.CONNECTED)):
        bench = Bench(auto_answer=auto_answer)
        commands = bench.handle(CallOffered(CallId("in-1"), CALLER, "", 0.0, auto_answer_required=True))
        assert bench.state is state
        assert (RejectCall(CallId("in-1"), 403) in commands) is (state is PhoneState.IDLE)
    assert Bench().handle(CallOffered(CallId("in-1"), CALLER, "", 0.0, auto_answer_required=False))


@pytest.mark.parametrize(("distinctive", "cadence"), [(True, "internal"), (False, "door")])
def test_the_caller_may_choose_the_cadence(distinctive: bool, cadence: str) -> None:
    bench = Bench(distinctive_ring=distinctive, ring_pattern="door")
    commands = bench.handle(CallOffered(CallId("in-1"), CALLER, alert="internal"))
    assert StartRinger(cadence) in commands


def test_digits_before_a_number_withhold_ours() -> None:
    bench = Bench(anonymous_prefix="*31")
    bench.lift()
    commands = bench.dial("*311001#")
    placed = [command for command in commands if isinstance(command, PlaceCall)]
    assert placed == [PlaceCall(bench.call_id, "1001", anonymous=True)]
    bench.replace()
    bench.lift()
    commands = bench.dial("*31112#")
    assert [command for command in commands if isinstance(command, PlaceCall)] == [
        PlaceCall(bench.call_id, "112", emergency=True)
    ]
    bench = Bench()
    commands = bench.handle(DialRequested("1001", anonymous=True))
    assert PlaceCall(bench.call_id, "1001", anonymous=True) in commands


def test_waiting_messages_make_the_dial_tone_stutter() -> None:
    bench = Bench()
    bench.handle(MessagesUpdated(True))
    bench.lift()
    assert bench.tone == "MESSAGE_WAITING"
    bench.handle(MessagesUpdated(False))
    assert bench.tone == "DIAL"
