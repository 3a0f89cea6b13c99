"""Transfers, texts, digits by INFO and changing callers, in a whole phone whose far end says what a test wants."""

import logging

import pytest

from device.control.errors import FAILED, REFUSED
from device.daemon.features import TEXTS_KEPT, TEXTS_LOGGED
from device.model import AccountId, CallId
from device.net.addresses import NetError
from device.phone.states import PhoneState
from device.records import replace
from device.sip.events import CallEnded, IncomingCall
from device.sip.feature_events import (
    InfoFinished,
    MessageFinished,
    MessageReceived,
    NotifyReceived,
    TransferFinished,
    TransferRequested,
)
from device.sip.invite_options import InviteOptions
from tests.support.whole_phone import CALL, HOST, FarEnd, WholePhone, sdp

S = PhoneState


@pytest.fixture
def other(loop, far_end: FarEnd):
    """A third party."""
    other = FarEnd(loop)
    yield other
    other.close()


def connected(phone: WholePhone, far_end: FarEnd) -> CallId:
    """The far end calls and is answered."""
    far_end.call(phone.target)
    phone.wait(S.ALERTING)
    call_id = CallId(phone.control.call("call.answer")["call"])
    far_end.established()
    phone.wait(S.CONNECTED)
    return call_id


def until(phone: WholePhone, far_end: FarEnd, kind: type) -> object:
    phone.loop.turn_until(lambda: far_end.told(kind), f"{kind.__name__} at the far end")
    return far_end.told(kind)[-1]


# Sent on by the far end.


def test_the_far_end_sends_the_phone_on(phone: WholePhone, far_end: FarEnd, other: FarEnd) -> None:
    connected(phone, far_end)
    far_end.agent.transfer(CALL, other.target, phone.loop.now())
    other.answer()
    finished = until(phone, far_end, TransferFinished)
    assert isinstance(finished, TransferFinished)
    assert (finished.status, finished.succeeded) == (200, True)
    far_end.agent.hang_up(CALL, phone.loop.now())
    phone.loop.turn_until(lambda: phone.parts.line.calls == 1, "the old call to be over")
    assert phone.control.call("call.list")["calls"][0]["remote"] == other.target


def test_a_transfer_to_somebody_busy_gives_the_far_end_back(phone: WholePhone, far_end: FarEnd, other: FarEnd) -> None:
    old = connected(phone, far_end)
    far_end.agent.transfer(CALL, other.target, phone.loop.now())
    other.agent.reject(other.incoming().call_id, 486, phone.loop.now())
    finished = until(phone, far_end, TransferFinished)
    assert isinstance(finished, TransferFinished)
    assert (finished.status, finished.succeeded) == (486, False)
    phone.wait(S.CONNECTED)
    assert [call["call"] for call in phone.control.call("call.list")["calls"]] == [old]


