"""The script that draws docs/flows; whether the pictures are current is asked in tests/scenarios/test_textbook.py."""

import subprocess
import sys
from pathlib import Path

from tests.support.processes import ROOT

SCRIPT = ROOT / "firmware_scripts" / "draw-flows"


def draw(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)


def test_the_pictures_of_the_documentation_are_current() -> None:
    checked = draw("--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_what_is_missing_changed_or_too_much_is_told_and_put_right(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    assert "trapezoid.svg is not what" in draw("--check", str(folder)).stderr
    assert draw(str(folder)).returncode == 0
    (folder / "busy.svg").write_text("<svg/>")
    (folder / "toaster.svg").write_text("<svg/>")
    checked = draw("--check", str(folder))
    assert checked.returncode == 1
    assert len(checked.stderr.splitlines()) == 2
    assert "2 files changed" in draw(str(folder)).stdout
    assert not (folder / "toaster.svg").exists()


def test_one_is_shown_on_the_terminal() -> None:
    shown = draw("--show", "busy")
    assert shown.returncode == 0
    assert shown.stdout.startswith("The callee is busy. ")
    assert "486 Busy Here" in shown.stdout
    unknown = draw("--show", "nothing")
    assert unknown.returncode == 2
    assert "choose one of registration" in unknown.stderr


def test_help() -> None:
    assert "--check" in draw("--help").stdout
