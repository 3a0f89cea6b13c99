"""Tones as text, for national plans and an installer's own: `350+440` steady, `425/500,0/500` in a cadence.

Parts stand between commas: frequencies in Hz, joined by "+", or a carrier "*" its modulation; then "/" and
milliseconds. A frequency of 0 is a pause. A part that begins with "!" is played once; when all do, the tone ends.
The form is the one of Asterisk's and Zaptel's indications, which people of the field know.
"""

from device.media.errors import UnknownToneError
from device.media.tone_plan import CONTINUOUS_MS, TonePattern, ToneSegment

MAX_PARTS = 64
MAX_FREQUENCIES = 4
_LOWEST_HZ, _HIGHEST_HZ = 20, 3800
_LONGEST_MS = 600_000


def parse_tone(text: str, level_db: int = 0) -> TonePattern:
    """The pattern of a text. Raises UnknownToneError that says which part is wrong."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MAX_PARTS:
        raise UnknownToneError(f"a tone of {len(parts)} parts: at most {MAX_PARTS} are taken")
    segments: list[ToneSegment] = []
    first_repeated: int | None = None
    for part in parts:
        once = part.startswith("!")
        frequencies, modulation_hz, length_ms = _parse_part(part.removeprefix("!"))
        if not frequencies:
            _add_pause(segments, length_ms, part)
            continue
        if not once and first_repeated is None:
            first_repeated = len(segments)
        segments.append(ToneSegment(frequencies, length_ms, 0, modulation_hz))
    if not segments:
        raise UnknownToneError(f"tone {text!r} is silent")
    return TonePattern(tuple(segments), first_repeated is not None, level_db, first_repeated or 0)


def _add_pause(segments: list[ToneSegment], length_ms: int, part: str) -> None:
    if not segments:
        raise UnknownToneError(f"{part!r}: a tone does not begin with a pause")
    last = segments[-1]
    segments[-1] = ToneSegment(last.frequencies, last.on_ms, last.off_ms + length_ms, last.modulation_hz)


def _parse_part(part: str) -> tuple[tuple[int, ...], int, int]:
    sound, slash, length = part.partition("/")
    carrier, star, modulation = sound.partition("*")
    frequencies = tuple(_number(word, part) for word in carrier.split("+"))
    modulation_hz = _number(modulation, part) if star else 0
    length_ms = _number(length, part) if slash else CONTINUOUS_MS
    if not 0 < length_ms <= _LONGEST_MS:
        raise UnknownToneError(f"{part!r}: a length is between 1 and {_LONGEST_MS} ms")
    if frequencies == (0,) and not modulation_hz:
        return (), 0, length_ms
    if len(frequencies) > MAX_FREQUENCIES or (modulation_hz and len(frequencies) > 1):
        raise UnknownToneError(f"{part!r}: at most {MAX_FREQUENCIES} frequencies together, or one with its modulation")
    highest = max(frequencies) + modulation_hz
    if min(frequencies) - modulation_hz < _LOWEST_HZ or highest > _HIGHEST_HZ:
        raise UnknownToneError(f"{part!r}: a frequency is between {_LOWEST_HZ} and {_HIGHEST_HZ} Hz")
    return frequencies, modulation_hz, length_ms


def _number(word: str, part: str) -> int:
    word = word.strip()
    if not (word.isascii() and word.isdecimal() and len(word) <= 7):
        raise UnknownToneError(f"{part!r}: {word!r} is no whole number; a tone is written like 425/500,0/500")
    return int(word)


def parse_own_tones(text: str) -> dict[str, str]:
    """ "BUSY=425/250,0/250; DIAL=350+440" as tones by name, upper-case. Raises UnknownToneError."""
    tones: dict[str, str] = {}
    for entry in text.split(";"):
        if not entry.strip():
            continue
        name, equals, tone = entry.partition("=")
        if not equals:
            raise UnknownToneError(f"{entry.strip()!r} is not written NAME=tone")
        parse_tone(tone.strip())
        tones[name.strip().upper()] = tone.strip()
    return tones
