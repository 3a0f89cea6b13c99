"""Every state, input and retransmission of the two client transactions, on both kinds of transport."""

import pytest

from device.sip.client_transaction import (
    ClientTransaction,
    InviteClientTransaction,
    NonInviteClientTransaction,
    build_ack,
    build_cancel,
)
from device.sip.errors import SipStateError
from device.sip.hop import Hop, Transmission
from device.sip.timers import SipTimers
from device.sip.transaction import (
    ClientKey,
    Input,
    Output,
    ResponseReceived,
    State,
    StrayResponse,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from tests.support.sip_messages import answer, first_line, request, whole_request

UDP = Hop("UDP", "192.0.2.2", 5060)
TCP = Hop("TCP", "192.0.2.2", 5060)
VIA = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b1;rport"


def start(method: str, hop: Hop = UDP) -> tuple[ClientTransaction, list[Output]]:
    asked = request(method, via=VIA)
    kind = InviteClientTransaction if method == "INVITE" else NonInviteClientTransaction
    transaction: ClientTransaction = kind(ClientKey("z9hG4bK-b1", method), asked, asked.encode(), hop, SipTimers())
    return transaction, transaction.start(0.0)


def receive(transaction: ClientTransaction, status: int, now: float = 0.0) -> list[Output]:
    return transaction.receive_response(answer(transaction.request.encode(), status), UDP, now)


def sent_at(transaction: ClientTransaction, until: float) -> list[float]:
    """The times of everything sent between now and `until`, the timers being served exactly when they want it."""
    times = []
    while (at := transaction.next_timeout()) is not None and at <= until:
        times += [at for output in transaction.handle_timeout(at) if isinstance(output, Transmission)]
    return times


def shape(outputs: list[Output]) -> list[str]:
    """Outputs in short: the method of what is sent, the name of an event."""
    return [
        first_line(output.data).split()[0] if isinstance(output, Transmission) else type(output).__name__
        for output in outputs
    ]


PASS, END = "ResponseReceived", "TransactionTerminated"
FIGURE_5 = {
    (State.CALLING, Input.PROVISIONAL): (State.PROCEEDING, [PASS]),
    (State.CALLING, Input.SUCCESS): (State.ACCEPTED, [PASS]),
    (State.CALLING, Input.FAILURE): (State.COMPLETED, ["ACK", PASS]),
    (State.CALLING, Input.TIMER_A): (State.CALLING, ["INVITE"]),
    (State.CALLING, Input.TIMER_B): (State.TERMINATED, ["TransactionTimedOut", END]),
    (State.CALLING, Input.TRANSPORT_ERROR): (State.TERMINATED, ["TransportFailed", END]),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, [PASS]),
    (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, [PASS]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, ["ACK", PASS]),
    (State.PROCEEDING, Input.CANCELLED): (State.PROCEEDING, []),
    (State.PROCEEDING, Input.TIMER_CANCEL): (State.TERMINATED, ["TransactionTimedOut", END]),
    (State.COMPLETED, Input.SUCCESS): (State.COMPLETED, ["StrayResponse"]),
    (State.COMPLETED, Input.FAILURE): (State.COMPLETED, ["ACK"]),
    (State.COMPLETED, Input.TIMER_D): (State.TERMINATED, [END]),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.TERMINATED, ["TransportFailed", END]),
    (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, [PASS]),
    (State.ACCEPTED, Input.TIMER_M): (State.TERMINATED, [END]),
}
FIGURE_6 = {
    (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, [PASS]),
    (State.TRYING, Input.SUCCESS): (State.COMPLETED, [PASS]),
    (State.TRYING, Input.FAILURE): (State.COMPLETED, [PASS]),
    (State.TRYING, Input.TIMER_E): (State.TRYING, ["OPTIONS"]),
    (State.TRYING, Input.TIMER_F): (State.TERMINATED, ["TransactionTimedOut", END]),
    (State.TRYING, Input.TRANSPORT_ERROR): (State.TERMINATED, ["TransportFailed", END]),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, [PASS]),
    (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, [PASS]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, [PASS]),
    (State.PROCEEDING, Input.TIMER_E): (State.PROCEEDING, ["OPTIONS"]),
    (State.PROCEEDING, Input.TIMER_F): (State.TERMINATED, ["TransactionTimedOut", END]),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.TERMINATED, ["TransportFailed", END]),
    (State.COMPLETED, Input.TIMER_K): (State.TERMINATED, [END]),
}
ROADS = {
    "INVITE": {
        State.CALLING: [],
        State.PROCEEDING: [180],
        State.COMPLETED: [486],
        State.ACCEPTED: [200],
        State.TERMINATED: [486],
    },
    "OPTIONS": {State.TRYING: [], State.PROCEEDING: [100], State.COMPLETED: [200], State.TERMINATED: [200]},
}
STATUS = {Input.PROVISIONAL: 180, Input.SUCCESS: 200, Input.FAILURE: 486}
OUTSIDE = {"INVITE": {Input.TRANSPORT_ERROR, Input.CANCELLED, *STATUS}, "OPTIONS": {Input.TRANSPORT_ERROR, *STATUS}}
"""What may come at any time, so that every state must bear it; all other inputs are timers."""


