"""Parking on the bench: 1001 waits in slot 701 with music, and 1002 takes the call."""

import pytest

from device.exchange.response_context import Target
from device.exchange.settings import parse_slots
from device.sip.hop import UDP, Hop, NextHop
from device.sip.message import Request, Response
from device.sip.refer import parse_replaces
from device.sip.uri import parse_uri
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, settings, two_phones

MUSIC = Hop("UDP", "127.0.0.1", 5090)


class Services:
    """Music, and nothing else."""

    def target(self, _number: str) -> Target | None:
        return None

    def music(self) -> Target | None:
        return Target(parse_uri("sip:services@127.0.0.1:5090;service=*68"), NextHop("127.0.0.1", 5090, UDP))

    def open_to_strangers(self, _number: str) -> bool:
        return False

    def is_source(self, source: Hop) -> bool:
        return source.port == 5090


def bench(*, has_music: bool = True) -> tuple[Switchboard, Phone, Phone, Phone]:
    board = Switchboard(settings(park_slots="701-703"))
    if has_music:
        board.exchange.services = Services()
    music = Phone(board, "services", MUSIC)
    return board, *two_phones(board), music


def park(alice: Phone, music: Phone, supported: str = "replaces") -> tuple[Request, Response]:
    """1001 is sent to slot 701 and hears music; its INVITE as the music got it, and the answer."""
    alice.invite("701", Supported=supported)
    invite = music.request("INVITE")
    music.reply(invite, 200)
    ok = alice.response()
    alice.in_dialog("ACK", ok)
    music.received()
    return invite, ok


def test_parked_and_taken() -> None:
    board, alice, bob, music = bench()
    invite, _ = park(alice, music)
    assert invite.uri.param("service") == "*68"
    assert board.exchange.house.calls.dialogs_of("701")
    bob.invite("701")
    taken = alice.request("INVITE")
    replaces = parse_replaces(taken.headers.get("Replaces") or "")
    assert (replaces.call_id, replaces.to_tag, replaces.from_tag) == (alice.call_id, "tag-1001", "tag-services")
    assert (taken.from_.uri.user, taken.headers.get("Require")) == ("1002", "replaces")
    alice.reply(taken, 200)
    assert bob.response().status == 200
    music.received()
    alice.in_dialog("BYE", _)
    music.reply(music.request("BYE"), 200)
    assert not board.exchange.house.calls.dialogs_of("701")


def test_each_slot_for_itself_and_free_again() -> None:
    _, alice, bob, music = bench()
    _, ok = park(alice, music)
    bob.invite("702")
    assert music.request("INVITE").method == "INVITE"
    alice.in_dialog("BYE", ok)
    music.received()
    bob.call_id = "another"
    bob.invite("701")
    assert music.request("INVITE").call_id == "another"


def test_who_cannot_be_taken() -> None:
    _, alice, bob, music = bench()
    park(alice, music, supported="timer")
    bob.invite("701")
    assert bob.statuses() == []
    _, came = bob.authorized("INVITE", f"sip:701@{DOMAIN}", Call_ID="again")
    assert isinstance(came[-1], Response)
    assert came[-1].status == 486


def test_without_music_there_is_no_slot() -> None:
    _, alice, _, _ = bench(has_music=False)
    _, came = alice.authorized("INVITE", f"sip:701@{DOMAIN}")
    assert isinstance(came[-1], Response)
    assert came[-1].status == 480


@pytest.mark.parametrize(
    ("text", "slots"),
    [("", ()), ("701-703", ("701", "702", "703")), ("01, 05-06", ("01", "05", "06")), ("9 9", ("9",))],
)
def test_slots(text: str, slots: tuple[str, ...]) -> None:
    assert parse_slots(text) == slots


@pytest.mark.parametrize("text", ["7x", "709-701", "1-99999", "09-10000", "100-299", "-5"])
def test_slots_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        parse_slots(text)
    assert settings(park_slots=text).faults() != []
