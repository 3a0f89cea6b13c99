"""Pickup on the bench: 1001 calls 1002, and 1003 takes the call."""

import pytest

from device.exchange.pickup import PATIENCE_S, PickupSettings, parse_groups
from device.sip.message import Request, Response
from device.sip.refer import parse_replaces
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, settings, two_phones
from tests.exchange.test_trunks import Provider, outside, trunk


def bench(**changes: object) -> tuple[Switchboard, Phone, Phone, Phone]:
    board = Switchboard(settings(**changes))
    alice, bob = two_phones(board)
    carol = board.phone("1003", "192.0.2.3")
    assert carol.register().status == 200
    return board, alice, bob, carol


def ringing(alice: Phone, bob: Phone, **headers: str) -> Request:
    """1001 calls 1002, whose phone rings; the INVITE as it got there."""
    alice.invite("1002", **headers)
    invite = bob.request("INVITE")
    bob.reply(invite, 180)
    return invite


def dial(phone: Phone, code: str, **headers: str) -> tuple[Request, list[Request | Response]]:
    fields = {"Call_ID": "pickup", "Supported": "replaces"} | headers
    return phone.authorized("INVITE", f"sip:{code}@{DOMAIN}", **fields)


def offered(came: list[Request | Response]) -> Request:
    (invite,) = [one for one in came if isinstance(one, Request)]
    assert invite.method == "INVITE"
    return invite


def statuses(came: list[Request | Response]) -> list[int]:
    return [one.status for one in came if isinstance(one, Response)]


class TestCode:
    @pytest.mark.parametrize("code", ["*8", "*81002"])
    def test_the_call_comes_in_the_place_of_the_attempt(self, code: str) -> None:
        board, alice, bob, carol = bench()
        ringing(alice, bob)
        asked, came = dial(carol, code)
        assert 180 in statuses(came)
        invite = offered(came)
        replaces = parse_replaces(invite.headers.get("Replaces") or "")
        ring = next(one for one in came if isinstance(one, Response) and one.status == 180)
        assert (replaces.call_id, replaces.to_tag, replaces.from_tag) == (asked.call_id, asked.from_.tag, ring.to.tag)
        assert (replaces.early_only, invite.headers.get("Require")) == (True, "replaces")
        assert invite.from_.uri.user == "1001"
        carol.reply(invite, 200)
        ok = [one for one in alice.received() if isinstance(one, Response)][-1]
        assert (ok.status, ok.to.tag) == (200, "tag-1003")
        bob.request("CANCEL")
        carol.cancel(asked)
        assert statuses(carol.received()) == [200, 487]
        assert board.exchange.house.calls.is_busy("1003")
        assert not board.exchange.house.calls.dialogs_of("1002")

    def test_a_phone_that_leaves_its_attempt_open(self) -> None:
        board, alice, bob, carol = bench()
        ringing(alice, bob)
        _, came = dial(carol, "*8")
        carol.reply(offered(came), 200)
        carol.received()
        board.advance(1.1)
        assert statuses(carol.received()) == [480]

    def test_the_oldest_call_first(self) -> None:
        board, alice, bob, carol = bench()
        ringing(alice, bob)
        guest = board.phone("guest", "198.51.100.1")
        guest.domain = "elsewhere.example"
        guest.ask("INVITE", f"sip:1002@{DOMAIN}", Call_ID="later")
        bob.reply(bob.request("INVITE"), 180)
        _, came = dial(carol, "*8")
        assert offered(came).call_id == alice.call_id

    def test_a_call_from_a_trunk(self) -> None:
        board, _, bob, carol = bench()
        board.exchange.trunks.configure(outside(trunk(ring="1002")), board.now)
        provider = Provider(board)
        provider.ask("INVITE", "sip:4711@192.0.2.10", Contact=provider.contact)
        bob.reply(bob.request("INVITE"), 180)
        _, came = dial(carol, "*8")
        carol.reply(offered(came), 200)
        assert provider.response().status == 200

    def test_a_phone_without_replaces_is_put_through_to_the_caller(self) -> None:
        _, alice, bob, carol = bench()
        ringing(alice, bob, Supported="replaces")
        dial(carol, "*8", Supported="timer")
        invite = alice.request("INVITE")
        replaces = parse_replaces(invite.headers.get("Replaces") or "")
        assert (replaces.call_id, replaces.to_tag, replaces.from_tag) == (alice.call_id, "tag-1001", "tag-1002")
        alice.reply(invite, 200)
        assert carol.response().status == 200

    def test_neither_knows_replaces(self) -> None:
        _, alice, bob, carol = bench()
        ringing(alice, bob)
        _, came = dial(carol, "*8", Supported="timer")
        assert statuses(came)[-1] == 480

    def test_nothing_rings(self) -> None:
        _, alice, bob, carol = bench()
        assert statuses(dial(carol, "*8")[1]) == [480]
        bob.reply(ringing(alice, bob), 200)
        assert statuses(dial(carol, "*8", Call_ID="again")[1]) == [480]

    def test_not_one_s_own(self) -> None:
        _, alice, bob, _ = bench()
        ringing(alice, bob)
        assert statuses(dial(bob, "*8")[1]) == [480]
        alice.received()
        assert statuses(dial(alice, "*8")[1]) == [480]

    def test_who_gives_up_gets_nothing_more(self) -> None:
        board, alice, bob, carol = bench()
        invite = ringing(alice, bob)
        asked, came = dial(carol, "*8")
        carol.cancel(asked)
        assert statuses(carol.received()) == [200, 487]
        carol.reply(offered(came), 481)
        bob.reply(invite, 200)
        assert alice.statuses()[-1] == 200
        board.advance(PATIENCE_S + 1)
        assert set(statuses(carol.received())) == {487}

    def test_the_caller_hangs_up_meanwhile(self) -> None:
        board, alice, bob, carol = bench()
        alice_asked = alice.invite("1002")
        bob.reply(bob.request("INVITE"), 180)
        dial(carol, "*8")
        alice.cancel(alice_asked)
        board.advance(PATIENCE_S)
        assert statuses(carol.received()) == [480]


