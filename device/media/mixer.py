"""Sum of several sounds into one frame."""

from collections.abc import Iterable

from device.media import pcm


def mix_frames(frames: Iterable[bytes], samples: int) -> bytes:
    """Saturating sum of any number of fragments, cut or filled up to so many samples."""
    length = pcm.SAMPLE_BYTES * samples
    total: bytes | None = None
    for frame in frames:
        fitted = frame if len(frame) == length else frame[:length] + bytes(length - len(frame[:length]))
        total = fitted if total is None else pcm.mix(total, fitted)
    return bytes(length) if total is None else total
