"""The exchange at providers: Kamailio, Asterisk and a second exchange of ours; a phone of the house on this side."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.asterisk import Asterisk
from tests.support.canary import CANARY
from tests.support.certificates import Authority
from tests.support.daemons import CALLEE_WAV, ExchangeDaemon, PhoneDaemon, running
from tests.support.dnsmasq import ZONE, Dnsmasq
from tests.support.kamailio import DOMAIN as PROVIDER
from tests.support.kamailio import Kamailio
from tests.support.processes import wait_until
from tests.support.sound import GOOD_CORRELATION, TALK_S, judge

pytestmark = pytest.mark.interop

HOUSE = "house.test"
SECRET = f"trunk {CANARY}"
INSIDE = {"1001": f"inside {CANARY}"}
OUTSIDE = {"4711": SECRET, "0301234": f"outside {CANARY}", "112": f"help {CANARY}"}


def exchange_with_trunk(folder: Path, address: str, *words: str) -> ExchangeDaemon:
    """An exchange with the user 1001 whose calls that begin with 0 go to `address` as 4711."""
    exchange = ExchangeDaemon(folder, INSIDE, domain=HOUSE)
    exchange.manage("trunk", "add", "provider", f"4711@{address}", "ring=1001", *words, typed=SECRET + "\n")
    exchange.manage("route", "add", "0", "provider")
    return exchange


def trunk_state(exchange: ExchangeDaemon) -> str:
    return str(exchange.client.call("status")["trunks"]["provider"])  # type: ignore[index]


def register(phone: PhoneDaemon, server: str, domain: str, password: str) -> None:
    phone.add_account(server, phone.name, password, domain=domain)
    phone.expect_registration("registered")


class Provided:
    """A house whose trunk leads to Kamailio, where a phone has the number 0301234."""

    def __init__(self, folder: Path) -> None:
        self.kamailio = Kamailio(folder, OUTSIDE, 60)
        registrar = f"registrar={self.kamailio.address}"
        self.exchange = exchange_with_trunk(folder, PROVIDER, registrar, f"outbound_proxy={self.kamailio.address}")
        self.inside = PhoneDaemon("1001", folder)
        self.outside = PhoneDaemon("0301234", folder, microphone=CALLEE_WAV)
        self.phones = (self.inside, self.outside)


@pytest.fixture(scope="module")
def provided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provided]:
    built = Provided(tmp_path_factory.mktemp("provided"))
    with running(built.kamailio, built.exchange, *built.phones):
        register(built.inside, built.exchange.address, HOUSE, INSIDE["1001"])
        register(built.outside, built.kamailio.address, PROVIDER, OUTSIDE["0301234"])
        wait_until("the trunk to be registered", lambda: trunk_state(built.exchange).startswith("registered"))
        yield built


@pytest.fixture
def house(provided: Provided) -> Iterator[Provided]:
    yield provided
    for phone in provided.phones:
        phone.rest()


def test_the_password_is_sealed_and_in_no_log(house: Provided) -> None:
    assert f"password        sealed for {PROVIDER}" in house.exchange.manage("trunk", "show", "provider")
    for path in house.exchange.folder.glob("exchange.db*"):
        assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in house.exchange.log()


def test_a_call_out_with_sound_and_the_called_side_hangs_up(house: Provided) -> None:
    house.inside.place("0301234")
    house.outside.expect_state("alerting")
    invite = house.outside.expect_message("in", "INVITE")
    assert f"From: <sip:4711@{PROVIDER}>" in invite
    house.outside.lift()
    house.inside.expect_state("connected")
    since = time.monotonic()
    house.inside.listen(TALK_S)
    (said_inside, heard_inside), (said_outside, heard_outside) = (phone.recordings() for phone in house.phones)
    assert judge(said_inside, heard_outside, since).correlation > GOOD_CORRELATION
    assert judge(said_outside, heard_inside, since).correlation > GOOD_CORRELATION
    house.outside.replace()
    house.inside.expect_message("in", "BYE")


def test_the_caller_holds_and_hangs_up(house: Provided) -> None:
    """A re-INVITE and a BYE within the call, in the sequence numbers that the provider counts."""
    house.inside.place("0301234")
    house.outside.expect_state("alerting")
    house.outside.lift()
    house.inside.expect_state("connected")
    house.inside.call("call.hold")
    assert "a=sendonly" in house.outside.expect_message("in", "INVITE", "a=sendonly")
    house.inside.call("call.resume")
    house.outside.expect_message("in", "INVITE")
    house.inside.call("call.hangup")
    house.outside.expect_message("in", "BYE")


def test_a_call_in_rings_where_the_trunk_says(house: Provided) -> None:
    house.outside.place("4711")
    house.inside.expect_state("alerting")
    house.inside.lift()
    house.outside.expect_state("connected")
    house.inside.replace()
    house.outside.expect_message("in", "BYE")


def test_a_call_in_is_picked_up_by_another_phone(house: Provided, tmp_path: Path) -> None:
    """The caller and its provider know nothing of it."""
    third = PhoneDaemon("1003", tmp_path, microphone=CALLEE_WAV)
    house.exchange.manage("user", "add", "1003", typed=INSIDE["1001"] + "\n")
    with running(third):
        register(third, house.exchange.address, HOUSE, INSIDE["1001"])
        house.outside.place("4711")
        house.inside.expect_state("alerting")
        third.place("*8")
        third.expect_state("connected")
        house.outside.expect_state("connected")
        wait_until("1001 to ring no more", lambda: house.inside.status()["phone"]["state"] == "idle")  # type: ignore[index]
        house.outside.call("call.hangup")
        third.expect_message("in", "BYE")


def test_what_is_not_permitted_stays_inside(house: Provided) -> None:
    house.inside.place("0044123")
    assert "403 Not permitted" in house.inside.expect_message("in", "SIP/2.0 403")


def test_a_phone_with_a_wrong_password_can_call_for_help(house: Provided, tmp_path: Path) -> None:
    """It is not registered, it is nobody to the exchange, and its user may call nobody outside."""
    helper, lost = PhoneDaemon("112", tmp_path), PhoneDaemon("1002", tmp_path, microphone=CALLEE_WAV)
    house.exchange.manage("user", "add", "1002", typed="another password\n")
    house.exchange.manage("permission", "set", "1002", "none")
    with running(helper, lost):
        register(helper, house.kamailio.address, PROVIDER, OUTSIDE["112"])
        lost.add_account(house.exchange.address, "1002", "the wrong one", domain=HOUSE)
        lost.expect_registration("failed")
        lost.lift()
        lost.dial("112")
        helper.expect_state("alerting")
        assert f"From: <sip:4711@{PROVIDER}>" in helper.expect_message("in", "INVITE")
        helper.lift()
        lost.expect_state("connected")
        lost.replace()
        helper.expect_message("in", "BYE")


def test_commands_change_the_exchange_that_runs(house: Provided) -> None:
    assert "registered" in house.exchange.manage("trunk", "list")
    house.exchange.manage("permission", "set", "1001", "none")
    house.inside.place("0301234")
    house.inside.expect_message("in", "SIP/2.0 403")
    house.exchange.manage("permission", "default", "1001")
    house.inside.rest()
    house.inside.place("0301234")
    house.outside.expect_state("alerting")


def test_asterisk_as_the_provider(tmp_path: Path) -> None:
    """It challenges by 401, and the echo at 0600 answers."""
    asterisk = Asterisk(OUTSIDE)
    exchange = exchange_with_trunk(tmp_path, asterisk.address)
    exchange.manage("route", "add", "9", "provider", "strip=1")
    phone = PhoneDaemon("1001", tmp_path)
    with running(asterisk, exchange, phone):
        register(phone, exchange.address, HOUSE, INSIDE["1001"])
        wait_until("the trunk to be registered", lambda: trunk_state(exchange).startswith("registered"))
        phone.place("9600")
        phone.expect_state("connected")
        phone.call("call.hold")
        phone.expect_message("in", "SIP/2.0 200", "CSeq")
        phone.call("call.resume")
        since = time.monotonic()
        phone.listen(TALK_S)
        said, heard = phone.recordings()
        assert judge(said, heard, since).correlation > GOOD_CORRELATION
        phone.call("call.hangup")
        wait_until("asterisk to have no call", lambda: "0 active calls" in asterisk.ask("core show channels"))
        phone.rest()
        phone.place("9606")
        phone.expect_state("connected")
        phone.expect_message("in", "BYE")


def test_a_second_exchange_of_ours(tmp_path: Path) -> None:
    """This house is an ordinary user there; its calls come with a password, and are those of that user."""
    there = ExchangeDaemon(tmp_path, {"4711": SECRET, "2001": f"there {CANARY}"}, "there", "there.test")
    exchange = exchange_with_trunk(
        tmp_path, "there.test", f"registrar={there.address}", f"outbound_proxy={there.address}"
    )
    exchange.manage("route", "add", "2", "provider")
    first, second = PhoneDaemon("1001", tmp_path), PhoneDaemon("2001", tmp_path, microphone=CALLEE_WAV)
    with running(there, exchange, first, second):
        register(first, exchange.address, HOUSE, INSIDE["1001"])
        register(second, there.address, "there.test", f"there {CANARY}")
        wait_until("the trunk to be registered", lambda: trunk_state(exchange).startswith("registered"))
        first.place("2001")
        second.expect_state("alerting")
        second.lift()
        first.expect_state("connected")
        first.call("call.hangup")
        second.expect_message("in", "BYE")
        second.rest()
        second.place("4711")
        first.expect_state("alerting")
        first.lift()
        second.expect_state("connected")
        second.call("call.hangup")
        first.expect_message("in", "BYE")


def test_a_number_in_dns_is_called_past_the_trunk(house: Provided, tmp_path: Path) -> None:
    """ENUM with dnsmasq: the number leads to the phone itself; one that is not there goes out by the trunk."""
    dns = Dnsmasq(tmp_path)
    dns.enum(f"4.3.2.1.0.3.9.4.{ZONE}", f"!^.*$!{house.outside.target}!")
    dns.start()
    try:
        house.exchange.manage("numbering", "country_code=49", f"enum={ZONE}", f"enum_servers={dns.address}")
        house.inside.place("0301234")
        house.outside.expect_state("alerting")
        assert house.outside.expect_message("in", "INVITE").startswith(f"INVITE {house.outside.target} ")
        house.outside.lift()
        house.inside.expect_state("connected")
        house.inside.call("call.hangup")
        house.outside.rest()
        assert dns.questions() == [f"NAPTR 4.3.2.1.0.3.9.4.{ZONE}"]
        house.exchange.manage("numbering", "country_code=43")
        house.inside.rest()
        house.inside.place("0301234")
        house.outside.expect_state("alerting")
        assert "From: <sip:4711@" in house.outside.expect_message("in", "INVITE")
    finally:
        house.exchange.manage("numbering", "country_code=", "enum=", "enum_servers=")
        dns.stop()


def test_over_tls_to_a_provider_that_proves_who_it_is(tmp_path: Path) -> None:
    """The exchange itself listens by UDP alone, so that calls in come over the connection of its registration."""
    authority = Authority(tmp_path / "ca")
    kamailio = Kamailio(tmp_path, OUTSIDE, 60, certificate=authority.issue(f"DNS:{PROVIDER}"))
    way = (f"registrar={kamailio.tls_address}", f"outbound_proxy={kamailio.tls_address}", "transport=tls")
    exchange = exchange_with_trunk(tmp_path, PROVIDER, *way)
    exchange.options = ["--tls-ca", str(authority.path)]
    inside, outside = PhoneDaemon("1001", tmp_path), PhoneDaemon("0301234", tmp_path, microphone=CALLEE_WAV)
    with running(kamailio, exchange, inside, outside):
        register(inside, exchange.address, HOUSE, INSIDE["1001"])
        register(outside, kamailio.address, PROVIDER, OUTSIDE["0301234"])
        wait_until("the trunk to be registered", lambda: trunk_state(exchange).startswith("registered"))
        for caller, callee, number in ((inside, outside, "0301234"), (outside, inside, "4711")):
            caller.place(number)
            callee.expect_state("alerting")
            callee.lift()
            caller.expect_state("connected")
            caller.call("call.hangup")
            callee.expect_message("in", "BYE")
            callee.rest()
            caller.rest()


def test_a_second_trunk_stands_in_for_one_whose_server_died(tmp_path: Path) -> None:
    """The first call tries the dead one for some seconds, the next ones go to the other at once."""
    dead, alive = (Kamailio(tmp_path, OUTSIDE, 60) for _ in range(2))
    exchange = exchange_with_trunk(tmp_path, PROVIDER, f"registrar={dead.address}", f"outbound_proxy={dead.address}")
    way = (f"registrar={alive.address}", f"outbound_proxy={alive.address}")
    exchange.manage("trunk", "add", "second", f"4711@{PROVIDER}", *way, typed=SECRET + "\n")
    exchange.manage("route", "add", "0", "second", "position=1")
    inside, outside = PhoneDaemon("1001", tmp_path), PhoneDaemon("0301234", tmp_path, microphone=CALLEE_WAV)
    with running(dead, alive, exchange, inside, outside):
        register(inside, exchange.address, HOUSE, INSIDE["1001"])
        register(outside, alive.address, PROVIDER, OUTSIDE["0301234"])
        trunks = exchange.client.call
        wait_until(
            "both trunks to be registered",
            lambda: all(str(state).startswith("registered") for state in trunks("status")["trunks"].values()),  # type: ignore[index]
        )
        dead.kill()
        for _ in range(2):
            inside.place("0301234")
            outside.expect_state("alerting", timeout_s=15.0)
            outside.lift()
            inside.expect_state("connected")
            inside.call("call.hangup")
            outside.expect_message("in", "BYE")
            outside.rest()
            inside.rest()
    assert exchange.log().count("trunk provider did not take a call") == 1
