"""The layer seen from both sides: what goes on the wire, what the TU is told."""

import time

import pytest

from device.ids import CountingIds
from device.sip.hop import Hop, NextHop, Transmission
from device.sip.message import Request, Response
from device.sip.parser import parse_message
from device.sip.timers import SipTimers
from device.sip.transaction_layer import (
    AckReceived,
    CancelReceived,
    ClientKey,
    LookupWanted,
    RequestReceived,
    ResponseReceived,
    StrayResponse,
    TransactionEvent,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from tests.support.sip_messages import answer, first_line, header, message, request

BOB = NextHop("192.0.2.2")
BOB_UDP = Hop("UDP", "192.0.2.2", 5060)
BOB_TCP = Hop("TCP", "192.0.2.2", 5060)
ALICE = Hop("UDP", "192.0.2.1", 5060)
PROXY = NextHop("proxy.example", transport="UDP")
HOP_1, HOP_2 = Hop("UDP", "198.51.100.1", 5060), Hop("UDP", "198.51.100.2", 5070)
LARGE = "X-Filler: " + "x" * 1200


def make_layer(host: str = "192.0.2.1", **limits: int) -> TransactionLayer:
    return TransactionLayer(SipTimers(), CountingIds(), lambda _hop: (host, 5060), **limits)


def events(layer: TransactionLayer) -> list[TransactionEvent]:
    found = []
    while (event := layer.next_event()) is not None:
        found.append(event)
    return found


def sent(layer: TransactionLayer) -> list[Transmission]:
    return layer.transmissions_to_send()


def lines(layer: TransactionLayer) -> list[tuple[str, Hop]]:
    """First words and target of everything sent."""
    return [(" ".join(first_line(one.data).split()[:2]), one.hop) for one in sent(layer)]


def methods(layer: TransactionLayer) -> list[str]:
    """Method, or status, of everything sent."""
    found = [first_line(one.data).split() for one in sent(layer)]
    return [words[1] if words[0] == "SIP/2.0" else words[0] for words in found]


def names(layer: TransactionLayer) -> list[str]:
    return [type(event).__name__ for event in events(layer)]


def receive(layer: TransactionLayer, data: bytes, status: int, now: float, source: Hop = BOB_UDP) -> None:
    layer.receive_message(answer(data, status), source, now)


def incoming(
    layer: TransactionLayer, method: str, source: Hop = ALICE, now: float = 0.0, branch: str = "z9hG4bK-a", **more: str
) -> None:
    via = more.pop("via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch};rport")
    layer.receive_message(parse_message(request(method, via=via, **more).encode()), source, now)


def received(layer: TransactionLayer) -> RequestReceived:
    (event,) = events(layer)
    assert isinstance(event, RequestReceived)
    return event


def respond(layer: TransactionLayer, event: RequestReceived, status: int, now: float = 0.0) -> bool:
    return layer.send_response(event.key, event.request.response(status, to_tag="to-1"), now)


class TestSending:
    def test_the_whole_request_as_it_goes_out(self) -> None:
        layer = make_layer()
        asked = request("OPTIONS")
        before = asked.copy().encode()
        key = layer.send_request(asked, BOB, 0.0)
        assert sent(layer) == [
            Transmission(
                b"OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\n"
                b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b1;rport\r\n"
                b"Max-Forwards: 70\r\n"
                b"From: <sip:alice@192.0.2.1>;tag=from-1\r\n"
                b"To: <sip:bob@192.0.2.2>\r\n"
                b"Call-ID: call-1\r\n"
                b"CSeq: 1 OPTIONS\r\n"
                b"Content-Length: 0\r\n\r\n",
                BOB_UDP,
            )
        ]
        assert key == ClientKey("z9hG4bK-b1", "OPTIONS")
        assert asked.encode() == before
        assert sent(layer) == []
        assert events(layer) == []

    def test_an_ipv6_address_of_ours_stands_in_brackets(self) -> None:
        layer = make_layer("2001:db8::1")
        layer.send_request(request(), NextHop("[2001:db8::2]", 5080, "tcp"), 0.0)
        (one,) = sent(layer)
        assert header(one.data, "Via") == "SIP/2.0/TCP [2001:db8::1]:5060;branch=z9hG4bK-b1;rport"
        assert one.hop == Hop("TCP", "2001:db8::2", 5080)

    def test_a_transport_that_we_do_not_have(self) -> None:
        layer = make_layer()
        key = layer.send_request(request(), NextHop("192.0.2.2", None, "sctp"), 0.0)
        assert events(layer) == [TransportFailed(key, "no transport sctp here"), TransactionTerminated(key)]
        assert sent(layer) == []

    def test_the_branch_suffix_ends_every_branch(self) -> None:
        layer = make_layer()
        layer.send_request(request(), PROXY, 0.0, branch_suffix=".loop")
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 0.0)
        layer.receive_transport_error(HOP_1, 0.0, "unreachable")
        vias = [header(one.data, "Via") or "" for one in sent(layer)]
        assert [via.partition("branch=")[2] for via in vias] == ["z9hG4bK-b1.loop;rport", "z9hG4bK-b2.loop;rport"]

    def test_a_response_reaches_the_tu_with_its_key_and_source(self) -> None:
        layer = make_layer()
        key = layer.send_request(request(), BOB, 0.0)
        (one,) = sent(layer)
        receive(layer, one.data, 200, 0.1)
        (event,) = events(layer)
        assert isinstance(event, ResponseReceived)
        assert (event.key, event.response.status, event.source) == (key, 200, BOB_UDP)
        assert layer.next_timeout() == 5.1
        layer.handle_timeout(5.1)
        assert events(layer) == [TransactionTerminated(key)]
        assert layer.next_timeout() is None

    def test_a_failure_of_an_invite_is_acknowledged_on_the_way_up(self) -> None:
        layer = make_layer()
        layer.send_request(request("INVITE"), BOB, 0.0)
        (invite,) = sent(layer)
        receive(layer, invite.data, 486, 0.1)
        (ack,) = sent(layer)
        assert first_line(ack.data) == "ACK sip:bob@192.0.2.2 SIP/2.0"
        assert header(ack.data, "Via") == header(invite.data, "Via")
        assert header(ack.data, "To") == "<sip:bob@192.0.2.2>;tag=to-1"
        assert ack.hop == BOB_UDP

    def test_nobody_answers(self) -> None:
        layer = make_layer()
        key = layer.send_request(request(), BOB, 0.0)
        while (at := layer.next_timeout()) is not None:
            layer.handle_timeout(at)
        assert layer.now == 32.0
        assert events(layer) == [TransactionTimedOut(key), TransactionTerminated(key)]
        assert methods(layer) == ["OPTIONS"] * 11


