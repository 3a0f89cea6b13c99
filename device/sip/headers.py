"""Header fields (RFC 3261 sections 7.3 and 20): the ordered multi-map and the typed values From, Via, CSeq and so on.

Values are text decoded as UTF-8 with surrogateescape, so that bytes of any other encoding survive a round trip.
"""

import re
from collections.abc import Iterable, Iterator

from device.annotations import Any
from device.records import dataclass, replace
from device.sip.errors import SipParseError, SipStateError
from device.sip.header_names import METHODS, canonical_name, is_token
from device.sip.header_syntax import (
    LWS,
    QUOTED_STRING,
    comma_pieces,
    encode_params,
    is_digits,
    lenient_seconds,
    parse_expires,
    parse_int_header,
    parse_params,
    parse_q,
    parse_token_list,
    quote,
    set_param,
    split_commas,
    unfold,
    unquote,
)
from device.sip.uri import Params, Uri, parse_host_port, parse_uri

MAX_CSEQ = 2**31 - 1
"""RFC 3261 section 8.1.1.5: the sequence number is less than 2**31."""

_CACHE_ENTRIES = 256
_CACHE_TEXT_LENGTH = 256


_PLAIN_ADDRESS = re.compile(r'(?:"([^"\\<>]*)"[ \t]*|([A-Za-z0-9._-]*)[ \t]*)<([^<>"]*)>')
"""Most addresses: a quoted name without quoted pairs, a name of one word, or none."""

_PLAIN_SENT_BY = re.compile(r"SIP/2\.0/([A-Z]+) ([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(?::([0-9]{1,4}))?")


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
        return None if value is None else lenient_seconds(value)

    @property
    def q(self) -> float:
        """The preference of a Contact, 0.0 to 1.0; 1.0 when absent or malformed."""
        return parse_q(self.param("q"))

    def with_tag(self, tag: str) -> "NameAddr":
        """A copy with that tag."""
        return self.with_param("tag", tag)

    def with_param(self, name: str, value: str | None) -> "NameAddr":
        """A copy with the parameter added or changed; values that are no token are quoted."""
        return replace(self, params=set_param(self.params, name, value))

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
        return int(value) if value and is_digits(value) and len(value) <= 5 else None

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
        return replace(self, params=set_param(self.params, name, value))

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
        plain = _PLAIN_ADDRESS.match(text)
        if plain is not None:
            quoted, word, uri_text = plain.groups()
            known = (quoted or word or "", parse_uri(uri_text))
        else:
            address, rest = _split_address(text)
            known = _parse_address(address)
        if address.endswith(">") and len(address) <= _CACHE_TEXT_LENGTH:
            if len(_addresses) >= _CACHE_ENTRIES:
                _addresses.clear()
            _addresses[address] = known
    if not rest:
        return NameAddr(known[0], known[1])
    if rest[0] != ";":
        rest = rest.strip(LWS)
        if not rest:
            return NameAddr(known[0], known[1])
        if rest[0] != ";":
            raise SipParseError(f"text after an address: {rest[:60]!a}")
    return NameAddr(known[0], known[1], parse_params(rest[1:]))


def _split_address(text: str) -> tuple[str, str]:
    """Split a value into address (display name and URI) and parameters."""
    quoted = QUOTED_STRING.match(text) if text.startswith('"') else None
    start = text.find("<", quoted.end() if quoted else 0)
    if text.startswith('"') and (quoted is None or start < 0):
        raise SipParseError(f"a quoted name without end or without <URI> after it: {text[:60]!a}")
    if start < 0 or (quoted is None and 0 <= text.find(";") < start):
        # An addr-spec without angle brackets: every parameter is the header's (section 20.10).
        address, semicolon, params = text.partition(";")
        return address.rstrip(LWS), semicolon + params
    end = text.find(">", start) + 1
    if not end:
        raise SipParseError(f"an address with '<' but without '>': {text[:60]!a}")
    return text[:end], text[end:].rstrip(LWS)


def _parse_address(address: str) -> tuple[str, Uri]:
    """The display name and URI of an address as _split_address gave it."""
    if not address.endswith(">"):
        if "?" in address or "," in address:
            raise SipParseError(f"a URI with '?' or ',' must stand in angle brackets: {address[:60]!a}")
        return "", parse_uri(address)
    quoted = QUOTED_STRING.match(address) if address.startswith('"') else None
    if quoted:
        between, _, uri_text = address[quoted.end() : -1].partition("<")
        if between.strip(LWS):
            raise SipParseError(f"text after a quoted name: {address[:60]!a}")
        return unquote(quoted[0]), parse_uri(uri_text)
    name, _, uri_text = address[:-1].partition("<")
    name = name.strip(LWS)
    # Only tokens may go unquoted; phones also send dots, accents and brackets there, which harm nobody.
    if '"' in name or "," in name:
        raise SipParseError(f"a name that needs quotes: {address[:60]!a}")
    return name, parse_uri(uri_text)


def parse_name_addr_list(values: str | Iterable[str]) -> list[NameAddr]:
    """Read one or several lines of comma-separated addresses. Raises SipParseError."""
    return [parse_name_addr(piece) for piece in comma_pieces(values)]


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
    plain = _PLAIN_SENT_BY.fullmatch(head)
    if plain is not None:
        transport, host, port = plain.groups()
        return transport, host.lower(), None if port is None else int(port)
    return _parse_sent_by_pieces(head)


def _parse_sent_by_pieces(head: str) -> tuple[str, str, int | None]:
    name, slash, rest = head.partition("/")
    version, other_slash, rest = rest.partition("/")
    words = rest.split(None, 1)
    if not slash or not other_slash or len(words) != 2 or not is_token(words[0]):
        raise SipParseError(f"not a Via: {head[:60]!a}")
    if name.strip(LWS).upper() != "SIP" or version.strip(LWS) != "2.0":
        raise SipParseError(f"a Via of another protocol: {head[:60]!a}")
    sent_by = words[1].strip(LWS)
    if " " in sent_by or "\t" in sent_by:
        sent_by = ":".join(part.strip(LWS) for part in sent_by.split(":"))
    host, port = parse_host_port(sent_by)
    return words[0].upper(), host, port


def parse_via_list(values: str | Iterable[str]) -> list[Via]:
    """Read one or several Via lines, each perhaps with several values. Raises SipParseError."""
    return [parse_via(piece) for piece in comma_pieces(values)]


def parse_cseq(text: str) -> CSeq:
    """Read a CSeq value; the number is less than 2**31. Raises SipParseError (400)."""
    digits, _, method = text.partition(" ")
    if method in METHODS and len(digits) < 10 and digits.isascii() and digits.isdigit():
        return CSeq(int(digits), method)
    words = text.split()
    if len(words) != 2 or not is_token(words[1]):
        raise SipParseError(f"not a CSeq: {text[:60]!a}")
    return CSeq(parse_int_header(words[0], MAX_CSEQ), words[1])


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
