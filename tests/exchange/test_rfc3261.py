"""RFC 3261 sections 10.3 and 16 as phones see them, where no other test of the exchange shows a clause."""

from types import SimpleNamespace

import pytest

from device.sip.hop import Hop
from device.sip.message import Request, Response
from tests.exchange.lossy_house import ACTIVE_S, DUPLICATION, LOSS, SETTLED_S
from tests.exchange.proxy_rules import ProxyRules
from tests.exchange.switchboard import SDP, Phone, Switchboard, settings, two_phones
from tests.exchange.test_lossy_calls import House
from tests.support.wire_rules import WireRules


def stranger(board: Switchboard) -> Phone:
    phone = board.phone("guest", "198.51.100.1")
    phone.domain = "elsewhere.example"
    return phone


def fields(message: Request | Response, *left_out: str) -> list[tuple[str, str]]:
    return [item for item in message.headers.items() if item[0] not in left_out]


class TestRegistrar:
    def test_a_success_says_what_time_it_is(self) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        # The bench's time begins 1,000,000 s after that of Unix.
        assert phone.register().headers.get("Date") == "Mon, 12 Jan 1970 13:46:40 GMT"

    def test_record_route_is_ignored_and_does_not_come_back(self) -> None:
        board = Switchboard()
        phone = board.phone("1001", "192.0.2.1")
        response = phone.register(Record_Route="<sip:192.0.2.77;lr>")
        assert response.status == 200
        assert "Record-Route" not in response.headers
        assert [binding.contact for binding in board.exchange.location.bindings("sip:1001@pbx.lan", 0.0)] == [
            "sip:1001@192.0.2.1:5060"
        ]

    @pytest.mark.parametrize(
        "to",
        ["<sip:%31001@pbx.lan>", "<sip:1001@PBX.LAN;user=phone;x=y>", "<sip:1001:secret@pbx.lan>", "sip:1001@pbx.lan"],
    )
    def test_an_address_of_record_is_the_same_however_it_is_written(self, to: str) -> None:
        board = Switchboard()
        assert board.phone("1001", "192.0.2.1").register(To=to).status == 200
        assert len(board.exchange.location.bindings("sip:1001@pbx.lan", 0.0)) == 1

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Contact": "*"}, 400),
            ({"Contact": "*", "Expires": "60"}, 400),
            ({"Contact": "*, <sip:1001@192.0.2.1>", "Expires": "0"}, 400),
            ({"Contact": "<sip:1001@192.0.2.1>, *", "Expires": "0"}, 400),
            ({"Contact": "*", "Expires": "0"}, 200),
        ],
    )
    def test_a_star_stands_alone_and_means_the_end(self, headers: dict[str, str], status: int) -> None:
        board = Switchboard()
        phone = board.phone("1001", "192.0.2.1")
        phone.register()
        assert phone.register(**headers).status == status
        assert len(board.exchange.location.bindings("sip:1001@pbx.lan", 0.0)) == (0 if status == 200 else 1)

    def test_an_expiry_that_makes_no_sense_counts_as_an_hour(self) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        assert (phone.register(Expires="soon").contacts[0].expires) == 3600

    def test_a_challenge_comes_before_any_word_on_who_exists(self) -> None:
        phone = Switchboard().phone("nobody", "192.0.2.1")
        phone.ask("REGISTER", "sip:pbx.lan", To="<sip:nobody@pbx.lan>")
        assert phone.statuses() == [401]
        phone.ask("REGISTER", "sip:pbx.lan", To="<sip:x@elsewhere.example>")
        assert phone.statuses() == [401]

    @pytest.mark.parametrize("method", ["REGISTER", "INVITE"])
    def test_basic_authentication_is_neither_asked_for_nor_taken(self, method: str) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        basic = "Basic MTAwMTpvbmU="
        uri = "sip:pbx.lan" if method == "REGISTER" else "sip:1002@pbx.lan"
        phone.ask(method, uri, To=phone.address, Authorization=basic, Proxy_Authorization=basic)
        response = phone.response()
        challenges = [
            *response.headers.get_all("WWW-Authenticate"),
            *response.headers.get_all("Proxy-Authenticate"),
        ]
        assert response.status == (401 if method == "REGISTER" else 407)
        assert [text.partition(" ")[0] for text in challenges] == ["Digest", "Digest"]
        assert all('realm="pbx.lan"' in text and 'qop="auth"' in text for text in challenges)

    def test_an_address_of_another_domain_is_not_found(self) -> None:
        phone = Switchboard().phone("1001", "192.0.2.1")
        assert phone.register(To="<sip:1001@elsewhere.example>").status == 404


