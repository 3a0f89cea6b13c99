"""The tones of the national plans (ITU-T E.180 and its supplement 2) as patterns; `tones` plays them."""

from device.media.errors import UnknownToneError
from device.records import dataclass

TONE_NAMES = ("DIAL", "MESSAGE_WAITING", "RINGBACK", "BUSY", "REORDER", "HOWLER", "CALL_WAITING", "CONFIRMATION")
CONTINUOUS_MS = 10_000
"""Length of the segment that a tone without pauses repeats seamlessly."""


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


def tone_pattern(country: str, name: str) -> TonePattern:
    """The tone `name` (one of TONE_NAMES) of a country (one of COUNTRIES); raises UnknownToneError."""
    plan = _PLANS.get(country.lower())
    if plan is None:
        raise UnknownToneError(f"no tone plan for {country!r}; known are {', '.join(COUNTRIES)}")
    if name.upper() == "MESSAGE_WAITING":
        return _stuttering(plan["DIAL"])
    pattern = plan.get(name.upper()) or _COMMON.get(name.upper())
    if pattern is None:
        raise UnknownToneError(f"no tone {name!r}; known are {', '.join(TONE_NAMES)}")
    return pattern


def _steady(*frequencies: int) -> TonePattern:
    return TonePattern((ToneSegment(frequencies, CONTINUOUS_MS),))


def _cadence(frequencies: tuple[int, ...], *times_ms: int, modulation_hz: int = 0) -> TonePattern:
    """On and off times in turn."""
    pairs = zip(times_ms[::2], times_ms[1::2], strict=True)
    return TonePattern(tuple(ToneSegment(frequencies, on, off, modulation_hz) for on, off in pairs))


def _once(frequencies: tuple[int, ...], *times_ms: int) -> TonePattern:
    return TonePattern(_cadence(frequencies, *times_ms).segments, repeat=False)


STUTTERS, STUTTER_MS = 10, 100
"""Dial tone that begins with so many short bursts tells of waiting messages (ITU-T E.182, special dial tone)."""


def _stuttering(dial: TonePattern) -> TonePattern:
    first = dial.segments[0]
    burst = ToneSegment(first.frequencies, STUTTER_MS, STUTTER_MS, first.modulation_hz)
    return TonePattern((burst,) * STUTTERS + dial.segments)


_HOWLER_LEVEL_DB = 10

_COMMON = {
    # The receiver off-hook signal of North America (GR-506, E.180 supplement 2), understood everywhere.
    "HOWLER": TonePattern((ToneSegment((1400, 2060, 2450, 2600), 100, 100),), level_db=_HOWLER_LEVEL_DB),
    # E.182 leaves the positive indication tone to the country; three short bursts say "done" in most.
    "CONFIRMATION": _once((425,), 100, 100, 100, 100, 100, 100),
}


def _continental(
    ringback: TonePattern, busy: TonePattern, reorder: TonePattern, waiting: TonePattern
) -> dict[str, TonePattern]:
    """The 425 Hz plans of Europe, alike but for their cadences."""
    return {
        "DIAL": _steady(425),
        "RINGBACK": ringback,
        "BUSY": busy,
        "REORDER": reorder,
        "CALL_WAITING": waiting,
    }


_425 = (425,)
_PLANS: dict[str, dict[str, TonePattern]] = {
    # What E.180 recommends where no national plan is known.
    "itu": _continental(
        _cadence(_425, 1000, 4000),
        _cadence(_425, 500, 500),
        _cadence(_425, 250, 250),
        _cadence(_425, 200, 600, 200, 10_000),
    ),
    "us": {
        "DIAL": _steady(350, 440),
        "RINGBACK": _cadence((440, 480), 2000, 4000),
        "BUSY": _cadence((480, 620), 500, 500),
        "REORDER": _cadence((480, 620), 250, 250),
        "CALL_WAITING": _cadence((440,), 300, 9700),
        "CONFIRMATION": _once((350, 440), 100, 100, 100, 100, 100, 100),
    },
    "uk": {
        "DIAL": _steady(350, 440),
        "RINGBACK": _cadence((400, 450), 400, 200, 400, 2000),
        "BUSY": _cadence((400,), 375, 375),
        "REORDER": _cadence((400,), 400, 350, 225, 525),
        "CALL_WAITING": _cadence((400,), 100, 4000),
        "CONFIRMATION": _once((1400,), 100, 100, 100, 100, 100, 100),
    },
    "de": _continental(
        _cadence(_425, 1000, 4000),
        _cadence(_425, 480, 480),
        _cadence(_425, 240, 240),
        _cadence(_425, 200, 200, 200, 5000),
    ),
    "fr": {
        "DIAL": _steady(440),
        "RINGBACK": _cadence((440,), 1500, 3500),
        "BUSY": _cadence((440,), 500, 500),
        "REORDER": _cadence((440,), 250, 250),
        "CALL_WAITING": _cadence((440,), 300, 10_000),
        "CONFIRMATION": _once((440,), 100, 100, 100, 100, 100, 100),
    },
    "it": _continental(
        _cadence(_425, 1000, 4000),
        _cadence(_425, 500, 500),
        _cadence(_425, 200, 200),
        _cadence(_425, 400, 100, 250, 100, 150, 14_000),
    )
    | {"DIAL": _cadence(_425, 200, 200, 600, 1000)},
    "es": _continental(
        _cadence(_425, 1500, 3000),
        _cadence(_425, 200, 200),
        _cadence(_425, 200, 200, 200, 200, 200, 600),
        _cadence(_425, 175, 175, 175, 3500),
    ),
    "nl": _continental(
        _cadence(_425, 1000, 4000),
        _cadence(_425, 500, 500),
        _cadence(_425, 250, 250),
        _cadence(_425, 500, 9500),
    ),
    "se": _continental(
        _cadence(_425, 1000, 5000),
        _cadence(_425, 250, 250),
        _cadence(_425, 250, 750),
        _cadence(_425, 200, 500, 200, 9100),
    ),
    "jp": {
        "DIAL": _steady(400),
        "RINGBACK": _cadence((400,), 1000, 2000, modulation_hz=16),
        "BUSY": _cadence((400,), 500, 500),
        "REORDER": _cadence((400,), 500, 500),
        "CALL_WAITING": _cadence((400,), 500, 8000, modulation_hz=16),
        "CONFIRMATION": _once((400,), 100, 100, 100, 100, 100, 100),
    },
    "au": {
        "DIAL": _steady(413, 438),
        "RINGBACK": _cadence((413, 438), 400, 200, 400, 2000),
        "BUSY": _cadence(_425, 375, 375),
        "REORDER": _cadence(_425, 375, 375),
        "CALL_WAITING": _cadence(_425, 200, 200, 200, 4400),
    },
}
COUNTRIES = tuple(_PLANS)
