"""What can happen to the UPDATEs of a dialog (RFC 3311); loaded with the first of them."""

from device.records import dataclass
from device.sip.message import Response


@dataclass(frozen=True, slots=True)
class UpdateRequested:
    """We want to send an UPDATE: with an offer, or without one to refresh the session or our address."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class UpdateSucceeded:
    """A 2xx to ours."""

    response: Response


@dataclass(frozen=True, slots=True)
class UpdateFailed:
    """Ours was refused or could not be sent; the session stays as it was."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class UpdateUnknown:
    """The other side takes no UPDATE, or not this one, which may go by re-INVITE as well."""

    status: int


@dataclass(frozen=True, slots=True)
class PostponementReceived:
    """500 with Retry-After, or 422: the same again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AnswerOverdue:
    """The owner has not answered an offer at once."""
