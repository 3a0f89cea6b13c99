"""Consoles as processes: a person at a terminal, and one at the far end of a serial line, with pexpect."""

import os
import pty
import signal
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pexpect.fdpexpect

from tests.support.canary import CANARY
from tests.support.daemons import own_command
from tests.support.processes import PATIENCE_S, ROOT, Program

PASSWORD = f"correct {CANARY}"
ADMIN, MONITOR = "offhook# ", "offhook> "


class Person:
    """Types and waits for words; `screen` is all that came."""

    def __init__(self, spawned: Any) -> None:
        self.line = spawned
        self.line.delaybeforesend = None
        self.seen = ""

    def expect(self, *words: str) -> str:
        """Wait for each of these words in turn; answers what stood before the last one."""
        for word in words:
            self.line.expect_exact(word)
            self.seen += self.line.before + self.line.after
        return str(self.line.before)

    def type(self, text: str | bytes) -> None:
        """Type as it is."""
        self.line.send(text)

    def run(self, line: str, prompt: str = ADMIN) -> str:
        """Type a line at a prompt that is there; answers what came until the next one."""
        self.type(line + "\r")
        return self.expect(prompt)

    def log_in(self, role: str = "admin", password: str = PASSWORD) -> None:
        """From the greeting to the prompt."""
        self.expect("login: ")
        self.type(f"{role}\r")
        self.expect("Password: ")
        self.type(f"{password}\r")
        self.expect(ADMIN if role == "admin" else MONITOR)

    def choose_password(self, password: str = PASSWORD) -> None:
        """The first start."""
        self.expect("New password for admin: ")
        self.type(f"{password}\r")
        self.expect("The same again: ")
        self.type(f"{password}\r")
        self.expect(ADMIN)


@contextmanager
def terminal_console(socket: Path, store: Path, lines: int = 24, columns: int = 80) -> Iterator[Person]:
    """`offhook console` on a terminal of its own."""
    command, *words = own_command("console", "--socket", str(socket), "--store", str(store))
    spawned = pexpect.spawn(
        command, words, cwd=str(ROOT), timeout=PATIENCE_S, dimensions=(lines, columns), encoding="utf-8"
    )
    try:
        yield Person(spawned)
    finally:
        # pexpect waits a tenth of a second for the end of its child, which a busy machine does not keep to.
        if spawned.isalive():
            spawned.kill(signal.SIGKILL)
            spawned.wait()
        spawned.close()


class SerialCable:
    """A line at `path` with a person at its far end; it can be pulled out and put in again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.far_end = -1
        self._near_end = -1

    def plug_in(self) -> Person:
        """Make the line appear."""
        self.far_end, self._near_end = pty.openpty()
        tty.setraw(self._near_end)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._near_end))
        return Person(pexpect.fdpexpect.fdspawn(self.far_end, timeout=PATIENCE_S, encoding="utf-8"))

    def pull_out(self) -> None:
        """Make the line vanish, as a USB adapter does."""
        for fd in (self.far_end, self._near_end):
            if fd >= 0:
                os.close(fd)
        self.far_end = self._near_end = -1
        self.path.unlink(missing_ok=True)


@contextmanager
def serial_console(socket: Path, store: Path, path: Path, baud: int = 115_200) -> Iterator[Program]:
    """`offhook console --port` on the line at `path`, which may be there or not."""
    words = ["--port", str(path), "--baud", str(baud), "--socket", str(socket), "--store", str(store)]
    program = Program("console", own_command("console", *words), path.parent)
    try:
        yield program
        program.check()
    finally:
        program.stop()