class TestLookups:
    def test_a_name_is_looked_up_once_for_all_who_wait(self) -> None:
        layer = make_layer()
        layer.send_request(request("OPTIONS"), PROXY, 0.0)
        layer.send_request(request("INVITE"), PROXY, 0.0)
        assert events(layer) == [LookupWanted(PROXY)]
        assert sent(layer) == []
        layer.receive_lookup(PROXY, [HOP_1], 1.0)
        assert lines(layer) == [("OPTIONS sip:bob@192.0.2.2", HOP_1), ("INVITE sip:bob@192.0.2.2", HOP_1)]
        assert layer.next_timeout() == 1.5

    def test_a_name_without_address(self) -> None:
        layer = make_layer()
        key = layer.send_request(request(), PROXY, 0.0)
        events(layer)
        layer.receive_lookup(PROXY, [], 1.0)
        assert events(layer) == [
            TransportFailed(key, "no address found for proxy.example"),
            TransactionTerminated(key),
        ]
        assert layer.next_timeout() is None

    def test_a_look_up_that_never_ends_is_given_up_and_asked_for_again(self) -> None:
        layer = make_layer()
        key = layer.send_request(request(), PROXY, 0.0)
        assert layer.next_timeout() == 32.0
        layer.handle_timeout(32.0)
        assert events(layer) == [LookupWanted(PROXY), TransactionTimedOut(key), TransactionTerminated(key)]
        layer.send_request(request(), PROXY, 33.0)
        assert events(layer) == [LookupWanted(PROXY)]

    def test_an_answer_that_nobody_awaits_is_ignored(self) -> None:
        layer = make_layer()
        layer.receive_lookup(PROXY, [HOP_1], 0.0)
        assert sent(layer) == []