class TestGroups:
    GROUPS = "1001 1002, 1003"

    def test_only_within_the_group(self) -> None:
        _, alice, bob, carol = bench(pickup_groups=self.GROUPS)
        ringing(alice, bob)
        assert statuses(dial(carol, "*8")[1]) == [480]
        assert statuses(dial(carol, "*81002", Call_ID="directed")[1]) == [403]

    def test_who_may(self) -> None:
        rules = PickupSettings("*8", parse_groups(self.GROUPS))
        assert rules.may_take("1001", "1002")
        assert not rules.may_take("1003", "1002")
        assert PickupSettings().may_take("1003", "1002")

    def test_switched_off_the_code_is_a_number_like_others(self) -> None:
        _, alice, bob, carol = bench(pickup_code="")
        ringing(alice, bob)
        assert statuses(dial(carol, "*8")[1]) == [404]


class TestReplaces:
    def test_by_the_dialog_that_a_lamp_told(self) -> None:
        """At the phone where it rings nobody could replace it (RFC 3891 section 3)."""
        _, alice, bob, carol = bench()
        invite = ringing(alice, bob)
        value = f"{invite.call_id};to-tag=tag-1002;from-tag={invite.from_.tag}"
        _, came = dial(carol, "1002", Replaces=value)
        assert offered(came).from_.uri.user == "1001"
        assert [one for one in bob.received() if isinstance(one, Request)] == []

    def test_of_a_dialog_that_stands_it_goes_to_the_phone(self) -> None:
        _, alice, bob, carol = bench()
        invite = ringing(alice, bob)
        bob.reply(invite, 200)
        value = f"{invite.call_id};to-tag=tag-1002;from-tag={invite.from_.tag}"
        dial(carol, "1002", Replaces=value)
        assert bob.request("INVITE").headers.get("Replaces") == value

    @pytest.mark.parametrize("value", ["x;to-tag=a;from-tag=b", "nonsense"])
    def test_of_none_that_rings(self, value: str) -> None:
        _, alice, bob, carol = bench()
        ringing(alice, bob)
        dial(carol, "1002", Replaces=value)
        assert bob.request("INVITE").headers.get("Replaces") == value


def test_strangers_pick_up_nothing() -> None:
    board, alice, bob, _ = bench()
    ringing(alice, bob)
    guest = board.phone("guest", "198.51.100.1")
    guest.domain = "elsewhere.example"
    guest.ask("INVITE", f"sip:*8@{DOMAIN}", Supported="replaces")
    assert [one.status for one in guest.received() if isinstance(one, Response)][-1] >= 400
