"""The thread of the services' sound, by the clock of a timer; while there is a call it runs and owns the ports."""

from __future__ import annotations

import sys
import time
from _queue import SimpleQueue
from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.audio.audio_thread import SWITCH_INTERVAL_S
from device.audio.engine import CLOSE_PATIENCE_S
from device.audio.hub import Hub
from device.audio.hub_commands import HubCommand, ProgramEnded
from device.audio.pacer import Pacer
from device.audio.recording import Recording
from device.audio.reports import AudioReport, RecordingEnded, take_reports
from device.media.stream_parameters import FRAME_MS
from device.plain_threads import Thread

if TYPE_CHECKING:
    from device.model import CallId

logger = logging.getLogger(__name__)

HubReport = AudioReport | ProgramEnded


class HubThread:
    """Front door of the services' sound for the main thread, as `AudioEngine` is for a phone's."""

    def __init__(
        self, wake: Callable[[], None], silence_timeout_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`wake` is called in other threads when `reports` has something; it must not wait."""
        self._wake = wake
        self._clock = clock
        self._commands: SimpleQueue[HubCommand | None] = SimpleQueue()
        self._reports: deque[HubReport | tuple[int, str]] = deque()
        self._recordings: list[Recording] = []
        self._hub = Hub(self._report, self._log_fault, silence_timeout_s)
        self._thread: Thread | None = None
        self.periods_lost = 0
        """How often the thread was so late that time had to be given up."""

    def submit(self, command: HubCommand) -> None:
        """Ask for something; it is done within a period. Starts the thread with the first command."""
        if self._thread is None:
            self._thread = Thread(self._run)
            self._thread.start()
        self._commands.put(command)

    def new_recording(self, call_id: CallId, path: str, reserve_bytes: int) -> Recording:
        """A file for `TapeCall`; `RecordingEnded` follows. Raises DeviceUnavailable where it cannot be made."""

        def ended(path: str, seconds: float, fault: str) -> None:
            self._report(RecordingEnded(call_id, path, seconds, fault))

        self._recordings = [one for one in self._recordings if one.is_open]
        recording = Recording(path, reserve_bytes, ended, channels=1, durable=True)
        self._recordings.append(recording)
        return recording

    def reports(self) -> list[HubReport]:
        """What happened since the last call, oldest first. Main thread only; also writes the thread's log lines."""
        return take_reports(self._reports, logger)

    def close(self) -> None:
        """End all sound. The last reports, recordings that have ended among them, can be fetched after it."""
        if self._thread is not None:
            self._commands.put(None)
            self._thread.join(CLOSE_PATIENCE_S)
            self._thread = None
        for recording in self._recordings:
            recording.join(CLOSE_PATIENCE_S)

    # In the thread.

    def _run(self) -> None:
        while (command := self._commands.get()) is not None:
            self._hub.obey(command, self._clock())
            if self._hub.is_busy() and not self._sound():
                break
        self._hub.close(self._clock())

    def _sound(self) -> bool:
        """Run until there is no call any more; False when the thread shall end."""
        switch_interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        pacer = Pacer(FRAME_MS / 1000, self._clock)
        try:
            while self._hub.is_busy():
                pacer.wait()
                now = self._clock()
                while not self._commands.empty():
                    command = self._commands.get()
                    if command is None:
                        return False
                    self._hub.obey(command, now)
                self._hub.run_period(now)
        except Exception:  # a fault of ours must not leave calls behind that nobody serves
            self._log_fault("the sound of the services failed")
            self._hub.close(self._clock())
        finally:
            self.periods_lost += pacer.lost
            sys.setswitchinterval(switch_interval_s)
        return True

    def _report(self, report: HubReport | tuple[int, str]) -> None:
        self._reports.append(report)
        self._wake()

    def _log_fault(self, text: str) -> None:
        """Log what was being done, with the exception that is being handled."""
        import traceback  # noqa: PLC0415  # only needed when something is wrong

        self._report((logging.ERROR, f"{text}\n{traceback.format_exc()}"))