class TestHops:
    def start(self, method: str = "OPTIONS") -> tuple[TransactionLayer, ClientKey, Transmission]:
        layer = make_layer()
        key = layer.send_request(request(method), PROXY, 0.0)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 0.0)
        events(layer)
        (first,) = sent(layer)
        assert first.hop == HOP_1
        return layer, key, first

    def test_the_next_hop_has_its_turn_after_a_transport_error(self) -> None:
        layer, key, first = self.start()
        layer.receive_transport_error(HOP_1, 1.0, "port unreachable")
        (second,) = sent(layer)
        assert second.hop == HOP_2
        assert header(second.data, "Via") == (header(first.data, "Via") or "").replace("b1", "b2")
        assert events(layer) == []
        receive(layer, second.data, 200, 1.1, HOP_2)
        (event,) = events(layer)
        assert isinstance(event, ResponseReceived)
        assert event.key == key
        layer.handle_timeout(10.0)
        assert events(layer) == [TransactionTerminated(key)]

    def test_the_last_hop_fails(self) -> None:
        layer, key, _ = self.start()
        layer.receive_transport_error(HOP_1, 1.0, "port unreachable")
        layer.receive_transport_error(HOP_2, 1.0, "host unreachable")
        assert events(layer) == [TransportFailed(key, "host unreachable"), TransactionTerminated(key)]
        assert layer.next_timeout() is None

    def test_the_next_hop_has_its_turn_after_a_time_out(self) -> None:
        layer, key, _ = self.start("INVITE")
        layer.handle_timeout(32.0)
        assert [one.hop for one in sent(layer)] == [HOP_1, HOP_2]
        assert events(layer) == []
        layer.handle_timeout(64.0)
        assert events(layer) == [TransactionTimedOut(key), TransactionTerminated(key)]

    def test_the_next_hop_has_its_turn_after_503(self) -> None:
        layer, key, first = self.start("INVITE")
        receive(layer, first.data, 100, 0.1, HOP_1)
        receive(layer, first.data, 503, 0.2, HOP_1)
        ack, second = sent(layer)
        assert (first_line(ack.data).split()[0], ack.hop, second.hop) == ("ACK", HOP_1, HOP_2)
        assert names(layer) == ["ResponseReceived"]
        receive(layer, first.data, 503, 0.3, HOP_1)
        assert methods(layer) == ["ACK"]
        receive(layer, second.data, 503, 0.4, HOP_2)
        (event,) = events(layer)
        assert isinstance(event, ResponseReceived)
        assert (event.key, event.response.status) == (key, 503)
        layer.handle_timeout(40.0)
        assert events(layer) == [TransactionTerminated(key)]
        assert layer.next_timeout() is None

    def test_a_hop_that_has_answered_is_kept(self) -> None:
        layer, _, first = self.start()
        receive(layer, first.data, 100, 0.1, HOP_1)
        layer.receive_transport_error(HOP_1, 1.0, "port unreachable")
        assert sent(layer) == []
        assert names(layer) == ["ResponseReceived", "TransportFailed", "TransactionTerminated"]

    def test_what_an_earlier_hop_answered_does_not_count_for_the_next(self) -> None:
        layer = make_layer()
        layer.send_request(request(), PROXY, 0.0)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2, BOB_UDP], 0.0)
        (first,) = sent(layer)
        receive(layer, first.data, 100, 0.1, HOP_1)
        receive(layer, first.data, 503, 0.2, HOP_1)
        layer.receive_transport_error(HOP_2, 0.3, "port unreachable")
        assert [one.hop for one in sent(layer)] == [HOP_2, BOB_UDP]

    def test_errors_of_other_places_mean_nothing(self) -> None:
        layer, _, _ = self.start()
        for other in (HOP_2, Hop("TCP", HOP_1.host, HOP_1.port), Hop("UDP", HOP_1.host, 9)):
            layer.receive_transport_error(other, 0.1, "unreachable")
        layer.connection_closed(Hop("TCP", HOP_1.host, HOP_1.port, 4), 0.1)
        assert (sent(layer), events(layer)) == ([], [])


