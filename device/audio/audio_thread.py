"""What runs in the audio thread: commands in, the card's periods round and round, reports out."""

from __future__ import annotations

import os
import sys
from _queue import SimpleQueue
from collections.abc import Callable

from device import plain_logging as logging
from device.audio.bridge import CALL_RATE_HZ, Bridge
from device.audio.commands import AudioCommand
from device.audio.interfaces import SAMPLE_BYTES, AudioDevice
from device.audio.reports import AudioCounters, AudioReport
from device.audio.settings import AudioSettings
from device.audio.standby import StandbyDevice
from device.media.stream import MediaStream
from device.media.stream_parameters import FRAME_MS, StreamParameters

SWITCH_INTERVAL_S = 0.0005

LogLine = tuple[int, str]


class AudioThread:
    """Owns the card and the streams; everything but `counters` is called in the audio thread alone."""

    __slots__ = (
        "_bridge",
        "_clock",
        "_commands",
        "_device",
        "_opened_at",
        "_periods",
        "_periods_before",
        "_real_time",
        "_report",
        "_settings",
        "beat_at",
    )

    def __init__(
        self,
        settings: AudioSettings,
        make_device: Callable[[], AudioDevice],
        commands: SimpleQueue[AudioCommand | None],
        report: Callable[[AudioReport | LogLine], None],
        clock: Callable[[], float],
        new_stream: Callable[[StreamParameters], MediaStream] | None = None,
    ) -> None:
        self._settings = settings
        self._commands = commands
        self._report = report
        self._clock = clock
        self._periods = 0
        self._real_time = False
        self._opened_at: float | None = None
        self.beat_at: float | None = None
        """When the last period began, None while the thread waits for work; read by the main thread."""
        self._periods_before = 0
        self._device = StandbyDevice(make_device, report, self._log_fault)
        self._bridge = Bridge(settings, CALL_RATE_HZ, report, self._log_fault, new_stream or MediaStream)

    def counters(self) -> AudioCounters:
        """Running totals; may be called from any thread."""
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

    def run(self) -> None:
        """Obey commands until None comes; sound runs while there is a stream or a tone."""
        self._ask_for_real_time()
        while (command := self._commands.get()) is not None:
            self._bridge.obey(command, self._clock())
            if self._bridge.is_busy() and not self._sound():
                break
        self._bridge.close(self._clock())

    def _sound(self) -> bool:
        """Run the card until nothing has been heard or sent for a while; False when the thread shall end."""
        switch_interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self.beat_at = self._clock()
        try:
            self._open_device()
            return self._run_periods()
        except Exception as error:  # a fault of ours must not leave calls behind that nobody serves
            self._log_fault("the audio thread failed")
            self._bridge.close(self._clock(), f"the audio thread failed: {error!r}")
            return True
        finally:
            self._device.close()
            sys.setswitchinterval(switch_interval_s)
            self.beat_at = None

    def _open_device(self) -> None:
        """Open the card, at the rate that the calls want now."""
        rate_hz = self._bridge.wanted_rate_hz
        if rate_hz != self._bridge.rate_hz:
            self._bridge.change_rate(rate_hz)
        self._device.open(rate_hz, rate_hz * FRAME_MS // 1000)
        self._opened_at, self._periods_before = self._clock(), self._periods

    def _run_periods(self) -> bool:
        device, bridge, commands, clock = self._device, self._bridge, self._commands, self._clock
        linger_periods = idle_periods = round(1000 * self._settings.linger_s / FRAME_MS)
        while idle_periods >= 0:
            captured = device.read()
            self.beat_at = now = clock()
            while not commands.empty():
                command = commands.get()
                if command is None:
                    return False
                bridge.obey(command, now)
                if bridge.wanted_rate_hz > bridge.rate_hz:
                    # A wide-band call begins: the card is opened anew. Back again only when it has been closed.
                    device.close()
                    self._open_device()
                    captured = bytes(SAMPLE_BYTES * bridge.rate_hz * FRAME_MS // 1000)
            device.write(bridge.next_frame(now, captured))
            bridge.send_frame(captured, now)
            self._periods += 1
            idle_periods = linger_periods if bridge.is_busy() else idle_periods - 1
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

    def _log(self, level: int, text: str) -> None:
        self._report((level, text))

    def _log_fault(self, text: str) -> None:
        """Log what was being done, with the exception that is being handled."""
        import traceback  # noqa: PLC0415  # only needed when something is wrong

        self._log(logging.ERROR, f"{text}\n{traceback.format_exc()}")
