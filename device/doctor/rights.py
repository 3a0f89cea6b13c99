"""The user of the phone, its groups, the units of systemd, byte code, packages and real-time priority."""

import os
import re
from collections.abc import Iterator

from device.annotations import Any
from device.doctor.case import SERVICE_USER, Case
from device.doctor.finding import Finding, error, note, ok, warning
from device.doctor.system_view import SystemView

UNIT = "offhook.service"
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
INSTALL = "sudo firmware_scripts/install-system /"
UNCOMPILED_TOLERATED = 0.1
"""Some modules are edited or optional; when more than this part of them lacks byte code, nobody compiled them."""


def examine_user(case: Case) -> Iterator[Finding]:
    """Whether the user of the phone is in the groups of its devices."""
    view, user = case.view, case.user
    groups = view.groups_of(user)
    if groups is None:
        yield error("user", f"there is no user {user}", INSTALL)
        return
    wanted = ["gpio"] if case.drives_gpio else []
    wanted += ["audio"] if case.setting("audio.kind", "alsa") == "alsa" else []
    wanted += ["dialout"] if user == SERVICE_USER else []
    missing = [group for group in wanted if group not in groups] if user != "root" else []
    if missing:
        yield error(
            "user",
            f"user {user} is not in the group{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
            INSTALL if user == SERVICE_USER else f"sudo usermod -aG {','.join(missing)} {user}   (then log in anew)",
        )
    else:
        yield ok("user", f"{user} is in the groups {', '.join(wanted)}" if wanted else f"{user} needs no group")


def examine_units(case: Case) -> Iterator[Finding]:
    """Whether systemd starts the phone, and how it is with it now."""
    view = case.view
    folder = next((folder for folder in UNIT_FOLDERS if view.exists(f"{folder}/{UNIT}")), None)
    if folder is None:
        script = next((name for name in view.names("/etc/init.d") if re.fullmatch(r"(S\d\d)?offhook", name)), None)
        if script is None:
            yield warning("service", "the phone does not start at boot: its units are not installed", INSTALL)
        else:
            yield ok("service", f"the phone starts at boot, by /etc/init.d/{script}")
        return
    if folder == "/etc/systemd/system" and view.exists(f"/usr/lib/systemd/system/{UNIT}"):
        yield warning(
            "service",
            f"an old copy of the unit in {folder} hides the one of this version",
            f"sudo rm {folder}/{UNIT} && sudo systemctl daemon-reload",
        )
    yield from _program(view, f"{folder}/{UNIT}")
    if not _is_enabled(view):
        yield warning("service", "the phone does not start at boot", "sudo systemctl enable --now offhook")
    yield from _state(view)
    for name, what in (
        ("offhook-safe", "outputs are not made safe early at boot"),
        ("offhook-recovery", "nobody starts a phone again that has failed ten times"),
    ):
        if not any(view.exists(f"{place}/{name}.service") for place in UNIT_FOLDERS):
            yield warning("service", f"{what}: {name}.service is missing", INSTALL)


def _is_enabled(view: SystemView) -> bool:
    return any(
        view.exists(f"{folder}/{target}.wants/{UNIT}")
        for folder in UNIT_FOLDERS
        for target in ("multi-user.target", "default.target")
    )


def _program(view: SystemView, unit: str) -> Iterator[Finding]:
    for line in (view.read(unit) or "").splitlines():
        if line.startswith("ExecStart="):
            program = line.removeprefix("ExecStart=").lstrip("-+!").split()[0]
            if not os.path.exists(view.path(program)):
                yield error("service", f"{unit} starts {program}, which is not there", "docs/install.md tells how")


def _state(view: SystemView) -> Iterator[Finding]:
    said = view.run("systemctl", "show", UNIT, "-p", "ActiveState,Result,NRestarts,StatusText")
    if not said:
        return
    state = dict(line.partition("=")[::2] for line in said.splitlines())
    restarts = int(state.get("NRestarts") or 0) if (state.get("NRestarts") or "0").isdecimal() else 0
    if state.get("ActiveState") == "failed":
        yield error(
            "service",
            f"the phone has failed ({state.get('Result')}); the recovery starts it again within ten minutes",
            "journalctl -u offhook -n 50; sudo systemctl reset-failed offhook; sudo systemctl restart offhook",
        )
    elif state.get("ActiveState") == "active":
        yield ok("service", f"the phone runs: {state.get('StatusText') or 'no word from it yet'}")
        if restarts:
            yield warning("service", f"it was restarted {restarts} times", "journalctl -u offhook -p warning")
    elif state.get("ActiveState") == "inactive":
        yield note("service", "the phone does not run now", "sudo systemctl start offhook")


def examine_program(case: Case) -> Iterator[Finding]:
    """Packages that the settings need, and byte code."""
    view = case.view
    if case.setting("audio.kind", "alsa") == "alsa" and not view.has_module("alsaaudio"):
        yield error(
            "python", "the package pyalsaaudio is missing, without which there is no sound", "pip install pyalsaaudio"
        )
    if case.profile is not None and case.profile.driver == "rpi-gpio" and not view.has_module("RPi.GPIO"):
        yield error("python", "the driver rpi-gpio needs RPi.GPIO or rpi-lgpio", "pip install rpi-lgpio")
    total, missing = _byte_code()
    if missing > UNCOMPILED_TOLERATED * total:
        yield warning(
            "python",
            f"{missing} of {total} modules have no byte code: the phone starts slowly and is 4 MB larger",
            "sudo .venv/bin/python firmware_scripts/compile-bytecode",
        )
    else:
        yield ok("python", f"byte code of {total - missing} of {total} modules is in place")


def _byte_code() -> tuple[int, int]:
    """How many modules this offhook has, and how many of them lack byte code of this interpreter."""
    return _count_byte_code(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _count_byte_code(package: str) -> tuple[int, int]:
    from importlib.util import cache_from_source  # noqa: PLC0415

    total = missing = 0
    for folder, _, names in os.walk(package):
        for name in names:
            if name.endswith(".pyc") and not folder.endswith("__pycache__") and name[:-1] not in names:
                # A copy without sources has its byte code in their place.
                total += 1
            elif name.endswith(".py"):
                total += 1
                source = os.path.join(folder, name)
                missing += not os.path.exists(cache_from_source(source)) and not os.path.exists(source + "c")
    return total, missing


def examine_real_time(case: Case) -> Iterator[Finding]:
    """Whether sound may have the priority that keeps it from stuttering."""
    priority = int(case.setting("audio.real_time_priority", "10") or 0)
    if not priority:
        return
    audio: dict[str, Any] = (case.status or {}).get("audio", {})
    if audio.get("periods") and not audio.get("real_time"):
        yield warning(
            "priority",
            "sound runs at normal priority and may stutter: the system allows no real-time one",
            "let systemd start the phone (LimitRTPRIO= of its unit), or: "
            f"echo '{case.user} - rtprio {priority}' | sudo tee /etc/security/limits.d/offhook.conf",
        )
    elif audio.get("periods"):
        yield ok("priority", f"sound runs at real-time priority {priority}")
