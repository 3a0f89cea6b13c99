"""Requests and responses (RFC 3261 section 7) with their header fields as typed values, read when first asked for."""

from collections.abc import Callable

from device.annotations import TypeVar
from device.sip.errors import SipParseError
from device.sip.header_names import is_token
from device.sip.headers import (
    CSeq,
    Headers,
    NameAddr,
    Via,
    parse_cseq,
    parse_expires,
    parse_int_header,
    parse_name_addr,
    parse_token_list,
    parse_via,
    split_commas,
)
from device.sip.uri import Uri, parse_uri

T = TypeVar("T")

MAX_MAX_FORWARDS = 255
"""RFC 3261 section 20.22."""

REASON_PHRASES = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}


class _Message:
    """What requests and responses share. Typed properties raise SipParseError (400) for malformed values."""

    __slots__ = ("body", "headers")

    is_response = False

    def __init__(self, headers: Headers, body: bytes) -> None:
        self.headers = headers
        self.body = body

    @property
    def top_via(self) -> Via:
        """The first Via."""
        found: Via | None = self.headers.typed.get("top_via")
        return found if found is not None else self._read("top_via", "Via", _parse_top_via)

    @property
    def vias(self) -> list[Via]:
        """All Via values, the sender's first."""
        return self._read_list("Via", parse_via)

    @property
    def from_(self) -> NameAddr:
        """The From header field."""
        found: NameAddr | None = self.headers.typed.get("From")
        return found if found is not None else self._read("From", "From", parse_name_addr)

    @property
    def to(self) -> NameAddr:
        """The To header field."""
        found: NameAddr | None = self.headers.typed.get("To")
        return found if found is not None else self._read("To", "To", parse_name_addr)

    @property
    def cseq(self) -> CSeq:
        """The CSeq header field."""
        found: CSeq | None = self.headers.typed.get("CSeq")
        return found if found is not None else self._read("CSeq", "CSeq", parse_cseq)

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        value = self.headers.index.get("Call-ID")
        if not value:
            raise SipParseError("Call-ID is missing")
        return value

    @property
    def contacts(self) -> list[NameAddr]:
        """All contacts; empty for none and for `*`."""
        return [] if self.headers.index.get("Contact") == "*" else self._read_list("Contact", parse_name_addr)

    @property
    def contact_is_star(self) -> bool:
        """Whether the Contact is `*`: a REGISTER that removes every binding."""
        return self.headers.index.get("Contact") == "*"

    @property
    def routes(self) -> list[NameAddr]:
        """All Route values in order."""
        return self._read_list("Route", parse_name_addr)

    @property
    def record_routes(self) -> list[NameAddr]:
        """All Record-Route values in order."""
        return self._read_list("Record-Route", parse_name_addr)

    @property
    def max_forwards(self) -> int | None:
        """Max-Forwards, 0 to 255, or None when absent."""
        return self._read_optional("Max-Forwards", _parse_max_forwards)

    @property
    def expires(self) -> int | None:
        """Seconds of the Expires header field, None when absent; malformed ones count as 3600."""
        return self._read_optional("Expires", parse_expires)

    @property
    def content_type(self) -> str | None:
        """The media type in lower case without parameters ("application/sdp"), or None."""
        return self._read_optional("Content-Type", _parse_media_type)

    def tokens(self, name: str) -> list[str]:
        """The tokens of Allow, Supported, Require, Unsupported and their kin, over all lines."""
        return parse_token_list(self.headers.get_all(name))

    def _read(self, key: str, name: str, parse: Callable[[str], T]) -> T:
        value = self.headers.index.get(name)
        if value is None:
            raise SipParseError(f"{name} is missing")
        try:
            parsed = self.headers.typed[key] = parse(value)
        except SipParseError as error:
            raise SipParseError(f"{name}: {error}") from None
        return parsed

    def _read_optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        if name not in self.headers.index:
            return None
        found: T | None = self.headers.typed.get(name)
        return found if found is not None else self._read(name, name, parse)

    def _read_list(self, name: str, parse: Callable[[str], T]) -> list[T]:
        headers = self.headers
        if name not in headers.index:
            return []
        key = name + "[]"
        found: list[T] | None = headers.typed.get(key)
        if found is None:
            values = headers.get_all(name)
            try:
                if "," in values[0] or len(values) > 1 or not values[0]:
                    values = [piece for value in values for piece in split_commas(value)]
                found = headers.typed[key] = [parse(value) for value in values]
            except SipParseError as error:
                raise SipParseError(f"{name}: {error}") from None
        return found.copy()

    def _encode(self, start_line: str) -> bytes:
        """The message on the wire. Content-Length is always ours: of the body that is really there."""
        headers = self.headers
        length = str(len(self.body))
        if headers.index.get("Content-Length") != length:
            headers.set("Content-Length", length)
        lines = "\r\n".join(map(": ".join, headers.items()))
        return f"{start_line}\r\n{lines}\r\n\r\n".encode("utf-8", "surrogateescape") + self.body


