"""A device whose clock is stepped by hand, and ports without a network: the audio thread runs without waiting."""

import threading
from collections import deque

from device.audio.errors import DeviceUnavailable
from device.audio.interfaces import SAMPLE_BYTES, Address, AudioDevice

PATIENCE_S = 10.0
"""How long a step waits for the audio thread before it declares it stuck, in seconds."""


class ManualSource:
    """Gives out a period of sound only when `step` says so."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._given: deque[bytes] = deque()
        self._waiting = False
        self._fault = ""
        self._running_free = False
        self._open = False
        self.opened = 0
        """How often it was opened."""
        self.refuse = ""
        """While not empty, opening fails with this text."""
        self.period_samples = 0
        self.rate_hz = 0
        self.xruns = 0

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self, rate_hz: int, period_samples: int) -> None:
        if self.refuse:
            raise DeviceUnavailable(self.refuse)
        with self._changed:
            self._open, self._waiting, self._fault = True, False, ""
            self._given.clear()
            self.opened += 1
            self.rate_hz, self.period_samples = rate_hz, period_samples
            self._changed.notify_all()

    def read(self) -> bytes:
        with self._changed:
            self._waiting = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._given or self._fault or self._running_free)
            self._waiting = False
            if self._fault:
                raise DeviceUnavailable(self._fault)
            return self._given.popleft() if self._given else bytes(SAMPLE_BYTES * self.period_samples)

    def close(self) -> None:
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def wait_until_idle(self, open_: bool = True) -> None:
        """Wait until the audio thread waits for sound, or with `open_` off until it has closed the device."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._open == open_ and (not open_ or (self._waiting and not self._given)), PATIENCE_S
            ):
                raise TimeoutError(f"the audio thread did not {'ask for sound' if open_ else 'close the device'}")

    def step(self, pcm: bytes | None = None) -> None:
        """Let one period pass in which `pcm` is heard (silence for None); returns when the thread is done with it."""
        self.wait_until_idle()
        with self._changed:
            self._given.append(bytes(SAMPLE_BYTES * self.period_samples) if pcm is None else pcm)
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: not self._open or (self._waiting and not self._given), PATIENCE_S)
        if not done:
            raise TimeoutError("the audio thread did not finish its period")

    def run_free(self, free: bool = True) -> None:
        """Let periods of silence pass without being stepped, as fast as they are asked for: to end the thread."""
        with self._changed:
            self._running_free = free
            self._changed.notify_all()

    def unplug(self, text: str) -> None:
        """Make the waiting or next `read` fail with `text`, and the next openings, until `refuse` is cleared."""
        self.refuse = text
        with self._changed:
            self._fault = text
            self._changed.notify_all()


class ManualSink:
    """Keeps what was played, one entry a period."""

    def __init__(self) -> None:
        self.played: list[bytes] = []
        self.is_open = False
        self.xruns = 0

    def open(self, rate_hz: int, period_samples: int) -> None:
        self.is_open = True

    def write(self, pcm: bytes) -> None:
        self.played.append(pcm)

    def close(self) -> None:
        self.is_open = False


class ManualDevice:
    """A stepped source and its sink, as `AudioEngine` takes them: `AudioEngine(settings, manual.device, wake)`."""

    def __init__(self) -> None:
        self.source = ManualSource()
        self.sink = ManualSink()

    def device(self) -> AudioDevice:
        return AudioDevice("manual", self.source, self.sink)


class ManualPort:
    """A DatagramPort without a network: `arrived` is what it will receive, `sent` what was sent."""

    def __init__(self, local_port: int = 40000) -> None:
        self.local_port = local_port
        self.arrived: deque[tuple[bytes, Address]] = deque()
        self.sent: list[tuple[bytes, Address]] = []
        self.closed = False
        self.waited = 0.0

    def waited_s(self) -> float:
        return self.waited

    def receive(self) -> tuple[bytes, Address] | None:
        return self.arrived.popleft() if self.arrived else None

    def send(self, data: bytes, destination: Address) -> None:
        self.sent.append((data, destination))

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        self.closed = True