class TestLargeRequests:
    def test_it_goes_by_tcp_and_says_so(self) -> None:
        layer = make_layer()
        layer.send_request(request("INVITE", extra=LARGE), BOB, 0.0)
        (one,) = sent(layer)
        assert one.hop == BOB_TCP
        assert header(one.data, "Via") == "SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK-b1;rport"
        assert layer.next_timeout() == 32.0

    def test_1300_bytes_still_go_by_udp(self) -> None:
        layer = make_layer()
        layer.send_request(request("INVITE"), BOB, 0.0)
        room = 1300 - len(sent(layer)[0].data) - len("X-Y: \r\n")
        for length, transport in ((room, "UDP"), (room + 1, "TCP")):
            layer.send_request(request("INVITE", extra="X-Y: " + "x" * length), BOB, 0.0)
            (one,) = sent(layer)
            assert (len(one.data), one.hop.transport) == (1300 + length - room, transport)

    def test_it_falls_back_to_udp_and_that_is_remembered_for_a_while(self) -> None:
        layer = make_layer()
        key = layer.send_request(request("INVITE", extra=LARGE), BOB, 0.0)
        sent(layer)
        layer.receive_transport_error(BOB_TCP, 0.1, "connection refused")
        (one,) = sent(layer)
        assert one.hop == BOB_UDP
        assert header(one.data, "Via") == "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b2;rport"
        assert layer.next_timeout() == 0.6
        receive(layer, one.data, 486, 0.2)
        (event,) = events(layer)
        assert isinstance(event, ResponseReceived)
        assert event.key == key
        sent(layer)
        layer.send_ack(request("ACK", extra=LARGE), BOB, 1.0)
        layer.send_ack(request("ACK", extra=LARGE), BOB, 301.0)
        assert [one.hop for one in sent(layer)] == [BOB_UDP, BOB_TCP]

    def test_both_ways_fail(self) -> None:
        layer = make_layer()
        key = layer.send_request(request("INVITE", extra=LARGE), BOB, 0.0)
        layer.receive_transport_error(BOB_TCP, 0.1, "connection refused")
        layer.receive_transport_error(BOB_UDP, 0.2, "port unreachable")
        assert events(layer) == [TransportFailed(key, "port unreachable"), TransactionTerminated(key)]

    def test_the_memory_of_refusals_is_bounded(self) -> None:
        layer = make_layer()
        for number in range(100):
            layer.receive_transport_error(Hop("TCP", f"198.51.100.{number}", 5060), 0.0, "refused")
        for number, transport in ((0, "TCP"), (99, "UDP")):
            layer.send_request(request(extra=LARGE), NextHop(f"198.51.100.{number}"), 1.0)
            assert sent(layer)[0].hop.transport == transport


class TestAck:
    def test_it_has_a_branch_of_its_own_and_no_transaction(self) -> None:
        layer = make_layer()
        layer.send_ack(request("ACK"), BOB, 0.0)
        layer.send_ack(request("ACK"), BOB, 0.0)
        vias = [header(one.data, "Via") for one in sent(layer)]
        assert vias == [f"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b{n};rport" for n in (1, 2)]
        assert layer.next_timeout() is None

    def test_it_waits_for_a_look_up_but_nobody_hears_of_its_failure(self) -> None:
        layer = make_layer()
        layer.send_ack(request("ACK"), PROXY, 0.0)
        assert events(layer) == [LookupWanted(PROXY)]
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 0.1)
        assert [one.hop for one in sent(layer)] == [HOP_1]
        layer.send_ack(request("ACK"), PROXY, 1.0)
        layer.handle_timeout(33.0)
        assert events(layer) == [LookupWanted(PROXY)]
        assert layer.next_timeout() is None


