"""Bytes to a disk whole, and what of them the disk itself holds afterwards; partitions, cards and files alike."""

import fcntl
import hashlib
import os
from collections.abc import Callable

BLKFLSBUF = 0x1261
"""Forgets what the kernel holds of a block device, so that it is read from the disk itself (linux/fs.h)."""
CHUNK_BYTES = 1 << 20
"""So much is read at once."""


def write_at(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` from the byte `offset` on. Raises OSError."""
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view = view[count:]
        offset += count


def digest_on_disk(descriptor: int, size: int, progress: Callable[[int], None]) -> str:
    """The SHA-256, in hexadecimal, of the first `size` bytes as the disk has them; `progress` is told the bytes read.

    Raises OSError. Where the disk ends early, so does what is hashed.
    """
    try:
        fcntl.ioctl(descriptor, BLKFLSBUF)
    except OSError:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)  # a file, not a disk
    digest = hashlib.sha256()
    offset = 0
    while offset < size:
        data = os.pread(descriptor, min(CHUNK_BYTES, size - offset), offset)
        if not data:
            break
        digest.update(data)
        offset += len(data)
        progress(offset)
    return digest.hexdigest()
