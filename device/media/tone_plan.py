"""Tones as patterns, and which there are; the plans themselves are in `national_tones`, `tones` plays them."""

from device.media.errors import UnknownToneError
from device.records import dataclass

TONE_NAMES = (
    "DIAL",
    "SECOND_DIAL",
    "MESSAGE_WAITING",
    "RINGBACK",
    "BUSY",
    "REORDER",
    "SPECIAL_INFORMATION",
    "HOWLER",
    "CALL_WAITING",
    "CONFIRMATION",
    "HOLD_REMINDER",
)
COUNTRIES = (
    *("itu", "at", "au", "be", "br", "ca", "ch", "cn", "cz", "de", "dk", "es", "fi", "fr", "gr", "hu", "il", "in"),
    *("it", "jp", "mx", "nl", "no", "nz", "pl", "pt", "ru", "se", "sg", "tw", "uk", "us", "za"),
)
"""By lower-case country code, "uk" for the United Kingdom; "itu" is what E.180 recommends where no plan is known."""
CONTINUOUS_MS = 10_000
"""Length of the segment that a tone without pauses repeats seamlessly."""
HOWLER_LEVEL_DB = 10


@dataclass(frozen=True, slots=True)
class ToneSegment:
    """Some frequencies together, then silence. With `off_ms` 0 the next segment follows at once."""

    frequencies: tuple[int, ...]
    """In Hz; each at the level of the whole tone."""
    on_ms: int
    off_ms: int = 0
    modulation_hz: int = 0
    """Full amplitude modulation, as in Japan's ringing tone (400 Hz by 16 Hz); 0 for none."""


@dataclass(frozen=True, slots=True)
class TonePattern:
    """A tone: its segments in order, over and over unless `repeat` is off."""

    segments: tuple[ToneSegment, ...]
    repeat: bool = True
    level_db: int = 0
    """Above the level of ordinary tones; the howler is meant to be heard across the room."""
    again_from: int = 0
    """The segment that a repetition begins with: those before it are played once."""


def tone_pattern(country: str, name: str, own_tones: str = "") -> TonePattern:
    """The tone `name` (one of TONE_NAMES) of a country (one of COUNTRIES), or as `own_tones` has it.

    `own_tones` is written as the setting `media.own_tones`. Raises UnknownToneError.
    """
    # The tables take 60 kB: they are loaded with the first tone.
    from device.media.national_tones import PLANS, STUTTER_MS, STUTTERS  # noqa: PLC0415
    from device.media.tone_notation import parse_own_tones, parse_tone  # noqa: PLC0415

    country, name = country.lower(), name.upper()
    if country not in PLANS:
        raise UnknownToneError(f"no tone plan for {country!r}; known are {', '.join(COUNTRIES)}")
    if name not in TONE_NAMES:
        raise UnknownToneError(f"no tone {name!r}; known are {', '.join(TONE_NAMES)}")
    plan = {**PLANS["itu"], **PLANS[country], **parse_own_tones(own_tones)}
    if name not in plan:  # only MESSAGE_WAITING is made of another
        return _stuttering(parse_tone(plan["DIAL"]), STUTTERS, STUTTER_MS)
    return parse_tone(plan[name], HOWLER_LEVEL_DB if name == "HOWLER" else 0)


def _stuttering(dial: TonePattern, stutters: int, stutter_ms: int) -> TonePattern:
    first = dial.segments[0]
    burst = ToneSegment(first.frequencies, stutter_ms, stutter_ms, first.modulation_hz)
    return TonePattern((burst,) * stutters + dial.segments, again_from=stutters)
