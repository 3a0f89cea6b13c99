"""What can happen to a registration: the inputs of the table in registration."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING
from device.records import dataclass
from device.sip.registration_grant import Grant
from device.sip.uri import Uri

if TYPE_CHECKING:
    from device.sip.registration_rules import Manner


@dataclass(frozen=True, slots=True)
class StartRequested:
    """Register, and stay registered."""


@dataclass(frozen=True, slots=True)
class StartHeldBack:
    """Register, but not yet: after a power failure all phones of a house start together."""

    delay_s: float


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
    """2xx: our contact is bound, on these terms."""

    grant: Grant
    note: str = ""
    """What is odd about it, in words."""


@dataclass(frozen=True, slots=True)
class TooBrief:
    """423: the registrar wants a longer lifetime (section 10.2.8)."""

    min_expires_s: int


@dataclass(frozen=True, slots=True)
class Redirected:
    """3xx: another registrar is to be asked this time (section 8.1.3.4)."""

    target: Uri


@dataclass(frozen=True, slots=True)
class PlainWanted:
    """The server does not take what RFC 5626 adds: it is to be asked without (439, and what strict servers answer)."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Any other final failure, silence (408) and a broken transport (503) among them."""

    status: int
    text: str
    manner: Manner
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerOverdue:
    """The open REGISTER has neither been answered nor failed within any time that it could take."""


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
    | StartHeldBack
    | StopRequested
    | ForgetRequested
    | NetworkChanged
    | Accepted
    | TooBrief
    | Redirected
    | PlainWanted
    | Failed
    | AnswerOverdue
    | RefreshDue
    | RetryDue
    | StopTimedOut
)
