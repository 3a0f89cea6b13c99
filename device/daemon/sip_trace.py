"""SIP messages as a trace shows them: text, with what could help to guess a password struck out."""

import re

from device.sip.hop import Hop

SHOWN_BYTES = 16_384
"""Longest part of a message that a trace shows."""

_SECRETS = re.compile(
    r"^((?:Proxy-)?Authorization|(?:Proxy-)?Authentication-Info)([ \t]*:)(.*(?:\r?\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
"""Header fields that may carry secrets, with their folded lines (RFC 3261 section 7.3.1)."""

_DIGESTS = re.compile(r'\b(response|rspauth|cnonce|ha1|password)(\s*=\s*)("(?:[^"\\]|\\.)*"|[^\s,]+)', re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"^\s*(?!Digest\b)(\w+)\s+[^\s=]+", re.IGNORECASE)
"""Basic and Bearer credentials are secrets as a whole."""

_URI_PASSWORD = re.compile(r"\b(sips?:[^:@\s<>\"]*):[^@\s<>\";]*@", re.IGNORECASE)
_MEDIA_KEY = re.compile(r"\binline:[^|\s]+")
"""The key of a session description with `a=crypto` (RFC 4568 section 6.1)."""


def redact(message: str) -> str:
    """`message` without digest responses: with nonce and response in hand, a password can be guessed offline.

    Passwords in clear (Basic, in a URI) and the keys of encrypted sound go, too.
    """
    message = _SECRETS.sub(lambda match: match[1] + match[2] + _redact_field(match[3]), message)
    return _MEDIA_KEY.sub("inline:***", _URI_PASSWORD.sub(r"\1:***@", message))


def _redact_field(value: str) -> str:
    return _DIGESTS.sub(r'\1\2"***"', _OTHER_SCHEME.sub(r" \1 ***", value))


def trace_record(direction: str, data: bytes, hop: Hop, at: float) -> dict[str, object]:
    """One message for the topic "sip" of the control socket; `at` in Unix seconds."""
    text = redact(data[:SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    return {
        "direction": direction,
        "peer": str(hop),
        "at": at,
        "bytes": len(data),
        "first_line": text.partition("\r\n")[0],
        "text": text,
    }
