"""Targets that have their turn one after the other, redirections that are followed, and the table behind both."""

from collections.abc import Iterator

import pytest

from device.exchange.proxy import MAX_BRANCHES, Proxy
from device.exchange.response_context import News, Progress
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.switchboard import OWN, Phone, Switchboard, settings

RING_S = 20
LONG_S = 400.0
"""Longer than Timer C, a CANCEL and all that lingers."""


@pytest.fixture
def board() -> Iterator[Switchboard]:
    board = Switchboard(settings(min_expires_s=3600, default_expires_s=3600, serial_ring_s=RING_S))
    yield board
    board.advance(LONG_S)
    assert board.exchange.under_way == 0
    assert len(board.endpoint.layer) == 0
    for user in ("1001", "1002", "1003"):
        board.exchange.forget_user(user, board.now)
    assert board.is_idle, "a timer is left"


@pytest.fixture
def alice(board: Switchboard) -> Phone:
    alice = board.phone("1001", "192.0.2.1")
    alice.register()
    return alice


def phone_of_bob(board: Switchboard, host: str, q: str) -> Phone:
    phone = board.phone("1002", host)
    phone.register(Call_ID=f"reg-{host}", Contact=f"{phone.contact};q={q}")
    return phone


@pytest.fixture
def desk(board: Switchboard) -> Phone:
    """The phone at which Bob wants to be called first."""
    return phone_of_bob(board, "192.0.2.2", "1.0")


@pytest.fixture
def mobile(board: Switchboard) -> Phone:
    """Bob's second choice."""
    return phone_of_bob(board, "192.0.2.22", "0.5")


def methods(phone: Phone) -> list[str]:
    found = [one.method if isinstance(one, Request) else str(one.status) for one in phone.received()]
    return list(dict.fromkeys(found))


