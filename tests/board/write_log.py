"""What a disk holds after a power cut: the log of a virtual disk, played back with the writes that no flush secured.

QEMU's block driver `blklogwrites` notes every write of the guest in the format of the kernel's dm-log-writes
(Documentation/admin-guide/device-mapper/log-writes.rst). A disk or a memory card keeps what was flushed; of what came
after the last flush it may have kept anything, in any order. Killing the machine alone would be kinder than that, since
the host's page cache keeps all writes.
"""

import random
import struct
from collections.abc import Iterator
from enum import IntFlag
from pathlib import Path
from typing import BinaryIO, NamedTuple

MAGIC = 0x6A736677736872
SUPERBLOCK = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")

PAGE_BYTES = 4096
"""A write is torn between pages: what is smaller, memory cards and disks of today write whole."""


class EntryFlag(IntFlag):
    """What an entry says, as drivers/md/dm-log-writes.c numbers it."""

    FLUSH = 1
    FUA = 2
    DISCARD = 4
    MARK = 8


class Write(NamedTuple):
    """Bytes for a place of the disk."""

    at: int
    data: bytes


class Log(NamedTuple):
    """The writes of one time under power."""

    secured: list[Write]
    """Those that a flush followed."""
    loose: list[Write]
    """Those after the last flush."""


def read_log(path: Path, until: int | None = None) -> Log:
    """Reads a log up to its end, which after a kill is where the entries stop to make sense.

    With `until`, a length that the file had at some instant, it is read as it was then.
    """
    secured: list[Write] = []
    loose: list[Write] = []
    for flags, write in _entries(path, until):
        if flags & EntryFlag.FLUSH:
            secured += loose
            loose = []
        if write is not None:
            (secured if flags & EntryFlag.FUA else loose).append(write)
    return Log(secured, loose)


def _entries(path: Path, until: int | None = None) -> Iterator[tuple[EntryFlag, Write | None]]:
    size = path.stat().st_size if until is None else until
    with path.open("rb") as file:
        block = file.read(SUPERBLOCK.size)
        if len(block) < SUPERBLOCK.size:
            return
        magic, _, _, sector_bytes = SUPERBLOCK.unpack(block)
        if magic != MAGIC:
            return
        at = sector_bytes
        while at + ENTRY.size <= size:
            file.seek(at)
            sector, count, flags, data_bytes = ENTRY.unpack(file.read(ENTRY.size))
            # A log that a kill cut off ends in zeros, or in an entry without all of its bytes.
            if not flags and not count:
                return
            length = 0 if flags & EntryFlag.DISCARD else count * sector_bytes
            if flags & ~0xF or at + sector_bytes + length > size:
                return
            at += sector_bytes
            write = None
            if length:
                file.seek(at)
                write = Write(sector * sector_bytes, file.read(length))
            at += length if length else -(-data_bytes // sector_bytes) * sector_bytes if flags & EntryFlag.MARK else 0
            yield EntryFlag(flags), write


def survivors(loose: list[Write], chance: random.Random) -> Iterator[Write]:
    """What is left of unsecured writes: each whole, not at all, or torn at a page."""
    for write in loose:
        fate = chance.random()
        if fate < 0.4:
            continue
        if fate < 0.8 or len(write.data) <= PAGE_BYTES:
            yield write
            continue
        pages = chance.randrange(1, -(-len(write.data) // PAGE_BYTES))
        yield Write(write.at, write.data[: pages * PAGE_BYTES])


def play_back(log: Path, disk: Path, chance: random.Random | None = None, until: int | None = None) -> tuple[int, int]:
    """Brings `disk` to where a time under power left it; answers how many writes were secured and how many were not.

    With `chance` the power was cut when the log was `until` long, and it decides about the unsecured ones; without, the
    machine was switched off in order and all are kept.
    """
    found = read_log(log, until)
    with disk.open("r+b") as file:
        _apply(file, found.secured)
        _apply(file, found.loose if chance is None else survivors(found.loose, chance))
    return len(found.secured), len(found.loose)


def _apply(file: BinaryIO, writes: "Iterator[Write] | list[Write]") -> None:
    for write in writes:
        file.seek(write.at)
        file.write(write.data)
