"""Who a caller is and whether that may be shown: Privacy (RFC 3323), asserted identities (RFC 3325), what was before.

Remote-Party-ID is a draft that never became an RFC, but many exchanges still send it.
"""

from device.annotations import Final
from device.sip.errors import SipParseError
from device.sip.header_syntax import split_commas
from device.sip.headers import Headers, NameAddr, parse_name_addr
from device.sip.message import Request, Response
from device.sip.uri import Uri

ANONYMOUS: Final = "Anonymous"
ANONYMOUS_URI: Final = Uri("sip", user="anonymous", host="anonymous.invalid")
"""Who a caller is who wants to stay unknown (RFC 3323 section 4.1.1.3)."""
_HIDES_CALLER: Final = frozenset(("id", "user", "header", "session", "full", "uri", "name"))


def asserted_identity(headers: Headers) -> NameAddr | None:
    """The first sip address of P-Asserted-Identity, or else of Remote-Party-ID; a tel one if there is no other.

    Counts only in a message from a server that is trusted.
    """
    for name in ("P-Asserted-Identity", "Remote-Party-ID"):
        found = _addresses(headers, name)
        for address in found:
            if address.uri.is_sip:
                return address
        if found:
            return found[0]
    return None


def _addresses(headers: Headers, name: str) -> list[NameAddr]:
    found = []
    for line in headers.get_all(name):
        try:
            addresses = [parse_name_addr(piece) for piece in split_commas(line, skip_empty=True)]
        except SipParseError:
            continue
        found += [one for one in addresses if (one.param("party") or "calling") in ("calling", "called")]
    return found


def is_private(message: Request | Response) -> bool:
    """Whether the other party wants to stay unknown: by Privacy, Remote-Party-ID, or an anonymous From."""
    headers = message.headers
    wanted = {token.strip().lower() for value in headers.get_all("Privacy") for token in value.split(";")}
    if wanted & _HIDES_CALLER:
        return True
    for address in _addresses(headers, "Remote-Party-ID"):
        if (address.param("privacy") or "off").lower() not in ("off", "name=off"):
            return True
    return not message.is_response and message.from_.uri.host == ANONYMOUS_URI.host
