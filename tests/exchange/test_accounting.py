"""What is accounted of registrations and calls, with phones played message by message."""

import pytest

from device.exchange.accounting import (
    LOST,
    MAX_ANSWERED,
    MAX_CALL_S,
    MAX_CALLS,
    MAX_CONTACTS_TEXT,
    MAX_TEXT,
    Accounting,
)
from device.exchange_model import AccountingRecord, CallDetail
from device.sip.message import Request
from device.sip.transaction import ServerKey
from tests.exchange.switchboard import UNIX_OFFSET_S, Phone, Switchboard, two_phones


def records(board: Switchboard, method: str = "INVITE") -> list[AccountingRecord]:
    found = [one.record for one in board.accounted if one.record is not None]
    return [record for record in found if record.method == method]


def calls(board: Switchboard) -> list[CallDetail]:
    """Each call as it was last told."""
    latest = {(one.call.call_id, one.call.to_tag): one.call for one in board.accounted if one.call is not None}
    return list(latest.values())


def call_of(board: Switchboard) -> CallDetail:
    (call,) = calls(board)
    return call


def answered(board: Switchboard) -> tuple[Phone, Phone, Request]:
    """A call from 1001 to 1002 that stands after two seconds of ringing."""
    alice, bob = two_phones(board)
    alice.invite("1002")
    invite = bob.request("INVITE")
    board.advance(2.0)
    bob.reply(invite, 200)
    alice.in_dialog("ACK", alice.response())
    return alice, bob, invite


class TestRegistrations:
    def test_each_is_accounted_and_challenges_are_not(self) -> None:
        board = Switchboard()
        phone = board.phone("1001", "192.0.2.1")
        phone.register()
        phone.register(Contact="*", Expires="0")
        told = [(one.sip_code, one.src_user, one.dst_user, one.src_ip) for one in records(board, "REGISTER")]
        assert told == [
            ("200", "1001", "sip:1001@192.0.2.1:5060", "192.0.2.1"),
            ("200", "1001", "*", "192.0.2.1"),
        ]
        assert records(board, "REGISTER")[0].time == UNIX_OFFSET_S

    @pytest.mark.parametrize("user", ["1001", "nobody"])
    def test_a_wrong_password_is_accounted_by_the_name_that_was_tried(self, user: str) -> None:
        board = Switchboard()
        phone = board.phone("1001", "192.0.2.9")
        phone.user = user
        phone.auth.credential = phone.auth.credential.__class__(user, password="guess")
        assert phone.register().status == 403
        (record,) = records(board, "REGISTER")
        assert (record.sip_code, record.src_user, record.src_ip) == ("403", user, "192.0.2.9")

    def test_a_wish_that_is_too_brief(self) -> None:
        board = Switchboard()
        board.phone("1001", "192.0.2.1").register(Expires="5")
        assert [one.sip_code for one in records(board, "REGISTER")] == ["423"]


