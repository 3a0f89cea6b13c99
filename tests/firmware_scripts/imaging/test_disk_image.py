"""The parts of a disk image, looked at with the programs that know them, and the whole, the same bytes each time."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from device.upgrade.slot_state import RECORD_BYTES, SlotState, decode
from firmware_scripts.imaging.boards import BOARDS
from firmware_scripts.imaging.boot_files import MIB
from firmware_scripts.imaging.disk_image import boot_files, make_layout, write_fat
from firmware_scripts.imaging.workshop import BuildError, Workshop
from tests.firmware_scripts.imaging.small_image import KERNEL, make_image, make_workshop


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_image(tmp_path_factory.mktemp("image"))


def printed(*command: object) -> str:
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "TZ": "UTC", "LC_ALL": "C"}
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout


def part(image: Path, name: str, folder: Path) -> Path:
    place = getattr(make_layout(), name)
    path = folder / name
    with image.open("rb") as source, path.open("wb") as target:
        source.seek(place.start)
        target.write(source.read(place.size))
    return path


def test_the_root_keeps_owners_modes_and_links(image: Path, tmp_path: Path) -> None:
    listing = printed("unsquashfs", "-lln", part(image, "root_a", tmp_path))
    tool = next(line for line in listing.splitlines() if line.endswith("usr/bin/tool"))
    assert tool.startswith("-rwxr-xr-x 7/8 ")
    assert any(line.endswith("bin -> usr/bin") for line in listing.splitlines())


def test_kernel_and_boot_partition_are_fat_with_their_files(image: Path, tmp_path: Path) -> None:
    kernel = part(image, "kernel_a", tmp_path)
    subprocess.run(["mcopy", "-i", kernel, "::/vmlinuz", tmp_path / "vmlinuz"], check=True)
    assert (tmp_path / "vmlinuz").read_bytes() == KERNEL
    boot = part(image, "boot", tmp_path)
    assert printed("mtype", "-i", boot, "::/dtb/a/b.dtb") == "tree"
    assert subprocess.run(["fsck.fat", "-n", boot], capture_output=True, check=False).returncode == 0


def test_the_data_partition_is_a_sound_ext4_that_can_grow(image: Path, tmp_path: Path) -> None:
    data = part(image, "data", tmp_path)
    assert subprocess.run(["e2fsck", "-fn", data], capture_output=True, check=False).returncode == 0
    about = printed("dumpe2fs", "-h", data)
    assert "Filesystem volume name:   offhook-data" in about
    assert "Block size:               4096" in about
    assert "has_journal" in about
    with data.open("r+b") as file:
        file.truncate(4000 * MIB)
    subprocess.run(["resize2fs", data], capture_output=True, check=True)
    assert subprocess.run(["e2fsck", "-fn", data], capture_output=True, check=False).returncode == 0


def test_slot_a_is_the_good_one_at_first(image: Path) -> None:
    start = make_layout().state.start
    with image.open("rb") as file:
        for offset in (0, 4 * MIB):
            file.seek(start + offset)
            assert decode(file.read(RECORD_BYTES)) == SlotState("a", "good", "empty", 0, 1)


def test_the_same_inputs_make_the_same_bytes(image: Path, tmp_path: Path) -> None:
    digests = set()
    for path in (image, make_image(tmp_path)):
        with path.open("rb") as file:
            digests.add(hashlib.file_digest(file, "sha256").digest())
    assert len(digests) == 1


def test_the_image_has_holes_where_nothing_is(image: Path) -> None:
    assert image.stat().st_size == make_layout().size
    assert image.stat().st_blocks * 512 < 64 * MIB


def test_the_firmware_finds_a_device_tree_and_u_boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    for name in ("usr/lib/raspi-firmware/start.elf", "usr/lib/raspi-firmware/bootcode.bin", BOARDS["rpi3"].boot_loader):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    (package / "usr/share/doc/raspi-firmware").mkdir(parents=True)
    (package / "usr/share/doc/raspi-firmware/copyright").write_text("Broadcom's terms")
    workshop = make_workshop(tmp_path)
    monkeypatch.setattr(Workshop, "fetch", lambda *_: [tmp_path / "some.deb"])
    monkeypatch.setattr(Workshop, "unpacked", lambda *_: package)
    files = boot_files(workshop, BOARDS["rpi3"], {"broadcom/bcm2837-rpi-3-b.dtb": b"tree"})
    assert files["bcm2837-rpi-3-b.dtb"] == b"tree"
    assert files["u-boot.bin"].decode() == BOARDS["rpi3"].boot_loader
    assert files["licences/raspi-firmware.txt"] == b"Broadcom's terms"
    assert {"start.elf", "bootcode.bin", "boot.scr"} <= set(files)
    assert {b"arm_64bit=1", b"enable_uart=1", b"kernel=u-boot.bin"} <= set(files["config.txt"].split())


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="do not fit"):
        write_fat(make_workshop(tmp_path), tmp_path / "boot", 4 * MIB, "X", {"big": bytes(3 * MIB)})
