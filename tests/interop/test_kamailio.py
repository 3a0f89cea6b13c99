"""Two offhook phones at Kamailio: registration with digest, calls with sound, and a server that goes away."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.canary import CANARY
from tests.support.daemons import CALLEE_WAV, PhoneDaemon, running
from tests.support.kamailio import DOMAIN, Kamailio
from tests.support.processes import wait_until
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}"}


class House:
    """Kamailio and two phones."""

    def __init__(self, folder) -> None:
        self.kamailio = Kamailio(folder, PASSWORDS)
        self.first = PhoneDaemon("1001", folder, {"hardware.flash": "on"})
        self.second = PhoneDaemon("1002", folder, microphone=CALLEE_WAV)
        self.phones = (self.first, self.second)

    def register(self, **more: object) -> None:
        for phone in self.phones:
            phone.add_account(self.kamailio.address, phone.name, PASSWORDS[phone.name], domain=DOMAIN, **more)
        for phone in self.phones:
            phone.expect_registration("registered")

    def connect(self, caller: PhoneDaemon, callee: PhoneDaemon) -> float:
        """Set up a call from handset to handset; answers when, in monotonic seconds."""
        caller.lift()
        caller.expect_state("dial-tone")
        caller.dial(callee.name + "#")
        callee.expect_state("alerting")
        caller.expect_state("ringback")
        callee.lift()
        callee.expect_state("connected")
        caller.expect_state("connected")
        return time.monotonic()

    def check_sound(self, since: float) -> None:
        """Let both talk, and see that each has heard the other from `since` on."""
        self.first.listen(TALK_S)
        (said_first, heard_first), (said_second, heard_second) = (phone.recordings() for phone in self.phones)
        assert judge(said_first, heard_second, since).correlation > GOOD_CORRELATION
        assert judge(said_second, heard_first, since).correlation > GOOD_CORRELATION


def house_of(folder, **more: object) -> Iterator[House]:
    built = House(folder)
    with running(built.kamailio, *built.phones):
        built.register(**more)
        yield built


@pytest.fixture(scope="module")
def one_house(tmp_path_factory) -> Iterator[House]:
    yield from house_of(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(one_house) -> Iterator[House]:
    yield one_house
    for phone in one_house.phones:
        phone.rest()


def test_passwords_are_sealed_once_registered(house) -> None:
    for phone in house.phones:
        assert phone.account()["password"] == "sealed"
        assert phone.account()["realm"] == DOMAIN
        for path in phone.folder.glob(f"{phone.name}.db*"):
            assert PASSWORDS[phone.name].encode() not in path.read_bytes(), path
        assert PASSWORDS[phone.name] not in phone.log()


@pytest.mark.parametrize("way", ["forth", "back"])
def test_a_call_carries_speech_both_ways(house, way) -> None:
    caller, callee = house.phones if way == "forth" else house.phones[::-1]
    house.check_sound(house.connect(caller, callee))
    callee.rest()
    caller.expect_state("busy-tone")
    caller.rest()
    log = [
        (entry["direction"], entry["cause"], entry["account"]) for entry in (caller.call_log()[0], callee.call_log()[0])
    ]
    assert log == [("out", "answered", "office"), ("in", "answered", "office")]


def test_hold_by_hook_flash_and_speech_after_it(house) -> None:
    caller, callee = house.phones
    house.connect(caller, callee)
    for state in ("held", "connected"):
        caller.replace()
        caller.lift()
        caller.expect_state(state)
        callee.expect_message("in", "INVITE", "a=sendonly" if state == "held" else "a=sendrecv")
        callee.expect_message("in", "ACK")
    house.check_sound(time.monotonic())


def test_the_caller_gives_up(house) -> None:
    caller, callee = house.phones
    caller.place("1002")
    callee.expect_state("alerting")
    caller.expect_state("ringback")
    caller.call("call.hangup")
    callee.expect_state("idle")
    assert callee.call_log()[0]["cause"] == "missed"


def test_a_lifted_phone_is_busy(house) -> None:
    caller, callee = house.phones
    callee.lift()
    callee.expect_state("dial-tone")
    caller.place("1002")
    caller.expect_state("busy-tone")


def test_an_unknown_number(house) -> None:
    house.first.place("1999")
    house.first.expect_state("reorder")
    assert "404" in house.first.call_log()[0]["cause"]


def test_a_wrong_password_is_given_up(house, tmp_path) -> None:
    phone = PhoneDaemon("1003", tmp_path)
    with running(phone):
        phone.add_account(house.kamailio.address, "1001", "not the password", domain=DOMAIN)
        news = phone.expect_registration("failed")
        assert news["status"] == 401
        assert "password" in str(news["text"])
        assert news["next_attempt_s"] > 60
        assert len(phone.messages("out", "REGISTER")) <= 3


@pytest.mark.parametrize("end", [Kamailio.stop, Kamailio.kill], ids=["stopped", "killed"])
def test_phones_register_again_at_a_server_that_forgot_them(house, end: Callable[[Kamailio], None]) -> None:
    for phone in house.phones:
        phone.rest()
    end(house.kamailio)
    for phone in house.phones:
        phone.expect_message("out", "REGISTER")
        phone.expect_message("out", "REGISTER")
    house.kamailio.start()
    for phone in house.phones:
        phone.expect_message("in", "SIP/2.0 401")
        phone.expect_message("in", "SIP/2.0 200")
        wait_until("the account to be registered", lambda p=phone: p.account()["state"] == "registered")
    house.connect(house.first, house.second)


def test_a_call_outlives_its_server(house) -> None:
    """The sound goes from phone to phone; only the BYE is missed."""
    since = house.connect(house.first, house.second)
    house.kamailio.kill()
    house.check_sound(since)
    house.kamailio.start()
    house.first.rest()
    # Kamailio knows nothing of the call, but the BYE carries its own route (RFC 3261 section 12.2.1.1).
    house.second.expect_state("busy-tone")


def test_by_tcp(tmp_path) -> None:
    for house in house_of(tmp_path, transport="tcp"):
        house.check_sound(house.connect(house.first, house.second))
        house.first.rest()
        house.second.expect_state("busy-tone")
        assert "SIP/2.0/TCP" in house.second.messages("in", "BYE")[0]
        for phone in house.phones:
            phone.rest()
        house.kamailio.kill()
        house.kamailio.start()
        for phone in house.phones:
            phone.expect_message("in", "SIP/2.0 401")
            phone.expect_message("in", "SIP/2.0 200")
        house.connect(house.first, house.second)


def test_a_phone_that_stops_is_unregistered(house, tmp_path) -> None:
    phone = PhoneDaemon("1003", tmp_path)
    with running(phone):
        phone.add_account(house.kamailio.address, "1002", PASSWORDS["1002"], domain=DOMAIN)
        phone.expect_registration("registered")
        phone.call("account.remove", id="office")
        phone.expect_message("out", "REGISTER", "Expires: 0")
        phone.expect_message("in", "SIP/2.0 200")
