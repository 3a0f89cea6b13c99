"""A room of several calls: each hears all the others. A conference, and a page, in which one alone may speak."""

from collections.abc import Callable

from device.annotations import Protocol
from device.media import pcm
from device.media.mix_minus import MixMinus
from device.media.mixer import mix_frames
from device.media.stream_parameters import FRAME_MS
from device.media.tones import ToneGenerator, TonePattern
from device.model import CallId


class Listener(Protocol):
    """Hears a room without being a call, as a multicast does."""

    def send_frame(self, frame: bytes, rate_hz: int, now: float) -> None:
        """Take 20 ms of all that is said."""

    def close(self) -> None:
        """The room is empty."""


class Room:
    """Frames in by `put`, then `mix` once a period, then frames out by `heard`."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._mixer: MixMinus[CallId] = MixMinus()
        self._members: dict[CallId, bool] = {}
        """Whether each is muted."""
        self._frames: dict[CallId, bytes] = {}
        self._heard: dict[CallId, bytes] = {}
        self._all = b""
        self._chime: ToneGenerator | None = None
        self.listener: Listener | None = None

    @property
    def members(self) -> tuple[CallId, ...]:
        """All that are in it."""
        return tuple(self._members)

    def enter(self, call_id: CallId, muted: bool) -> None:
        """Take in a call, or change whether it is heard."""
        self._members[call_id] = muted
        if muted:
            self._frames.pop(call_id, None)

    def leave(self, call_id: CallId) -> None:
        self._members.pop(call_id, None)
        self._frames.pop(call_id, None)
        self._heard.pop(call_id, None)
        self._mixer.forget(call_id)

    def chime(self, pattern: TonePattern, level_db: float) -> None:
        """Let all hear a tone."""
        self._chime = ToneGenerator(pattern, self.rate_hz, level_db)

    def change_rate(self, rate_hz: int) -> None:
        """Frames are of another rate from now on."""
        self.rate_hz = rate_hz
        self._frames.clear()
        self._heard.clear()
        self._chime = self._chime.at_rate(rate_hz) if self._chime is not None else None

    def put(self, call_id: CallId, frame: bytes) -> None:
        """What a member says in this period."""
        if not self._members.get(call_id, True):
            self._frames[call_id] = frame

    def mix(self, now: float) -> None:
        """Everybody has been heard: make up what each will hear."""
        samples = self.rate_hz * FRAME_MS // 1000
        self._heard = self._mixer.mix(self._frames)
        chime = b""
        if self._chime is not None:
            chime = self._chime.next_frame(samples)
            self._heard = {call_id: pcm.mix(frame, chime) for call_id, frame in self._heard.items()}
            if self._chime.finished:
                self._chime = None
        if self.listener is not None or len(self._heard) < len(self._members):
            frames = list(self._frames.values())
            self._all = mix_frames([*frames, chime] if chime else frames, samples)
        self._frames = {}
        if self.listener is not None:
            self.listener.send_frame(self._all, self.rate_hz, now)

    def heard(self, call_id: CallId) -> bytes:
        """What a member hears in this period."""
        return self._heard.get(call_id, self._all)


class Member:
    """The program of a call in a room."""

    def __init__(self, room: Room, call_id: CallId, left: Callable[[CallId], None]) -> None:
        self._room = room
        self._call_id = call_id
        self._left = left

    def hear(self, frame: bytes) -> None:
        self._room.put(self._call_id, frame)

    def say(self, samples: int) -> bytes:
        frame = self._room.heard(self._call_id)
        return frame if len(frame) == pcm.SAMPLE_BYTES * samples else pcm.silence(samples)

    def change_rate(self, rate_hz: int) -> None:
        """The room is told by whoever knows all its members."""

    def close(self) -> None:
        self._left(self._call_id)
