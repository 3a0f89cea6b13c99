"""The endpoint from its bytes: what a peer can send and see, and two of them over a bad network."""

import random
from collections import deque

import pytest

from device.ids import CountingIds
from device.sip.endpoint import MAX_STREAMS, EndpointCounters, SipEndpoint, StreamBroken
from device.sip.errors import SipParseError
from device.sip.hop import Hop, NextHop, Transmission
from device.sip.timers import SipTimers
from device.sip.transaction_layer import (
    AckReceived,
    CancelReceived,
    ClientKey,
    LookupWanted,
    RequestReceived,
    ResponseReceived,
    ServerKey,
    StrayResponse,
    TransactionEvent,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from device.timing import TimerSet
from tests.support.lossy_link import LEFT, RIGHT, LossyLink, sent_by
from tests.support.sip_messages import first_line, header, request

PEER = Hop("UDP", "192.0.2.1", 5060)
STREAM = Hop("TCP", "192.0.2.1", 41000, connection=7)
VIA = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-a"
OPTIONS = request("OPTIONS", via=VIA).encode()
BAD_CSEQ = OPTIONS.replace(b"CSeq: 1 OPTIONS", b"CSeq: x OPTIONS")


class RecordingCore:
    """A TU that hands every transaction event on, answers OPTIONS, and can be told to find fault."""

    def __init__(self) -> None:
        self.events: deque[object] = deque()
        self.timeouts: list[float] = []
        self.deadline: float | None = None
        self.fault: SipParseError | None = None

    def bind(self, layer: TransactionLayer) -> None:
        self.layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        if self.fault is not None:
            raise self.fault
        self.events.append(event)
        if isinstance(event, RequestReceived) and event.request.method == "OPTIONS":
            self.layer.send_response(event.key, event.request.response(200, to_tag="to-1"), now)

    def handle_timeout(self, now: float) -> None:
        self.timeouts.append(now)

    def next_timeout(self) -> float | None:
        return self.deadline

    def connection_closed(self, source: Hop, now: float) -> None:
        pass

    def next_event(self) -> object | None:
        return self.events.popleft() if self.events else None


def make_endpoint() -> tuple[SipEndpoint, RecordingCore]:
    core = RecordingCore()
    return SipEndpoint(core, SipTimers(), CountingIds(), sent_by(RIGHT)), core


def first_lines(endpoint: SipEndpoint) -> list[str]:
    return [first_line(one.data) for one in endpoint.transmissions_to_send()]


def drain(endpoint: SipEndpoint) -> list[object]:
    found = []
    while (event := endpoint.next_event()) is not None:
        found.append(event)
    return found


class TestDatagrams:
    def test_a_request_reaches_the_core_and_its_answer_the_wire(self) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_datagram(OPTIONS, PEER, 0.0)
        (event,) = drain(endpoint)
        assert isinstance(event, RequestReceived)
        (one,) = endpoint.transmissions_to_send()
        assert (first_line(one.data), one.hop) == ("SIP/2.0 200 OK", PEER)
        assert endpoint.transmissions_to_send() == []
        assert endpoint.next_timeout() == 32.0

    @pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0"])
    def test_keep_alives_are_dropped(self, data: bytes) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_datagram(data, PEER, 0.0)
        assert (drain(endpoint), endpoint.transmissions_to_send()) == ([], [])
        assert endpoint.counters() == EndpointCounters(0, 0, 1, 0, 0, 0)

    def test_a_bad_request_is_answered_with_its_status_each_time_alike(self) -> None:
        endpoint, _ = make_endpoint()
        for _ in range(2):
            endpoint.receive_datagram(BAD_CSEQ, Hop("UDP", "203.0.113.9", 5062), 0.0)
        assert drain(endpoint) == []
        first, second = endpoint.transmissions_to_send()
        assert first == second
        assert first_line(first.data) == "SIP/2.0 400 Bad Request: CSeq: not a number: 'x'"
        assert first.hop == Hop("UDP", "203.0.113.9", 5060)
        assert ";received=203.0.113.9" in (header(first.data, "Via") or "")
        assert ";tag=" in (header(first.data, "To") or "")
        assert endpoint.counters() == EndpointCounters(2, 2, 0, 2, 0, 0)

    @pytest.mark.parametrize("via", ["SIP/2.0/UDP 192.0.2.9;;,;,,", "SIP/7.0/UDP 192.0.2.9;branch=z9hG4bK-a", ""])
    def test_an_unreadable_via_is_answered_where_the_request_came_from(self, via: str) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_datagram(OPTIONS.replace(VIA.encode(), via.encode()), Hop("UDP", "203.0.113.9", 5062), 0.0)
        (one,) = endpoint.transmissions_to_send()
        assert first_line(one.data).startswith("SIP/2.0 400 Bad Request: Via: ")
        assert one.hop == Hop("UDP", "203.0.113.9", 5062)
        assert header(one.data, "Via") == via

    def test_another_version_is_answered_505(self) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_datagram(OPTIONS.replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), PEER, 0.0)
        assert first_lines(endpoint) == ["SIP/2.0 505 Version Not Supported"]

    @pytest.mark.parametrize(
        "data",
        [
            b"hello",
            b"\xff\xfe\x00",
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            BAD_CSEQ.replace(b"Via", b"X-Via"),
            BAD_CSEQ.replace(b"OPTIONS", b"ACK"),
            b"SIP/2.0 200 OK\r\n\r\n",
            b"SIP/2.0 2000 OK\r\n\r\n",
        ],
    )
    def test_other_malformed_datagrams_are_dropped_and_counted(self, data: bytes) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_datagram(data, PEER, 0.0)
        assert (drain(endpoint), endpoint.transmissions_to_send()) == ([], [])
        assert endpoint.counters() == EndpointCounters(1, 0, 0, 1, 0, 0)

    def test_a_response_to_nothing_is_dropped_and_counted(self) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_datagram(request("OPTIONS", via=VIA).response(200).encode(), PEER, 0.0)
        assert (drain(endpoint), endpoint.transmissions_to_send()) == ([], [])
        assert endpoint.counters() == EndpointCounters(1, 0, 0, 0, 1, 0)

    @pytest.mark.parametrize("method", ["INVITE", "CANCEL"])
    def test_what_the_core_cannot_read_is_answered_with_the_status_of_its_complaint(self, method: str) -> None:
        endpoint, core = make_endpoint()
        core.fault = SipParseError("no such scheme", status=416)
        endpoint.receive_datagram(request(method, via=VIA).encode(), PEER, 0.0)
        assert first_lines(endpoint) == ["SIP/2.0 416 Unsupported URI Scheme"]

    def test_a_response_that_the_core_cannot_read_is_dropped(self) -> None:
        endpoint, core = make_endpoint()
        endpoint.layer.send_request(request(), NextHop("192.0.2.1"), 0.0)
        (one,) = endpoint.transmissions_to_send()
        core.fault = SipParseError("bad Contact")
        endpoint.receive_datagram(request("OPTIONS", via=header(one.data, "Via") or "").response(200).encode(), PEER, 1)
        assert (drain(endpoint), endpoint.transmissions_to_send()) == ([], [])
        assert endpoint.counters().malformed == 1

    def test_mangled_messages_never_raise(self) -> None:
        chance = random.Random(3)
        endpoint, _ = make_endpoint()
        seeds = [OPTIONS, request("INVITE", via=VIA).encode(), request("CANCEL", via=VIA).response(200).encode()]
        pieces = [
            b"\r\n",
            b":",
            b";",
            b",",
            b"<",
            b'"',
            b"\x00",
            b"\xc3",
            b"%",
            b"Via: ",
            b"SIP/2.0",
            b" ",
            b"-1",
            b"=",
        ]
        for turn in range(2000):
            data = bytearray(seeds[turn % 3])
            for _ in range(chance.randrange(1, 5)):
                at = chance.randrange(len(data))
                data[at : at + chance.randrange(4)] = chance.choice(pieces)
            endpoint.receive_datagram(bytes(data), PEER, turn / 100)
            endpoint.receive_stream(bytes(data), Hop("TCP", "192.0.2.1", 41000, turn), turn / 100)
            endpoint.connection_closed(Hop("TCP", "192.0.2.1", 41000, turn), turn / 100)
            endpoint.handle_timeout(turn / 100)
            drain(endpoint)
            endpoint.transmissions_to_send()
        assert endpoint.counters().malformed > 500


