"""install-system on a root file system of its own: what lands where, a second run, units enabled, all taken away."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "firmware_scripts" / "install-system"
UNITS = "usr/lib/systemd/system"


def install(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, root, *arguments], capture_output=True, text=True, check=False)


def tree(root: Path) -> dict[str, str]:
    """Every file below a root with its text, every link with its target."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            found[name] = path.read_text()
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_everything_of_the_system_is_there_and_names_the_prefix(root: Path) -> None:
    assert install(root, "--prefix", "/srv/phone").returncode == 0
    files = tree(root)
    for unit in sorted((ROOT / "systemd").glob("*.service")):
        text = files[f"{UNITS}/{unit.name}"]
        assert "/srv/phone/bin/offhook " in text
        assert "/opt/offhook/" not in text
    for name in (
        "usr/lib/sysusers.d/offhook.conf",
        "usr/lib/tmpfiles.d/offhook.conf",
        "usr/lib/udev/rules.d/60-offhook.rules",
        "usr/lib/systemd/system-preset/80-offhook.preset",
    ):
        assert files[name]
        assert (root / name).stat().st_mode & 0o777 == 0o644
    assert files["usr/local/bin/offhook"] == "-> /srv/phone/bin/offhook"
    assert not any("watchdog" in name for name in files)


def test_a_second_run_changes_nothing_and_an_edited_file_is_brought_up_to_date(root: Path) -> None:
    install(root)
    before = tree(root)
    again = install(root)
    assert tree(root) == before
    assert "0 files of the system written" in again.stderr
    (root / UNITS / "offhook.service").write_text("[Unit]\n")
    assert "1 files of the system written" in install(root).stderr
    assert tree(root) == before


def test_units_are_enabled_as_systemctl_does_it(root: Path) -> None:
    install(root, "--enable", "offhook.service offhook-console@ttyAMA0.service")
    links = {name: text for name, text in tree(root).items() if ".wants/" in name}
    wants = "etc/systemd/system"
    assert tree(root)[f"{wants}/serial-getty@ttyAMA0.service"] == "-> /dev/null"
    assert links == {
        f"{wants}/multi-user.target.wants/offhook.service": f"-> /{UNITS}/offhook.service",
        f"{wants}/dev-ttyAMA0.device.wants/offhook-console@ttyAMA0.service": f"-> /{UNITS}/offhook-console@.service",
    }


def test_an_image_has_the_hardware_watchdog_fed(root: Path) -> None:
    install(root, "--watchdog")
    assert "RuntimeWatchdogSec=14s" in (root / "usr/lib/systemd/system.conf.d/50-offhook-watchdog.conf").read_text()


def test_all_is_taken_away_but_what_others_own(root: Path) -> None:
    own = root / "etc/systemd/system/offhook.service.d/mine.conf"
    own.parent.mkdir(parents=True)
    own.write_text("[Service]\nEnvironment=A=1\n")
    install(root, "--watchdog", "--enable", "offhook.service offhook-console@ttyS0.service")
    assert install(root, "--remove").returncode == 0
    assert list(tree(root)) == ["etc/systemd/system/offhook.service.d/mine.conf"]


def test_a_command_that_somebody_else_put_there_stays(root: Path) -> None:
    command = root / "usr/local/bin/offhook"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    install(root)
    install(root, "--remove")
    assert command.read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--prefix", "opt"], "beginning with /"),
        (["--prefix", "/opt/my phone"], "only letters"),
        (["--enable", "offhook-bell.service"], "there is no such unit; there are: offhook"),
        (["--frobnicate"], "is no option"),
        (["/"], "one root file system at a time"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_way_out(root: Path, arguments: list[str], said: str) -> None:
    result = install(root, *arguments)
    assert result.returncode == 2
    assert said in result.stderr


def test_a_root_that_is_not_there_is_no_root(tmp_path: Path) -> None:
    result = install(tmp_path / "nowhere")
    assert result.returncode == 1
    assert "there is no such folder" in result.stderr
