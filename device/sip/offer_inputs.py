"""What can happen to the offers of a call outside INVITE and 2xx, and to its session timer; loaded with the first call.

The inputs that every call knows are in session_inputs.
"""

from device.records import dataclass
from device.sip.dialog_exchange import DialogExchange
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.transaction import ServerKey


@dataclass(frozen=True, slots=True)
class PrackReceived:
    """The caller acknowledges a reliable 1xx (RFC 3262), perhaps with our answer's answer or an offer."""

    key: ServerKey
    request: Request
    source: Hop


@dataclass(frozen=True, slots=True)
class UpdateReceived:
    """An UPDATE (RFC 3311), with or without an offer."""

    key: ServerKey
    request: Request
    source: Hop


@dataclass(frozen=True, slots=True)
class ProgressRequested:
    """The owner wants the caller to hear something before the answer: 183 with our description."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class AnswerPostponed:
    """The owner answers, but a reliable 1xx with our description awaits its PRACK (RFC 3262 section 3)."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class PrackTimedOut:
    """64*T1 without PRACK for a reliable 1xx."""


@dataclass(frozen=True, slots=True)
class EarlyOfferReceived:
    """A reliable 1xx to our INVITE without offer brings theirs: PRACK must carry our answer (RFC 3262 section 5)."""

    exchange: DialogExchange
    response: Response


@dataclass(frozen=True, slots=True)
class PrackFailed:
    """That PRACK did not get through, so that the early session has no answer."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class EarlyDialogEnded:
    """199: a branch of a fork has failed while others go on (RFC 6228)."""

    response: Response
    remote_tag: str


@dataclass(frozen=True, slots=True)
class RefreshRequested:
    """The session is to be refreshed without being changed (RFC 4028 section 7.4), or our new address told."""


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """Nobody refreshed the session in time (RFC 4028 section 10)."""


@dataclass(frozen=True, slots=True)
class OfferPostponed:
    """The owner wants to change the session while an UPDATE does so already."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class InviteOverlapped:
    """A re-INVITE while an UPDATE's offer is under way."""

    key: ServerKey
    request: Request
    status: int
