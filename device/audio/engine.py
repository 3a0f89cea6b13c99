"""The audio thread: runs only while there is a stream or a tone, and owns the card and the RTP sockets meanwhile.

Nothing here waits for the main thread, and nothing in the main thread waits for this one: commands come by a queue,
reports go by another, and the log lines of the thread travel with the reports, since a log handler may wait.

About pauses by Python itself. The garbage collector stops all threads: call `gc.freeze()` once the daemon is set up,
then a full collection looks at little and ends within the margin of sound that the card has queued. The interpreter's
lock is handed over within SWITCH_INTERVAL_S while sound runs, so that a busy main thread delays a frame only so long.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from device.audio.bridge import Bridge
from device.audio.commands import AudioCommand
from device.audio.interfaces import AudioDevice
from device.audio.reports import AudioCounters, AudioReport
from device.audio.settings import AudioSettings
from device.audio.standby import StandbyDevice
from device.media.pcm import FRAME_MS
from device.media.stream import MediaStream, StreamParameters

logger = logging.getLogger(__name__)

CALL_RATE_HZ = 8000
"""Rate that sound is mixed at; streams of another rate are converted."""
PERIOD_SAMPLES = CALL_RATE_HZ * FRAME_MS // 1000
SWITCH_INTERVAL_S = 0.0005
CLOSE_PATIENCE_S = 5.0
"""A period lasts 20 ms; a thread that needs longer than this to end will never end."""

_LogLine = tuple[int, str]


class AudioEngine:
    """Front door of the audio thread for the main thread.

    `make_device` gives the still closed device (`device.audio.devices.make_device` on the settings); it is called
    in the audio thread at the first sound. `wake` is called there when `reports` has something; it must not wait (an
    eventfd write). `clock` and `new_stream` are for tests.
    """

    def __init__(
        self,
        settings: AudioSettings,
        make_device: Callable[[], AudioDevice],
        wake: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        new_stream: Callable[[StreamParameters], MediaStream] = MediaStream,
    ) -> None:
        self._settings = settings
        self._wake = wake
        self._clock = clock
        self._commands: SimpleQueue[AudioCommand | None] = SimpleQueue()
        self._reports: deque[AudioReport | _LogLine] = deque()
        self._woken = False
        self._thread: threading.Thread | None = None
        self._periods = 0
        self._real_time = False
        self._opened_at: float | None = None
        self._periods_before = 0
        self._device = StandbyDevice(make_device, self._report, self._log_fault)
        self._bridge = Bridge(settings, CALL_RATE_HZ, self._report, self._log_fault, new_stream)

    def submit(self, command: AudioCommand) -> None:
        """Ask for something; it is done within a period (20 ms). Starts the thread with the first command."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
            self._thread.start()
        self._commands.put(command)

    def reports(self) -> list[AudioReport]:
        """What happened since the last call, oldest first. Main thread only; also writes the thread's log lines."""
        self._woken = False
        found: list[AudioReport] = []
        while self._reports:
            item = self._reports.popleft()
            if isinstance(item, tuple):
                logger.log(*item)
            else:
                found.append(item)
        return found

    def counters(self) -> AudioCounters:
        """Running totals; may be called at any time."""
        device = self._device
        return AudioCounters(
            periods=self._periods,
            capture_xruns=device.capture_xruns,
            playback_xruns=device.playback_xruns,
            devices_lost=device.lost,
            real_time=self._real_time,
            device_open=device.is_open,
            opened_at=self._opened_at,
            periods_before=self._periods_before,
        )

    def close(self) -> None:
        """End every stream with RTCP BYE, close the card, end the thread. The last reports can be fetched after it."""
        if self._thread is not None:
            self._commands.put(None)
            self._thread.join(CLOSE_PATIENCE_S)
            if self._thread.is_alive():
                logger.error("the audio thread hangs in the sound card's driver and is left behind")
            self._thread = None

    # All below runs in the audio thread.

    def _run(self) -> None:
        self._ask_for_real_time()
        while (command := self._commands.get()) is not None:
            self._bridge.obey(command, self._clock())
            if self._bridge.busy and not self._sound():
                break
        self._bridge.close(self._clock())

    def _sound(self) -> bool:
        """Run the card until nothing has been heard or sent for a while; False when the thread shall end."""
        switch_interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        try:
            self._device.open(CALL_RATE_HZ, PERIOD_SAMPLES)
            self._opened_at, self._periods_before = self._clock(), self._periods
            return self._run_periods()
        except Exception as error:  # a fault of ours must not leave calls behind that nobody serves
            self._log_fault("the audio thread failed")
            self._bridge.close(self._clock(), f"the audio thread failed: {error!r}")
            return True
        finally:
            self._device.close()
            sys.setswitchinterval(switch_interval_s)

    def _run_periods(self) -> bool:
        device, bridge, commands, clock = self._device, self._bridge, self._commands, self._clock
        linger_periods = idle_periods = round(1000 * self._settings.linger_s / FRAME_MS)
        while idle_periods >= 0:
            captured = device.read()
            now = clock()
            while not commands.empty():
                command = commands.get()
                if command is None:
                    return False
                bridge.obey(command, now)
            device.write(bridge.next_frame(now))
            bridge.send_frame(captured, now)
            self._periods += 1
            idle_periods = linger_periods if bridge.busy else idle_periods - 1
        return True

    def _ask_for_real_time(self) -> None:
        priority = self._settings.real_time_priority
        if not priority:
            return
        try:
            # 0 means this thread; the flag keeps programs that we start from inheriting the priority.
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
            self._real_time = True
        except OSError as error:
            self._log(
                logging.INFO, f"sound runs at normal priority, the system allows no real-time one ({error.strerror})"
            )

    def _report(self, report: AudioReport | _LogLine) -> None:
        self._reports.append(report)
        if not self._woken:
            self._woken = True
            try:
                self._wake()
            except Exception:  # the main thread is closing down; it reads the reports after close()
                self._woken = False

    def _log(self, level: int, text: str) -> None:
        self._report((level, text))

    def _log_fault(self, text: str) -> None:
        """Log what was being done, with the exception that is being handled."""
        import traceback  # noqa: PLC0415  # only needed when something is wrong

        self._log(logging.ERROR, f"{text}\n{traceback.format_exc()}")
