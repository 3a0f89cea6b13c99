"""What may be done with the sound of a call besides talking: recording it, and playing a file into it."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING, Final
from device.audio.playing import Player
from device.audio.recording import Recording
from device.media import pcm
from device.media.tones import ToneGenerator, TonePattern, ToneSegment

if TYPE_CHECKING:
    from device.audio.joined_calls import JoinedCalls
    from device.model import CallId

NOTICE: Final = TonePattern((ToneSegment((1400,), 500, 14_500),))
"""The tone that tells of a recording: 1400 Hz, half a second of every 15 (47 CFR 64.501)."""
NOTICE_DB: Final = -24.0


class CallExtras:
    """Between a call and the handset, in the audio thread; each period `heard` comes before `sent`."""

    __slots__ = ("_call_id", "_far", "_joined", "_notice", "_own", "_rate_hz", "player", "recording")

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.recording: Recording | None = None
        self.player: Player | None = None
        self._notice: ToneGenerator | None = None
        self._joined: JoinedCalls | None = None
        """The talk of three that the call takes part in..."""
        self._call_id: CallId
        """...under this name."""
        self._far = b""
        self._own = b""
        """What both sides hear in this period besides each other."""

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do any more."""
        return self.recording is None and self.player is None and (self._joined is None or self._joined.is_over)

    def record(self, recording: Recording, notice: bool) -> None:
        """Record from now on; another recording of the call ends."""
        self.stop_recording()
        self.recording = recording
        self._notice = ToneGenerator(NOTICE, self._rate_hz, NOTICE_DB) if notice else None

    def play(self, player: Player) -> None:
        """Play a file from now on, in place of another one."""
        self.stop_playing()
        self.player = player

    def join(self, joined: JoinedCalls, call_id: CallId) -> None:
        """Hear the far ends of other calls from now on, and be heard there."""
        self.leave()
        self._joined, self._call_id = joined, call_id
        joined.enter(call_id)

    def leave(self) -> None:
        """Part from the other calls."""
        if self._joined is not None:
            self._joined.leave(self._call_id)
        self._joined = None

    def stop_recording(self) -> None:
        if self.recording is not None:
            self.recording.close()
        self.recording = self._notice = None

    def stop_playing(self) -> None:
        if self.player is not None:
            self.player.close()
        self.player = None

    def close(self) -> None:
        """The call is over."""
        self.leave()
        self.stop_recording()
        self.stop_playing()

    def change_rate(self, rate_hz: int) -> None:
        """From now on frames are of another rate."""
        self._rate_hz = rate_hz
        self._notice = self._notice.at_rate(rate_hz) if self._notice is not None else None

    def heard(self, frame: bytes) -> bytes:
        """The far end's frame, with what is played."""
        self._far, samples = frame, len(frame) // pcm.SAMPLE_BYTES
        if self._joined is not None:
            self._joined.put(self._call_id, frame)
        self._own = b""
        if self.player is not None:
            self._own = self.player.next_frame(self._rate_hz, samples)
            if self.player.finished:
                self.stop_playing()
        if self._notice is not None:
            self._own = pcm.mix(self._own, self._notice.next_frame(samples))
        return pcm.mix(frame, self._own) if self._own else frame

    def sent(self, captured: bytes, on_hold: bool) -> bytes:
        """The microphone's frame, with what is played; on hold nothing of it goes to the far end nor to the file."""
        pcm_out = pcm.mix(captured, self._own) if self._own else captured
        if self._joined is not None:
            pcm_out = pcm.mix(pcm_out, self._joined.others(self._call_id))
        if self.recording is not None:
            near = bytes(len(captured)) if on_hold else pcm_out
            self.recording.put(self._far, near, self._rate_hz)
        return pcm_out
