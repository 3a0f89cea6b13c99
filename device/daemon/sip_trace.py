"""SIP messages as a trace shows them: text, with what could help to guess a password struck out."""

import re

from device.sip.hop import Hop

SHOWN_BYTES = 16_384
"""Longest part of a message that a trace shows."""

_SECRETS = re.compile(r"^((?:Proxy-)?Authorization|Authentication-Info)(\s*:.*)$", re.IGNORECASE | re.MULTILINE)
_DIGESTS = re.compile(r'\b(response|rspauth|cnonce|ha1|password)(\s*=\s*)("(?:[^"\\]|\\.)*"|[^\s,]+)', re.IGNORECASE)


def redact(message: str) -> str:
    """`message` without digest responses: with nonce and response in hand, a password can be guessed offline."""
    return _SECRETS.sub(lambda match: match[1] + _DIGESTS.sub(r'\1\2"***"', match[2]), message)


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
