"""Lifting, dialling, flashing, buttons: what the person at the desk gets for it."""

import pytest

from device.model import CallId
from device.phone.commands import (
    AnswerCall,
    ConnectAudio,
    DisconnectAudio,
    HangUp,
    HoldCall,
    LogCall,
    PlaceCall,
    RejectCall,
    ResumeCall,
    SelectAudioPath,
    SendDigit,
    SetLamp,
    StartTone,
    StopRinger,
    StopTone,
)
from device.phone.events import DialRequested, DialStarted, HoldRequested, HookLifted, RegistrationUpdated
from device.phone.states import PhoneState
from tests.phone.bench import CALLER, Bench

# Lifting and dialling


def test_lifting_gives_dial_tone() -> None:
    bench = Bench()
    assert bench.lift() == [StartTone("DIAL")]
    assert bench.state is PhoneState.DIAL_TONE


def test_first_digit_stops_dial_tone() -> None:
    bench = Bench()
    bench.lift()
    assert bench.dial("1") == [StopTone()]
    assert bench.state is PhoneState.COLLECTING


def test_complete_number_is_called_at_once() -> None:
    bench = Bench(dial_plan="1xxx")
    bench.lift()
    assert bench.dial("1001")[1:] == [PlaceCall(bench.call_id, "1001"), SetLamp("in_call", "on")]
    assert bench.state is PhoneState.CALLING


def test_number_is_called_after_the_time_between_digits() -> None:
    bench = Bench()
    bench.lift()
    bench.dial("10")
    bench.wait(3.9)
    bench.dial("01")
    assert bench.wait(3.9) == []
    bench.wait(0.2)
    assert bench.placed() == ["1001"]


def test_hash_calls_at_once() -> None:
    bench = Bench()
    bench.lift()
    bench.dial("1001#")
    assert bench.placed() == ["1001"]


def test_number_is_rewritten_by_the_plan() -> None:
    bench = Bench(dial_plan="<0=+49>xxx")
    bench.lift()
    bench.dial("0123")
    assert bench.placed() == ["+49123"]


def test_number_that_cannot_be_gets_reorder() -> None:
    bench = Bench(dial_plan="1xxx")
    bench.lift()
    assert bench.dial("2") == [StartTone("REORDER")]
    assert bench.state is PhoneState.REORDER
    assert bench.dial("1001") == []


def test_incomplete_number_gets_reorder() -> None:
    bench = Bench(dial_plan="1xxx")
    bench.lift()
    bench.dial("10")
    assert bench.wait(4) == [StartTone("REORDER")]


def test_forgotten_handset_goes_from_dial_tone_to_silence() -> None:
    bench = Bench(first_digit_timeout_s=20.0, reorder_s=10.0, howler_s=60.0)
    bench.lift()
    assert bench.wait(20) == [StartTone("REORDER")]
    assert bench.wait(10) == [StartTone("HOWLER")]
    assert bench.wait(60) == [StopTone()]
    assert bench.state is PhoneState.HOWLER
    assert bench.phone.next_timeout() is None
    assert bench.replace() == []
    assert bench.state is PhoneState.IDLE


def test_rotary_dial_stops_dial_tone_as_soon_as_it_turns() -> None:
    bench = Bench()
    bench.lift()
    assert bench.handle(DialStarted(bench.now)) == [StopTone()]
    bench.wait(3)
    bench.handle(DialStarted(bench.now))
    bench.wait(3)
    bench.dial("1")
    bench.wait(4)
    assert bench.placed() == ["1"]


def test_rotary_dial_that_was_only_touched_gives_dial_tone_again() -> None:
    bench = Bench()
    bench.lift()
    bench.handle(DialStarted(bench.now))
    assert bench.wait(4) == [StartTone("DIAL")]


def test_digits_with_the_handset_down_mean_nothing() -> None:
    bench = Bench()
    assert bench.dial("112") == []
    assert bench.state is PhoneState.IDLE


