"""The board's own Python as a program of this machine: a virtual environment whose interpreter runs under qemu-user.

The interpreter is a shell script, so that every program that a test starts by `sys.executable`, and the installed
`offhook` command, runs under qemu-user as well, with nothing registered in the kernel of this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from firmware_scripts.cross.downloads import fetch
from firmware_scripts.cross.lock_file import LockedPackage
from firmware_scripts.cross.roots import system_root
from firmware_scripts.cross.targets import Target
from firmware_scripts.cross.workplace import need_programs, run

INTERPRETER = """#!/bin/sh
# {machine}: Python sees the name of this script as its own, and finds its environment beside it.
exec {emulator} -0 "$0" -L {root} {root}/usr/bin/{interpreter} "$@"
"""


class BoardPython:
    """An environment of the board's Python in a folder."""

    def __init__(self, target: Target, folder: Path) -> None:
        emulator = target.architecture.emulator
        need_programs([(emulator[0], "qemu-user-static"), ("qemu-aarch64-static", "qemu-user-static")])
        self.target = target
        self.folder = folder
        self.root = system_root(target)
        self.log = folder / "log"

    @property
    def program(self) -> Path:
        """The interpreter."""
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where packages are installed."""
        return self.folder / "lib" / self.target.suite.interpreter / "site-packages"

    def create(self, pip: LockedPackage) -> None:
        """Make the environment anew, with nothing but pip in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.packages.mkdir(parents=True)
        self.program.parent.mkdir()
        suite, architecture = self.target.suite, self.target.architecture
        emulator = " ".join((shutil.which(architecture.emulator[0]) or "", *architecture.emulator[1:]))
        self.program.write_text(
            INTERPRETER.format(
                machine=architecture.machine, emulator=emulator, root=self.root, interpreter=suite.interpreter
            )
        )
        self.program.chmod(0o755)
        for name in ("python3", suite.interpreter):
            (self.program.parent / name).symlink_to("python")
        (self.folder / "pyvenv.cfg").write_text(f"home = {self.root}/usr/bin\ninclude-system-site-packages = false\n")
        shutil.unpack_archive(fetch(pip, pip.files[0]), self.packages, "zip")

    def install(self, wheels: Path, *wanted: str, more_wheels: Path | None = None) -> str:
        """Install by the board's own pip from a folder of wheels, without a network."""
        folders = [f"--find-links={folder}" for folder in (wheels, more_wheels) if folder is not None]
        return self.run(
            *(
                "-m",
                "pip",
                "install",
                "--no-index",
                "--no-compile",
                "--disable-pip-version-check",
                "--root-user-action=ignore",
            ),
            *(*folders, *wanted),
        )

    def run(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """Run Python and answer what it printed; raises BuildError when it fails."""
        return run(self.program, *arguments, log=self.log, environment=self._environment(environment))

    def show(self, *arguments: str | Path, folder: Path, environment: Mapping[str, str] | None = None) -> int:
        """Run Python, let the person see what it prints, answer its exit status."""
        everything = {**os.environ, **self._environment(environment)}
        return subprocess.run([self.program, *arguments], check=False, cwd=folder, env=everything).returncode

    @staticmethod
    def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
        # Settings of this machine's own Python and pip are not the board's.
        return {"PYTHONPATH": "", "PYTHONHOME": "", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", **(more or {})}
