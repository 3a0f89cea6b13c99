"""What the user agent tells its owner, as past-tense records. Bodies are SDP bytes that this package never reads."""

from __future__ import annotations

from enum import Enum

from device.annotations import TYPE_CHECKING
from device.model import AccountId, CallId, Credential
from device.records import dataclass
from device.sip.hop import Hop

if TYPE_CHECKING:
    from device.sip.call_facts import CallFacts
    from device.sip.feature_events import FeatureEvent


@dataclass(frozen=True, slots=True)
class EndCause:
    """Why a call ended, for the caller's ear and the call log.

    `status` is the SIP status that fits (RFC 3261 section 21), 0 for a plain hang-up after an answer;
    `local` is true when this phone decided, false when the other side or the network did.
    """

    status: int
    text: str
    local: bool


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """An INVITE that may ring. The owner calls `ring`, then `answer` or `reject`."""

    call_id: CallId
    account_id: AccountId | None
    """The account that is called; None for a call straight to this machine's address."""
    caller: str
    """URI text of the caller: as our own server asserts it (RFC 3325), otherwise of the From header."""
    caller_name: str
    called: str
    """URI text of the To header: whom the caller meant to reach."""
    offer: bytes
    """Their SDP offer; empty for a delayed offer: then `answer` must be given our offer (RFC 3261 section 13.2.1)."""
    source: str
    """Where the request came from, "udp:192.0.2.7:5060"."""
    auto_answer_after_s: float | None = None
    """The caller asks that the phone answer by itself after so many seconds; None when it does not."""
    facts: CallFacts | None = None
    """What else the INVITE says."""
    request_uri: str = ""
    """URI text of the Request-URI: where servers on the way have sent the call, and by which of our names."""


@dataclass(frozen=True, slots=True)
class CallTrying:
    """A 100 came: the next hop has our INVITE."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CallRinging:
    """A 101 to 199 came. With an SDP body there is early media to be heard (RFC 3261 section 13.2.1)."""

    call_id: CallId
    status: int
    reason: str
    sdp: bytes


@dataclass(frozen=True, slots=True)
class CallEstablished:
    """The 2xx was acknowledged, in either direction.

    `sdp` is the other side's answer to our offer; empty where the answer was ours.
    """

    call_id: CallId
    sdp: bytes
    remote: str
    """URI text of the other party."""
    remote_name: str


@dataclass(frozen=True, slots=True)
class OfferReceived:
    """The other side wants another session (re-INVITE): `accept_offer` or `refuse_offer` it.

    An empty `offer` asks for ours: give it to `accept_offer`; their answer comes as `OfferAnswered`.
    The same event carries the offer of a 2xx or a reliable 1xx to an INVITE that we sent without one, asks for ours
    when a reliable 180 must bring it, and tells an offer in UPDATE or PRACK.
    """

    call_id: CallId
    offer: bytes


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The answer to our offer in an established call."""

    call_id: CallId
    sdp: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our `reoffer` failed; the session goes on as it was (RFC 3261 section 14.1)."""

    call_id: CallId
    status: int


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over. Comes exactly once for each call, whoever ended it; nothing about the call follows."""

    call_id: CallId
    cause: EndCause


class RegistrationState(Enum):
    """Where an account stands with its registrar, as a person sees it."""

    UNREGISTERED = "unregistered"
    REGISTERING = "registering"
    REGISTERED = "registered"
    FAILED = "failed"
    UNREGISTERING = "unregistering"


@dataclass(frozen=True, slots=True)
class RegistrationChanged:
    """The registration of an account took a step; also for a refresh that changed the lifetime or was asked for."""

    account_id: AccountId
    state: RegistrationState
    status: int
    """The SIP status that led here; 0 when there was none; 408 also for no answer at all."""
    text: str
    expires_s: int
    """Lifetime that the registrar granted, in seconds; 0 when not registered."""
    next_attempt_s: float | None
    """Seconds until the next REGISTER; None when none is planned."""


@dataclass(frozen=True, slots=True)
class RealmLearnt:
    """A server named a realm that is new: `sealed` is the HA1 for it, to be kept instead of the clear text."""

    account_id: AccountId
    sealed: Credential


@dataclass(frozen=True, slots=True)
class TransportDoubted:
    """An account has not been registered for twice its lifetime: the sockets may be at fault, make new ones."""

    account_id: AccountId


@dataclass(frozen=True, slots=True)
class FlowDoubted:
    """Keep-alives on a connection are not answered any more: it is to be closed, a new one will be opened."""

    hop: Hop


CallEvent = (
    IncomingCall | CallTrying | CallRinging | CallEstablished | OfferReceived | OfferAnswered | OfferRefused | CallEnded
)
if TYPE_CHECKING:
    SipEvent = CallEvent | RegistrationChanged | RealmLearnt | TransportDoubted | FlowDoubted | FeatureEvent
else:
    SipEvent = CallEvent | RegistrationChanged | RealmLearnt | TransportDoubted | FlowDoubted
