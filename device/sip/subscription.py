"""Events and subscriptions (RFC 6665): the header fields of both roles, and what may happen to a subscription."""

from device.annotations import Final
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.header_names import is_token
from device.sip.header_syntax import encode_params, is_digits, parse_params, set_param, unquote
from device.sip.message import Request, Response
from device.sip.transaction import ServerKey

ACTIVE: Final = "active"
PENDING: Final = "pending"
TERMINATED: Final = "terminated"

LONGEST_EXPIRES_S: Final = 86_400
"""No subscription is taken to last longer than a day, whatever a peer says."""
LONGEST_RETRY_AFTER_S: Final = 3600
"""No notifier makes us wait longer than this before we subscribe again."""


@dataclass(frozen=True, slots=True)
class EventHeader:
    """An Event header field (section 8.2.1): the package, and the id that tells subscriptions of one dialog apart."""

    package: str
    id: str = ""

    def __str__(self) -> str:
        return self.package + encode_params(set_param((), "id", self.id)) if self.id else self.package


def parse_event(text: str | None) -> EventHeader:
    """Read an Event header field; packages are compared as they are (section 8.2.1). Raises SipParseError (400)."""
    if text is None:
        raise SipParseError("Event is missing")
    package, semicolon, rest = text.partition(";")
    package = package.strip()
    if not is_token(package):
        raise SipParseError(f"not an event package: {text[:60]!a}")
    event_id = dict(parse_params(rest)).get("id") if semicolon else None
    return EventHeader(package, unquote(event_id or ""))


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A Subscription-State header field (section 8.2.3)."""

    state: str
    expires_s: int | None = None
    reason: str = ""
    retry_after_s: int | None = None

    @property
    def is_terminated(self) -> bool:
        """Whether this NOTIFY is the last one."""
        return self.state == TERMINATED

    def __str__(self) -> str:
        text = self.state
        if self.reason:
            text += f";reason={self.reason}"
        if self.expires_s is not None:
            text += f";expires={self.expires_s}"
        return text if self.retry_after_s is None else f"{text};retry-after={self.retry_after_s}"


def parse_subscription_state(text: str | None) -> SubscriptionState:
    """Read a Subscription-State header field; an unknown state counts as active. Raises SipParseError (400)."""
    if text is None:
        raise SipParseError("Subscription-State is missing")
    state, semicolon, rest = text.partition(";")
    state = state.strip().lower()
    if not is_token(state):
        raise SipParseError(f"not a subscription state: {text[:60]!a}")
    params = dict(parse_params(rest)) if semicolon else {}
    return SubscriptionState(
        state,
        _seconds(params.get("expires"), LONGEST_EXPIRES_S),
        (params.get("reason") or "").lower(),
        _seconds(params.get("retry-after"), LONGEST_RETRY_AFTER_S),
    )


def _seconds(text: str | None, most: int) -> int | None:
    """A number of seconds; None for none and for what is no number, which then simply does not count."""
    return min(int(text[:10]), most) if text is not None and is_digits(text) else None


def parse_retry_after(response: Response) -> int | None:
    """Seconds of a Retry-After, None without; a comment or parameters may follow them (RFC 3261 section 20.33)."""
    return _leading_seconds(response.headers.get("Retry-After"), LONGEST_RETRY_AFTER_S)


def parse_min_expires(response: Response) -> int | None:
    """Seconds of the Min-Expires of a 423, None without."""
    return _leading_seconds(response.headers.get("Min-Expires"), LONGEST_EXPIRES_S)


def _leading_seconds(text: str | None, most: int) -> int | None:
    digits = (text or "").strip().partition(";")[0].partition("(")[0].strip()
    return _seconds(digits, most)


# What happens to a subscription, at either end.


@dataclass(frozen=True, slots=True)
class SubscribeDue:
    """Time to subscribe, for the first time or once more."""


@dataclass(frozen=True, slots=True)
class SubscribeAccepted:
    """A 2xx to our SUBSCRIBE."""

    expires_s: int


@dataclass(frozen=True, slots=True)
class SubscribeRefused:
    """Our SUBSCRIBE has a failure, or no answer (408), or found no way (503)."""

    status: int
    text: str
    retry_after_s: int | None = None
    min_expires_s: int | None = None


@dataclass(frozen=True, slots=True)
class Notified:
    """A NOTIFY of this subscription."""

    key: ServerKey
    request: Request
    state: SubscriptionState


@dataclass(frozen=True, slots=True)
class NotifyMissed:
    """Timer N: 64*T1 after the SUBSCRIBE no NOTIFY has come (section 4.1.2)."""


@dataclass(frozen=True, slots=True)
class RefreshDue:
    """The subscription must be renewed."""


@dataclass(frozen=True, slots=True)
class SubscriptionExpired:
    """The time that was agreed is over."""


@dataclass(frozen=True, slots=True)
class LeaveRequested:
    """The owner wants to hear no more of it."""


@dataclass(frozen=True, slots=True)
class RefreshReceived:
    """The subscriber renews the subscription, or with 0 seconds fetches or ends it."""

    expires_s: int


@dataclass(frozen=True, slots=True)
class StateChanged:
    """What the subscription is about has changed: `body` is the news."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """The subscription is over; `reason` as in section 4.1.3, `body` is the last news."""

    reason: str
    body: bytes


@dataclass(frozen=True, slots=True)
class NotifyAccepted:
    """A 2xx to our NOTIFY."""


@dataclass(frozen=True, slots=True)
class NotifyRefused:
    """Our NOTIFY has a failure or no answer: the subscriber is gone (section 4.2.2)."""

    status: int


SubscriberInput = (
    SubscribeDue
    | SubscribeAccepted
    | SubscribeRefused
    | Notified
    | NotifyMissed
    | RefreshDue
    | SubscriptionExpired
    | LeaveRequested
)
"""What moves a subscriber."""

NotifierInput = RefreshReceived | StateChanged | Finished | NotifyAccepted | NotifyRefused | SubscriptionExpired
"""What moves a notifier."""
