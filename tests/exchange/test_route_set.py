import pytest

from device.exchange.route_set import (
    OwnNames,
    add_record_routes,
    dialog_seal,
    next_hop_of,
    received_hop,
    take_own_routes,
)
from device.exchange.seal import Seal
from device.sip.hop import Hop, NextHop
from device.sip.message import Request
from device.sip.target import next_hop_of as uri_hop
from device.sip.uri import parse_uri
from tests.support.sip_messages import whole_request

SEAL = Seal("secret")
OURS = f"lr;seal={dialog_seal(SEAL, 'call-1', 'from-1')}"


def own_names() -> OwnNames:
    names = OwnNames("PBX.lan", lambda: (5070, 5061))
    names.add_host("192.0.2.10")
    names.add_host("[2001:DB8::1]")
    return names


def request(uri: str, *routes: str, to_tag: str = ";tag=to-1") -> Request:
    return whole_request(
        "\n".join(
            [
                f"BYE {uri} SIP/2.0",
                "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
                "From: <sip:alice@pbx.lan>;tag=from-1",
                f"To: <sip:bob@pbx.lan>{to_tag}",
                "Call-ID: call-1",
                "CSeq: 2 BYE",
                *(f"Route: {route}" for route in routes),
            ]
        )
    )


def route_texts(message: Request) -> list[str]:
    return [str(route) for route in message.routes]


class TestOwnNames:
    @pytest.mark.parametrize(
        "uri",
        [
            "sip:alice@pbx.lan",
            "sip:alice@PBX.LAN:5070",
            "sip:192.0.2.10:5061;transport=tls",
            "sip:192.0.2.10",
            "sip:[2001:db8::1]:5070",
            "sip:alice@pbx.lan;maddr=192.0.2.10",
        ],
    )
    def test_these_are_ours(self, uri: str) -> None:
        assert own_names().include(parse_uri(uri))

    @pytest.mark.parametrize(
        "uri",
        ["sip:pbx.lan:5060", "sip:192.0.2.11", "sip:x.pbx.lan", "tel:123", "sip:alice@pbx.lan;maddr=198.51.100.1"],
    )
    def test_these_are_not(self, uri: str) -> None:
        assert not own_names().include(parse_uri(uri))


class TestTakingOwnRoutes:
    def test_without_route_there_is_nothing_to_do(self) -> None:
        message = request("sip:bob@192.0.2.2")
        assert not take_own_routes(message, own_names(), SEAL)
        assert str(message.uri) == "sip:bob@192.0.2.2"

    def test_our_route_is_taken_away_and_its_seal_makes_it_part_of_the_dialog(self) -> None:
        message = request("sip:bob@192.0.2.2", f"<sip:192.0.2.10:5070;{OURS}>", "<sip:next.example;lr>")
        assert take_own_routes(message, own_names(), SEAL)
        assert route_texts(message) == ["<sip:next.example;lr>"]

    def test_both_values_of_a_change_of_transport_go(self) -> None:
        message = request(
            "sip:bob@192.0.2.2", f"<sip:192.0.2.10:5070;{OURS}>", f"<sip:192.0.2.10:5070;transport=tcp;{OURS}>"
        )
        assert take_own_routes(message, own_names(), SEAL)
        assert message.routes == []

    def test_the_seal_names_us_by_an_address_that_we_have_forgotten(self) -> None:
        message = request("sip:bob@192.0.2.2", f"<sip:203.0.113.9;{OURS}>")
        assert take_own_routes(message, own_names(), SEAL)
        assert message.routes == []

    @pytest.mark.parametrize(
        "route",
        [
            "<sip:192.0.2.10:5070;lr>",
            "<sip:192.0.2.10:5070;lr;seal>",
            "<sip:192.0.2.10:5070;lr;seal=0123456789abcdef>",
            f"<sip:192.0.2.10:5070;lr;seal={dialog_seal(SEAL, 'another call', 'from-1')}>",
            f"<sip:192.0.2.10:5070;lr;seal={dialog_seal(Seal('guess'), 'call-1', 'from-1')}>",
        ],
    )
    def test_without_the_right_seal_it_is_only_a_route(self, route: str) -> None:
        message = request("sip:bob@192.0.2.2", route)
        assert not take_own_routes(message, own_names(), SEAL)
        assert message.routes == []

    def test_a_seal_is_worth_nothing_outside_its_dialog(self) -> None:
        message = request("sip:bob@192.0.2.2", f"<sip:192.0.2.10:5070;{OURS}>", to_tag="")
        assert not take_own_routes(message, own_names(), SEAL)

    def test_the_side_that_was_called_has_its_tag_in_from(self) -> None:
        called = f"<sip:192.0.2.10:5070;lr;seal={dialog_seal(SEAL, 'call-1', 'to-1')}>"
        assert take_own_routes(request("sip:bob@192.0.2.2", called), own_names(), SEAL)

    def test_a_foreign_route_stays(self) -> None:
        message = request("sip:bob@192.0.2.2", "<sip:next.example;lr>", f"<sip:192.0.2.10:5070;{OURS}>")
        assert not take_own_routes(message, own_names(), SEAL)
        assert len(message.routes) == 2

    def test_what_a_strict_router_did_is_repaired(self) -> None:
        message = request(f"sip:192.0.2.10:5070;{OURS}", "<sip:next.example;lr>", "<sip:bob@192.0.2.2:5062>")
        assert take_own_routes(message, own_names(), SEAL)
        assert str(message.uri) == "sip:bob@192.0.2.2:5062"
        assert route_texts(message) == ["<sip:next.example;lr>"]

    def test_a_user_of_ours_in_the_request_uri_is_no_strict_router(self) -> None:
        message = request("sip:bob@pbx.lan;lr", "<sip:next.example;lr>")
        assert not take_own_routes(message, own_names(), SEAL)
        assert str(message.uri) == "sip:bob@pbx.lan;lr"

    def test_an_maddr_that_means_us_is_taken_away(self) -> None:
        message = request("sip:bob@elsewhere.example;maddr=192.0.2.10")
        take_own_routes(message, own_names(), SEAL)
        assert str(message.uri) == "sip:bob@elsewhere.example"

    def test_a_foreign_maddr_stays(self) -> None:
        message = request("sip:bob@pbx.lan;maddr=198.51.100.1")
        take_own_routes(message, own_names(), SEAL)
        assert str(message.uri) == "sip:bob@pbx.lan;maddr=198.51.100.1"


