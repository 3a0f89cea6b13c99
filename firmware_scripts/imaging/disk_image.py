"""The disk image: where its partitions are, what is in each of them, and how the whole is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from device.upgrade.block_device import write_at
from device.upgrade.slot_state import COPY_OFFSETS, SlotState, encode
from firmware_scripts.imaging.boards import ImageBoard
from firmware_scripts.imaging.boot_files import MIB, SECTOR, Partition, partition_table, uboot_script
from firmware_scripts.imaging.root_tree import RootTree
from firmware_scripts.imaging.workshop import BuildError, Workshop

DISK_SIGNATURE = 0x0FF40001
FAT32, LINUX = 0x0C, 0x83
BOOT_SIZE, STATE_SIZE, KERNEL_SIZE, ROOT_SIZE, DATA_SIZE = 64 * MIB, 8 * MIB, 96 * MIB, 256 * MIB, 64 * MIB
ALIGNMENT = 4 * MIB
"""Erase blocks of cards are that large; a partition never shares one with another that is written."""
DATA_LABEL, DATA_UUID = "offhook-data", "0ff40001-da7a-4000-8000-000000000001"
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Layout:
    """The partitions of every board: 1 boot, 3 data (the last on the disk), 5 state, 6 to 9 the slots."""

    boot: Partition
    data: Partition
    state: Partition
    kernel_a: Partition
    root_a: Partition
    kernel_b: Partition
    root_b: Partition

    @property
    def size(self) -> int:
        """How long the image is, in bytes."""
        return self.data.start + self.data.size


def make_layout() -> Layout:
    """Where each partition is; logical ones leave ALIGNMENT before them for their part of the table."""
    place = ALIGNMENT
    found = []
    sizes = ((1, FAT32, BOOT_SIZE), (5, LINUX, STATE_SIZE), (6, FAT32, KERNEL_SIZE), (7, LINUX, ROOT_SIZE))
    for number, kind, size in (*sizes, (8, FAT32, KERNEL_SIZE), (9, LINUX, ROOT_SIZE), (3, LINUX, DATA_SIZE)):
        place += ALIGNMENT if number >= 5 else 0
        found.append(Partition(number, kind, place, size))
        place += size
    boot, state, kernel_a, root_a, kernel_b, root_b, data = found
    return Layout(boot, data, state, kernel_a, root_a, kernel_b, root_b)


def write_squashfs(workshop: Workshop, tree: RootTree, target: Path) -> None:
    """The root file system, compressed; made from a stream, so that owners need no root."""
    command = [
        "mksquashfs", "-", target, "-tar", "-noappend", "-quiet", "-no-progress", "-comp", "zstd",
        "-Xcompression-level", "15", "-b", "256K", "-root-mode", "755", "-root-uid", "0", "-root-gid", "0",
    ]  # fmt: skip
    log = workshop.folder / "mksquashfs.log"
    # Its options for times leave out that of the root; the variable covers everything.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(workshop.epoch)}
    with log.open("w") as output:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment)
        assert process.stdin is not None
        try:
            tree.write_tar(process.stdin, workshop.epoch)
        except BrokenPipeError:
            pass
        finally:
            process.stdin.close()
            status = process.wait()
    if status != 0:
        raise BuildError(f"mksquashfs ended with status {status}:\n{log.read_text()[-2000:]}")
    _fits(target, ROOT_SIZE, "the root file system")


def write_fat(workshop: Workshop, target: Path, size: int, label: str, files: dict[str, bytes]) -> None:
    """A FAT file system with these files, by their paths in it; the same bytes each time."""
    folder = workshop.folder / f"{target.name}.files"
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    used = sum(len(data) for data in files.values())
    if used > size - 2 * MIB:
        raise BuildError(f"{target.name}: {used // MIB} MiB of files do not fit into {size // MIB} MiB")
    target.unlink(missing_ok=True)
    with target.open("wb") as file:
        file.truncate(size)
    serial = f"{workshop.epoch & 0xFFFFFFFF:08x}"
    workshop.run("mkfs.fat", "--invariant", "-F", "32", "-s", "1", "-i", serial, "-n", label, target)
    for path in sorted(folder.rglob("*")):
        os.utime(path, (workshop.epoch, workshop.epoch))
    for path in sorted(folder.iterdir()):
        workshop.run("mcopy", "-s", "-m", "-Q", "-i", target, path, "::/", environment={"TZ": "UTC"})


def write_data(workshop: Workshop, target: Path) -> None:
    """The empty file system of the data partition; it grows on the board."""
    target.unlink(missing_ok=True)
    with target.open("wb") as file:
        file.truncate(DATA_SIZE)
    folder = workshop.folder / "data.files"
    folder.mkdir(exist_ok=True)
    os.utime(folder, (workshop.epoch, workshop.epoch))
    workshop.run(
        "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-i", "16384", "-I", "256", "-m", "1", "-J", "size=8",
        "-L", DATA_LABEL, "-U", DATA_UUID, "-E", f"hash_seed={DATA_UUID},lazy_itable_init=1,root_owner=0:0",
        "-e", "remount-ro", "-O", "metadata_csum,64bit", "-d", folder, target,
        environment={"E2FSPROGS_FAKE_TIME": str(workshop.epoch)},
    )  # fmt: skip


def boot_files(workshop: Workshop, board: ImageBoard, device_trees: dict[str, bytes]) -> dict[str, bytes]:
    """What the boot partition holds: the firmware of the board with its device trees, U-Boot and its script."""
    script = uboot_script((HERE / "boot.cmd").read_text())
    files = {"boot.scr": script}
    if board.firmware:
        deb = workshop.fetch("raspi-firmware")[0]
        folder = workshop.unpacked(deb) / "usr/lib/raspi-firmware"
        for pattern in board.firmware:
            for path in sorted(folder.glob(pattern)):
                files[path.name] = path.read_bytes()
        # The firmware hands one of them to U-Boot, which does not start without.
        files.update({name.rpartition("/")[2]: data for name, data in device_trees.items()})
        files["config.txt"] = board.settings.encode()
        loader = workshop.fetch(board.boot_package)[0]
        files["u-boot.bin"] = (workshop.unpacked(loader) / board.boot_loader).read_bytes()
        files.update(licences(workshop.unpacked(deb), workshop.unpacked(loader)))
    return files


def licences(*packages: Path) -> dict[str, bytes]:
    """The terms of unpacked packages whose files leave them: whoever passes those on has to pass on these."""
    found = sorted(path for package in packages for path in package.glob("usr/share/doc/*/copyright"))
    return {f"licences/{path.parent.name}.txt": path.read_bytes() for path in found}


def boot_loader(workshop: Workshop, board: ImageBoard) -> Path:
    """U-Boot for the board, out of Debian's package."""
    return workshop.unpacked(workshop.fetch(board.boot_package)[0]) / board.boot_loader


