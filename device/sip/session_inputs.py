"""What can happen to a call: the inputs of the tables in invite_session and session_modification."""

from device.records import dataclass
from device.sip.events import EndCause
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.transaction import ServerKey


@dataclass(frozen=True, slots=True)
class ProvisionalReceived:
    """A 1xx to our INVITE."""

    response: Response
    sdp: bytes
    """The description in it, b"" for none that tells what can be heard."""


@dataclass(frozen=True, slots=True)
class AnswerReceived:
    """A 2xx to our INVITE that carried an offer; the answer is in it or was in a 1xx of the same branch."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class OfferReturned:
    """A 2xx to our INVITE without offer: it brings theirs, and our answer goes in the ACK."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class InviteFailed:
    """Our INVITE ended without a 2xx: a final response, silence (408) or a broken transport (503)."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Redirected:
    """Our INVITE failed, and there is another address to try (RFC 3261 section 8.1.3.4)."""


@dataclass(frozen=True, slots=True)
class GlareReceived:
    """491: both sides sent a re-INVITE at once (section 14.1)."""


@dataclass(frozen=True, slots=True)
class DialogLost:
    """481, 408 or silence within the dialog: the other side has no such call any more (section 12.2.1.2)."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class InviteReceived:
    """A re-INVITE."""

    key: ServerKey
    request: Request
    source: Hop


@dataclass(frozen=True, slots=True)
class AckReceived:
    """The ACK of our 2xx, with the answer if the 2xx carried our offer."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class AnswerMissed:
    """A 2xx or an ACK came without the session description that it must carry."""


@dataclass(frozen=True, slots=True)
class CancelReceived:
    """The caller took the INVITE back before our final response."""

    reasons: tuple[str, ...]
    """The Reason header fields (RFC 3326)."""


@dataclass(frozen=True, slots=True)
class ByeReceived:
    """The other side ends the call."""

    key: ServerKey
    request: Request


@dataclass(frozen=True, slots=True)
class ByeFinished:
    """Our BYE has its final response, or will never have one."""


@dataclass(frozen=True, slots=True)
class AckTimedOut:
    """64*T1 without an ACK of our 2xx."""


@dataclass(frozen=True, slots=True)
class RingTimedOut:
    """Nobody answered for as long as the settings allow."""


@dataclass(frozen=True, slots=True)
class InviteExpired:
    """The INVITE's own Expires has passed (section 13.3.1)."""


@dataclass(frozen=True, slots=True)
class ProvisionalDue:
    """A minute without an answer: the 180 must be repeated for the proxies on the way (section 13.3.1.1)."""


@dataclass(frozen=True, slots=True)
class BackOffOver:
    """The pause after a 491 is over."""


@dataclass(frozen=True, slots=True)
class RingRequested:
    """The owner wants the caller to hear ringing, or with `sdp`, our answer, to hear us before the call is answered."""

    sdp: bytes = b""


@dataclass(frozen=True, slots=True)
class AnswerRequested:
    """The owner answers an incoming call."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class RejectRequested:
    """The owner refuses an incoming call."""

    status: int


@dataclass(frozen=True, slots=True)
class HangUpRequested:
    """The owner ends the call, whatever its state."""


@dataclass(frozen=True, slots=True)
class ReofferRequested:
    """The owner wants to change the session."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class AcceptRequested:
    """The owner answers an offer, or gives one where it was asked for."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class RefuseRequested:
    """The owner cannot take an offer."""

    status: int


@dataclass(frozen=True, slots=True)
class SessionLost:
    """A re-INVITE showed that the call cannot go on."""

    cause: EndCause


@dataclass(frozen=True, slots=True)
class SessionConfirmed:
    """The call is established, so that its session may be modified."""


@dataclass(frozen=True, slots=True)
class SessionOver:
    """The call is over, and with it all modification of its session."""


SessionInput = (
    ProvisionalReceived
    | AnswerReceived
    | OfferReturned
    | AnswerMissed
    | InviteFailed
    | Redirected
    | SessionLost
    | InviteReceived
    | AckReceived
    | CancelReceived
    | ByeReceived
    | ByeFinished
    | AckTimedOut
    | RingTimedOut
    | InviteExpired
    | ProvisionalDue
    | RingRequested
    | AnswerRequested
    | RejectRequested
    | HangUpRequested
    | ReofferRequested
    | AcceptRequested
    | RefuseRequested
)
"""What moves a call."""

ModificationInput = (
    SessionConfirmed
    | SessionOver
    | AnswerReceived
    | OfferReturned
    | AnswerMissed
    | InviteFailed
    | GlareReceived
    | DialogLost
    | InviteReceived
    | AckReceived
    | CancelReceived
    | AckTimedOut
    | BackOffOver
    | ReofferRequested
    | AcceptRequested
    | RefuseRequested
)
"""What moves the re-INVITEs of a call."""
