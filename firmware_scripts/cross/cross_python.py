"""A Python that runs here and builds for the board: crossenv in the build root, and wheels made with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from firmware_scripts.cross.downloads import fetch
from firmware_scripts.cross.lock_file import LockedFile, LockedPackage
from firmware_scripts.cross.roots import build_root, run_in, system_root
from firmware_scripts.cross.targets import Target
from firmware_scripts.cross.wheel_file import EPOCH, normalise
from firmware_scripts.cross.workplace import (
    PROJECT,
    BuildError,
    cache_folder,
    digest,
    only_one,
    remove_tree,
    say,
    unfinished,
)

RECIPE = "1"
"""Counted up whenever wheels are built in another way, so that nobody takes an old one out of the cache."""

BUILD_TOOLS = ("cffi", "pycparser")
"""What a package asks for while it is built, beyond setuptools."""

WRAPPER = """#!/bin/sh
# Debian's cross compiler looks into this machine's own folders unless it is told where the board's are (and crossenv
# takes no option with the name of a compiler); no path of this build and no debugging text goes into the result.
exec /usr/bin/{program} --sysroot=/sysroot {flags} "$@" -g0 "-ffile-prefix-map=$PWD=."
"""


@dataclass(frozen=True, slots=True)
class CrossPython:
    """The place where wheels for one target are built."""

    target: Target
    build_root: Path
    system_root: Path
    folder: Path
    """The virtual environments of crossenv, mounted as /cross."""

    @property
    def key(self) -> str:
        """Names everything that a wheel's bytes come from, but its own source."""
        return digest(RECIPE, self.build_root.name, self.system_root.name, self.folder.name)

    def run(self, *command: str, work: Path, log: Path, environment: Mapping[str, str] | None = None) -> str:
        """Run a program in the build root; the folder `work` is its /build."""
        places = {
            "cross": self.folder,
            "sysroot": self.system_root,
            "build": work,
            "downloads": cache_folder() / "downloads",
        }
        everything = {"SOURCE_DATE_EPOCH": str(EPOCH), **(environment or {})}
        return run_in(self.build_root, *command, mounted=places, log=log, environment=everything)

    def pkg_config(self) -> dict[str, str]:
        """The variables that let pkg-config name the board's libraries."""
        triplet = self.target.architecture.triplet
        return {
            "PKG_CONFIG_SYSROOT_DIR": "/sysroot",
            "PKG_CONFIG_LIBDIR": f"/sysroot/usr/lib/{triplet}/pkgconfig:/sysroot/usr/share/pkgconfig",
        }


def cross_python(target: Target, packages: Iterable[LockedPackage], *, apart: Path | None = None) -> CrossPython:
    """The place where wheels for a target are built, from the cache or made; with `apart`, made in that folder."""
    tools = [entry for entry in packages if entry.group == "tool" or entry.name in BUILD_TOOLS]
    build, system = build_root(target.suite), system_root(target)
    hashes = [file.sha256 for entry in tools for file in entry.files]
    key = digest(RECIPE, build.name, system.name, *target.architecture.flags, *hashes)
    folder = (apart or cache_folder() / "crossenv") / f"{target.name}-{key}"
    place = CrossPython(target, build, system, folder)
    with only_one(folder):
        if not folder.exists():
            say(f"setting up crossenv for {target.name}")
            with unfinished(folder) as empty:
                _set_up(CrossPython(target, build, system, empty), tools)
    return place


def _set_up(place: CrossPython, tools: list[LockedPackage]) -> None:
    names = {}
    for tool in tools:
        file = tool.source if tool.name == "cffi" else tool.files[0]
        if file is None:
            raise BuildError(f"{tool.name}: the lock file has no source to build it from")
        fetch(tool, file)
        names[tool.name] = f"{tool.name}=={tool.version}"
    architecture, interpreter = place.target.architecture, place.target.suite.interpreter
    programs = place.folder / "bin"
    programs.mkdir()
    for kind in ("gcc", "g++"):
        program = f"{architecture.triplet}-{kind}"
        (programs / program).write_text(WRAPPER.format(program=program, flags=" ".join(architecture.flags)))
        (programs / program).chmod(0o755)
    log = place.folder / "set-up.log"
    work = place.folder / "work"
    work.mkdir()

    def run(*command: str) -> None:
        place.run(*command, work=work, log=log)

    def install(pip: str, *wanted: str) -> None:
        run(*pip.split(), "install", "--quiet", "--no-build-isolation", *wanted)

    seed = [names[name] for name in ("pip", "setuptools", "wheel", "packaging")]
    run(f"/usr/bin/{interpreter}", "-m", "venv", "/cross/tools")
    install("/cross/tools/bin/python -m pip", *seed)
    install("/cross/tools/bin/python -m pip", names["crossenv"])
    settings = [f"--env={name}={value}" for name, value in place.pkg_config().items()]
    compilers = [f"--cc=/cross/bin/{architecture.triplet}-gcc", f"--cxx=/cross/bin/{architecture.triplet}-g++"]
    run(
        *(
            "/cross/tools/bin/python",
            "-m",
            "crossenv",
            f"--machine={architecture.machine}",
            "--sysroot=/sysroot",
            *compilers,
        ),
        *(f"--ar=/usr/bin/{architecture.triplet}-ar", *settings, f"/sysroot/usr/bin/{interpreter}", "/cross/env"),
    )
    # The packages of the build Python hide those of the board's, so that both need the same setuptools.
    install("/cross/env/build/bin/pip", *seed)
    install("/cross/env/build/bin/pip", names["pycparser"], names["cffi"])
    install("/cross/env/cross/bin/pip", *seed)
    remove_tree(work)


def build_wheel(place: CrossPython, package: LockedPackage, source: LockedFile, work: Path) -> Path:
    """Build the wheel of a package from its source in the folder `work`; answers its path there."""
    log = work / "build.log"
    (work / "src").mkdir(parents=True)
    fetch(package, source)
    place.run("tar", "xf", f"/downloads/{source.name}", "-C", "/build/src", "--strip-components=1", work=work, log=log)
    command = ("/cross/env/cross/bin/pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    place.run(
        *command, "--wheel-dir=/build/out", "/build/src", work=work, log=log, environment=dict(package.environment)
    )
    return _normalised(work)


def build_own_wheel(place: CrossPython, work: Path) -> Path:
    """Build offhook's own wheel, which runs on every board; answers its path in the folder `work`."""
    log = work / "build.log"
    (work / "src").mkdir(parents=True)
    for path in own_files():
        copy = work / "src" / path.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    command = ("/cross/tools/bin/python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    place.run(*command, "--wheel-dir=/build/out", "/build/src", work=work, log=log)
    return _normalised(work)


def own_files() -> list[Path]:
    """The files of the project that its wheel is made from."""
    package = [
        path for path in sorted((PROJECT / "device").rglob("*")) if path.is_file() and "__pycache__" not in path.parts
    ]
    return [*(PROJECT / name for name in ("LICENSE", "README.md", "pyproject.toml")), *package]


def _normalised(work: Path) -> Path:
    built = list((work / "out").glob("*.whl"))
    if len(built) != 1:
        raise BuildError(
            f"one wheel should have come out of the build, not {[path.name for path in built]}: see {work}/build.log"
        )
    (work / "wheel").mkdir()
    wheel = work / "wheel" / built[0].name
    normalise(built[0], wheel)
    return wheel
