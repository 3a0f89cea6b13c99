"""`build-image` as it is typed."""

import lzma
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_scripts.imaging.command import compress, parse_arguments, project_date
from tests.firmware_scripts.imaging.small_image import make_workshop

SCRIPT = Path(__file__).parents[3] / "firmware_scripts/build-image"


def test_help_tells_boards_and_an_example() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    assert "Raspberry Pi 3 A+, B, B+ and Zero 2 W" in " ".join(done.stdout.split())
    assert "example: firmware_scripts/build-image --board virt --out offhook-virt.img" in done.stdout


def test_a_board_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--board", "toaster"])
    assert "'rpi3', 'rpi4', 'virt'" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["", ".zst", ".xz"])
def test_an_image_is_compressed_as_its_name_asks(tmp_path: Path, suffix: str) -> None:
    plain, target = tmp_path / "plain", tmp_path / f"phone.img{suffix}"
    plain.write_bytes(b"image" * 10_000)
    compress(make_workshop(tmp_path / "work"), plain, target)
    data = target.read_bytes()
    if suffix == ".zst":
        data = subprocess.run(["zstd", "-dcq", target], capture_output=True, check=True).stdout
    elif suffix == ".xz":
        data = lzma.decompress(data)
    assert data == b"image" * 10_000
    assert not list(tmp_path.glob(".*.new"))


def test_the_age_of_an_image_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234")
    assert project_date() == 1234
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert project_date() >= 0
