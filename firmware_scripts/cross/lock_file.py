"""The lock file: which release of every package is built or taken, and the hashes of its files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_scripts.cross.targets import Target
from firmware_scripts.cross.workplace import BuildError

LOCK = Path(__file__).with_name("wheels.lock.toml")
GROUPS = ("phone", "test", "tool")
_PLATFORM = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
_OLD_PLATFORMS = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file of the Python package index: its name says what it fits, its hash what is in it."""

    name: str
    sha256: str

    @property
    def is_wheel(self) -> bool:
        """A wheel is taken as it is, anything else is built."""
        return self.name.endswith(".whl")


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One release of one package."""

    name: str
    version: str
    group: str
    files: tuple[LockedFile, ...]
    imports: tuple[str, ...]
    python_from: tuple[int, int]
    environment: tuple[tuple[str, str], ...]
    """What the build of this package asks of its environment."""

    @property
    def source(self) -> LockedFile | None:
        """The file to build from, if there is one."""
        return next((file for file in self.files if not file.is_wheel), None)

    def file_for(self, target: Target) -> LockedFile:
        """The wheel that runs on the target, or else the source; raises BuildError when neither is there."""
        for file in self.files:
            if file.is_wheel and fits(file.name, target):
                return file
        if self.source is None:
            raise BuildError(
                f"{self.name} {self.version}: {LOCK.name} has neither a wheel for {target.name} nor the source"
            )
        return self.source


def fits(wheel: str, target: Target) -> bool:
    """Whether a wheel of this name runs on the target (PEP 425, PEP 600)."""
    *_, pythons, abis, platforms = wheel.removesuffix(".whl").split("-")
    return (
        any(_python_fits(python, abi, target.suite.python) for python in pythons.split(".") for abi in abis.split("."))
        and any(_platform_fits(platform, target) for platform in platforms.split("."))
    )  # fmt: skip


def _python_fits(python: str, abi: str, wanted: tuple[int, int]) -> bool:
    if abi == "none":
        return python in ("py3", f"py3{wanted[1]}")
    own = f"cp{wanted[0]}{wanted[1]}"
    if abi == "abi3":
        return python.startswith("cp3") and python[3:].isdigit() and int(python[3:]) <= wanted[1]
    return python == abi == own


def _platform_fits(platform: str, target: Target) -> bool:
    if platform == "any":
        return True
    architecture = target.architecture
    if not architecture.takes_foreign_wheels:
        return False
    if platform == f"linux_{architecture.machine}":
        return True
    if found := _PLATFORM.fullmatch(platform):
        return found[3] == architecture.machine and (int(found[1]), int(found[2])) <= target.suite.glibc
    old, _, machine = platform.partition("_")
    return machine == architecture.machine and _OLD_PLATFORMS.get(old, (9, 9)) <= target.suite.glibc


def read_lock(path: Path = LOCK) -> list[LockedPackage]:
    """Every package of the lock file; raises BuildError naming the first entry that is wrong."""
    packages = []
    for entry in tomllib.loads(path.read_text())["package"]:
        name = entry.get("name", "?")
        unknown = entry.keys() - {"name", "version", "group", "files", "imports", "python_from", "environment"}
        if unknown or entry.get("group") not in GROUPS or not entry.get("files"):
            raise BuildError(
                f"{path.name}: {name}: needs name, version, files and a group of {', '.join(GROUPS)}; {unknown or ''}"
            )
        for file in entry["files"]:
            if not re.fullmatch(r"[0-9a-f]{64}", file["sha256"]):
                raise BuildError(f"{path.name}: {name}: {file['name']} has no SHA-256 hash")
        major, minor = entry.get("python_from", "3.11").split(".")
        packages.append(
            LockedPackage(
                name,
                entry["version"],
                entry["group"],
                tuple(LockedFile(file["name"], file["sha256"]) for file in entry["files"]),
                tuple(entry.get("imports", ())),
                (int(major), int(minor)),
                tuple(sorted(entry.get("environment", {}).items())),
            )
        )
    return packages


def wanted(packages: Iterable[LockedPackage], target: Target, groups: Sequence[str]) -> list[LockedPackage]:
    """The packages of these groups that the target's Python needs."""
    return [entry for entry in packages if entry.group in groups and entry.python_from <= target.suite.python]
