"""Why calls end, in words for the call log and the log file; statuses are those of RFC 3261 section 21."""

import re
from collections.abc import Iterable

from device.sip.message import REASON_PHRASES

_LONGEST_REASON = 80

_TEXTS = {
    300: "the number has several addresses, none of which answered",
    301: "the number has moved",
    302: "the number has moved for now",
    305: "the server asks for another proxy",
    380: "the server offers only another service",
    400: "the server did not understand the request",
    401: "the server asks for a password",
    402: "the server asks for payment",
    403: "forbidden by the server",
    404: "number not found",
    405: "the other side takes no calls",
    406: "the other side cannot answer in a form we take",
    407: "the server asks for a password",
    408: "no answer from the network",
    410: "the number is no longer in use",
    413: "the request was too large",
    415: "the other side does not take this kind of session",
    416: "the server does not serve this kind of address",
    420: "the other side asks for an extension we lack",
    421: "the other side asks for an extension we lack",
    422: "the session would be too short for the other side",
    480: "not available now",
    481: "the other side does not know this call",
    482: "the call came back to itself",
    483: "the call went through too many servers",
    484: "number incomplete",
    485: "number ambiguous",
    486: "busy",
    487: "cancelled",
    488: "no common codec",
    491: "both sides changed the call at once",
    500: "the server failed",
    501: "the server cannot do this",
    502: "a gateway on the way failed",
    503: "service unavailable",
    504: "a server on the way did not answer",
    505: "the server speaks another version of SIP",
    513: "the request was too large",
    600: "busy everywhere",
    603: "declined",
    604: "number does not exist anywhere",
    606: "no common codec",
}
_BY_CLASS = {3: "redirected", 4: "refused", 5: "the server failed", 6: "refused everywhere"}

_Q850_TEXTS = {
    1: "unallocated number",
    2: "no route to the network",
    3: "no route to the number",
    17: "user busy",
    18: "no user responding",
    19: "no answer from the user",
    20: "subscriber absent",
    21: "call rejected",
    22: "number changed",
    26: "answered elsewhere",
    27: "destination out of order",
    28: "invalid number format",
    29: "facility rejected",
    31: "normal, unspecified",
    34: "no circuit available",
    38: "network out of order",
    41: "temporary failure",
    42: "switching equipment congestion",
    47: "resource unavailable",
    50: "facility not subscribed",
    55: "incoming calls barred",
    57: "bearer capability not authorized",
    58: "bearer capability not available",
    63: "service not available",
    65: "bearer capability not implemented",
    79: "service not implemented",
    88: "incompatible destination",
    102: "a timer expired",
    111: "protocol error",
    127: "interworking, unspecified",
}
"""What the commoner causes of ITU-T Q.850 mean (table 1 there)."""

_NORMAL_CLEARING = 16
"""Somebody hung up: what needs no words."""

_REASON_CAUSE = re.compile(r"^\s*(SIP|Q\.850)\s*;(?:[^,]*;)?\s*cause\s*=\s*(\d{1,3})\b", re.IGNORECASE)
_REASON_TEXT = re.compile(r';\s*text\s*=\s*"([^"\\]{1,80})"', re.IGNORECASE)


def cause_text(status: int, reason: str = "") -> str:
    """What a status means for a call, such as "busy" for 486, with the reason phrase where it says something else."""
    text = _TEXTS.get(status) or _BY_CLASS.get(status // 100, "ended")
    if reason and reason.isprintable() and reason.lower() not in (REASON_PHRASES.get(status, "").lower(), text):
        return f"{text} ({reason[:_LONGEST_REASON]})"
    return text


def reason_of(status: int, text: str) -> str:
    """A Reason header field that says why we end a call (RFC 3326): our status, or for a plain hang-up Q.850's 16."""
    if not status:
        return 'Q.850;cause=16;text="Normal call clearing"'
    words = "".join(character for character in text if character.isprintable() and character not in '"\\')
    return f'SIP;cause={status};text="{words[:_LONGEST_REASON]}"'


def answered_elsewhere(reasons: Iterable[str]) -> bool:
    """Whether a CANCEL says that another phone took the call: RFC 3326 cause 200, or Q.850's 26."""
    found = [(match[1].upper(), int(match[2])) for match in map(_REASON_CAUSE.match, reasons) if match is not None]
    return ("SIP", 200) in found or ("Q.850", 26) in found


def reason_text(reasons: list[str]) -> str:
    """Why, in words, by the first Reason header that says so: its own text, or what its Q.850 cause means; else ""."""
    for reason in reasons:
        match = _REASON_TEXT.search(reason)
        if match is not None and match[1].isprintable():
            return match[1]
    for reason in reasons:
        cause = _REASON_CAUSE.match(reason)
        if cause is not None and cause[1].upper() == "Q.850" and int(cause[2]) != _NORMAL_CLEARING:
            return _Q850_TEXTS.get(int(cause[2]), f"Q.850 cause {cause[2]}")
    return ""


def with_reason(text: str, reasons: list[str]) -> str:
    """`text`, and in brackets what the Reason headers of the message add to it."""
    reason = reason_text(reasons)
    return f"{text} ({reason})" if reason and reason.lower() not in text.lower() else text
