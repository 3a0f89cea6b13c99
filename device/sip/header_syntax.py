"""The syntax that header field values share (RFC 3261 section 25.1): quoting, lists, parameters, numbers."""

import re
from collections.abc import Iterable

from device.sip.errors import SipParseError
from device.sip.uri import Params, check_repeated

DEFAULT_EXPIRES_S = 3600
"""What a malformed or too large expiry counts as, in seconds (RFC 3261 section 20.10, RFC 4475 section 3.1.2.4)."""

LWS = " \t"
"""Linear white space, once lines are unfolded."""

QUOTED_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r'["\\]')
_COMMA_OR_GROUP = re.compile(QUOTED_STRING.pattern + r'|<[^>]*>|[",<]', re.DOTALL)
_SEMICOLON_OR_QUOTED = re.compile(QUOTED_STRING.pattern + r'|[";]', re.DOTALL)
_PARAM_VALUE_PLAIN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~:\[\]]+")
_FOLD = re.compile(r"\r\n[ \t]+")


def parse_int_header(text: str, maximum: int = 2**32 - 1) -> int:
    """Read decimal digits, 0 to `maximum`. Raises SipParseError (400)."""
    if not is_digits(text):
        raise SipParseError(f"not a number: {text[:60]!a}")
    digits = text if len(text) <= 10 else text.lstrip("0") or "0"
    if len(digits) > 10 or int(digits) > maximum:
        raise SipParseError(f"a number above {maximum}: {text[:60]!a}")
    return int(digits)


def parse_expires(text: str) -> int:
    """Seconds of an Expires or Min-Expires value; what is malformed or above 2**32 - 1 counts as 3600."""
    return lenient_seconds(text.partition(";")[0].strip(LWS))


def lenient_seconds(text: str) -> int:
    """Seconds of an expiry; 3600 for what is malformed or above 2**32 - 1."""
    try:
        return parse_int_header(text)
    except SipParseError:
        return DEFAULT_EXPIRES_S


def parse_q(text: str | None) -> float:
    """A qvalue, 0.0 to 1.0; 1.0 when absent or malformed (RFC 3261 section 20.10)."""
    if text and len(text) <= 5 and text[0] in "01" and is_digits(text.replace(".", "", 1)):
        return min(float(text), 1.0)
    return 1.0


def parse_token_list(values: str | Iterable[str]) -> list[str]:
    """Read Allow, Supported, Require and their kin: comma-separated tokens, parameters cut off; empty is empty."""
    if isinstance(values, str):
        values = (values,)
    tokens = (token.partition(";")[0].strip(LWS) for value in values for token in value.split(","))
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
    pieces = [piece.strip(LWS) for piece in pieces]
    if "" in pieces:
        if skip_empty:
            return [piece for piece in pieces if piece]
        raise SipParseError(f"an empty element in a list: {text[:60]!a}")
    return pieces


def comma_pieces(values: str | Iterable[str]) -> list[str]:
    """The elements of a list over one or several lines."""
    if isinstance(values, str):
        return split_commas(values)
    return [piece for value in values for piece in split_commas(value)]


def parse_params(text: str) -> Params:
    """Read `name=value;name;...` as it follows the first semicolon; one semicolon at the end is forgiven.

    Values stay as sent, quoted strings with quotes. Raises SipParseError for an empty or malformed parameter, and for
    one that comes again with another value (section 7.3.1).
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
        name = name.strip(LWS).lower()
        if not name:
            if not equals and 0 < len(params) == len(pieces) - 1:
                break
            raise SipParseError(f"a parameter without a name: {text[:60]!a}")
        params.append((name, value.strip(LWS) if equals else None))
    if len(params) > 1 and len(dict(params)) != len(params):
        check_repeated(params)
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


def set_param(params: Params, name: str, value: str | None) -> Params:
    """`params` with one added or changed in its place; a value that is no token is quoted, None makes none."""
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


def is_digits(text: str) -> bool:
    """Whether the text is decimal digits of ASCII, at least one."""
    return text.isascii() and text.isdigit()
