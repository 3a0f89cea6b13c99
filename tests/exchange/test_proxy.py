"""The proxy as phones see it: requests forwarded, forks, cancellations, failures. Each test ends with nothing left."""

from collections.abc import Iterator

import pytest

from device.exchange.proxy import MAX_OPEN
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.parser import parse_message
from tests.exchange.switchboard import OWN, SDP, Phone, Switchboard, settings

LONG_S = 400.0
"""Longer than Timer C, a CANCEL and all that lingers."""


@pytest.fixture
def board() -> Iterator[Switchboard]:
    board = Switchboard(settings(min_expires_s=3600, default_expires_s=3600))
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


@pytest.fixture
def bob(board: Switchboard) -> Phone:
    bob = board.phone("1002", "192.0.2.2")
    bob.register()
    return bob


@pytest.fixture
def kitchen(board: Switchboard) -> Phone:
    """Bob's other phone."""
    kitchen = board.phone("1002", "192.0.2.22")
    kitchen.register(Call_ID="reg-kitchen")
    return kitchen


def methods(phone: Phone) -> list[str]:
    """What came to a phone, copies aside: methods, and statuses as text."""
    found = [one.method if isinstance(one, Request) else str(one.status) for one in phone.received()]
    return list(dict.fromkeys(found))


def finish(phone: Phone, sent: Request, response: Response) -> None:
    """Acknowledge a final response, whatever it is."""
    if response.status < 300:
        phone.in_dialog("ACK", response)
    else:
        phone.acknowledge_failure(sent, response)


