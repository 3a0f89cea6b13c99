"""Path (RFC 3327) and outbound (RFC 5626) at the registrar, and calls that go back over flows."""

import pytest

from device.exchange.registrar import MAX_PATH
from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.switchboard import Phone, Switchboard, two_phones

DESK, SOFT = "urn:uuid:00000000-0000-1000-8000-000a95a0e128", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
EDGE = "<sip:edge.example:5070;lr;ob>"
NAT = "203.0.113.5"


def flow(phone: Phone, instance: str = DESK, reg_id: object = 1, uri: str = "", **more: str) -> dict[str, str]:
    """The header fields of a REGISTER that forms a flow."""
    contact = f'{uri or phone.contact};+sip.instance="<{instance}>";reg-id={reg_id}'
    return {"Contact": contact, "Supported": "path, outbound", **more}


def nat_phone(board: Switchboard, port: int = 31000, transport: str = "UDP") -> Phone:
    """1002 behind address translation, at a private address."""
    phone = board.phone("1002", NAT, port, transport)
    phone.contact = "<sip:1002@10.0.0.7>" if transport == "UDP" else "<sip:1002@10.0.0.7;transport=tcp>"
    return phone


def bound(board: Switchboard) -> list[tuple[str, str, int]]:
    bindings = board.exchange.location.bindings("sip:1002@pbx.lan", board.now + 1_000_000.0)
    return [(binding.received, binding.instance, binding.reg_id) for binding in bindings]


class TestOutbound:
    def test_a_flow_is_granted_and_told(self) -> None:
        board = Switchboard()
        phone = nat_phone(board)
        response = phone.register(**flow(phone))
        assert response.tokens("Require") == ["outbound"]
        assert response.tokens("Supported") == ["path", "outbound"]
        (contact,) = response.contacts
        assert (contact.param("+sip.instance"), contact.param("reg-id")) == (f"<{DESK}>", "1")
        assert bound(board) == [("udp:203.0.113.5:31000", DESK, 1)]

    def test_a_new_address_of_the_same_flow_takes_the_place_of_the_old_one(self) -> None:
        board = Switchboard()
        phone = nat_phone(board)
        phone.register(**flow(phone))
        moved = nat_phone(board, 32000)
        response = moved.register(**flow(moved, uri="<sip:1002@10.0.0.99>"), Call_ID="anew")
        assert [str(contact.uri) for contact in response.contacts] == ["sip:1002@10.0.0.99"]
        assert bound(board) == [("udp:203.0.113.5:32000", DESK, 1)]

    def test_two_phones_with_the_same_private_address_are_two(self) -> None:
        board = Switchboard()
        for instance, port in ((DESK, 31000), (SOFT, 32000)):
            phone = nat_phone(board, port)
            phone.register(**flow(phone, instance), Call_ID=instance)
        assert bound(board) == [("udp:203.0.113.5:31000", DESK, 1), ("udp:203.0.113.5:32000", SOFT, 1)]
        caller = board.phone("1001", "192.0.2.1")
        caller.register()
        caller.invite("1002")
        rung = {hop.port for hop, message in board.sent if isinstance(message, Request) and message.method == "INVITE"}
        assert rung == {31000, 32000}

    def test_a_flow_is_taken_back_by_its_number_whatever_its_contact(self) -> None:
        board = Switchboard()
        phone = nat_phone(board)
        phone.register(**flow(phone))
        response = phone.register(**flow(phone, uri="<sip:1002@10.0.0.1>"), Expires="0")
        assert (response.status, response.contacts, bound(board)) == (200, [], [])

    def test_a_phone_that_begins_to_use_outbound_does_not_ring_twice(self) -> None:
        board = Switchboard()
        phone = nat_phone(board)
        phone.register()
        phone.register(**flow(phone))
        assert [reg_id for _, _, reg_id in bound(board)] == [1]

    @pytest.mark.parametrize(
        "fields",
        [
            {"Supported": "path"},
            {"Contact": f'<sip:1002@10.0.0.7>;+sip.instance="<{DESK}>"'},
            {"Contact": "<sip:1002@10.0.0.7>;reg-id=1"},
            {"Contact": f'<sip:1002@10.0.0.7>;+sip.instance="<{DESK}>";reg-id=0'},
            {"Contact": f'<sip:1002@10.0.0.7>;+sip.instance="<{DESK}>";reg-id=many'},
            {"Contact": f'<sip:1002@10.0.0.7>;+sip.instance="<{"u" * 200}>";reg-id=1'},
        ],
    )
    def test_without_any_of_its_parts_it_is_a_plain_contact(self, fields: dict[str, str]) -> None:
        board = Switchboard()
        phone = nat_phone(board)
        response = phone.register(**{**flow(phone), **fields})
        assert (response.status, response.tokens("Require")) == (200, [])
        assert [reg_id for _, _, reg_id in bound(board)] == [0]

    def test_only_one_flow_can_be_formed_at_once(self) -> None:
        board = Switchboard()
        phone = nat_phone(board)
        both = ", ".join(f'<sip:1002@10.0.0.{n}>;+sip.instance="<{DESK}>";reg-id={n}' for n in (1, 2))
        assert phone.register(**{**flow(phone), "Contact": both}).status == 400
        assert bound(board) == []

    @pytest.mark.parametrize(("path", "status"), [("", 439), ("<sip:edge.example;lr>", 439), (EDGE, 200)])
    def test_the_first_proxy_must_know_of_it(self, path: str, status: int) -> None:
        board = Switchboard()
        phone = board.phone("1002", "192.0.2.77")
        phone.register()
        via = f"{phone.via()}\nSIP/2.0/UDP 10.0.0.7;branch=z9hG4bKinner"
        fields = flow(phone, Path=path, Via=via, To=phone.address)
        phone.send(phone.auth.authorize(phone.build("REGISTER", "sip:pbx.lan", **fields)))
        response = phone.response()
        assert response.status == status

    def test_a_call_goes_over_the_flow(self) -> None:
        board = Switchboard()
        phone = nat_phone(board)
        phone.register(**flow(phone))
        caller = board.phone("1001", "192.0.2.1")
        caller.register()
        caller.invite("1002")
        assert phone.request("INVITE").uri.host == "10.0.0.7"

    def test_over_a_stream_the_flow_ends_with_it(self) -> None:
        board = Switchboard()
        phone = nat_phone(board, 40001, "TCP")
        phone.register(**flow(phone))
        assert bound(board) == [("tcp:203.0.113.5:40001", DESK, 1)]
        board.endpoint.connection_closed(phone.hop, board.now)
        assert bound(board) == []

    def test_a_plain_contact_outlives_its_stream(self) -> None:
        board = Switchboard()
        phone = nat_phone(board, 40001, "TCP")
        phone.register()
        board.endpoint.connection_closed(phone.hop, board.now)
        assert len(bound(board)) == 1

    def test_the_end_of_an_older_stream_does_not_end_the_flow_that_replaced_it(self) -> None:
        board = Switchboard()
        old, new = nat_phone(board, 40001, "TCP"), nat_phone(board, 40002, "TCP")
        for phone in (old, new):
            phone.register(**flow(phone), Call_ID=str(phone.hop.port))
        board.endpoint.connection_closed(old.hop, board.now)
        assert bound(board) == [("tcp:203.0.113.5:40002", DESK, 1)]


