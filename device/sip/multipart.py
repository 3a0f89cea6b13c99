"""Bodies of several parts (RFC 2046 section 5.1, RFC 5621): finds the session description, bytes in and bytes out."""

from device.annotations import Final
from device.records import dataclass
from device.sip.core import MULTIPART, SDP
from device.sip.errors import SipParseError
from device.sip.header_names import is_token
from device.sip.header_syntax import LWS, parse_params, unquote

MAX_PARTS: Final = 16
"""How many parts of one body are read."""
MAX_DEPTH: Final = 2
"""A multipart in a multipart is read, what is nested deeper is a part of unknown type."""
_LONGEST_BOUNDARY: Final = 70
_PLAIN_ENCODINGS: Final = frozenset(("", "7bit", "8bit", "binary"))


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One part: its media type and disposition in lower case, and its bytes."""

    content_type: str
    disposition: str
    """ "" where the part has none; for a session description that means "session" (RFC 3261 section 20.11)."""
    handling: str
    """ "required", "optional", or "" where the sender did not say."""
    encoding: str
    body: bytes

    @property
    def is_session(self) -> bool:
        """Whether it describes the session, and not, for instance, an early one (RFC 3959)."""
        plain = self.encoding in _PLAIN_ENCODINGS
        return self.content_type == SDP and self.disposition in ("", "session") and plain


def find_session(content_type: str, body: bytes) -> bytes:
    """The session description in a multipart body, b"" when there is none or the body cannot be read.

    Of alternatives the last one counts, since the sender likes that best (RFC 2046 section 5.1.4).
    """
    try:
        found = [part.body for part in read_parts(content_type, body) if part.is_session]
    except SipParseError:
        return b""
    return found[-1 if _is_alternative(content_type) else 0] if found else b""


def is_acceptable(content_type: str, body: bytes) -> bool:
    """Whether a request with this multipart body may be served (RFC 5621 section 8.2). Raises SipParseError (400).

    A part that we do not know hinders only when it is marked as required, or when there is no session description
    beside it. The standard takes unmarked parts for required; but to turn away a call because its caller's gateway
    adds a location or an ISUP message without saying more would help nobody.
    """
    parts = read_parts(content_type, body)
    unknown = [part for part in parts if not part.is_session]
    if len(unknown) == len(parts):
        return bool(parts) and all(part.handling == "optional" for part in unknown)
    return _is_alternative(content_type) or all(part.handling != "required" for part in unknown)


def read_parts(content_type: str, body: bytes) -> list[BodyPart]:
    """All parts in order, those of a nested multipart in its place. Raises SipParseError (400) without a boundary."""
    return _read_parts(content_type, body, MAX_DEPTH)[:MAX_PARTS]


def _read_parts(content_type: str, body: bytes, depth: int) -> list[BodyPart]:
    parts: list[BodyPart] = []
    for piece in _split(body, _boundary(content_type)):
        value, part = _read_part(piece)
        if depth > 1 and part.content_type.startswith(MULTIPART):
            parts += _read_parts(value, part.body, depth - 1)
        else:
            parts.append(part)
    return parts


def _boundary(content_type: str) -> bytes:
    params = dict(parse_params(content_type.partition(";")[2])) if ";" in content_type else {}
    boundary = unquote(params.get("boundary") or "")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise SipParseError("a multipart body without a boundary")
    return boundary.encode()


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """What lies between the delimiter lines; a missing last one is forgiven, a preamble and an epilogue are dropped."""
    delimiter = b"--" + boundary
    pieces: list[bytes] = []
    start: int | None = None
    at = 0
    while len(pieces) < MAX_PARTS:
        found = body.find(delimiter, at)
        if found < 0:
            break
        at = found + len(delimiter)
        if found and body[found - 1 : found] != b"\n":
            continue
        line_end = body.find(b"\n", at)
        rest = body[at : line_end if line_end >= 0 else len(body)].rstrip(b" \t\r")
        if rest not in (b"", b"--"):
            continue
        if start is not None:
            pieces.append(_without_line_end(body[start:found]))
        if rest or line_end < 0:
            return pieces
        start = at = line_end + 1
    if start is not None and len(pieces) < MAX_PARTS:
        pieces.append(body[start:])
    return pieces


def _without_line_end(piece: bytes) -> bytes:
    """The line break before a delimiter belongs to that."""
    return piece[:-2] if piece.endswith(b"\r\n") else piece.removesuffix(b"\n")


def _read_part(piece: bytes) -> tuple[str, BodyPart]:
    """A part, and its Content-Type as it stands."""
    head, body = _cut_head(piece)
    lines = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    fields: dict[str, str] = {}
    for line in lines.replace("\n ", " ").replace("\n\t", " ").split("\n"):
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(LWS).lower(), value.strip(LWS))
    content_type = fields.get("content-type") or fields.get("c") or "text/plain"
    disposition, _, params = fields.get("content-disposition", "").partition(";")
    handling = ""
    for param in params.split(";"):
        name, _, value = param.partition("=")
        if name.strip(LWS).lower() == "handling":
            handling = unquote(value.strip(LWS)).lower()
    encoding = fields.get("content-transfer-encoding", "").lower()
    return content_type, BodyPart(_media_type(content_type), disposition.strip(LWS).lower(), handling, encoding, body)


def _cut_head(piece: bytes) -> tuple[bytes, bytes]:
    """Header fields and body, parted by the first empty line."""
    for empty in (b"\r\n", b"\n"):
        if piece.startswith(empty):
            return b"", piece[len(empty) :]
    head, _, body = min(piece.partition(b"\r\n\r\n"), piece.partition(b"\n\n"), key=lambda cut: len(cut[0]))
    return head, body


def _is_alternative(content_type: str) -> bool:
    return _media_type(content_type) == MULTIPART + "alternative"


def _media_type(content_type: str) -> str:
    kind, _, subtype = content_type.partition(";")[0].partition("/")
    kind, subtype = kind.strip(LWS), subtype.strip(LWS)
    return f"{kind}/{subtype}".lower() if is_token(kind) and is_token(subtype) else ""
