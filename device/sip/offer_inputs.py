"""What can happen to the offers of a call outside INVITE and 2xx, and to its session timer; loaded with the first call.

The inputs that every call knows are in session_inputs.
"""

from device.records import dataclass
from device.sip.dialog_exchange import DialogExchange
from device.sip.message import Response
from device.sip.session_inputs import InviteReceived


class PrackReceived(InviteReceived):
    """The caller acknowledges a reliable 1xx (RFC 3262), perhaps with an answer to our offer or with an offer."""

    __slots__ = ()


class UpdateReceived(InviteReceived):
    """An UPDATE (RFC 3311), with or without an offer."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class EarlyOfferReceived:
    """A reliable 1xx to our INVITE without offer brings theirs: PRACK must carry our answer (RFC 3262 section 5)."""

    exchange: DialogExchange
    response: Response


@dataclass(frozen=True, slots=True)
class RefreshRequested:
    """The session is to be refreshed without being changed (RFC 4028 section 7.4), or our new address told."""
