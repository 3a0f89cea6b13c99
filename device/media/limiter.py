"""Keeps sudden loud sound from the ear: a limiter behind the mixer. In a frame below its limit it costs one C call."""

from device.annotations import Final
from device.media import pcm
from device.media.stream_parameters import FRAME_MS

RELEASE_DB_A_SECOND: Final = 20.0
"""How fast it lets go once the loud sound is over: slower than syllables, so that speech does not pump."""
ATTACK_MS: Final = 2.0
"""It takes hold within this time, without a click; what is above the limit meanwhile is cut off."""


class Limiter:
    """No sample that it lets through is above the limit; a steady loud tone is weakened, not distorted."""

    __slots__ = ("_gain", "_limit", "_release")

    def __init__(self, limit_db: float) -> None:
        """`limit_db` is of the peaks, below full scale: zero or less."""
        self._limit = int(pcm.FULL_SCALE * pcm.amplitude(limit_db))
        self._release = pcm.amplitude(RELEASE_DB_A_SECOND * FRAME_MS / 1000)
        self._gain = 1.0

    def limit(self, frame: bytes, rate_hz: int) -> bytes:
        """A frame of 20 ms, no louder than allowed."""
        peak = pcm.peak(frame)
        if self._gain == 1.0 and peak <= self._limit:
            return frame
        before = self._gain
        allowed = min(1.0, before * self._release)
        if peak * allowed <= self._limit:
            self._gain = allowed
            return pcm.scale(frame, allowed)
        self._gain = gain = self._limit / peak
        if gain >= before:
            return pcm.scale(frame, gain)
        size = pcm.SAMPLE_BYTES * pcm.samples_in(ATTACK_MS, rate_hz)
        attack = pcm.clip(pcm.ramp(frame[:size], before, gain), self._limit)
        return attack + pcm.scale(frame[size:], gain)
