"""JSON-RPC 2.0 with one object a line, without IO: bytes in, events out, and the other way round."""

from collections import deque
from collections.abc import Mapping

from device import plain_json
from device.control.errors import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, ControlError
from device.records import dataclass, field

MAX_LINE_BYTES = 65536
"""Longest line that the daemon accepts, its newline not counted."""

CallNumber = int | str


@dataclass(frozen=True, slots=True)
class CallReceived:
    """The peer wants `method`; a notification has `id` None and gets no answer."""

    id: CallNumber | None
    method: str
    params: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResultReceived:
    """The answer to our call `id`."""

    id: CallNumber
    result: object


@dataclass(frozen=True, slots=True)
class ErrorReceived:
    """The refusal of our call `id`, or with None of something the peer could not read."""

    id: CallNumber | None
    error: ControlError


@dataclass(frozen=True, slots=True)
class BadLineReceived:
    """Something that is no call and no answer; `error` is what to tell the peer, under `id` if it could be read."""

    id: CallNumber | None
    error: ControlError


ConnectionEvent = CallReceived | ResultReceived | ErrorReceived | BadLineReceived


class JsonRpcConnection:
    """One side of a connection; both sides use it. Nothing that a peer sends raises."""

    __slots__ = ("_buffer", "_events", "_last_id", "_max_line_bytes", "_outgoing", "_skipping")

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._buffer = bytearray()
        self._skipping = False
        self._events: deque[ConnectionEvent] = deque()
        self._outgoing = bytearray()
        self._last_id = 0

    def receive_data(self, data: bytes) -> None:
        """Take bytes as they come; whole lines become events."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if self._skipping:
                self._skipping = False
            elif len(line) > self._max_line_bytes:
                self._report_long_line()
            elif line.strip():
                self._events.append(read_line(line))
        if len(self._buffer) > self._max_line_bytes:
            if not self._skipping:
                self._report_long_line()
            self._skipping = True
            self._buffer.clear()

    def _report_long_line(self) -> None:
        text = f"line longer than {self._max_line_bytes} bytes: send less at once, one object a line"
        self._events.append(BadLineReceived(None, ControlError(INVALID_REQUEST, text)))

    def next_event(self) -> ConnectionEvent | None:
        """The next thing that the peer said, or None."""
        return self._events.popleft() if self._events else None

    def send_call(self, method: str, params: Mapping[str, object]) -> CallNumber:
        """Ask for `method`; return the id under which the answer will come."""
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": dict(params)})
        return self._last_id

    def send_notification(self, method: str, params: Mapping[str, object]) -> None:
        """Tell something that wants no answer."""
        self._send({"jsonrpc": "2.0", "method": method, "params": dict(params)})

    def send_result(self, call_id: CallNumber, result: object, max_bytes: int | None = None) -> None:
        """Answer a call. Raises ValueError or TypeError for what JSON cannot say, OverflowError over `max_bytes`."""
        self._send({"jsonrpc": "2.0", "id": call_id, "result": result}, max_bytes)

    def send_error(self, call_id: CallNumber | None, error: ControlError) -> None:
        """Refuse a call. Raises ValueError or TypeError when `error.data` cannot be said in JSON."""
        self._send(error_object(call_id, error))

    def data_to_send(self) -> bytes:
        """Take everything that waits to be sent."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def _send(self, value: Mapping[str, object], max_bytes: int | None = None) -> None:
        line = encode_line(value)
        if max_bytes is not None and len(line) > max_bytes:
            raise OverflowError(f"an answer of {len(line)} bytes is longer than {max_bytes}")
        self._outgoing += line


def encode_line(value: Mapping[str, object]) -> bytes:
    """One JSON object and its newline. Raises ValueError or TypeError for what JSON cannot say."""
    return plain_json.dumps(value).encode("utf-8", "replace") + b"\n"


def encode_notification(method: str, params: Mapping[str, object]) -> bytes:
    """One notification as a line."""
    return encode_line({"jsonrpc": "2.0", "method": method, "params": dict(params)})


def error_object(call_id: CallNumber | None, error: ControlError) -> dict[str, object]:
    """The refusal of a call as JSON-RPC 2.0 section 5.1 has it."""
    told: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return {"jsonrpc": "2.0", "id": call_id, "error": told}


def read_line(line: bytes) -> ConnectionEvent:
    """Understand one line; what cannot be understood becomes BadLineReceived."""
    try:
        value = plain_json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        text = "not JSON in UTF-8" if isinstance(error, (UnicodeDecodeError, RecursionError)) else f"not JSON: {error}"
        return BadLineReceived(None, ControlError(PARSE_ERROR, f"{text}; send one JSON object a line"))
    if isinstance(value, list):
        return BadLineReceived(None, ControlError(INVALID_REQUEST, "batches are not supported: send one object a line"))
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        text = 'not a JSON-RPC 2.0 object: it needs "jsonrpc": "2.0", "id", "method" and "params"'
        return BadLineReceived(None, ControlError(INVALID_REQUEST, text))
    return _read_call(value) if "method" in value else _read_answer(value)


def _read_id(value: dict[str, object]) -> CallNumber | None:
    number = value.get("id")
    return number if isinstance(number, (int, str)) and not isinstance(number, bool) else None


def _read_call(value: dict[str, object]) -> ConnectionEvent:
    number = _read_id(value)
    if number is None and value.get("id") is not None:
        return BadLineReceived(None, ControlError(INVALID_REQUEST, '"id" must be a string or a whole number'))
    method, params = value["method"], value.get("params", {})
    if not isinstance(method, str):
        return BadLineReceived(number, ControlError(INVALID_REQUEST, '"method" must be a string'))
    if not isinstance(params, dict):
        text = '"params" must be an object: name each parameter'
        return BadLineReceived(number, ControlError(INVALID_PARAMS, text))
    return CallReceived(number, method, params)


def _read_answer(value: dict[str, object]) -> ConnectionEvent:
    number, error = _read_id(value), value.get("error")
    if isinstance(error, dict):
        code, message = error.get("code"), error.get("message")
        code = code if isinstance(code, int) else INVALID_REQUEST
        text = message if isinstance(message, str) else "no reason given"
        return ErrorReceived(number, ControlError(code, text, error.get("data")))
    if number is not None and "result" in value:
        return ResultReceived(number, value["result"])
    return BadLineReceived(number, ControlError(INVALID_REQUEST, 'neither "method" nor "result" nor "error"'))
