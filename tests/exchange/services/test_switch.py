"""The exchange and its services: who reaches them, who does not, and what they may do themselves."""

import pytest

from device.exchange.services.numbers import Service, ServiceNumbers
from device.exchange.services.orders import PagingGroup
from device.exchange.services.settings import USUAL_NUMBERS, ServiceSettings
from device.exchange.services.switch import ServiceSwitch, called_number
from device.exchange_model import TrunkRoute
from device.sip.message import Request
from tests.exchange.switchboard import DOMAIN, Phone, Switchboard, two_phones
from tests.exchange.test_trunks import connected as trunk_board
from tests.exchange.test_trunks import outside, trunk

HOST, PORT = "127.0.0.1", 40000


def numbers(**more: object) -> ServiceNumbers:
    settings = ServiceSettings(**{**USUAL_NUMBERS, **more})  # type: ignore[arg-type]
    return ServiceNumbers(settings, [PagingGroup("7001", ("1001",))])


def board_with_services(**more: object) -> tuple[Switchboard, Phone]:
    board = Switchboard()
    board.exchange.services = ServiceSwitch(numbers(**more), HOST, PORT)
    return board, board.phone("services", HOST, PORT)


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "service"),
        [
            ("*43", Service("echo")),
            ("*60", Service("time")),
            ("*98", Service("voicemail")),
            ("*981001", Service("deposit", "1001")),
            ("8000", Service("conference", "8000")),
            ("7001", Service("paging", "7001")),
            ("80000", None),
            ("800a", None),
            ("8\u0660\u0660\u0660", None),
            ("*4", None),
            ("1001", None),
            ("", None),
        ],
    )
    def test_what_a_number_means(self, number, service) -> None:
        assert numbers().find(number) == service

    def test_nothing_is_on_by_default(self) -> None:
        off = ServiceNumbers(ServiceSettings())
        assert not off.any
        assert all(off.find(number) is None for number in ("", "*98", "8000", "*43"))
        assert numbers().any


class TestCalls:
    def test_a_call_of_a_user_arrives_with_the_number_that_was_dialled(self) -> None:
        board, services = board_with_services()
        alice, _ = two_phones(board)
        alice.authorized("INVITE", f"sip:8123@{DOMAIN}")
        arrived = services.request("INVITE")
        assert called_number(arrived.uri) == "8123"
        assert arrived.to.uri.user == "8123"

    def test_a_user_has_to_prove_who_it_is(self) -> None:
        board, services = board_with_services()
        alice, _ = two_phones(board)
        alice.ask("INVITE", f"sip:*98@{DOMAIN}")
        assert alice.statuses()[-1] == 407
        assert services.received() == []

    @pytest.mark.parametrize("number", ["*98", "*981001", "*43", "8000", "7001"])
    def test_strangers_reach_no_service(self, number) -> None:
        board, services = board_with_services()
        guest = board.phone("guest", "198.51.100.1")
        guest.domain = "elsewhere.example"
        guest.ask("INVITE", f"sip:{number}@{DOMAIN}")
        assert guest.statuses()[-1] == 403
        assert services.received() == []

    @pytest.mark.parametrize(("number", "reached"), [("*43", True), ("8000", True), ("*98", False), ("7001", False)])
    def test_strangers_reach_what_is_open_to_them(self, number, reached) -> None:
        board, services = board_with_services(strangers=True)
        guest = board.phone("guest", "198.51.100.1")
        guest.domain = "elsewhere.example"
        guest.ask("INVITE", f"sip:{number}@{DOMAIN}")
        assert any(isinstance(one, Request) for one in services.received()) is reached

    def test_a_phone_that_sends_its_calls_to_voicemail_keeps_the_one_they_were_for_in_to(self) -> None:
        board, services = board_with_services()
        alice, bob = two_phones(board)
        alice.authorized("INVITE", f"sip:1002@{DOMAIN}")
        bob.reply(bob.request("INVITE"), 302, Contact=f"<sip:*98@{DOMAIN}>")
        arrived = services.request("INVITE")
        assert (called_number(arrived.uri), arrived.to.uri.user) == ("*98", "1002")

    def test_the_services_may_call_users_for_somebody(self) -> None:
        board, services = board_with_services()
        _, bob = two_phones(board)
        services.user = "1001"
        services.ask("INVITE", f"sip:1002@{DOMAIN}")
        assert bob.request("INVITE").from_.uri.user == "1001"

    def test_nobody_else_may_call_in_their_name(self) -> None:
        board, _ = board_with_services()
        _, bob = two_phones(board)
        neighbour = board.phone("1001", HOST, PORT + 2)
        neighbour.ask("INVITE", f"sip:1002@{DOMAIN}")
        assert neighbour.statuses()[-1] == 407
        assert bob.received() == []


class TestTrunks:
    """What a provider's server may reach, and that no number of a service goes out."""

    def connected(self, **more: str) -> tuple[Phone, Phone, Phone]:
        routes = (TrunkRoute("", "provider", 0),)
        board, alice, _, provider = trunk_board(outside(trunk(**more), routes=routes))
        board.exchange.services = ServiceSwitch(numbers(), HOST, PORT)
        return alice, provider, board.phone("services", HOST, PORT)

    def test_a_provider_reaches_no_service(self) -> None:
        _, provider, services = self.connected()
        provider.ask("INVITE", "sip:8000@192.0.2.10")
        assert provider.statuses() == [403]
        assert services.received() == []

    def test_but_the_one_that_its_calls_are_to_go_to(self) -> None:
        _, provider, services = self.connected(ring="8000")
        provider.ask("INVITE", "sip:4711@192.0.2.10")
        assert called_number(services.request("INVITE").uri) == "8000"

    def test_a_service_comes_before_the_way_out(self) -> None:
        alice, provider, services = self.connected()
        alice.authorized("INVITE", f"sip:8123@{DOMAIN}")
        assert called_number(services.request("INVITE").uri) == "8123"
        assert provider.received() == []