class Request(_Message):
    """A request: `method` is case-sensitive, `uri` the Request-URI.

    A `uri` given as text, as it came off the wire, is read when asked for and sent on exactly as it is.
    """

    __slots__ = ("_uri", "_uri_text", "method")

    def __init__(self, method: str, uri: Uri | str, headers: Headers | None = None, body: bytes = b"") -> None:
        self.headers = Headers() if headers is None else headers
        self.body = body
        self.method = method
        self._uri: Uri | None = None
        self._uri_text: str | None = None
        if isinstance(uri, str):
            self._uri_text = uri
        else:
            self._uri = uri

    @property
    def uri(self) -> Uri:
        """The Request-URI. Raises SipParseError when what came off the wire is not a URI."""
        if self._uri is None:
            self._uri = parse_uri(self._uri_text or "")
        return self._uri

    @uri.setter
    def uri(self, uri: Uri) -> None:
        self._uri = uri
        self._uri_text = None

    @property
    def uri_text(self) -> str:
        """The Request-URI as it stands, or will stand, in the request line."""
        return str(self._uri) if self._uri_text is None else self._uri_text

    def encode(self) -> bytes:
        """The request on the wire, Content-Length set."""
        return self._encode(f"{self.method} {self.uri_text} SIP/2.0")

    def copy(self) -> "Request":
        """An independent copy; the body is shared, it cannot change."""
        uri = self.uri if self._uri_text is None else self._uri_text
        return Request(self.method, uri, self.headers.copy(), self.body)

    def response(self, status: int, reason: str | None = None, to_tag: str | None = None) -> "Response":
        """A response to this request (RFC 3261 section 8.2.6): Via, From, To, Call-ID, CSeq copied as they came.

        `to_tag` is added to the To when it has no tag yet, except in a 100. A 100 carries the Timestamp back.
        Works on partial requests too: what is missing is left out, what is malformed left as it is, and of what may
        stand once the first is taken.
        """
        items: list[tuple[str, str]] = []
        index = self.headers.index
        for name, value in self.headers.items():
            if name == "Via":
                items.append((name, value))
            elif value is not index[name]:
                continue
            elif name == "To" and to_tag and status > 100:
                items.append((name, _with_to_tag(value, to_tag)))
            elif name in _COPIED or (name == "Timestamp" and status == 100):
                items.append((name, value))
        return Response(status, reason, Headers.of_canonical(items))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self._uri_text or self._uri}>"


class Response(_Message):
    """A response: a status of 100 to 699 and a reason phrase for people."""

    __slots__ = ("reason", "status")

    is_response = True

    def __init__(
        self, status: int, reason: str | None = None, headers: Headers | None = None, body: bytes = b""
    ) -> None:
        super().__init__(Headers() if headers is None else headers, body)
        self.status = status
        self.reason = REASON_PHRASES.get(status, "") if reason is None else reason

    def encode(self) -> bytes:
        """The response on the wire, Content-Length set."""
        return self._encode(f"SIP/2.0 {self.status} {self.reason}")

    def copy(self) -> "Response":
        """An independent copy; the body is shared, it cannot change."""
        return Response(self.status, self.reason, self.headers.copy(), self.body)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"


Message = Request | Response

_COPIED = frozenset(("From", "To", "Call-ID", "CSeq"))


def _parse_top_via(text: str) -> Via:
    return parse_via(split_commas(text)[0] if "," in text else text)


def _parse_max_forwards(text: str) -> int:
    return parse_int_header(text, MAX_MAX_FORWARDS)


def _parse_media_type(text: str) -> str:
    if text == "application/sdp":
        return text
    kind, slash, subtype = text.partition(";")[0].partition("/")
    kind, subtype = kind.strip(), subtype.strip()
    if not (slash and is_token(kind) and is_token(subtype)):
        raise SipParseError(f"not a media type: {text[:60]!a}")
    return f"{kind}/{subtype}".lower()


def _with_to_tag(value: str, tag: str) -> str:
    """A To value with `tag`, otherwise as it came; unchanged when it has a tag already or cannot be read."""
    try:
        address = parse_name_addr(value)
    except SipParseError:
        return value
    if address.tag:
        return value
    if address.has_param("tag"):
        return str(address.with_tag(tag))
    return f"{value.rstrip('; ')};tag={tag}"
