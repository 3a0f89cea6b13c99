"""Writing an image and reading it back, plain and compressed, and what damaged or wrong images leave."""

import io
import lzma
import subprocess
from pathlib import Path

import pytest

from firmware_scripts.imaging.boot_files import MIB
from firmware_scripts.imaging.flashing import Meter, flash, main
from firmware_scripts.imaging.workshop import BuildError

IMAGE = bytes(510) + b"\x55\xaa" + bytes(range(256)) * 4096 * 9 + b"odd end"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "offhook.img"
    path.write_bytes(IMAGE)
    return path


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "card"
    path.write_bytes(b"?" * (len(IMAGE) + MIB))
    return path


def meter() -> Meter:
    return Meter(io.StringIO())


@pytest.mark.parametrize("suffix", ["", ".xz", ".zst"])
def test_the_card_holds_the_image_and_the_rest_is_untouched(image: Path, card: Path, suffix: str) -> None:
    if suffix == ".xz":
        image = image.with_suffix(".img.xz")
        image.write_bytes(lzma.compress(IMAGE))
    elif suffix == ".zst":
        subprocess.run(["zstd", "-q", image], check=True)
        image = image.with_suffix(".img.zst")
    flash(image, card, meter())
    assert card.read_bytes() == IMAGE + b"?" * MIB


@pytest.mark.parametrize("suffix", [".xz", ".zst"])
def test_a_compressed_image_that_is_incomplete_leaves_no_bootable_card(image: Path, card: Path, suffix: str) -> None:
    program = ["xz", "-k", "-q"] if suffix == ".xz" else ["zstd", "-q"]
    subprocess.run([*program, image], check=True)
    packed = image.with_name(image.name + suffix)
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(BuildError, match="damaged or incomplete"):
        flash(packed, card, meter())
    assert card.read_bytes()[510:512] == b"??"


def test_what_is_no_disk_image_is_refused_before_anything_is_written(tmp_path: Path, card: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no image" * 1000)
    before = card.read_bytes()
    with pytest.raises(BuildError, match="no partition table"):
        flash(text, card, meter())
    assert card.read_bytes() == before


def test_a_plain_image_that_is_incomplete_leaves_no_bootable_card(image: Path, card: Path) -> None:
    table = bytearray(IMAGE)
    table[446:462] = bytes(8) + (2048).to_bytes(4, "little") + (len(IMAGE) // 512).to_bytes(4, "little")
    image.write_bytes(table)
    with pytest.raises(BuildError, match="it is incomplete; copy it again"):
        flash(image, card, meter())
    assert card.read_bytes()[510:512] == b"??"


def test_progress_is_shown_with_speed_and_time(image: Path, card: Path) -> None:
    out = io.StringIO()
    flash(image, card, Meter(out))
    lines = out.getvalue().splitlines()
    assert any(line.startswith("writing 100 %, 9 of 9 MiB, 0 s left, ") for line in lines)
    assert any(line.startswith("reading back 100 %") for line in lines)
    assert all(line.endswith("MB/s") for line in lines)


def test_the_command_asks_unless_told_otherwise(image: Path, card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = card.read_bytes()
    assert main([str(image), str(card)]) == 1
    assert "say --yes" in capsys.readouterr().err
    assert card.read_bytes() == before
    assert main([str(image), str(card), "--yes"]) == 0
    assert "read back and compared" in capsys.readouterr().err
    assert card.read_bytes().startswith(IMAGE)


def test_a_missing_image_is_told(tmp_path: Path, card: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.img"), str(card)]) == 1
    assert "build-image makes one" in capsys.readouterr().err
