"""What the main thread asks of the audio thread: imperatives, given to `AudioEngine.submit`."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING, Literal
from device.records import dataclass

if TYPE_CHECKING:
    from device.audio.interfaces import DatagramPort
    from device.audio.playing import Player
    from device.audio.recording import Recording
    from device.media.stream_parameters import StreamParameters
    from device.media.tone_plan import TonePattern
    from device.model import CallId

GainPath = Literal["mic", "ear", "tone", "side_tone"]


@dataclass(frozen=True, slots=True)
class AttachStream:
    """Run a call's sound. The audio thread owns both ports from now on and closes them with the stream."""

    call_id: CallId
    parameters: StreamParameters
    rtp: DatagramPort
    rtcp: DatagramPort | None


@dataclass(frozen=True, slots=True)
class UpdateStream:
    """Take what a later offer and answer agreed (hold, another codec, another address) for a running stream."""

    call_id: CallId
    parameters: StreamParameters


@dataclass(frozen=True, slots=True)
class DetachStream:
    """Send RTCP BYE, close the ports, report `StreamEnded`. Unknown call ids are ignored."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class StartTone:
    """Play a tone to the ear, mixed with any stream; replaces the tone that plays."""

    pattern: TonePattern
    level_db: float = -16.0
    """Level of each frequency below full scale, as `media.tones.ToneGenerator` takes it."""


@dataclass(frozen=True, slots=True)
class StopTone:
    """End the tone."""


@dataclass(frozen=True, slots=True)
class SendDigit:
    """Send one of 0-9 * # A-D to the far end of a call, as its media session agreed."""

    call_id: CallId
    digit: str
    duration_ms: int = 0
    """0 takes the length in the parameters of the stream."""
    in_band: bool = False
    """As tones in the speech band, even where the far end takes events."""


@dataclass(frozen=True, slots=True)
class SetGain:
    """Change the loudness of the microphone, of all that is heard, of the tones or of the side-tone.

    0 dB leaves samples as they are.
    """

    path: GainPath
    db: float


@dataclass(frozen=True, slots=True)
class SetMuted:
    """Send silence instead of the microphone, in every call."""

    muted: bool


@dataclass(frozen=True, slots=True)
class StartMeter:
    """Report how loud the microphone is, five times a second; with `loop_back` it is heard a second later as well."""

    loop_back: bool = False


@dataclass(frozen=True, slots=True)
class StopMeter:
    """End that."""


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record a call; of a call that is not there the recording ends at once."""

    call_id: CallId
    recording: Recording
    notice: bool = False
    """Let both sides hear a tone now and then."""


@dataclass(frozen=True, slots=True)
class StopRecording:
    """End the recording of a call."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class StartPlaying:
    """Let both sides of a call hear a file, once."""

    call_id: CallId
    player: Player


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """End that."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class JoinStreams:
    """Let the far ends of these calls hear each other besides the microphone."""

    call_ids: tuple[CallId, ...]


AudioCommand = (
    AttachStream
    | UpdateStream
    | DetachStream
    | StartTone
    | StopTone
    | SendDigit
    | SetGain
    | SetMuted
    | StartMeter
    | StopMeter
    | StartRecording
    | StopRecording
    | StartPlaying
    | StopPlaying
    | JoinStreams
)
