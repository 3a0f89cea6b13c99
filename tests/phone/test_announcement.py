"""A file that callers hear before anybody is disturbed: then it rings, or the phone answers by itself."""

import pytest

from device.phone.commands import (
    Announce,
    AnswerCall,
    ConnectAudio,
    LogCall,
    RejectCall,
    SendRinging,
    SetLamp,
    StartRinger,
)
from device.phone.events import AnnouncementBegun
from device.phone.settings import PhoneSettings
from device.phone.states import PhoneState
from tests.phone.bench import Bench

PATH = "/announcement.wav"


def announcing(seconds: float = 5.0, auto_answer_after_s: float | None = None, **settings: str | float) -> Bench:
    bench = Bench(announcement=PATH, **settings)
    assert bench.offer(auto_answer_after_s=auto_answer_after_s) == [Announce(bench.call_id, PATH)]
    bench.handle(AnnouncementBegun(bench.call_id, seconds))
    return bench


def test_the_bell_waits_until_it_has_been_heard() -> None:
    bench = announcing(5.0)
    assert bench.state is PhoneState.ALERTING
    assert bench.wait(4.9) == []
    assert not bench.phone.snapshot().ringing
    assert bench.wait(0.2) == [SendRinging("in-1"), StartRinger("default"), SetLamp("ringing", "blink")]
    assert bench.phone.snapshot().ringing


def test_a_file_that_cannot_be_played_is_passed_over() -> None:
    bench = announcing(0.0)
    assert SendRinging("in-1") in bench.wait(0.0)


def test_the_time_of_ringing_counts_from_the_bell() -> None:
    bench = announcing(5.0, ring_timeout_s=20)
    bench.wait(24.9)
    assert bench.state is PhoneState.ALERTING
    assert RejectCall("in-1", 480) in bench.wait(0.2)


@pytest.mark.parametrize("delay_s", [0.0, 3.0])
def test_then_the_phone_answers_by_itself(delay_s: float) -> None:
    bench = announcing(5.0, 0.0, auto_answer="header", auto_answer_delay_s=delay_s)
    commands = bench.wait(5.0 + delay_s - 0.1)
    assert AnswerCall("in-1") not in commands
    assert AnswerCall("in-1") in bench.wait(0.2)
    assert bench.state is PhoneState.CONNECTED


def test_whoever_lifts_meanwhile_answers() -> None:
    bench = announcing()
    bench.wait(1.0)
    commands = bench.lift()
    assert [one for one in commands if isinstance(one, AnswerCall | ConnectAudio)] == [
        AnswerCall("in-1"),
        ConnectAudio("in-1"),
    ]
    assert bench.wait(10.0) == []


def test_a_caller_who_gives_up_was_missed() -> None:
    bench = announcing()
    bench.far_ends(487)
    (log,) = [one for one in bench.done if isinstance(one, LogCall)]
    assert log.missed
    assert bench.state is PhoneState.IDLE
    assert bench.offer() == [Announce(bench.call_id, PATH)]


def test_late_news_of_one_that_is_over_changes_nothing() -> None:
    bench = announcing(1.0)
    bench.wait(2.0)
    bench.handle(AnnouncementBegun(bench.call_id, 5.0))
    assert bench.phone.snapshot().ringing
    assert not [one for one in bench.wait(10.0) if isinstance(one, SendRinging)]


def test_it_is_a_whole_path() -> None:
    assert PhoneSettings(announcement="here.wav").faults() == [
        "phone.announcement: 'here.wav' does not begin with /: give the whole path of a WAV file"
    ]
