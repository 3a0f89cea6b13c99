"""Sending less while nobody speaks: which packets hold speech, and how the background sounds (RFC 3389).

Loaded where `media.silence_suppression` is on and the far end takes comfort noise.
"""

from math import log10

from device.annotations import Final
from device.media import pcm
from device.media.comfort_noise import LEAST_LEVEL

SPEECH_DB: Final = 10.0
"""Speech is this much louder than the background."""
QUIETEST_RMS: Final = 10.0
"""The background is taken for this loud at least, 70 dB below overload, and a call begins with that: what is only loud
background is then sent for some seconds, but nobody's first word is cut off."""
HANGOVER_MS: Final = 240
"""So long after the last loud packet all is sent: words end softly."""
RISE_DB_A_SECOND: Final = 3.0
"""The background is taken for louder by so much while it is never heard quieter, as when a fan starts."""
UPDATE_MS: Final = 1000
"""The far end is told anew after so long, which also shows that we are there and keeps addresses translated."""
UPDATE_DB: Final = 3.0
"""It is told at once when the background has changed by so much."""
ORDER: Final = 6
"""Reflection coefficients that describe the spectrum of the background."""


class SilenceSuppressor:
    """Give it every packet's samples in order; it says what to send in its place."""

    __slots__ = ("_floor", "_hangover_ms", "_level", "_packet_ms", "_rise", "_since_update_ms", "_speech_factor")

    def __init__(self, packet_ms: int) -> None:
        self._packet_ms = packet_ms
        self._rise = pcm.amplitude(RISE_DB_A_SECOND * packet_ms / 1000)
        self._speech_factor = pcm.amplitude(SPEECH_DB)
        self._floor = QUIETEST_RMS
        self._hangover_ms = HANGOVER_MS
        self._since_update_ms = UPDATE_MS
        self._level = float(LEAST_LEVEL)
        """As the far end was told last, in dB below overload."""

    def take(self, sound: bytes) -> bytes | None:
        """None: send the packet as it is. Else the payload of a comfort noise packet, or b"" to send nothing."""
        rms = pcm.rms(sound)
        self._floor = max(QUIETEST_RMS, min(self._floor * self._rise, rms))
        if rms > self._floor * self._speech_factor:
            self._hangover_ms = HANGOVER_MS
            self._since_update_ms = UPDATE_MS
            return None
        if self._hangover_ms > 0:
            self._hangover_ms -= self._packet_ms
            return None
        self._since_update_ms += self._packet_ms
        level = min(LEAST_LEVEL, 20 * log10((pcm.FULL_SCALE + 1) / rms)) if rms else float(LEAST_LEVEL)
        if self._since_update_ms < UPDATE_MS and abs(level - self._level) < UPDATE_DB:
            return b""
        self._since_update_ms, self._level = 0, level
        return bytes((round(level), *spectrum(sound)))


def spectrum(sound: bytes) -> bytes:
    """The reflection coefficients of a piece of sound, quantised as RFC 3389 section 3 says (Levinson and Durbin)."""
    correlations = pcm.autocorrelation(sound, ORDER)
    if not correlations[0]:
        return b""
    predictor: list[float] = []
    octets = []
    # A little white noise keeps the filter stable whatever the sound.
    error = correlations[0] * 1.001
    for order in range(1, ORDER + 1):
        found = correlations[order] + sum(a * correlations[order - 1 - i] for i, a in enumerate(predictor))
        reflection = max(-0.99, min(0.99, -found / error))
        mirrored = predictor[::-1]
        predictor = [one + reflection * other for one, other in zip(predictor, mirrored, strict=True)]
        predictor.append(reflection)
        error *= 1 - reflection * reflection
        octets.append(127 + round(reflection * 32768 / 258))
    return bytes(octets)
