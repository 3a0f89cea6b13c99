"""The units as systemd itself judges them, offline: their words, their exposure, and a reason for each relaxation."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from device.cli import PROGRAMS
from device.cli_commands.verbs import COMMANDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
OF_IMAGE = ROOT / "firmware_scripts/imaging/files/usr/lib/systemd/system/offhook-upgrade.service"
"""Of the units that only an image has, the one that anybody but systemd can set going."""
UNITS.append(OF_IMAGE)

EXPOSURE = {
    "offhook.service": 2.0,
    "offhook-upgrade.service": 2.0,
    "offhook-safe.service": 1.5,
    "offhook-exchange.service": 1.5,
    "offhook-discovery.service": 1.5,
}
"""Highest exposure level by `systemd-analyze security`, 1.0 for all others; 10.0 is no sandbox at all."""

RELAXED = {
    "PrivateUsers=no",
    "RestrictRealtime=no",
    "ProcSubset=all",
    "PrivateNetwork=no",
}
NEEDS_A_REASON = (
    "DeviceAllow=",
    "DevicePolicy=",
    "SupplementaryGroups=",
    "RestrictAddressFamilies=AF_INET",
    "CapabilityBoundingSet=CAP",
    "ReadWritePaths=",
    "LimitRTPRIO=",
    *RELAXED,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system with the units in place, a program for them and what systemd asks to be there."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run([ROOT / "firmware_scripts" / "install-system", root], check=True, capture_output=True)
    shutil.copy(OF_IMAGE, root / "usr/lib/systemd/system")
    for name in ("opt/offhook/bin/offhook", "bin/sh"):
        program = root / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    return root


def assignments(unit: Path) -> list[tuple[str, bool]]:
    """Every line `NAME=VALUE` of a unit, and whether a comment stands above it, or above relaxations above it."""
    found: list[tuple[str, bool]] = []
    explained = False
    for line in unit.read_text().splitlines():
        if line.startswith("#"):
            explained = True
        elif "=" in line:
            found.append((line, explained))
            explained = explained and line.startswith(NEEDS_A_REASON)
        else:
            explained = False
    return found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_sandbox_is_tight(root: Path, unit: Path) -> None:
    threshold = round(10 * EXPOSURE.get(unit.name, 1.0))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", f"--root={root}", unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(root: Path, unit: Path) -> None:
    name = unit.name.replace("@.", "@ttyAMA0.")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={root}", f"/usr/lib/systemd/system/{name}"],
        capture_output=True,
        text=True,
        check=False,
    )
    # What is said of units of the system is about this root, which has none of them.
    complaints = [line for line in done.stderr.splitlines() if "offhook" in line and "not found" not in line]
    assert complaints == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_relaxation_has_its_reason_beside_it(unit: Path) -> None:
    unexplained = [line for line, explained in assignments(unit) if line.startswith(NEEDS_A_REASON) and not explained]
    assert unexplained == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_commands_of_the_units_are_commands_of_offhook(unit: Path) -> None:
    commands = re.findall(r"^Exec\w+=[-+!]*/opt/offhook/bin/offhook (.+)$", unit.read_text(), re.MULTILINE)
    assert commands
    for command in commands:
        first, second = (*command.split(), "")[:2]
        assert first in PROGRAMS or first in COMMANDS or f"{first} {second}" in COMMANDS, command


def test_every_end_of_the_phone_leaves_its_outputs_safe() -> None:
    lines = [line for line, _ in assignments(FOLDER / "offhook.service")]
    assert "ExecStopPost=-/opt/offhook/bin/offhook board safe" in lines
    assert "OnFailure=offhook-recovery.service" in lines
    assert "Restart=always" in lines
    limit = {line.partition("=")[0]: line.partition("=")[2] for line in lines if line.startswith("StartLimit")}
    assert set(limit) == {"StartLimitIntervalSec", "StartLimitBurst"}
    # A phone that hangs in each start reaches the limit, too: so many starts take so many times this at least.
    values = dict(line.split("=", 1) for line in lines if line.startswith(("TimeoutStartSec", "RestartSec")))
    longest_s = int(limit["StartLimitBurst"]) * (int(values["TimeoutStartSec"]) + int(values["RestartSec"]) + 5)
    assert limit["StartLimitIntervalSec"] == "12min"
    assert longest_s <= 12 * 60
    # Otherwise the start after the recovery would meet the limit that it came from.
    recovery = (FOLDER / "offhook-recovery.service").read_text()
    assert "systemctl reset-failed offhook.service; exec systemctl --no-block start offhook.service" in recovery


@pytest.mark.parametrize("name", ["offhook", "offhook-safe", "offhook-recovery"])
def test_whatever_makes_outputs_safe_may_silence_a_pwm_channel(name: str) -> None:
    lines = [line for line, _ in assignments(FOLDER / f"{name}.service")]
    # Else ProtectKernelTunables= would leave /sys/class/pwm read-only, and a buzzer on.
    assert "ReadWritePaths=-/sys/devices/platform" in lines


def test_the_presets_name_every_unit_that_can_be_enabled() -> None:
    named = re.findall(r"^(?:enable|disable) (\S+)$", (FOLDER / "offhook.preset").read_text(), re.MULTILINE)
    can_be = [unit.name for unit in UNITS if "[Install]" in unit.read_text()]
    assert sorted(named) == sorted(can_be)


def test_users_and_folders_are_those_that_the_units_speak_of(root: Path) -> None:
    users = {line.split()[1] for line in (FOLDER / "offhook.sysusers").read_text().splitlines() if line[:2] == "u "}
    groups = {line.split()[1] for line in (FOLDER / "offhook.sysusers").read_text().splitlines() if line[:2] == "g "}
    known = groups | users | {"tty"}
    for unit in UNITS:
        text = unit.read_text()
        assert set(re.findall(r"^User=(\S+)$", text, re.MULTILINE)) <= users
        for line in re.findall(r"^SupplementaryGroups=(.+)$", text, re.MULTILINE):
            assert set(line.split()) <= known
    rules = (FOLDER / "offhook.rules").read_text()
    assert set(re.findall(r'GROUP="(\w+)"', rules)) <= known
    for name, option in (("sysusers", "--root"), ("tmpfiles", "--root")):
        program = shutil.which(f"systemd-{name}")
        assert program is not None, "missing on this machine; type: sudo apt-get install systemd"
        (root / "etc").mkdir(exist_ok=True)
        extra = ["--create"] if name == "tmpfiles" else []
        done = subprocess.run(
            [program, *extra, f"{option}={root}", f"{root}/usr/lib/{name}.d/offhook.conf"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
