"""Keypad digits as tones in the speech band (ITU-T Q.23), for peers that take no telephone events."""

from device.media.tones import ToneGenerator, TonePattern, ToneSegment

_ROWS_HZ = (697, 770, 852, 941)
_COLUMNS_HZ = (1209, 1336, 1477, 1633)
_KEYS = "123A456B789C*0#D"
LEVEL_DB = -9.0
"""Of each of the two frequencies, below full scale: about -6 dBm0 together (ITU-T Q.24 annex A lies around it)."""


def digit_pattern(digit: str, duration_ms: int, gap_ms: int) -> TonePattern:
    """One digit and the pause after it; raises ValueError for what is no digit."""
    key = _KEYS.find(digit.upper()) if len(digit) == 1 else -1
    if key < 0:
        raise ValueError(f"{digit!r} is not one of {_KEYS}")
    frequencies = (_ROWS_HZ[key // 4], _COLUMNS_HZ[key % 4])
    return TonePattern((ToneSegment(frequencies, duration_ms, gap_ms),), repeat=False)


def digit_generator(digit: str, duration_ms: int, gap_ms: int, rate_hz: int) -> ToneGenerator:
    """Plays one digit and the pause after it."""
    return ToneGenerator(digit_pattern(digit, duration_ms, gap_ms), rate_hz, LEVEL_DB)