class TestForwarding:
    def test_merged_requests_are_no_fault_of_a_proxy(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        request = phone.build("MESSAGE", "sip:1002@pbx.lan")
        phone.send(request)
        again = request.copy()
        again.headers.set("Via", phone.via())
        phone.send(again)
        assert [one.method for one in bob.received() if isinstance(one, Request)] == ["MESSAGE", "MESSAGE"]
        assert phone.statuses() == []

    def test_a_copy_keeps_every_field_in_its_order_and_the_body(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        request = phone.build("DANCE", "sip:1002@pbx.lan", X_One="1\n2", Subject="a, b", x_two=";;")
        request.headers.add("X-One", "3")
        request.headers.add("Content-Type", "text/plain")
        request.body = b"\x00\xff body"
        phone.send(request)
        copy = bob.request("DANCE")
        ours = ("Via", "Max-Forwards", "Max-Breadth", "Content-Length")
        assert fields(copy, *ours) == fields(request, *ours)
        assert copy.body == request.body
        assert copy.vias[1:] == [request.top_via.with_param("rport", "5060").with_param("received", "198.51.100.1")]

    def test_the_way_back_keeps_tag_body_and_what_we_noted_of_the_sender(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = board.phone("guest", "198.51.100.1", 4711)
        phone.domain = "elsewhere.example"
        phone.ask("MESSAGE", "sip:1002@pbx.lan", Via="SIP/2.0/UDP far.example:4711;branch=z9hG4bK-far")
        message = bob.request("MESSAGE")
        response = message.response(486, to_tag="bobs")
        response.headers.add("X-One", "1")
        response.body = b"no"
        bob.send(response)
        back = phone.response()
        assert (back.to.tag, back.headers.get("X-One"), back.body) == ("bobs", "1", b"no")
        assert [str(via) for via in back.vias] == [
            "SIP/2.0/UDP far.example:4711;branch=z9hG4bK-far;received=198.51.100.1"
        ]

    def test_the_next_address_of_a_name_has_its_turn_with_a_branch_of_its_own(self) -> None:
        board = Switchboard()
        alice, _ = two_phones(board)
        dead, alive = Hop("UDP", "203.0.113.1", 5060), Hop("UDP", "203.0.113.2", 5060)
        board.names["far.example"] = [dead, alive]
        alice.authorized("MESSAGE", "sip:x@far.example")
        (first,) = board.take(dead)
        board.endpoint.receive_transport_error(dead, board.now, "port unreachable")
        (second,) = board.take(alive)
        assert first.top_via.branch != second.top_via.branch
        assert fields(first, "Via") == fields(second, "Via")

    def test_a_phone_that_cannot_be_reached_leaves_the_other_ringing(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        kitchen = board.phone("1002", "192.0.2.22")
        kitchen.register(Call_ID="reg-kitchen")
        alice.invite("1002")
        kitchen.reply(kitchen.request("INVITE"), 180)
        alice.received()
        board.endpoint.receive_transport_error(bob.hop, board.now, "port unreachable")
        board.advance(1.0)
        assert (kitchen.received(), alice.received()) == ([], [])

    def test_an_maddr_of_another_place_is_the_only_target(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.authorized("MESSAGE", "sip:1002@pbx.lan;maddr=203.0.113.5")
        (message,) = board.take(Hop("UDP", "203.0.113.5", 5060))
        assert isinstance(message, Request)
        assert str(message.uri) == "sip:1002@pbx.lan;maddr=203.0.113.5"
        assert bob.received() == []

    def test_contacts_of_a_redirection_go_back_to_the_caller(self) -> None:
        board = Switchboard(settings(follow_redirects=False))
        alice, bob = two_phones(board)
        sent = alice.invite("1002")
        bob.reply(bob.request("INVITE"), 302, Contact="<sip:1003@pbx.lan>, <sip:x@far.example>;q=0.5")
        back = alice.response()
        assert (back.status, len(back.contacts)) == (302, 2)
        alice.acknowledge_failure(sent, back)

    def test_record_route_comes_before_those_that_are_there(self) -> None:
        board = Switchboard()
        _, bob = two_phones(board)
        phone = stranger(board)
        phone.ask("INVITE", "sip:1002@pbx.lan", Record_Route="<sip:edge.example;lr>")
        invite = bob.request("INVITE")
        ours, theirs = invite.record_routes
        assert (ours.uri.scheme, ours.uri.is_loose, str(theirs)) == ("sip", True, "<sip:edge.example;lr>")
        assert ours.uri.user == ""


class TestCancelAndAck:
    def test_neither_is_challenged_and_what_a_cancel_requires_is_ignored(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        sent = alice.invite("1002")
        invite = bob.request("INVITE")
        bob.reply(invite, 180)
        alice.received()
        alice.cancel(sent, Require="x", Proxy_Require="y")
        assert alice.statuses() == [200]
        cancel = bob.request("CANCEL")
        assert not any(name in cancel.headers for name in ("Require", "Proxy-Require", "Proxy-Authorization"))
        assert (cancel.top_via, cancel.uri, cancel.cseq.number) == (invite.top_via, invite.uri, invite.cseq.number)
        assert cancel.max_forwards == 70
        bob.reply(invite, 487)
        back = alice.response()
        alice.acknowledge_failure(sent, back)
        board.advance(1.0)
        assert alice.received() == []

    def test_the_ack_of_a_2xx_goes_through_without_credentials(self) -> None:
        board = Switchboard()
        alice, bob = two_phones(board)
        alice.invite("1002")
        bob.reply(bob.request("INVITE"), 200)
        alice.in_dialog("ACK", alice.response())
        assert bob.request("ACK").body == b""
        assert alice.received() == []


def test_everything_carries_its_length() -> None:
    board = Switchboard()
    alice = board.phone("1001", "192.0.2.1", 40001, "TCP")
    bob = board.phone("1002", "192.0.2.2", 40002, "TCP")
    alice.register()
    bob.register()
    alice.invite("1002")
    invite = bob.request("INVITE")
    assert invite.headers.get("Content-Length") == str(len(SDP))
    assert all(message.headers.get("Content-Length") == str(len(message.body)) for _, message in board.sent)


@pytest.mark.parametrize("phones", [1, 2])
def test_phones_and_exchange_keep_the_rules_of_the_wire(phones: int) -> None:
    """With challenges, forks and a bad network: see `tests.support.wire_rules` and `proxy_rules`."""
    for seed in range(10):
        house = House(seed, phones)
        rules = [WireRules(person.endpoint) for person in house.people]
        proxy = ProxyRules(house.endpoints[0])
        house.register()
        house.set_weather(LOSS, DUPLICATION)
        house.caller.call("1002", house.star.now)
        house.run(ACTIVE_S)
        house.run(SETTLED_S, step=20.0)
        house.leave()
        for one in rules:
            assert one.finish() == [], f"seed {seed}"
            assert one.messages
        assert proxy.faults == [], f"seed {seed}"
        assert proxy.forwarded


VIA = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1"
OURS = "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK2"
FIELDS = ("Max-Forwards: 70", "From: <sip:a@x>;tag=a", "To: <sip:b@x>", "Call-ID: c", "CSeq: 1 INVITE", "X-Own: 1")


def written(start: str, *vias: str) -> bytes:
    return "\r\n".join([start, *(f"Via: {via}" for via in vias), *FIELDS, "", ""]).encode()


CAME = written("INVITE sip:b@x SIP/2.0", VIA)
WENT = written("INVITE sip:b@y SIP/2.0", OURS, VIA + ";received=192.0.2.1").replace(b": 70", b": 69")
CANCEL = written("CANCEL sip:b@y SIP/2.0", OURS).replace(b"1 INVITE", b"1 CANCEL")
BUSY = written("SIP/2.0 486 Busy Here", VIA)


@pytest.mark.parametrize(
    ("section", "steps"),
    [
        ("", (("in", CAME), ("out", WENT), ("out", WENT), ("out", BUSY), ("out", BUSY))),
        ("16.6 item 3", (("in", CAME), ("out", WENT.replace(b": 69", b": 70")))),
        ("16.6 item 1", (("in", CAME), ("out", WENT.replace(b"X-Own: 1", b"X-Own: 2")))),
        ("16.6 item 1", (("in", CAME), ("out", WENT + b"body"))),
        ("16.6 item 8", (("in", CAME), ("out", WENT.replace(b"192.0.2.1:5060", b"192.0.2.9:5060")))),
        ("16.6", (("out", WENT),)),
        ("17.1", (("in", CAME), ("out", WENT), ("out", WENT.replace(b"X-Own", b"X-Other")))),
        ("16.10", (("in", CAME), ("out", WENT), ("out", CANCEL))),
        ("16.7 item 3", (("out", BUSY),)),
        ("16.7 item 9", (("in", CAME), ("out", written("SIP/2.0 486 Busy Here", VIA, OURS)))),
        ("16.7 item 6", (("in", CAME), ("out", BUSY), ("out", BUSY.replace(b"486", b"480")))),
    ],
)
def test_what_breaks_a_rule_of_proxies_is_found(section: str, steps: tuple[tuple[str, bytes], ...]) -> None:
    endpoint = SimpleNamespace(on_trace=None)
    rules = ProxyRules(endpoint)  # type: ignore[arg-type]
    for direction, data in steps:
        endpoint.on_trace(direction, data, None, 0.0)
    assert {fault.partition(": ")[0] for fault in rules.faults} == ({section} if section else set())