class TestStreams:
    def test_messages_are_cut_out_of_the_stream_and_answered_on_it(self) -> None:
        endpoint, _ = make_endpoint()
        second = request("OPTIONS", via="SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK-b").encode()
        data = request("OPTIONS", via="SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK-a").encode() + second
        for at in range(0, len(data), 50):
            endpoint.receive_stream(data[at : at + 50], STREAM, 0.0)
        assert [type(event) for event in drain(endpoint)] == [RequestReceived, RequestReceived]
        assert [one.hop for one in endpoint.transmissions_to_send()] == [Hop("TCP", "192.0.2.1", 5060, 7)] * 2

    def test_a_message_that_has_begun_must_end(self) -> None:
        endpoint, _ = make_endpoint()
        message = request("OPTIONS", via="SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK-a").encode()
        endpoint.receive_stream(message[:50], STREAM, 1.0)
        endpoint.receive_stream(message[50:], STREAM, 20.0)
        assert [type(event) for event in drain(endpoint)] == [RequestReceived]
        endpoint.handle_timeout(60.0)
        assert [event for event in drain(endpoint) if isinstance(event, StreamBroken)] == []
        endpoint.receive_stream(message + message[:50], STREAM, 100.0)
        endpoint.receive_stream(message[50:60], STREAM, 130.0)
        endpoint.handle_timeout(131.9)
        assert not any(isinstance(event, StreamBroken) for event in drain(endpoint))
        endpoint.handle_timeout(132.0)
        assert StreamBroken(STREAM, "a message that did not end within 32 s") in drain(endpoint)
        endpoint.receive_stream(message, STREAM, 133.0)
        assert drain(endpoint) == []

    def test_a_stream_that_ends_within_a_message_is_forgotten(self) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_stream(b"OPTIONS", STREAM, 0.0)
        assert endpoint.next_timeout() == 32.0
        endpoint.connection_closed(STREAM, 1.0)
        assert endpoint.next_timeout() is None

    def test_a_ping_is_answered_by_a_pong(self) -> None:
        traced: list[str] = []
        endpoint, _ = make_endpoint()
        endpoint.on_trace = lambda direction, *_: traced.append(direction)
        endpoint.receive_stream(b"\r\n\r\n", STREAM, 0.0)
        endpoint.receive_stream(b"\r\n" + OPTIONS, STREAM, 0.0)
        answer, pong = endpoint.transmissions_to_send()
        assert (first_line(answer.data), pong) == ("SIP/2.0 200 OK", Transmission(b"\r\n", STREAM, only_if_open=True))
        assert traced == ["in", "out"]
        assert endpoint.counters().keepalives == 2

    def test_a_stream_without_content_length_is_given_up_after_what_came_before(self) -> None:
        endpoint, _ = make_endpoint()
        bad = OPTIONS.replace(b"Content-Length: 0\r\n", b"")
        endpoint.receive_stream(OPTIONS + bad, STREAM, 0.0)
        endpoint.receive_stream(OPTIONS, STREAM, 0.1)
        fault = "no Content-Length in a message on a stream"
        assert first_lines(endpoint) == ["SIP/2.0 200 OK", f"SIP/2.0 400 Bad Request: {fault}"]
        assert endpoint.next_event() == StreamBroken(STREAM, fault)
        assert [type(event) for event in drain(endpoint)] == [RequestReceived]

    def test_a_new_connection_starts_afresh(self) -> None:
        endpoint, _ = make_endpoint()
        endpoint.receive_stream(b"\r", STREAM, 0.0)
        endpoint.receive_stream(b"x" * 70_000, STREAM, 0.0)
        endpoint.connection_closed(STREAM, 0.1)
        endpoint.receive_stream(OPTIONS, STREAM, 0.2)
        assert [type(event) for event in drain(endpoint)] == [StreamBroken, RequestReceived]

    def test_connections_beyond_the_bound_are_not_read(self) -> None:
        endpoint, _ = make_endpoint()
        for number in range(MAX_STREAMS + 1):
            endpoint.receive_stream(b"OPTIONS", Hop("TCP", "192.0.2.1", 41000, number), 0.0)
        (event,) = drain(endpoint)
        assert isinstance(event, StreamBroken)
        assert event.source.connection == MAX_STREAMS