class TestPlainCall:
    def test_from_invite_to_bye(self, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        assert str(invite.uri) == "sip:1002@192.0.2.2:5060"
        assert (invite.max_forwards, invite.body) == (69, SDP)
        assert [via.host for via in invite.vias] == [OWN, "192.0.2.1"]
        bob.reply(invite, 100)
        bob.reply(invite, 180)
        bob.reply(invite, 200)
        ringing, answer = alice.received()
        assert (ringing.status, answer.status) == (180, 200)
        assert [via.branch for via in answer.vias] == [sent.top_via.branch]
        alice.in_dialog("ACK", answer)
        ack = bob.request("ACK")
        assert (str(ack.uri), ack.routes, ack.max_forwards) == ("sip:1002@192.0.2.2:5060", [], 69)
        bob.in_dialog("BYE", invite)
        bye = alice.request("BYE")
        assert (str(bye.uri), bye.routes) == ("sip:1001@192.0.2.1:5060", [])
        alice.reply(bye, 200)
        assert bob.statuses() == [200]

    def test_without_max_forwards_it_gets_the_usual(self, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002", Max_Forwards="")
        invite = bob.request("INVITE")
        assert invite.max_forwards == 70
        bob.reply(invite, 486)
        finish(alice, sent, alice.response())

    def test_everything_that_we_do_not_know_passes_unchanged(self, alice: Phone, bob: Phone) -> None:
        alice.authorized(
            "MESSAGE", "sip:1002@pbx.lan", X_Own="a ; strange=value", Require="something", Content_Type="text/x-own"
        )
        message = bob.request("MESSAGE")
        assert message.headers.get("X-Own") == "a ; strange=value"
        assert message.tokens("Require") == ["something"]
        bob.reply(message, 420, Unsupported="something", X_Back="too")
        answer = alice.response()
        assert (answer.status, answer.headers.get("X-Back")) == (420, "too")

    @pytest.mark.parametrize("status", [300, 486, 600])
    def test_a_call_that_is_refused(self, alice: Phone, bob: Phone, status: int) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, status)
        assert methods(bob) == ["ACK"]
        answer = alice.response()
        assert answer.status == status
        finish(alice, sent, answer)

    def test_100_goes_no_further(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 100)
        assert alice.statuses() == []
        board.advance(0.3)
        (ours,) = alice.received()
        assert isinstance(ours, Response)
        assert (ours.status, ours.to.tag) == (100, None)
        bob.reply(invite, 486)
        finish(alice, sent, alice.response())

    def test_each_copy_of_a_2xx_is_passed_on(self, alice: Phone, bob: Phone) -> None:
        alice.invite("1002")
        invite = bob.request("INVITE")
        for _ in range(3):
            bob.reply(invite, 200)
        assert alice.statuses() == [200, 200, 200]

    def test_a_2xx_is_not_relayed_once_its_invite_is_forgotten(
        self, board: Switchboard, alice: Phone, bob: Phone
    ) -> None:
        alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 200)
        board.advance(33.0)
        alice.received()
        bob.reply(invite, 200)
        assert alice.received() == []

    def test_a_response_is_not_steered_by_what_the_phone_did_to_the_vias(self, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        response = invite.response(486, to_tag="t")
        response.headers.remove("Via")
        response.headers.add("Via", str(invite.top_via))
        response.headers.add("Via", "\N{SNOWMAN}")
        bob.send(response)
        answer = alice.response()
        assert answer.status == 486
        assert [via.branch for via in answer.vias] == [sent.top_via.branch]
        finish(alice, sent, answer)


class TestFork:
    def ring(self, alice: Phone, *phones: Phone) -> tuple[Request, list[Request]]:
        sent = alice.invite("1002")
        return sent, [phone.request("INVITE") for phone in phones]

    def test_who_answers_ends_the_ringing_of_the_other(self, alice: Phone, bob: Phone, kitchen: Phone) -> None:
        _, (desk, other) = self.ring(alice, bob, kitchen)
        assert desk.top_via.branch != other.top_via.branch
        bob.reply(desk, 180)
        kitchen.reply(other, 180, To="<sip:1002@pbx.lan>;tag=kitchen")
        kitchen.reply(other, 200, To="<sip:1002@pbx.lan>;tag=kitchen")
        assert alice.statuses() == [180, 180, 200]
        cancel = bob.request("CANCEL")
        assert cancel.top_via.branch == desk.top_via.branch
        bob.reply(cancel, 200)
        bob.reply(desk, 487)
        assert methods(bob) == ["ACK"]
        assert methods(kitchen) == []
        assert alice.received() == []

    def test_both_answer_and_both_are_heard(self, alice: Phone, bob: Phone, kitchen: Phone) -> None:
        _, (desk, other) = self.ring(alice, bob, kitchen)
        bob.reply(desk, 180)
        bob.reply(desk, 200)
        kitchen.reply(other, 200, To="<sip:1002@pbx.lan>;tag=kitchen")
        _, first, second = alice.received()
        assert isinstance(first, Response)
        assert isinstance(second, Response)
        assert [first.to.tag, second.to.tag] == ["tag-1002", "kitchen"]
        alice.in_dialog("ACK", first)
        alice.in_dialog("ACK", second)
        alice.in_dialog("BYE", second)
        assert methods(kitchen) == ["ACK", "BYE"]
        assert methods(bob) == ["ACK"]

    def test_one_busy_and_one_silent(self, board: Switchboard, alice: Phone, bob: Phone, kitchen: Phone) -> None:
        sent, (desk, _) = self.ring(alice, bob, kitchen)
        bob.reply(desk, 486)
        board.advance(31.0)
        assert alice.statuses() == [100]
        board.advance(2.0)
        answer = alice.response()
        assert answer.status == 486
        finish(alice, sent, answer)

    @pytest.mark.parametrize("status", [600, 603])
    def test_decline_ends_the_ringing_of_the_other(self, alice: Phone, bob: Phone, kitchen: Phone, status: int) -> None:
        sent, (desk, other) = self.ring(alice, bob, kitchen)
        kitchen.reply(other, 180)
        bob.reply(desk, status)
        assert alice.statuses() == [180]
        assert kitchen.request("CANCEL").top_via.branch == other.top_via.branch
        kitchen.reply(other, 487)
        answer = alice.response()
        assert answer.status == status
        finish(alice, sent, answer)

    def test_a_2xx_that_crosses_a_decline_wins(self, alice: Phone, bob: Phone, kitchen: Phone) -> None:
        _, (desk, other) = self.ring(alice, bob, kitchen)
        kitchen.reply(other, 180)
        bob.reply(desk, 603)
        kitchen.reply(other, 200)
        assert alice.statuses() == [180, 200]

    def test_a_2xx_of_a_fork_further_on_is_heard_though_the_branch_had_failed(
        self, alice: Phone, bob: Phone, kitchen: Phone
    ) -> None:
        _, (desk, other) = self.ring(alice, bob, kitchen)
        bob.reply(desk, 486)
        bob.reply(desk, 200, To="<sip:1002@pbx.lan>;tag=further")
        answer = alice.response()
        assert (answer.status, answer.to.tag) == (200, "further")
        kitchen.reply(other, 180)
        assert methods(kitchen) == ["CANCEL"]
        kitchen.reply(other, 487)
        assert alice.received() == []

    @pytest.mark.parametrize("status", [300, 486])
    def test_even_after_the_failure_has_gone_back(self, alice: Phone, bob: Phone, status: int) -> None:
        sent, (desk,) = self.ring(alice, bob)
        bob.reply(desk, status)
        finish(alice, sent, alice.response())
        bob.reply(desk, 200, To="<sip:1002@pbx.lan>;tag=further")
        answer = alice.response()
        assert (answer.status, answer.to.tag) == (200, "further")
        alice.in_dialog("ACK", answer)
        assert methods(bob) == ["ACK"]

    def test_challenges_of_both_go_back_together(self, alice: Phone, bob: Phone, kitchen: Phone) -> None:
        sent, (desk, other) = self.ring(alice, bob, kitchen)
        bob.reply(desk, 401, WWW_Authenticate='Digest realm="desk", nonce="1"')
        kitchen.reply(other, 407, Proxy_Authenticate='Digest realm="kitchen", nonce="2"')
        answer = alice.response()
        assert answer.status in (401, 407)
        assert answer.headers.get_all("WWW-Authenticate") == ['Digest realm="desk", nonce="1"']
        assert answer.headers.get_all("Proxy-Authenticate") == ['Digest realm="kitchen", nonce="2"']
        finish(alice, sent, answer)

    def test_the_first_2xx_of_another_method_goes_back_at_once_and_alone(
        self, alice: Phone, bob: Phone, kitchen: Phone
    ) -> None:
        alice.authorized("MESSAGE", "sip:1002@pbx.lan")
        first, second = bob.request("MESSAGE"), kitchen.request("MESSAGE")
        bob.reply(first, 202)
        kitchen.reply(second, 200)
        assert alice.statuses() == [202]

    def test_other_methods_have_one_failure_too(self, alice: Phone, bob: Phone, kitchen: Phone) -> None:
        alice.authorized("MESSAGE", "sip:1002@pbx.lan")
        first, second = bob.request("MESSAGE"), kitchen.request("MESSAGE")
        bob.reply(first, 600)
        assert methods(kitchen) == []
        kitchen.reply(second, 404)
        assert alice.statuses() == [600]


class TestBreadth:
    @pytest.mark.parametrize(("breadth", "shares"), [("2", ["1", "1"]), ("3", ["2", "1"]), ("4", ["2", "2"])])
    def test_branches_share_what_the_request_has(
        self, alice: Phone, bob: Phone, kitchen: Phone, breadth: str, shares: list[str]
    ) -> None:
        alice.authorized("MESSAGE", "sip:1002@pbx.lan", Max_Breadth=breadth)
        assert [phone.request("MESSAGE").headers.get("Max-Breadth") for phone in (bob, kitchen)] == shares

    def test_without_a_word_there_are_sixty(self, alice: Phone, bob: Phone) -> None:
        alice.authorized("MESSAGE", "sip:1002@pbx.lan")
        assert bob.request("MESSAGE").headers.get("Max-Breadth") == "60"

    @pytest.mark.parametrize("breadth", ["0", "1"])
    def test_too_little_is_refused(self, alice: Phone, bob: Phone, kitchen: Phone, breadth: str) -> None:
        _, came = alice.authorized("MESSAGE", "sip:1002@pbx.lan", Max_Breadth=breadth)
        assert [one.status for one in came if isinstance(one, Response)] == [440]
        assert methods(bob) == methods(kitchen) == []

    def test_nonsense_is_a_bad_request(self, alice: Phone, bob: Phone) -> None:
        _, came = alice.authorized("MESSAGE", "sip:1002@pbx.lan", Max_Breadth="many")
        assert [one.status for one in came if isinstance(one, Response)] == [400]
        assert methods(bob) == []


class TestCancel:
    def test_while_it_rings(self, alice: Phone, bob: Phone, kitchen: Phone) -> None:
        sent = alice.invite("1002")
        desk, other = bob.request("INVITE"), kitchen.request("INVITE")
        bob.reply(desk, 180)
        kitchen.reply(other, 180)
        alice.received()
        alice.cancel(sent)
        assert alice.statuses() == [200]
        for phone, invite in ((bob, desk), (kitchen, other)):
            cancel = phone.request("CANCEL")
            assert cancel.top_via.branch == invite.top_via.branch
            phone.reply(cancel, 200)
            phone.reply(invite, 487)
        answer = alice.response()
        assert answer.status == 487
        finish(alice, sent, answer)

    def test_before_the_phone_has_said_anything_it_waits(self, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        alice.cancel(sent)
        assert alice.statuses() == [200]
        assert methods(bob) == []
        bob.reply(invite, 180)
        assert methods(bob) == ["CANCEL"]
        bob.reply(invite, 487)
        finish(alice, sent, alice.response())

    def test_a_phone_that_never_said_anything(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        alice.cancel(sent)
        board.advance(33.0)
        answer = alice.response()
        assert answer.status == 487
        finish(alice, sent, answer)
        assert "CANCEL" not in methods(bob)

    def test_a_phone_that_does_not_answer_the_cancel(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        bob.reply(bob.request("INVITE"), 180)
        alice.cancel(sent)
        board.advance(31.0)
        assert 487 not in alice.statuses()
        board.advance(2.0)
        answer = alice.response()
        assert answer.status == 487
        finish(alice, sent, answer)

    def test_an_answer_that_crosses_it_wins(self, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        alice.cancel(sent)
        assert methods(bob) == ["CANCEL"]
        bob.reply(invite, 200)
        answer = alice.response()
        assert answer.status == 200
        alice.in_dialog("ACK", answer)
        alice.in_dialog("BYE", answer)
        assert methods(bob) == ["ACK", "BYE"]

    def test_a_phone_that_rings_on_after_it_gets_no_second(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        alice.cancel(sent)
        bob.reply(bob.request("CANCEL"), 200)
        bob.reply(invite, 180)
        board.advance(300.0)
        assert "CANCEL" not in methods(bob)

    def test_of_a_call_that_is_answered_changes_nothing(self, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        bob.reply(bob.request("INVITE"), 200)
        alice.received()
        alice.cancel(sent)
        assert alice.statuses() == [200]
        assert methods(bob) == []

    def test_of_a_call_that_we_refused_ourselves_is_known_too(self, alice: Phone) -> None:
        sent = alice.invite("1002")
        alice.cancel(sent)
        assert alice.statuses() == [200]

    def test_of_a_call_that_nobody_knows(self, alice: Phone, bob: Phone) -> None:
        alice.cancel(alice.build("INVITE", "sip:1002@pbx.lan"))
        assert alice.statuses() == [481]
        assert methods(bob) == []

    def test_while_the_name_of_the_target_is_looked_up(self, alice: Phone) -> None:
        sent, came = alice.authorized("INVITE", "sip:x@slow.example")
        assert came == []
        alice.cancel(sent)
        cancelled, answer = alice.received()
        assert isinstance(cancelled, Response)
        assert isinstance(answer, Response)
        assert sorted((cancelled.status, answer.status)) == [200, 487]
        finish(alice, sent, answer if answer.status == 487 else cancelled)


class TestSilence:
    def test_timer_c_cancels_what_rings_too_long(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        board.advance(184.0)
        assert "CANCEL" not in methods(bob)
        board.advance(2.0)
        assert methods(bob) == ["CANCEL"]
        bob.reply(invite, 487)
        answer = alice.response()
        assert (answer.status, answer.reason) == (408, "Nobody answered"), "the caller has taken nothing back"
        finish(alice, sent, answer)

    def test_each_sign_of_life_gives_it_more_time(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        for _ in range(4):
            bob.reply(invite, 183)
            board.advance(150.0)
        assert "CANCEL" not in methods(bob)
        bob.reply(invite, 486)
        finish(alice, sent, alice.response())

    def test_a_100_alone_gives_none_but_is_worth_a_cancel(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        board.advance(20.0)
        bob.reply(invite, 100)
        board.advance(164.0)
        assert "CANCEL" not in methods(bob)
        board.advance(2.0)
        assert "CANCEL" in methods(bob)
        bob.reply(invite, 487)
        finish(alice, sent, alice.response())

    def test_each_branch_has_a_time_of_its_own(
        self, board: Switchboard, alice: Phone, bob: Phone, kitchen: Phone
    ) -> None:
        alice.invite("1002")
        desk, other = bob.request("INVITE"), kitchen.request("INVITE")
        kitchen.reply(other, 180)
        bob.reply(desk, 180)
        board.advance(100.0)
        bob.reply(desk, 183)
        board.advance(100.0)
        assert methods(kitchen) == ["CANCEL"]
        assert methods(bob) == []
        bob.reply(desk, 200)
        assert alice.response().status == 200

    def test_a_phone_that_is_away(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        board.advance(33.0)
        answer = alice.response()
        assert (answer.status, answer.reason) == (408, "Nobody answered")
        assert answer.to.tag
        finish(alice, sent, answer)

    def test_for_other_methods_than_invite_silence_stays_silence(
        self, board: Switchboard, alice: Phone, bob: Phone
    ) -> None:
        alice.authorized("MESSAGE", "sip:1002@pbx.lan")
        assert methods(bob) == ["MESSAGE"]
        board.advance(40.0)
        assert alice.statuses() == [100]

    def test_an_answer_that_comes_too_late_is_not_relayed(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        alice.authorized("MESSAGE", "sip:1002@pbx.lan")
        message = bob.request("MESSAGE")
        board.advance(40.0)
        alice.received()
        bob.reply(message, 200)
        assert alice.received() == []


class TestUnreachable:
    def test_a_phone_that_refuses_to_be_reached(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        board.endpoint.receive_transport_error(bob.hop, board.now, "port unreachable")
        answer = alice.response()
        assert (answer.status, answer.reason) == (500, "The phone cannot be reached")
        finish(alice, sent, answer)

    def test_a_name_that_is_not_found(self, board: Switchboard, alice: Phone) -> None:
        board.names["nowhere.example"] = []
        sent, came = alice.authorized("INVITE", "sip:x@nowhere.example")
        (answer,) = came
        assert isinstance(answer, Response)
        assert answer.status == 500
        finish(alice, sent, answer)

    def test_where_the_old_way_is_gone_the_contact_is_tried(self, board: Switchboard, alice: Phone) -> None:
        bob = board.phone("1002", "192.0.2.2", 40001, "TCP")
        assert bob.register().status == 200
        sent = alice.invite("1002")
        assert methods(bob) == ["INVITE"]
        board.endpoint.receive_transport_error(bob.hop, board.now, "connection refused")
        at_contact = board.take(Hop("TCP", "192.0.2.2", 5060))
        assert [one.method for one in at_contact if isinstance(one, Request)] == ["INVITE"]
        board.endpoint.receive_transport_error(Hop("TCP", "192.0.2.2", 5060), board.now, "connection refused")
        board.advance(1.0)
        last = board.take(Hop("UDP", "192.0.2.2", 5060))
        answer = alice.response()
        assert (answer.status, last) == (500, [])
        finish(alice, sent, answer)

    def test_a_call_that_was_taken_back_tries_no_further(self, board: Switchboard, alice: Phone) -> None:
        bob = board.phone("1002", "192.0.2.2", 40001, "TCP")
        bob.register()
        sent = alice.invite("1002")
        alice.cancel(sent)
        board.endpoint.receive_transport_error(bob.hop, board.now, "connection refused")
        assert board.take(Hop("TCP", "192.0.2.2", 5060)) == []
        answer = alice.response()
        assert answer.status == 487
        finish(alice, sent, answer)

    def test_an_overloaded_phone_is_not_an_overloaded_exchange(self, alice: Phone, bob: Phone) -> None:
        sent = alice.invite("1002")
        bob.reply(bob.request("INVITE"), 503, Retry_After="60")
        answer = alice.response()
        assert (answer.status, answer.headers.get("Retry-After")) == (500, None)
        finish(alice, sent, answer)


class TestBounds:
    def test_too_many_open_requests_are_refused(self, board: Switchboard, bob: Phone) -> None:
        stranger = board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        for number in range(MAX_OPEN):
            stranger.ask("INVITE", "sip:1002@pbx.lan", Call_ID=f"c{number}")
        stranger.received()
        stranger.ask("INVITE", "sip:1002@pbx.lan")
        answer = stranger.response()
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "10")

    def test_calls_that_are_answered_count_no_more(self, board: Switchboard, bob: Phone) -> None:
        stranger = board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        for number in range(MAX_OPEN + 10):
            stranger.ask("INVITE", "sip:1002@pbx.lan", Call_ID=f"c{number}")
            bob.reply(bob.request("INVITE"), 200)
        assert set(stranger.statuses()) == {200}

    def test_a_full_transaction_layer_is_a_failure_like_others(self) -> None:
        board = Switchboard(client_limit=1)
        bob = board.phone("1002", "192.0.2.2")
        bob.register()
        stranger = board.phone("guest", "198.51.100.1")
        stranger.domain = "elsewhere.example"
        stranger.ask("INVITE", "sip:1002@pbx.lan", Call_ID="c1")
        stranger.ask("INVITE", "sip:1002@pbx.lan", Call_ID="c2")
        assert stranger.statuses() == [500]
        board.advance(100.0)
        assert board.exchange.under_way == 0


class TestLoops:
    def test_a_contact_that_means_its_own_address_is_a_loop(self, board: Switchboard, alice: Phone) -> None:
        bob = board.phone("1002", "192.0.2.2")
        bob.contact = "<sip:1002@pbx.lan>"
        bob.register()
        sent, (answer,) = alice.authorized("INVITE", "sip:1002@pbx.lan")
        assert isinstance(answer, Response)
        assert answer.status == 482
        finish(alice, sent, answer)

    def test_two_contacts_that_mean_each_other_are_a_loop(self, board: Switchboard, alice: Phone) -> None:
        bob, carol = board.phone("1002", "192.0.2.2"), board.phone("1003", "192.0.2.3")
        bob.contact, carol.contact = "<sip:1003@pbx.lan>", "<sip:1002@pbx.lan>"
        bob.register()
        carol.register()
        sent, (answer,) = alice.authorized("INVITE", "sip:1002@pbx.lan")
        assert isinstance(answer, Response)
        assert answer.status == 482
        finish(alice, sent, answer)

    def test_a_contact_that_is_another_user_is_a_spiral_and_passes(self, board: Switchboard, alice: Phone) -> None:
        bob, carol = board.phone("1002", "192.0.2.2"), board.phone("1003", "192.0.2.3")
        bob.contact = "<sip:1003@pbx.lan>"
        bob.register()
        carol.register()
        alice.invite("1002")
        invite = carol.request("INVITE")
        assert [via.host for via in invite.vias] == [OWN, OWN, "192.0.2.1"]
        assert invite.max_forwards == 68
        carol.reply(invite, 200)
        answer = alice.response()
        assert answer.status == 200
        alice.in_dialog("ACK", answer)
        assert methods(carol) == ["ACK"]
        carol.in_dialog("BYE", invite)
        alice.reply(alice.request("BYE"), 200)
        assert carol.statuses() == [200]

    def test_a_spiral_is_not_to_be_feigned(self, board: Switchboard, alice: Phone, bob: Phone) -> None:
        alice.invite("1002")
        invite = bob.request("INVITE")
        for change in ({"Call-ID": "another"}, {"From": "<sip:1003@pbx.lan>;tag=x"}, {"CSeq": "9 INVITE"}):
            feigned = invite.copy()
            feigned.uri = parse_message(b"A sip:1003@pbx.lan SIP/2.0\r\n\r\n").uri  # type: ignore[union-attr]
            for name, value in change.items():
                feigned.headers.set(name, value)
            board.receive(feigned.encode(), Hop("UDP", "192.0.2.2", 5060))
            statuses = [one.status for hop, one in board.sent if isinstance(one, Response) and hop.host == "192.0.2.2"]
            assert statuses[-1] == 407
        bob.reply(invite, 200)


def test_a_late_copy_of_a_request_that_lingers_begins_anew() -> None:
    """Where a full table dropped the server transaction early, the client transactions of before are still there."""
    board = Switchboard(settings(min_expires_s=3600, default_expires_s=3600), server_limit=1)
    stranger, bob = board.phone("9", "203.0.113.9"), board.phone("1002", "192.0.2.2")
    stranger.domain = "elsewhere.example"
    bob.register()
    invite = stranger.ask("INVITE", "sip:1002@pbx.lan")
    bob.reply(bob.request("INVITE"), 486)
    stranger.acknowledge_failure(invite, stranger.response())
    stranger.ask("OPTIONS", "sip:pbx.lan", Call_ID="fills-the-table")
    stranger.send(invite)
    bob.reply(bob.request("INVITE"), 486)
    board.advance(LONG_S)
    assert board.exchange.under_way == 0
