"""Header fields (RFC 3261 sections 7.3 and 20): the ordered multi-map and the typed values From, Via, CSeq and so on.

Values are text decoded as UTF-8 with surrogateescape, so that bytes of any other encoding survive a round trip.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from device.records import dataclass, replace
from device.sip.errors import SipParseError, SipStateError
from device.sip.header_names import METHODS, canonical_name, is_token
from device.sip.uri import Params, Uri, parse_host_port, parse_uri

MAX_CSEQ = 2**31 - 1
"""RFC 3261 section 8.1.1.5: the sequence number is less than 2**31."""

DEFAULT_EXPIRES_S = 3600
"""What a malformed or too large expiry counts as, in seconds (RFC 3261 section 20.10, RFC 4475 section 3.1.2.4)."""

_LWS = " \t"
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_QUOTED_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NEEDS_ESCAPE = re.compile(r'["\\]')
_COMMA_OR_GROUP = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|<[^>]*>|[",<]', re.DOTALL)
_SEMICOLON_OR_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[";]', re.DOTALL)
_PARAM_VALUE_PLAIN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~:\[\]]+")
_FOLD = re.compile(r"\r\n[ \t]+")

_CACHE_ENTRIES = 256
_CACHE_TEXT_LENGTH = 256


class Headers:
    """The header fields of one message, in order; names in any case, compact forms equal to full ones.

    Names are kept in their usual spelling ("Call-ID"). `typed` holds parsed values for `message` and is emptied by
    every change. Values must be one line: CR or LF in a value raises SipStateError.
    """

    __slots__ = ("_index", "_items", "typed")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items: list[tuple[str, str]] = []
        self._index: dict[str, str] | None = None
        self.typed: dict[str, Any] = {}
        for name, value in items:
            self.add(name, value)

    @classmethod
    def of_canonical(cls, items: list[tuple[str, str]]) -> "Headers":
        """Take over a list whose names are canonical and whose values are single lines already."""
        headers = cls()
        headers._items = items
        return headers

    def add(self, name: str, value: str) -> None:
        """Append a header field."""
        self._items.append((canonical_name(name), _one_line(name, value)))
        self._changed()

    def prepend(self, name: str, value: str) -> None:
        """Put a header field before all others."""
        self._items.insert(0, (canonical_name(name), _one_line(name, value)))
        self._changed()

    def set(self, name: str, value: str) -> None:
        """Make `value` the only one: the first takes its place, the others go; appended when there is none."""
        key = canonical_name(name)
        item = (key, _one_line(name, value))
        if key not in self.index:
            self._items.append(item)
        else:
            position = next(i for i, (other, _) in enumerate(self._items) if other == key)
            self._items = [pair for pair in self._items if pair[0] != key]
            self._items.insert(position, item)
        self._changed()

    def remove(self, name: str) -> None:
        """Drop every header field of that name; it is no error if there is none."""
        key = canonical_name(name)
        self._items = [pair for pair in self._items if pair[0] != key]
        self._changed()

    def remove_first(self, name: str) -> None:
        """Drop the first header field of that name (a proxy: its Via from a response)."""
        key = canonical_name(name)
        for position, pair in enumerate(self._items):
            if pair[0] == key:
                del self._items[position]
                break
        self._changed()

    def get(self, name: str) -> str | None:
        """The first value, or None."""
        return self.index.get(canonical_name(name))

    def get_all(self, name: str) -> list[str]:
        """Every value, in order, one for each header line."""
        key = canonical_name(name)
        index = self.index
        if key not in index:
            return []
        if len(index) == len(self._items):
            return [index[key]]
        return [value for other, value in self._items if other == key]

    def items(self) -> Iterator[tuple[str, str]]:
        """All (name, value) pairs in order."""
        return iter(self._items)

    @property
    def index(self) -> dict[str, str]:
        """The first value by canonical name; read only."""
        index = self._index
        if index is None:
            index = self._index = dict(self._items[::-1])
        return index

    def copy(self) -> "Headers":
        """An independent copy."""
        headers = Headers.of_canonical(self._items.copy())
        headers.typed = self.typed.copy()
        return headers

    def _changed(self) -> None:
        self._index = None
        self.typed.clear()

    def __contains__(self, name: str) -> bool:
        return canonical_name(name) in self.index

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._items == other._items

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"


def _one_line(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise SipStateError(f"a line break in the value of {name}: encode or remove it before")
    return value


class _WithParams:
    """What the records with `params` share."""

    __slots__ = ()
    params: Params

    def param(self, name: str) -> str | None:
        """The value without quotes; "" for a parameter without a value, None when it is absent."""
        for key, value in self.params:
            if key == name:
                return unquote(value) if value else ""
        return None

    def has_param(self, name: str) -> bool:
        """Whether the parameter is there, with or without a value."""
        return any(key == name for key, _ in self.params)


@dataclass(frozen=True, slots=True)
class NameAddr(_WithParams):
    """A name-addr or addr-spec with header parameters: From, To, Contact, Route and their kin (section 20.10).

    `params` are as sent, quoted strings with their quotes; names in lower case.
    """

    display_name: str
    uri: Uri
    params: Params = ()

    @property
    def tag(self) -> str | None:
        """The tag of a From or To, or None."""
        return self.param("tag")

    @property
    def expires(self) -> int | None:
        """Seconds of a Contact's expires parameter, None when absent; malformed ones count as 3600 (section 20.10)."""
        value = self.param("expires")
        return None if value is None else _lenient_seconds(value)

    @property
    def q(self) -> float:
        """The preference of a Contact, 0.0 to 1.0; 1.0 when absent or malformed."""
        return parse_q(self.param("q"))

    def with_tag(self, tag: str) -> "NameAddr":
        """A copy with that tag."""
        return self.with_param("tag", tag)

    def with_param(self, name: str, value: str | None) -> "NameAddr":
        """A copy with the parameter added or changed; values that are no token are quoted."""
        return replace(self, params=_with_param(self.params, name, value))

    def without_param(self, name: str) -> "NameAddr":
        """A copy without the parameter."""
        return replace(self, params=tuple(item for item in self.params if item[0] != name))

    def __str__(self) -> str:
        name = quote(self.display_name) + " " if self.display_name else ""
        return f"{name}<{self.uri}>{encode_params(self.params)}"