class TestCancel:
    def start(self) -> tuple[TransactionLayer, ClientKey, bytes]:
        layer = make_layer()
        key = layer.send_request(request("INVITE"), BOB, 0.0)
        (invite,) = sent(layer)
        return layer, key, invite.data

    def test_it_waits_for_a_provisional_response(self) -> None:
        layer, key, invite = self.start()
        assert layer.cancel(key, 0.1) == ClientKey("z9hG4bK-b1", "CANCEL")
        assert layer.cancel(key, 0.2) == ClientKey("z9hG4bK-b1", "CANCEL")
        assert sent(layer) == []
        receive(layer, invite, 100, 0.3)
        (cancel,) = sent(layer)
        assert first_line(cancel.data) == "CANCEL sip:bob@192.0.2.2 SIP/2.0"
        assert header(cancel.data, "Via") == header(invite, "Via")
        assert header(cancel.data, "CSeq") == "1 CANCEL"

    def test_the_invite_ends_with_487_and_the_cancel_with_200(self) -> None:
        layer, key, invite = self.start()
        receive(layer, invite, 180, 0.1)
        cancel_key = layer.cancel(key, 1.0)
        assert cancel_key is not None
        assert layer.cancel(key, 1.1) == cancel_key
        (cancel,) = sent(layer)
        receive(layer, cancel.data, 200, 1.2)
        receive(layer, invite, 487, 1.2)
        assert methods(layer) == ["ACK"]
        layer.handle_timeout(100.0)
        heard = events(layer)
        assert [e.response.status for e in heard if isinstance(e, ResponseReceived)] == [180, 200, 487]
        assert {e.key for e in heard if isinstance(e, TransactionTerminated)} == {key, cancel_key}

    def test_the_invite_ends_64_t1_after_an_unheeded_cancel(self) -> None:
        layer, key, invite = self.start()
        receive(layer, invite, 180, 0.1)
        layer.cancel(key, 1.0)
        (cancel,) = sent(layer)
        receive(layer, cancel.data, 200, 1.2)
        events(layer)
        layer.handle_timeout(32.9)
        events(layer)
        layer.handle_timeout(33.0)
        assert events(layer) == [TransactionTimedOut(key), TransactionTerminated(key)]

    def test_a_2xx_that_crosses_the_cancel_goes_up(self) -> None:
        layer, key, invite = self.start()
        receive(layer, invite, 180, 0.1)
        layer.cancel(key, 1.0)
        receive(layer, invite, 200, 1.01)
        assert [e.response.status for e in events(layer) if isinstance(e, ResponseReceived)] == [180, 200]

    def test_after_a_final_response_there_is_nothing_to_cancel(self) -> None:
        layer, key, invite = self.start()
        receive(layer, invite, 200, 0.1)
        assert layer.cancel(key, 0.2) is None
        assert sent(layer) == []

    def test_a_deferred_cancel_is_dropped_when_the_final_response_comes_first(self) -> None:
        layer, key, invite = self.start()
        layer.cancel(key, 0.1)
        receive(layer, invite, 486, 0.2)
        assert methods(layer) == ["ACK"]

    def test_only_known_invites_can_be_cancelled(self) -> None:
        layer = make_layer()
        assert layer.cancel(ClientKey("z9hG4bK-none", "INVITE"), 0.0) is None
        assert layer.cancel(layer.send_request(request("OPTIONS"), BOB, 0.0), 0.0) is None

    def test_an_invite_that_still_waits_for_its_look_up_never_leaves(self) -> None:
        layer = make_layer()
        key = layer.send_request(request("INVITE"), PROXY, 0.0)
        assert layer.cancel(key, 0.1) is None
        layer.receive_lookup(PROXY, [HOP_1], 0.2)
        assert sent(layer) == []
        assert events(layer)[1:] == [
            TransportFailed(key, "cancelled before it was sent"),
            TransactionTerminated(key),
        ]

    def test_a_cancelled_invite_tries_no_other_hop(self) -> None:
        layer = make_layer()
        key = layer.send_request(request("INVITE"), PROXY, 0.0)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 0.0)
        layer.cancel(key, 0.1)
        layer.receive_transport_error(HOP_1, 0.2, "unreachable")
        assert [one.hop for one in sent(layer)] == [HOP_1]
        assert events(layer)[1:] == [TransportFailed(key, "unreachable"), TransactionTerminated(key)]


class TestStrayResponses:
    def response(self, status: int = 200, method: str = "INVITE", sent_by: str = "192.0.2.1:5060") -> Response:
        via = f"SIP/2.0/UDP {sent_by};branch=z9hG4bK-gone;rport"
        return answer(request(method, via=via).encode(), status)

    def test_a_2xx_to_an_invite_of_ours_goes_up(self) -> None:
        layer = make_layer()
        response = self.response()
        layer.receive_message(response, BOB_UDP, 0.0)
        assert events(layer) == [StrayResponse(response, BOB_UDP)]

    @pytest.mark.parametrize(
        "fields", [{"status": 180}, {"status": 486}, {"method": "BYE"}, {"sent_by": "192.0.2.1"}, {"sent_by": "x:5060"}]
    )
    def test_all_others_are_dropped_and_counted(self, fields: dict[str, object]) -> None:
        layer = make_layer()
        layer.receive_message(self.response(**fields), BOB_UDP, 0.0)  # type: ignore[arg-type]
        assert (events(layer), sent(layer), layer.unmatched_responses) == ([], [], 1)


