"""The audio thread: runs only while there is a stream or a tone, and owns the card and the RTP sockets meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from device.audio.commands import AudioCommand
from device.audio.interfaces import AudioDevice
from device.audio.reports import AudioCounters, AudioReport
from device.audio.settings import AudioSettings


class AudioEngine:
    """Front door of the audio thread for the main thread.

    `open_device` makes the (still closed) device: usually `device.audio.devices.make_device` on the settings.
    `wake` is called in the audio thread when `reports` has something; it must not wait (an eventfd write).
    """

    def __init__(
        self,
        settings: AudioSettings,
        open_device: Callable[[], AudioDevice],
        wake: Callable[[], None],
    ) -> None:
        raise NotImplementedError

    def submit(self, command: AudioCommand) -> None:
        """Ask for something; it is done within a period (20 ms). Starts the thread with the first work."""
        raise NotImplementedError

    def reports(self) -> list[AudioReport]:
        """What happened since the last call, oldest first. Main thread only; also writes the thread's log lines."""
        raise NotImplementedError

    def counters(self) -> AudioCounters:
        """Running totals; may be called at any time."""
        raise NotImplementedError

    def close(self) -> None:
        """End every stream with RTCP BYE, close the card, join the thread. Idempotent."""
        raise NotImplementedError
