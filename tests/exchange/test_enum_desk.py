"""Calls to numbers that may stand in DNS: the test is DNS, provider, and the phone that the number leads to."""

import pytest

from device.exchange.enum_desk import MAX_WAITING, PATIENCE_S
from device.exchange.enum_rules import EnumRecord
from device.exchange.exchange_events import EnumWanted
from device.exchange.numbers import NumberSettings
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, two_phones
from tests.exchange.test_trunks import Provider, outside, trunk

NUMBERS = NumberSettings(country_code="49", enum="e164.arpa")
NAME = "4.3.2.1.0.3.9.4.e164.arpa"
FOUND = EnumRecord(10, 10, "U", "E2U+SIP", "!^.*$!sip:desk@198.51.100.77!")


def bench(numbers: NumberSettings = NUMBERS) -> tuple[Switchboard, Phone, Provider, Phone]:
    board = Switchboard()
    board.exchange.trunks.configure(outside(trunk(), numbers=numbers), board.now)
    alice, _ = two_phones(board)
    return board, alice, Provider(board), Phone(board, "desk", Hop("UDP", "198.51.100.77", 5060))


def wanted(board: Switchboard) -> list[str]:
    return [event.name for event in board.events if isinstance(event, EnumWanted)]


def answer(board: Switchboard, *records: EnumRecord, name: str = NAME) -> None:
    board.exchange.receive_enum(name, records, board.now)
    board.flush()


@pytest.mark.parametrize("number", ["0301234", "+49301234", "0049301234"])
def test_a_number_in_dns_is_called_there(number: str) -> None:
    board, alice, provider, desk = bench()
    alice.invite(number)
    assert (wanted(board), provider.received(), desk.received()) == ([NAME], [], [])
    answer(board, FOUND)
    invite = desk.request("INVITE")
    assert (str(invite.uri), invite.from_.uri.user) == ("sip:desk@198.51.100.77", "1001")
    desk.reply(invite, 200)
    assert alice.response().status == 200
    assert provider.received() == []


def test_a_number_that_is_not_there_goes_by_the_trunk() -> None:
    board, alice, provider, _ = bench()
    alice.invite("0301234")
    answer(board)
    assert provider.request("INVITE").uri.user == "0301234"


def test_a_silent_dns() -> None:
    board, alice, provider, desk = bench()
    alice.invite("0301234")
    board.advance(PATIENCE_S - 0.1)
    assert provider.received() == []
    board.advance(0.2)
    assert provider.request("INVITE").uri.user == "0301234"
    answer(board, FOUND)
    assert desk.received() == []


@pytest.mark.parametrize(("status", "by_trunk"), [(404, True), (503, True), (486, False), (603, False)])
def test_where_the_place_in_dns_fails(status: int, by_trunk: bool) -> None:
    board, alice, provider, desk = bench()
    alice.invite("0301234")
    answer(board, FOUND)
    desk.reply(desk.request("INVITE"), status)
    assert bool(provider.received()) is by_trunk
    if not by_trunk:
        assert alice.statuses()[-1] == status


def test_the_caller_gives_up_meanwhile() -> None:
    board, alice, provider, desk = bench()
    asked = alice.invite("0301234")
    alice.cancel(asked)
    assert [one.status for one in alice.received() if isinstance(one, Response)][-2:] == [200, 487]
    answer(board, FOUND)
    assert (provider.received(), desk.received()) == ([], [])


@pytest.mark.parametrize("number", ["112", "1002", "0900123", "bob", "*8"])
def test_what_is_not_looked_up(number: str) -> None:
    board, alice, _, _ = bench()
    alice.authorized("INVITE", f"sip:{number}@{DOMAIN}")
    assert wanted(board) == []


def test_off_unless_it_is_wanted() -> None:
    board, alice, provider, _ = bench(NumberSettings(country_code="49"))
    alice.invite("0301234")
    assert wanted(board) == []
    assert isinstance(provider.request("INVITE"), Request)


def test_strangers_let_us_ask_for_nothing() -> None:
    board, _, _, _ = bench()
    guest = board.phone("guest", "198.51.100.1")
    guest.domain = "elsewhere.example"
    guest.ask("INVITE", f"sip:0301234@{DOMAIN}")
    assert wanted(board) == []


def test_the_calls_that_wait_are_bounded() -> None:
    board, alice, _, _ = bench()
    for number in range(MAX_WAITING + 1):
        alice.call_id = f"call-{number}"
        alice.invite(f"0301{number:03}")
    assert len(wanted(board)) == MAX_WAITING


@pytest.mark.parametrize("changes", [{"enum": "e164 arpa"}, {"enum_servers": "dns.example"}])
def test_settings_that_cannot_be_used(changes: dict[str, str]) -> None:
    assert NumberSettings(**changes).faults() != []
    assert NUMBERS.faults() == []
