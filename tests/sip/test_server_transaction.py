"""Every state, input and retransmission of the two server transactions, on both kinds of transport."""

import pytest

from device.sip.errors import SipStateError
from device.sip.hop import Hop, Transmission
from device.sip.server_transaction import InviteServerTransaction, NonInviteServerTransaction, ServerTransaction
from device.sip.timers import SipTimers
from device.sip.transaction import AckReceived, Input, Output, ServerKey, State, TransactionTimedOut, TransportFailed
from tests.support.sip_messages import first_line, request

UDP = Hop("UDP", "192.0.2.1", 5060)
TCP = Hop("TCP", "192.0.2.1", 5060, connection=3)
VIA = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b1;rport=5060;received=192.0.2.1"


def start(method: str, hop: Hop = UDP) -> ServerTransaction:
    kind = InviteServerTransaction if method == "INVITE" else NonInviteServerTransaction
    key = ServerKey("z9hG4bK-b1", "192.0.2.1:5060", method)
    transaction: ServerTransaction = kind(key, request(method, via=VIA), hop, SipTimers())
    assert transaction.start(0.0) == []
    return transaction


def respond(transaction: ServerTransaction, status: int, now: float = 0.0) -> list[Output]:
    response = request(transaction.key.method, via=VIA).response(status, to_tag="to-1")
    return transaction.send_response(response, now)


def acknowledge(transaction: ServerTransaction, now: float = 0.0) -> list[Output]:
    assert isinstance(transaction, InviteServerTransaction)
    return transaction.receive_ack(request("ACK", via=VIA), UDP, now)


def sent_at(transaction: ServerTransaction, until: float) -> list[float]:
    times = []
    while (at := transaction.next_timeout()) is not None and at <= until:
        times += [at for output in transaction.handle_timeout(at) if isinstance(output, Transmission)]
    return times


def shape(outputs: list[Output]) -> list[str]:
    """Outputs in short: the status of what is sent, the name of an event."""
    return [
        first_line(output.data).split()[1] if isinstance(output, Transmission) else type(output).__name__
        for output in outputs
    ]


END = "TransactionTerminated"
FIGURE_7 = {
    (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, ["180"]),
    (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, ["180"]),
    (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, ["200"]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, ["486"]),
    (State.PROCEEDING, Input.TIMER_TRYING): (State.PROCEEDING, ["100"]),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.PROCEEDING, ["TransportFailed"]),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, ["486"]),
    (State.COMPLETED, Input.ACK): (State.CONFIRMED, []),
    (State.COMPLETED, Input.TIMER_G): (State.COMPLETED, ["486"]),
    (State.COMPLETED, Input.TIMER_H): (State.TERMINATED, ["TransactionTimedOut", END]),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.COMPLETED, ["TransportFailed"]),
    (State.CONFIRMED, Input.TIMER_I): (State.TERMINATED, [END]),
    (State.ACCEPTED, Input.ACK): (State.ACCEPTED, ["AckReceived"]),
    (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, ["200"]),
    (State.ACCEPTED, Input.TRANSPORT_ERROR): (State.ACCEPTED, ["TransportFailed"]),
    (State.ACCEPTED, Input.TIMER_L): (State.TERMINATED, [END]),
}
FIGURE_8 = {
    (State.TRYING, Input.SUCCESS): (State.COMPLETED, ["200"]),
    (State.TRYING, Input.FAILURE): (State.COMPLETED, ["486"]),
    (State.TRYING, Input.TIMER_TRYING): (State.PROCEEDING, ["100"]),
    (State.TRYING, Input.TIMER_ANSWER): (State.TERMINATED, [END]),
    (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, ["100"]),
    (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, ["200"]),
    (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, ["486"]),
    (State.PROCEEDING, Input.TIMER_ANSWER): (State.TERMINATED, [END]),
    (State.PROCEEDING, Input.TRANSPORT_ERROR): (State.TERMINATED, ["TransportFailed", END]),
    (State.COMPLETED, Input.REQUEST): (State.COMPLETED, ["486"]),
    (State.COMPLETED, Input.TIMER_J): (State.TERMINATED, [END]),
    (State.COMPLETED, Input.TRANSPORT_ERROR): (State.TERMINATED, ["TransportFailed", END]),
}
STATES = {
    "INVITE": (State.PROCEEDING, State.COMPLETED, State.CONFIRMED, State.ACCEPTED, State.TERMINATED),
    "OPTIONS": (State.TRYING, State.PROCEEDING, State.COMPLETED, State.TERMINATED),
}
STATUS = {Input.PROVISIONAL: 180, Input.SUCCESS: 200, Input.FAILURE: 486}
OUTSIDE = {
    "INVITE": {Input.REQUEST, Input.ACK, Input.TRANSPORT_ERROR, *STATUS},
    "OPTIONS": {Input.REQUEST, Input.TRANSPORT_ERROR, *STATUS},
}
"""What may come at any time, so that every state must bear it; all other inputs are timers."""


