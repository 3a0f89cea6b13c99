"""What an act is told: past-tense records."""

from device.records import dataclass


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """The caller pressed a key, however it came."""

    digit: str


@dataclass(frozen=True, slots=True)
class Said:
    """The last `Say` or `Stream` has been heard to its end."""


@dataclass(frozen=True, slots=True)
class RecordingFinished:
    """The last `Record` ended by itself: silence, the longest length, or no room on the disk."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The deadline of the act has come."""


Happening = KeyPressed | Said | RecordingFinished | TimePassed