class TestTurns:
    def test_the_next_rings_when_the_first_has_rung_for_its_time(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone
    ) -> None:
        alice.invite("1002")
        first = desk.request("INVITE")
        desk.reply(first, 180)
        board.advance(RING_S - 1)
        assert methods(mobile) == []
        board.advance(2)
        assert methods(desk) == ["CANCEL"]
        second = mobile.request("INVITE")
        desk.reply(first, 487)
        assert alice.statuses() == [180], "the end of the first is no news for the caller"
        mobile.reply(second, 200, To="<sip:1002@pbx.lan>;tag=mobile")
        assert alice.statuses() == [200]

    @pytest.mark.parametrize("status", [404, 480, 486, 500, 503])
    def test_it_rings_at_once_when_the_first_has_refused(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone, status: int
    ) -> None:
        alice.invite("1002")
        desk.reply(desk.request("INVITE"), status)
        mobile.reply(mobile.request("INVITE"), 200)
        assert alice.statuses() == [200]
        board.advance(RING_S + 1)
        assert methods(mobile) == []

    def test_who_answers_first_leaves_the_others_in_peace(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone
    ) -> None:
        alice.invite("1002")
        desk.reply(desk.request("INVITE"), 200)
        board.advance(RING_S + 1)
        assert methods(mobile) == []
        assert alice.statuses() == [200]

    @pytest.mark.parametrize("status", [600, 603])
    def test_a_decline_speaks_for_all(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone, status: int
    ) -> None:
        sent = alice.invite("1002")
        desk.reply(desk.request("INVITE"), status)
        answer = alice.response()
        assert answer.status == status
        alice.acknowledge_failure(sent, answer)
        board.advance(RING_S + 1)
        assert methods(mobile) == []

    def test_a_caller_who_gives_up_rings_nobody_else(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone
    ) -> None:
        sent = alice.invite("1002")
        invite = desk.request("INVITE")
        desk.reply(invite, 180)
        alice.cancel(sent)
        desk.reply(desk.request("CANCEL"), 200)
        desk.reply(invite, 487)
        board.advance(RING_S + 1)
        assert methods(mobile) == []
        answer = alice.response()
        assert answer.status == 487
        alice.acknowledge_failure(sent, answer)

    def test_an_answer_that_crosses_the_end_of_the_turn_wins(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone
    ) -> None:
        alice.invite("1002")
        first = desk.request("INVITE")
        desk.reply(first, 180)
        board.advance(RING_S + 1)
        second = mobile.request("INVITE")
        mobile.reply(second, 180)
        desk.reply(first, 200)
        assert alice.statuses() == [180, 180, 200]
        assert methods(mobile) == ["CANCEL"]
        mobile.reply(second, 487)

    def test_nobody_answers_anywhere(self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone) -> None:
        """Timer C ends the last turn; that the phones were told to stop is not what the caller is told."""
        sent = alice.invite("1002")
        first = desk.request("INVITE")
        desk.reply(first, 180)
        board.advance(RING_S + 1)
        desk.reply(first, 487)
        second = mobile.request("INVITE")
        mobile.reply(second, 180)
        board.advance(186)
        mobile.reply(second, 487)
        answer = alice.response()
        assert (answer.status, answer.reason) == (408, "Nobody answered")
        alice.acknowledge_failure(sent, answer)

    def test_a_phone_that_is_silent_holds_nobody_up(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone
    ) -> None:
        alice.invite("1002")
        board.advance(RING_S + 1)
        assert "CANCEL" not in methods(desk), "nothing is cancelled that was never heard of (section 9.1)"
        mobile.reply(mobile.request("INVITE"), 200)
        assert alice.statuses() == [100, 200]

    def test_phones_of_equal_preference_ring_together(self, board: Switchboard, alice: Phone, mobile: Phone) -> None:
        kitchen, hall = phone_of_bob(board, "192.0.2.3", "0.8"), phone_of_bob(board, "192.0.2.4", "0.8")
        sent = alice.invite("1002")
        for phone in (kitchen, hall):
            phone.reply(phone.request("INVITE"), 486)
        mobile.reply(mobile.request("INVITE"), 486)
        answer = alice.response()
        assert answer.status == 486
        alice.acknowledge_failure(sent, answer)

    def test_messages_take_their_turns_too(self, alice: Phone, desk: Phone, mobile: Phone) -> None:
        alice.authorized("MESSAGE", "sip:1002@pbx.lan")
        desk.reply(desk.request("MESSAGE"), 480)
        mobile.reply(mobile.request("MESSAGE"), 200)
        assert alice.statuses() == [200]

    def test_all_that_follow_share_the_breadth(self, alice: Phone, desk: Phone, mobile: Phone) -> None:
        """Max-Breadth bounds how many branches there are at a time (RFC 5393 section 5.3.3)."""
        alice.authorized("MESSAGE", "sip:1002@pbx.lan", Max_Breadth="2")
        first = desk.request("MESSAGE")
        assert first.headers.get("Max-Breadth") == "1"
        desk.reply(first, 480)
        second = mobile.request("MESSAGE")
        assert second.headers.get("Max-Breadth") == "2"
        mobile.reply(second, 200)

    def test_with_a_breadth_of_one_the_next_waits_for_the_end_of_the_first(
        self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone
    ) -> None:
        alice.authorized("INVITE", "sip:1002@pbx.lan", Max_Breadth="1")
        first = desk.request("INVITE")
        desk.reply(first, 180)
        board.advance(RING_S + 1)
        assert methods(desk) == ["CANCEL"]
        assert methods(mobile) == []
        desk.reply(first, 487)
        mobile.reply(mobile.request("INVITE"), 200)
        assert alice.response().status == 200


