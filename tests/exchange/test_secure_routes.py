"""SIPS URIs: TLS on every hop of ours, or nothing."""

import pytest

from device.exchange_model import DomainRoute, Forwarding, RoutingTable
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard

ELSEWHERE = "203.0.113.7"


def house(bob_by: str = "TLS", contact: str = "") -> tuple[Switchboard, Phone, Phone]:
    """Alice by TLS, Bob as said, both registered."""
    board = Switchboard()
    alice = board.phone("1001", "192.0.2.1", 40001, "TLS")
    bob = board.phone("1002", "192.0.2.2", 40002 if bob_by != "UDP" else 5060, bob_by)
    if contact:
        bob.contact = contact
    for phone in (alice, bob):
        assert phone.register().status == 200
    alice.contact = "<sips:1001@192.0.2.1:40001>"
    return board, alice, bob


def call(alice: Phone, user: str = "1002") -> Response | None:
    """Alice calls by a SIPS URI; what came back at once."""
    _, came = alice.authorized("INVITE", f"sips:{user}@{DOMAIN}")
    return came[-1] if came and isinstance(came[-1], Response) else None


@pytest.mark.parametrize("contact", ["", "<sips:1002@192.0.2.2:5060>"])
def test_a_phone_with_tls_is_called_and_spoken_to_by_tls(contact: str) -> None:
    _, alice, bob = house(contact=contact)
    assert call(alice) is None
    invite = bob.request("INVITE")
    assert str(invite.uri) == "sips:1002@192.0.2.2:5060"
    assert invite.top_via.transport == "TLS"
    assert [(route.uri.scheme, route.uri.transport) for route in invite.record_routes] == [("sips", None)]
    bob.contact = "<sips:1002@192.0.2.2:5060>"
    bob.reply(invite, 200)
    answer = alice.response()
    alice.in_dialog("ACK", answer)
    assert bob.request("ACK").top_via.transport == "TLS"
    alice.in_dialog("BYE", answer)
    bye = bob.request("BYE")
    assert (bye.uri.scheme, bye.top_via.transport) == ("sips", "TLS")
    bob.reply(bye, 200)
    assert alice.statuses() == [200]


def test_and_its_requests_come_back_by_tls() -> None:
    _, alice, bob = house()
    call(alice)
    invite = bob.request("INVITE")
    bob.reply(invite, 200)
    alice.response()
    bob.in_dialog("BYE", invite)
    assert alice.request("BYE").top_via.transport == "TLS"


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_phone_without_tls_is_not_called(transport: str) -> None:
    _, alice, bob = house(transport)
    answer = call(alice)
    assert answer is not None
    assert (answer.status, answer.reason) == (480, "Cannot be reached by TLS")
    assert bob.received() == []


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_what_has_not_come_by_tls_is_not_served(transport: str) -> None:
    board, _, bob = house()
    stranger = board.phone("guest", "198.51.100.1", 5060, transport)
    stranger.domain = "elsewhere.example"
    stranger.ask("INVITE", f"sips:1002@{DOMAIN}")
    assert stranger.statuses() == [416]
    stranger.ask("MESSAGE", f"sip:1002@{DOMAIN}", Route="<sips:edge.example;lr>")
    assert stranger.statuses() == [400]
    stranger.ask("ACK", f"sips:1002@{DOMAIN}")
    assert bob.received() == []


def test_a_contact_that_wants_tls_has_to_come_by_it() -> None:
    board = Switchboard()
    bob = board.phone("1002", "192.0.2.2")
    bob.contact = "<sips:1002@192.0.2.2:5061>"
    assert bob.register().status == 400


def test_a_call_without_such_wishes_reaches_a_phone_that_wants_tls() -> None:
    """By a SIP URI, so that it answers with a contact that the caller can reach (RFC 5630 section 5.3)."""
    board, _, bob = house(contact="<sips:1002@192.0.2.2:5060>")
    carol = board.phone("1003", "192.0.2.3")
    carol.register()
    carol.invite("1002")
    invite = bob.request("INVITE")
    assert str(invite.uri) == "sip:1002@192.0.2.2:5060;transport=tls"
    assert invite.top_via.transport == "TLS"
    assert [route.uri.transport for route in invite.record_routes] == ["tls", None]
    bob.contact = "<sip:1002@192.0.2.2:5060;transport=tls>"
    bob.reply(invite, 200)
    answer = carol.response()
    carol.in_dialog("ACK", answer)
    assert bob.request("ACK").top_via.transport == "TLS"


class TestElsewhere:
    def sent(self, board: Switchboard, port: int, transport: str = "TLS") -> list[Request]:
        return [one for one in board.take(Hop(transport, ELSEWHERE, port)) if isinstance(one, Request)]

    def test_another_domain_is_reached_by_tls(self) -> None:
        board, alice, _ = house()
        alice.authorized("INVITE", f"sips:x@{ELSEWHERE}")
        (invite,) = self.sent(board, 5061)
        assert invite.top_via.transport == "TLS"
        assert str(invite.uri) == f"sips:x@{ELSEWHERE}"

    def test_so_is_its_proxy_whatever_its_route_says(self) -> None:
        """Section 16.6 step 7."""
        board, alice, _ = house()
        board.exchange.router.configure(RoutingTable(routes=(DomainRoute("b.example", f"sip:{ELSEWHERE}:5080"),)))
        alice.authorized("INVITE", "sips:x@b.example")
        (invite,) = self.sent(board, 5080)
        assert invite.top_via.transport == "TLS"

    def test_forwarding_goes_only_where_tls_goes(self) -> None:
        board, alice, bob = house()
        forwarding = Forwarding("1002", busy=f"sip:x@{ELSEWHERE}", no_answer="1003")
        board.exchange.router.configure(RoutingTable(forwardings=(forwarding,)))
        call(alice)
        bob.reply(bob.request("INVITE"), 486)
        assert alice.response().status == 486

    @pytest.mark.parametrize(("contact", "followed"), [("sip", False), ("sips", True)])
    def test_so_does_a_redirection(self, contact: str, followed: bool) -> None:
        board, alice, bob = house()
        call(alice)
        bob.reply(bob.request("INVITE"), 302, Contact=f"<{contact}:x@{ELSEWHERE}>")
        assert len(self.sent(board, 5061)) == followed
        assert followed or alice.response().status == 302