def in_state(method: str, state: State) -> ClientTransaction:
    transaction, _ = start(method)
    for status in ROADS[method][state]:
        receive(transaction, status)
    if state is State.TERMINATED:
        transaction.handle_timeout(100.0)
    assert transaction.state is state
    return transaction


def apply(transaction: ClientTransaction, what: Input) -> list[Output]:
    if what in STATUS:
        return receive(transaction, STATUS[what])
    if what is Input.TRANSPORT_ERROR:
        return transaction.receive_transport_error("port unreachable", 0.0)
    return transaction._step(what, None, 0.0)


@pytest.mark.parametrize(("method", "figure"), [("INVITE", FIGURE_5), ("OPTIONS", FIGURE_6)])
def test_every_pair_of_the_table(method: str, figure: dict[tuple[State, Input], tuple[State, list[str]]]) -> None:
    for state in ROADS[method]:
        for what in Input:
            transaction = in_state(method, state)
            if (state, what) in figure:
                assert (shape(apply(transaction, what)), transaction.state) == figure[state, what][::-1], (state, what)
            elif what in OUTSIDE[method]:
                assert (apply(transaction, what), transaction.state) == ([], state), (state, what)
            else:
                with pytest.raises(SipStateError, match="cannot happen"):
                    apply(transaction, what)


def test_the_tables_hold_nothing_else() -> None:
    for kind, figure in ((InviteClientTransaction, FIGURE_5), (NonInviteClientTransaction, FIGURE_6)):
        assert set(kind.TABLE) == set(figure)
        assert not set(kind.TABLE) & set(kind.IGNORED)


def test_invite_over_udp_is_sent_at_doubling_intervals_for_32_seconds() -> None:
    transaction, outputs = start("INVITE")
    assert shape(outputs) == ["INVITE"]
    assert sent_at(transaction, 31.9) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert transaction.next_timeout() == 32.0
    assert transaction.handle_timeout(32.0) == [
        TransactionTimedOut(transaction.key),
        TransactionTerminated(transaction.key),
    ]
    assert transaction.next_timeout() is None


def test_request_over_udp_is_sent_at_intervals_up_to_t2_for_32_seconds() -> None:
    transaction, outputs = start("OPTIONS")
    assert shape(outputs) == ["OPTIONS"]
    assert sent_at(transaction, 31.9) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert shape(transaction.handle_timeout(32.0)) == ["TransactionTimedOut", END]


def test_every_retransmission_is_the_same_bytes_to_the_same_hop() -> None:
    transaction, (first,) = start("INVITE")
    assert transaction.handle_timeout(0.5) == [first]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_stream_is_written_to_once(method: str) -> None:
    transaction, outputs = start(method, TCP)
    assert shape(outputs) == [method]
    assert sent_at(transaction, 31.9) == []
    assert shape(transaction.handle_timeout(32.0)) == ["TransactionTimedOut", END]


def test_a_provisional_response_stops_the_invite_for_as_long_as_it_rings() -> None:
    transaction, _ = start("INVITE")
    receive(transaction, 180, 0.3)
    assert transaction.next_timeout() is None


def test_after_a_provisional_response_a_request_is_sent_each_t2() -> None:
    transaction, _ = start("OPTIONS")
    receive(transaction, 100, 0.7)
    # Timer E, already set for 0.5 s, is served late here; from then on it runs at T2.
    assert sent_at(transaction, 31.9) == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert shape(transaction.handle_timeout(32.0)) == ["TransactionTimedOut", END]


@pytest.mark.parametrize(("hop", "timer_d"), [(UDP, 32.0), (TCP, 0.0)])
def test_each_repeated_failure_is_acknowledged_until_timer_d(hop: Hop, timer_d: float) -> None:
    transaction, _ = start("INVITE", hop)
    first = receive(transaction, 486, 1.0)
    assert shape(first) == ["ACK", PASS]
    assert receive(transaction, 486, 1.0) == first[:1]
    assert transaction.next_timeout() == 1.0 + timer_d
    assert transaction.handle_timeout(1.0 + timer_d) == [TransactionTerminated(transaction.key)]


@pytest.mark.parametrize(("hop", "timer_k"), [(UDP, 5.0), (TCP, 0.0)])
def test_repeated_responses_to_a_request_are_absorbed_until_timer_k(hop: Hop, timer_k: float) -> None:
    transaction, _ = start("OPTIONS", hop)
    assert shape(receive(transaction, 200, 1.0)) == [PASS]
    assert receive(transaction, 200, 1.0) == []
    assert transaction.next_timeout() == 1.0 + timer_k
    assert shape(transaction.handle_timeout(1.0 + timer_k)) == [END]


