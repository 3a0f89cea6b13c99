"""Programs as processes on the loopback interface, for tests that join whole programs. All waiting is bounded."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]

PATIENCE_S = 10.0
"""Longest wait for anything that should happen at once; generous, since test machines are slow and shared."""

POLL_S = 0.01
STOP_TIMEOUT_S = 6.0

Reached = TypeVar("Reached")


def wait_until(what: str, reached: Callable[[], Reached], timeout_s: float = PATIENCE_S) -> Reached:
    """Ask `reached` until its answer is true, and give that; an AssertionError names `what` was waited for."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = reached()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(POLL_S)


def find_program(name: str) -> str:
    """The path of a foreign program. A missing one is a failure with its remedy, since a skip would go unnoticed."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{name} is not installed: run `firmware_scripts/prepare test interop`")
    return path


class Program:
    """A program in the background, its output in a file; ended by its own process id.

    One with workers gets a process group of its own, so that none of them is left behind.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, own_group: bool = False, pass_fds: Sequence[int] = ()
    ) -> None:
        self.name = name
        self.log_path = folder / f"{name}.log"
        self._own_group = own_group
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                start_new_session=own_group,
                pass_fds=pass_fds,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        """Everything that it has said."""
        return self.log_path.read_text(errors="replace")

    def check(self) -> None:
        """Fail when it has ended by itself."""
        if self.status is not None:
            tail = "\n  ".join(self.log().splitlines()[-8:])
            raise AssertionError(f"{self.name} ended by itself with status {self.status}:\n  {tail}")

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait for its end; answers the exit status."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise AssertionError(f"{self.name} did not end within {timeout_s:g} s; see {self.log_path}") from None

    def stop(self) -> None:
        """Ask it to end, and make it end if it does not."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._own_group and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()


class Command:
    """A command of ours that a person typed, under way."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )

    def finish(self, timeout_s: float = PATIENCE_S) -> tuple[int, str, str]:
        """Wait for its end; answers exit status, output and complaints."""
        try:
            out, err = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise AssertionError(f"a command did not end within {timeout_s:g} s") from None
        return self._process.returncode, out, err
