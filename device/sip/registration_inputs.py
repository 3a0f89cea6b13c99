"""What can happen to a registration: the inputs of the table in registration."""

from device.records import dataclass
from device.sip.uri import Uri


@dataclass(frozen=True, slots=True)
class StartRequested:
    """Register, and stay registered."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Take the registration back."""


@dataclass(frozen=True, slots=True)
class ForgetRequested:
    """Stop; the server holds nothing of ours."""


@dataclass(frozen=True, slots=True)
class NetworkChanged:
    """Our address may be another one now."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """2xx: our contact is bound for so many seconds."""

    expires_s: int


@dataclass(frozen=True, slots=True)
class TooBrief:
    """423: the registrar wants a longer lifetime (section 10.2.8)."""

    min_expires_s: int


@dataclass(frozen=True, slots=True)
class Redirected:
    """3xx: another registrar is to be asked this time (section 8.1.3.4)."""

    target: Uri


@dataclass(frozen=True, slots=True)
class Refused:
    """A failure that will last until somebody changes the account, here or there."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A failure that may pass by itself."""

    status: int
    text: str
    retry_after_s: int | None


@dataclass(frozen=True, slots=True)
class RefreshDue:
    """The registration is about to end, or our contact has changed."""


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The pause after a failure is over."""


@dataclass(frozen=True, slots=True)
class StopTimedOut:
    """The server has had its time to confirm the end."""


RegistrationInput = (
    StartRequested
    | StopRequested
    | ForgetRequested
    | NetworkChanged
    | Accepted
    | TooBrief
    | Redirected
    | Refused
    | Failed
    | RefreshDue
    | RetryDue
    | StopTimedOut
)