@dataclass(frozen=True, slots=True)
class Via(_WithParams):
    """One Via (RFC 3261 section 20.42): the transport in upper case, the sent-by, the parameters."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @property
    def branch(self) -> str | None:
        """The branch, or None (RFC 2543 senders)."""
        return self.param("branch")

    @property
    def received(self) -> str | None:
        """The source address that the next element saw, or None; without brackets."""
        value = self.param("received")
        return value.strip("[]") if value else None

    @property
    def rport(self) -> int | None:
        """The source port that the next element saw (RFC 3581), or None."""
        value = self.param("rport")
        return int(value) if value and _is_digits(value) and len(value) <= 5 else None

    @property
    def has_rport(self) -> bool:
        """Whether the sender asks for RFC 3581, with or without a value yet."""
        return self.has_param("rport")

    @property
    def sent_by(self) -> str:
        """`host` or `host:port`."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def with_param(self, name: str, value: str | None) -> "Via":
        """A copy with the parameter added or changed in its place; None makes one without a value."""
        return replace(self, params=_with_param(self.params, name, value))

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {self.sent_by}{encode_params(self.params)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    """The sequence number and method of a request (RFC 3261 section 20.16)."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


_addresses: dict[str, tuple[str, Uri]] = {}
_sent_bys: dict[str, tuple[str, str, int | None]] = {}


def parse_name_addr(text: str) -> NameAddr:
    """Read one From, To, Contact, Route value. Raises SipParseError (400)."""
    close = text.find(">") + 1
    address, rest = text[:close], text[close:]
    known = _addresses.get(address) if close else None
    if known is None:
        address, rest = _split_address(text)
        known = _parse_address(address)
        if address.endswith(">") and len(address) <= _CACHE_TEXT_LENGTH:
            if len(_addresses) >= _CACHE_ENTRIES:
                _addresses.clear()
            _addresses[address] = known
    if not rest:
        return NameAddr(known[0], known[1])
    if rest[0] != ";":
        rest = rest.lstrip(_LWS)
        if rest[:1] != ";":
            raise SipParseError(f"text after an address: {rest[:60]!a}")
    return NameAddr(known[0], known[1], parse_params(rest[1:]))


def _split_address(text: str) -> tuple[str, str]:
    """Split a value into address (display name and URI) and parameters."""
    quoted = _QUOTED_STRING.match(text) if text.startswith('"') else None
    start = text.find("<", quoted.end() if quoted else 0)
    if text.startswith('"') and (quoted is None or start < 0):
        raise SipParseError(f"a quoted name without end or without <URI> after it: {text[:60]!a}")
    if start < 0 or (quoted is None and 0 <= text.find(";") < start):
        # An addr-spec without angle brackets: every parameter is the header's (section 20.10).
        address, semicolon, params = text.partition(";")
        return address.rstrip(_LWS), semicolon + params
    end = text.find(">", start) + 1
    if not end:
        raise SipParseError(f"an address with '<' but without '>': {text[:60]!a}")
    return text[:end], text[end:].rstrip(_LWS)


def _parse_address(address: str) -> tuple[str, Uri]:
    """The display name and URI of an address as _split_address gave it."""
    if not address.endswith(">"):
        if "?" in address or "," in address:
            raise SipParseError(f"a URI with '?' or ',' must stand in angle brackets: {address[:60]!a}")
        return "", parse_uri(address)
    quoted = _QUOTED_STRING.match(address) if address.startswith('"') else None
    if quoted:
        between, _, uri_text = address[quoted.end() : -1].partition("<")
        if between.strip(_LWS):
            raise SipParseError(f"text after a quoted name: {address[:60]!a}")
        return unquote(quoted[0]), parse_uri(uri_text)
    name, _, uri_text = address[:-1].partition("<")
    name = name.strip(_LWS)
    # Only tokens may go unquoted; phones also send dots, accents and brackets there, which harm nobody.
    if '"' in name or "," in name:
        raise SipParseError(f"a name that needs quotes: {address[:60]!a}")
    return name, parse_uri(uri_text)


def parse_name_addr_list(values: str | Iterable[str]) -> list[NameAddr]:
    """Read one or several lines of comma-separated addresses. Raises SipParseError."""
    return [parse_name_addr(piece) for piece in _pieces(values)]


def parse_via(text: str) -> Via:
    """Read one Via value. Raises SipParseError (400)."""
    head, semicolon, params = text.partition(";")
    known = _sent_bys.get(head)
    if known is None:
        known = _parse_sent_by(head)
        if len(head) <= _CACHE_TEXT_LENGTH:
            if len(_sent_bys) >= _CACHE_ENTRIES:
                _sent_bys.clear()
            _sent_bys[head] = known
    transport, host, port = known
    return Via(transport, host, port, parse_params(params) if semicolon else ())


def _parse_sent_by(head: str) -> tuple[str, str, int | None]:
    """`SIP/2.0/UDP host:port`, with white space allowed around slashes and colon."""
    name, slash, rest = head.partition("/")
    version, other_slash, rest = rest.partition("/")
    words = rest.split(None, 1)
    if not slash or not other_slash or len(words) != 2 or not is_token(words[0]):
        raise SipParseError(f"not a Via: {head[:60]!a}")
    if name.strip(_LWS).upper() != "SIP" or version.strip(_LWS) != "2.0":
        raise SipParseError(f"a Via of another protocol: {head[:60]!a}")
    sent_by = words[1].strip(_LWS)
    if " " in sent_by or "\t" in sent_by:
        sent_by = ":".join(part.strip(_LWS) for part in sent_by.split(":"))
    host, port = parse_host_port(sent_by)
    return words[0].upper(), host, port


def parse_via_list(values: str | Iterable[str]) -> list[Via]:
    """Read one or several Via lines, each perhaps with several values. Raises SipParseError."""
    return [parse_via(piece) for piece in _pieces(values)]


def parse_cseq(text: str) -> CSeq:
    """Read a CSeq value; the number is less than 2**31. Raises SipParseError (400)."""
    digits, _, method = text.partition(" ")
    if method in METHODS and len(digits) < 10 and digits.isascii() and digits.isdigit():
        return CSeq(int(digits), method)
    words = text.split()
    if len(words) != 2 or not is_token(words[1]):
        raise SipParseError(f"not a CSeq: {text[:60]!a}")
    return CSeq(parse_int_header(words[0], MAX_CSEQ), words[1])


def parse_int_header(text: str, maximum: int = 2**32 - 1) -> int:
    """Read decimal digits, 0 to `maximum`. Raises SipParseError (400)."""
    if not _is_digits(text):
        raise SipParseError(f"not a number: {text[:60]!a}")
    digits = text if len(text) <= 10 else text.lstrip("0") or "0"
    if len(digits) > 10 or int(digits) > maximum:
        raise SipParseError(f"a number above {maximum}: {text[:60]!a}")
    return int(digits)


def parse_expires(text: str) -> int:
    """Seconds of an Expires or Min-Expires value; what is malformed or above 2**32 - 1 counts as 3600."""
    return _lenient_seconds(text.partition(";")[0].strip(_LWS))


def _lenient_seconds(text: str) -> int:
    try:
        return parse_int_header(text)
    except SipParseError:
        return DEFAULT_EXPIRES_S


def parse_q(text: str | None) -> float:
    """A qvalue, 0.0 to 1.0; 1.0 when absent or malformed (RFC 3261 section 20.10)."""
    if text and len(text) <= 5 and text[0] in "01" and _is_digits(text.replace(".", "", 1)):
        return min(float(text), 1.0)
    return 1.0


def parse_token_list(values: str | Iterable[str]) -> list[str]:
    """Read Allow, Supported, Require and their kin: comma-separated tokens, parameters cut off; empty is empty."""
    if isinstance(values, str):
        values = (values,)
    tokens = (token.partition(";")[0].strip(_LWS) for value in values for token in value.split(","))
    return [token for token in tokens if token]


def split_commas(text: str, skip_empty: bool = False) -> list[str]:
    """Split at commas outside quoted strings and angle brackets; the pieces are stripped of white space.

    Raises SipParseError for a quote or angle bracket without end, and for an empty piece unless these are to be
    skipped. An empty text gives an empty list.
    """
    if "," not in text:
        return [text] if text else []
    pieces: list[str] = []
    start = 0
    if '"' not in text and "<" not in text:
        pieces = text.split(",")
    else:
        for match in _COMMA_OR_GROUP.finditer(text):
            mark = match[0]
            if mark == ",":
                pieces.append(text[start : match.start()])
                start = match.end()
            elif mark in ('"', "<"):
                raise SipParseError(f"a {mark} without end: {text[:60]!a}")
        pieces.append(text[start:])
    pieces = [piece.strip(_LWS) for piece in pieces]
    if "" in pieces:
        if skip_empty:
            return [piece for piece in pieces if piece]
        raise SipParseError(f"an empty element in a list: {text[:60]!a}")
    return pieces


def _pieces(values: str | Iterable[str]) -> list[str]:
    if isinstance(values, str):
        return split_commas(values)
    return [piece for value in values for piece in split_commas(value)]


def parse_params(text: str) -> Params:
    """Read `name=value;name;...` as it follows the first semicolon; one semicolon at the end is forgiven.

    Values stay as sent, quoted strings with quotes. Raises SipParseError for an empty or malformed parameter.
    """
    if '"' in text:
        pieces = _split_params(text)
    elif "," in text:
        raise SipParseError(f"a list where one value is allowed: {text[:60]!a}")
    else:
        pieces = text.split(";")
    params: list[tuple[str, str | None]] = []
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip(_LWS).lower()
        if not name:
            if not equals and 0 < len(params) == len(pieces) - 1:
                break
            raise SipParseError(f"a parameter without a name: {text[:60]!a}")
        params.append((name, value.strip(_LWS) if equals else None))
    return tuple(params)


def _split_params(text: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for match in _SEMICOLON_OR_QUOTED.finditer(text):
        mark = match[0]
        if mark == ";":
            pieces.append(text[start : match.start()])
            start = match.end()
        elif mark == '"':
            raise SipParseError(f"a quote without end: {text[:60]!a}")
    pieces.append(text[start:])
    return pieces


def encode_params(params: Params) -> str:
    """`;name=value;name` for parameters whose values are as sent."""
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params])


def _with_param(params: Params, name: str, value: str | None) -> Params:
    name = name.lower()
    if value is not None and _PARAM_VALUE_PLAIN.fullmatch(value) is None:
        value = quote(value)
    if any(key == name for key, _ in params):
        return tuple((key, value if key == name else old) for key, old in params)
    return (*params, (name, value))


def unquote(text: str) -> str:
    """A quoted string's text without quotes and quoted pairs; other text as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    text = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", text) if "\\" in text else text


def quote(text: str) -> str:
    """`text` as a quoted string; line breaks, which no header field can carry, become spaces."""
    if "\r" in text or "\n" in text:
        text = text.replace("\r", " ").replace("\n", " ")
    return '"' + _NEEDS_ESCAPE.sub(r"\\\g<0>", text) + '"'


def unfold(text: str) -> str:
    """Join continuation lines: a line break followed by white space counts as one space (section 7.3.1)."""
    if "\r\n " in text or "\r\n\t" in text:
        return _FOLD.sub(" ", text)
    return text


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


__all__ = [
    "CSeq",
    "Headers",
    "NameAddr",
    "Via",
    "canonical_name",
    "encode_params",
    "parse_cseq",
    "parse_expires",
    "parse_int_header",
    "parse_name_addr",
    "parse_name_addr_list",
    "parse_params",
    "parse_q",
    "parse_token_list",
    "parse_via",
    "parse_via_list",
    "quote",
    "split_commas",
    "unfold",
    "unquote",
]
