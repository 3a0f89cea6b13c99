"""Keep-alives of RFC 5626 section 4.4 through the endpoint: what goes on the wire, and what the core is told."""

from collections import deque

import pytest

from device.ids import CountingIds
from device.sip.endpoint import SipEndpoint
from device.sip.flow_keepalive import MAX_FLOWS
from device.sip.hop import Hop
from device.sip.stun import BINDING_ERROR, BINDING_REQUEST, StunMessage, answer, encode_request, parse_stun
from device.sip.timers import SipTimers
from device.sip.transaction_layer import KeepAliveAnswered, KeepAliveLost, TransactionEvent, TransactionLayer
from tests.support.lossy_link import RIGHT, sent_by

SERVER = Hop("UDP", "192.0.2.1", 5060)
STREAM = Hop("TLS", "192.0.2.1", 5061, names=("a.example",))
OPEN = Hop("TLS", "192.0.2.1", 5061, connection=4, names=("a.example",))


class ListeningCore:
    """A TU that keeps what it is told."""

    def __init__(self) -> None:
        self.told: deque[TransactionEvent] = deque()

    def bind(self, layer: TransactionLayer) -> None:
        self.layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        self.told.append(event)

    def handle_timeout(self, now: float) -> None:
        pass

    def next_timeout(self) -> float | None:
        return None

    def connection_closed(self, source: Hop, now: float) -> None:
        pass

    def next_event(self) -> object | None:
        return None


class Bench:
    """An endpoint and the server at the other end of its flow."""

    def __init__(self) -> None:
        self.core = ListeningCore()
        self.endpoint = SipEndpoint(self.core, SipTimers(), CountingIds(), sent_by(RIGHT))

    def sent(self) -> list[bytes]:
        """What has gone out since the last time: on open flows only."""
        transmissions = self.endpoint.transmissions_to_send()
        assert all(one.only_if_open for one in transmissions)
        return [one.data for one in transmissions]

    def answer(self, request: bytes, mapped: tuple[str, int], now: float) -> None:
        asked = parse_stun(request)
        assert asked is not None
        self.endpoint.receive_datagram(answer(asked, mapped), SERVER, now)


@pytest.fixture
def bench() -> Bench:
    return Bench()


class TestStreams:
    def test_a_ping_and_its_pong(self, bench) -> None:
        bench.endpoint.send_keepalive(STREAM, 100.0)
        assert bench.sent() == [b"\r\n\r\n"]
        bench.endpoint.receive_stream(b"\r\n", OPEN, 100.25)
        assert list(bench.core.told) == [KeepAliveAnswered(STREAM, 0.25)]
        assert bench.endpoint.next_timeout() is None
        assert bench.endpoint.counters().keepalives == 1

    def test_without_a_pong_the_flow_is_lost_after_ten_seconds(self, bench) -> None:
        bench.endpoint.send_keepalive(STREAM, 100.0)
        assert bench.endpoint.next_timeout() == 110.0
        bench.endpoint.handle_timeout(109.9)
        assert not bench.core.told
        bench.endpoint.handle_timeout(110.0)
        assert list(bench.core.told) == [KeepAliveLost(STREAM, "no answer within 10.0 s")]
        assert bench.sent() == [b"\r\n\r\n"]

    def test_a_closed_connection_is_told_at_once(self, bench) -> None:
        bench.endpoint.send_keepalive(STREAM, 100.0)
        bench.endpoint.connection_closed(OPEN, 101.0)
        assert list(bench.core.told) == [KeepAliveLost(STREAM, "the connection was closed")]

    def test_a_flow_that_cannot_be_sent_on_is_lost(self, bench) -> None:
        bench.endpoint.send_keepalive(STREAM, 100.0)
        bench.endpoint.receive_transport_error(STREAM, 100.0, "no connection is open")
        assert list(bench.core.told) == [KeepAliveLost(STREAM, "no connection is open")]

    def test_while_one_is_unanswered_no_other_is_sent(self, bench) -> None:
        bench.endpoint.send_keepalive(STREAM, 100.0)
        bench.endpoint.send_keepalive(STREAM, 105.0)
        assert bench.sent() == [b"\r\n\r\n"]
        bench.endpoint.receive_stream(b"\r\n", OPEN, 106.0)
        bench.endpoint.send_keepalive(STREAM, 107.0)
        assert bench.sent() == [b"\r\n\r\n"]
        assert [type(event) for event in bench.core.told] == [KeepAliveAnswered]

    def test_a_pong_that_nobody_awaits_does_no_harm(self, bench) -> None:
        bench.endpoint.receive_stream(b"\r\n", OPEN, 100.0)
        bench.endpoint.send_keepalive(SERVER, 100.0)
        bench.endpoint.receive_stream(b"\r\n", OPEN, 100.0)
        assert not bench.core.told


