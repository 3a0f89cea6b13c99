"""When a registration that stands is renewed, and how often the way to its server is kept open."""

from device.annotations import Final
from device.model import Account
from device.sip.hop import Hop
from device.sip.registration_grant import Grant

REFRESH_MARGIN_S: Final = 75.0
"""How long before its end a registration is renewed, so that two attempts fit that nobody answers (Timer F is 32 s);
half the lifetime for short ones."""
REFRESH_SPREAD: Final = 0.1
"""By how much of itself a refresh comes earlier on some phones, lest those that started together stay together."""

STREAM_KEEPALIVE_S: Final = 120.0
DATAGRAM_KEEPALIVE_S: Final = 29.0
"""The upper bounds of RFC 5626 section 4.4; a fifth of it is left to chance."""


def refresh_pause(lifetime_s: int, spread: float) -> float:
    """How long after a 2xx the registration is renewed."""
    return max(lifetime_s / 2, lifetime_s - REFRESH_MARGIN_S) * (1 - REFRESH_SPREAD * spread)


def keepalive_of(account: Account, hop: Hop, grant: Grant, is_translated: bool) -> tuple[str, float] | None:
    """What keeps the flow to `hop` open, and the most seconds between two of it; None for nothing.

    A datagram needs it behind address translation alone, or where the server sends calls over the flow.
    """
    kind = account.keepalive
    if kind == "auto":
        if hop.is_reliable:
            kind = "crlf"
        elif grant.outbound:
            kind = "stun"
        else:
            kind = "crlf" if is_translated else "off"
    elif kind == "stun" and hop.is_reliable:
        kind = "crlf"
    if kind == "off":
        return None
    usual = STREAM_KEEPALIVE_S if hop.is_reliable else DATAGRAM_KEEPALIVE_S
    return kind, float(account.keepalive_s or grant.flow_timer_s or usual)
