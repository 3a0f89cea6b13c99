"""What a registration does about each failure: rules by status, and how long it pauses; see docs/registration.md.

The pauses grow and are spread over the phones of a site, yet always end: a registration never gives up.
"""

from enum import Enum, auto

from device.annotations import Final
from device.records import dataclass
from device.sip.message import REASON_PHRASES

FIRST_PAUSE_S: Final = 1.0
"""The least pause after a failure that may pass at once; each further one is twice as long."""
FIRST_GRADUAL_PAUSE_S: Final = 30.0
"""The same where the server may not have read its users yet, as after its own start."""
LONGEST_RETRY_AFTER_S: Final = 3600
"""No server makes us wait longer than this."""
RETRY_AFTER_SPREAD_S: Final = 10.0
"""By how much later at the most some phones come than a Retry-After said to all."""
FLOW_BASE_S: Final = 30.0
"""The base time of RFC 5626 section 4.5 while no flow is left."""


class Manner(Enum):
    """How the next attempt is made."""

    SOON = auto()
    """After a second, then twice as long each time, up to `sip.retry_cap_s`."""
    GRADUAL = auto()
    """After half a minute, then twice as long each time, up to `sip.slow_retry_s`."""
    SLOW = auto()
    """After `sip.slow_retry_s`: somebody must change something first, and a server may lock out who asks too often."""
    PLAIN = auto()
    """At once without what RFC 5626 and 5627 add; SLOW where that was left out already."""


_RULES: Final = {
    400: Manner.PLAIN,
    404: Manner.GRADUAL,
    408: Manner.SOON,
    410: Manner.GRADUAL,
    420: Manner.PLAIN,
    430: Manner.SOON,
    439: Manner.PLAIN,
    480: Manner.SOON,
    486: Manner.SOON,
    491: Manner.SOON,
    500: Manner.SOON,
    501: Manner.SLOW,
    502: Manner.SOON,
    503: Manner.SOON,
    504: Manner.SOON,
    505: Manner.SLOW,
    513: Manner.SLOW,
    580: Manner.SOON,
    600: Manner.GRADUAL,
}


def manner_of(status: int) -> Manner:
    """The rule for a final failure: 5xx may pass, all else wants somebody to change something.

    A status that nobody has heard of counts as the x00 of its class (RFC 3261 section 8.1.3.2).
    """
    if status not in REASON_PHRASES:
        status -= status % 100
    return _RULES.get(status, Manner.SOON if status // 100 == 5 else Manner.SLOW)


@dataclass(frozen=True, slots=True)
class Pauses:
    """The bounds of the pauses, in seconds, from the settings of the user agent."""

    cap_s: float
    slow_s: float
    is_outbound: bool
    """Whether a flow of RFC 5626 is to be formed again."""

    def after(self, manner: Manner, failures: int, fraction: float, retry_after_s: int | None) -> float:
        """The pause after a failure that `failures` others in a row came before.

        `fraction`, from 0 up to 1, is what keeps phones apart; the server's Retry-After is the least where it is sent.
        """
        told: float | None = None
        if retry_after_s is not None:
            # Nobody comes before the time, nor all at it.
            told = min(retry_after_s, LONGEST_RETRY_AFTER_S)
            told += fraction * min(told / 4, RETRY_AFTER_SPREAD_S)
        if manner is Manner.SOON:
            return max(self._soon(failures, fraction), told or 0.0)
        if told is not None:
            return told
        if manner is Manner.GRADUAL:
            return _doubled(failures, min(FIRST_GRADUAL_PAUSE_S, self.slow_s), self.slow_s, fraction)
        return self.slow_s * (1 - fraction / 10)

    def _soon(self, failures: int, fraction: float) -> float:
        if not (self.is_outbound and failures):
            return _doubled(failures, FIRST_PAUSE_S, self.cap_s, fraction)
        # RFC 5626 section 4.5: between half and all of the base time doubled; `cap_s` is its max-time.
        upper = min(max(FLOW_BASE_S, self.cap_s), FLOW_BASE_S * 2.0 ** min(failures - 1, 30))
        return upper * (0.5 + fraction / 2)


def _doubled(failures: int, first_s: float, cap_s: float, fraction: float) -> float:
    """Twice as long each time, and up to twice of that by `fraction`, within the cap."""
    base = min(first_s * 2.0 ** min(failures, 30), max(first_s, cap_s / 2))
    return min(cap_s, base * (1 + fraction))
