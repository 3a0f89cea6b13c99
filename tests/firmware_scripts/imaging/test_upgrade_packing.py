"""An upgrade packed from an image is taken by the phone."""

import subprocess
from pathlib import Path

import pytest

from device.upgrade.image_system import ImageSystem
from device.upgrade.installation import Installation
from firmware_scripts.imaging.upgrade_packing import main
from tests.firmware_scripts.imaging.small_image import KERNEL, make_image
from tests.upgrade.board import make_key, make_system, trust

ROOM = 64 << 20


@pytest.fixture
def system(tmp_path: Path) -> ImageSystem:
    made = make_system(tmp_path / "board")
    for part in ("kernel", "root"):
        with open(made.partition(part, "b"), "r+b") as file:
            file.truncate(ROOM)
    return made


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_what_is_packed_is_what_the_phone_writes(system: ImageSystem, tmp_path: Path, suffix: str) -> None:
    key = make_key(tmp_path)
    trust(system, key)
    image = make_image(tmp_path / "image")
    if suffix:
        subprocess.run(["zstd", "-q", image], check=True)
    target = tmp_path / "new.upgrade"
    assert main([f"{image}{suffix}", "--key", str(key), "--out", str(target)]) == 0
    with target.open("rb") as stream:
        installation = Installation(system, stream, target.name)
        installation.check()
        assert installation.manifest.version == "2.0"
        installation.write([], lambda _: None)
    kernel, root = system.partition("kernel", "b"), system.partition("root", "b")
    command = ["mcopy", "-i", kernel, "::/vmlinuz", tmp_path / "vmlinuz"]
    subprocess.run(command, check=True, env={"MTOOLS_SKIP_CHECK": "1", "PATH": "/usr/bin"})
    assert (tmp_path / "vmlinuz").read_bytes() == KERNEL
    listing = subprocess.run(["unsquashfs", "-ll", root], capture_output=True, text=True, check=True).stdout
    assert "usr/lib/offhook/image.json" in listing
    # The empty space of the partitions is not carried around.
    assert installation.manifest.size < 8 << 20


def test_what_is_no_image_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = make_key(tmp_path)
    short = tmp_path / "short.img"
    short.write_bytes(bytes(1000))
    assert main([str(short), "--key", str(key), "--out", str(tmp_path / "new")]) == 1
    assert "no whole image" in capsys.readouterr().err
    empty = tmp_path / "empty.img"
    with empty.open("wb") as file:
        file.truncate(1 << 30)
    assert main([str(empty), "--key", str(key), "--out", str(tmp_path / "new")]) == 1
    assert "no image of build-image" in capsys.readouterr().err


def test_a_missing_key_names_the_script_that_makes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "image"), "--key", str(tmp_path / "none")]) == 1
    assert "make-signing-key" in capsys.readouterr().err