class TestSurroundings:
    def test_look_ups_are_the_owners_business(self) -> None:
        endpoint, core = make_endpoint()
        core.layer.send_request(request(), NextHop("proxy.example"), 0.0)
        assert drain(endpoint) == [LookupWanted(NextHop("proxy.example"))]
        endpoint.receive_lookup(NextHop("proxy.example"), [PEER], 0.5)
        assert [one.hop for one in endpoint.transmissions_to_send()] == [PEER]

    def test_transport_errors_and_closed_connections_reach_the_core(self) -> None:
        endpoint, core = make_endpoint()
        for hop in (PEER, Hop("TCP", "192.0.2.1", 5060)):
            core.layer.send_request(request(), NextHop(hop.host, None, hop.transport), 0.0)
        endpoint.receive_transport_error(PEER, 0.1, "port unreachable")
        endpoint.connection_closed(Hop("TCP", "192.0.2.1", 5060, 1), 0.1)
        reasons = [event.reason for event in drain(endpoint) if isinstance(event, TransportFailed)]
        assert reasons == ["port unreachable", "the connection was closed"]

    def test_the_earlier_deadline_of_layer_and_core(self) -> None:
        endpoint, core = make_endpoint()
        assert endpoint.next_timeout() is None
        core.deadline = 9.0
        assert endpoint.next_timeout() == 9.0
        core.layer.send_request(request(), NextHop("192.0.2.1"), 0.0)
        assert endpoint.next_timeout() == 0.5
        endpoint.handle_timeout(0.5)
        assert core.timeouts == [0.5]
        assert len(endpoint.transmissions_to_send()) == 2

    def test_the_trace_sees_each_message_with_direction_place_and_time(self) -> None:
        traced: list[tuple[str, str, Hop, float]] = []
        core = RecordingCore()
        endpoint = SipEndpoint(
            core,
            SipTimers(),
            CountingIds(),
            sent_by(RIGHT),
            on_trace=lambda direction, data, hop, now: traced.append((direction, first_line(data), hop, now)),
        )
        endpoint.receive_datagram(OPTIONS, PEER, 2.0)
        endpoint.transmissions_to_send()
        assert traced == [
            ("in", "OPTIONS sip:bob@192.0.2.2 SIP/2.0", PEER, 2.0),
            ("out", "SIP/2.0 200 OK", PEER, 2.0),
        ]


