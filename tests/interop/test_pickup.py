"""Pickup, parking and waiting messages with whole phones at an exchange that has music and voicemail."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.baresip import Baresip
from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, CALLER_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import wait_until
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

pytestmark = pytest.mark.interop

PASSWORDS = {user: f"{user}-{CANARY}" for user in ("1001", "1002", "1003", "1004")}


class House:
    """Three phones and an exchange with music, voicemail and parking slots."""

    def __init__(self, folder: Path) -> None:
        self.exchange = ExchangeDaemon(folder, PASSWORDS)
        self.exchange.manage("service", "on")
        self.exchange.manage("service", "set", f"music_file={CALLER_WAV}", "music=*68")
        self.exchange.manage("setting", "park_slots=701-703")
        lamps = {"phone.busy_lamps": "neighbour=701"}
        self.first = PhoneDaemon("1001", folder)
        self.second = PhoneDaemon("1002", folder, microphone=CALLEE_WAV)
        self.third = PhoneDaemon("1003", folder, lamps, CALLEE_WAV)
        self.phones = (self.first, self.second, self.third)

    def start(self) -> None:
        for phone in self.phones:
            phone.add_account(self.exchange.address, phone.name, PASSWORDS[phone.name], mwi=phone is self.second)
            phone.expect_registration("registered")


@pytest.fixture(scope="module")
def one_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("pickup"))
    with running(house.exchange, *house.phones):
        house.start()
        yield house


@pytest.fixture
def house(one_house: House) -> Iterator[House]:
    yield one_house
    for phone in one_house.phones:
        phone.rest()


def lamp(phone: PhoneDaemon, name: str) -> str:
    return str(phone.status()["board"]["lamps"][name])  # type: ignore[index]


def both_hear(one: PhoneDaemon, other: PhoneDaemon) -> None:
    since = time.monotonic()
    one.listen(TALK_S)
    (said, heard), (other_said, other_heard) = (phone.recordings() for phone in (one, other))
    assert judge(said, other_heard, since).correlation > GOOD_CORRELATION
    assert judge(other_said, heard, since).correlation > GOOD_CORRELATION


@pytest.mark.parametrize("code", ["*8", "*81002"])
def test_a_call_is_picked_up_by_dialling(house: House, code: str) -> None:
    house.first.place("1002")
    house.second.expect_state("alerting")
    house.third.lift()
    house.third.dial(code + "#")
    house.third.expect_state("connected")
    house.first.expect_state("connected")
    wait_until("1002 to ring no more", lambda: house.second.status()["phone"]["state"] == "idle")  # type: ignore[index]
    both_hear(house.first, house.third)
    house.first.call("call.hangup")
    house.third.expect_message("in", "BYE")


def test_nothing_to_pick_up(house: House) -> None:
    house.third.place("*8")
    house.third.expect_message("in", "SIP/2.0 480 Nothing rings")


def test_the_call_of_another_maker_s_phone_is_picked_up(house: House, tmp_path: Path) -> None:
    """baresip calls, and knows nothing of what becomes of its call."""
    peer = Baresip("1004", PASSWORDS["1004"], house.exchange.address, tmp_path, CALLER_WAV)
    try:
        peer.start()
        peer.command("dial", f"sip:1002@{house.exchange.domain}")
        house.second.expect_state("alerting")
        house.third.place("*8")
        house.third.expect_state("connected")
        peer.expect("CALL_ESTABLISHED")
        house.third.call("call.hangup")
        peer.expect("CALL_CLOSED")
    finally:
        peer.stop()


def test_parked_by_a_transfer_and_taken_elsewhere(house: House) -> None:
    house.first.place("1002")
    house.second.expect_state("alerting")
    house.second.lift()
    house.first.expect_state("connected")
    house.second.expect_message("in", "ACK")
    house.second.call("call.transfer", target="701")
    wait_until("the slot's lamp to shine", lambda: lamp(house.third, "neighbour") == "on")
    house.second.rest()
    house.third.place("701")
    house.third.expect_state("connected")
    both_hear(house.first, house.third)
    wait_until("the slot to be free", lambda: lamp(house.third, "neighbour") == "off")
    house.third.call("call.hangup")
    house.first.expect_message("in", "BYE")


def test_a_voice_message_lights_the_lamp(house: House) -> None:
    assert lamp(house.second, "message") == "off"
    house.first.place("*981002")
    house.first.expect_state("connected")
    house.first.listen(8.0)
    house.first.call("call.hangup")
    wait_until("the message lamp to shine", lambda: lamp(house.second, "message") == "on")
    assert "Voice-Message: 1/0" in house.second.messages("in", "NOTIFY")[-1]
    (name, *_) = house.exchange.manage("voicemail", "list").split()
    assert name