def write_image(target: Path, layout: Layout, parts: list[tuple[Partition, Path]]) -> None:
    """Put the parts into a disk image, with holes where there is nothing."""
    with target.open("wb") as image:
        image.truncate(layout.size)
        logical = [layout.state, layout.kernel_a, layout.root_a, layout.kernel_b, layout.root_b]
        for place, sector in partition_table(DISK_SIGNATURE, [layout.boot, layout.data], logical).items():
            _write_at(image.fileno(), place, sector)
        for offset in COPY_OFFSETS:
            _write_at(image.fileno(), layout.state.start + offset, encode(SlotState()))
        for partition, path in parts:
            _copy_sparse(path, image.fileno(), partition.start)


def _copy_sparse(path: Path, descriptor: int, place: int) -> None:
    with path.open("rb") as source:
        while chunk := source.read(MIB):
            if chunk.count(0) != len(chunk):
                _write_at(descriptor, place, chunk)
            place += len(chunk)


def _write_at(descriptor: int, place: int, data: bytes) -> None:
    assert place % SECTOR == 0
    write_at(descriptor, data, place)


def _fits(path: Path, room: int, what: str) -> None:
    size = path.stat().st_size
    if size > room:
        raise BuildError(f"{what} has {size / MIB:.0f} MiB, its partition {room // MIB}: leave something out")