class Caller:
    """A TU that sends requests, acknowledges each 2xx and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[TransactionEvent] = []

    def bind(self, layer: TransactionLayer) -> None:
        self.layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        self.heard.append(event)
        if isinstance(event, ResponseReceived | StrayResponse):
            response = event.response
            if response.cseq.method == "INVITE" and 200 <= response.status < 300:
                ack = request("ACK", call_id=response.call_id)
                self.layer.send_ack(ack, NextHop(RIGHT[0]), now)

    def handle_timeout(self, now: float) -> None:
        pass

    def next_timeout(self) -> float | None:
        return None

    def connection_closed(self, source: Hop, now: float) -> None:
        pass

    def next_event(self) -> object | None:
        return None

    def finals(self, key: ClientKey) -> set[int]:
        events = [event for event in self.heard if isinstance(event, ResponseReceived) and event.key == key]
        return {event.response.status for event in events if event.response.status >= 200}


class Callee:
    """A TU that answers after a while, and repeats a 2xx to INVITE until its ACK comes (section 13.3.1.4)."""

    def __init__(self, status: int, answer_after_s: float) -> None:
        self.heard: list[TransactionEvent] = []
        self.acknowledged = False
        self._status = status
        self._answer_after_s = answer_after_s
        self._requests: dict[ServerKey, RequestReceived] = {}
        self._timers: TimerSet[ServerKey] = TimerSet()
        self._intervals: dict[ServerKey, float] = {}

    def bind(self, layer: TransactionLayer) -> None:
        self.layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        self.heard.append(event)
        if isinstance(event, RequestReceived):
            assert event.key not in self._requests, "a repeated request reached the TU"
            self._requests[event.key] = event
            self._timers.set(event.key, now + self._answer_after_s)
            if event.request.method == "INVITE":
                self.layer.send_response(event.key, event.request.response(180, to_tag="to-1"), now)
        elif isinstance(event, CancelReceived):
            self.layer.send_response(event.key, event.request.response(200 if event.invite_key else 481), now)
            if event.invite_key is not None and event.invite_key not in self._intervals:
                self._timers.cancel(event.invite_key)
                self._answer(event.invite_key, 487, now)
        elif isinstance(event, AckReceived):
            self.acknowledged = True
            self._timers.clear()

    def handle_timeout(self, now: float) -> None:
        for key in self._timers.pop_due(now):
            self._answer(key, self._status, now)
            if key.method == "INVITE" and 200 <= self._status < 300:
                self._intervals[key] = interval = min(2 * self._intervals.get(key, 0.25), 4.0)
                self._timers.set(key, now + interval)

    def next_timeout(self) -> float | None:
        return self._timers.next_timeout()

    def connection_closed(self, source: Hop, now: float) -> None:
        pass

    def next_event(self) -> object | None:
        return None

    def _answer(self, key: ServerKey, status: int, now: float) -> None:
        self.layer.send_response(key, self._requests[key].request.response(status, to_tag="to-1"), now)


def join(callee: Callee, seed: int, **network: object) -> tuple[LossyLink, Caller]:
    caller = Caller()
    left = SipEndpoint(caller, SipTimers(), CountingIds("l"), sent_by(LEFT))
    right = SipEndpoint(callee, SipTimers(), CountingIds("r"), sent_by(RIGHT))
    bad: dict[str, object] = {"loss": 0.3, "duplication": 0.2, "delay_s": (0.005, 0.6), **network}
    return LossyLink(left, right, seed=seed, **bad), caller  # type: ignore[arg-type]


def check_ended(link: LossyLink, *cores: Caller | Callee) -> None:
    """Nothing is left anywhere, and every key has ended once, as its last event."""
    link.run(until=300.0)
    assert link.is_idle()
    for core in cores:
        ended: set[object] = set()
        keys = {event.key for event in core.heard if not isinstance(event, AckReceived | StrayResponse | LookupWanted)}
        for event in core.heard:
            if isinstance(event, AckReceived | StrayResponse | LookupWanted):
                continue
            assert event.key not in ended
            if isinstance(event, TransactionTerminated):
                ended.add(event.key)
        assert ended == keys
        assert len(core.layer) == 0


def timed_out(*cores: Caller | Callee) -> bool:
    """Whether a side gave up: with this much loss one run in some hundreds loses every retransmission."""
    return any(isinstance(event, TransactionTimedOut) for core in cores for event in core.heard)


SEEDS = range(300)
MAX_UNLUCKY = 4
"""Runs of all these in which a side may have given up."""


class TestBadNetwork:
    """Both sides over a network that loses 30 % and doubles 20 % of the datagrams and lets them overtake each other."""

    @pytest.mark.parametrize("answer_after_s", [0.0, 6.0])
    def test_a_request_is_seen_once_and_answered_once(self, answer_after_s: float) -> None:
        unlucky = 0
        for seed in SEEDS:
            callee = Callee(200, answer_after_s)
            link, caller = join(callee, seed)
            caller.layer.send_request(request("OPTIONS"), NextHop(RIGHT[0]), 0.0)
            check_ended(link, caller, callee)
            finals = [e for e in caller.heard if isinstance(e, ResponseReceived) and e.response.status >= 200]
            assert len(finals) + timed_out(caller) == 1, seed
            assert sum(isinstance(event, RequestReceived) for event in callee.heard) == 1, seed
            unlucky += timed_out(caller)
        assert unlucky <= MAX_UNLUCKY

    def test_a_refused_call_ends_acknowledged_on_both_sides(self) -> None:
        unlucky = 0
        for seed in SEEDS:
            callee = Callee(486, 3.0)
            link, caller = join(callee, seed)
            key = caller.layer.send_request(request("INVITE"), NextHop(RIGHT[0]), 0.0)
            check_ended(link, caller, callee)
            assert caller.finals(key) == {486} or timed_out(caller), seed
            assert not callee.acknowledged, seed
            unlucky += timed_out(caller, callee)
        assert unlucky <= MAX_UNLUCKY

    def test_an_answered_call_is_acknowledged(self) -> None:
        unlucky = 0
        for seed in SEEDS:
            callee = Callee(200, 3.0)
            link, caller = join(callee, seed)
            key = caller.layer.send_request(request("INVITE"), NextHop(RIGHT[0]), 0.0)
            check_ended(link, caller, callee)
            assert (caller.finals(key) == {200} and callee.acknowledged) or timed_out(caller), seed
            unlucky += timed_out(caller)
        assert unlucky <= MAX_UNLUCKY

    def test_a_cancel_that_races_with_the_answer_leaves_one_outcome(self) -> None:
        outcomes: list[int] = []
        for seed in SEEDS:
            callee = Callee(200, 2.0)
            link, caller = join(callee, seed)
            key = caller.layer.send_request(request("INVITE"), NextHop(RIGHT[0]), 0.0)
            link.run(until=random.Random(seed).uniform(0.0, 4.0))
            caller.layer.cancel(key, link.now)
            check_ended(link, caller, callee)
            if timed_out(caller):
                continue
            assert caller.finals(key) in ({200}, {487}), seed
            assert callee.acknowledged == (caller.finals(key) == {200}), seed
            outcomes += caller.finals(key)
        assert set(outcomes) == {200, 487}
        assert len(outcomes) >= len(SEEDS) - MAX_UNLUCKY

    def test_over_a_dead_network_both_kinds_of_request_time_out(self) -> None:
        link, caller = join(Callee(200, 0.0), 0, loss=1.0)
        keys = [caller.layer.send_request(request(method), NextHop(RIGHT[0]), 0.0) for method in ("INVITE", "OPTIONS")]
        link.run(until=32.0)
        assert {event.key for event in caller.heard if isinstance(event, TransactionTimedOut)} == set(keys)
        assert link.lost == 7 + 11
        assert link.is_idle()


class TestLink:
    """The network itself, and calls over its streams."""

    def test_tcp_carries_a_large_call_and_its_answer(self) -> None:
        for seed in range(20):
            callee = Callee(200, 1.0)
            link, caller = join(callee, seed)
            asked = request("INVITE", extra="X-Filler: " + "x" * 2000)
            key = caller.layer.send_request(asked, NextHop(RIGHT[0]), 0.0)
            link.run(until=0.5)
            assert {transmission.hop.transport for _, _, transmission in link.wire} == {"TCP"}
            check_ended(link, caller, callee)
            assert caller.finals(key) == {200}

    def test_a_peer_without_tcp_gets_the_large_call_by_udp(self) -> None:
        callee = Callee(486, 1.0)
        link, caller = join(callee, 1, tcp_refused=True)
        asked = request("INVITE", extra="X-Filler: " + "x" * 2000)
        key = caller.layer.send_request(asked, NextHop(RIGHT[0]), 0.0)
        check_ended(link, caller, callee)
        assert caller.finals(key) == {486}

    def test_a_connection_that_ends_before_the_answer_makes_the_callee_connect(self) -> None:
        callee = Callee(486, 1.0)
        link, caller = join(callee, 1)
        key = caller.layer.send_request(request("INVITE"), NextHop(RIGHT[0], None, "TCP"), 0.0)
        link.run(until=0.5)
        link.close_connections()
        check_ended(link, caller, callee)
        assert caller.finals(key) == {486}

    def test_names_are_looked_up(self) -> None:
        link, caller = join(Callee(200, 0.0), 0, names={"bob.example": [Hop("UDP", *RIGHT)]}, loss=0.0)
        found = caller.layer.send_request(request(), NextHop("bob.example"), 0.0)
        lost = caller.layer.send_request(request(), NextHop("nobody.example"), 0.0)
        link.run(until=5.0)
        assert caller.finals(found) == {200}
        assert TransportFailed(lost, "no address found for nobody.example") in caller.heard

    def test_the_same_seed_gives_the_same_run(self) -> None:
        wires = []
        for _ in range(2):
            link, caller = join(Callee(200, 3.0), 5)
            caller.layer.send_request(request("INVITE"), NextHop(RIGHT[0]), 0.0)
            link.run(until=100.0)
            wires.append(link.wire)
        assert wires[0] == wires[1]

    def test_chosen_datagrams_can_be_lost(self) -> None:
        callee = Callee(486, 1.0)
        link, caller = join(callee, 0, loss=0.0, duplication=0.0, drop=lambda data: data.startswith(b"ACK"))
        caller.layer.send_request(request("INVITE"), NextHop(RIGHT[0]), 0.0)
        check_ended(link, caller, callee)
        assert any(isinstance(event, TransactionTimedOut) for event in callee.heard)