def test_short_codes_come_from_settings_and_from_the_phone_book() -> None:
    bench = Bench(speed_dials="1=sip:door@example.org")
    bench.phone.set_speed_dials({"2": "1002"})
    for code in "12":
        bench.lift()
        bench.dial(code + "#")
        bench.replace()
    assert bench.placed() == ["sip:door@example.org", "1002"]


# Emergency


def test_emergency_number_is_called_at_once_and_unchanged() -> None:
    bench = Bench(dial_plan="<1=9>xxx|!112")
    bench.lift()
    assert PlaceCall(CallId("out-1"), "112", emergency=True) in bench.dial("112")


def test_emergency_call_is_not_given_up_or_cut_short() -> None:
    bench = Bench(no_answer_s=10.0, talk_limit_s=10.0)
    bench.lift()
    bench.dial("112")
    bench.wait(600)
    bench.far_answers()
    bench.wait(600)
    assert bench.state is PhoneState.CONNECTED


# Hotline and warmline


def test_hotline_is_called_as_soon_as_the_handset_is_lifted() -> None:
    bench = Bench(hotline="1001")
    assert bench.lift()[0] == PlaceCall(bench.call_id, "1001")
    assert bench.state is PhoneState.CALLING


def test_warmline_leaves_time_to_dial() -> None:
    bench = Bench(hotline="1001", hotline_delay_s=5.0)
    assert bench.lift() == [StartTone("DIAL")]
    bench.wait(5)
    assert bench.placed() == ["1001"]
    bench.replace()
    bench.lift()
    bench.wait(4)
    bench.dial("2#")
    bench.wait(4)
    assert bench.placed() == ["1001", "2"]


def test_warmline_is_off_again_when_the_handset_is_back() -> None:
    bench = Bench(hotline="1001", hotline_delay_s=5.0)
    bench.lift()
    bench.replace()
    bench.wait(10)
    assert bench.placed() == []


# Out of service


def test_phone_is_out_of_service_until_an_account_is_registered() -> None:
    bench = Bench(registered=False)
    assert bench.state is PhoneState.OUT_OF_SERVICE
    assert bench.handle(RegistrationUpdated(True)) == [SetLamp("registered", "on")]
    assert bench.state is PhoneState.IDLE
    assert bench.handle(RegistrationUpdated(False)) == [SetLamp("registered", "off")]
    assert bench.state is PhoneState.OUT_OF_SERVICE


def test_direct_calls_need_no_account() -> None:
    bench = Bench(registered=False, direct_calls=True)
    assert bench.state is PhoneState.IDLE
    assert bench.lift() == [StartTone("DIAL")]


@pytest.mark.parametrize("tone", ["BUSY", "REORDER", "HOWLER"])
def test_lifting_out_of_service_gives_its_own_tone(tone: str) -> None:
    bench = Bench(registered=False, out_of_service_tone=tone, reorder_s=20.0)
    assert bench.lift() == [StartTone(tone)]
    assert bench.wait(20) == [StopTone()]
    assert bench.replace() == []
    assert bench.state is PhoneState.OUT_OF_SERVICE
    assert bench.lift() == [StartTone(tone)]


def test_dial_tone_comes_and_goes_with_the_registration() -> None:
    bench = Bench(registered=False)
    bench.lift()
    assert StartTone("DIAL") in bench.handle(RegistrationUpdated(True))
    assert bench.handle(RegistrationUpdated(True)) == []
    assert StartTone("REORDER") in bench.handle(RegistrationUpdated(False))
    assert bench.handle(RegistrationUpdated(False)) == []


def test_only_emergency_numbers_can_be_dialled_out_of_service() -> None:
    bench = Bench(registered=False)
    bench.lift()
    bench.dial("2")
    assert bench.state is PhoneState.REORDER
    bench.replace()
    bench.lift()
    bench.dial("112")
    assert bench.placed() == ["112"]


def test_rotary_dial_can_call_for_help_out_of_service() -> None:
    bench = Bench(registered=False)
    assert bench.handle(DialStarted(bench.now)) == []
    bench.lift()
    for digit in "112":
        bench.handle(DialStarted(bench.now))
        bench.dial(digit)
    assert bench.placed() == ["112"]
    assert Bench(registered=False).dial("112") == []


