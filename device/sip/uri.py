"""SIP, SIPS and other URIs (RFC 3261 section 19.1): parsing, encoding, comparison. No header field syntax here."""

import re

from device.records import dataclass, replace
from device.sip.errors import SipParseError

Params = tuple[tuple[str, str | None], ...]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]{2,45}\]")
_ILLEGAL = re.compile(r"[\x00-\x20\"<>\x7f]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")

_PLAIN = re.compile(
    r"(sips?):(?:([A-Za-z0-9_.!~*'()&=+$,;?/-]+)@)?([A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?)(?::([0-9]{1,5}))?"
    r"(?:;([A-Za-z0-9_.!~*'()\[\]/:&+$=;-]*))?"
)
"""Most SIP URIs: no escape, no password, no IPv6, no headers. What does not match is read piece by piece."""

# What need not be escaped in each part (RFC 3261 section 25.1).
_UNRESERVED = r"A-Za-z0-9\-_.!~*'()"
_USER_UNSAFE = re.compile(rf"[^{_UNRESERVED}&=+$,;?/]")
_PASSWORD_UNSAFE = re.compile(rf"[^{_UNRESERVED}&=+$,]")
_PARAM_UNSAFE = re.compile(rf"[^{_UNRESERVED}\[\]/:&+$]")
_HEADER_UNSAFE = re.compile(rf"[^{_UNRESERVED}\[\]/?:+$]")

_MUST_MATCH = frozenset(("user", "ttl", "method", "maddr", "transport"))
"""URI parameters that make two URIs differ when only one has them (RFC 3261 section 19.1.4, text and examples)."""

_CACHE_ENTRIES = 256
_CACHE_TEXT_LENGTH = 256
_parsed: dict[str, "Uri"] = {}


class _Spelling:
    """Room for the text of a URI: as a peer wrote it, so that it gets back exactly that, or as first encoded."""

    __slots__ = ("_text",)
    _text: str


@dataclass(frozen=True, slots=True)
class Uri(_Spelling):
    """A URI of RFC 3261 section 19.1; parts are unescaped, so that `%61lice` and `alice` are the same user.

    For schemes other than sip and sips only `scheme` and `opaque` (all after the colon) are filled.
    """

    scheme: str
    user: str = ""
    password: str = ""
    host: str = ""
    """In lower case; an IPv6 address with its brackets."""
    port: int | None = None
    params: Params = ()
    """Names in lower case; None for a parameter without a value."""
    headers: tuple[tuple[str, str], ...] = ()
    opaque: str = ""

    @property
    def is_sip(self) -> bool:
        """Whether the scheme is sip or sips."""
        return self.scheme in ("sip", "sips")

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case, or None."""
        value = self.param("transport")
        return value.lower() if value else None

    @property
    def is_loose(self) -> bool:
        """Whether the element it names is a loose router: the lr parameter (RFC 3261 section 16.12.1)."""
        return self.has_param("lr")

    @property
    def host_port(self) -> str:
        """`host` or `host:port`."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def param(self, name: str) -> str | None:
        """The value of a parameter; "" when it has none, None when it is absent."""
        for key, value in self.params:
            if key == name:
                return value or ""
        return None

    def has_param(self, name: str) -> bool:
        """Whether the parameter is there, with or without a value."""
        return any(key == name for key, _ in self.params)

    def with_params(self, **params: str | None) -> "Uri":
        """A copy with parameters added or changed; None makes one without a value. `_` in a name stands for `-`."""
        result = dict(self.params)
        for name, value in params.items():
            result[name.replace("_", "-").lower()] = value
        return replace(self, params=tuple(result.items()))

    def without_param(self, name: str) -> "Uri":
        """A copy without the parameter."""
        return replace(self, params=tuple(item for item in self.params if item[0] != name))

    def target(self) -> "Uri":
        """This URI as a Request-URI: without headers and method parameter (RFC 3261 section 19.1.1)."""
        if not self.headers and not self.has_param("method"):
            return self
        return replace(self, headers=(), params=tuple(item for item in self.params if item[0] != "method"))

    def matches(self, other: "Uri") -> bool:
        """Equivalence of RFC 3261 section 19.1.4 (and of IPv6 texts, RFC 5954 section 4.2; of numbers, RFC 3966)."""
        if self.scheme == other.scheme == "tel":
            return _same_tel(self, other)
        if not (self.is_sip and other.is_sip):
            return self.scheme == other.scheme and self.opaque.lower() == other.opaque.lower()
        return (
            self.scheme == other.scheme
            and self.user == other.user
            and self.password == other.password
            and self.port == other.port
            and (self.host == other.host or host_key(self.host) == host_key(other.host))
            and _params_match(dict(self.params), dict(other.params))
            and _headers_match(self.headers, other.headers)
        )

    def __str__(self) -> str:
        try:
            return self._text
        except AttributeError:
            text = self._encode()
            object.__setattr__(self, "_text", text)
            return text

    def _encode(self) -> str:
        if not self.is_sip:
            return f"{self.scheme}:{self.opaque}"
        text = f"{self.scheme}:"
        if self.user or self.password:
            text += _escape(self.user, _USER_UNSAFE)
            if self.password:
                text += ":" + _escape(self.password, _PASSWORD_UNSAFE)
            text += "@"
        text += self.host_port
        for name, value in self.params:
            text += ";" + _escape(name, _PARAM_UNSAFE)
            if value is not None:
                text += "=" + _escape(value, _PARAM_UNSAFE)
        if self.headers:
            pairs = [
                f"{_escape(name, _HEADER_UNSAFE)}={_escape(value, _HEADER_UNSAFE)}" for name, value in self.headers
            ]
            text += "?" + "&".join(pairs)
        return text


