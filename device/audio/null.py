"""Silence in real time: for boards without a card, for tests, and for calls whose card was unplugged."""

from device.audio.interfaces import SAMPLE_BYTES, AudioDevice
from device.audio.pacer import Pacer


class NullSource:
    """Hears nothing, at the pace of a card."""

    __slots__ = ("_pacer", "_silence", "_xruns")

    def __init__(self) -> None:
        self._pacer: Pacer | None = None
        self._silence = b""
        self._xruns = 0

    @property
    def xruns(self) -> int:
        return self._xruns + (self._pacer.lost if self._pacer else 0)

    def open(self, rate_hz: int, period_samples: int) -> None:
        self.close()
        self._pacer = Pacer(period_samples / rate_hz)
        self._silence = bytes(SAMPLE_BYTES * period_samples)

    def read(self) -> bytes:
        if self._pacer:
            self._pacer.wait()
        return self._silence

    def close(self) -> None:
        self._xruns = self.xruns
        self._pacer = None
        self._silence = b""


class NullSink:
    """Swallows what is played."""

    __slots__ = ()

    @property
    def xruns(self) -> int:
        return 0

    def open(self, rate_hz: int, period_samples: int) -> None:
        """Nothing to get ready."""

    def write(self, pcm: bytes) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing to release."""


def null_device() -> AudioDevice:
    """A closed device that is silent both ways."""
    return AudioDevice("null", NullSource(), NullSink())