def test_number_dialled_while_service_was_lost_gets_reorder() -> None:
    bench = Bench()
    bench.lift()
    bench.dial("1001")
    bench.handle(RegistrationUpdated(False))
    bench.wait(4)
    assert bench.placed() == []
    assert bench.state is PhoneState.REORDER


def test_number_begun_out_of_service_is_called_once_service_is_back() -> None:
    bench = Bench(registered=False)
    bench.lift()
    bench.dial("11")
    bench.handle(RegistrationUpdated(True))
    bench.wait(4)
    assert bench.placed() == ["11"]


def test_hotline_out_of_service_works_for_an_emergency_number_only() -> None:
    assert Bench(registered=False, hotline="1001").lift() == [StartTone("REORDER")]
    bench = Bench(registered=False, hotline="112")
    bench.lift()
    assert bench.placed() == ["112"]
    bench = Bench(registered=False, hotline="112", hotline_delay_s=3.0)
    bench.lift()
    bench.wait(3)
    assert bench.placed() == ["112"]


def test_warmline_for_help_is_off_again_when_the_handset_is_back() -> None:
    bench = Bench(registered=False, hotline="112", hotline_delay_s=3.0)
    bench.lift()
    bench.replace()
    bench.wait(10)
    assert bench.placed() == []


def test_warmline_that_lost_service_gets_reorder() -> None:
    bench = Bench(hotline="1001", hotline_delay_s=5.0)
    bench.lift()
    bench.handle(RegistrationUpdated(False))
    bench.wait(5)
    assert bench.state is PhoneState.REORDER
    assert bench.placed() == []


# Replacing the handset


def test_handset_back_stops_dialling() -> None:
    bench = Bench()
    bench.lift()
    assert bench.replace() == [StopTone()]
    bench.lift()
    bench.dial("10")
    assert bench.replace() == []
    bench.wait(60)
    assert bench.placed() == []
    assert bench.state is PhoneState.IDLE


def test_handset_back_cancels_a_call_that_was_not_answered() -> None:
    bench = Bench()
    bench.ringing_out()
    call_id = bench.call_id
    done = bench.replace()
    assert done[:2] == [StopTone(), HangUp(call_id)]
    assert bench.logged()[0].cause == "cancelled"
    assert bench.logged()[0].answered is None
    assert bench.state is PhoneState.IDLE


def test_handset_back_ends_the_talk() -> None:
    bench = Bench()
    bench.talking()
    call_id = bench.call_id
    bench.wait(35)
    assert bench.replace() == [
        HangUp(call_id),
        DisconnectAudio(call_id),
        LogCall(call_id, "out", "1001", "", 1000.0, 1000.0, 1035.0, "answered"),
        SetLamp("in_call", "off"),
    ]


def test_handset_back_from_busy_tone_gives_rest() -> None:
    bench = Bench()
    bench.calling()
    bench.far_ends(486)
    assert bench.replace() == [StopTone()]
    assert bench.state is PhoneState.IDLE


def test_hook_reported_twice_changes_nothing() -> None:
    bench = Bench()
    assert bench.replace() == []
    bench.lift()
    assert bench.lift() == []
    assert bench.state is PhoneState.DIAL_TONE


# Answering by hook, and glare


def test_lifting_answers_the_caller() -> None:
    bench = Bench()
    bench.offer()
    bench.wait(5)
    done = bench.lift()
    assert done[:3] == [StopRinger(), AnswerCall(bench.call_id), ConnectAudio(bench.call_id)]
    assert bench.state is PhoneState.CONNECTED


def test_lift_that_came_before_the_call_finds_the_line_busy_for_the_caller() -> None:
    """Both orders of arrival give the same: who lifted first wants to dial."""
    late_news, early_news = Bench(), Bench()
    late_news.now += 0.1
    late_news.offer()
    late = late_news.handle(HookLifted(late_news.now - 0.05))
    early_news.lift()
    early = early_news.offer()
    for bench, done in ((late_news, late), (early_news, early)):
        assert RejectCall("in-1", 486) in done
        assert bench.state is PhoneState.DIAL_TONE
        assert bench.tone == "DIAL"
        assert [record.cause for record in bench.logged()] == ["busy"]
        assert bench.phone.snapshot().missed_calls == 1


