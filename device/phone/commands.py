"""What the phone wants done; the daemon's executor carries it out, in the order given."""

from device.model import CallId
from device.records import dataclass

TONES = (
    *("DIAL", "SECOND_DIAL", "MESSAGE_WAITING", "RINGBACK", "BUSY", "REORDER", "SPECIAL_INFORMATION", "HOWLER"),
    *("CALL_WAITING", "CONFIRMATION", "HOLD_REMINDER"),
)
"""Names of the tones of a country's tone plan."""

LAMPS = ("registered", "ringing", "in_call", "missed", "message")
"""Names of the lamps a board may have."""

LAMP_STATES = ("off", "on", "blink")


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """Call `target`: a number after the dial plan, or the text of a URI.

    An `emergency` call goes out by any account or path there is; an `anonymous` one does not tell who we are.
    """

    call_id: CallId
    target: str
    emergency: bool = False
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class PlaceTransfer:
    """Agree to `TransferOffered`, and call whom it names under the name `call_id`."""

    transfer_id: str
    call_id: CallId


@dataclass(frozen=True, slots=True)
class RefuseTransfer:
    """Turn `TransferOffered` down with `status`."""

    transfer_id: str
    status: int


@dataclass(frozen=True, slots=True)
class TransferCall:
    """Ask the far end of `call_id` to call `target`, or to take our place in the call `joined` (REFER)."""

    call_id: CallId
    target: str
    joined: CallId | None


@dataclass(frozen=True, slots=True)
class Announce:
    """Let the caller hear a file before anybody rings (183); `AnnouncementBegun` follows."""

    call_id: CallId
    path: str


@dataclass(frozen=True, slots=True)
class SendRinging:
    """Tell the caller that the phone rings (180)."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class AnswerCall:
    """Accept the offered call (200)."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class RejectCall:
    """Turn the offered call away with `status` (486 busy, 480 nobody answered)."""

    call_id: CallId
    status: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a call that was placed or answered: CANCEL or BYE, as its progress asks for."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class HoldCall:
    """Put the call on hold: offer it `sendonly` and let no speech through."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class ResumeCall:
    """Take the call off hold."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class ConnectAudio:
    """Join microphone and earpiece to the call, at once or as soon as its media is agreed."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class DisconnectAudio:
    """Part microphone and earpiece from the call."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class JoinCalls:
    """Let the far ends of these calls hear each other, too, as long as each lasts."""

    call_ids: tuple[CallId, ...]


@dataclass(frozen=True, slots=True)
class SelectAudioPath:
    """Where speech and tones are heard from now on: "handset" or "loudspeaker"; before the first, the handset.

    A device with a single sound card may take both for the same.
    """

    path: str


@dataclass(frozen=True, slots=True)
class SendDigit:
    """Send one DTMF digit to the far end."""

    call_id: CallId
    digit: str


@dataclass(frozen=True, slots=True)
class StartTone:
    """Play one of TONES until `StopTone`; replaces a tone that plays. Mixed with the call's sound if there is one."""

    tone: str


@dataclass(frozen=True, slots=True)
class StopTone:
    """Silence the tone."""


@dataclass(frozen=True, slots=True)
class StartRinger:
    """Ring the bell in a named cadence; "default" is the country's own."""

    pattern: str = "default"


@dataclass(frozen=True, slots=True)
class StopRinger:
    """Silence the bell."""


@dataclass(frozen=True, slots=True)
class SetLamp:
    """Set one of LAMPS to one of LAMP_STATES."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class PulseRelay:
    """Close the relay `name` for so many seconds."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LogCall:
    """Keep the facts of one finished call; comes exactly once for each call.

    Times are seconds on the phone's monotonic clock, `answered` None if nobody answered.
    """

    call_id: CallId
    direction: str
    """"in" or "out"."""
    remote: str
    remote_name: str
    started: float
    answered: float | None
    ended: float
    cause: str
    """In words: "answered", "busy", "cancelled", "no answer", "missed", "declined", "failed 503" ..."""
    missed: bool = False
    """Whether the person should call back: an incoming call that nobody here learnt of."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The request that was just handled is refused; `reason` is a sentence for a person."""

    reason: str


Command = (
    PlaceCall
    | PlaceTransfer
    | RefuseTransfer
    | TransferCall
    | Announce
    | SendRinging
    | AnswerCall
    | RejectCall
    | HangUp
    | HoldCall
    | ResumeCall
    | ConnectAudio
    | DisconnectAudio
    | JoinCalls
    | SelectAudioPath
    | SendDigit
    | StartTone
    | StopTone
    | StartRinger
    | StopRinger
    | SetLamp
    | PulseRelay
    | LogCall
    | Refuse
)