def parse_uri(text: str) -> Uri:
    """Read a URI as it stands in a request line or between angle brackets; `str` of it gives the same text again.

    Raises SipParseError (400). Any scheme is accepted; whether it is served is for the caller to say (416).
    """
    uri = _parsed.get(text)
    if uri is None:
        uri = _parse(text)
        object.__setattr__(uri, "_text", text)
        if len(text) <= _CACHE_TEXT_LENGTH:
            if len(_parsed) >= _CACHE_ENTRIES:
                _parsed.clear()
            _parsed[text] = uri
    return uri


def _parse(text: str) -> Uri:
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        scheme, user, host, port, params = plain.groups()
        if len(host) <= 255 and (port is None or len(port) < 5 or int(port) <= 65535):
            return Uri(
                scheme,
                user or "",
                "",
                host.lower(),
                None if port is None else int(port),
                () if params is None else _parse_params(params),
            )
    return _parse_pieces(text)


def _parse_pieces(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or _SCHEME.fullmatch(scheme) is None or _ILLEGAL.search(rest):
        raise SipParseError(f"not a URI: {_shown(text)}")
    scheme = scheme.lower()
    if scheme not in ("sip", "sips"):
        return Uri(scheme, opaque=rest)
    userinfo, _at, rest = rest.partition("@") if "@" in rest else ("", "", rest)
    user, _, password = userinfo.partition(":")
    rest, question, header_text = rest.partition("?")
    host_port, semicolon, param_text = rest.partition(";")
    host, port = parse_host_port(host_port)
    return Uri(
        scheme,
        unescape(user),
        unescape(password),
        host,
        port,
        _parse_params(param_text) if semicolon else (),
        _parse_headers(header_text) if question else (),
    )


def parse_host_port(text: str) -> tuple[str, int | None]:
    """Split `host[:port]`, `[IPv6]:port`; the host in lower case, brackets kept. Raises SipParseError."""
    if text.startswith("["):
        address, bracket, rest = text.partition("]")
        host, colon, port = address + bracket, rest[:1], rest[1:]
        if rest and colon != ":":
            raise SipParseError(f"not a host: {_shown(text)}")
    else:
        host, colon, port = text.partition(":")
    if len(host) > 255 or _HOST.fullmatch(host) is None:
        raise SipParseError(f"not a host: {_shown(text)}")
    if not colon:
        return host.lower(), None
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise SipParseError(f"not a port: {_shown(text)}")
    return host.lower(), int(port)


def _parse_params(text: str) -> Params:
    params: list[tuple[str, str | None]] = []
    for piece in text.removesuffix(";").split(";"):
        name, equals, value = piece.partition("=")
        if not name:
            raise SipParseError(f"URI parameter without a name: {_shown(text)}")
        params.append((unescape(name).lower(), unescape(value) if equals else None))
    if len(params) > 1 and len(dict(params)) != len(params):
        # Of others the first counts; these steer where a request goes.
        check_repeated([param for param in params if param[0] in _MUST_MATCH])
    return tuple(params)


def check_repeated(params: list[tuple[str, str | None]]) -> None:
    """A parameter may come again with the same value; which of two values counts, elements would not agree upon."""
    first: dict[str, str | None] = {}
    for name, value in params:
        if first.setdefault(name, value) != value:
            raise SipParseError(f"several parameters {name[:40]!a} that differ")


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    for piece in text.split("&"):
        name, equals, value = piece.partition("=")
        if not name or not equals:
            raise SipParseError(f"URI header without name or value: {_shown(text)}")
        headers.append((unescape(name), unescape(value)))
    return tuple(headers)


def unescape(text: str) -> str:
    """`text` with its %HH escapes resolved; an escape that is none stays as it is."""
    if "%" not in text:
        return text
    raw = _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def escape_param(text: str) -> str:
    """`text` as the value of a parameter of a URI, also of a tel URI (RFC 3966 section 3 has the same characters)."""
    return _escape(text, _PARAM_UNSAFE)


def _escape(text: str, unsafe: re.Pattern[str]) -> str:
    if unsafe.search(text) is None:
        return text
    return unsafe.sub(_escape_character, text)


def _escape_character(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


def _shown(text: str) -> str:
    """A piece of a peer's text, short and printable, for an error."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def _same_tel(one: Uri, other: Uri) -> bool:
    # Few peers send tel URIs; a phone that never meets one does without the code.
    from device.sip.tel_uri import parse_tel  # noqa: PLC0415

    try:
        return parse_tel(one).matches(parse_tel(other))
    except SipParseError:
        return one.opaque.lower() == other.opaque.lower()


def host_key(host: str) -> str:
    """A host as it can be compared: in lower case without brackets, an IPv6 address as its eight groups (RFC 5954)."""
    host = host.lower().strip("[]")
    groups = _ipv6_groups(host) if ":" in host and len(host) <= 45 else None
    return host if groups is None else ":".join([f"{group:x}" for group in groups])


def _ipv6_groups(host: str) -> list[int] | None:
    """The eight groups of an IPv6 address, or None when it is not one.

    Its end may be an IPv4 address, by mistake behind three colons (RFC 5118 section 4.10).
    """
    head, double, tail = host.replace(":::", "::").partition("::")
    try:
        left, right = _ipv6_part(head), _ipv6_part(tail)
    except ValueError:
        return None
    gap = 8 - len(left) - len(right)
    if gap < (1 if double else 0) or (gap and not double):
        return None
    return left + [0] * gap + right


def _ipv6_part(text: str) -> list[int]:
    """The groups on one side of the double colon; an IPv4 address makes two. Raises ValueError."""
    pieces = text.split(":") if text else []
    groups = []
    for index, piece in enumerate(pieces):
        if "." in piece and index == len(pieces) - 1:
            one, two, three, four = (int(number) for number in piece.split("."))
            groups += [one << 8 | two, three << 8 | four]
        elif len(piece) <= 4:
            groups.append(int(piece, 16))
        else:
            raise ValueError
    return groups


def _params_match(mine: dict[str, str | None], theirs: dict[str, str | None]) -> bool:
    for name in mine.keys() & theirs.keys():
        if (mine[name] or "").lower() != (theirs[name] or "").lower():
            return False
    return not (mine.keys() ^ theirs.keys()) & _MUST_MATCH


def _headers_match(mine: tuple[tuple[str, str], ...], theirs: tuple[tuple[str, str], ...]) -> bool:
    if not mine and not theirs:
        return True
    return sorted((name.lower(), value) for name, value in mine) == sorted((n.lower(), v) for n, v in theirs)