@pytest.mark.parametrize("stamp", [1000.0, 1000.02, 999.0, 0.0, 5e9])
def test_lift_at_the_moment_of_the_call_or_by_a_strange_clock_answers(stamp: float) -> None:
    bench = Bench()
    bench.offer()
    bench.handle(HookLifted(stamp))
    assert bench.state is PhoneState.CONNECTED


def test_caller_who_gave_up_just_before_the_lift_leaves_dial_tone() -> None:
    bench = Bench()
    bench.offer()
    bench.far_ends(487)
    assert StartTone("DIAL") in bench.lift()
    assert bench.logged()[0].cause == "missed"


def test_lift_and_auto_answer_at_the_same_moment_answer_once() -> None:
    bench = Bench(auto_answer="always", auto_answer_delay_s=3.0)
    bench.offer()
    bench.now += 3.0
    bench.lift()
    bench.wait(0)
    assert [type(c) for c in bench.done].count(AnswerCall) == 1


def test_lift_after_ringing_timed_out_at_the_same_moment_gives_dial_tone() -> None:
    bench = Bench(ring_timeout_s=30.0)
    bench.offer()
    bench.wait(30)
    bench.lift()
    assert bench.state is PhoneState.DIAL_TONE


# Flash


def test_flash_holds_and_resumes() -> None:
    bench = Bench()
    bench.talking()
    assert bench.flash() == [HoldCall(bench.call_id), SetLamp("in_call", "blink")]
    assert bench.state is PhoneState.HELD
    assert bench.flash() == [ResumeCall(bench.call_id), SetLamp("in_call", "on")]
    assert bench.state is PhoneState.CONNECTED


def test_flash_gives_fresh_dial_tone() -> None:
    bench = Bench(dial_plan="1xxx")
    bench.lift()
    bench.dial("10")
    assert bench.flash() == [StartTone("DIAL")]
    bench.dial("5")
    assert bench.state is PhoneState.REORDER
    assert bench.flash() == [StartTone("DIAL")]
    bench.dial("1001")
    bench.far_ends(486)
    assert bench.flash() == [StartTone("DIAL")]
    bench.wait(100)
    assert bench.state is PhoneState.HOWLER
    assert bench.flash() == [StartTone("DIAL")]


def test_flash_means_nothing_where_it_is_switched_off() -> None:
    bench = Bench(flash=False)
    bench.talking()
    assert bench.flash() == []
    bench.handle(HoldRequested())
    assert bench.flash() == []
    assert bench.state is PhoneState.HELD
    bench.far_ends()
    assert bench.flash() == []
    assert bench.state is PhoneState.BUSY_TONE


def test_held_call_ends_with_the_handset() -> None:
    bench = Bench()
    bench.talking()
    bench.flash()
    assert bench.replace()[0] == HangUp("out-1")


# Digits within a call


def test_digits_of_a_talk_go_to_the_far_end() -> None:
    bench = Bench()
    bench.talking()
    assert bench.dial("5#") == [SendDigit(bench.call_id, "5"), SendDigit(bench.call_id, "#")]


def test_digits_to_an_announcement_before_the_answer_are_sent() -> None:
    bench = Bench()
    bench.calling()
    bench.far_rings()
    assert bench.dial("1") == []
    bench.far_rings(early_media=True)
    assert bench.dial("1") == [SendDigit(bench.call_id, "1")]


# Taking over


def test_handset_takes_over_from_hands_free() -> None:
    bench = Bench()
    bench.talking_hands_free()
    assert bench.phone.snapshot().audio_path == "loudspeaker"
    assert bench.lift() == [SelectAudioPath("handset")]
    assert bench.state is PhoneState.CONNECTED
    assert bench.replace()[0] == HangUp("in-1")