def in_state(method: str, state: State) -> ServerTransaction:
    transaction = start(method)
    if method == "INVITE":
        respond(transaction, 200 if state is State.ACCEPTED else 180)
    elif state is State.PROCEEDING:
        transaction.handle_timeout(3.5)
    if state in (State.COMPLETED, State.CONFIRMED, State.TERMINATED):
        respond(transaction, 486)
    if state is State.CONFIRMED:
        acknowledge(transaction)
    elif state is State.TERMINATED:
        transaction.handle_timeout(100.0)
    assert transaction.state is state
    return transaction


def apply(transaction: ServerTransaction, what: Input) -> list[Output]:
    if what in STATUS:
        return respond(transaction, STATUS[what])
    if what is Input.REQUEST:
        return transaction.receive_request(0.0)
    if what is Input.TRANSPORT_ERROR:
        return transaction.receive_transport_error("no route to host", 0.0)
    if what is Input.ACK and isinstance(transaction, InviteServerTransaction):
        return acknowledge(transaction)
    return transaction._step(what, None, 0.0)


@pytest.mark.parametrize(("method", "figure"), [("INVITE", FIGURE_7), ("OPTIONS", FIGURE_8)])
def test_every_pair_of_the_table(method: str, figure: dict[tuple[State, Input], tuple[State, list[str]]]) -> None:
    for state in STATES[method]:
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
    for kind, figure in ((InviteServerTransaction, FIGURE_7), (NonInviteServerTransaction, FIGURE_8)):
        assert set(kind.TABLE) == set(figure)
        assert not set(kind.TABLE) & set(kind.IGNORED)


