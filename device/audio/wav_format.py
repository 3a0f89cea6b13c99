"""The headers of WAV files (RIFF, PCM of 16 bit)."""

import os
import stat
import struct

from device.annotations import BinaryIO, Final
from device.audio.interfaces import SAMPLE_BYTES
from device.records import dataclass

_PCM_TAG, _EXTENSIBLE_TAG = 1, 0xFFFE
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_BYTES: Final = _HEADER.size
MAX_DATA_BYTES: Final = 0xFFFFFFFF - HEADER_BYTES
"""A RIFF size has 32 bits; a recording that long (74 hours of mono at 8 kHz) ends there."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    """What the header of a WAV file says."""

    rate_hz: int
    channels: int
    data_at: int
    """Offset of the first sample in bytes."""
    data_bytes: int


def read_wav_format(file: BinaryIO) -> WavFormat:
    """The format of an open WAV file. Raises ValueError with the reason why it cannot be played."""
    riff = file.read(12)
    if len(riff) < 12 or riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        raise ValueError("it is no WAV file")
    rate_hz = channels = 0
    while len(chunk := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", chunk)
        if name == b"fmt ":
            body = file.read(size + size % 2)
            if len(body) < 16:
                break
            tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
            if tag not in (_PCM_TAG, _EXTENSIBLE_TAG) or bits != 16 or channels not in (1, 2) or not rate_hz:
                raise ValueError("only PCM of 16 bit, mono or stereo, can be played: convert it, e.g. with sox")
        elif name == b"data" and channels:
            data_at = file.tell()
            # Recorders that were killed leave a size of zero or of all ones; the file's own length is the truth then.
            rest = os.fstat(file.fileno()).st_size - data_at
            return WavFormat(rate_hz, channels, data_at, rest if size in (0, 0xFFFFFFFF) else min(size, rest))
        else:
            file.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError("it has no sound in it")


def open_wav(path: str) -> tuple[BinaryIO, WavFormat]:
    """A file ready to be played, at its first sample. Raises OSError, or ValueError with the reason."""
    # Without waiting: a pipe would keep whoever opens it until somebody writes.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    try:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no file")
        found = read_wav_format(file)
        if found.rate_hz > 192_000 or found.data_bytes < SAMPLE_BYTES * found.channels:
            raise ValueError("it has no sound in it that could be played")
    except BaseException:
        file.close()
        raise
    return file, found


def wav_header(rate_hz: int, channels: int, data_bytes: int) -> bytes:
    """The header of a file with so much sound after it."""
    frame_bytes = SAMPLE_BYTES * channels
    riff = (b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE")
    layout = (b"fmt ", 16, _PCM_TAG, channels, rate_hz, frame_bytes * rate_hz, frame_bytes, 8 * SAMPLE_BYTES)
    return _HEADER.pack(*riff, *layout, b"data", data_bytes)
