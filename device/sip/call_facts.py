"""What an INVITE says about the caller besides name and address, as plain facts for the phone and its log.

Nothing here refuses a call: what cannot be read is left out.
"""

import re

from device.annotations import Final
from device.model import CallId
from device.records import dataclass
from device.sip.asserted_identity import ANONYMOUS, asserted_identity, is_private
from device.sip.core import readable
from device.sip.errors import SipParseError
from device.sip.header_syntax import parse_params, split_commas
from device.sip.headers import Headers, parse_name_addr
from device.sip.message import Request

MAX_HISTORY: Final = 10
"""How many entries of a History-Info or Diversion are kept."""
_LONGEST: Final = 200
"""Characters of a text that are kept."""
_BELLCORE = re.compile(r"bellcore-?dr-?([1-8])", re.IGNORECASE)
_RINGS: Final = {
    "alertinternal": "internal",
    "alertexternal": "external",
    "internal": "internal",
    "external": "external",
    "alertgroup": "bellcore-dr3",
    "alertcommunityalarm": "door",
    "doorphone": "door",
    "door": "door",
    "alertdoor": "door",
}
"""What the info parameter of an Alert-Info, or the last word of its URN (RFC 7462), means for the bell."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the caller, or the servers on the way, added to a call. Every text is printable; empty means not said."""

    caller: str = ""
    """URI text of the caller as it is to be shown: asserted by our server if it did, otherwise the From."""
    caller_name: str = ""
    asserted: bool = False
    """Whether our own server vouches for the caller (RFC 3325)."""
    private: bool = False
    """The caller wants to stay unknown (RFC 3323)."""
    alert: str = ""
    """The name of a cadence of the bell that the caller asks for."""
    alert_info: str = ""
    """The first Alert-Info as it came."""
    call_info: tuple[str, ...] = ()
    """Pictures, cards and pages about the caller, as "purpose URI"."""
    subject: str = ""
    priority: str = ""
    organization: str = ""
    diverted_by: tuple[str, ...] = ()
    """Who sent the call on to us, the last one first, as "URI" or "URI (reason)" (RFC 5806)."""
    history: tuple[str, ...] = ()
    """Whom the call was for on its way, the first one first (RFC 7044)."""
    answer_mode: str = ""
    """"auto" or "manual" (RFC 5373)."""
    answer_mode_required: bool = False
    """The caller had rather be refused than answered in another way."""
    referred_by: str = ""
    """URI text of who sent the caller to us (RFC 3892)."""
    replaces: CallId | None = None
    """The call of ours whose place this one takes (RFC 3891)."""


def read_facts(invite: Request, *, trusted: bool, replaces: CallId | None = None) -> CallFacts:
    """The facts of an INVITE with one of `callee_session.TELLING`; a `trusted` server may assert another caller."""
    headers = invite.headers
    private = is_private(invite)
    from_ = invite.from_
    caller, name = str(from_.uri), readable(from_.display_name)
    asserted = asserted_identity(headers) if trusted else None
    if asserted is not None and not private:
        caller, name = str(asserted.uri), readable(asserted.display_name) or name
    elif private:
        name = name or ANONYMOUS
    mode, required = _answer_mode(headers)
    alert_info = _first(headers, "Alert-Info")
    return CallFacts(
        caller,
        name,
        asserted is not None,
        private,
        _alert(headers),
        alert_info,
        _call_info(headers),
        _text(headers, "Subject"),
        _text(headers, "Priority").lower(),
        _text(headers, "Organization"),
        _diversions(headers),
        _history(headers),
        mode,
        required,
        _uri_of(headers.get("Referred-By")),
        replaces,
    )


def _shown(text: str) -> str:
    text = readable(text.strip())[:_LONGEST]
    return text if text.isprintable() else "".join(letter for letter in text if letter.isprintable())


def _text(headers: Headers, name: str) -> str:
    return _shown(headers.get(name) or "")


def _pieces(headers: Headers, name: str) -> list[str]:
    """The elements of a list header; those of a line that cannot be split are left out."""
    found: list[str] = []
    for line in headers.get_all(name):
        try:
            found += split_commas(line, skip_empty=True)
        except SipParseError:
            continue
    return found


def _first(headers: Headers, name: str) -> str:
    pieces = _pieces(headers, name)
    return _shown(pieces[0]) if pieces else ""


def _parts(piece: str) -> tuple[str, dict[str, str | None]]:
    """The URI in angle brackets, or without them, and the parameters after it."""
    uri, bracket, rest = piece.partition(">")
    if not bracket:
        uri, _, rest = piece.partition(";")
        rest = ";" + rest
    try:
        params = dict(parse_params(rest.lstrip()[1:])) if rest.lstrip().startswith(";") else {}
    except SipParseError:
        params = {}
    return uri.rpartition("<")[2].strip(), params


def _alert(headers: Headers) -> str:
    """The cadence that an Alert-Info asks for: Bellcore-drN, info=alert-internal, urn:alert:source:internal."""
    for piece in _pieces(headers, "Alert-Info"):
        uri, params = _parts(piece)
        for said in (params.get("info") or "", uri, piece):
            match = _BELLCORE.search(said)
            if match is not None:
                return f"bellcore-dr{match[1]}"
        for said in (params.get("info") or "", uri.rpartition(":")[2], uri.rpartition("/")[2]):
            known = _RINGS.get(said.strip('"').lower().replace("-", "").replace(" ", ""))
            if known is not None:
                return known
    return ""


def _call_info(headers: Headers) -> tuple[str, ...]:
    found = []
    for piece in _pieces(headers, "Call-Info")[:MAX_HISTORY]:
        uri, params = _parts(piece)
        found.append(_shown(f"{params.get('purpose') or 'info'} {uri}"))
    return tuple(found)


def _diversions(headers: Headers) -> tuple[str, ...]:
    found = []
    for piece in _pieces(headers, "Diversion")[:MAX_HISTORY]:
        uri, params = _parts(piece)
        reason = (params.get("reason") or "").strip('"')
        found.append(_shown(f"{uri} ({reason})" if reason else uri))
    return tuple(found)


def _history(headers: Headers) -> tuple[str, ...]:
    """The addresses of a History-Info in the order of their index; header fields in the URIs are left out."""
    entries = []
    for piece in _pieces(headers, "History-Info")[: 2 * MAX_HISTORY]:
        uri, params = _parts(piece)
        index = params.get("index") or ""
        numbers = [int(part) for part in index.split(".") if part.isascii() and part.isdigit() and len(part) < 6]
        entries.append((numbers, _shown(uri.partition("?")[0])))
    entries.sort(key=lambda entry: entry[0])
    return tuple(uri for _, uri in entries)[:MAX_HISTORY]


def _answer_mode(headers: Headers) -> tuple[str, bool]:
    for name in ("Priv-Answer-Mode", "Answer-Mode"):
        value, _, params = (headers.get(name) or "").partition(";")
        mode = value.strip().lower()
        if mode in ("auto", "manual"):
            return mode, "require" in [param.strip().lower() for param in params.split(";")]
    return "", False


def _uri_of(text: str | None) -> str:
    if not text:
        return ""
    try:
        return _shown(str(parse_name_addr(text).uri))
    except SipParseError:
        return ""