def test_handset_takes_over_a_call_that_is_not_yet_answered() -> None:
    bench = Bench()
    bench.handle(DialRequested("1001"))
    assert bench.lift() == [SelectAudioPath("handset")]
    bench.far_rings()
    assert bench.tone == "RINGBACK"


def test_lifting_takes_a_call_off_hold() -> None:
    bench = Bench()
    bench.talking_hands_free()
    bench.handle(HoldRequested())
    assert ResumeCall("in-1") in bench.lift()
    assert bench.state is PhoneState.CONNECTED


def test_lifting_during_the_tone_of_a_failed_call_gives_dial_tone() -> None:
    bench = Bench()
    bench.handle(DialRequested("1001"))
    bench.far_ends(486)
    assert bench.lift() == [SelectAudioPath("handset"), StartTone("DIAL")]


# Buttons


def test_button_calls_hands_free_and_ends_when_pressed_again() -> None:
    bench = Bench(button_targets="door=1001,bell=1002")
    done = bench.press("bell")
    assert done[:2] == [SelectAudioPath("loudspeaker"), PlaceCall("out-1", "1002")]
    bench.wait(5)
    bench.far_answers()
    assert bench.press("door") == []
    assert HangUp("out-1") in bench.press("bell")
    assert bench.state is PhoneState.IDLE


def test_impatient_second_press_does_not_end_the_call() -> None:
    bench = Bench(button_targets="door=1001", button_guard_s=2.0)
    bench.press("door")
    bench.wait(1.9)
    assert bench.press("door") == []
    bench.wait(0.1)
    assert HangUp("out-1") in bench.press("door")


def test_button_without_target_or_unknown_calls_nobody() -> None:
    bench = Bench(button_targets="ear=")
    assert bench.press("ear") == []
    assert bench.press("nose") == []


def test_button_tries_its_targets_one_after_the_other() -> None:
    bench = Bench(button_targets="door=1001>1002>1003", button_step_s=30.0)
    bench.press("door")
    bench.far_rings()
    bench.wait(30)
    assert bench.state is PhoneState.CALLING
    bench.far_ends(486)
    assert bench.placed() == ["1001", "1002", "1003"]
    bench.far_rings()
    bench.wait(30)
    assert bench.state is PhoneState.REORDER
    assert [record.cause for record in bench.logged()] == ["no answer", "busy", "no answer"]
    bench.wait(4)
    assert bench.state is PhoneState.IDLE


def test_button_answers_a_caller_and_ends_that_call() -> None:
    bench = Bench(button_targets="ear=")
    bench.offer()
    assert bench.press("nose") == []
    bench.wait(5)
    assert AnswerCall("in-1") in bench.press("ear")
    assert bench.press("ear") == []
    bench.wait(2)
    assert HangUp("in-1") in bench.press("ear")


def test_button_out_of_service_lets_the_visitor_hear_it() -> None:
    bench = Bench(registered=False, button_targets="door=1001,sos=1001>112")
    assert bench.press("door") == [SelectAudioPath("loudspeaker"), StartTone("REORDER")]
    bench.wait(4)
    assert bench.state is PhoneState.OUT_OF_SERVICE
    bench.press("sos")
    assert bench.placed() == ["112"]


def test_button_with_the_handset_lifted_calls_by_handset() -> None:
    bench = Bench(button_targets="door=1001")
    bench.lift()
    assert bench.press("door")[0] == StopTone()
    assert bench.phone.snapshot().audio_path == "handset"
    bench.wait(3)
    bench.press("door")
    assert bench.state is PhoneState.DIAL_TONE


def test_button_does_not_break_into_dialling() -> None:
    bench = Bench(button_targets="door=1001")
    bench.lift()
    bench.dial("1")
    assert bench.press("door") == []


def test_caller_is_shown() -> None:
    bench = Bench()
    bench.offer(name="Ada")
    shown = bench.phone.snapshot().call
    assert shown is not None
    assert (shown.remote, shown.remote_name, shown.direction) == (CALLER, "Ada", "in")
