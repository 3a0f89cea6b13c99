"""Writes a part of an upgrade to its partition, and reads it back from the disk."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable

from device.upgrade.errors import UpgradeError
from device.upgrade.manifest import Part

BLKFLSBUF = 0x1261
"""Forgets what the kernel holds of a block device, so that it is read from the disk itself (linux/fs.h)."""
CHUNK_BYTES = 1 << 20
SYNC_BYTES = 8 << 20
"""So much is written before the disk has to take it: the progress that is shown is true."""


def write_part(path: str, part: Part, pieces: Iterable[bytes], progress: Callable[[int], None]) -> None:
    """Write `pieces` to the partition at `path`, tell `progress` the bytes that are on the disk, and verify.

    Raises UpgradeError when the partition is too small, fails, or the contents are not those of the manifest.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise UpgradeError(f"the partition {path} cannot be opened: {error.strerror}") from None
    try:
        room = os.lseek(descriptor, 0, os.SEEK_END)
        if room < part.size:
            raise UpgradeError(f"the part {part.name} has {part.size} bytes, its partition {path} only {room}")
        digest = hashlib.sha256()
        written = unsynced = 0
        for piece in pieces:
            digest.update(piece)
            _write_all(descriptor, piece, written)
            written += len(piece)
            unsynced += len(piece)
            if unsynced >= SYNC_BYTES:
                os.fsync(descriptor)
                unsynced = 0
                progress(written)
        os.fsync(descriptor)
        progress(written)
        if digest.hexdigest() != part.sha256:
            raise UpgradeError(f"the part {part.name} is not what its manifest says: copy the file again")
        if _digest_on_disk(descriptor, part.size) != part.sha256:
            raise UpgradeError(f"{path} was read back otherwise than written: the disk is failing; replace it")
    except OSError as error:
        raise UpgradeError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view = view[count:]
        offset += count


def _digest_on_disk(descriptor: int, size: int) -> str:
    try:
        fcntl.ioctl(descriptor, BLKFLSBUF)
    except OSError:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    digest = hashlib.sha256()
    offset = 0
    while offset < size:
        data = os.pread(descriptor, min(CHUNK_BYTES, size - offset), offset)
        if not data:
            break
        digest.update(data)
        offset += len(data)
    return digest.hexdigest()
