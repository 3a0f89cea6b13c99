"""REFER (RFC 3515) and what goes with it: Refer-To, Referred-By (3892), Refer-Sub (4488), sipfrag (3420), Replaces."""

import re

from device.annotations import Final
from device.records import dataclass
from device.sip.dialog import Dialog
from device.sip.errors import SipParseError
from device.sip.header_syntax import parse_params, split_commas
from device.sip.headers import parse_name_addr
from device.sip.message import REASON_PHRASES, Request
from device.sip.uri import Uri

SIPFRAG: Final = "message/sipfrag"
SIPFRAG_TYPE: Final = "message/sipfrag;version=2.0"
NOREFERSUB: Final = "norefersub"
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: ([^\r\n]*))?")
_LONGEST_REASON: Final = 80
_CARRIED: Final = frozenset(("replaces", "require", "accept-contact", "reject-contact"))
"""Header fields in a Refer-To URI that our INVITE takes over (RFC 3261 section 19.1.5: no others without thought)."""


@dataclass(frozen=True, slots=True)
class Replaces:
    """A Replaces header field (RFC 3891 section 6.1): the dialog as its recipient names it."""

    call_id: str
    to_tag: str
    """The recipient's own tag."""
    from_tag: str
    early_only: bool = False

    def __str__(self) -> str:
        text = f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}"
        return f"{text};early-only" if self.early_only else text


def parse_replaces(text: str) -> Replaces:
    """Read a Replaces header field. Raises SipParseError (400) for one without both tags, each once."""
    call_id, semicolon, rest = text.partition(";")
    call_id = call_id.strip()
    params = parse_params(rest) if semicolon else ()
    names = [name for name, _ in params]
    found = dict(params)
    to_tag, from_tag = found.get("to-tag"), found.get("from-tag")
    if not call_id or to_tag is None or from_tag is None or names.count("to-tag") + names.count("from-tag") != 2:
        raise SipParseError(f"Replaces without Call-ID, to-tag and from-tag: {text[:60]!a}")
    return Replaces(call_id, to_tag, from_tag, "early-only" in found)


def replaces_of(dialog: Dialog) -> Replaces:
    """How the other side of one of our dialogs is asked to replace it."""
    return Replaces(dialog.call_id, dialog.remote.tag or "0", dialog.local.tag or "0")


@dataclass(frozen=True, slots=True)
class Referral:
    """What a REFER asks for."""

    target: Uri
    """Whom to call, without header fields."""
    headers: tuple[tuple[str, str], ...]
    """What the INVITE must carry."""
    referred_by: str
    """The Referred-By header field as it came, "" without."""
    wants_notify: bool
    """False for Refer-Sub: false (RFC 4488 section 4)."""

    @property
    def is_attended(self) -> bool:
        """Whether the new call replaces another."""
        return any(name == "Replaces" for name, _ in self.headers)


def parse_referral(request: Request) -> Referral:
    """Read a REFER. Raises SipParseError with the status to answer: 400 or 416."""
    values = [piece for line in request.headers.get_all("Refer-To") for piece in split_commas(line)]
    if len(values) != 1:
        raise SipParseError(f"{len(values)} Refer-To where one must be (RFC 3515 section 2.4.2)", status=400)
    uri = parse_name_addr(values[0]).uri
    if uri.scheme not in ("sip", "tel"):
        raise SipParseError(f"Refer-To is a {uri.scheme} URI: only sip and tel can be called", status=416)
    method = uri.param("method") if uri.is_sip else None
    if method is not None and method.upper() != "INVITE":
        raise SipParseError(f"Refer-To asks for {method[:30]}: only INVITE is placed here", status=501)
    carried = _carried(uri.headers)
    referred_by = request.headers.get("Referred-By") or ""
    subscribes = (request.headers.get("Refer-Sub") or "true").partition(";")[0].strip().lower() != "false"
    return Referral(uri.target(), carried, referred_by, subscribes)


def _carried(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The header fields of the URI that an INVITE takes over, checked as if they had come in a request."""
    carried = []
    for name, value in headers:
        if name.lower() in _CARRIED and value.isprintable():
            carried.append(("-".join(word.capitalize() for word in name.split("-")), value))
    replaces = [value for name, value in carried if name == "Replaces"]
    if len(replaces) > 1:
        raise SipParseError("Refer-To with several Replaces", status=400)
    for value in replaces:
        parse_replaces(value)
    return tuple(carried)


def build_sipfrag(status: int, reason: str = "") -> bytes:
    """The body of a NOTIFY of the refer package: the status line is enough (RFC 3515 section 2.4.5)."""
    return f"SIP/2.0 {status} {reason or REASON_PHRASES.get(status, 'Unknown')}\r\n".encode()


def parse_sipfrag(body: bytes) -> tuple[int, str] | None:
    """Status and reason phrase of the response in a sipfrag, None when it holds none."""
    match = _STATUS_LINE.match(body[:256].decode("utf-8", "replace").lstrip("\r\n"))
    if match is None:
        return None
    reason = (match[2] or "").strip()
    return int(match[1]), reason[:_LONGEST_REASON] if reason.isprintable() else ""


def refer_to(target: Uri, replaces: Replaces | None = None) -> str:
    """A Refer-To value; the Replaces goes into the URI, escaped (RFC 3891 section 6.1)."""
    if replaces is None:
        return f"<{target}>"
    with_headers = Uri(
        target.scheme, target.user, "", target.host, target.port, target.params, (("Replaces", str(replaces)),)
    )
    return f"<{with_headers}>"