def test_an_invite_that_nobody_answers_is_answered_100_after_200_ms() -> None:
    transaction = start("INVITE")
    assert transaction.receive_request(0.1) == []
    assert transaction.next_timeout() == 0.2
    (trying,) = transaction.handle_timeout(0.2)
    assert isinstance(trying, Transmission)
    assert trying.data == (
        b"SIP/2.0 100 Trying\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-b1;rport=5060;received=192.0.2.1\r\n"
        b"From: <sip:alice@192.0.2.1>;tag=from-1\r\n"
        b"To: <sip:bob@192.0.2.2>\r\n"
        b"Call-ID: call-1\r\n"
        b"CSeq: 1 INVITE\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert transaction.receive_request(0.5) == [trying]
    assert transaction.next_timeout() is None


def test_an_invite_that_rings_in_time_needs_no_100() -> None:
    transaction = start("INVITE")
    assert shape(respond(transaction, 180, 0.1)) == ["180"]
    assert transaction.next_timeout() is None
    assert shape(respond(transaction, 183, 1.0)) == ["183"]
    assert shape(transaction.receive_request(1.1)) == ["183"]


def test_a_failure_over_udp_is_sent_until_timer_h() -> None:
    transaction = start("INVITE")
    assert shape(respond(transaction, 486, 10.0)) == ["486"]
    assert sent_at(transaction, 41.9) == [10.5, 11.5, 13.5, 17.5, 21.5, 25.5, 29.5, 33.5, 37.5, 41.5]
    outputs = transaction.handle_timeout(42.0)
    assert outputs[0] == TransactionTimedOut(transaction.key)
    assert shape(outputs[1:]) == [END]


def test_a_failure_over_a_stream_is_sent_once_and_still_waits_for_its_ack() -> None:
    transaction = start("INVITE", TCP)
    assert respond(transaction, 486, 10.0)[0].hop == TCP  # type: ignore[union-attr]
    assert sent_at(transaction, 41.9) == []
    assert shape(transaction.handle_timeout(42.0)) == ["TransactionTimedOut", END]


@pytest.mark.parametrize(("hop", "timer_i"), [(UDP, 5.0), (TCP, 0.0)])
def test_the_ack_ends_the_failure_and_its_repeats_are_absorbed_until_timer_i(hop: Hop, timer_i: float) -> None:
    transaction = start("INVITE", hop)
    respond(transaction, 486, 10.0)
    assert acknowledge(transaction, 11.0) == []
    assert transaction.next_timeout() == 11.0 + timer_i
    assert acknowledge(transaction, 11.0) == []
    assert transaction.receive_request(11.0) == []
    assert shape(transaction.handle_timeout(11.0 + timer_i)) == [END]


@pytest.mark.parametrize("hop", [UDP, TCP])
def test_after_a_2xx_the_tu_repeats_it_and_gets_the_acks_until_timer_l(hop: Hop) -> None:
    transaction = start("INVITE", hop)
    assert shape(respond(transaction, 200, 1.0)) == ["200"]
    assert transaction.receive_request(1.1) == []
    assert shape(respond(transaction, 200, 1.5)) == ["200"]
    (ack,) = acknowledge(transaction, 2.0)
    assert isinstance(ack, AckReceived)
    assert ack.source == UDP
    assert transaction.next_timeout() == 33.0
    assert shape(transaction.handle_timeout(33.0)) == [END]


def test_a_second_final_answer_is_dropped() -> None:
    transaction = start("INVITE")
    respond(transaction, 486)
    assert respond(transaction, 200) == []
    assert shape(transaction.receive_request(0.1)) == ["486"]


@pytest.mark.parametrize(("hop", "timer_j"), [(UDP, 32.0), (TCP, 0.0)])
def test_the_answer_to_a_request_is_repeated_until_timer_j(hop: Hop, timer_j: float) -> None:
    transaction = start("OPTIONS", hop)
    first = respond(transaction, 200, 1.0)
    assert transaction.receive_request(1.0) == first
    assert transaction.next_timeout() == 1.0 + timer_j
    assert shape(transaction.handle_timeout(1.0 + timer_j)) == [END]


def test_a_request_gets_100_only_when_its_client_has_slowed_down_to_t2() -> None:
    transaction = start("OPTIONS")
    assert transaction.receive_request(0.5) == []
    assert respond(transaction, 100, 0.6) == []
    assert respond(transaction, 183, 0.7) == []
    assert transaction.next_timeout() == 3.5
    assert shape(transaction.handle_timeout(3.5)) == ["100"]
    assert shape(transaction.receive_request(7.5)) == ["100"]
    assert respond(transaction, 183, 8.0) == []
    assert shape(respond(transaction, 200, 9.0)) == ["200"]


def test_a_request_on_a_stream_gets_no_100() -> None:
    transaction = start("OPTIONS", TCP)
    assert transaction.next_timeout() == 32.0


def test_a_request_is_never_answered_408_nor_after_its_client_gave_up() -> None:
    transaction = start("OPTIONS")
    assert respond(transaction, 408, 1.0) == []
    assert transaction.state is State.TRYING
    assert shape(transaction.handle_timeout(3.5)) == ["100"]
    assert shape(transaction.handle_timeout(32.0)) == [END]
    assert respond(transaction, 200, 32.0) == []


def test_an_invite_may_be_answered_408() -> None:
    assert shape(respond(start("INVITE"), 408)) == ["408"]


def test_a_transport_error_is_told_and_the_invite_goes_on() -> None:
    transaction = start("INVITE")
    respond(transaction, 200)
    assert transaction.receive_transport_error("no route", 1.0) == [TransportFailed(transaction.key, "no route")]
    assert shape(respond(transaction, 200, 2.0)) == ["200"]


def test_what_may_give_way_in_a_full_table() -> None:
    waiting = {(method, state) for method in STATES for state in STATES[method] if in_state(method, state).may_give_way}
    assert waiting == {("INVITE", State.CONFIRMED), ("INVITE", State.ACCEPTED), ("OPTIONS", State.COMPLETED)}
