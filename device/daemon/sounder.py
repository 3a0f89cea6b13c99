"""A ringer that is a loudspeaker on a sound card of its own, beside the one of the handset."""

import math
import struct
from collections.abc import Callable

from device.audio.errors import AudioError
from device.audio.interfaces import AudioSink
from device.hardware.errors import LineError
from device.hardware.profile import RingerProfile
from device.timing import TimerSet

RATE_HZ = 8000
FRAME_S = 0.02
FRAME_SAMPLES = 160
MARGIN_MS = 60
"""Sound kept queued in the card: the loop that writes it has other things to do as well."""


class SounderDrive:
    """A `RingDrive`: one tone or two that take turns, written to the card a frame at a time while a burst lasts.

    The card is open during bursts only, so that others may have it in between.
    """

    def __init__(self, sink: AudioSink, name: str, tones_hz: tuple[int, ...], turn_ms: int, gain_db: float) -> None:
        self._sink = sink
        self._name = name
        self._samples = _melody(tones_hz, turn_ms, gain_db)
        self._place = 0
        self._next_frame_at = 0.0
        self._open = False
        self._timers: TimerSet[str] = TimerSet()

    def start(self, now: float) -> None:
        self._place = 0
        self._next_frame_at = now
        self._guarded(self._begin)
        self._write(now)

    def _begin(self) -> None:
        self._sink.open(RATE_HZ, FRAME_SAMPLES)
        self._open = True

    def stop(self) -> None:
        self._timers.clear()
        if self._open:
            self._open = False
            self._sink.close()

    def handle_timeout(self, now: float) -> None:
        if self._timers.pop_due(now):
            self._write(now)

    def next_timeout(self) -> float | None:
        return self._timers.next_timeout()

    def _write(self, now: float) -> None:
        end = self._place + 2 * FRAME_SAMPLES
        frame = (self._samples + self._samples)[self._place : end]
        self._place = end % len(self._samples)
        self._guarded(lambda: self._sink.write(frame))
        # A loop that was held up does not catch up with a row of frames: the card's margin covers what is missing.
        self._next_frame_at = max(self._next_frame_at + FRAME_S, now)
        self._timers.set("frame", self._next_frame_at)

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except AudioError as error:
            self.stop()
            raise LineError(f"ringer: the sounder on {self._name} is silent: {error}") from error


def _melody(tones_hz: tuple[int, ...], turn_ms: int, gain_db: float) -> bytes:
    """16-bit samples of all turns once, at least a frame long and a whole number of frames."""
    peak = 32767 * 10 ** (gain_db / 20)
    turn = RATE_HZ * turn_ms // 1000
    count = turn * len(tones_hz)
    count *= math.lcm(count, FRAME_SAMPLES) // count
    values = [peak * math.sin(2 * math.pi * tones_hz[n // turn % len(tones_hz)] * n / RATE_HZ) for n in range(count)]
    return struct.pack(f"={count}h", *(round(value) for value in values))


def open_sounder(ringer: RingerProfile) -> SounderDrive:
    """The sounder of a board profile, its card still closed. Raises LineError where ALSA's package is missing."""
    from device.audio.alsa import AlsaPlayback  # noqa: PLC0415  # for phones with a sounder only
    from device.audio.alsa_pcm import load_alsaaudio  # noqa: PLC0415

    try:
        load_alsaaudio()
    except AudioError as error:
        raise LineError(f"ringer: {error}") from error
    sink = AlsaPlayback(ringer.device, 0, MARGIN_MS)
    return SounderDrive(sink, ringer.device, ringer.tones_hz, ringer.turn_ms, ringer.gain_db)
