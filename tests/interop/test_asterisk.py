"""Two offhook phones at Asterisk: registration, calls with sound, refusals, hold, DTMF, and a PBX that goes away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from device.demo.measure import RATE_HZ
from tests.media.goertzel import level_db
from tests.support.asterisk import Asterisk
from tests.support.canary import CANARY
from tests.support.certificates import Authority
from tests.support.daemons import CALLEE_WAV, PhoneDaemon
from tests.support.processes import HOST, wait_until
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

pytestmark = pytest.mark.interop

PASSWORDS = {"1001": f"first {CANARY}", "1002": f"second {CANARY}", "1003": f"third {CANARY}"}
EARLY_TONE_HZ = 1100
"""What extension 601 plays before it answers; no tone of the phone's own has it."""

REFRESH_S = 60.0
"""Longer than half of a session timer of 90 s."""


class House:
    """Asterisk and two phones, registered over one transport."""

    def __init__(self, folder, transport: str, **settings: object) -> None:
        self.asterisk = Asterisk(PASSWORDS, **settings)
        self.transport = transport
        self.address = self.asterisk.address
        self.trust: dict[str, str] = {}
        if transport == "tls":
            authority = Authority(folder / "ca")
            self.asterisk.use_tls(authority.issue(f"IP:{HOST}"))
            self.address = self.asterisk.tls_address
            self.trust = {"sip.tls_ca_file": str(authority.path)}
        self.first = PhoneDaemon("1001", folder, {"hardware.flash": "on", **self.trust})
        self.second = PhoneDaemon("1002", folder, self.trust, microphone=CALLEE_WAV)
        self.phones = (self.first, self.second)

    def start(self) -> None:
        self.asterisk.start()
        for phone in self.phones:
            phone.start()
            phone.add_account(self.address, phone.name, PASSWORDS[phone.name], transport=self.transport)
        for phone in self.phones:
            phone.expect_registration("registered")

    def stop(self) -> None:
        for phone in self.phones:
            phone.stop()
        self.asterisk.remove()

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


@contextmanager
def house_of(folder, transport: str = "udp", **settings: object) -> Iterator[House]:
    built = House(folder, transport, **settings)
    try:
        built.start()
        yield built
    finally:
        built.stop()


@pytest.fixture(scope="module", params=["udp", "tcp", "tls"])
def one_house(request, tmp_path_factory) -> Iterator[House]:
    with house_of(tmp_path_factory.mktemp("house"), request.param) as house:
        yield house


@pytest.fixture
def house(one_house) -> Iterator[House]:
    yield one_house
    for phone in one_house.phones:
        phone.rest()


def test_registered_with_one_contact_each(house) -> None:
    for phone in house.phones:
        (contact,) = house.asterisk.contacts(phone.name)
        assert f":{phone.port}" in contact or house.transport != "udp"
        assert phone.account()["realm"] == "asterisk"
        assert phone.account()["password"] == "sealed"


@pytest.mark.parametrize("way", ["forth", "back"])
def test_a_call_carries_speech_both_ways(house, way) -> None:
    caller, callee = house.phones if way == "forth" else house.phones[::-1]
    house.check_sound(house.connect(caller, callee))
    callee.rest()
    caller.expect_state("busy-tone")
    caller.rest()
    log = [(entry["direction"], entry["cause"]) for entry in (caller.call_log()[0], callee.call_log()[0])]
    assert log == [("out", "answered"), ("in", "answered")]


def test_the_echo_comes_back(house) -> None:
    phone = house.first
    phone.place("600")
    phone.expect_state("connected")
    since = time.monotonic()
    phone.listen(TALK_S)
    said, heard = phone.recordings()
    assert judge(said, heard, since).correlation > GOOD_CORRELATION


def test_early_media_is_heard_before_the_answer(house) -> None:
    phone = house.first
    phone.place("601")
    phone.expect_message("in", "SIP/2.0 183")
    phone.listen(1.0)
    heard = phone.listen(1.0)
    loudest = max((425, 440, EARLY_TONE_HZ), key=lambda hz: level_db(heard, hz, RATE_HZ))
    assert loudest == EARLY_TONE_HZ
    phone.expect_state("connected")


def test_the_pbx_hangs_up(house) -> None:
    house.first.place("606")
    house.first.expect_state("connected")
    house.first.expect_message("in", "BYE")
    house.first.expect_state("idle")


@pytest.mark.parametrize(("number", "tone", "cause"), [("602", "busy-tone", "busy"), ("1999", "reorder", "404")])
def test_refusals(house, number, tone, cause) -> None:
    house.first.place(number)
    house.first.expect_state(tone)
    assert cause in house.first.call_log()[0]["cause"]


def test_a_lifted_phone_is_busy(house) -> None:
    caller, callee = house.phones
    callee.lift()
    callee.expect_state("dial-tone")
    caller.place("1002")
    caller.expect_state("busy-tone")
    house.asterisk.expect_log("dialled 1002: BUSY")