class TestReasons:
    """What a CANCEL says of why (RFC 3326), so that a call that somebody took is nowhere a missed one."""

    @pytest.fixture
    def kitchen(self, board: Switchboard) -> Phone:
        return phone_of_bob(board, "192.0.2.3", "1.0")

    def ring(self, alice: Phone, *phones: Phone) -> tuple[Request, list[Request]]:
        sent = alice.invite("1002")
        invites = [phone.request("INVITE") for phone in phones]
        for phone, invite in zip(phones, invites, strict=True):
            phone.reply(invite, 180)
        return sent, invites

    def test_another_phone_answered(self, alice: Phone, desk: Phone, kitchen: Phone) -> None:
        _, (at_desk, _) = self.ring(alice, desk, kitchen)
        desk.reply(at_desk, 200)
        assert kitchen.request("CANCEL").headers.get_all("Reason") == ['SIP;cause=200;text="Call completed elsewhere"']

    def test_another_phone_declined(self, alice: Phone, desk: Phone, kitchen: Phone) -> None:
        _, (at_desk, _) = self.ring(alice, desk, kitchen)
        desk.reply(at_desk, 603)
        assert kitchen.request("CANCEL").headers.get_all("Reason") == ['SIP;cause=603;text="Decline"']

    def test_the_caller_says_why(self, alice: Phone, desk: Phone) -> None:
        sent, _ = self.ring(alice, desk)
        alice.cancel(sent, Reason='SIP;cause=200;text="Call completed elsewhere"')
        assert desk.request("CANCEL").headers.get_all("Reason") == ['SIP;cause=200;text="Call completed elsewhere"']

    def test_or_does_not(self, alice: Phone, desk: Phone) -> None:
        sent, _ = self.ring(alice, desk)
        alice.cancel(sent)
        assert desk.request("CANCEL").headers.get("Reason") is None

    def test_nobody_answered_in_time(self, board: Switchboard, alice: Phone, desk: Phone, mobile: Phone) -> None:
        self.ring(alice, desk)
        board.advance(RING_S + 1)
        assert desk.request("CANCEL").headers.get("Reason") is None


class TestRedirection:
    @pytest.fixture
    def carol(self, board: Switchboard) -> Phone:
        carol = board.phone("1003", "192.0.2.3")
        carol.register()
        return carol

    @pytest.mark.parametrize("status", [300, 301, 302, 305])
    def test_a_user_is_called_instead(self, alice: Phone, desk: Phone, carol: Phone, status: int) -> None:
        alice.invite("1002")
        desk.reply(desk.request("INVITE"), status, Contact="<sip:1003@pbx.lan>")
        invite = carol.request("INVITE")
        assert str(invite.uri) == "sip:1003@192.0.2.3:5060"
        carol.reply(invite, 200)
        assert alice.statuses() == [200]

    def test_so_is_a_place_elsewhere(self, board: Switchboard, alice: Phone, desk: Phone) -> None:
        alice.invite("1002")
        desk.reply(desk.request("INVITE"), 302, Contact="<sip:bob@203.0.113.7?Subject=x>")
        (invite,) = board.take(Hop("UDP", "203.0.113.7", 5060))
        assert isinstance(invite, Request)
        assert str(invite.uri) == "sip:bob@203.0.113.7"
        board.receive(invite.response(486, to_tag="x").encode(), Hop("UDP", "203.0.113.7", 5060))
        assert alice.response().status == 486

    def test_the_places_have_their_turn_by_q(self, alice: Phone, desk: Phone, mobile: Phone, carol: Phone) -> None:
        alice.invite("1002")
        contacts = "<sip:1003@pbx.lan>;q=0.4, <sip:1002@192.0.2.22:5060>;q=0.9"
        desk.reply(desk.request("INVITE"), 302, Contact=contacts)
        first = mobile.request("INVITE")
        assert methods(carol) == []
        mobile.reply(first, 486)
        carol.reply(carol.request("INVITE"), 200)
        assert alice.statuses() == [200]

    def test_nothing_is_tried_twice(self, alice: Phone, desk: Phone, carol: Phone) -> None:
        sent = alice.invite("1002")
        desk.reply(desk.request("INVITE"), 302, Contact="<sip:1003@pbx.lan>")
        carol.reply(carol.request("INVITE"), 302, Contact="<sip:1002@pbx.lan>")
        assert methods(desk) == ["ACK"]
        answer = alice.response()
        assert answer.status == 302
        alice.acknowledge_failure(sent, answer)

    def test_what_is_not_followed_goes_back_without_what_was(self, alice: Phone, desk: Phone, carol: Phone) -> None:
        """Section 16.7 step 4."""
        sent = alice.invite("1002")
        desk.reply(desk.request("INVITE"), 300, Contact="<sip:1003@pbx.lan>, <tel:+4930123456>")
        carol.reply(carol.request("INVITE"), 486)
        answer = alice.response()
        assert (answer.status, answer.headers.get_all("Contact")) == (300, ["<tel:+4930123456>"])
        alice.acknowledge_failure(sent, answer)

    @pytest.mark.parametrize("contact", ["", "<tel:+4930123456>", "<sip:1003@pbx.lan>"])
    def test_one_that_leads_nowhere_goes_back(self, alice: Phone, desk: Phone, contact: str) -> None:
        """1003 is not registered here."""
        sent = alice.invite("1002")
        response = desk.request("INVITE").response(302, to_tag="t")
        if contact:
            response.headers.add("Contact", contact)
        desk.send(response)
        answer = alice.response()
        assert (answer.status, answer.headers.get("Contact") or "") == (302, contact)
        alice.acknowledge_failure(sent, answer)

    def test_a_caller_who_gave_up_is_redirected_nowhere(self, alice: Phone, desk: Phone, carol: Phone) -> None:
        sent = alice.invite("1002")
        invite = desk.request("INVITE")
        desk.reply(invite, 180)
        alice.cancel(sent)
        desk.reply(invite, 302, Contact="<sip:1003@pbx.lan>")
        assert methods(carol) == []
        answer = alice.response()
        assert answer.status == 302
        alice.acknowledge_failure(sent, answer)

    def test_a_server_that_sends_on_for_ever_is_left(self, board: Switchboard, alice: Phone) -> None:
        sent, _ = alice.authorized("INVITE", "sip:x@203.0.113.7")
        server = Hop("UDP", "203.0.113.7", 5060)
        rounds = 0
        while found := [one for one in board.take(server) if isinstance(one, Request) and one.method == "INVITE"]:
            rounds += 1
            response = found[0].response(302, to_tag="t")
            response.headers.add("Contact", f"<sip:x{rounds}@203.0.113.7>")
            board.receive(response.encode(), server)
        assert rounds == MAX_BRANCHES
        answer = alice.response()
        assert answer.status == 302
        alice.acknowledge_failure(sent, answer)


