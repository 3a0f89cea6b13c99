"""What the main thread asks of the hub besides `commands.AttachStream` and its like, and what that tells it."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING
from device.audio import commands
from device.records import dataclass

if TYPE_CHECKING:
    from device.audio.programs import Segment
    from device.audio.recording import Recording
    from device.audio.room import Listener
    from device.media.tone_plan import TonePattern
    from device.model import CallId


@dataclass(frozen=True, slots=True)
class PlaySegments:
    """Let a call hear clips and files one after the other; with `loop` its only file goes on for ever."""

    call_id: CallId
    number: int
    """Stands in `ProgramEnded`, which comes when all has been heard."""
    segments: tuple[Segment, ...]
    loop: bool = False


@dataclass(frozen=True, slots=True)
class EchoCall:
    """Let a caller hear itself."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class TapeCall:
    """Record what a caller says, until it hangs up, another command for it comes, or this ends by itself."""

    call_id: CallId
    number: int
    recording: Recording
    longest_s: float
    quiet_s: float


@dataclass(frozen=True, slots=True)
class EnterRoom:
    """Put a call into a room, or change whether it is heard there."""

    call_id: CallId
    room: str
    muted: bool = False
    announced: bool = True
    """Let the others hear a tone when it comes and when it goes."""


@dataclass(frozen=True, slots=True)
class ChimeRoom:
    """Let all in a room hear a tone."""

    room: str
    pattern: TonePattern
    level_db: float


@dataclass(frozen=True, slots=True)
class ListenToRoom:
    """Give all that is said in a room to a listener, which the hub closes with the room."""

    room: str
    listener: Listener


@dataclass(frozen=True, slots=True)
class ProgramEnded:
    """What a `PlaySegments` or `TapeCall` was to do is done."""

    call_id: CallId
    number: int


HubCommand = (
    commands.AttachStream
    | commands.UpdateStream
    | commands.DetachStream
    | PlaySegments
    | EchoCall
    | TapeCall
    | EnterRoom
    | ChimeRoom
    | ListenToRoom
)
