import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.control.errors import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, ControlError
from device.control.protocol import (
    BadLineReceived,
    CallReceived,
    ConnectionEvent,
    ErrorReceived,
    JsonRpcConnection,
    ResultReceived,
    read_line,
)


def events_of(*pieces: bytes, max_line_bytes: int = 65536) -> list[ConnectionEvent]:
    connection = JsonRpcConnection(max_line_bytes)
    found = []
    for piece in pieces:
        connection.receive_data(piece)
        while (event := connection.next_event()) is not None:
            found.append(event)
    return found


def joined(sender: JsonRpcConnection) -> list[ConnectionEvent]:
    return events_of(sender.data_to_send())


def test_a_call_arrives_as_it_was_sent() -> None:
    sender = JsonRpcConnection()
    number = sender.send_call("call.place", {"target": "sip:bücher@例え.jp"})
    assert joined(sender) == [CallReceived(number, "call.place", {"target": "sip:bücher@例え.jp"})]


def test_every_call_has_a_number_of_its_own() -> None:
    sender = JsonRpcConnection()
    assert sender.send_call("status", {}) != sender.send_call("status", {})


def test_a_notification_wants_no_answer() -> None:
    sender = JsonRpcConnection()
    sender.send_notification("event.phone", {"state": "IDLE"})
    assert joined(sender) == [CallReceived(None, "event.phone", {"state": "IDLE"})]


def test_results_and_errors_carry_the_number_of_the_call() -> None:
    sender = JsonRpcConnection()
    sender.send_result("a", {"ok": True})
    sender.send_error(7, ControlError(-32000, "no", {"faults": ["this", "that"]}))
    result, error = joined(sender)
    assert result == ResultReceived("a", {"ok": True})
    assert isinstance(error, ErrorReceived)
    assert (error.id, error.error.code, error.error.message) == (7, -32000, "no")
    assert error.error.data == {"faults": ["this", "that"]}


def test_every_message_is_one_line_of_json_rpc_2() -> None:
    sender = JsonRpcConnection()
    sender.send_call("log.tail", {"lines": 5})
    sender.send_result(1, "two\nlines\r\n\u2028")
    lines = sender.data_to_send().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["jsonrpc"] for line in lines] == ["2.0", "2.0"]


def test_what_was_taken_is_not_sent_twice() -> None:
    sender = JsonRpcConnection()
    sender.send_call("status", {})
    assert sender.data_to_send()
    assert sender.data_to_send() == b""


def test_half_a_character_in_a_text_does_no_harm() -> None:
    sender = JsonRpcConnection()
    sender.send_result(1, "caf\udce9")
    assert joined(sender) == [ResultReceived(1, "caf?")]


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_what_json_cannot_say_is_our_own_fault(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        JsonRpcConnection().send_result(1, value)


def test_an_answer_may_be_limited() -> None:
    sender = JsonRpcConnection()
    with pytest.raises(OverflowError, match="longer than 100"):
        sender.send_result(1, "x" * 100, max_bytes=100)
    assert sender.data_to_send() == b""


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (b"hello", PARSE_ERROR, "not JSON"),
        (b'{"jsonrpc":"2.0","id":1,"method":"status"', PARSE_ERROR, "not JSON"),
        (b'{"jsonrpc":"2.0","id":1,"method":"caf\xe9"}', PARSE_ERROR, "UTF-8"),
        (b"[" * 60_000, PARSE_ERROR, "not JSON"),
        (b'{"a":' * 10_000, PARSE_ERROR, "not JSON"),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":NaN}}', PARSE_ERROR, "NaN"),
        (b"1" * 10_000, PARSE_ERROR, "not JSON"),
        (b'[{"jsonrpc":"2.0","id":1,"method":"status"}]', INVALID_REQUEST, "batches are not supported"),
        (b"[]", INVALID_REQUEST, "batches are not supported"),
        (b"42", INVALID_REQUEST, "not a JSON-RPC 2.0 object"),
        (b'{"id":1,"method":"status"}', INVALID_REQUEST, "not a JSON-RPC 2.0 object"),
        (b'{"jsonrpc":"1.0","id":1,"method":"status"}', INVALID_REQUEST, "not a JSON-RPC 2.0 object"),
        (b'{"jsonrpc":"2.0","id":true,"method":"status"}', INVALID_REQUEST, '"id" must be'),
        (b'{"jsonrpc":"2.0","id":[1],"method":"status"}', INVALID_REQUEST, '"id" must be'),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"status"}', INVALID_REQUEST, '"id" must be'),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', INVALID_REQUEST, '"method" must be'),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}', INVALID_PARAMS, "name each parameter"),
        (b'{"jsonrpc":"2.0","id":1,"method":"x","params":null}', INVALID_PARAMS, "name each parameter"),
        (b'{"jsonrpc":"2.0","id":1}', INVALID_REQUEST, "neither"),
        (b'{"jsonrpc":"2.0","result":1}', INVALID_REQUEST, "neither"),
        (b'{"jsonrpc":"2.0","id":1,"error":"no"}', INVALID_REQUEST, "neither"),
    ],
)
def test_what_is_no_message_is_refused_with_its_code(line: bytes, code: int, words: str) -> None:
    event = read_line(line)
    assert isinstance(event, BadLineReceived)
    assert event.error.code == code
    assert words in event.error.message