class TestSpirals:
    def test_a_call_that_another_exchange_sends_back_to_a_user_of_ours_passes(
        self, board: Switchboard, alice: Phone
    ) -> None:
        """P1, P2, P1: whoever called was asked when the call left, and cannot be asked again for our own realm."""
        carol = board.phone("1003", "192.0.2.3")
        carol.register()
        alice.authorized("INVITE", "sip:bob@203.0.113.7")
        other = Hop("UDP", "203.0.113.7", 5060)
        (invite,) = board.take(other)
        assert isinstance(invite, Request)
        back = Request("INVITE", "sip:1003@pbx.lan", invite.headers, invite.body)
        back.headers.prepend("Via", "SIP/2.0/UDP 203.0.113.7;branch=z9hG4bK-p2")
        board.receive(back.encode(), other)
        came = carol.request("INVITE")
        assert [via.host for via in came.vias] == [OWN, "203.0.113.7", OWN, "192.0.2.1"]
        carol.reply(came, 200)
        (answer,) = [one for one in board.take(other) if isinstance(one, Response) and one.status == 200]
        answer.headers.remove_first("Via")
        board.receive(answer.encode(), other)
        assert alice.response().status == 200


class TestTable:
    def test_every_pair_is_decided(self) -> None:
        """What is in neither table cannot happen, and is named here with the reason."""
        impossible = {
            # The time of a stage ends with the search.
            *((state, News.RING_OVER) for state in Progress if state is not Progress.SEARCHING),
            # All branches have failed once and for all.
            (Progress.ANSWERED, News.EXHAUSTED),
            (Progress.REFUSED, News.EXHAUSTED),
            (Progress.REFUSED, News.FAILURE),
            (Progress.REFUSED, News.GLOBAL_FAILURE),
        }
        every = {(state, news) for state in Progress for news in News}
        assert set(Proxy.TABLE) | Proxy.IGNORED | impossible == every
        assert not set(Proxy.TABLE) & Proxy.IGNORED
        assert not (set(Proxy.TABLE) | Proxy.IGNORED) & impossible

    def test_nothing_leads_back_to_a_search(self) -> None:
        for (state, _), (following, _) in Proxy.TABLE.items():
            assert following is not Progress.SEARCHING or state is Progress.SEARCHING

    def test_a_search_ends_in_an_answer_or_a_refusal(self) -> None:
        ends = {
            state for state in Progress if all(row[0] is state for (at, _), row in Proxy.TABLE.items() if at is state)
        }
        assert ends == {Progress.ANSWERED, Progress.REFUSED}
