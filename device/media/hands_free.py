"""Talking without a handset: the loudspeaker's sound is kept out of what is sent, and the voice made even.

`EchoHistory` knows what was played when, and finds out how late it comes back; a canceller takes it out of the
microphone's sound. Loaded by the profile hands-free, or where a setting asks for it.
"""

from collections import deque

from device.annotations import Final, Protocol
from device.media import pcm
from device.media.stream_parameters import FRAME_MS

HISTORY_MS: Final = 600
PATTERN_MS: Final = 30
LONGEST_DELAY_MS: Final = 400
MARGIN_MS: Final = 4
"""The reference comes so much earlier than the echo was found: a canceller cannot look ahead."""
SEARCH_RATE_HZ: Final = 8000
SEARCH_EVERY: Final = 8
SEARCH_AGAIN_EVERY: Final = 250
"""Frames between two searches, before and after the delay is known."""
LOUD: Final = 300
"""RMS of what is worth looking for, 41 dB below full scale."""
ALIKE: Final = 0.5
"""Least share of the microphone's sound that is the pattern, as amplitude, for a delay to be believed."""
AGREEMENT_MS: Final = 3


class EchoControl(Protocol):
    """Both ways of a sound card at one rate, frame by frame."""

    def to_ear(self, frame: bytes) -> bytes:
        """What is to be played now."""

    def from_mouth(self, captured: bytes) -> bytes:
        """What is to be sent of a frame that was captured before the next `to_ear`."""


class EchoHistory:
    """What was played and captured lately, and by how much the echo is late."""

    def __init__(self, rate_hz: int) -> None:
        self._frame = pcm.SAMPLE_BYTES * pcm.samples_in(FRAME_MS, rate_hz)
        self._size = pcm.SAMPLE_BYTES * pcm.samples_in(HISTORY_MS, rate_hz)
        self._rate_hz = rate_hz
        self._played = bytes(self._size)
        self._captured = bytes(self._size)
        self._found_ms: float | None = None
        self._until_search = SEARCH_EVERY
        self.delay_ms: float | None = None
        """From the moment a frame is handed over for playing until its echo is captured; None until that is known."""

    def note_played(self, frame: bytes) -> None:
        """This is played now."""
        self._played = (self._played + frame)[-self._size :]

    def reference(self, captured: bytes) -> bytes:
        """What was played when the echo in `captured` was; the delay is looked for now and then."""
        self._captured = (self._captured + captured)[-self._size :]
        self._until_search -= 1
        if self._until_search <= 0:
            self._until_search = SEARCH_EVERY if self.delay_ms is None else SEARCH_AGAIN_EVERY
            self._search()
        # The last frame that was played is a frame old when the next one has been captured.
        late_ms = 0.0 if self.delay_ms is None else max(0.0, self.delay_ms - FRAME_MS - MARGIN_MS)
        late = pcm.SAMPLE_BYTES * int(late_ms * self._rate_hz / 1000)
        end = len(self._played) - late
        return self._played[end - self._frame : end]

    def _search(self) -> None:
        """Look for a piece of what was played in what was captured since; twice the same is believed."""
        octets_a_ms = self._size // HISTORY_MS
        start = self._size - octets_a_ms * (LONGEST_DELAY_MS + PATTERN_MS)
        pattern = self._played[start : start + octets_a_ms * PATTERN_MS]
        if pcm.rms(pattern) < LOUD:
            return
        place = self._captured[start:]
        if self._rate_hz != SEARCH_RATE_HZ:
            pattern, place = (pcm.thin_out(sound, self._rate_hz // SEARCH_RATE_HZ) for sound in (pattern, place))
        offset, factor = pcm.fit(place, pattern)
        found = place[offset * pcm.SAMPLE_BYTES :][: len(pattern)]
        if abs(factor) * pcm.rms(pattern) < ALIKE * max(1, pcm.rms(found)):
            return
        before, self._found_ms = self._found_ms, FRAME_MS + offset * 1000 / SEARCH_RATE_HZ
        agree = before is not None and abs(before - self._found_ms) <= AGREEMENT_MS
        if agree and (self.delay_ms is None or abs(self.delay_ms - self._found_ms) > AGREEMENT_MS):
            self.delay_ms = self._found_ms


QUIET: Final = 150
"""RMS below which nobody speaks, 47 dB below full scale."""
HOLD_FRAMES: Final = 10
"""The floor is kept in the pauses between words, 200 ms."""
INTERRUPT: Final = 3.0
"""Who is so many times louder than the echo would be takes the floor, 10 dB."""
CLOSED: Final = 0.01
"""The way that has not the floor is 40 dB weaker."""
ECHO_FRAMES: Final = 15
"""What was played within this time may still be heard: the card, the room and the pauses between words, 300 ms."""
COUPLING_RISE, COUPLING_FALL = 0.2, 0.005
COUPLING_AT_FIRST: Final = 1.0
"""Before anything is learnt the room is taken to be loud."""


class HalfDuplex:
    """One speaks at a time: what the loudspeaker plays closes the microphone, unless somebody here speaks louder.

    Needs no library and hardly any time. An EchoControl.
    """

    def __init__(self) -> None:
        self._far_levels: deque[int] = deque([0], maxlen=ECHO_FRAMES)
        self._coupling = COUPLING_AT_FIRST
        """How loud the echo is in the microphone, as a share of what is played; learnt."""
        self._near_holds = 0
        self._mouth = self._ear = 1.0

    def to_ear(self, frame: bytes) -> bytes:
        self._ear, frame = _faded(frame, self._ear, CLOSED if self._near_holds else 1.0)
        self._far_levels.append(pcm.rms(frame))
        return frame

    def from_mouth(self, captured: bytes) -> bytes:
        near, far = pcm.rms(captured), max(self._far_levels)
        speaks = near > QUIET and near > INTERRUPT * self._coupling * far
        if far > QUIET and not speaks and not self._near_holds:
            share = near / far
            self._coupling += (COUPLING_RISE if share > self._coupling else COUPLING_FALL) * (share - self._coupling)
        self._near_holds = HOLD_FRAMES if speaks else max(0, self._near_holds - 1)
        is_open = self._near_holds > 0 or far <= QUIET
        self._mouth, captured = _faded(captured, self._mouth, 1.0 if is_open else CLOSED)
        return captured


def _faded(frame: bytes, before: float, after: float) -> tuple[float, bytes]:
    """The factor and the frame with it, which changes over the frame, without a click."""
    if before == after:
        return after, frame if after == 1.0 else pcm.scale(frame, after)
    return after, pcm.ramp(frame, before, after)
