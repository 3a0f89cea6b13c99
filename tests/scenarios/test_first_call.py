"""Whole daemons on loopback: the embedded exchange and phones that are lifted, dialled and put back."""

import time
from collections.abc import Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}", "1003": f"third {CANARY}"}


class House:
    """An exchange and three phones, all registered. 1003 calls 1002 when it is lifted."""

    def __init__(self, folder) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.first = PhoneDaemon("1001", folder)
        self.second = PhoneDaemon("1002", folder, microphone=CALLEE_WAV)
        self.third = PhoneDaemon("1003", folder, {"phone.hotline": "1002", "phone.ring_timeout_s": "1"})
        self.phones = (self.first, self.second, self.third)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    built = House(tmp_path_factory.mktemp("house"))
    with running(built.exchange, *built.phones):
        for phone in built.phones:
            phone.add_account(built.exchange.address, phone.name, PASSWORDS[phone.name])
        for phone in built.phones:
            phone.expect_registration("registered")
        yield built


@pytest.fixture
def at_rest(house) -> Iterator[House]:
    """The house with every handset down; whatever a test leaves is cleared away."""
    yield house
    for phone in house.phones:
        phone.rest()


def talk(caller: PhoneDaemon, callee: PhoneDaemon) -> None:
    """Set up a call from handset to handset by the keypad."""
    caller.lift()
    caller.expect_state("dial-tone")
    caller.dial(callee.name + "#")
    callee.expect_state("alerting")
    caller.expect_state("ringback")
    callee.lift()
    callee.expect_state("connected")
    caller.expect_state("connected")


def last_call(phone: PhoneDaemon) -> tuple[str, str, str]:
    entry = phone.call_log()[0]
    return str(entry["direction"]), str(entry["remote"]), str(entry["cause"])


def test_phones_are_registered_and_keep_no_password(house) -> None:
    for phone in house.phones:
        account = phone.account()
        assert (account["state"], account["password"]) == ("registered", "sealed")
        assert house.exchange.contacts(phone.name) == [f"sip:{phone.name}@127.0.0.1:{phone.port}"]
        stored = phone.store_path.read_bytes() + phone.store_path.with_name(phone.store_path.name + "-wal").read_bytes()
        assert PASSWORDS[phone.name].encode() not in stored


def test_a_call_carries_speech_both_ways_and_is_logged(at_rest) -> None:
    caller, callee = at_rest.first, at_rest.second
    talk(caller, callee)
    answered_at = time.monotonic()
    caller.listen(TALK_S)
    callers, callees = caller.recordings(), callee.recordings()
    for listener, said, heard in (("callee", callers[0], callees[1]), ("caller", callees[0], callers[1])):
        likeness = judge(said, heard, answered_at)
        assert likeness.correlation > GOOD_CORRELATION, (listener, likeness)
        assert 0.8 < likeness.gain < 1.25
    caller.replace()
    caller.expect_state("idle")
    callee.expect_state("busy-tone")
    callee.rest()
    assert last_call(caller) == ("out", "1002", "answered")
    assert last_call(callee) == ("in", "sip:1001@127.0.0.1", "answered")
    entry = caller.call_log()[0]
    assert entry["ended_at"] - entry["answered_at"] >= TALK_S
    assert [phone.call_log()[0]["account"] for phone in (caller, callee)] == ["office", "office"]


def test_the_called_side_hangs_up_first(at_rest) -> None:
    caller, callee = at_rest.first, at_rest.second
    talk(caller, callee)
    callee.replace()
    callee.expect_state("idle")
    caller.expect_state("busy-tone")


def test_a_caller_who_gives_up_is_a_missed_call(at_rest) -> None:
    caller, callee = at_rest.first, at_rest.second
    caller.place("1002")
    callee.expect_state("alerting")
    caller.expect_state("ringback")
    caller.call("call.hangup")
    caller.expect_state("idle")
    callee.expect_state("idle")
    assert last_call(callee) == ("in", "sip:1001@127.0.0.1", "missed")
    assert callee.call_log()[0]["answered_at"] == 0


def test_a_lifted_phone_is_busy(at_rest) -> None:
    caller, callee = at_rest.first, at_rest.second
    callee.lift()
    callee.expect_state("dial-tone")
    caller.lift()
    caller.expect_state("dial-tone")
    caller.dial("1002#")
    caller.expect_state("busy-tone")
    assert last_call(caller) == ("out", "1002", "busy")


def test_a_second_caller_does_not_disturb_a_talk(at_rest) -> None:
    talk(at_rest.first, at_rest.second)
    at_rest.third.lift()
    at_rest.third.expect_state("busy-tone")
    assert [phone.status()["phone"]["state"] for phone in (at_rest.first, at_rest.second)] == ["connected"] * 2


def test_nobody_answers(at_rest) -> None:
    caller, callee = at_rest.first, at_rest.third
    caller.place("1003")
    callee.expect_state("alerting")
    callee.expect_state("idle")
    caller.expect_state("reorder")
    assert last_call(callee)[2] == "missed"


def test_a_declined_call_is_not_missed(at_rest) -> None:
    caller, callee = at_rest.first, at_rest.second
    caller.place("1002")
    callee.expect_state("alerting")
    callee.call("call.hangup")
    caller.expect_state("busy-tone")
    assert last_call(callee)[2] == "declined"


def test_an_unknown_number_gives_reorder(at_rest) -> None:
    caller = at_rest.first
    caller.place("1999")
    caller.expect_state("reorder")


def test_a_hotline_calls_when_the_handset_is_lifted(at_rest) -> None:
    caller, callee = at_rest.third, at_rest.second
    caller.lift()
    callee.expect_state("alerting")
    callee.lift()
    caller.expect_state("connected")
    callee.expect_state("connected")


def test_the_ringer_follows_its_cadence(at_rest) -> None:
    caller, callee = at_rest.first, at_rest.second
    caller.place("1002")
    callee.expect_state("alerting")
    assert callee.call("board.show")["ringing"]
    callee.lift()
    callee.expect_state("connected")
    assert not callee.call("board.show")["ringing"]
