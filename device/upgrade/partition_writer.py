"""Writes a part of an upgrade to its partition, and reads it back from the disk."""

import hashlib
import os
from collections.abc import Callable, Iterable

from device.upgrade.block_device import digest_on_disk, write_at
from device.upgrade.errors import UpgradeError
from device.upgrade.manifest import Part

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
            write_at(descriptor, piece, written)
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
        if digest_on_disk(descriptor, part.size, lambda _read: None) != part.sha256:
            raise UpgradeError(f"{path} was read back otherwise than written: the disk is failing; replace it")
    except OSError as error:
        raise UpgradeError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        os.close(descriptor)