@pytest.mark.parametrize("hop", [UDP, TCP])
def test_every_2xx_to_an_invite_goes_up_until_timer_m(hop: Hop) -> None:
    transaction, _ = start("INVITE", hop)
    assert shape(receive(transaction, 200, 1.0)) == [PASS]
    assert shape(receive(transaction, 200, 20.0)) == [PASS]
    assert transaction.next_timeout() == 33.0
    assert shape(transaction.handle_timeout(33.0)) == [END]


def test_a_2xx_of_a_fork_after_a_failure_goes_up_as_a_stray() -> None:
    transaction, _ = start("INVITE")
    receive(transaction, 486)
    (stray,) = receive(transaction, 200)
    assert isinstance(stray, StrayResponse)
    assert (stray.response.status, stray.source) == (200, UDP)


def test_a_cancelled_invite_ends_after_32_seconds_without_final_response() -> None:
    transaction, _ = start("INVITE")
    assert isinstance(transaction, InviteClientTransaction)
    receive(transaction, 180, 1.0)
    assert transaction.cancelled(5.0) == []
    assert transaction.next_timeout() == 37.0
    assert shape(transaction.handle_timeout(37.0)) == ["TransactionTimedOut", END]


def test_a_cancelled_invite_that_is_answered_all_the_same_is_accepted() -> None:
    transaction, _ = start("INVITE")
    assert isinstance(transaction, InviteClientTransaction)
    receive(transaction, 180, 1.0)
    transaction.cancelled(5.0)
    (event,) = receive(transaction, 200, 5.1)
    assert isinstance(event, ResponseReceived)
    assert transaction.next_timeout() == 5.1 + 32.0


def test_a_transport_error_is_told_with_its_reason() -> None:
    transaction, _ = start("OPTIONS")
    assert transaction.receive_transport_error("port unreachable", 0.0) == [
        TransportFailed(transaction.key, "port unreachable"),
        TransactionTerminated(transaction.key),
    ]


def test_timers_served_late_send_once_and_give_up_once() -> None:
    transaction, _ = start("OPTIONS")
    assert shape(transaction.handle_timeout(10.0)) == ["OPTIONS"]
    assert shape(transaction.handle_timeout(50.0)) == ["OPTIONS", "TransactionTimedOut", END]
    assert transaction.handle_timeout(60.0) == []


def test_a_timer_that_falls_due_together_with_the_end_means_nothing_any_more() -> None:
    transaction, _ = start("INVITE")
    sent_at(transaction, 31.9)
    assert shape(transaction.handle_timeout(100.0)) == ["TransactionTimedOut", END]


SENT_INVITE = """
INVITE sip:bob@192.0.2.2;x=1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b1;rport
Max-Forwards: 17
Route: <sip:p1.example;lr>
Route: <sip:p2.example;lr>
From: "Alice" <sip:alice@192.0.2.1>;tag=from-1
To: <sip:bob@192.0.2.2>
Call-ID: call-1
CSeq: 7 INVITE
Authorization: Digest username="alice"
Require: 100rel
Contact: <sip:alice@192.0.2.1>
Content-Type: application/sdp

v=0
"""


def test_the_ack_for_a_failure_is_that_of_17_1_1_3() -> None:
    invite = whole_request(SENT_INVITE)
    ack = build_ack(invite, answer(invite.encode(), 486))
    assert ack.encode() == (
        b"ACK sip:bob@192.0.2.2;x=1 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b1;rport\r\n"
        b"Max-Forwards: 70\r\n"
        b"Route: <sip:p1.example;lr>\r\n"
        b"Route: <sip:p2.example;lr>\r\n"
        b'From: "Alice" <sip:alice@192.0.2.1>;tag=from-1\r\n'
        b"To: <sip:bob@192.0.2.2>;tag=to-1\r\n"
        b"Call-ID: call-1\r\n"
        b"CSeq: 7 ACK\r\n"
        b'Authorization: Digest username="alice"\r\n'
        b"Content-Length: 0\r\n\r\n"
    )


def test_the_cancel_is_that_of_9_1() -> None:
    invite = whole_request(SENT_INVITE)
    assert build_cancel(invite).encode() == (
        b"CANCEL sip:bob@192.0.2.2;x=1 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b1;rport\r\n"
        b"Max-Forwards: 70\r\n"
        b"Route: <sip:p1.example;lr>\r\n"
        b"Route: <sip:p2.example;lr>\r\n"
        b'From: "Alice" <sip:alice@192.0.2.1>;tag=from-1\r\n'
        b"To: <sip:bob@192.0.2.2>\r\n"
        b"Call-ID: call-1\r\n"
        b"CSeq: 7 CANCEL\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
