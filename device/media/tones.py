"""National tone plans (ITU-T E.180 and its supplement 2) and the generator that plays a tone as PCM."""

from device.media.errors import UnknownToneError
from device.records import dataclass

TONE_NAMES = ("DIAL", "RINGBACK", "BUSY", "REORDER", "HOWLER", "CALL_WAITING", "CONFIRMATION")
COUNTRIES = ("itu", "us", "uk", "de", "fr", "it", "es", "nl", "se", "jp", "au")


@dataclass(frozen=True, slots=True)
class ToneSegment:
    """Some frequencies together, then silence. `off_ms` 0 joins the next segment without a gap."""

    frequencies: tuple[int, ...]
    """In Hz; each at the level of the whole tone."""
    on_ms: int
    off_ms: int = 0
    modulation_hz: int = 0
    """Full amplitude modulation, as in Japan's ringing tone (400 Hz by 16 Hz)."""


@dataclass(frozen=True, slots=True)
class TonePattern:
    """A tone: its segments in order, over and over unless `repeat` is off."""

    segments: tuple[ToneSegment, ...]
    repeat: bool = True
    level_db: int = 0
    """Added to the level of every other tone; the howler is louder."""


def tone_pattern(country: str, name: str) -> TonePattern:
    """The tone `name` (one of TONE_NAMES) of a country (one of COUNTRIES); raises UnknownToneError."""
    raise UnknownToneError(f"{country} {name}")


class ToneGenerator:
    """Plays one pattern: phase-continuous, frequencies and cadence exact to the sample, edges ramped."""

    def __init__(self, pattern: TonePattern, rate_hz: int, level_db: float = -16) -> None:
        self.finished = False
        """True when a pattern that does not repeat has been played to its end."""

    def next_frame(self, samples: int) -> bytes:
        """The next so many samples of PCM; silence once finished."""
        return bytes(2 * samples)
