"""What every step of a build uses: messages with the time, programs of the machine, the shared cache."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = PROJECT / "firmware_scripts"
LAST_LINES = 15
LISTS_SERVE_S = 86_400
"""As long as in fetch-debian."""


class BuildError(Exception):
    """The build cannot go on; the text says why and what to do."""


class Workshop:
    """Where one build works: it says what it does, and finds what earlier builds left in the cache."""

    def __init__(self, cache: Path, folder: Path) -> None:
        self.cache = cache
        self.folder = folder
        self.epoch = 0
        """No file of the image is younger, in seconds since 1970."""
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """Tell the person at the terminal, with the seconds since the start."""
        sys.stderr.write(f"build-image: {time.monotonic() - self._started:5.0f} s  {text}\n")
        sys.stderr.flush()

    def run(self, *command: str | Path, log: Path | None = None, environment: dict[str, str] | None = None) -> str:
        """Run a program and answer what it printed; raises BuildError with its last lines when it fails."""
        words = [os.fspath(word) for word in command]
        everything = {**os.environ, "SOURCE_DATE_EPOCH": str(self.epoch), "LC_ALL": "C.UTF-8", **(environment or {})}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=everything)
        if log is not None:
            log.write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()[-LAST_LINES:]
            raise BuildError(f"{shlex.join(words)}\nended with status {done.returncode}:\n" + "\n".join(lines))
        return done.stdout

    def fetch(self, *arguments: str) -> list[Path]:
        """Packages of Debian by `fetch-debian`; answers their paths. With the same lists apt is asked once."""
        key = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]
        remembered = self.cache / "image" / "fetched" / key
        lists = max((path.stat().st_mtime for path in self.cache.glob("debian/*/updated")), default=0.0)
        fresh = max(lists, time.time() - LISTS_SERVE_S)
        if remembered.exists() and remembered.stat().st_mtime > fresh:
            paths = [Path(line) for line in remembered.read_text().splitlines()]
            if all(path.exists() for path in paths):
                return paths
        text = self.run(SCRIPTS / "fetch-debian", *arguments)
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(text)
        return [Path(line) for line in text.splitlines()]

    def unpacked(self, deb: Path) -> Path:
        """The folder in the cache that holds the files of a package, unpacked once."""
        target = self.cache / "image" / "unpacked" / deb.name.removesuffix(".deb")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(f"{target.name}.{os.getpid()}")
            shutil.rmtree(unfinished, ignore_errors=True)
            self.run("dpkg-deb", "-x", deb, unfinished)
            unfinished.rename(target)
        return target


def need_programs(programs: Sequence[tuple[str, str]]) -> None:
    """Raises BuildError with the line to type when one of the (program, Debian package) is missing."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in programs if shutil.which(program, path=path) is None})
    if missing:
        raise BuildError(f"missing on this machine; type: sudo apt-get install {' '.join(missing)}")