class TestReceiving:
    def test_a_request_goes_up_once_with_its_source_in_the_via(self) -> None:
        layer = make_layer()
        behind_nat = Hop("UDP", "203.0.113.9", 41000)
        incoming(layer, "INVITE", behind_nat)
        event = received(layer)
        assert event.source == behind_nat
        assert event.request.headers.get("Via") == (
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-a;rport=41000;received=203.0.113.9"
        )
        incoming(layer, "INVITE", behind_nat)
        assert (events(layer), sent(layer)) == ([], [])
        layer.handle_timeout(0.2)
        assert lines(layer) == [("SIP/2.0 100", behind_nat)]

    def test_the_vias_below_the_first_stay(self) -> None:
        layer = make_layer()
        incoming(layer, "OPTIONS", via="SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-a, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK-z")
        assert received(layer).request.headers.get_all("Via") == [
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-a;received=192.0.2.1",
            "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK-z",
        ]

    @pytest.mark.parametrize(
        ("via", "source", "target"),
        [
            ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK-a", ALICE, Hop("UDP", "192.0.2.1", 5070)),
            ("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-a", Hop("UDP", "192.0.2.1", 999), ALICE),
            ("SIP/2.0/UDP pc.example:5071;branch=z9hG4bK-a", ALICE, Hop("UDP", "192.0.2.1", 5071)),
            ("SIP/2.0/UDP 10.0.0.1:5071;branch=z9hG4bK-a;rport", ALICE, ALICE),
            ("SIP/2.0/UDP 10.0.0.1:5071;branch=z9hG4bK-a;rport=7;received=10.9.9.9", ALICE, ALICE),
            ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-a;received=10.9.9.9", ALICE, ALICE),
            ("SIP/2.0/UDP 192.0.2.1;maddr=224.2.0.1;branch=z9hG4bK-a", ALICE, Hop("UDP", "224.2.0.1", 5060)),
            ("SIP/2.0/UDP 192.0.2.1;maddr=group.example;branch=z9hG4bK-a", ALICE, ALICE),
            (
                "SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK-a",
                Hop("UDP", "2001:db8::1", 5070),
                Hop("UDP", "2001:db8::1", 5070),
            ),
            (
                "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK-a",
                Hop("TCP", "192.0.2.1", 41000, 3),
                Hop("TCP", "192.0.2.1", 5060, 3),
            ),
            (
                "SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK-a",
                Hop("TLS", "192.0.2.1", 41000, 3),
                Hop("TLS", "192.0.2.1", 5061, 3),
            ),
        ],
    )
    def test_where_the_response_goes(self, via: str, source: Hop, target: Hop) -> None:
        layer = make_layer()
        incoming(layer, "OPTIONS", source, via=via)
        assert respond(layer, received(layer), 200)
        assert lines(layer) == [("SIP/2.0 200", target)]

    def test_the_answer_is_repeated_for_a_repeated_request(self) -> None:
        layer = make_layer()
        incoming(layer, "OPTIONS")
        event = received(layer)
        respond(layer, event, 200)
        (first,) = sent(layer)
        incoming(layer, "OPTIONS", now=3.0)
        assert sent(layer) == [first]
        layer.handle_timeout(32.0)
        assert events(layer) == [TransactionTerminated(event.key)]
        assert respond(layer, event, 200, 33.0) is False
        assert sent(layer) == []

    def test_transactions_differ_by_method_branch_and_sent_by(self) -> None:
        layer = make_layer()
        incoming(layer, "OPTIONS")
        incoming(layer, "MESSAGE")
        incoming(layer, "OPTIONS", branch="z9hG4bK-b")
        incoming(layer, "OPTIONS", via="SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-a")
        incoming(layer, "OPTIONS", via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-a")
        assert names(layer) == ["RequestReceived"] * 4

    def test_merged_requests_all_go_up(self) -> None:
        layer = make_layer()
        incoming(layer, "INVITE", branch="z9hG4bK-path1")
        incoming(layer, "INVITE", branch="z9hG4bK-path2")
        assert names(layer) == ["RequestReceived"] * 2

    def test_a_transport_error_of_the_response_is_told(self) -> None:
        layer = make_layer()
        source = Hop("TCP", "192.0.2.1", 41000, 3)
        incoming(layer, "INVITE", source, via="SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK-a")
        event = received(layer)
        respond(layer, event, 180)
        layer.receive_transport_error(source, 1.0, "connection reset")
        layer.receive_transport_error(Hop("TCP", "192.0.2.9", 41000, 4), 1.0, "connection reset")
        assert events(layer) == [TransportFailed(event.key, "connection reset")]


class TestInviteServer:
    def answered(self, status: int) -> tuple[TransactionLayer, RequestReceived]:
        layer = make_layer()
        incoming(layer, "INVITE")
        event = received(layer)
        respond(layer, event, status)
        sent(layer)
        return layer, event

    def test_the_ack_for_a_failure_stays_in_the_layer(self) -> None:
        layer, event = self.answered(486)
        incoming(layer, "ACK", now=1.0)
        assert (events(layer), sent(layer)) == ([], [])
        layer.handle_timeout(6.0)
        assert events(layer) == [TransactionTerminated(event.key)]

    def test_no_ack_comes(self) -> None:
        layer, event = self.answered(486)
        layer.handle_timeout(32.0)
        assert events(layer) == [TransactionTimedOut(event.key), TransactionTerminated(event.key)]

    @pytest.mark.parametrize("branch", ["z9hG4bK-new", "z9hG4bK-a"])
    def test_the_ack_for_a_2xx_goes_up_whatever_its_branch(self, branch: str) -> None:
        layer, _ = self.answered(200)
        incoming(layer, "ACK", branch=branch)
        (event,) = events(layer)
        assert isinstance(event, AckReceived)
        assert event.source == ALICE

    def test_an_ack_before_any_answer_means_nothing(self) -> None:
        layer = make_layer()
        incoming(layer, "INVITE")
        received(layer)
        incoming(layer, "ACK")
        assert events(layer) == []

    def test_a_cancel_names_its_invite_and_is_answered_by_the_tu(self) -> None:
        layer = make_layer()
        incoming(layer, "INVITE")
        invite = received(layer)
        incoming(layer, "CANCEL")
        (event,) = events(layer)
        assert isinstance(event, CancelReceived)
        assert (event.invite_key, event.source) == (invite.key, ALICE)
        assert sent(layer) == []
        layer.send_response(event.key, event.request.response(200), 0.1)
        respond(layer, invite, 487, 0.1)
        assert methods(layer) == ["200", "487"]
        incoming(layer, "CANCEL")
        assert methods(layer) == ["200"]
        assert events(layer) == []

    def test_a_cancel_of_nothing(self) -> None:
        layer = make_layer()
        incoming(layer, "INVITE", branch="z9hG4bK-other")
        received(layer)
        incoming(layer, "CANCEL")
        (event,) = events(layer)
        assert isinstance(event, CancelReceived)
        assert event.invite_key is None


class TestRfc2543Clients:
    VIA = "SIP/2.0/UDP 192.0.2.1:5060"

    def test_an_invite_its_repeats_its_cancel_and_its_ack_belong_together(self) -> None:
        layer = make_layer()
        incoming(layer, "INVITE", via=self.VIA)
        invite = received(layer)
        incoming(layer, "INVITE", via=self.VIA)
        assert events(layer) == []
        incoming(layer, "CANCEL", via=self.VIA)
        (cancel,) = events(layer)
        assert isinstance(cancel, CancelReceived)
        assert cancel.invite_key == invite.key
        respond(layer, invite, 487)
        incoming(layer, "ACK", via=self.VIA, extra="To: <sip:bob@192.0.2.2>;tag=to-1")
        layer.handle_timeout(5.0)
        assert events(layer) == [TransactionTerminated(invite.key)]

    def test_another_call_is_another_transaction(self) -> None:
        layer = make_layer()
        incoming(layer, "INVITE", via=self.VIA)
        incoming(layer, "INVITE", via=self.VIA, call_id="call-2")
        incoming(layer, "INVITE", via=self.VIA + ";branch=1")
        assert names(layer) == ["RequestReceived"] * 3


class TestBounds:
    def test_a_full_table_refuses_with_503_and_a_tag_that_does_not_change(self) -> None:
        layer = make_layer(server_limit=2)
        for number in range(4):
            incoming(layer, "INVITE", branch=f"z9hG4bK-{min(number, 2)}")
        assert names(layer) == ["RequestReceived"] * 2
        first, second = sent(layer)
        assert first == second
        assert first_line(first.data) == "SIP/2.0 503 Service Unavailable"
        assert header(first.data, "Retry-After") == "10"
        assert ";tag=" in (header(first.data, "To") or "")

    def test_acks_and_cancels_of_known_invites_find_room(self) -> None:
        layer = make_layer(server_limit=1)
        incoming(layer, "INVITE")
        invite = received(layer)
        incoming(layer, "CANCEL")
        (cancel,) = events(layer)
        assert isinstance(cancel, CancelReceived)
        respond(layer, invite, 487)
        sent(layer)
        incoming(layer, "ACK")
        incoming(layer, "ACK", branch="z9hG4bK-other")
        assert (names(layer), sent(layer)) == (["AckReceived"], [])
        incoming(layer, "CANCEL", branch="z9hG4bK-other")
        assert names(layer) == ["TransactionTerminated", "CancelReceived"]

    def test_the_longest_answered_gives_way(self) -> None:
        layer = make_layer(server_limit=2)
        keys = []
        for number in range(3):
            incoming(layer, "OPTIONS", branch=f"z9hG4bK-{number}")
            event = events(layer)[-1]
            assert isinstance(event, RequestReceived)
            respond(layer, event, 200)
            keys.append(event.key)
        sent(layer)
        incoming(layer, "OPTIONS", branch="z9hG4bK-2")
        assert methods(layer) == ["200"]
        incoming(layer, "OPTIONS", branch="z9hG4bK-0")
        assert names(layer) == ["TransactionTerminated", "RequestReceived"]
        layer.handle_timeout(100.0)
        assert sorted(names(layer)) == ["TransactionTerminated"] * 2
        assert len(layer) == 0

    def test_too_many_requests_of_ours_fail_at_once(self) -> None:
        layer = make_layer(client_limit=1)
        layer.send_request(request("INVITE"), BOB, 0.0)
        key = layer.send_request(request("OPTIONS"), BOB, 0.0)
        assert events(layer) == [
            TransportFailed(key, "too many requests are under way"),
            TransactionTerminated(key),
        ]
        assert methods(layer) == ["INVITE"]

    def test_an_answered_request_of_ours_gives_way(self) -> None:
        layer = make_layer(client_limit=1)
        first = layer.send_request(request("OPTIONS"), BOB, 0.0)
        receive(layer, sent(layer)[0].data, 200, 0.1)
        layer.send_request(request("OPTIONS"), BOB, 0.2)
        assert methods(layer) == ["OPTIONS"]
        assert events(layer)[1:] == [TransactionTerminated(first)]
        assert layer.next_timeout() == 0.7
        layer.handle_timeout(100.0)
        assert names(layer) == ["TransactionTimedOut", "TransactionTerminated"]
        assert len(layer) == 0

    def test_20000_idle_transactions_cost_next_to_nothing(self) -> None:
        layer = make_layer(server_limit=50_000)
        for number in range(20_000):
            incoming(layer, "INVITE", branch=f"z9hG4bK-{number}", now=number / 1000)
        started = time.perf_counter()
        for _ in range(20_000):
            layer.next_timeout()
            layer.handle_timeout(0.1)
        assert time.perf_counter() - started < 1.0


class TestStateless:
    def test_a_response_without_transaction_goes_where_the_request_came_from(self) -> None:
        layer = make_layer()
        asked = request("OPTIONS", via="SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-a;rport=41000;received=192.0.2.1")
        layer.send_stateless(asked.response(400), Hop("UDP", "192.0.2.1", 41000))
        assert lines(layer) == [("SIP/2.0 400", Hop("UDP", "192.0.2.1", 41000))]

    @pytest.mark.parametrize(
        ("via", "target"),
        [
            ("SIP/2.0/UDP 10.0.0.1;rport=41000;received=192.0.2.1;branch=x", Hop("UDP", "192.0.2.1", 41000)),
            ("SIP/2.0/UDP 192.0.2.1;rport=99999;branch=x", Hop("UDP", "192.0.2.1", 5060)),
            ("SIP/2.0/TCP 192.0.2.1:5070;branch=x", Hop("TCP", "192.0.2.1", 5070)),
        ],
    )
    def test_a_forwarded_response_goes_by_its_via_alone(self, via: str, target: Hop) -> None:
        layer = make_layer()
        layer.forward_response(request("INVITE", via=via).response(200))
        assert lines(layer) == [("SIP/2.0 200", target)]

    def test_a_forwarded_response_to_a_name_is_dropped(self) -> None:
        layer = make_layer()
        layer.forward_response(request("INVITE", via="SIP/2.0/UDP pc.example;branch=x").response(200))
        assert sent(layer) == []


class TestStreams:
    def test_a_closed_connection_fails_what_awaits_its_first_answer(self) -> None:
        layer = make_layer()
        ringing = layer.send_request(request("INVITE"), NextHop("192.0.2.2", None, "TCP"), 0.0)
        (invite,) = sent(layer)
        receive(layer, invite.data, 180, 0.1, BOB_TCP)
        key = layer.send_request(request("OPTIONS"), NextHop("192.0.2.2", None, "TCP"), 0.2)
        events(layer)
        layer.connection_closed(Hop("TCP", "192.0.2.2", 5060, 8), 0.3)
        assert events(layer) == [TransportFailed(key, "the connection was closed"), TransactionTerminated(key)]
        assert layer.cancel(ringing, 0.4) is not None
        assert methods(layer)[-1] == "CANCEL"

    def test_a_closed_connection_does_not_make_a_peer_udp_only(self) -> None:
        layer = make_layer()
        layer.connection_closed(BOB_TCP, 0.0)
        layer.send_request(request(extra=LARGE), BOB, 0.1)
        assert sent(layer)[0].hop == BOB_TCP


def test_messages_are_told_apart_by_their_type() -> None:
    layer = make_layer()
    parsed = message("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-x\nCSeq: 1 OPTIONS")
    assert not isinstance(parsed, Request)
    layer.receive_message(parsed, BOB_UDP, 0.0)
    assert layer.unmatched_responses == 1
