"""The pictures of the ready profiles are those that the profiles and boards of today give."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "firmware_scripts" / "draw-wiring"


def draw(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)


def test_the_pictures_of_the_documentation_are_current() -> None:
    checked = draw("--check")
    assert (checked.returncode, checked.stdout) == (0, "")


def test_what_is_missing_changed_or_too_much_is_told_and_put_right(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    assert "handset-raspberry-pi-4.svg is not what would be drawn" in draw("--check", str(folder)).stdout
    assert draw(str(folder)).returncode == 0
    (folder / "handset-nanopi-neo.svg").write_text("<svg/>")
    (folder / "toaster.svg").write_text("<svg/>")
    checked = draw("--check", str(folder))
    assert checked.returncode == 1
    assert len(checked.stdout.splitlines()) == 2
    assert "2 of them changed" in draw(str(folder)).stdout
    assert draw("--check", str(folder)).returncode == 0
    assert not (folder / "toaster.svg").exists()


def test_help() -> None:
    assert "--check" in draw("--help").stdout
