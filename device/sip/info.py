"""INFO: which requests say something (RFC 6086 and what was usual before it), and the digits in them."""

import re

from device.annotations import Final
from device.records import dataclass
from device.sip.incoming_request import Refusal
from device.sip.message import Request

DTMF_RELAY: Final = "application/dtmf-relay"
DTMF: Final = "application/dtmf"
ACCEPT: Final = f"{DTMF_RELAY}, {DTMF}"
RECV_INFO: Final = ""
"""The info packages that we take: none. An empty Recv-Info says so (RFC 6086 section 5.2.3)."""

_SIGNAL: Final = re.compile(r"^\s*signal\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_DURATION: Final = re.compile(r"^\s*duration\s*=\s*(\d{1,5})\s*$", re.IGNORECASE | re.MULTILINE)
_DIGITS: Final = "0123456789*#ABCD"
_EVENTS: Final = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D", "star": "*", "pound": "#"}
"""Signals written as events of RFC 4733, or in words."""


@dataclass(frozen=True, slots=True)
class InfoVerdict:
    """What to do about an INFO: refuse it, or answer 200 and, where there is one, pass on the digit."""

    refusal: Refusal | None = None
    digit: str = ""
    duration_s: float = 0.0
    """How long the key was held by what the body says, 0 where it says nothing."""


def judge_info(request: Request) -> InfoVerdict:
    """Read an INFO within a call."""
    if "Info-Package" in request.headers:
        # Packages must be agreed first, and we have offered none (RFC 6086 section 4.2.2).
        return InfoVerdict(Refusal(469, (("Recv-Info", RECV_INFO),), "Bad Info Package"))
    if not request.body:
        return InfoVerdict()
    if request.content_type not in (DTMF_RELAY, DTMF):
        return InfoVerdict(Refusal(415, (("Accept", ACCEPT),)))
    digit = read_digit(request.content_type, request.body)
    if not digit:
        return InfoVerdict(Refusal(400, reason="No digit in the body"))
    return InfoVerdict(digit=digit, duration_s=_read_duration(request.body))


def read_digit(content_type: str, body: bytes) -> str:
    """The digit of a DTMF body, "" for none; a hook flash (signal "!" or 16) is none of ours."""
    text = _text(body)
    match = _SIGNAL.search(text)
    signal = match[1] if match is not None else text.strip() if content_type == DTMF else ""
    signal = _EVENTS.get(signal.lower(), signal.upper())
    return signal if len(signal) == 1 and signal in _DIGITS else ""


def _read_duration(body: bytes) -> float:
    match = _DURATION.search(_text(body))
    return int(match[1]) / 1000 if match is not None else 0.0


def _text(body: bytes) -> str:
    return body[:256].decode("ascii", "replace")


def build_digit(content_type: str, digit: str, duration_ms: int) -> bytes:
    """The body of an INFO with one digit: with its length in `application/dtmf-relay`, alone in `application/dtmf`."""
    if content_type == DTMF:
        return digit.encode()
    return f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode()
