"""A WAV file played into a call. The audio thread only empties a queue; a thread of its own reads the file.

Loaded with the first file. The reader is asked for each block, so that it is never far ahead.
"""

from _queue import SimpleQueue
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import BinaryIO, Final
from device.audio.errors import DeviceUnavailable
from device.audio.interfaces import SAMPLE_BYTES
from device.audio.wav_format import WavFormat, open_wav
from device.media import pcm
from device.media.resample import Resampler
from device.plain_threads import Thread

logger = logging.getLogger(__name__)

BLOCKS_AHEAD: Final = 4
BLOCKS_A_SECOND: Final = 4

Ended = Callable[[str, str], None]
"""Told the path and what went wrong: empty when the file was played or stopped."""

_Block = tuple[bytes, int]
"""Mono samples and their rate in Hz; no samples at the end."""


def _nobody(path: str, fault: str) -> None:
    """Nobody waits for the end."""


def check_playable(path: str) -> None:
    """Raises DeviceUnavailable, with what to do, for what is no WAV file that can be played."""
    try:
        open_wav(path)[0].close()
    except (OSError, ValueError) as error:
        raise DeviceUnavailable(f"{path} cannot be played: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


class Player:
    """Gives a file frame by frame at any rate; silence while the disk is slow and after the end."""

    def __init__(self, path: str, loop: bool = False, ended: Ended = _nobody) -> None:
        """`ended` is called in the thread of the reader."""
        self.path = path
        self._loop = loop
        self._ended = ended
        self._wanted: SimpleQueue[bool] = SimpleQueue()
        self._ready: SimpleQueue[_Block] = SimpleQueue()
        self._pending = b""
        self._resampler: Resampler | None = None
        self._all_read = False
        for _ in range(BLOCKS_AHEAD):
            self._wanted.put(True)
        self._thread = Thread(self._run)
        self._thread.start()

    # In the audio thread.

    @property
    def finished(self) -> bool:
        """Everything has been given."""
        return self._all_read and not self._pending

    def next_frame(self, rate_hz: int, samples: int) -> bytes:
        """The next so many samples; never waits."""
        size = SAMPLE_BYTES * samples
        while len(self._pending) < size and not self._all_read and not self._ready.empty():
            self._take_block(rate_hz)
        frame, self._pending = self._pending[:size], self._pending[size:]
        return frame.ljust(size, b"\0")

    def close(self) -> None:
        """Read no more."""
        self._wanted.put(False)

    def _take_block(self, rate_hz: int) -> None:
        block, file_rate_hz = self._ready.get()
        if not block:
            self._all_read = True
            self.close()
            return
        self._wanted.put(True)
        resampler = self._resampler
        if file_rate_hz != rate_hz:
            if resampler is None or resampler.to_hz != rate_hz:
                resampler = self._resampler = Resampler(file_rate_hz, rate_hz)
            block = resampler.convert(block)
        self._pending += block

    # In the main thread.

    @property
    def is_open(self) -> bool:
        """Whether its thread still works on the file."""
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait until the file is closed, at most so long."""
        self._thread.join(timeout_s)

    # In the thread of the reader.

    def _run(self) -> None:
        fault = ""
        try:
            file, layout = open_wav(self.path)
            with file:
                self._read_all(file, layout)
        except (OSError, ValueError) as error:
            fault = _reason(error)
            logger.warning("%s cannot be played: %s", self.path, fault)
        except Exception as error:
            logger.exception("playing %s failed", self.path)
            fault = repr(error)
        self._ready.put((b"", 0))
        while self._wanted.get():  # until that has been heard
            pass
        self._ended(self.path, fault)

    def _read_all(self, file: BinaryIO, layout: WavFormat) -> None:
        frame_bytes = SAMPLE_BYTES * layout.channels
        block_bytes = frame_bytes * (layout.rate_hz // BLOCKS_A_SECOND)
        left = layout.data_bytes - layout.data_bytes % frame_bytes
        while True:
            if not self._wanted.get():
                self._wanted.put(False)
                return
            if not left and self._loop:
                file.seek(layout.data_at)
                left = layout.data_bytes - layout.data_bytes % frame_bytes
            data = file.read(min(block_bytes, left))
            data = data[: len(data) - len(data) % frame_bytes]
            if not data:
                return
            left -= len(data)
            self._ready.put((pcm.stereo_to_mono(data) if layout.channels == 2 else data, layout.rate_hz))
