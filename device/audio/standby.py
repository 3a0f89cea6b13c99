"""A device that never fails: while the card is away, silence in real time stands in, and the card is tried again."""

from __future__ import annotations

from collections.abc import Callable

from device.audio.errors import AudioError
from device.audio.interfaces import AudioDevice
from device.audio.reports import DeviceFound, DeviceLost

RETRY_PERIODS = 50
"""The card is tried again every second."""
TRIAL_PERIODS = 50
"""A card that was lost counts as found after a second without a fault, so that a flaky one is not told of all day."""


class StandbyDevice:
    """Runs the device that `make_device` gives; reports its loss and return. Never raises."""

    def __init__(
        self,
        make_device: Callable[[], AudioDevice],
        report: Callable[[DeviceLost | DeviceFound], None],
        log_fault: Callable[[str], None],
    ) -> None:
        self._make_device = make_device
        self._report = report
        self._log_fault = log_fault
        self._card: AudioDevice | None = None
        self._running: AudioDevice | None = None
        self._standby: AudioDevice | None = None
        """What is silent in time while there is no card; made with the first loss."""
        self._rate_hz = self._period_samples = 0
        self._until_retry = 0
        self._until_found = 0
        self._told = ""
        self.lost = 0
        """How often the card was lost."""

    @property
    def capture_xruns(self) -> int:
        return self._card.source.xruns if self._card else 0

    @property
    def playback_xruns(self) -> int:
        return self._card.sink.xruns if self._card else 0

    @property
    def is_open(self) -> bool:
        """Whether the real device is open."""
        return self._running is not None and self._running is self._card

    def open(self, rate_hz: int, period_samples: int) -> None:
        self._rate_hz, self._period_samples = rate_hz, period_samples
        self._until_found = 0
        self._try_card()

    def read(self) -> bytes:
        """Wait for the next period of the microphone, or of silence."""
        if self._running is not None and self._running is self._standby:
            self._until_retry -= 1
            if self._until_retry <= 0:
                self._try_card()
        elif self._until_found:
            self._until_found -= 1
            if not self._until_found and self._card:
                self._told = ""
                self._report(DeviceFound(self._card.name))
        if self._running is None:
            return b""
        try:
            return self._running.source.read()
        except Exception as error:  # whatever a card does, the calls go on
            self._lose(error)
            return bytes(2 * self._period_samples)

    def write(self, pcm: bytes) -> None:
        """Play one period, if there is anything to play on."""
        if self._running is None:
            return
        try:
            self._running.sink.write(pcm)
        except Exception as error:
            self._lose(error)

    def close(self) -> None:
        for device in (self._card, self._standby):
            self._close(device)
        self._running = None

    def _try_card(self) -> None:
        self._until_retry = RETRY_PERIODS
        try:
            if self._card is None:
                self._card = self._make_device()
            self._card.open(self._rate_hz, self._period_samples)
        except Exception as error:
            self._lose(error)
            return
        if self._standby is not None and self._running is self._standby:
            self._standby.close()
        self._running = self._card
        self._until_found = TRIAL_PERIODS if self._told else 0

    def _lose(self, error: Exception) -> None:
        """Close the card and go on in silence. Called in the exception handler."""
        if not isinstance(error, AudioError):
            self._log_fault("the sound card failed")
        self._close(self._card)
        self._until_retry = RETRY_PERIODS
        if self._running is None or self._running is not self._standby:
            self._running = self._open_standby()
        text = str(error) if isinstance(error, AudioError) else f"sound card: {error!r}"
        if text != self._told:
            self._told = text
            self.lost += 1
            self._report(DeviceLost(text))

    def _open_standby(self) -> AudioDevice:
        from device.audio.null import null_device  # noqa: PLC0415  # most cards are never lost

        self._standby = self._standby or null_device()
        self._standby.open(self._rate_hz, self._period_samples)
        return self._standby

    def _close(self, device: AudioDevice | None) -> None:
        try:
            if device is not None:
                device.close()
        except Exception:
            self._log_fault("the sound card could not be closed")