def test_the_caller_gives_up(house) -> None:
    caller, callee = house.phones
    caller.place("1002")
    callee.expect_state("alerting")
    caller.expect_state("ringback")
    caller.call("call.hangup")
    callee.expect_state("idle")
    assert callee.call_log()[0]["cause"] == "missed"
    caller.expect_message("in", "SIP/2.0 487")


def test_given_up_while_the_pbx_rings(house) -> None:
    phone = house.first
    phone.place("604")
    phone.expect_state("ringback")
    phone.call("call.hangup")
    phone.expect_message("in", "SIP/2.0 487")
    phone.expect_state("idle")


def test_hold_by_hook_flash_and_speech_after_it(house) -> None:
    caller, callee = house.phones
    house.connect(caller, callee)
    for state in ("held", "connected"):
        caller.replace()
        caller.lift()
        caller.expect_state(state)
        caller.expect_message("out", "INVITE", "a=sendonly" if state == "held" else "a=sendrecv")
        caller.expect_message("in", "SIP/2.0 200")
    house.check_sound(time.monotonic())


@pytest.mark.parametrize(
    ("way", "keys"), [("auto", "4711"), ("info-relay", "2580"), ("info", "9630"), ("inband", "1470")]
)
def test_keys_are_heard_by_the_pbx(house, way: str, keys: str) -> None:
    """In each way; tones are found by Asterisk's own detector in what we send."""
    phone = house.first
    phone.call("account.update", id="office", dtmf=way)
    try:
        phone.expect_registration("registered")
        phone.place("605")
        phone.expect_state("connected")
        phone.call("call.digits", digits=keys)
        house.asterisk.expect_log(f"digits read: {keys}")
    finally:
        phone.call("account.update", id="office", dtmf="")


@pytest.mark.parametrize("way", ["auto", "inband"])
def test_keys_of_the_pbx_open_the_door(house, way: str) -> None:
    """As events in RTP, and as tones where none are offered: Asterisk makes them then."""
    phone = house.first

    def door() -> bool:
        return bool(phone.call("board.show")["relays"]["door"])

    phone.call("settings.set", values={"phone.door_code": "4711"})
    phone.call("account.update", id="office", dtmf=way)
    try:
        phone.expect_registration("registered")
        wait_until("the door to be shut", lambda: not door())
        phone.place("609")
        phone.expect_state("connected")
        wait_until("the door to be opened", door)
    finally:
        phone.call("account.update", id="office", dtmf="")
        phone.call("settings.set", values={"phone.door_code": ""})


def test_keys_of_the_pbx_by_info_open_the_door(tmp_path) -> None:
    with house_of(tmp_path, dtmf="info") as house:
        phone = house.first
        phone.call("settings.set", values={"phone.door_code": "4711"})
        phone.place("609")
        phone.expect_state("connected")
        phone.expect_message("in", "INFO", "Signal=1")
        wait_until("the door to be opened", lambda: phone.call("board.show")["relays"]["door"])


def test_the_pbx_calls_the_phone(house) -> None:
    phone = house.second
    house.asterisk.ask("channel originate PJSIP/1002 application Echo")
    phone.expect_state("alerting")
    phone.lift()
    phone.expect_state("connected")
    since = time.monotonic()
    phone.listen(TALK_S)
    said, heard = phone.recordings()
    assert judge(said, heard, since).correlation > GOOD_CORRELATION


@pytest.mark.parametrize("end", [Asterisk.stop, Asterisk.kill], ids=["stopped", "killed"])
def test_phones_register_again_at_a_pbx_that_forgot_them(tmp_path, end) -> None:
    """Registrations are short, so that the phones notice soon; the contacts are gone with the PBX."""
    with house_of(tmp_path, expires_s=4) as house:
        for phone in house.phones:
            phone.rest()
        end(house.asterisk)
        for phone in house.phones:
            phone.expect_message("out", "REGISTER")
            phone.expect_message("out", "REGISTER")
        house.asterisk.start()
        for phone in house.phones:
            wait_until("the account to be registered", lambda p=phone: p.account()["state"] == "registered")
            wait_until("Asterisk to know the phone", lambda p=phone: house.asterisk.contacts(p.name))
        house.connect(house.first, house.second)


def test_qualified_phones_are_reachable(tmp_path) -> None:
    """Asterisk asks every second by OPTIONS whether the phones are there."""
    with house_of(tmp_path, qualify=1) as house:
        for phone in house.phones:
            phone.expect_message("in", "OPTIONS")
            phone.expect_message("out", "SIP/2.0 200")
            wait_until("the phone to be reachable", lambda p=phone: "Avail" in "".join(house.asterisk.contacts(p.name)))


def test_a_wrong_password_is_given_up(house, tmp_path) -> None:
    phone = PhoneDaemon("1003", tmp_path)
    phone.start()
    try:
        phone.add_account(house.asterisk.address, "1001", "not the password")
        news = phone.expect_registration("failed")
        assert news["status"] == 401
        assert "password" in str(news["text"])
        assert len(phone.messages("out", "REGISTER")) <= 3
    finally:
        phone.stop()


