"""Which modules of a kernel go into the image, and in which order they are loaded first."""

import gzip
import lzma
from pathlib import Path

import pytest

from firmware_scripts.imaging.boards import BOARDS, EARLY, ImageBoard
from firmware_scripts.imaging.kernel import Kernel, chosen_modules, initial_ram_disk, load_order, module_name

DEPENDENCIES = """\
kernel/fs/ext4/ext4.ko.xz: kernel/lib/crc16.ko.xz kernel/fs/jbd2/jbd2.ko.xz
kernel/fs/jbd2/jbd2.ko.xz:
kernel/lib/crc16.ko.xz:
kernel/fs/xfs/xfs.ko.xz: kernel/lib/libcrc32c.ko.xz
kernel/lib/libcrc32c.ko.xz:
kernel/fs/nls/nls_iso8859-1.ko.xz:
kernel/sound/usb/snd-usb-audio.ko.xz: kernel/sound/core/snd-pcm.ko.xz kernel/sound/core/snd.ko.xz
kernel/sound/core/snd-pcm.ko.xz: kernel/sound/core/snd.ko.xz
kernel/sound/core/snd.ko.xz:
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    modules = tmp_path / "usr/lib/modules/6.12"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text(DEPENDENCIES)
    for line in DEPENDENCIES.splitlines():
        path = modules / line.partition(":")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(b"ELF of " + module_name(path.name).encode()))
    return Kernel("6.12", modules, modules / "vmlinuz", None)


def test_patterns_bring_what_is_needed_along(kernel: Kernel) -> None:
    assert chosen_modules(kernel, ("kernel/fs/ext4/*",)) == [
        "kernel/fs/ext4/ext4.ko.xz",
        "kernel/fs/jbd2/jbd2.ko.xz",
        "kernel/lib/crc16.ko.xz",
    ]


def test_what_is_needed_is_loaded_first(kernel: Kernel) -> None:
    order = [module_name(path) for path in load_order(kernel, ("snd-usb-audio", "ext4"))]
    assert order == ["snd", "snd_pcm", "snd_usb_audio", "jbd2", "crc16", "ext4"]


def test_what_is_built_into_the_kernel_falls_away(kernel: Kernel) -> None:
    assert load_order(kernel, ("virtio_pci",)) == []


def test_dashes_and_underscores_are_the_same(kernel: Kernel) -> None:
    assert load_order(kernel, ("nls_iso8859_1",)) == load_order(kernel, ("nls_iso8859-1",))


def test_the_ram_disk_holds_the_modules_unpacked_and_their_order(kernel: Kernel, tmp_path: Path) -> None:
    busybox, init = tmp_path / "busybox", tmp_path / "init"
    busybox.write_bytes(b"BUSYBOX")
    init.write_bytes(b"#!/bin/sh\n")
    init.with_name("slots").write_bytes(b"SLOTS")
    disk = gzip.decompress(initial_ram_disk(kernel, ("ext4",), busybox, init))
    assert b"ELF of ext4" in disk
    assert b"jbd2.ko\ncrc16.ko\next4.ko\n" in disk
    assert b"BUSYBOX" in disk
    assert b"SLOTS" in disk


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_every_board_can_mount_its_slot_and_has_a_console(board: ImageBoard) -> None:
    assert set(EARLY) <= set(board.early_modules)
    assert f"console={board.console}" in board.arguments