class TestCalls:
    def test_set_up_answer_end_and_why(self) -> None:
        board = Switchboard()
        _, bob, invite = answered(board)
        began = UNIX_OFFSET_S + board.now - 2.0
        call = call_of(board)
        assert (call.set_up_at, call.answered_at, call.ended_at) == (began, began + 2.0, 0.0)
        assert (call.caller, call.called) == ("sip:1001@pbx.lan", "sip:1002@pbx.lan")
        assert call.answered_by == "sip:1002@192.0.2.2:5060"
        assert board.exchange.accounting.calls == [call]
        board.advance(60.0)
        bob.in_dialog("BYE", invite)
        call = call_of(board)
        assert (call.ended_at, call.duration_s) == (began + 62.0, 60.0)
        assert (call.sip_code, call.cause, call.ended_by) == (200, "ended normally", "callee")
        assert board.exchange.accounting.calls == []

    def test_both_ends_have_a_record(self) -> None:
        board = Switchboard()
        _, bob, invite = answered(board)
        board.advance(3.5)
        bob.in_dialog("BYE", invite)
        (first,), (last,) = records(board), records(board, "BYE")
        assert (first.sip_code, first.setuptime, first.src_user, first.dst_user) == ("200", 2, "1001", "1002")
        assert (last.callid, last.from_tag, last.to_tag) == (first.callid, first.from_tag, first.to_tag)
        assert (last.ms_duration, last.src_user, last.dst_user) == (3500, "1002", "1001")

    def test_the_caller_hangs_up_and_says_why(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), 200)
        answer = alice.response()
        alice.in_dialog("ACK", answer)
        alice.in_dialog("BYE", answer, Reason='Q.850;cause=41;text="no route"')
        call = call_of(board)
        assert (call.ended_by, call.cause) == ("caller", "ended normally (no route)")

    @pytest.mark.parametrize(("status", "cause"), [(486, "busy"), (603, "declined"), (480, "not available now")])
    def test_a_refusal(self, status: int, cause: str) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), status)
        call = call_of(board)
        assert (call.sip_code, call.cause, call.answered_at) == (status, cause, 0.0)
        assert call.ended_at >= call.set_up_at
        assert [one.sip_code for one in records(board)] == [str(status)]

    def test_the_caller_gives_up(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        alice.cancel(sent)
        bob.reply(invite, 487)
        assert (call_of(board).sip_code, call_of(board).cause) == (487, "cancelled")

    @pytest.mark.parametrize(
        ("called", "status"), [("1003", 480), ("9999", 404)], ids=["not registered", "no such number"]
    )
    def test_a_call_that_goes_nowhere(self, called: str, status: int) -> None:
        board = Switchboard()
        alice, _ = two_phones(board)
        alice.invite(called)
        assert call_of(board).sip_code == status

    def test_of_a_call_that_was_challenged_there_is_one_record(self) -> None:
        board = Switchboard()
        answered(board)
        assert len(records(board)) == 1

    def test_a_call_while_it_is_set_up(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        bob.request("INVITE")
        (call,) = board.exchange.accounting.calls
        assert (call.caller, call.answered_at) == ("sip:1001@pbx.lan", 0.0)

    def test_a_call_goes_on_over_a_restart(self) -> None:
        board = Switchboard(secret="s")
        _, bob, invite = answered(board)
        again = Switchboard(bindings=board.exchange.location.everything(), secret="s")
        again.exchange.accounting.resume([call_of(board)])
        again.advance(90.0)
        bob.board = again
        bob.in_dialog("BYE", invite)
        assert call_of(again).ended_by == "callee"

    def test_a_call_of_which_no_end_is_seen(self) -> None:
        board = Switchboard()
        answered(board)
        board.advance(MAX_CALL_S + 1.0)
        board.phone("1003", "192.0.2.3").register()
        board.advance(700.0)
        assert (call_of(board).cause, call_of(board).ended_at > 0) == (LOST, True)
        assert board.exchange.accounting.calls == []

    def test_a_clock_that_is_set_makes_no_call_longer(self) -> None:
        board = Switchboard()
        _, bob, invite = answered(board)
        board.exchange.clock_set(1e9, board.now)
        board.advance(5.0)
        bob.in_dialog("BYE", invite)
        assert call_of(board).duration_s == 5.0


class TestBounds:
    def invite(self, number: int, **parts: str) -> Request:
        request = Request("INVITE", f"sip:{parts.get('called', '1002')}@pbx.lan")
        request.headers.add("From", f"<sip:{parts.get('caller', '1001')}@pbx.lan>;tag=f{number}")
        request.headers.add("To", "<sip:1002@pbx.lan>;tag=t")
        request.headers.add("Call-ID", f"c{number}")
        request.headers.add("CSeq", "1 INVITE")
        request.headers.add("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
        return request

    def test_only_so_many_calls_are_followed(self) -> None:
        accounting = Accounting()
        for number in range(MAX_CALLS + 5):
            accounting.invite_received(ServerKey(f"b{number}", "h", "INVITE"), self.invite(number), "h", number)
        assert len(accounting.calls) == MAX_CALLS
        for number in range(MAX_CALLS + 5):
            response = self.invite(number).response(200, to_tag="t")
            accounting.final_sent(ServerKey(f"b{number}", "h", "INVITE"), response, number)
        assert len(accounting.calls) == MAX_CALLS
        accounting.resume([CallDetail(f"x{number}", "f", "t", "a", "b", 0.0) for number in range(10)])
        assert len(accounting.calls) == MAX_CALLS

    def test_answers_of_long_ago_are_forgotten(self) -> None:
        accounting = Accounting()
        for number in range(MAX_ANSWERED + 1):
            key = ServerKey(f"b{number}", "h", "INVITE")
            accounting.invite_received(key, self.invite(number), "h", 0.0)
            accounting.final_sent(key, self.invite(number).response(200, to_tag="t"), 1.0)
        again = self.invite(0).response(200, to_tag="u")
        assert accounting.final_sent(ServerKey("b0", "h", "INVITE"), again, 2.0) is None
        assert accounting.final_sent(ServerKey("b1", "h", "INVITE"), again, 2.0) is not None

    def test_long_and_strange_names(self) -> None:
        accounting = Accounting()
        key = ServerKey("b", "h", "INVITE")
        accounting.invite_received(key, self.invite(1, called="x" * 999, caller="caf\udce9"), "h", 0.0)
        (call,) = accounting.calls
        assert len(call.called) == MAX_TEXT
        assert call.caller.encode() == b"sip:caf\\udce9@pbx.lan"
        board = Switchboard()
        phone = board.phone("1001", "192.0.2.1")
        phone.register(Contact=f"<sip:{'x' * 300}@192.0.2.1>")
        assert len(records(board, "REGISTER")[0].dst_user) == MAX_CONTACTS_TEXT
