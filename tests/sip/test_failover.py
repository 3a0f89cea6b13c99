"""From one server of a set to the next and back (RFC 3263 section 4.3): time-outs, late answers, dialogs, fail-back."""

from collections.abc import Sequence

import pytest

from device.sip.hop import Hop, NextHop, Transmission
from device.sip.transaction import HopFailed
from device.sip.transaction_layer import (
    ClientKey,
    LookupWanted,
    ResponseReceived,
    StrayResponse,
    TransactionEvent,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from tests.support.lone_layer import (
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
from tests.support.sip_messages import answer, first_line, request

HOP_3 = Hop("UDP", "198.51.100.3", 5060)
LITERAL = NextHop(HOP_1.host)
"""The address of HOP_1, as a Record-Route may have it."""


def start(
    method: str = "INVITE",
    hops: Sequence[Hop] = (HOP_1, HOP_2),
    layer: TransactionLayer | None = None,
    now: float = 0.0,
) -> tuple[TransactionLayer, ClientKey, Transmission]:
    layer = layer or make_layer()
    key = layer.send_request(request(method), PROXY, now)
    layer.receive_lookup(PROXY, hops, now)
    events(layer)
    (first,) = sent(layer)
    return layer, key, first


def leave(layer: TransactionLayer, now: float) -> Transmission:
    """Let the first hop be silent until the next has its turn; answers what that gets."""
    for _ in range(8):
        due = layer.next_timeout()
        assert due is not None
        if due > now:
            break
        layer.handle_timeout(due)
    return sent(layer)[-1]


def response(layer: TransactionLayer) -> tuple[ClientKey, int]:
    found = [event for event in events(layer) if isinstance(event, ResponseReceived)]
    assert len(found) == 1
    return found[0].key, found[0].response.status


class TestPatience:
    @pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
    def test_a_silent_server_is_left_after_four_transmissions(self, method: str) -> None:
        layer, _, first = start(method)
        moments = []
        while not moments or moments[-1] < 4.0:
            due = layer.next_timeout()
            assert due is not None
            moments.append(due)
            layer.handle_timeout(due)
        assert moments == [0.5, 1.5, 3.5, 4.0]
        assert [one.hop for one in sent(layer)] == [first.hop, first.hop, first.hop, HOP_2]
        assert events(layer) == [HopFailed(HOP_1)]

    def test_the_server_that_was_left_gets_nothing_more(self) -> None:
        layer, _, _ = start()
        leave(layer, 4.0)
        while (due := layer.next_timeout()) is not None:
            layer.handle_timeout(due)
        assert {one.hop for one in sent(layer)} == {HOP_2}
        assert len(layer) == 0

    def test_the_last_server_has_all_the_time_there_is(self) -> None:
        layer, key, _ = start("OPTIONS")
        leave(layer, 4.0)
        assert events(layer) == [HopFailed(HOP_1)]
        while (due := layer.next_timeout()) is not None and due < 36.0:
            layer.handle_timeout(due)
        assert events(layer) == []
        layer.handle_timeout(36.0)
        assert events(layer) == [TransactionTimedOut(key), TransactionTerminated(key)]

    def test_an_only_server_is_not_left(self) -> None:
        layer, key, _ = start("OPTIONS", (HOP_1,))
        while (due := layer.next_timeout()) is not None:
            layer.handle_timeout(due)
        assert events(layer) == [TransactionTimedOut(key), TransactionTerminated(key)]
        assert {one.hop for one in sent(layer)} == {HOP_1}

    def test_a_stream_has_more_time_since_it_must_be_opened(self) -> None:
        layer, _, _ = start(hops=(Hop("TCP", "198.51.100.1", 5060), HOP_2))
        assert layer.next_timeout() == 8.0
        layer.handle_timeout(8.0)
        assert [one.hop for one in sent(layer)] == [HOP_2]

    def test_a_server_that_said_trying_is_kept(self) -> None:
        layer, key, first = start()
        receive(layer, first.data, 100, 1.0, HOP_1)
        layer.handle_timeout(100.0)
        assert sent(layer) == []
        receive(layer, first.data, 200, 101.0, HOP_1)
        assert layer.hop_of(key) == HOP_1

    def test_a_large_request_that_tcp_does_not_take_goes_by_udp_and_nobody_is_blamed(self) -> None:
        layer = make_layer()
        layer.send_request(request("INVITE", extra=LARGE), LITERAL, 0.0)
        layer.handle_timeout(8.0)
        assert [one.hop.transport for one in sent(layer)] == ["TCP", "UDP"]
        assert events(layer) == []


class TestLateAnswers:
    @pytest.mark.parametrize("status", [100, 183, 200, 401, 486])
    def test_the_first_that_answers_has_the_request(self, status: int) -> None:
        layer, key, first = start()
        second = leave(layer, 4.0)
        events(layer)
        receive(layer, first.data, status, 5.0, HOP_1)
        assert response(layer) == (key, status)
        assert layer.hop_of(key) == HOP_1
        sent(layer)
        # What the other one says now comes too late for the TU.
        receive(layer, second.data, 180, 6.0, HOP_2)
        assert methods(layer) == ["CANCEL"]
        receive(layer, second.data, 487, 6.1, HOP_2)
        assert methods(layer) == ["ACK"]
        assert not [event for event in events(layer) if isinstance(event, ResponseReceived) and event.key == key]

    def test_where_another_has_answered_the_late_one_is_taken_back(self) -> None:
        layer, key, first = start()
        second = leave(layer, 4.0)
        receive(layer, second.data, 180, 5.0, HOP_2)
        events(layer)
        receive(layer, first.data, 180, 6.0, HOP_1)
        assert lines(layer) == [("CANCEL sip:bob@192.0.2.2", HOP_1)]
        assert [event for event in events(layer) if isinstance(event, ResponseReceived) and event.key == key] == []
        assert layer.hop_of(key) == HOP_2

    def test_whoever_accepts_has_the_call_and_the_other_stops_ringing(self) -> None:
        layer, key, first = start()
        second = leave(layer, 4.0)
        receive(layer, second.data, 180, 5.0, HOP_2)
        events(layer)
        receive(layer, first.data, 200, 6.0, HOP_1)
        assert response(layer) == (key, 200)
        assert lines(layer) == [("CANCEL sip:bob@192.0.2.2", HOP_2)]

    def test_a_second_acceptance_is_for_the_tu_to_hang_up(self) -> None:
        layer, _, first = start()
        second = leave(layer, 4.0)
        receive(layer, second.data, 200, 5.0, HOP_2)
        events(layer)
        receive(layer, first.data, 200, 6.0, HOP_1)
        (event,) = events(layer)
        assert isinstance(event, StrayResponse)
        assert sent(layer) == []

    def test_a_late_503_changes_nothing(self) -> None:
        layer, key, first = start()
        second = leave(layer, 4.0)
        events(layer)
        receive(layer, first.data, 503, 5.0, HOP_1)
        assert events(layer) == []
        receive(layer, second.data, 200, 6.0, HOP_2)
        assert response(layer) == (key, 200)

    def test_a_late_answer_to_another_request_is_passed_over(self) -> None:
        layer, key, first = start("REGISTER")
        second = leave(layer, 4.0)
        receive(layer, second.data, 200, 5.0, HOP_2)
        events(layer)
        receive(layer, first.data, 200, 5.5, HOP_1)
        assert (events(layer), sent(layer)) == ([], [])
        while (due := layer.next_timeout()) is not None:
            layer.handle_timeout(due)
        assert events(layer) == [TransactionTerminated(key)]

    def test_cancel_reaches_whichever_server_comes_to_life(self) -> None:
        layer, key, first = start()
        second = leave(layer, 4.0)
        layer.cancel(key, 4.5)
        assert sent(layer) == []
        receive(layer, second.data, 180, 5.0, HOP_2)
        receive(layer, first.data, 180, 5.0, HOP_1)
        assert [hop for _, hop in lines(layer)] == [HOP_2, HOP_1]


class TestMemory:
    def test_later_requests_begin_with_the_server_that_is_well(self) -> None:
        layer, _, _ = start("REGISTER")
        second = leave(layer, 4.0)
        receive(layer, second.data, 200, 4.1, HOP_2)
        events(layer)
        _, _, invite = start(layer=layer, now=5.0)
        assert invite.hop == HOP_2
        layer.send_ack(request("ACK"), PROXY, 5.0)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 5.0)
        assert sent(layer)[0].hop == HOP_2

    def test_a_register_finds_out_that_the_server_is_back(self) -> None:
        layer, key, _ = start("REGISTER")
        second = leave(layer, 4.0)
        receive(layer, second.data, 200, 4.1, HOP_2)
        assert layer.fail_back_at(key) == 34.0
        _, _, invite = start(layer=layer, now=34.0)
        assert invite.hop == HOP_2
        _, back, register = start("REGISTER", layer=layer, now=34.0)
        assert register.hop == HOP_1
        receive(layer, register.data, 200, 34.1, HOP_1)
        assert layer.fail_back_at(back) is None
        _, _, invite = start(layer=layer, now=34.2)
        assert invite.hop == HOP_1

    def test_a_server_that_is_still_dead_is_left_alone_for_longer(self) -> None:
        layer, _, _ = start("REGISTER")
        receive(layer, leave(layer, 4.0).data, 200, 4.1, HOP_2)
        _, key, _ = start("REGISTER", layer=layer, now=34.0)
        receive(layer, leave(layer, 38.0).data, 200, 38.1, HOP_2)
        assert layer.fail_back_at(key) == 38.0 + 60.0

    @pytest.mark.parametrize(("told", "chance"), [("90 (maintenance);duration=60", 90.1), (" 7", 7.1), ("soon", None)])
    def test_503_with_retry_after_is_taken_at_its_word(self, told: str, chance: float | None) -> None:
        layer, key, first = start()
        refusal = answer(first.data, 503)
        refusal.headers.add("Retry-After", told)
        layer.receive_message(refusal, HOP_1, 0.1)
        _, second = sent(layer)
        receive(layer, second.data, 200, 0.2, HOP_2)
        assert layer.fail_back_at(key) == chance

    @pytest.mark.parametrize(("method", "next_first"), [("INVITE", HOP_1), ("REGISTER", HOP_2)])
    def test_one_call_without_a_free_line_does_not_brand_a_server(self, method: str, next_first: Hop) -> None:
        layer, _, first = start(method)
        receive(layer, first.data, 503, 0.1, HOP_1)
        sent(layer)
        _, _, invite = start(layer=layer, now=1.0)
        assert invite.hop == next_first

    def test_a_preferred_server_comes_first_as_long_as_it_is_in_the_set_and_serves(self) -> None:
        layer = make_layer()

        def first_of(preferred: Hop, now: float) -> Transmission:
            layer.send_request(request("INVITE"), PROXY, now, preferred=preferred)
            layer.receive_lookup(PROXY, [HOP_1, HOP_2], now)
            return sent(layer)[-1]

        assert first_of(HOP_2, 0.0).hop == HOP_2
        assert first_of(HOP_3, 0.0).hop == HOP_1
        layer.receive_transport_error(HOP_2, 1.0, "port unreachable")
        sent(layer)
        assert first_of(HOP_2, 1.0).hop == HOP_1

    def test_nothing_is_known_of_keys_that_are_over(self) -> None:
        layer = make_layer()
        assert layer.hop_of(ClientKey("z9hG4bK-x", "INVITE")) is None
        assert layer.fail_back_at(ClientKey("z9hG4bK-x", "INVITE")) is None
        key = layer.send_request(request(), PROXY, 0.0)
        assert layer.hop_of(key) is layer.fail_back_at(key) is None


class TestDialogs:
    """The next hop of a dialog is an address that the name of the server has led to."""

    def start(self, method: str = "BYE") -> tuple[TransactionLayer, ClientKey, Transmission]:
        layer = make_layer()
        key = layer.send_request(request(method), LITERAL, 0.0, alternative=PROXY)
        (first,) = sent(layer)
        assert first.hop == HOP_1
        assert events(layer) == []
        return layer, key, first

    def test_a_dead_server_is_stood_in_for_by_another_of_its_set(self) -> None:
        layer, key, _first = self.start()
        layer.receive_transport_error(HOP_1, 0.1, "port unreachable")
        assert events(layer) == [LookupWanted(PROXY)]
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 0.2)
        (bye,) = sent(layer)
        assert bye.hop == HOP_2
        receive(layer, bye.data, 200, 0.3, HOP_2)
        assert response(layer) == (key, 200)

    def test_a_silent_server_is_asked_on_while_the_others_are_looked_up(self) -> None:
        layer, key, _first = self.start()
        layer.handle_timeout(4.0)
        assert events(layer) == [LookupWanted(PROXY)]
        layer.handle_timeout(4.5)
        layer.receive_lookup(PROXY, [HOP_2, HOP_1], 4.6)
        assert [one.hop for one in sent(layer)][-1] == HOP_2
        assert layer.hop_of(key) == HOP_2

    @pytest.mark.parametrize("hops", [[], [HOP_1], [HOP_2, HOP_3]])
    def test_without_another_of_its_set_all_stays_as_it_was(self, hops: list[Hop]) -> None:
        layer, key, _first = self.start()
        layer.handle_timeout(4.0)
        events(layer)
        layer.receive_lookup(PROXY, hops, 4.1)
        while (due := layer.next_timeout()) is not None:
            layer.handle_timeout(due)
        assert events(layer) == [TransactionTimedOut(key), TransactionTerminated(key)]
        assert {one.hop for one in sent(layer)} == {HOP_1}

    @pytest.mark.parametrize("hops", [[], [HOP_1]])
    def test_a_failure_is_told_when_nobody_stands_in(self, hops: list[Hop]) -> None:
        layer, key, _first = self.start()
        layer.receive_transport_error(HOP_1, 0.1, "port unreachable")
        events(layer)
        layer.receive_lookup(PROXY, hops, 0.2)
        assert events(layer) == [TransportFailed(key, "port unreachable"), TransactionTerminated(key)]
        assert layer.next_timeout() is None

    def test_a_failure_while_the_others_are_looked_up_waits_for_them(self) -> None:
        layer, _, _ = self.start()
        layer.handle_timeout(4.0)
        events(layer)
        layer.receive_transport_error(HOP_1, 4.1, "port unreachable")
        assert events(layer) == []
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 4.2)
        assert [one.hop for one in sent(layer)][-1] == HOP_2

    def test_a_look_up_that_never_ends_tells_the_failure(self) -> None:
        layer, key, _first = self.start()
        layer.receive_transport_error(HOP_1, 0.1, "port unreachable")
        events(layer)
        layer.handle_timeout(40.0)
        assert events(layer) == [TransportFailed(key, "port unreachable"), TransactionTerminated(key)]

    def test_an_answer_ends_the_look_up(self) -> None:
        layer, key, first = self.start()
        layer.handle_timeout(4.0)
        events(layer)
        receive(layer, first.data, 200, 4.1, HOP_1)
        assert response(layer) == (key, 200)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 4.2)
        assert sent(layer) == []

    def test_a_cancelled_re_invite_ends_the_look_up(self) -> None:
        layer, key, _first = self.start("INVITE")
        layer.handle_timeout(4.0)
        sent(layer)
        layer.cancel(key, 4.1)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 4.2)
        assert sent(layer) == []

    def test_a_cancelled_re_invite_that_has_failed_already_ends(self) -> None:
        layer, key, _first = self.start("INVITE")
        layer.receive_transport_error(HOP_1, 0.1, "port unreachable")
        events(layer)
        assert layer.cancel(key, 0.2) is None
        assert names(layer) == ["TransportFailed", "TransactionTerminated"]
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 0.3)
        assert sent(layer) == []

    def test_an_ack_has_no_second_chance(self) -> None:
        layer = make_layer()
        layer.send_ack(request("ACK"), PROXY, 0.0, HOP_2)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2], 0.0)
        (ack,) = sent(layer)
        assert (first_line(ack.data).split()[0], ack.hop) == ("ACK", HOP_2)
        assert len(layer) == 0


def test_many_failing_requests_leave_nothing_behind() -> None:
    layer = make_layer()
    heard: list[TransactionEvent] = []
    for number in range(50):
        layer.send_request(request("OPTIONS"), PROXY, number * 0.1)
        layer.receive_lookup(PROXY, [HOP_1, HOP_2, HOP_3], number * 0.1)
    while (due := layer.next_timeout()) is not None:
        layer.handle_timeout(due)
        heard += events(layer)
        sent(layer)
    assert sum(isinstance(event, TransactionTimedOut) for event in heard) == 50
    assert len(layer) == 0
    assert not layer._clients._transactions
