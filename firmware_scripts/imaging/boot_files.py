"""Formats that the boot loader reads: its script, the initial RAM disk, the partition table. Pure."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

SECTOR = 512
MIB = 1 << 20


def uboot_script(text: str, name: str = "offhook") -> bytes:
    """U-Boot's legacy image of a script (include/image.h of U-Boot): header, lengths, text."""
    data = struct.pack(">II", len(text.encode()), 0) + text.encode()
    linux, arm64, script, uncompressed = 5, 22, 6, 0
    header = struct.pack(
        ">7I4B32s",
        0x27051956,
        0,
        0,
        len(data),
        0,
        0,
        zlib.crc32(data),
        linux,
        arm64,
        script,
        uncompressed,
        name.encode(),
    )
    return header[:4] + struct.pack(">I", zlib.crc32(header)) + header[8:] + data


@dataclass(frozen=True, slots=True)
class RamFile:
    """One entry of the initial RAM disk: `mode` with the kind of file, data or the target of a link."""

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def ram_disk(files: Iterable[RamFile]) -> bytes:
    """A compressed cpio archive in the kernel's "newc" format (driver-api/early-userspace/buffer-format)."""
    out = bytearray()
    for number, file in enumerate([*files, RamFile("TRAILER!!!", 0)], 1):
        name = file.path.encode() + b"\0"
        values = (number, file.mode, 0, 0, 1, 0, len(file.data), 0, 0, *file.device, len(name), 0)
        out += b"070701" + b"".join(b"%08X" % value for value in values) + name
        out += bytes(-len(out) % 4) + file.data
        out += bytes(-len(out) % 4)
    return gzip.compress(bytes(out), 9, mtime=0)


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: its number and type in the table, where it begins and how long it is, in bytes."""

    number: int
    kind: int
    start: int
    size: int


def partition_table(signature: int, primary: list[Partition], logical: list[Partition]) -> dict[int, bytes]:
    """The sectors of a DOS partition table by their byte offset; logical partitions are numbered from 5.

    The boot ROM of the first Raspberry Pis understands no other. The extended partition reaches from one sector before
    its first logical partition's place (each has its own table 1 MiB before it) to the end of the last.
    """
    sectors: dict[int, bytes] = {}
    rows = {partition.number: _row(partition.kind, partition.start, partition.size) for partition in primary}
    if logical:
        base = logical[0].start - MIB
        end = logical[-1].start + logical[-1].size
        rows[2] = _row(0x0F, base, end - base)
        for index, partition in enumerate(logical):
            place = partition.start - MIB
            following = bytes(16)
            if index + 1 < len(logical):
                after = logical[index + 1]
                following = _row(0x05, after.start - MIB - base, after.size + MIB)
            sectors[place] = _table([_row(partition.kind, MIB, partition.size), following], 0)
    sectors[0] = _table([rows.get(number, bytes(16)) for number in (1, 2, 3, 4)], signature)
    return sectors


def _row(kind: int, start: int, size: int) -> bytes:
    # Cylinders, heads and sectors mean nothing here; 0xFEFFFF says so.
    outside = b"\xfe\xff\xff"
    return b"\0" + outside + bytes([kind]) + outside + struct.pack("<II", start // SECTOR, size // SECTOR)


def _table(rows: list[bytes], signature: int) -> bytes:
    return bytes(440) + struct.pack("<IH", signature, 0) + b"".join(rows).ljust(64, b"\0") + b"\x55\xaa"
