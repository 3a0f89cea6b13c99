"""Requests from the control socket: carried out, or refused with a reason; never silently dropped."""

import pytest

from device.model import CallId
from device.phone.commands import (
    AnswerCall,
    HangUp,
    HoldCall,
    RejectCall,
    ResumeCall,
    SelectAudioPath,
    SendDigit,
    SetLamp,
    StartTone,
    StopRinger,
)
from device.phone.events import (
    AnswerRequested,
    DialRequested,
    DigitsRequested,
    HangupRequested,
    HoldRequested,
    MessagesUpdated,
    MissedCallsSeen,
    RequestEvent,
    ResumeRequested,
)
from device.phone.states import PhoneState
from tests.phone.bench import Bench, refusals

# Dialling


def test_request_calls_hands_free() -> None:
    bench = Bench()
    assert bench.handle(DialRequested("1001"))[0] == SelectAudioPath("loudspeaker")
    assert bench.placed() == ["1001"]
    bench.far_rings()
    assert bench.tone == "RINGBACK"


@pytest.mark.parametrize(
    ("target", "called"),
    [
        (" sip:ada@example.org ", "sip:ada@example.org"),
        ("10.0.0.5", "10.0.0.5"),
        ("ada", "ada"),
        ("0123", "+49123"),
        ("0 (1) 2/3-", "+49123"),
        ("112", "112"),
        ("7", "sip:door@example.org"),
        ("FRONT door", "1002"),
    ],
)
def test_what_may_be_asked_for(target: str, called: str) -> None:
    bench = Bench(dial_plan="<0=+49>xxx", speed_dials="7=sip:door@example.org")
    bench.phone.set_speed_dials({"Front Door": "1002", "112": "hoax"})
    assert refusals(bench.handle(DialRequested(target))) == []
    assert bench.placed() == [called]


@pytest.mark.parametrize(
    ("target", "words"), [("  ", "nothing to dial"), ("2", "The dial plan does not allow 2."), ("+1", "does not allow")]
)
def test_what_may_not_be_asked_for(target: str, words: str) -> None:
    bench = Bench(dial_plan="1xxx")
    assert words in refusals(bench.handle(DialRequested(target)))[0]
    assert bench.state is PhoneState.IDLE


@pytest.mark.parametrize("target", ["1001", "sip:ada@example.org"])
def test_out_of_service_only_emergency_numbers_may_be_asked_for(target: str) -> None:
    bench = Bench(registered=False)
    assert "No account is registered" in refusals(bench.handle(DialRequested(target)))[0]
    assert bench.handle(DialRequested("112"))
    assert bench.placed() == ["112"]


def test_request_with_the_handset_lifted_calls_by_handset() -> None:
    bench = Bench()
    bench.lift()
    bench.dial("12")
    bench.handle(DialRequested("1001"))
    assert bench.placed() == ["1001"]
    bench.wait(10)
    assert bench.placed() == ["1001"]
    assert bench.phone.snapshot().audio_path == "handset"


def test_request_while_a_tone_tells_of_the_last_call() -> None:
    bench = Bench()
    bench.calling()
    bench.far_ends(486)
    bench.handle(DialRequested("1002"))
    bench.far_ends(404)
    bench.handle(DialRequested("1003"))
    bench.replace()
    assert bench.placed() == ["1001", "1002", "1003"]


def test_no_second_call() -> None:
    bench = Bench()
    bench.offer()
    assert "There is a call already (in-1)" in refusals(bench.handle(DialRequested("1001")))[0]


# Answering and ending


def test_request_answers_hands_free() -> None:
    bench = Bench()
    bench.offer()
    done = bench.handle(AnswerRequested(CallId("in-1")))
    assert done[:3] == [StopRinger(), SelectAudioPath("loudspeaker"), AnswerCall("in-1")]
    assert bench.state is PhoneState.CONNECTED


def test_request_declines_a_caller() -> None:
    bench = Bench(decline_status=603)
    bench.offer()
    assert RejectCall("in-1", 603) in bench.handle(HangupRequested())
    assert (bench.logged()[0].cause, bench.logged()[0].missed) == ("declined", False)


def test_request_ends_a_call() -> None:
    bench = Bench()
    bench.talking_hands_free()
    assert HangUp("in-1") in bench.handle(HangupRequested())
    assert bench.state is PhoneState.IDLE


