"""What the user agent tells of subscriptions, transfers, messages and digits; beside `events`, loaded when needed."""

from device.model import AccountId, CallId
from device.records import dataclass


@dataclass(frozen=True, slots=True)
class SubscriptionChanged:
    """A subscription of ours took a step: "active", "pending", "waiting" for its next attempt, or "terminated"."""

    name: str
    account_id: AccountId | None
    package: str
    state: str
    status: int
    """The SIP status that led here, 0 when a NOTIFY or time did."""
    text: str
    next_attempt_s: float | None = None


@dataclass(frozen=True, slots=True)
class NotifyReceived:
    """A NOTIFY with news; `name` is that of our subscription, "" when it came unasked (RFC 3842 section 3.9)."""

    name: str
    account_id: AccountId | None
    package: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """Somebody sent a text (RFC 3428); it has been answered 200."""

    account_id: AccountId | None
    call_id: CallId | None
    """The call within which it came, None for one outside calls."""
    sender: str
    """URI text."""
    sender_name: str
    text: str


@dataclass(frozen=True, slots=True)
class MessageFinished:
    """What became of a text that we sent: a 2xx status when the other side or a server took it."""

    message_id: str
    status: int
    text: str

    @property
    def is_delivered(self) -> bool:
        """Whether it was accepted."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class OptionsFinished:
    """What came of an OPTIONS of ours: status 0 where nobody answered, and why."""

    name: str
    status: int
    text: str
    seconds: float
    """From the request to its final answer, authentication included."""
    software: str
    """Server or User-Agent of the answer."""
    abilities: tuple[tuple[str, str], ...]
    """Allow, Supported and Accept as the answer has them."""


@dataclass(frozen=True, slots=True)
class InfoFinished:
    """What became of an INFO that we sent within a call (RFC 6086)."""

    call_id: CallId
    status: int


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """The far end sent a DTMF digit by INFO."""

    call_id: CallId
    digit: str
    duration_s: float = 0.0
    """How long the key was held, as far as it was told."""


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """A REFER asks that this phone call somebody (RFC 3515): `accept_transfer` or `refuse_transfer` it at once."""

    transfer_id: str
    call_id: CallId | None
    """The call whose far end asks, None for a request outside calls."""
    account_id: AccountId | None
    target: str
    """URI text of the one to be called."""
    referred_by: str
    """URI text of the one who asks."""
    is_attended: bool
    """Whether the new call takes the place of one that stands (Replaces)."""


@dataclass(frozen=True, slots=True)
class TransferProgressed:
    """The far end of `call_id`, which we asked to call somebody, got a provisional answer there."""

    call_id: CallId
    status: int
    text: str


@dataclass(frozen=True, slots=True)
class TransferFinished:
    """How the far end's new call came out; comes once for each transfer that we asked for.

    `status` is the final one of the new call or of the REFER; 0 when it cannot be known.
    """

    call_id: CallId
    status: int
    text: str
    succeeded: bool


@dataclass(frozen=True, slots=True)
class RemoteIdentityChanged:
    """The other party of a call is somebody else now, or shows another name (RFC 4916, RFC 3325)."""

    call_id: CallId
    remote: str
    remote_name: str


FeatureEvent = (
    SubscriptionChanged
    | NotifyReceived
    | MessageReceived
    | MessageFinished
    | OptionsFinished
    | InfoFinished
    | DigitReceived
    | TransferRequested
    | TransferProgressed
    | TransferFinished
    | RemoteIdentityChanged
)
