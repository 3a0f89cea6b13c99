"""WAV files in place of a card (RIFF, PCM of 16 bit): what the microphone hears, and what the ear heard."""

from device import plain_logging as logging
from device.annotations import BinaryIO
from device.audio.errors import DeviceUnavailable
from device.audio.interfaces import SAMPLE_BYTES
from device.audio.pacer import Pacer
from device.audio.wav_format import HEADER_BYTES, MAX_DATA_BYTES, WavFormat, read_wav_format, wav_header
from device.media import pcm as arithmetic
from device.media.rates import resampler
from device.media.resample import Resampler

logger = logging.getLogger(__name__)


class WavSource:
    """Plays a file into the microphone in real time; at its end starts again, or is silent."""

    def __init__(self, path: str, loop: bool) -> None:
        self._path = path
        self._loop = loop
        self._file: BinaryIO | None = None
        self._format = WavFormat(8000, 1, 0, 0)
        self._left = 0
        self._pacer: Pacer | None = None
        self._resampler: Resampler | None = None
        self._ready = bytearray()
        self._period_bytes = 0
        self._xruns = 0

    @property
    def xruns(self) -> int:
        return self._xruns + (self._pacer.lost if self._pacer else 0)

    def open(self, rate_hz: int, period_samples: int) -> None:
        self.close()
        try:
            self._file = open(self._path, "rb")  # noqa: SIM115  # closed in close()
            self._format = read_wav_format(self._file)
        except (OSError, ValueError) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise DeviceUnavailable(f"sound file {self._path}: {reason}; correct audio.wav_in") from error
        self._left = self._format.data_bytes
        self._resampler = resampler(self._format.rate_hz, rate_hz)
        self._period_bytes = SAMPLE_BYTES * period_samples
        self._pacer = Pacer(period_samples / rate_hz)

    def read(self) -> bytes:
        if self._pacer:
            self._pacer.wait()
        while len(self._ready) < self._period_bytes and (part := self._next_part()):
            self._ready += part
        period = bytes(self._ready[: self._period_bytes])
        del self._ready[: self._period_bytes]
        return period.ljust(self._period_bytes, b"\0")

    def close(self) -> None:
        self._xruns = self.xruns
        self._pacer = None
        self._ready.clear()
        if self._file:
            self._file.close()
            self._file = None

    def _next_part(self) -> bytes:
        """About 20 ms of the file as mono at our rate; empty when there is no more, or when it became unreadable."""
        if self._file is None:
            return b""
        frame_bytes = SAMPLE_BYTES * self._format.channels
        if self._left < frame_bytes:
            if not self._loop or self._format.data_bytes < frame_bytes:
                return b""
            self._file.seek(self._format.data_at)
            self._left = self._format.data_bytes
        wanted = frame_bytes * (self._format.rate_hz // 50)
        data = self._file.read(min(wanted, self._left))
        data = data[: len(data) - len(data) % frame_bytes]
        self._left = self._left - len(data) if data else 0
        if self._format.channels == 2:
            data = arithmetic.stereo_to_mono(data)
        return self._resampler.convert(data) if self._resampler else data


class WavSink:
    """Writes what is heard to a file that is valid at any moment: its header is brought up to date every second.

    A file that is there already is gone on with, at its rate, so that one file holds all calls of a run.
    """

    def __init__(self, path: str, rate_hz: int = 0) -> None:
        """`rate_hz` of a new file; 0 takes that of the first sound."""
        self._path = path
        self._wanted_rate_hz = rate_hz
        self._resampler: Resampler | None = None
        self._file: BinaryIO | None = None
        self._rate_hz = 0
        self._data_bytes = 0
        self._told_bytes = 0

    @property
    def xruns(self) -> int:
        return 0

    def open(self, rate_hz: int, period_samples: int) -> None:
        self.close()
        try:
            self._data_bytes = self._sound_there(rate_hz)
            self._resampler = resampler(rate_hz, self._rate_hz)
            # Unbuffered: what was written is in the file even when the daemon is killed.
            self._file = open(self._path, "r+b" if self._data_bytes else "wb", buffering=0)  # noqa: SIM115
            self._write_header()
        except OSError as error:
            self.close()
            raise DeviceUnavailable(
                f"sound file {self._path}: {error.strerror}; correct audio.wav_out or make room"
            ) from error

    def write(self, pcm: bytes) -> None:
        if self._file is None:
            raise DeviceUnavailable(f"sound file {self._path} is not open")
        if self._resampler:
            pcm = self._resampler.convert(pcm)
        if self._data_bytes + len(pcm) > MAX_DATA_BYTES:
            return
        try:
            self._file.write(pcm)
            self._data_bytes += len(pcm)
            if self._data_bytes - self._told_bytes >= SAMPLE_BYTES * self._rate_hz:
                self._write_header()
        except OSError as error:
            raise DeviceUnavailable(f"sound file {self._path}: {error.strerror}; make room") from error

    def close(self) -> None:
        if self._file is None:
            return
        try:
            with self._file:
                self._write_header()
        except OSError as error:
            logger.warning("sound file %s: %s; the header of the last second stands", self._path, error.strerror)
        self._file = None

    def _sound_there(self, rate_hz: int) -> int:
        """Bytes of sound in a file of ours that can be gone on with, 0 when it has to be begun; settles the rate."""
        expected_hz = self._rate_hz or self._wanted_rate_hz or rate_hz
        self._rate_hz = self._wanted_rate_hz or rate_hz
        try:
            with open(self._path, "rb") as file:
                there = read_wav_format(file)
        except (FileNotFoundError, ValueError):
            return 0
        if (there.rate_hz, there.channels, there.data_at) != (expected_hz, 1, HEADER_BYTES):
            return 0
        self._rate_hz = expected_hz
        return there.data_bytes - there.data_bytes % SAMPLE_BYTES

    def _write_header(self) -> None:
        if self._file is None:
            return
        size = self._data_bytes
        self._file.seek(0)
        self._file.write(wav_header(self._rate_hz, 1, size))
        self._file.seek(HEADER_BYTES + size)
        self._told_bytes = size
