"""A call written to a WAV file: the far end left and this side right, or the far end alone, as for voicemail.

The audio thread only fills a queue; a thread of its own writes the file, so that a slow card never holds the sound.
Loaded with the first recording.
"""

import os
from _queue import SimpleQueue
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.audio.errors import DeviceUnavailable
from device.audio.interfaces import SAMPLE_BYTES
from device.audio.wav_format import HEADER_BYTES, MAX_DATA_BYTES, wav_header
from device.media import pcm
from device.media.resample import Resampler
from device.plain_threads import Thread

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 500
"""Frames of 20 ms that wait for the disk; what comes on top is replaced by silence, so that both sides stay in step."""
FRAMES_A_WRITE: Final = 25
"""Half a second; the header is brought up to date with each, so that the file is valid at any moment."""
WRITES_A_SYNC: Final = 4
"""A recording that must outlive a power cut is on the disk up to so many writes ago: two seconds."""

Ended = Callable[[str, float, str], None]
"""Told the path, the seconds recorded, and why the recording ended by itself: empty when it was asked to."""

_Frame = tuple[bytes, bytes, int, int]
"""Far end, this side, rate in Hz, and how many frames before it were lost."""


class Recording:
    """Made in the main thread, filled in the audio thread, written in a third."""

    def __init__(self, path: str, reserve_bytes: int, ended: Ended, channels: int = 2, durable: bool = False) -> None:
        """Creates the file, readable by its owner alone. Raises DeviceUnavailable where that cannot be.

        The recording ends when less than `reserve_bytes` would be left on the disk. `ended` is called in its thread.
        With one channel only the far end is recorded. A `durable` one is on the disk while it grows, so that a power
        cut costs no more than its last seconds.
        """
        self.path = path
        self._channels = channels
        self._durable = durable
        self._cut_s = 0.0
        self._writes = 0
        self._reserve_bytes = reserve_bytes
        self._ended = ended
        self._queue: SimpleQueue[_Frame | None] = SimpleQueue()
        self._lost = 0
        self._rate_hz = 0
        self._resamplers: tuple[int, Resampler, Resampler] | None = None
        self._data_bytes = 0
        try:
            # Never over a file that is there, nor through a link that somebody put in its place.
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise DeviceUnavailable(f"{path} cannot be recorded to: {error.strerror}; choose another name") from error
        if fault := self._no_room():
            os.close(self._file)
            os.unlink(path)
            raise DeviceUnavailable(f"{path} cannot be recorded to: {fault}")
        self._thread = Thread(self._run)
        self._thread.start()

    # In the audio thread.

    def put(self, far: bytes, near: bytes, rate_hz: int) -> None:
        """Take 20 ms of both sides; never waits."""
        if self._queue.qsize() >= MAX_WAITING:
            self._lost += 1
            return
        lost, self._lost = self._lost, 0
        self._queue.put((far, near, rate_hz, lost))

    def close(self, cut_s: float = 0.0) -> None:
        """Let what has been put be written, and no more; the last `cut_s` seconds of it are cut off."""
        self._cut_s = cut_s
        self._queue.put(None)

    # In the main thread.

    @property
    def is_open(self) -> bool:
        """Whether its thread still works on the file."""
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait until all is written, at most so long."""
        self._thread.join(timeout_s)

    # In the thread of the recording.

    def _run(self) -> None:
        try:
            reason = self._write_all()
        except OSError as error:
            reason = f"the disk cannot be written: {error.strerror}"
        except Exception as error:  # whatever it is, the call must not be told more than that
            logger.exception("recording %s failed", self.path)
            reason = f"it failed: {error!r}"
        try:
            self._cut_off()
            self._write_header()
            os.fsync(self._file)
        except OSError as error:
            reason = reason or f"the disk cannot be written: {error.strerror}"
        os.close(self._file)
        rate_hz = self._rate_hz or 1
        self._ended(self.path, self._data_bytes / (SAMPLE_BYTES * self._channels * rate_hz), reason)

    def _cut_off(self) -> None:
        cut = SAMPLE_BYTES * self._channels * int(self._cut_s * self._rate_hz)
        if cut:
            self._data_bytes = max(0, self._data_bytes - cut)
            os.ftruncate(self._file, HEADER_BYTES + self._data_bytes)

    def _write_all(self) -> str:
        """Write until the end; answers why it came before it was asked for."""
        block, frames = [], 0
        while (frame := self._queue.get()) is not None:
            block.append(self._interleaved(*frame))
            frames += 1
            if frames >= FRAMES_A_WRITE:
                self._write(b"".join(block))
                block, frames = [], 0
                if fault := self._no_room():
                    return fault
        self._write(b"".join(block))
        return ""

    def _interleaved(self, far: bytes, near: bytes, rate_hz: int, lost: int) -> bytes:
        if not self._rate_hz:
            self._rate_hz = rate_hz
            self._write_header()
        elif rate_hz != self._rate_hz:
            if self._resamplers is None or self._resamplers[0] != rate_hz:
                one, other = Resampler(rate_hz, self._rate_hz), Resampler(rate_hz, self._rate_hz)
                self._resamplers = rate_hz, one, other
            far, near = self._resamplers[1].convert(far), self._resamplers[2].convert(near)
        sound = far if self._channels == 1 else pcm.interleave(far, near)
        return bytes(lost * len(sound)) + sound

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = os.write(self._file, view)
            view = view[written:]
            self._data_bytes += written
        self._write_header()
        self._writes += 1
        if self._durable and self._writes % WRITES_A_SYNC == 0:
            os.fsync(self._file)

    def _write_header(self) -> None:
        os.pwrite(self._file, wav_header(self._rate_hz or 8000, self._channels, self._data_bytes), 0)
        os.lseek(self._file, HEADER_BYTES + self._data_bytes, os.SEEK_SET)

    def _no_room(self) -> str:
        """Why nothing more can be written, "" when there is room."""
        disk = os.fstatvfs(self._file)
        if disk.f_bavail * disk.f_frsize < self._reserve_bytes:
            megabytes = self._reserve_bytes // 1_000_000
            return f"less than {megabytes} MB are left on the disk (media.record_reserve_mb); remove old recordings"
        if self._data_bytes > MAX_DATA_BYTES - 1_000_000:
            return "the file is as long as a WAV file can be"
        return ""
