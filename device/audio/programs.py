"""What one caller of a service hears and what becomes of what it says, 20 ms at a time; in the thread of the services.

Each period `hear` is called for every call before `say` is called for any.
"""

from collections.abc import Callable, Sequence

from device.annotations import Final, Protocol
from device.audio.playing import Player
from device.audio.recording import Recording
from device.media import pcm
from device.media.rates import resampler
from device.media.stream_parameters import FRAME_MS

CLIP_RATE_HZ: Final = 8000
"""Of the clips among the segments of a `Playlist`."""
QUIET_RMS: Final = 180
"""A frame below this, 45 dB below full scale, is a pause in speech."""

Segment = bytes | str
"""A clip: samples at CLIP_RATE_HZ, or the path of a WAV file."""

Ended = Callable[[], None]
"""Called once, when a program has done what it was to do."""


class Program(Protocol):
    """One call's sound."""

    def hear(self, frame: bytes) -> None:
        """Take 20 ms of what the caller says."""

    def say(self, samples: int) -> bytes:
        """Give as many samples for its ear."""

    def change_rate(self, rate_hz: int) -> None:
        """Frames are of this rate from now on; called once before the first frame."""

    def close(self) -> None:
        """Another program takes its place, or the call is over."""


class Silence:
    """Nothing either way."""

    def hear(self, frame: bytes) -> None:
        """Nobody listens."""

    def say(self, samples: int) -> bytes:
        return pcm.silence(samples)

    def change_rate(self, rate_hz: int) -> None:
        """The same at any rate."""

    def close(self) -> None:
        """Nothing to end."""


class EchoBack(Silence):
    """The caller hears itself."""

    def __init__(self) -> None:
        self._frame = b""

    def hear(self, frame: bytes) -> None:
        self._frame = frame

    def say(self, samples: int) -> bytes:
        return self._frame


class Playlist(Silence):
    """Clips and files one after the other, or over and over; what the caller says meanwhile is nobody's business."""

    def __init__(self, segments: Sequence[Segment], ended: Ended, loop: bool = False) -> None:
        self._segments = list(segments)
        self._ended: Ended | None = ended
        self._loop = loop
        self._rate_hz = 0
        self._clip, self._at = b"", 0
        self._player: Player | None = None

    def say(self, samples: int) -> bytes:
        said = b""
        wanted = pcm.SAMPLE_BYTES * samples
        while len(said) < wanted:
            if self._at < len(self._clip):
                part = self._clip[self._at : self._at + wanted - len(said)]
                self._at += len(part)
                said += part
            elif self._player is not None:
                said += self._player.next_frame(self._rate_hz, (wanted - len(said)) // pcm.SAMPLE_BYTES)
                if self._player.finished:
                    self._player = None
            elif not self._next_segment():
                break
        return said.ljust(wanted, b"\0")

    def _next_segment(self) -> bool:
        if not self._segments:
            ended, self._ended = self._ended, None
            if ended is not None:
                ended()
            return False
        segment = self._segments.pop(0)
        if isinstance(segment, str):
            self._player = Player(segment, loop=self._loop)
        else:
            converter = resampler(CLIP_RATE_HZ, self._rate_hz)
            self._clip, self._at = converter.convert(segment) if converter else segment, 0
        return True

    def change_rate(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz

    def close(self) -> None:
        if self._player is not None:
            self._player.close()
            self._player = None


class Taping(Silence):
    """What the caller says goes into a file, until it has been quiet for long or says too much."""

    def __init__(self, recording: Recording, longest_s: float, quiet_s: float, ended: Ended) -> None:
        self._recording = recording
        self._left = round(1000 * longest_s / FRAME_MS)
        self._longest_quiet = round(1000 * quiet_s / FRAME_MS)
        self._quiet = 0
        self._ended: Ended | None = ended
        self._rate_hz = 0

    def hear(self, frame: bytes) -> None:
        if self._ended is None:
            return
        if not self._recording.is_open:  # the disk is full
            self._end(0)
            return
        self._recording.put(frame, b"", self._rate_hz)
        self._quiet = self._quiet + 1 if pcm.rms(frame) < QUIET_RMS else 0
        self._left -= 1
        if self._quiet >= self._longest_quiet:
            self._end(self._quiet)
        elif not self._left:
            self._end(0)

    def _end(self, quiet: int) -> None:
        ended, self._ended = self._ended, None
        self._recording.close(quiet * FRAME_MS / 1000)
        if ended is not None:
            ended()

    def change_rate(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz

    def close(self) -> None:
        if self._ended is not None:
            self._ended = None
            self._recording.close()
