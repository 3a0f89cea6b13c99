"""Requests received and answered, bounds and streams, at the transaction layer's face."""

import time

import pytest

from device.sip.hop import Hop, NextHop
from device.sip.message import Request
from device.sip.server_table import FINISHED_KEPT, FINISHED_KEPT_S
from device.sip.transaction_layer import (
    AckReceived,
    CancelReceived,
    RequestReceived,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from tests.support.lone_layer import (
    ALICE,
    BOB,
    BOB_TCP,
    BOB_UDP,
    LARGE,
    events,
    incoming,
    lines,
    make_layer,
    methods,
    names,
    receive,
    received,
    respond,
    sent,
)
from tests.support.sip_messages import first_line, header, message, request


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

    def test_a_magic_cookie_with_nothing_behind_it_names_no_transaction(self) -> None:
        layer = make_layer()
        for call_id in ("one", "two", "two"):
            incoming(layer, "OPTIONS", via=self.VIA + ";branch=z9hG4bK", call_id=call_id)
        assert names(layer) == ["RequestReceived"] * 2


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

    def test_refused_invites_that_nobody_acknowledges_give_way(self) -> None:
        layer = make_layer(server_limit=2)
        for number in range(20):
            incoming(layer, "INVITE", branch=f"z9hG4bK-{number}")
            event = events(layer)[-1]
            assert isinstance(event, RequestReceived)
            respond(layer, event, 486)
        incoming(layer, "BYE", branch="z9hG4bK-bye")
        assert names(layer) == ["TransactionTerminated", "RequestReceived"]
        assert len(layer) == 2

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


class TestLateCopies:
    """Copies of a request that come when its transaction is over, more than 32 s late (over UDP alone)."""

    def finished(self, method: str, status: int) -> TransactionLayer:
        layer = make_layer()
        incoming(layer, method)
        respond(layer, received(layer), status)
        layer.handle_timeout(32.0)
        layer.handle_timeout(64.0)
        assert len(layer) == 0
        events(layer), sent(layer)
        return layer

    @pytest.mark.parametrize(("method", "status"), [("INVITE", 200), ("INVITE", 486), ("BYE", 200), ("MESSAGE", 200)])
    def test_are_dropped(self, method: str, status: int) -> None:
        layer = self.finished(method, status)
        incoming(layer, method, now=95.0)
        layer.handle_timeout(95.5)
        assert (events(layer), sent(layer), len(layer)) == ([], [], 0)

    def test_much_later_the_same_bytes_are_a_new_request(self) -> None:
        layer = self.finished("MESSAGE", 200)
        incoming(layer, "MESSAGE", now=64.0 + FINISHED_KEPT_S)
        assert names(layer) == ["RequestReceived"]

    def test_by_another_transport_they_are_one_at_once(self) -> None:
        layer = make_layer()
        for source in (ALICE, Hop("TCP", "192.0.2.1", 40000, 7)):
            incoming(layer, "OPTIONS", source)
            respond(layer, received(layer), 200)
            assert [hop.transport for _, hop in lines(layer)] == [source.transport]

    def test_a_client_that_gives_all_requests_one_branch_is_heard(self) -> None:
        layer = self.finished("INVITE", 200)
        incoming(layer, "INVITE", now=100.0, call_id="another")
        assert names(layer) == ["RequestReceived"]

    def test_only_so_many_are_known(self) -> None:
        layer = make_layer()
        for number in range(FINISHED_KEPT + 1):
            incoming(layer, "OPTIONS", branch=f"z9hG4bK-{number}")
            respond(layer, received(layer), 200)
        layer.handle_timeout(32.0)
        events(layer), sent(layer)
        incoming(layer, "OPTIONS", now=50.0, branch="z9hG4bK-0")
        assert names(layer) == ["RequestReceived"], "the oldest has been forgotten"
        incoming(layer, "OPTIONS", now=50.0, branch="z9hG4bK-1")
        assert names(layer) == []

    def test_over_tcp_there_are_none(self) -> None:
        layer = make_layer()
        for _ in range(2):
            incoming(layer, "OPTIONS", BOB_TCP, via="SIP/2.0/TCP 192.0.2.2;branch=z9hG4bK-a")
            respond(layer, received(layer), 200)
            layer.handle_timeout(0.0)
            assert len(layer) == 0
            events(layer)


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