class TestUdp:
    def test_a_binding_request_and_its_answer(self, bench) -> None:
        bench.endpoint.send_keepalive(SERVER, 100.0)
        (asked,) = bench.sent()
        assert parse_stun(asked).kind == BINDING_REQUEST
        bench.answer(asked, ("198.51.100.7", 4242), 100.5)
        assert list(bench.core.told) == [KeepAliveAnswered(SERVER, 0.5, ("198.51.100.7", 4242))]
        assert bench.endpoint.next_timeout() is None

    def test_a_changed_address_is_told(self, bench) -> None:
        for port in (4242, 4242, 4243, 4243):
            bench.endpoint.send_keepalive(SERVER, 100.0)
            bench.answer(*bench.sent(), ("198.51.100.7", port), 100.0)
        assert [event.moved for event in bench.core.told] == [False, False, True, False]

    def test_requests_are_repeated_as_rfc_8489_says_and_then_given_up(self, bench) -> None:
        bench.endpoint.send_keepalive(SERVER, 0.0)
        (first,) = bench.sent()
        times = []
        while (due := bench.endpoint.next_timeout()) is not None:
            bench.endpoint.handle_timeout(due)
            again = bench.sent()
            times.append(due)
            assert again in ([first], [])
        assert times == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 39.5]
        assert list(bench.core.told) == [KeepAliveLost(SERVER, "no answer within 39.5 s")]

    def test_a_server_without_stun_is_told(self, bench) -> None:
        bench.endpoint.send_keepalive(SERVER, 100.0)
        (asked,) = bench.sent()
        refusal = answer(StunMessage(BINDING_REQUEST, asked[8:20], unknown=(3,)), ("192.0.2.9", 1))
        assert parse_stun(refusal).kind == BINDING_ERROR
        bench.endpoint.receive_datagram(refusal, SERVER, 100.0)
        assert list(bench.core.told) == [KeepAliveLost(SERVER, "the server answers STUN with error 420")]

    def test_an_answer_without_an_address_is_none(self, bench) -> None:
        bench.endpoint.send_keepalive(SERVER, 100.0)
        (asked,) = bench.sent()
        bench.endpoint.receive_datagram(b"\x01\x01" + asked[2:], SERVER, 100.0)
        assert list(bench.core.told) == [KeepAliveLost(SERVER, "the server's STUN answer tells no address")]

    def test_what_answers_nothing_of_ours_is_dropped(self, bench) -> None:
        bench.endpoint.send_keepalive(SERVER, 100.0)
        (asked,) = bench.sent()
        right = answer(parse_stun(asked), ("192.0.2.9", 1))
        other = answer(parse_stun(encode_request(b"another one!")), ("192.0.2.9", 1))
        bench.endpoint.receive_datagram(other, SERVER, 100.0)
        bench.endpoint.receive_datagram(right, Hop("UDP", "192.0.2.66", 5060), 100.0)
        bench.endpoint.receive_datagram(right[:-4], SERVER, 100.0)
        bench.endpoint.receive_datagram(b"\x01\x13" + right[2:], SERVER, 100.0)
        assert not bench.core.told

    def test_responses_without_requests_are_dropped(self, bench) -> None:
        bench.answer(encode_request(bytes(12)), ("192.0.2.9", 1), 100.0)
        assert not bench.core.told
        assert bench.sent() == []
        assert bench.endpoint.counters().malformed == 0

    def test_requests_of_others_are_answered(self, bench) -> None:
        bench.endpoint.receive_datagram(encode_request(b"a" * 12), SERVER, 100.0)
        (reply,) = bench.endpoint.transmissions_to_send()
        told = parse_stun(reply.data)
        assert (reply.hop, told.mapped, told.transaction_id) == (SERVER, ("192.0.2.1", 5060), b"a" * 12)

    def test_damaged_requests_are_not(self, bench) -> None:
        bench.endpoint.receive_datagram(encode_request(b"a" * 12)[:-1], SERVER, 100.0)
        assert bench.sent() == []

    def test_the_simple_way_sends_two_line_ends_and_awaits_nothing(self, bench) -> None:
        bench.endpoint.layer.send_crlf(SERVER, 100.0)
        assert bench.sent() == [b"\r\n\r\n"]
        assert bench.endpoint.next_timeout() is None


def test_flows_that_await_an_answer_are_bounded(bench) -> None:
    flows = [Hop("UDP", "192.0.2.1", 5060 + index) for index in range(MAX_FLOWS + 1)]
    for flow in flows:
        bench.endpoint.send_keepalive(flow, 0.0)
    assert list(bench.core.told) == [KeepAliveLost(flows[0], "too many keep-alives are under way")]


def test_addresses_that_are_remembered_are_bounded(bench) -> None:
    for count in range(2):
        for index in range(MAX_FLOWS + 1):
            flow = Hop("UDP", "192.0.2.1", 5060 + index)
            bench.endpoint.send_keepalive(flow, 0.0)
            asked = parse_stun(bench.sent()[0])
            bench.endpoint.receive_datagram(answer(asked, ("192.0.2.9", 1 + count)), flow, 0.0)
    moved = [event.moved for event in bench.core.told]
    # The first had been forgotten when its turn came again, and so had in turn all after it.
    assert moved == [False] * len(moved)
