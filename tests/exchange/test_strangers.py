"""What senders who are no users get to see, and what is noted of them."""

import re

import pytest

from device.exchange.admission import sender_of
from device.sip.message import Response
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, settings, two_phones

ABROAD, AT_HOME = "203.0.113.9", "192.168.1.9"


def stranger(board: Switchboard, host: str = ABROAD, domain: str = "elsewhere.example") -> Phone:
    phone = board.phone("guest", host)
    phone.domain = domain
    return phone


def points(board: Switchboard, host: str = ABROAD) -> float:
    one = board.exchange.strangers.admission._senders.get(sender_of(host, 5060))
    return one.points if one is not None else 0.0


def shape(response: Response) -> list[tuple[str, str]]:
    """What can be compared of two answers: header fields, but for what names sender, nonce and transaction."""
    own = ("Via", "From", "To", "Call-ID", "CSeq")
    return [
        (name, "" if name in own else re.sub(r'nonce="[^"]*"', "", value)) for name, value in response.headers.items()
    ]


class TestUnknownUsers:
    def test_a_register_for_a_user_who_does_not_exist_looks_like_any_other(self) -> None:
        board = Switchboard()
        asked, refused = [], []
        for user in ("1001", "4444"):
            phone = board.phone(user, f"192.0.2.{user[0]}")
            phone.password = "guess"
            phone.auth = phone.auth.__class__(phone.auth.credential.__class__(user, password="guess"), board.ids)
            phone.ask("REGISTER", f"sip:{DOMAIN}", To=phone.address)
            asked.append(phone.response())
            refused.append(phone.register())
        assert [response.status for response in (*asked, *refused)] == [401, 401, 403, 403]
        assert shape(asked[0]) == shape(asked[1])
        assert shape(refused[0]) == shape(refused[1])

    @pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "MESSAGE"])
    def test_strangers_do_not_learn_who_is_called_so(self, method: str) -> None:
        board = Switchboard()
        answers = []
        for called in ("1003", "4444"):
            phone = stranger(board)
            phone.ask(method, f"sip:{called}@{DOMAIN}")
            answers.append(phone.response())
        assert answers[0].status == answers[1].status == 480
        assert answers[0].reason == answers[1].reason


class TestPolicies:
    def call(self, policy: str, host: str) -> list[int]:
        board = Switchboard(settings(strangers=policy))
        _, bob = two_phones(board)
        phone = stranger(board, host)
        phone.ask("INVITE", f"sip:1002@{DOMAIN}")
        if any(message for message in bob.received()):
            return [0]
        return phone.statuses()

    @pytest.mark.parametrize(
        ("policy", "host", "outcome"),
        [
            ("call", ABROAD, [0]),
            ("house", AT_HOME, [0]),
            ("house", ABROAD, [407]),
            ("challenge", AT_HOME, [407]),
            ("silence", AT_HOME, []),
            ("silence", ABROAD, []),
        ],
    )
    def test_who_may_call(self, policy: str, host: str, outcome: list[int]) -> None:
        assert self.call(policy, host) == outcome

    def test_a_user_may_call_from_elsewhere_under_another_address(self) -> None:
        board = Switchboard(settings(strangers="challenge"))
        _, bob = two_phones(board)
        phone = board.phone("1003", ABROAD)
        phone.authorized("INVITE", f"sip:1002@{DOMAIN}", From="<sip:me@mobile.example>;tag=x")
        assert bob.request("INVITE").headers.get("Proxy-Authorization") is None


class TestSilence:
    @pytest.mark.parametrize(
        ("method", "uri"),
        [
            ("OPTIONS", "sip:192.0.2.10"),
            ("OPTIONS", f"sip:100@{DOMAIN}"),
            ("REGISTER", "sip:192.0.2.10"),
            ("INVITE", "sip:000442071234567@192.0.2.10"),
            ("BOGUS", "sip:192.0.2.10"),
        ],
    )
    def test_nothing_comes_back_and_nothing_is_kept(self, method: str, uri: str) -> None:
        board = Switchboard(settings(strangers="silence"))
        # Scanners put our address where the domain belongs.
        phone = stranger(board, domain="192.0.2.10")
        phone.ask(method, uri, To=phone.address)
        board.advance(200.0)
        assert phone.received() == []
        assert board.is_idle

    def test_users_register_and_call(self) -> None:
        board = Switchboard(settings(strangers="silence"))
        alice, bob = two_phones(board)
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), 200)
        assert alice.response().status == 200

    def test_what_belongs_to_a_call_passes(self) -> None:
        board = Switchboard(settings(strangers="silence"))
        alice, bob = two_phones(board)
        alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 200)
        alice.in_dialog("ACK", alice.response())
        bob.in_dialog("BYE", invite)
        assert alice.request("BYE")


class TestDeeds:
    def test_what_counts(self) -> None:
        board = Switchboard()
        phone = stranger(board)
        phone.ask("INVITE", f"sip:4444@{DOMAIN}")
        assert points(board) == 3.0
        phone.ask("INVITE", "sip:someone@elsewhere.example")
        assert points(board) == 5.0

    def test_a_wrong_password_counts_and_the_right_one_helps(self) -> None:
        board = Switchboard()
        mallory = board.phone("1001", ABROAD)
        mallory.auth = mallory.auth.__class__(mallory.auth.credential.__class__("1001", password="guess"), board.ids)
        mallory.register()
        assert points(board) == pytest.approx(5.1)
        board.phone("1002", ABROAD).register()
        assert points(board) == pytest.approx(2.2)

    def test_a_caller_who_reaches_somebody_has_done_nothing(self) -> None:
        board = Switchboard()
        two_phones(board)
        stranger(board).ask("INVITE", f"sip:1002@{DOMAIN}")
        assert points(board) == 0.0
