"""What the phone is told: desk events, how calls progress, and requests from the control socket."""

from device.desk_events import (
    ButtonPressed,
    DeskEvent,
    DialStarted,
    DigitDialled,
    HookFlashed,
    HookLifted,
    HookReplaced,
)
from device.model import CallId
from device.records import dataclass


@dataclass(frozen=True, slots=True)
class CallOffered:
    """Somebody calls this phone. `caller` is the text of a URI, `caller_name` a display name or empty.

    `auto_answer_after_s` is the delay in seconds that the caller asked for (RFC 5373, Call-Info answer-after),
    None if it did not ask; it counts only where the setting `auto_answer` is "header". With `auto_answer_required`
    the caller had rather be turned away than ring.
    """

    call_id: CallId
    caller: str
    caller_name: str = ""
    auto_answer_after_s: float | None = None
    auto_answer_required: bool = False
    alert: str = ""
    """The name of a cadence of the bell that the caller asks for."""


@dataclass(frozen=True, slots=True)
class AnnouncementBegun:
    """The caller hears our announcement, which is so long; 0 where there is nothing to hear."""

    call_id: CallId
    seconds: float


@dataclass(frozen=True, slots=True)
class ReplacementOffered:
    """Somebody calls to take the place of the far end of the call `replaces` (RFC 3891)."""

    call_id: CallId
    replaces: CallId
    caller: str
    caller_name: str = ""


@dataclass(frozen=True, slots=True)
class TransferOffered:
    """The far end of `call_id`, or a server outside calls, asks that this phone call `target` (RFC 3515)."""

    transfer_id: str
    call_id: CallId | None
    target: str


@dataclass(frozen=True, slots=True)
class CallProgressed:
    """Our call is on its way (100 Trying)."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CallRang:
    """The far end rings; with `early_media` it may already send sound, such as its own ringback or an announcement."""

    call_id: CallId
    early_media: bool = False
    ringback: bool | None = None
    """Whether our own ringback tone is to be heard (RFC 3960 section 3.2); None: unless there is early media."""


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The call stands: the far end answered ours, or confirmed our answer to its call."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CallFinished:
    """The call is over, whoever ended it.

    `status` is the final status of RFC 3261 section 21, 0 if there was none. `elsewhere` says that another phone
    took the call, so that it is not a missed call here.
    """

    call_id: CallId
    status: int = 0
    text: str = ""
    local: bool = False
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class ParkedCallFinished:
    """The call that waits beside the present one is over; the phone itself makes this of `CallFinished`."""

    call_id: CallId
    status: int = 0


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """How it came out that the far end of `call_id` was sent on to somebody else."""

    call_id: CallId
    succeeded: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class CallerChanged:
    """The far end of a call is somebody else now, or tells its name only now."""

    call_id: CallId
    remote: str
    remote_name: str = ""


@dataclass(frozen=True, slots=True)
class MediaLost:
    """No sound has come from the far end for so long that the call is taken for dead."""

    call_id: CallId
    text: str = "no media"


@dataclass(frozen=True, slots=True)
class DigitHeard:
    """The far end sent one DTMF digit within the call, by whichever signalling."""

    call_id: CallId
    digit: str


@dataclass(frozen=True, slots=True)
class RegistrationUpdated:
    """Whether a call can be placed now, and whether that is by an account, or by IP for want of any."""

    registered: bool
    by_account: bool = True


@dataclass(frozen=True, slots=True)
class MessagesUpdated:
    """Whether new voice messages wait (RFC 3842)."""

    waiting: bool


@dataclass(frozen=True, slots=True)
class MissedCallsSeen:
    """Somebody has looked at the list of missed calls."""


@dataclass(frozen=True, slots=True)
class DialRequested:
    """Control wants a call to `target`: a number, or the text of a URI. Hands-free if the handset is down."""

    target: str
    anonymous: bool = False
    """Whether the one who is called shall not learn who calls."""


@dataclass(frozen=True, slots=True)
class AnswerRequested:
    """Control wants the ringing call answered; hands-free if the handset is down."""

    call_id: CallId | None = None


@dataclass(frozen=True, slots=True)
class HangupRequested:
    """Control wants the call ended, or the caller turned away."""

    call_id: CallId | None = None


@dataclass(frozen=True, slots=True)
class DigitsRequested:
    """Control dials digits: DTMF within a call, dialling at dial tone."""

    digits: str
    call_id: CallId | None = None


@dataclass(frozen=True, slots=True)
class HoldRequested:
    """Control wants the call put on hold."""

    call_id: CallId | None = None


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """Control wants the held call back."""

    call_id: CallId | None = None


@dataclass(frozen=True, slots=True)
class ConferenceRequested:
    """Control wants the call and the one that waits in one talk of three."""

    call_id: CallId | None = None


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """Control wants the far end sent on to `target`, or without one to the far end of the call that waits."""

    target: str = ""
    call_id: CallId | None = None


CallEvent = (
    AnnouncementBegun
    | CallProgressed
    | CallRang
    | CallAnswered
    | CallFinished
    | ParkedCallFinished
    | TransferEnded
    | CallerChanged
    | MediaLost
    | DigitHeard
)
"""Events about one call that the phone already knows."""

RequestEvent = (
    DialRequested
    | AnswerRequested
    | HangupRequested
    | DigitsRequested
    | HoldRequested
    | ResumeRequested
    | ConferenceRequested
    | TransferRequested
)
"""Events whose sender learns by `Refuse` among the commands that nothing was done."""

PhoneEvent = (
    DeskEvent
    | CallOffered
    | ReplacementOffered
    | TransferOffered
    | CallEvent
    | RegistrationUpdated
    | MessagesUpdated
    | MissedCallsSeen
    | RequestEvent
)

__all__ = [
    "AnnouncementBegun",
    "AnswerRequested",
    "ButtonPressed",
    "CallAnswered",
    "CallEvent",
    "CallFinished",
    "CallOffered",
    "CallProgressed",
    "CallRang",
    "CallerChanged",
    "ConferenceRequested",
    "DeskEvent",
    "DialRequested",
    "DialStarted",
    "DigitDialled",
    "DigitHeard",
    "DigitsRequested",
    "HangupRequested",
    "HoldRequested",
    "HookFlashed",
    "HookLifted",
    "HookReplaced",
    "MediaLost",
    "MessagesUpdated",
    "MissedCallsSeen",
    "ParkedCallFinished",
    "PhoneEvent",
    "RegistrationUpdated",
    "ReplacementOffered",
    "RequestEvent",
    "ResumeRequested",
    "TransferEnded",
    "TransferOffered",
    "TransferRequested",
]
