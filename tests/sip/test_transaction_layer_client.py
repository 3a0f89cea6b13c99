"""Requests sent, cancelled and failing over, at the transaction layer's face."""

import pytest

from device.sip.hop import Hop, NextHop, Transmission
from device.sip.message import Response
from device.sip.transaction import HopFailed
from device.sip.transaction_layer import (
    ClientKey,
    LookupWanted,
    ResponseReceived,
    StrayResponse,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from tests.support.lone_layer import (
    BOB,
    BOB_TCP,
    BOB_UDP,
    HOP_1,
    HOP_2,
    LARGE,
    PROXY,
    events,
    lines,
    make_layer,
    methods,
    names,
    receive,
    sent,
)
from tests.support.sip_messages import answer, first_line, header, request


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
        assert events(layer) == [HopFailed(HOP_1)]
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
        assert events(layer)[1:] == [TransportFailed(key, "host unreachable"), TransactionTerminated(key)]
        assert layer.next_timeout() is None

    def test_the_next_hop_has_its_turn_after_a_time_out(self) -> None:
        layer, key, _ = self.start("INVITE")
        layer.handle_timeout(32.0)
        assert [one.hop for one in sent(layer)] == [HOP_2]
        assert events(layer) == [HopFailed(HOP_1)]
        layer.handle_timeout(64.0)
        assert events(layer) == [TransactionTimedOut(key), TransactionTerminated(key)]
        assert layer.next_timeout() is None

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
        # A peer that takes no TCP and does not say so is asked by UDP before the caller gives up.
        assert layer.next_timeout() == 8.0

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


class TestAbandoning:
    def test_nothing_more_is_sent_and_no_answer_taken(self) -> None:
        layer = make_layer()
        key = layer.send_request(request("REGISTER"), BOB, 0.0)
        (one,) = sent(layer)
        layer.abandon(key, 0.1)
        assert events(layer) == [TransactionTerminated(key)]
        assert layer.next_timeout() is None
        receive(layer, one.data, 200, now=0.2)
        assert events(layer) == []
        assert layer.unmatched_responses == 1
        layer.abandon(key, 0.3)
        assert (events(layer), len(layer)) == ([], 0)

    def test_a_look_up_that_is_under_way(self) -> None:
        layer = make_layer()
        key = layer.send_request(request("REGISTER"), PROXY, 0.0)
        assert events(layer) == [LookupWanted(PROXY)]
        layer.abandon(key, 0.1)
        assert events(layer) == [TransactionTerminated(key)]
        layer.receive_lookup(PROXY, [HOP_1], 0.2)
        assert (sent(layer), len(layer), layer.next_timeout()) == ([], 0, None)


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
