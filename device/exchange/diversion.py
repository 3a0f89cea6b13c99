"""What a request tells of how it was sent on: Diversion (RFC 5806) and History-Info (RFC 7044)."""

from device.annotations import Final
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.header_syntax import is_digits, split_commas
from device.sip.headers import NameAddr, parse_name_addr
from device.sip.message import Request
from device.sip.uri import Uri

MAX_DIVERSIONS: Final = 5
"""How often a call may be sent on, here and elsewhere."""

UNCONDITIONAL, BUSY, NO_ANSWER, UNAVAILABLE, DEFLECTION = (
    "unconditional",
    "user-busy",
    "no-answer",
    "unavailable",
    "deflection",
)
"""Reasons of RFC 5806 section 10.1."""

_CAUSES: Final = {UNCONDITIONAL: 302, BUSY: 486, NO_ANSWER: 408, UNAVAILABLE: 503, DEFLECTION: 480}
"""The same as the cause parameter of RFC 4458 section 3 says them."""

_FAILURES: Final = {BUSY: 486, NO_ANSWER: 408, UNAVAILABLE: 480, DEFLECTION: 302}
"""What the place that the call was for came to, in the words of a Reason (RFC 7044 section 10.2)."""


@dataclass(frozen=True, slots=True)
class Diversion:
    """A call for `diverter` was sent on."""

    diverter: Uri
    reason: str


def diverters_of(request: Request) -> list[Uri]:
    """Who has sent a request on before it came, the last one first; what cannot be read is left out."""
    return [address.uri for address in _addresses(request, "Diversion")]


def diversion_fields(request: Request, diversions: tuple[Diversion, ...], target: Uri) -> tuple[tuple[str, str], ...]:
    """The header fields for `target` that tell of `diversions`, the first one first; none where there are none."""
    if not diversions:
        return ()
    found = [("Diversion", f"<{one.diverter}>;reason={one.reason};counter=1") for one in reversed(diversions)]
    index = _last_index(request)
    first = diversions[0]
    index = f"{index}.1" if index else "1"
    found.append(("History-Info", f"<{_ended(first.diverter, first.reason)}>;index={index}"))
    for position, one in enumerate(diversions):
        is_last = position == len(diversions) - 1
        following = target if is_last else diversions[position + 1].diverter
        uri = following.with_params(cause=str(_CAUSES[one.reason]))
        if not is_last:
            uri = _ended(uri, diversions[position + 1].reason)
        found.append(("History-Info", f"<{uri}>;index={index}.1;mp={index}"))
        index += ".1"
    return tuple(found)


def _ended(uri: Uri, reason: str) -> Uri:
    """The URI with what it came to, which unconditional diversion does not say."""
    failure = _FAILURES.get(reason)
    if failure is None:
        return uri
    return Uri(
        uri.scheme, uri.user, uri.password, uri.host, uri.port, uri.params, (("Reason", f"SIP;cause={failure}"),)
    )


def _last_index(request: Request) -> str:
    for address in reversed(_addresses(request, "History-Info")):
        index = dict(address.params).get("index")
        if index and all(is_digits(number) for number in index.split(".")):
            return index
    return ""


def _addresses(request: Request, name: str) -> list[NameAddr]:
    found = []
    for line in request.headers.get_all(name):
        try:
            found += [parse_name_addr(piece) for piece in split_commas(line, skip_empty=True)]
        except SipParseError:
            continue
    return found
