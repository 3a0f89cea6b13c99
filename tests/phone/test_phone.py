"""The phone as a whole: its front door, its log, its status."""

import logging

import pytest

from device.model import CallId
from device.phone.errors import DialPlanError
from device.phone.events import DialRequested, HookLifted, RegistrationUpdated
from device.phone.phone import Phone
from device.phone.settings import PhoneSettings
from device.phone.states import PhoneState
from device.records import asdict
from tests.phone.bench import CALLER, Bench


def test_calls_are_named_by_the_daemon_if_it_wants_to() -> None:
    names = iter(["c7"])
    phone = Phone(PhoneSettings(direct_calls=True), lambda: CallId(next(names)), {"1": "1001"})
    phone.handle(DialRequested("1"), 0.0)
    assert phone.call_id == "c7"
    call = phone.snapshot().call
    assert call is not None
    assert call.remote == "1001"


def test_status_at_rest() -> None:
    assert asdict(Bench().phone.snapshot()) == {
        "state": "idle",
        "lifted": False,
        "registered": True,
        "ringing": False,
        "tone": "",
        "audio_path": "handset",
        "missed_calls": 0,
        "messages_waiting": False,
        "call": None,
        "parked": None,
    }


def test_status_in_a_call() -> None:
    bench = Bench()
    bench.ringing_out()
    bench.wait(5)
    bench.far_answers()
    assert asdict(bench.phone.snapshot())["call"] == {
        "call_id": "out-1",
        "direction": "out",
        "remote": "1001",
        "remote_name": "",
        "started": 1000.0,
        "answered": 1005.0,
        "held": False,
        "early_media": False,
    }


def test_every_transition_is_logged_with_its_call(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    with caplog.at_level(logging.DEBUG, logger="device.phone"):
        bench.offer()
        bench.lift()
        bench.replace()
        bench.replace()
    messages = [record.message for record in caplog.records]
    assert "in-1: IDLE -> ALERTING on CallOffered" in messages
    assert "in-1: ALERTING -> CONNECTED on HookLifted" in messages
    assert "in-1: CONNECTED -> IDLE on HookReplaced" in messages
    assert "-: HookReplaced changes nothing" in messages
    assert all(record.levelno == logging.DEBUG for record in caplog.records)


def test_digits_within_a_call_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """They may be the secret number of a bank."""
    bench = Bench()
    bench.talking()
    with caplog.at_level(logging.DEBUG):
        assert bench.dial("7777")
    assert not any("7" in message for message in caplog.messages)


def test_settings_change_while_a_call_stands() -> None:
    bench = Bench()
    bench.talking()
    assert bench.phone.configure(PhoneSettings(hang_up_tone="REORDER"), bench.now) == []
    bench.far_ends()
    assert bench.state is PhoneState.REORDER


def test_phone_book_may_change_while_somebody_dials() -> None:
    bench = Bench()
    bench.lift()
    bench.dial("10")
    bench.phone.set_speed_dials({"1001": "sip:boss@example.org"})
    bench.dial("01#")
    assert bench.placed() == ["sip:boss@example.org"]


def test_settings_may_put_the_phone_into_service() -> None:
    bench = Bench(registered=False)
    bench.phone.configure(PhoneSettings(direct_calls=True), bench.now)
    assert bench.state is PhoneState.IDLE
    bench.phone.configure(PhoneSettings(direct_calls=False), bench.now)
    assert bench.state is PhoneState.OUT_OF_SERVICE


def test_settings_with_a_fault_change_nothing() -> None:
    bench = Bench(dial_plan="1xxx")
    with pytest.raises(DialPlanError):
        bench.phone.configure(PhoneSettings(dial_plan="?", emergency_numbers=""), bench.now)
    bench.lift()
    bench.dial("112")
    assert bench.placed() == ["112"]


def test_late_wake_up_lets_everything_that_is_due_take_effect() -> None:
    """As after the machine was asleep: the ringing that nobody could hear is over, the time is not in the past."""
    bench = Bench(auto_answer="always", auto_answer_delay_s=5.0, ring_timeout_s=30.0)
    bench.offer()
    bench.now += 3600
    bench.phone.handle_timeout(bench.now)
    assert bench.state is PhoneState.CONNECTED
    deadline = bench.phone.next_timeout()
    assert deadline is None or deadline > bench.now


def test_nothing_to_wait_for_at_rest() -> None:
    phone = Phone(PhoneSettings())
    assert phone.next_timeout() is None
    assert phone.handle_timeout(0.0) == []
    phone.handle(RegistrationUpdated(True), 1.0)
    phone.handle(HookLifted(2.0), 2.0)
    assert phone.next_timeout() == 22.0


def test_name_of_the_caller_is_kept_for_the_log() -> None:
    bench = Bench()
    bench.offer(name="Ada")
    bench.far_ends(487)
    assert (bench.logged()[0].remote, bench.logged()[0].remote_name) == (CALLER, "Ada")
