"""Whole SIP messages for tests, written as they stand on the wire."""

from device.sip.message import Request, Response
from device.sip.parser import parse_message


def message(text: str) -> Request | Response:
    """Parse a message written with plain line ends; a blank line ends the header."""
    head, _, body = text.strip("\n").partition("\n\n")
    return parse_message(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body.encode())


def whole_request(text: str) -> Request:
    """A request written out in full."""
    parsed = message(text)
    assert isinstance(parsed, Request)
    return parsed


def request(method: str = "OPTIONS", *, via: str = "", extra: str = "", call_id: str = "call-1") -> Request:
    """A request from alice to bob; without `via` it is one that our own TU is about to send."""
    lines = [
        f"{method} sip:bob@192.0.2.2 SIP/2.0",
        *([f"Via: {via}"] if via else []),
        "Max-Forwards: 70",
        "From: <sip:alice@192.0.2.1>;tag=from-1",
        "To: <sip:bob@192.0.2.2>",
        f"Call-ID: {call_id}",
        f"CSeq: 1 {method}",
        *([extra] if extra else []),
    ]
    return whole_request("\n".join(lines))


def answer(data: bytes, status: int, to_tag: str = "to-1") -> Response:
    """The response of a peer to the request in `data`, as parsed off the wire."""
    asked = parse_message(data)
    assert isinstance(asked, Request)
    response = parse_message(asked.response(status, to_tag=to_tag).encode())
    assert isinstance(response, Response)
    return response


def first_line(data: bytes) -> str:
    """The start line of a message."""
    return data.partition(b"\r\n")[0].decode()


def header(data: bytes, name: str) -> str | None:
    """The first value of a header field of a message."""
    return parse_message(data).headers.get(name)
