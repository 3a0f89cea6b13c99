"""The audio thread: runs only while there is a stream or a tone, and owns the card and the RTP sockets meanwhile.

Nothing here waits for the main thread, and nothing in the main thread waits for this one: commands come by a queue,
reports go by another, and the log lines of the thread travel with the reports, since a log handler may wait.

About pauses by Python itself. The garbage collector stops all threads: call `gc.freeze()` once the daemon is set up,
then a full collection looks at little and ends within the margin of sound that the card has queued. The interpreter's
lock is handed over within SWITCH_INTERVAL_S while sound runs, so that a busy main thread delays a frame only so long.
"""

from __future__ import annotations

import time
from _queue import SimpleQueue
from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.audio.commands import AudioCommand, StartPlaying, StartRecording, StopRecording
from device.audio.interfaces import AudioDevice
from device.audio.reports import AudioCounters, AudioReport, PlayingEnded, RecordingEnded, take_reports
from device.audio.settings import AudioSettings
from device.plain_threads import Thread

if TYPE_CHECKING:
    from device.audio.audio_thread import AudioThread, LogLine
    from device.audio.playing import Player
    from device.audio.recording import Recording
    from device.media.stream import MediaStream
    from device.media.stream_parameters import StreamParameters
    from device.model import CallId

logger = logging.getLogger(__name__)

HUNG_S = 10.0
"""Opening a card may take seconds, and a period lasts 20 ms; a thread that has not moved for so long hangs."""

CLOSE_PATIENCE_S = 5.0
"""A period lasts 20 ms; a thread that needs longer than this to end will never end."""


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
        new_stream: Callable[[StreamParameters], MediaStream] | None = None,
    ) -> None:
        self._settings = settings
        self._wake = wake
        self._clock = clock
        self._commands: SimpleQueue[AudioCommand | None] = SimpleQueue()
        self._reports: deque[AudioReport | LogLine] = deque()
        self._woken = False
        self._thread: Thread | None = None
        self._make_device = make_device
        self._new_stream = new_stream
        self._inside: AudioThread | None = None
        self._files: list[Recording | Player] = []
        """Whose threads are waited for at the end."""
        self._recordings: dict[CallId, Recording] = {}

    def submit(self, command: AudioCommand) -> None:
        """Ask for something; it is done within a period (20 ms). Starts the thread with the first command."""
        if self._thread is None:
            self._thread = Thread(self._run)
            self._thread.start()
        self._commands.put(command)

    def record(self, call_id: CallId, path: str, reserve_bytes: int, notice: bool) -> None:
        """Record a call to a new file until it ends or `stop_recording`; `RecordingEnded` follows.

        Raises DeviceUnavailable where the file cannot be made, or the call is recorded already.
        """
        from device.audio.errors import DeviceUnavailable  # noqa: PLC0415  # for whoever records
        from device.audio.recording import Recording  # noqa: PLC0415

        if before := self.recorded_to(call_id):
            raise DeviceUnavailable(f"call {call_id} is recorded to {before} already; end that recording first")

        def ended(path: str, seconds: float, fault: str) -> None:
            self._report(RecordingEnded(call_id, path, seconds, fault))

        recording = Recording(path, reserve_bytes, ended)
        self._keep(recording)
        self._recordings = {**{one: held for one, held in self._recordings.items() if held.is_open}, call_id: recording}
        self.submit(StartRecording(call_id, recording, notice))

    def stop_recording(self, call_id: CallId) -> bool:
        """End the recording of a call; answers whether there was any."""
        recorded = bool(self.recorded_to(call_id))
        self._recordings.pop(call_id, None)
        self.submit(StopRecording(call_id))
        return recorded

    def recorded_to(self, call_id: CallId) -> str:
        """The file that a call is being recorded to, "" for none."""
        recording = self._recordings.get(call_id)
        return recording.path if recording is not None and recording.is_open else ""

    def play(self, call_id: CallId, path: str) -> None:
        """Play a WAV file into a call, once; `PlayingEnded` follows. Raises DeviceUnavailable for what is none."""
        from device.audio.playing import Player, check_playable  # noqa: PLC0415  # for whoever plays

        check_playable(path)
        player = Player(path, ended=lambda path, fault: self._report(PlayingEnded(call_id, path, fault)))
        self._keep(player)
        self.submit(StartPlaying(call_id, player))

    def _keep(self, file: Recording | Player) -> None:
        self._files = [one for one in self._files if one.is_open]
        self._files.append(file)

    def reports(self) -> list[AudioReport]:
        """What happened since the last call, oldest first. Main thread only; also writes the thread's log lines."""
        self._woken = False
        return take_reports(self._reports, logger)

    def counters(self) -> AudioCounters:
        """Running totals; may be called at any time."""
        return AudioCounters() if self._inside is None else self._inside.counters()

    def is_hung(self, now: float) -> bool:
        """Whether the thread has not come round for so long that it never will: a driver holds it, or it has died."""
        if self._thread is None or self._inside is None:
            return False
        beat_at = self._inside.beat_at
        return not self._thread.is_alive() or (beat_at is not None and now - beat_at > HUNG_S)

    def close(self) -> None:
        """End every stream with RTCP BYE, close the card, end the thread. The last reports can be fetched after it."""
        if self._thread is not None:
            self._commands.put(None)
            self._thread.join(CLOSE_PATIENCE_S)
            if self._thread.is_alive():
                logger.error("the audio thread hangs in the sound card's driver and is left behind")
            self._thread = None
        for file in self._files:
            file.join(CLOSE_PATIENCE_S)

    def _run(self) -> None:
        """The audio thread's life. The rooms of sound are loaded only now: a phone that has not rung yet saves 1 MB."""
        from device.audio.audio_thread import AudioThread  # noqa: PLC0415

        self._inside = AudioThread(
            self._settings, self._make_device, self._commands, self._report, self._clock, self._new_stream
        )
        self._inside.run()

    def _report(self, report: AudioReport | LogLine) -> None:
        """Called in the audio thread."""
        self._reports.append(report)
        if not self._woken:
            self._woken = True
            try:
                self._wake()
            except Exception:  # the main thread is closing down; it reads the reports after close()
                self._woken = False
