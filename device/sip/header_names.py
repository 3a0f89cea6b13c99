"""The names of header fields and methods: usual spellings, compact forms, which may stand only once (section 20)."""

import re

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")

_METHODS = "INVITE ACK BYE CANCEL REGISTER OPTIONS PRACK SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE"

METHODS = frozenset(_METHODS.split())
"""The methods of RFC 3261 and its extensions; others are read just as well."""

_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

_IRREGULAR = """Call-ID CSeq WWW-Authenticate MIME-Version RAck RSeq SIP-ETag SIP-If-Match Accept Accept-Encoding
    Accept-Language Alert-Info Allow Authentication-Info Authorization Call-Info Content-Disposition Content-Language
    Date Diversion Error-Info Expires History-Info In-Reply-To Join Max-Forwards Min-Expires Min-SE Organization
    P-Asserted-Identity P-Called-Party-ID P-Early-Media P-Preferred-Identity Path Priority Privacy Proxy-Authenticate
    Proxy-Authorization Proxy-Require Reason Record-Route Remote-Party-ID Replaces Reply-To Require Retry-After Route
    Security-Client Security-Server Security-Verify Server Service-Route Subscription-State Timestamp Unsupported
    User-Agent Warning"""
"""Names that capitalising each word gets wrong, and those so common that their look-up should be quick."""

_SINGLE = """Call-ID CSeq Content-Disposition Content-Length Content-Type Date Event Expires From Max-Forwards
    Min-Expires Min-SE MIME-Version RAck Referred-By Refer-To Replaces Retry-After RSeq Session-Expires SIP-ETag
    SIP-If-Match Subscription-State Timestamp To"""

SINGLE = frozenset(_SINGLE.split())
"""Header fields that may stand only once in a message (section 20 and the RFCs of the extensions)."""

IDENTITY = frozenset(("Call-ID", "CSeq", "From", "Max-Forwards", "To"))
"""Those of them that may not even be repeated with the same value."""

KNOWN_NAMES: dict[str, str] = {}
"""Canonical names by every spelling seen; only `canonical_name` adds to it."""

for _name in (*_IRREGULAR.split(), *_COMPACT.values()):
    KNOWN_NAMES[_name] = KNOWN_NAMES[_name.lower()] = KNOWN_NAMES[_name.upper()] = _name
for _letter, _name in _COMPACT.items():
    KNOWN_NAMES[_letter] = KNOWN_NAMES[_letter.upper()] = _name

_CACHE_ENTRIES = len(KNOWN_NAMES) + 256
_CACHE_NAME_LENGTH = 64


def canonical_name(name: str) -> str:
    """The usual spelling of a header field's name: "i", "call-id" and "CALL-ID" give "Call-ID".

    Names that are not known have each word capitalised. White space around the name is dropped.
    """
    found = KNOWN_NAMES.get(name)
    if found is not None:
        return found
    lower = name.strip(" \t").lower()
    found = KNOWN_NAMES.get(lower) or "-".join([word.capitalize() for word in lower.split("-")])
    if len(KNOWN_NAMES) < _CACHE_ENTRIES and len(name) <= _CACHE_NAME_LENGTH and _TOKEN.fullmatch(name):
        KNOWN_NAMES[name] = found
    return found


def is_token(text: str) -> bool:
    """Whether it is a token of RFC 3261 section 25.1: a method, a header field's name, an option tag."""
    return text in METHODS or _TOKEN.fullmatch(text) is not None
