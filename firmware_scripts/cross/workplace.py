"""What every step uses: messages with the time, programs of this machine, the shared cache, locks between runs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = PROJECT / "firmware_scripts"
LAST_LINES = 20
_STARTED = time.monotonic()


class BuildError(Exception):
    """The build cannot go on; the text says why and what to do."""


def say(text: str) -> None:
    """Tell the person at the terminal, with the seconds since the start."""
    sys.stderr.write(f"{Path(sys.argv[0]).name}: {time.monotonic() - _STARTED:5.0f} s  {text}\n")
    sys.stderr.flush()


def run(
    *command: str | Path,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a program and answer what it printed; raises BuildError with its last lines when it fails.

    A log is added to, so that one file tells the story of several programs.
    """
    words = [os.fspath(word) for word in command]
    everything = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=everything, cwd=folder)
    if log is not None:
        with log.open("a") as file:
            file.write(f"$ {shlex.join(words)}\n{done.stdout}{done.stderr}")
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()[-LAST_LINES:]
        where = f"\nThe whole story is in {log}" if log is not None else ""
        shown = shlex.join(words if len(words) < LAST_LINES else ["...", *words[-8:]])
        raise BuildError(f"{shown}\nended with status {done.returncode}:\n" + "\n".join(lines) + where)
    return done.stdout


def shared(function: str, *arguments: str) -> str:
    """What a function of lib/common.sh prints."""
    script = f'. "{SCRIPTS}/lib/common.sh"; {function} "$@"'
    return run("bash", "-euo", "pipefail", "-c", script, Path(sys.argv[0]).name, *arguments)


def cache_folder() -> Path:
    """The folder for what was downloaded or built once and is the same for every checkout of the project."""
    return Path(shared("cache_folder", "cross").strip())


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Whoever else makes the same folder waits until it is there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """An empty folder beside the one that is wanted; it takes that one's place when all went well."""
    place = folder.with_name(f"{folder.name}.unfinished")
    remove_tree(place)
    place.mkdir(parents=True)
    yield place
    remove_tree(folder)
    place.rename(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder, if it is there, also where a program of a build took away the right to write."""
    if folder.exists():
        for parent, _, _ in os.walk(folder):
            Path(parent).chmod(0o755)
        shutil.rmtree(folder)


def digest(*parts: str | bytes) -> str:
    """A short name for all of these together."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(f"{len(data)}:".encode() + data)
    return whole.hexdigest()[:16]


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def need_programs(programs: Sequence[tuple[str, str]]) -> None:
    """Raises BuildError with the line to type when one of the (program, Debian package) is missing."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for program, package in programs if shutil.which(program, path=path) is None})
    if missing:
        raise BuildError(
            "missing on this machine; type: firmware_scripts/prepare cross "
            f"(or: sudo apt-get install {' '.join(missing)})"
        )
