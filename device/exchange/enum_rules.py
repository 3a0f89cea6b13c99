"""Telephone numbers in DNS (ENUM, RFC 6116): the name to ask for a number, and what the answer says of SIP."""

import re
from collections.abc import Iterable

from device.annotations import Final
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.uri import Uri, parse_uri

TERMINAL: Final = "U"
SERVICES: Final = frozenset(("E2U+SIP", "SIP+E2U"))
"""The enumservice of SIP (RFC 3764), and how it was written at first."""
LONGEST_EXPRESSION: Final = 128
MAX_REPEATS: Final = 3
"""Unbounded repetitions in one expression; real ones have one. Strangers write them, and must not keep us busy."""
MAX_URIS: Final = 5

_REPEAT: Final = re.compile(r"[*+{]")
_REPEATED_GROUP: Final = re.compile(r"\)[*+?{]")
_REFERENCE: Final = re.compile(r"\\([1-9])")


@dataclass(frozen=True, slots=True)
class EnumRecord:
    """One NAPTR record (RFC 3403 section 4.1); flags and service in capitals."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str


def enum_name(number: str, root: str) -> str:
    """The domain name of a number with + and country code (RFC 6116 section 3.2): its digits backwards."""
    return ".".join([*reversed(number.removeprefix("+")), root.strip(".")])


def sip_uris(number: str, records: Iterable[EnumRecord]) -> list[Uri]:
    """Where a number is to be called by SIP, the best first; records that cannot be read are passed over.

    Those that lead to further names (non-terminal ones) are not followed.
    """
    found: list[Uri] = []
    for record in sorted(records, key=lambda one: (one.order, one.preference)):
        services = record.service.split(":")[0]
        if record.flags != TERMINAL or services not in SERVICES:
            continue
        text = _rewritten(number, record.regexp)
        try:
            uri = parse_uri(text)
        except SipParseError:
            continue
        if uri.scheme == "sip" and len(found) < MAX_URIS:
            found.append(uri)
    return found


def _rewritten(number: str, regexp: str) -> str:
    """The number by a substitution expression (RFC 3402 section 3.2); "" where it says nothing of this number."""
    if len(regexp) < 3 or regexp[0].isalnum() or regexp[0] == "\\":
        return ""
    parts = regexp[1:].split(regexp[0])
    if len(parts) != 3 or parts[2] not in ("", "i", "I"):
        return ""
    pattern, replacement, _ = parts
    repeats = len(_REPEAT.findall(pattern.replace("\\+", "").replace("\\*", "")))
    if len(pattern) > LONGEST_EXPRESSION or repeats > MAX_REPEATS or _REPEATED_GROUP.search(pattern):
        return ""
    try:
        match = re.search(pattern, number)
    except re.error:
        return ""
    if match is None:
        return ""
    groups = ("", *match.groups())
    return _REFERENCE.sub(lambda found: dict(enumerate(groups)).get(int(found[1])) or "", replacement)
