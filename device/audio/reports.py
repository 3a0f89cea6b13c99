"""What the audio thread tells the main thread: past-tense events, fetched with `AudioEngine.reports`."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING, TypeVar
from device.records import dataclass

if TYPE_CHECKING:
    from collections import deque

    from device import plain_logging
    from device.media.stream_parameters import StreamReport
    from device.model import CallId


@dataclass(frozen=True, slots=True)
class StreamEnded:
    """A stream was detached, or had to be given up; its ports are closed. The last report of that call."""

    call_id: CallId
    report: StreamReport | None
    """The final counters; None where even they could not be had."""
    error: str = ""
    """Why it was given up; empty when it was detached as asked."""


@dataclass(frozen=True, slots=True)
class StreamProgressed:
    """The counters of a running stream, about every second."""

    call_id: CallId
    report: StreamReport


@dataclass(frozen=True, slots=True)
class StreamSilent:
    """No RTP came for `seconds` although the far end should send; told once for each such silence."""

    call_id: CallId
    seconds: float


@dataclass(frozen=True, slots=True)
class StreamHeard:
    """Sound from the far end begins to come, or has stopped to; while a call rings that decides who rings it back."""

    call_id: CallId
    heard: bool


@dataclass(frozen=True, slots=True)
class DigitHeard:
    """The far end pressed a key."""

    call_id: CallId
    digit: str
    way: str = "rtp"
    """"rtp" (RFC 4733), or "inband" for tones in the speech band."""


@dataclass(frozen=True, slots=True)
class RecordingEnded:
    """A recording is on the disk; `fault` says why it ended before it was asked to."""

    call_id: CallId
    path: str
    seconds: float
    fault: str = ""


@dataclass(frozen=True, slots=True)
class PlayingEnded:
    """A file was played to its end or stopped, or could not be."""

    call_id: CallId
    path: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """The card cannot be used; calls go on in silence while it is tried again about every second."""

    text: str
    """Which card, what is wrong, what to do."""


@dataclass(frozen=True, slots=True)
class DeviceFound:
    """The card works again after `DeviceLost`."""

    name: str


@dataclass(frozen=True, slots=True)
class MicrophoneMeasured:
    """How loud the microphone was in the last fifth of a second, in dB below full scale; -96 for silence."""

    rms_db: float
    peak_db: float


AudioReport = (
    StreamEnded
    | StreamProgressed
    | StreamSilent
    | StreamHeard
    | DigitHeard
    | RecordingEnded
    | PlayingEnded
    | DeviceLost
    | DeviceFound
    | MicrophoneMeasured
)


@dataclass(frozen=True, slots=True)
class AudioCounters:
    """Running totals of the audio thread since the engine was made."""

    periods: int = 0
    """Periods of 20 ms that were run."""
    capture_xruns: int = 0
    playback_xruns: int = 0
    devices_lost: int = 0
    real_time: bool = False
    """Whether the thread got real-time priority."""
    device_open: bool = False
    opened_at: float | None = None
    """When the device was last opened, in seconds on the monotonic clock; its first sample came a period later."""
    periods_before: int = 0
    """Periods that had been run until then: where in a WAV file of all that was heard this opening begins."""


Report = TypeVar("Report")


def take_reports(waiting: deque[Report | tuple[int, str]], logger: plain_logging.Logger) -> list[Report]:
    """What waits, oldest first; lines for the log among it are written. Another thread may add more meanwhile."""
    found: list[Report] = []
    while waiting:
        item = waiting.popleft()
        if isinstance(item, tuple):
            logger.log(*item)
        else:
            found.append(item)
    return found