def test_a_refusal_names_the_call_where_it_can_be_read() -> None:
    event = read_line(b'{"jsonrpc":"2.0","id":"a","method":5}')
    assert isinstance(event, BadLineReceived)
    assert event.id == "a"


def test_an_error_without_code_or_reason_is_still_an_error() -> None:
    event = read_line(b'{"jsonrpc":"2.0","id":null,"error":{"code":"x"}}')
    assert isinstance(event, ErrorReceived)
    assert (event.id, event.error.code, event.error.message) == (None, INVALID_REQUEST, "no reason given")


CALL = b'{"jsonrpc":"2.0","id":1,"method":"status"}'


def test_empty_lines_and_carriage_returns_do_no_harm() -> None:
    assert events_of(b"\n\r\n" + CALL + b"\r\n  \n") == [CallReceived(1, "status", {})]


def test_a_line_of_exactly_the_limit_is_read_and_one_more_byte_is_not() -> None:
    assert events_of(CALL + b"\n", max_line_bytes=len(CALL)) == [CallReceived(1, "status", {})]
    (event,) = events_of(CALL + b" \n", max_line_bytes=len(CALL))
    assert isinstance(event, BadLineReceived)
    assert "longer than" in event.error.message


def test_a_long_line_is_reported_once_skipped_to_its_end_and_never_kept() -> None:
    connection = JsonRpcConnection(100)
    for _ in range(50):
        connection.receive_data(b"x" * 99)
        assert len(connection._buffer) <= 100
    connection.receive_data(b"rest\n" + CALL + b"\n")
    first, second = connection.next_event(), connection.next_event()
    assert isinstance(first, BadLineReceived)
    assert second == CallReceived(1, "status", {})
    assert connection.next_event() is None


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_nothing_that_a_peer_sends_raises(pieces: list[bytes]) -> None:
    events_of(*pieces, b"\n", max_line_bytes=60)


@given(st.data())
def test_how_the_bytes_are_cut_changes_nothing(data: st.DataObject) -> None:
    stream = CALL + b"\nnonsense\n" + b"y" * 200 + b"\n" + CALL + b"\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    kinds = [type(event) for event in events_of(*pieces, max_line_bytes=100)]
    assert kinds == [CallReceived, BadLineReceived, BadLineReceived, CallReceived]


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=20)


@given(st.dictionaries(st.text(max_size=8), st.recursive(PLAIN, st.lists, max_leaves=4), max_size=4))
def test_params_arrive_as_they_were_sent(params: dict[str, object]) -> None:
    sender = JsonRpcConnection()
    sender.send_call("x", params)
    (event,) = joined(sender)
    assert isinstance(event, CallReceived)
    assert event.params == params