@pytest.fixture
def third(house, tmp_path) -> Iterator[PhoneDaemon]:
    """A third phone, to whom calls are sent on."""
    phone = PhoneDaemon("1003", tmp_path, house.trust)
    phone.start()
    try:
        phone.add_account(house.address, "1003", PASSWORDS["1003"], transport=house.transport)
        phone.expect_registration("registered")
        yield phone
    finally:
        phone.stop()


def outcome(phone: PhoneDaemon) -> dict[str, object]:
    """How the transfer came out that a phone has asked for."""
    return phone.expect("call", "a transfer", lambda news: str(news["event"]) in ("transferred", "transfer-failed"))


def check_talk(one: PhoneDaemon, other: PhoneDaemon) -> None:
    since = time.monotonic()
    one.listen(TALK_S)
    said, _ = other.recordings()
    _, heard = one.recordings()
    assert judge(said, heard, since).correlation > GOOD_CORRELATION


def test_a_blind_transfer(house, third) -> None:
    """Asterisk takes the REFER, calls the third phone itself and tells how it comes out (RFC 3515)."""
    house.connect(house.first, house.second)
    house.second.call("call.transfer", target="1003")
    third.expect_state("alerting")
    third.call("call.answer")
    third.expect_state("connected")
    assert outcome(house.second)["event"] == "transferred"
    wait_until("the second phone to be free", lambda: not house.second.status()["calls"])
    assert house.first.status()["phone"]["state"] == "connected"
    check_talk(house.first, third)


def test_an_attended_transfer(house, third) -> None:
    """Both calls of the second phone go through Asterisk, which joins them by Replaces (RFC 3891)."""
    house.connect(house.first, house.second)
    house.second.call("call.hold")
    house.second.expect_state("held")
    house.second.place("1003")
    third.expect_state("alerting")
    third.call("call.answer")
    house.second.expect_state("connected")
    house.second.call("call.transfer")
    assert outcome(house.second)["event"] == "transferred"
    wait_until("the second phone to be free", lambda: not house.second.status()["calls"])
    check_talk(house.first, third)


def test_a_transfer_to_nobody_gives_the_call_back(house) -> None:
    house.connect(house.first, house.second)
    house.second.call("call.transfer", target="1999")
    assert outcome(house.second)["event"] == "transfer-failed"
    house.second.expect_state("connected")
    house.check_sound(time.monotonic())


def test_the_pbx_sends_the_caller_on(house) -> None:
    """Asterisk asks by REFER that the phone call another one."""
    house.first.place("608")
    house.first.expect_message("in", "REFER")
    house.second.expect_state("alerting")
    house.second.lift()
    house.second.expect_state("connected")
    house.first.expect_state("connected")
    house.asterisk.expect_log("transfer: SUCCESS")
    house.check_sound(time.monotonic())


@pytest.mark.parametrize("algorithms", ["SHA-256", "SHA-512-256", "SHA-512-256,SHA-256,MD5"])
def test_stronger_digests_than_md5(tmp_path, algorithms) -> None:
    """The strongest that is offered is taken; the call is challenged, too."""
    with house_of(tmp_path, algorithms=algorithms) as house:
        first = algorithms.partition(",")[0]
        for phone in house.phones:
            assert f"algorithm={first}" in phone.messages("out", "REGISTER")[-1]
        house.connect(*house.phones)
        assert f"algorithm={first}" in house.first.messages("out", "INVITE")[-1]


def test_reliable_ringing_is_asked_for_on_both_legs(tmp_path) -> None:
    """Asterisk requires 100rel of the called phone, and of the caller's 183 as well."""
    with house_of(tmp_path, _100rel="required") as house:
        house.connect(*house.phones)
        assert "Require: 100rel" in house.second.messages("in", "INVITE")[-1]
        assert house.second.messages("in", "PRACK")
        house.check_sound(time.monotonic())


def test_a_session_timer_is_kept_alive(tmp_path) -> None:
    """Sessions of 90 s, the shortest that there may be: half of it until the refresh that keeps the call up."""
    with house_of(tmp_path, timers="always") as house:
        house.connect(*house.phones)
        assert "Session-Expires: 90" in house.second.messages("in", "INVITE")[-1]
        wait_until("a refresh", lambda: any(refreshes(phone) for phone in house.phones), REFRESH_S)
        house.check_sound(time.monotonic())


def refreshes(phone: PhoneDaemon) -> list[str]:
    """What was sent or received in a call to say that it is still there."""
    updates = [*phone.messages("in", "UPDATE"), *phone.messages("out", "UPDATE")]
    invites = [*phone.messages("in", "INVITE"), *phone.messages("out", "INVITE")]
    return updates + [
        text for text in invites if "tag=" in next(line for line in text.split("\n") if line.startswith("To:"))
    ]