class TestSeveralFlows:
    def twice(self, board: Switchboard) -> tuple[Phone, Phone, Phone]:
        """A phone with two flows, the second newer, and somebody who calls it."""
        first, second = nat_phone(board, 31000), nat_phone(board, 32000)
        for number, phone in enumerate((first, second), 1):
            phone.register(**flow(phone, reg_id=number), Call_ID=f"reg-{number}")
        caller = board.phone("1001", "192.0.2.1")
        caller.register()
        caller.invite("1002")
        return caller, first, second

    def test_the_newest_is_used_alone(self) -> None:
        _, first, second = self.twice(Switchboard())
        assert second.request("INVITE")
        assert first.received() == []

    def test_where_its_proxy_says_that_it_failed_the_other_one_is(self) -> None:
        caller, first, second = self.twice(Switchboard())
        second.reply(second.request("INVITE"), 430)
        invite = first.request("INVITE")
        first.reply(invite, 200)
        assert caller.statuses() == [200]

    def test_so_it_is_where_nothing_gets_through(self) -> None:
        board = Switchboard()
        caller, first, second = self.twice(board)
        second.request("INVITE")
        board.endpoint.receive_transport_error(Hop("UDP", NAT, 32000), board.now, "unreachable")
        board.flush()
        first.reply(first.request("INVITE"), 486)
        assert caller.response().status == 486

    def test_when_the_last_one_has_failed_the_call_has(self) -> None:
        caller, first, second = self.twice(Switchboard())
        second.reply(second.request("INVITE"), 430)
        first.reply(first.request("INVITE"), 430)
        assert caller.response().status == 430


class TestPath:
    def register_through(self, phone: Phone, *paths: str, supported: str = "path") -> Response:
        return phone.register(Path="\n".join(paths), Supported=supported, Contact="<sip:1002@10.0.0.7>")

    def test_it_is_told_and_calls_go_through_it(self) -> None:
        board = Switchboard()
        caller, _ = two_phones(board)
        edge = board.phone("1002", "192.0.2.77", 5070)
        edge.register(Contact="*", Expires="0")
        board.names["edge.example"] = [edge.hop]
        response = self.register_through(edge, EDGE, "<sip:inner.example;lr>")
        assert response.headers.get_all("Path") == [EDGE, "<sip:inner.example;lr>"]
        caller.invite("1002")
        invite = edge.request("INVITE")
        assert [str(route) for route in invite.routes] == [EDGE, "<sip:inner.example;lr>"]
        assert str(invite.uri) == "sip:1002@10.0.0.7"

    def test_to_a_phone_that_does_not_know_it_it_is_not_told(self) -> None:
        board = Switchboard()
        response = self.register_through(board.phone("1002", "192.0.2.77"), EDGE, supported="")
        assert (response.status, response.headers.get_all("Path")) == (200, [])

    @pytest.mark.parametrize(
        "path", ["<sip:strict.example>", "<sips:edge.example;lr>", "<tel:123>", "<sip:caf\udce9@edge.example;lr>"]
    )
    def test_one_that_cannot_be_followed_is_refused(self, path: str) -> None:
        board = Switchboard()
        assert self.register_through(board.phone("1002", "192.0.2.77"), path).status == 400
        assert bound(board) == []

    def test_only_so_many_proxies(self) -> None:
        board = Switchboard()
        phone = board.phone("1002", "192.0.2.77")
        assert self.register_through(phone, *[EDGE] * (MAX_PATH + 1)).status == 400
        assert self.register_through(phone, *[EDGE] * MAX_PATH).status == 200

    def test_it_is_kept_over_a_restart(self) -> None:
        board = Switchboard()
        self.register_through(board.phone("1002", "192.0.2.77"), EDGE)
        again = Switchboard(bindings=board.exchange.location.everything())
        (binding,) = again.exchange.location.everything()
        assert binding.path == EDGE
