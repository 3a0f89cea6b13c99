"""How loud a call is, from every fifth frame: for its time line and its reports."""

from device.media import pcm

EVERY_FRAMES = 5
"""One frame of so many is looked at."""
FRAMES_A_SECOND = 50 // EVERY_FRAMES
SILENCE_DB = -96.0
SPEECH = 104
"""Frames above this RMS count as speech: 50 dB below full scale."""


class SoundLevel:
    """Give it a frame now and then; it remembers the level of the last second and that of all speech."""

    __slots__ = ("_begun", "_frames", "_speech", "_speech_frames", "_squares", "db")

    def __init__(self) -> None:
        self._squares = self._frames = 0
        self._speech = self._speech_frames = 0
        self._begun = True
        """The first second is not over."""
        self.db = SILENCE_DB
        """Of the last whole second, or of what there is of the first one, in dB below full scale."""

    def take(self, frame: bytes) -> None:
        """One frame."""
        square = pcm.rms(frame) ** 2
        self._squares += square
        self._frames += 1
        if square > SPEECH * SPEECH:
            self._speech += square
            self._speech_frames += 1
        if self._begun or self._frames >= FRAMES_A_SECOND:
            self.db = _decibels(self._squares, self._frames)
        if self._frames >= FRAMES_A_SECOND:
            self._begun = False
            self._squares = self._frames = 0

    @property
    def speech_db(self) -> float | None:
        """Mean level of what was speech; None when there was none."""
        return _decibels(self._speech, self._speech_frames) if self._speech_frames else None


def _decibels(squares: int, frames: int) -> float:
    level = round((squares / frames) ** 0.5)
    return round(pcm.decibels(level), 1) if level else SILENCE_DB