def test_a_phone_without_ports_refuses_a_transfer(
    phone: WholePhone, far_end: FarEnd, other: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_ports() -> None:
        raise NetError("no port is left")

    connected(phone, far_end)
    monkeypatch.setattr(phone.parts.line, "_open_ports", no_ports)
    far_end.agent.transfer(CALL, other.target, phone.loop.now())
    finished = until(phone, far_end, TransferFinished)
    assert isinstance(finished, TransferFinished)
    assert finished.status == 503
    phone.wait(S.CONNECTED)


def test_a_transfer_outside_calls_is_refused(phone: WholePhone, far_end: FarEnd) -> None:
    connected(phone, far_end)
    phone.control.call("call.hold")
    assert phone.state == "held"
    far_end.agent.transfer(CALL, "nobody@nowhere.invalid", phone.loop.now())
    finished = until(phone, far_end, TransferFinished)
    assert isinstance(finished, TransferFinished)
    assert not finished.succeeded
    assert phone.state == "held"


# Sending the far end on.


def test_the_phone_sends_the_far_end_on(phone: WholePhone, far_end: FarEnd, other: FarEnd) -> None:
    phone.control.call("subscribe", topics=["call"])
    call_id = connected(phone, far_end)
    phone.control.call("call.transfer", target=other.target)
    asked = until(phone, far_end, TransferRequested)
    assert isinstance(asked, TransferRequested)
    assert (asked.call_id, asked.target) == (CALL, other.target)
    far_end.agent.accept_transfer(asked.transfer_id, CallId("new"), sdp(), phone.loop.now())
    call = other.incoming()
    other.agent.ring(call.call_id, phone.loop.now())
    phone.loop.turn_until(
        lambda: "transferring" in [one["event"] for one in phone.control.topic("call")], "news of the transfer"
    )
    other.agent.answer(call.call_id, sdp(), phone.loop.now())
    phone.wait(S.IDLE)
    told = [one for one in phone.control.topic("call") if one["event"] == "transferred"]
    assert [(one["call"], one["status"]) for one in told] == [(call_id, 200)]
    assert phone.control.call("calllog.list")["calls"][0]["cause"] == "transferred"


def test_a_far_end_that_will_not_go(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("subscribe", topics=["call"])
    connected(phone, far_end)
    phone.control.call("call.transfer", target="sip:1003@nowhere.invalid")
    asked = until(phone, far_end, TransferRequested)
    assert isinstance(asked, TransferRequested)
    far_end.agent.refuse_transfer(asked.transfer_id, 603, phone.loop.now())
    phone.wait(S.CONNECTED)
    told = [one for one in phone.control.topic("call") if one["event"] == "transfer-failed"]
    assert [(one["status"], one["text"]) for one in told] == [(603, "declined")]


def test_a_target_that_cannot_be_called(phone: WholePhone, far_end: FarEnd) -> None:
    """There is no account that a bare number could be called through."""
    phone.control.call("subscribe", topics=["call"])
    connected(phone, far_end)
    phone.control.call("call.transfer", target="1002")
    phone.wait(S.CONNECTED)
    assert phone.control.topic("call")[-1]["event"] == "transfer-failed"
    assert phone.control.refusal("call.transfer").code == REFUSED


def test_two_calls_are_joined(phone: WholePhone, far_end: FarEnd, other: FarEnd) -> None:
    connected(phone, far_end)
    phone.control.call("call.hold")
    phone.place(other.target)
    other.answer()
    phone.wait(S.CONNECTED)
    assert [call["state"] for call in phone.control.call("call.list")["calls"]] == ["connected", "parked"]
    phone.control.call("call.transfer")
    asked = until(phone, far_end, TransferRequested)
    assert isinstance(asked, TransferRequested)
    assert asked.is_attended
    far_end.agent.accept_transfer(asked.transfer_id, CallId("new"), sdp(), phone.loop.now())
    phone.loop.turn_until(lambda: len(other.told(IncomingCall)) == 2, "the call that replaces")
    event = other.told(IncomingCall)[-1]
    assert event.facts.replaces == other.told(IncomingCall)[0].call_id
    other.agent.answer(event.call_id, sdp(), phone.loop.now())
    phone.wait(S.IDLE)
    assert phone.parts.line.calls == 0


# Replaced by others.


def test_somebody_takes_the_place_of_the_far_end(phone: WholePhone, far_end: FarEnd, other: FarEnd) -> None:
    connected(phone, far_end)
    dialog = far_end.agent._calls.get(CALL).usage.confirmed_dialog
    value = f"{dialog.call_id};to-tag={dialog.remote.tag};from-tag={dialog.local.tag}"
    options = InviteOptions(headers=(("Replaces", value),))
    other.agent.invite(CALL, phone.target, sdp(), None, phone.loop.now(), options)
    other.established()
    ended = until(phone, far_end, CallEnded)
    assert isinstance(ended, CallEnded)
    phone.loop.turn_until(lambda: phone.parts.line.calls == 1, "the old call to be over")
    assert phone.state == "connected"


# Digits.


def test_a_digit_by_info_and_by_rtp_is_heard_once(phone: WholePhone, far_end: FarEnd, caplog) -> None:
    call_id = connected(phone, far_end)
    heard = []
    phone.parts.runtime.features._post = heard.append
    far_end.agent.send_info(CALL, "application/dtmf-relay", b"Signal=5\r\nDuration=100\r\n", phone.loop.now())
    until(phone, far_end, InfoFinished)
    phone.parts.runtime.features.hear_digit(call_id, "5", "rtp", phone.loop.now())
    phone.parts.runtime.features.hear_digit(call_id, "6", "rtp", phone.loop.now())
    assert [event.digit for event in heard] == ["5", "6"]


# Who the caller is.


def test_what_the_caller_says_is_told(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("subscribe", topics=["call"])
    extra = (
        ("Subject", "The door"),
        ("Priority", "urgent"),
        ("Alert-Info", "<http://x>;info=alert-internal"),
        ("Diversion", "<sip:a@x>;reason=no-answer"),
    )
    now = phone.loop.now()
    far_end.agent.invite(CALL, phone.target, sdp(), None, now, InviteOptions(headers=extra))
    phone.wait(S.ALERTING)
    told = phone.control.topic("call")[0]
    assert told["event"] == "incoming"
    assert (told["facts"]["subject"], told["facts"]["alert"]) == ("The door", "internal")
    call = phone.control.call("call.list")["calls"][0]
    assert (call["subject"], call["priority"], call["diverted_by"]) == ("The door", "urgent", ["sip:a@x (no-answer)"])
    assert phone.parts.desk._board.ringer.pattern.name == "internal"


def test_another_party_at_the_other_end(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("subscribe", topics=["call"])
    connected(phone, far_end)
    session = far_end.agent._calls.get(CALL)
    dialog = session.usage.confirmed_dialog
    dialog.local = replace(dialog.local, display_name="Carol")
    far_end.agent.reoffer(CALL, sdp(version=2), phone.loop.now())
    phone.loop.turn_until(
        lambda: phone.control.call("call.list")["calls"][0]["remote_name"] == "Carol", "another name at the phone"
    )
    assert [one["text"] for one in phone.control.topic("call") if one["event"] == "identity"] == ["Carol"]


# Texts.


def test_a_text_comes(phone: WholePhone, far_end: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    phone.control.call("subscribe", topics=["message"])
    assert phone.control.call("message.list") == {"messages": []}
    far_end.agent.send_message(phone.target, "secret words", None, phone.loop.now())
    finished = until(phone, far_end, MessageFinished)
    assert isinstance(finished, MessageFinished)
    assert finished.is_delivered
    (told,) = phone.control.topic("message")
    assert (told["event"], told["text"], told["account"]) == ("received", "secret words", "")
    assert phone.control.call("message.list")["messages"][0]["text"] == "secret words"
    assert f"message from sip:offhook@{HOST}: 12 characters" in caplog.text
    assert "secret" not in caplog.text


def test_texts_that_are_kept_are_bounded(phone: WholePhone, far_end: FarEnd) -> None:
    for number in range(TEXTS_KEPT + 1):
        phone.parts.runtime.features.receive(
            MessageReceived(None, None, "sip:a@b", "", f"text {number}"), phone.loop.now()
        )
    kept = phone.control.call("message.list")["messages"]
    assert (len(kept), kept[0]["text"]) == (TEXTS_KEPT, "text 1")


def test_a_flood_of_texts_does_not_fill_the_log(phone: WholePhone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    features = phone.parts.runtime.features
    for number in range(3 * TEXTS_LOGGED):
        features.receive(MessageReceived(None, None, "sip:a@b", "", f"text {number}"), 1000.0 + number / 10)
    assert caplog.text.count("message from") == TEXTS_LOGGED
    assert caplog.text.count("too many messages") == 1
    features.receive(MessageReceived(None, None, "sip:a@b", "", "later"), 1100.0)
    assert caplog.text.count("message from") == TEXTS_LOGGED + 1


def test_a_text_goes(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("subscribe", topics=["message"])
    sent = phone.control.call("message.send", target=far_end.target, text="hello")
    received = until(phone, far_end, MessageReceived)
    assert isinstance(received, MessageReceived)
    assert received.text == "hello"
    phone.loop.turn_until(lambda: phone.control.topic("message"), "the outcome")
    (told,) = phone.control.topic("message")
    assert (told["event"], told["message"], told["status"]) == ("sent", sent["message"], 200)


def test_a_text_that_cannot_go(phone: WholePhone) -> None:
    assert phone.control.refusal("message.send", target="1002", text="hello").code == FAILED
    assert "no account" in str(phone.control.refusal("message.send", target="1002", text="hello", account="none"))


# What servers tell.


def test_a_server_asks_for_new_settings(phone: WholePhone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    phone.control.call("subscribe", topics=["notify"])
    told = NotifyReceived("", AccountId("office"), "check-sync", "", b"")
    phone.parts.runtime.features.receive(told, phone.loop.now())
    (news,) = phone.control.topic("notify")
    assert (news["package"], news["account"], "waiting" in news) == ("check-sync", "office", False)
    assert "asks for new settings" in caplog.text


def test_what_nobody_waits_for_changes_nothing(phone: WholePhone) -> None:
    features = phone.parts.runtime.features
    features.receive(InfoFinished(CallId("c1"), 200), phone.loop.now())
    features.receive(NotifyReceived("", None, "message-summary", "", b"Messages-Waiting: yes"), phone.loop.now())
    features.receive(NotifyReceived("", AccountId("office"), "message-summary", "", b"?"), phone.loop.now())
    assert phone.control.call("status")["waiting_messages"] == {}


# Anonymous calls, OPTIONS.


def test_an_anonymous_call(phone: WholePhone, far_end: FarEnd) -> None:
    phone.control.call("call.place", target=far_end.target, anonymous=True)
    call = far_end.incoming()
    assert (call.caller, call.caller_name) == ("sip:anonymous@anonymous.invalid", "Anonymous")


def test_options_tell_what_the_phone_can(phone: WholePhone, far_end: FarEnd) -> None:
    owner = phone.parts.user_agent._core.owner
    assert owner is not None
    assert owner.availability() == 200
    description = owner.capabilities().decode()
    assert "m=audio 0 RTP/AVP 8 0 101" in description
    phone.lift()
    phone.loop.turn_until(lambda: owner.availability() == 486, "the phone to be busy")