class TestNextHop:
    def test_without_route_it_is_the_request_uri(self) -> None:
        assert next_hop_of(request("sip:bob@192.0.2.2:5062;transport=tcp")) == NextHop("192.0.2.2", 5062, "TCP")

    def test_a_loose_route_is_followed_and_kept(self) -> None:
        message = request("sip:bob@192.0.2.2", "<sip:next.example:5080;lr>")
        assert next_hop_of(message) == NextHop("next.example", 5080, None)
        assert str(message.uri) == "sip:bob@192.0.2.2"
        assert len(message.routes) == 1

    def test_for_a_strict_router_the_request_uri_goes_to_the_end_of_the_route(self) -> None:
        message = request("sip:bob@192.0.2.2", "<sip:strict.example?Subject=x>", "<sip:last.example;lr>")
        assert next_hop_of(message) == NextHop("strict.example", None, None)
        assert str(message.uri) == "sip:strict.example"
        assert route_texts(message) == ["<sip:last.example;lr>", "<sip:bob@192.0.2.2>"]

    @pytest.mark.parametrize(
        ("uri", "hop"),
        [
            ("sip:bob@pbx.lan;maddr=192.0.2.9", NextHop("192.0.2.9", None, None)),
            ("sips:bob@pbx.lan", NextHop("pbx.lan", None, "TLS")),
            ("sip:bob@[2001:db8::2]:5062", NextHop("[2001:db8::2]", 5062, None)),
        ],
    )
    def test_what_a_uri_says(self, uri: str, hop: NextHop) -> None:
        assert uri_hop(parse_uri(uri)) == hop


class TestReceivedHop:
    @pytest.mark.parametrize(
        "hop", [Hop("UDP", "192.0.2.1", 40000), Hop("TCP", "2001:db8::1", 5060), Hop("TCP", "192.0.2.1", 1, 7)]
    )
    def test_a_source_is_kept_as_text(self, hop: Hop) -> None:
        assert received_hop(str(hop)) == NextHop(hop.host, hop.port, hop.transport)

    @pytest.mark.parametrize(
        "text", ["", "udp", "udp:192.0.2.1", "udp:192.0.2.1:x", "sip:192.0.2.1:5060;transport=udp"]
    )
    def test_another_text_says_nothing(self, text: str) -> None:
        assert received_hop(text) is None


class TestRecordRoute:
    def added(self, source: Hop, hop: Hop, host: str = "192.0.2.10", port: int = 5070) -> list[str]:
        message = request("sip:bob@192.0.2.2")
        message.headers.add("Record-Route", "<sip:before.example;lr>")
        add_record_routes(message, source, hop, lambda _transport, _host: (host, port), SEAL)
        *ours, before = message.headers.get_all("Record-Route")
        assert before == "<sip:before.example;lr>"
        return ours

    def test_one_value_where_nothing_changes(self) -> None:
        assert self.added(Hop("UDP", "192.0.2.1", 5060), Hop("UDP", "192.0.2.2", 5060)) == [
            f"<sip:192.0.2.10:5070;{OURS}>"
        ]

    def test_two_values_where_the_transport_changes(self) -> None:
        assert self.added(Hop("TCP", "192.0.2.1", 40000, 1), Hop("UDP", "192.0.2.2", 5060)) == [
            f"<sip:192.0.2.10:5070;{OURS}>",
            f"<sip:192.0.2.10:5070;transport=tcp;{OURS}>",
        ]

    def test_where_nobody_can_connect_to_us_no_port_is_named(self) -> None:
        values = self.added(Hop("TLS", "192.0.2.1", 40000, 1), Hop("TLS", "192.0.2.2", 5061), port=0)
        assert values == [f"<sip:192.0.2.10;transport=tls;{OURS}>"]

    def test_two_values_where_we_have_another_address(self) -> None:
        message = request("sip:bob@10.0.0.2")
        address = {"192.0.2.1": ("192.0.2.10", 5070), "10.0.0.2": ("10.0.0.1", 5070)}
        add_record_routes(
            message,
            Hop("UDP", "192.0.2.1", 5060),
            Hop("UDP", "10.0.0.2", 5060),
            lambda _transport, host: address[host],
            SEAL,
        )
        assert message.headers.get_all("Record-Route") == [
            f"<sip:10.0.0.1:5070;{OURS}>",
            f"<sip:192.0.2.10:5070;{OURS}>",
        ]

    def test_an_ipv6_address_goes_in_brackets(self) -> None:
        (value,) = self.added(Hop("UDP", "2001:db8::1", 5060), Hop("UDP", "2001:db8::2", 5060), "2001:db8::10")
        assert value.startswith("<sip:[2001:db8::10]:5070;lr")

    def test_what_is_added_comes_back_as_ours(self) -> None:
        (value,) = self.added(Hop("UDP", "192.0.2.1", 5060), Hop("UDP", "192.0.2.2", 5060))
        assert take_own_routes(request("sip:bob@192.0.2.2", value), OwnNames("other.example", lambda: (5060,)), SEAL)
