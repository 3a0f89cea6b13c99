"""Whole daemons on loopback: three phones at the embedded exchange change partners and write to each other."""

import time
from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, own_command, running
from tests.support.processes import Command, wait_until
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}", "1003": f"third {CANARY}"}


class House:
    """An exchange and three phones, all registered."""

    def __init__(self, folder) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.first = PhoneDaemon("1001", folder)
        self.second = PhoneDaemon("1002", folder)
        self.third = PhoneDaemon("1003", folder, microphone=CALLEE_WAV)
        self.phones = (self.first, self.second, self.third)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    built = House(tmp_path_factory.mktemp("house"))
    with running(built.exchange, *built.phones):
        for phone in built.phones:
            phone.add_account(built.exchange.address, phone.name, PASSWORDS[phone.name])
        for phone in built.phones:
            phone.expect_registration("registered")
            phone.client.subscribe(["message"])
        yield built


@pytest.fixture
def at_rest(house) -> Iterator[House]:
    yield house
    for _ in range(2):
        for phone in house.phones:
            phone.rest()


def connect(caller: PhoneDaemon, callee: PhoneDaemon) -> None:
    """A call without hands."""
    caller.place(callee.name)
    callee.expect_state("alerting")
    callee.call("call.answer")
    callee.expect_state("connected")
    caller.expect_state("connected")


def offhook(phone: PhoneDaemon, *words: str) -> Command:
    """The command line, as a person types it, under way."""
    return Command(own_command(*words, "--socket", str(phone.socket_path)))


def causes(phone: PhoneDaemon, count: int) -> list[tuple[object, object, object]]:
    return [(one["direction"], one["remote"], one["cause"]) for one in phone.call_log()[:count]]


def test_a_blind_transfer(at_rest) -> None:
    first, second, third = at_rest.phones
    connect(first, second)
    transfer = offhook(second, "transfer", "1003")
    first.expect_state("calling")
    third.expect_state("alerting")
    first.expect_state("ringback")
    third.call("call.answer")
    first.expect_state("connected")
    third.expect_state("connected")
    second.expect_state("idle")
    assert transfer.finish() == (0, "transferred\n", "")
    assert causes(second, 1) == [("in", "sip:1001@127.0.0.1", "transferred")]
    assert causes(first, 1) == [("out", "1002", "transferred")]
    answered_at = time.monotonic()
    first.listen(TALK_S)
    said, _ = third.recordings()
    _, heard = first.recordings()
    assert judge(said, heard, answered_at).correlation > GOOD_CORRELATION
    assert len(third.status()["calls"]) == 1


def test_a_blind_transfer_to_nobody_gives_the_call_back(at_rest) -> None:
    first, second, _ = at_rest.phones
    connect(first, second)
    transfer = offhook(second, "transfer", "1999")
    second.expect_state("transferring")
    second.expect_state("connected")
    status, _, complaint = transfer.finish()
    assert status == 1
    assert "not transferred: number not found" in complaint
    first.expect_state("connected")
    calls = first.status()["calls"]
    assert [call["remote"] for call in calls] == ["1002"]
    second.expect_message("out", "INVITE", "a=sendrecv")
    assert second.status()["calls"][0]["state"] == "connected"


def test_a_transfer_to_a_busy_phone(at_rest) -> None:
    first, second, third = at_rest.phones
    third.lift()
    third.expect_state("dial-tone")
    connect(first, second)
    status, _, complaint = offhook(second, "transfer", "1003").finish()
    assert (status, "busy" in complaint) == (1, True)
    wait_until("1001 to be back", lambda: first.status()["phone"]["state"] == "connected")


def test_an_attended_transfer(at_rest) -> None:
    first, second, third = at_rest.phones
    connect(first, second)
    second.call("call.hold")
    second.expect_state("held")
    second.place("1003")
    third.expect_state("alerting")
    third.call("call.answer")
    second.expect_state("connected")
    assert [call["state"] for call in second.status()["calls"]] == ["connected", "parked"]
    status, said, _ = offhook(second, "transfer").finish()
    assert (status, said) == (0, "transferred\n")
    second.expect_state("idle")
    wait_until("1001 to talk with 1003", lambda: first.status()["phone"]["state"] == "connected")
    third.expect_message("in", "INVITE", "Replaces: ")
    third.expect_state("connected")
    assert third.status()["calls"][0]["remote"] == "sip:1001@127.0.0.1"
    assert [cause for _, _, cause in causes(second, 2)] == ["transferred", "transferred"]
    assert causes(third, 1) == [("in", "sip:1002@127.0.0.1", "transferred")]
    third.call("call.hangup")
    first.expect_state("idle")


def test_a_call_beside_a_held_one(at_rest) -> None:
    first, second, third = at_rest.phones
    connect(first, second)
    assert offhook(second, "hold").finish()[0] == 0
    second.expect_state("held")
    second.place("1003")
    third.expect_state("alerting")
    third.call("call.hangup")
    second.expect_state("held")
    assert offhook(second, "resume").finish()[0] == 0
    second.expect_state("connected")


def test_a_message(at_rest) -> None:
    first, second, _ = at_rest.phones
    assert offhook(first, "message", "send", "1002", "Grüße an alle").finish() == (0, "delivered\n", "")
    told = second.expect("message", "a text", lambda news: news["event"] == "received")
    assert (told["from"], told["text"], told["account"]) == ("sip:1001@127.0.0.1", "Grüße an alle", "office")
    assert "Grüße" in offhook(second, "message", "list").finish()[1]
    assert "message from sip:1001@127.0.0.1: 13 characters" in second.log()
    assert "Grüße" not in second.log()


def test_a_message_for_nobody(at_rest) -> None:
    status, _, complaint = offhook(at_rest.first, "message", "send", "1999", "hello").finish()
    assert status == 1
    assert "not sent: number not found" in complaint


def test_an_anonymous_call(at_rest) -> None:
    first, second, _ = at_rest.phones
    assert offhook(first, "call", "1002", "--anonymous").finish()[0] == 0
    second.expect_state("alerting")
    call = second.status()["calls"][0]
    assert (call["remote"], call["remote_name"]) == ("sip:anonymous@anonymous.invalid", "Anonymous")
    second.call("call.answer")
    first.expect_state("connected")