def test_request_ends_a_call_of_a_lifted_handset_which_gets_dial_tone() -> None:
    bench = Bench(hotline="1001")
    bench.lift()
    bench.handle(HangupRequested())
    assert bench.state is PhoneState.DIAL_TONE
    assert bench.placed() == ["1001"]


def test_request_stops_a_tone() -> None:
    bench = Bench()
    bench.handle(DialRequested("1001"))
    bench.far_ends(486)
    assert refusals(bench.handle(HangupRequested())) == []
    assert bench.tone == ""
    bench.lift()
    bench.wait(60)
    assert bench.tone == "HOWLER"
    bench.handle(HangupRequested())
    assert (bench.tone, bench.state) == ("", PhoneState.HOWLER)


def test_request_forgets_what_was_dialled() -> None:
    bench = Bench()
    bench.lift()
    bench.dial("12")
    assert bench.handle(HangupRequested()) == [StartTone("DIAL")]


# Digits


def test_request_dials_digits() -> None:
    bench = Bench(dial_plan="1xxx")
    bench.lift()
    bench.handle(DigitsRequested("10"))
    assert bench.state is PhoneState.COLLECTING
    bench.handle(DigitsRequested("0199"))
    assert bench.placed() == ["1001"]


def test_requested_digits_begin_a_new_number_at_dial_tone() -> None:
    bench = Bench()
    bench.lift()
    bench.dial("10")
    bench.flash()
    bench.handle(DigitsRequested("2#"))
    assert bench.placed() == ["2"]


def test_request_sends_digits() -> None:
    bench = Bench()
    bench.talking()
    assert bench.handle(DigitsRequested("1#", CallId("out-1"))) == [SendDigit("out-1", "1"), SendDigit("out-1", "#")]


@pytest.mark.parametrize("digits", ["", "x", "1 2", "1" * 65])
@pytest.mark.parametrize("talking", [True, False])
def test_bad_digits_are_refused(digits: str, talking: bool) -> None:
    bench = Bench()
    if talking:
        bench.talking()
    else:
        bench.lift()
    before = bench.state
    assert "Digits are 1 to 64 of" in refusals(bench.handle(DigitsRequested(digits)))[0]
    assert bench.state is before


def test_digits_wait_for_sound() -> None:
    bench = Bench()
    bench.ringing_out()
    assert refusals(bench.handle(DigitsRequested("1"))) == ["The far end has not answered yet."]
    bench.far_rings(early_media=True)
    assert bench.handle(DigitsRequested("1")) == [SendDigit("out-1", "1")]


def test_digits_need_a_lifted_handset_out_of_service() -> None:
    bench = Bench(registered=False)
    assert "handset is down" in refusals(bench.handle(DigitsRequested("112")))[0]
    bench.lift()
    bench.handle(DigitsRequested("112"))
    assert bench.placed() == ["112"]


# Hold


def test_request_holds_and_resumes() -> None:
    bench = Bench(flash=False)
    bench.talking_hands_free()
    assert HoldCall("in-1") in bench.handle(HoldRequested())
    assert refusals(bench.handle(HoldRequested()))
    shown = bench.phone.snapshot().call
    assert shown is not None
    assert shown.held
    assert ResumeCall("in-1") in bench.handle(ResumeRequested())
    assert refusals(bench.handle(ResumeRequested())) == ["No call is on hold."]


@pytest.mark.parametrize(
    "request_event", [AnswerRequested(), HangupRequested(), DigitsRequested("1"), HoldRequested(), ResumeRequested()]
)
def test_request_at_rest_is_refused_with_a_sentence(request_event: RequestEvent) -> None:
    reasons = refusals(Bench().handle(request_event))
    assert len(reasons) == 1
    assert reasons[0].endswith(".")


def test_request_for_another_call_is_refused() -> None:
    bench = Bench()
    bench.talking()
    assert refusals(bench.handle(HangupRequested(CallId("in-7")))) == [
        "There is no call in-7; `offhook status` shows the calls there are."
    ]
    assert bench.state is PhoneState.CONNECTED


# News


def test_lamps_for_messages_and_missed_calls() -> None:
    bench = Bench()
    assert bench.handle(MessagesUpdated(True)) == [SetLamp("message", "on")]
    assert bench.handle(MessagesUpdated(False)) == [SetLamp("message", "off")]
    bench.offer()
    bench.far_ends(487)
    assert bench.handle(MissedCallsSeen()) == [SetLamp("missed", "off")]
