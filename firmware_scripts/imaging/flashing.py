"""Writes an image to a card and reads it back; refuses every disk that could be the wrong one."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TextIO

from device.upgrade.block_device import digest_on_disk, write_at
from firmware_scripts.imaging.boot_files import MIB, SECTOR
from firmware_scripts.imaging.compressed import opened_image
from firmware_scripts.imaging.flash_target import Disk, Machine
from firmware_scripts.imaging.workshop import BuildError

CHUNK = 4 * MIB
BLKRRPART = 0x125F
BOOT_SIGNATURE = b"\x55\xaa"
LARGEST_CARD = 300 * 10**9
"""Larger than cards for a phone are: such a disk is rather somebody's archive."""
EPILOG = """\
Without DEVICE the disks of this machine are listed. The image may be plain, .zst or .xz. What is written is read back
and compared. Refused are disks that are mounted or hold the running system, partitions, disks that are too small, and
disks that are not removable or larger than 300 GB unless --force-this-disk names their serial number (or /dev/NAME
where there is none).

example: firmware_scripts/flash-image offhook-rpi3.img.zst /dev/sdb
"""


class Meter:
    """One line on a terminal, or a line for each tenth elsewhere: how far, how fast, how long still."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._terminal = stream.isatty()
        self._step, self._started, self._verb = -1, clock(), ""

    def begin(self, verb: str) -> None:
        """A new stage of the work."""
        self._verb, self._step, self._started = verb, -1, self._clock()

    def show(self, done: int, whole: int | None) -> None:
        """So many bytes are done; `whole` is None where nobody knows how many there are."""
        seconds = max(self._clock() - self._started, 1e-3)
        speed = done / seconds
        step = int(100 * done / whole) if whole else done // (32 * MIB)
        if not self._terminal:
            step = step // 10 * 10
        if step == self._step:
            return
        self._step = step
        text = f"{self._verb} {done // MIB} MiB"
        if whole:
            left = (whole - done) / speed if speed else 0
            text = f"{self._verb} {100 * done // whole:3d} %, {done // MIB} of {whole // MIB} MiB, {left:.0f} s left"
        text += f", {speed / 1e6:.1f} MB/s"
        self._stream.write(f"\r{text:<70}" if self._terminal else f"{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """The stage is over."""
        if self._terminal:
            self._stream.write("\n")


def main(arguments: list[str], machine: Machine | None = None) -> int:
    """Flash what the command line asks for; answers the exit status."""
    parser = argparse.ArgumentParser(
        prog="flash-image",
        description="Writes an image of build-image to a card, with progress and verification.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("image", type=Path, help="the image: plain, .zst or .xz")
    parser.add_argument("device", type=Path, nargs="?", help="the disk, such as /dev/sdb or /dev/mmcblk0; or a file")
    parser.add_argument("--yes", action="store_true", help="do not ask; for scripts that know the disk for sure")
    parser.add_argument("--force-this-disk", metavar="SERIAL", default="", help="also a disk that is not removable")
    parser.add_argument("--no-verify", action="store_true", help="do not read back what was written")
    options = parser.parse_args(arguments)
    machine = machine or Machine()
    try:
        if not options.image.is_file():
            raise BuildError(f"{options.image}: there is no such image; firmware_scripts/build-image makes one")
        if options.device is None:
            return _list_disks(machine)
        title = check_target(machine, options.device, options.force_this_disk)
        if not options.yes and not _agreed(title, options.image):
            raise BuildError("nothing was written")
        flash(options.image, options.device, Meter(sys.stderr), verify=not options.no_verify)
    except PermissionError as error:
        sys.stderr.write(
            f"flash-image: {error.filename or options.device} may not be written by you; type it with sudo before\n"
        )
        return 1
    except (BuildError, OSError) as error:
        sys.stderr.write(f"flash-image: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\nflash-image: interrupted; {options.device} holds half an image now: write it again\n")
        return 130
    return 0


def check_target(machine: Machine, device: Path, forced: str = "") -> str:
    """The title of the disk or file that may be written. Raises BuildError with the reason when it may not."""
    name = machine.name_of(device)
    if not machine.is_disk(device):
        if device.is_file():
            return f"the file {device}"
        raise BuildError(f"{device} is neither a disk nor a file; `lsblk` lists the disks")
    whole = machine.whole_disk_of(name)
    if whole != name:
        raise BuildError(f"/dev/{name} is a partition; the image needs the whole disk: /dev/{whole}")
    disk = machine.disk(name)
    if disk.uses:
        raise BuildError(f"{disk.title}: in use: {'; '.join(disk.uses)}. {_way_out(disk)}")
    if disk.read_only:
        raise BuildError(f"{disk.title}: write-protected; move the small slider of the card")
    if disk.size == 0:
        raise BuildError(f"{disk.title}: there is no card in the reader")
    loop = name.startswith("loop")
    if not loop and (not disk.removable or disk.size > LARGEST_CARD):
        proof = disk.serial or f"/dev/{name}"
        if forced != proof:
            what = "not a removable disk" if not disk.removable else "larger than any card for a phone"
            raise BuildError(f"{disk.title}: {what}. If it is the right one, add: --force-this-disk '{proof}'")
    return disk.title


def _way_out(disk: Disk) -> str:
    if any("running system" in use for use in disk.uses):
        return "It is the disk of this machine; an image never goes there."
    mounted = [use.split()[0] for use in disk.uses if "mounted" in use]
    return f"If it is the right disk, type: sudo umount {' '.join(mounted)}" if mounted else "Another disk is meant."


def flash(image: Path, device: Path, meter: Meter, verify: bool = True) -> None:
    """Write the image and read it back. Raises BuildError; what the disk holds is then no image."""
    is_file = device.is_file()
    # Exclusively: the kernel itself refuses a disk that was mounted a moment ago.
    descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC | (0 if is_file else os.O_EXCL))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        room = os.lseek(descriptor, 0, os.SEEK_END)
        size = _plain_size(image)
        if size is not None and not is_file and size > room:
            raise BuildError(f"{device} has {room // MIB} MiB, the image {size // MIB}: take a larger card")
        with opened_image(image) as stream:
            head = stream.read(MIB)
            if head[510:512] != BOOT_SIGNATURE:
                raise BuildError(f"{image} is no disk image: it has no partition table")
            digest, written = _write(stream, head, descriptor, None if is_file else room, size, meter)
        if verify:
            _verify(descriptor, digest, written, meter, device)
        with contextlib.suppress(OSError):
            fcntl.ioctl(descriptor, BLKRRPART)
    except BlockingIOError:
        raise BuildError(f"{device} is being written by another program") from None
    finally:
        os.close(descriptor)
    checked = ", read back and compared" if verify else ""
    sys.stderr.write(f"flash-image: {written // MIB} MiB written{checked}; {device} can be taken out\n")


def _write(
    stream: BinaryIO, head: bytes, descriptor: int, room: int | None, size: int | None, meter: Meter
) -> tuple[str, int]:
    """The first MiB goes last: a disk on which only a part was written does not start, and is no half-good one."""
    meter.begin("writing")
    digest = hashlib.sha256(head)
    place = len(head)
    while data := _read_whole(stream, CHUNK):
        if room is not None and place + len(data) > room:
            raise BuildError(f"the image is larger than the disk ({room // MIB} MiB): take a larger card")
        digest.update(data)
        write_at(descriptor, data, place)
        place += len(data)
        os.fsync(descriptor)
        meter.show(place, size)
    if place < _end_of_partitions(head):
        raise BuildError(
            f"the image ends after {place // MIB} MiB, its partitions later: it is incomplete; copy it again"
        )
    write_at(descriptor, head, 0)
    os.fsync(descriptor)
    meter.end()
    return digest.hexdigest(), place


def _end_of_partitions(head: bytes) -> int:
    """Where the last partition of the table ends, in bytes."""
    rows = (head[place : place + 16] for place in range(446, 510, 16))
    return max(SECTOR * (int.from_bytes(row[8:12], "little") + int.from_bytes(row[12:16], "little")) for row in rows)


def _verify(descriptor: int, expected: str, size: int, meter: Meter, device: Path) -> None:
    meter.begin("reading back")
    found = digest_on_disk(descriptor, size, lambda place: meter.show(place, size))
    meter.end()
    if found != expected:
        raise BuildError(f"{device} holds something else than was written to it: the card is failing; take another one")


def _plain_size(image: Path) -> int | None:
    """How long the image is when unpacked; None where only unpacking it would tell."""
    with image.open("rb") as file:
        head = file.read(4)
    return None if head in (b"\x28\xb5\x2f\xfd", b"\xfd7zX") else image.stat().st_size


def _read_whole(stream: BinaryIO, count: int) -> bytes:
    """`count` bytes, fewer only at the end: a pipe gives what it has."""
    pieces = []
    while count and (data := stream.read(count)):
        pieces.append(data)
        count -= len(data)
    return b"".join(pieces)


def _list_disks(machine: Machine) -> int:
    sys.stdout.write("name the disk; there are:\n")
    for disk in machine.disks():
        state = "in use" if disk.uses else "removable" if disk.removable else "not removable"
        sys.stdout.write(f"  {disk.title} ({state})\n")
    return 2


def _agreed(title: str, image: Path) -> bool:
    if not sys.stdin.isatty():
        raise BuildError("there is no terminal to ask at: say --yes")
    sys.stderr.write(f"{title}\nEverything on it will be lost. Write {image.name} to it? Type yes: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"
