"""Bytes to messages: datagrams, keep-alives and the framing of streams (RFC 3261 sections 7, 18.3, 25)."""

import re
from enum import Enum

from device.sip.errors import SipParseError
from device.sip.header_names import IDENTITY, KNOWN_NAMES, METHODS, SINGLE, canonical_name, is_token
from device.sip.headers import Headers, NameAddr, parse_int_header, split_commas, unfold
from device.sip.message import Message, Request, Response

MAX_HEADER_BYTES = 65536
"""Start line and header fields together."""

MAX_HEADER_LINES = 512

_VALUE_A_LINE = ("Via", "Route", "Record-Route")
"""Lists that are put one value a line, so that a proxy can take the first away."""

_CONTACT_READ = frozenset(("INVITE", "REGISTER", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE"))
"""Requests that make or move a dialog or bind an address."""

_LWS = " \t"
_CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:([^\r]*(?:\r\n[ \t][^\r]*)*)", re.IGNORECASE)
_VERSION = re.compile(r"SIP/\d+\.\d+", re.IGNORECASE)


def parse_message(data: bytes) -> Message:
    """Read one datagram, or one message that StreamFramer cut out.

    Bytes after Content-Length are dropped; without one the body ends with the datagram (section 18.3).
    Raises SipParseError, and nothing else, for whatever is no SIP message; see there for `status` and `partial`.
    Header fields other than Content-Length are not looked into: call `validate` next.
    """
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        head, body = _without_blank_line(data)
    if len(head) > MAX_HEADER_BYTES:
        raise SipParseError(f"a header of {len(head)} bytes", status=None)
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    flat = "".join(lines)
    if "\n" in flat or "\r" in flat:
        raise SipParseError("a CR or LF that ends no line", status=None)
    start_line = lines[0]
    headers = _read_headers(lines)
    if start_line[:4].upper() == "SIP/":
        return _read_response(start_line, headers, body)
    return _read_request(start_line, headers, body)


def _without_blank_line(data: bytes) -> tuple[bytes, bytes]:
    """Head and body where lines end in LF alone, or where only the empty line after the header is missing."""
    if b"\r\n" not in data:
        head, _, body = data.partition(b"\n\n")
        return head.rstrip(b"\n").replace(b"\n", b"\r\n"), body
    if not data.endswith(b"\r\n"):
        raise SipParseError("the message ends within its header", status=None)
    return data[:-2], b""


def _read_headers(lines: list[str]) -> Headers:
    """The header fields of all lines but the first, which is the start line."""
    if len(lines) > MAX_HEADER_LINES:
        raise SipParseError(f"{len(lines)} header lines", status=None)
    items: list[tuple[str, str]] = []
    append = items.append
    known = KNOWN_NAMES.get
    del lines[0]
    for line in lines:
        name, _, value = line.partition(":")
        key = known(name)
        if key is not None:
            append((key, value.strip(_LWS)))
        elif line[:1] in (" ", "\t"):
            return _read_headers(unfold("\r\n".join(["", *lines])).split("\r\n"))
        else:
            _read_new_name(line, items)
    headers = Headers.of_canonical(items)
    index = headers.index
    several = len(index) != len(items)
    for name in _VALUE_A_LINE:
        if name in index and ("," in index[name] or (several and "," in "".join(headers.get_all(name)))):
            return Headers.of_canonical(_one_value_a_line(items))
    return headers


def _read_new_name(line: str, items: list[tuple[str, str]]) -> None:
    """A header field with a name not seen before.

    What is no header field is passed over, as section 8.2.2 asks; what is needed is missed by `validate`.
    """
    name, colon, value = line.partition(":")
    name = name.rstrip(_LWS)
    if colon and is_token(name):
        items.append((canonical_name(name), value.strip(_LWS)))


def _one_value_a_line(items: list[tuple[str, str]]) -> list[tuple[str, str]]:
    result: list[tuple[str, str]] = []
    for name, value in items:
        if name in _VALUE_A_LINE and "," in value:
            try:
                result += [(name, piece) for piece in split_commas(value)]
                continue
            except SipParseError:
                pass  # It stays as it is, for `validate` to find fault with.
        result.append((name, value))
    if len(result) > MAX_HEADER_LINES:
        raise SipParseError(f"{len(result)} header fields", status=None)
    return result


def _read_response(start_line: str, headers: Headers, body: bytes) -> Response:
    version, _, rest = start_line.partition(" ")
    code, _, reason = rest.partition(" ")
    if version.upper() != "SIP/2.0":
        raise SipParseError(f"a response of version {version[:20]!a}", status=None)
    if len(code) != 3 or not (code.isascii() and code.isdigit()) or not "100" <= code <= "699":
        raise SipParseError(f"not a status code: {code[:20]!a}", status=None)
    response = Response(int(code), reason, headers, body)
    try:
        response.body = _cut_body(headers, body)
    except SipParseError as error:
        raise SipParseError(str(error), status=None) from None
    return response


def _read_request(start_line: str, headers: Headers, body: bytes) -> Request:
    method, _, rest = start_line.partition(" ")
    uri_text, _, version = rest.rpartition(" ")
    if not is_token(method) or (version != "SIP/2.0" and _VERSION.search(start_line) is None):
        raise SipParseError(f"not a SIP message: {start_line[:60]!a}", status=None)
    request = Request(method, uri_text, headers, body)
    try:
        if version != "SIP/2.0":
            _check_version(version)
        if not uri_text or " " in uri_text:
            raise SipParseError(f"white space in the request line: {start_line[:60]!a}")
        if request.uri.headers:
            raise SipParseError(f"header fields in the Request-URI: {uri_text[:60]!a}")
        if headers.index.get("Content-Length") != str(len(body)):
            request.body = _cut_body(headers, body)
    except SipParseError as error:
        raise _refusal(error, request) from None
    return request


def _check_version(version: str) -> None:
    if _VERSION.fullmatch(version) is None:
        raise SipParseError("the request line does not end in SIP/2.0")
    if version.upper() != "SIP/2.0":
        raise SipParseError(f"SIP version {version[4:20]} is not supported", status=505)


def _refusal(error: SipParseError, request: Request) -> SipParseError:
    """The error with the request that it is about; an ACK is never answered."""
    return SipParseError(str(error), None if request.method == "ACK" else error.status, request)


def _cut_body(headers: Headers, body: bytes) -> bytes:
    index = headers.index
    text = index.get("Content-Length")
    if text is None:
        return body
    if len(index) != len(headers) and set(headers.get_all("Content-Length")) != {text}:
        raise SipParseError("several Content-Length header fields that differ")
    length = parse_int_header(text)
    if length > len(body):
        raise SipParseError(f"Content-Length is {length}, but the body has {len(body)} bytes")
    return body if length == len(body) else body[:length]


def validate(message: Message) -> None:
    """Check what every element relies on; afterwards the typed properties checked here do not raise.

    Via (the top one), From, To, Call-ID and CSeq are there and well formed, the CSeq names the request's method,
    header fields that stand once do not contradict each other, and Max-Forwards, Route and Content-Type, in what may
    make a dialog also Contact and Record-Route, are well formed where present. Raises SipParseError as `parse_message`
    does. docs/parsing.md tells what is let through on purpose.
    """
    try:
        _check_headers(message)
    except SipParseError as error:
        if isinstance(message, Response):
            raise SipParseError(str(error), status=None) from None
        raise _refusal(error, message) from None


def _check_headers(message: Message) -> None:
    headers = message.headers
    if len(headers.index) != len(headers):
        single = [name for name, _ in headers.items() if name in SINGLE]
        if len(single) != len(set(single)):
            _check_repeated(headers)
    message.top_via  # noqa: B018
    _check_tag(message.from_)
    _check_tag(message.to)
    call_id = message.call_id
    if " " in call_id or "\t" in call_id:
        raise SipParseError(f"white space in the Call-ID: {call_id[:60]!a}")
    cseq = message.cseq
    if isinstance(message, Request):
        if cseq.method != message.method:
            # Whoever reads a method of the future tells its sender best that it is unknown (RFC 4475 section 3.1.2.18).
            status = 400 if message.method in METHODS else 501
            raise SipParseError(f"CSeq names {cseq.method[:20]} in a {message.method[:20]}", status)
        message.max_forwards  # noqa: B018
    if is_contact_read(message, cseq.method):
        message.contacts  # noqa: B018
        message.record_routes  # noqa: B018
    message.routes  # noqa: B018
    message.content_type  # noqa: B018


def is_contact_read(message: Message, method: str) -> bool:
    """Whether Contact and Record-Route mean anything in this message; where they do not they may be malformed (8.2.2).

    What a registrar lists of other phones must not cost us our own registration, nor must a busy signal be lost.
    """
    if isinstance(message, Request):
        return method in _CONTACT_READ
    return 100 < message.status < 400 and method != "REGISTER"


def _check_repeated(headers: Headers) -> None:
    """Refuse header fields that stand twice where one is allowed; the same value again names no other dialog.

    What names the dialog or the message's way must stand once all the same: the next element may read it otherwise.
    """
    index = headers.index
    seen: set[str] = set()
    for name, value in headers.items():
        if name not in SINGLE:
            continue
        if name in seen and (value != index[name] or name in IDENTITY):
            raise SipParseError(f"several {name} header fields" + ("" if value == index[name] else " that differ"))
        seen.add(name)


def _check_tag(address: NameAddr) -> None:
    """A tag names a dialog: one that another element could read otherwise is refused."""
    for name, value in address.params:
        if name == "tag" and value and ('"' in value or " " in value or "\t" in value):
            raise SipParseError(f"a tag that is no token: {value[:60]!a}")


def is_keepalive(data: bytes) -> bool:
    """Whether a datagram only keeps a path open: CR LF, zero bytes or nothing (RFC 5626 section 4.4 and custom)."""
    return not data.strip(b"\r\n\x00 \t")


class KeepAlive(Enum):
    """What came between the messages of a stream (RFC 5626 section 4.4.1)."""

    PING = "CRLF CRLF"
    """Answer it with one CR LF."""
    PONG = "CRLF"


PING = KeepAlive.PING
PONG = KeepAlive.PONG


class StreamFramer:
    """Cuts the bytes of one TCP or TLS connection into messages (RFC 3261 section 18.3).

    `limit_bytes` bounds one message, body included. After an error the stream has lost its rhythm: close it.
    """

    __slots__ = ("_buffer", "_limit_bytes", "_searched", "_total", "fault")

    def __init__(self, limit_bytes: int = 65536) -> None:
        self._buffer = bytearray()
        self._limit_bytes = limit_bytes
        self._searched = 0
        """So many bytes hold no end of a header."""
        self._total = 0
        """Length of the message at the front once its header is complete, else 0."""
        self.fault: SipParseError | None = None
        """Why no more can be read from this stream; raised by the next `receive_data`."""

    def receive_data(self, data: bytes) -> list[bytes | KeepAlive]:
        """Take bytes as they came and give the messages, pings and pongs that they complete.

        Raises SipParseError when the stream cannot be read on; `partial` then holds the request at fault, if it is
        one. When messages came before the fault they are returned first and the next call raises.
        """
        frames: list[bytes | KeepAlive] = []
        self._buffer += data
        while self.fault is None:
            try:
                frame = self._next_frame()
            except SipParseError as error:
                self.fault = error
                self._buffer.clear()
                break
            if frame is None:
                return frames
            frames.append(frame)
        if not frames:
            raise self.fault
        return frames

    @property
    def is_within_message(self) -> bool:
        """Whether the bytes so far end within a message, or within a ping."""
        return bool(self._buffer)

    def _next_frame(self) -> bytes | KeepAlive | None:
        buffer = self._buffer
        if not self._total:
            if buffer.startswith((b"\r", b"\n")):
                return self._next_keepalive()
            end = buffer.find(b"\r\n\r\n", max(self._searched - 3, 0))
            if end < 0:
                self._searched = len(buffer)
                if len(buffer) > self._limit_bytes:
                    raise SipParseError(f"no end of the header within {self._limit_bytes} bytes", status=None)
                return None
            self._total = end + 4 + self._body_length(bytes(buffer[:end]))
        if len(buffer) < self._total:
            return None
        frame = bytes(buffer[: self._total])
        del buffer[: self._total]
        self._searched = self._total = 0
        return frame

    def _next_keepalive(self) -> KeepAlive | None:
        buffer = self._buffer
        if buffer.startswith(b"\r\n\r\n"):
            del buffer[:4]
            return PING
        if buffer.startswith(b"\r\n"):
            del buffer[:2]
            return PONG
        if buffer == b"\r":
            return None
        raise SipParseError("a CR or LF by itself between messages", status=None)

    def _body_length(self, head: bytes) -> int:
        values = {b" ".join(value.split()) for value in _CONTENT_LENGTH.findall(head)}
        if len(values) != 1:
            what = "several Content-Length header fields" if values else "no Content-Length"
            raise _stream_fault(head, 400, f"{what} in a message on a stream")
        try:
            length = parse_int_header(values.pop().decode("latin-1"))
        except SipParseError as error:
            raise _stream_fault(head, 400, f"Content-Length: {error}") from None
        if len(head) + 4 + length > self._limit_bytes:
            raise _stream_fault(head, 513, f"a message of more than {self._limit_bytes} bytes")
        return length


def _stream_fault(head: bytes, status: int, text: str) -> SipParseError:
    """The error for a message that cannot be cut out, with the request as far as its header can be read."""
    try:
        message: Message | None = parse_message(head + b"\r\n\r\n")
    except SipParseError as error:
        message = error.partial
    if not isinstance(message, Request):
        return SipParseError(text, status=None)
    return _refusal(SipParseError(text, status), message)


__all__ = [
    "PING",
    "PONG",
    "KeepAlive",
    "StreamFramer",
    "is_contact_read",
    "is_keepalive",
    "parse_message",
    "validate",
]
