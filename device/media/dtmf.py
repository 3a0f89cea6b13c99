"""Keypad digits as tones in the speech band (ITU-T Q.23), for peers that take no telephone events."""

from device.media import pcm
from device.media.tones import ToneGenerator, TonePattern, ToneSegment

ROWS_HZ = (697, 770, 852, 941)
COLUMNS_HZ = (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"
"""Row by row."""
FULL_SCALE_DBM0 = 3.14
"""Level of a sine at full scale (ITU-T G.711 table 5)."""
TWIST_DB = 2.0
"""The higher tone over the lower one, against the loss of old lines (ETSI ES 201 235-2 section 4.2.2)."""


class DigitTone:
    """Plays one digit and the pause after it: two tones, the higher one a little louder."""

    __slots__ = ("_high", "_low")

    def __init__(self, digit: str, duration_ms: int, gap_ms: int, rate_hz: int, level_dbm0: float) -> None:
        """`level_dbm0` is that of the louder tone. Raises ValueError for what is no digit."""
        key = KEYS.find(digit.upper()) if len(digit) == 1 else -1
        if key < 0:
            raise ValueError(f"{digit!r} is not one of {KEYS}")
        level_db = level_dbm0 - FULL_SCALE_DBM0
        self._low, self._high = (
            ToneGenerator(
                TonePattern((ToneSegment((frequency,), duration_ms, gap_ms),), repeat=False), rate_hz, tone_db
            )
            for frequency, tone_db in ((ROWS_HZ[key // 4], level_db - TWIST_DB), (COLUMNS_HZ[key % 4], level_db))
        )

    @property
    def finished(self) -> bool:
        """Whether the pause is over, too."""
        return self._low.finished

    def next_frame(self, samples: int) -> bytes:
        """The next so many samples of PCM; silence once finished."""
        return pcm.mix(self._low.next_frame(samples), self._high.next_frame(samples))
