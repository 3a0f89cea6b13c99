"""A terminal program at the far end of the board's serial line, and the log-in of a technician there."""

import os
import re
import time

import pexpect.fdpexpect

from tests.board.house import House
from tests.support.canary import CANARY
from tests.support.processes import PATIENCE_S

PASSWORD = f"Wire {CANARY}"  # of a console that ends with the test
PROMPT = r"offhook# "
PATIENCE_FOR_LOGIN = 3
"""Times of the usual patience: the stored form of a password is slow to compute on purpose."""


class Terminal:
    """A terminal program at the far end of the line."""

    def __init__(self, house: House, line: str = "") -> None:
        self.fd = os.open(line or house.rig.uart, os.O_RDWR | os.O_NOCTTY)
        self.patience_s = PATIENCE_S * house.rig.patience * PATIENCE_FOR_LOGIN
        self._line = pexpect.fdpexpect.fdspawn(self.fd, timeout=self.patience_s)

    def type(self, text: str, end: str = "\r") -> None:
        """Type as a person does, with the return key."""
        os.write(self.fd, (text + end).encode())

    def wait(self, *patterns: str) -> int:
        """Wait for the first of some texts; which one it was."""
        return int(self._line.expect(list(patterns)))

    def answer(self, command: str) -> str:
        """What the console says to a command."""
        self.type(command)
        self.wait(PROMPT)
        said = self._line.before.decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)

    def close(self) -> None:
        os.close(self.fd)


def log_in(terminal: Terminal) -> float:
    """From the first key to the prompt; sets the password where there is none yet. Seconds."""
    begun = time.monotonic()
    terminal.type("")
    which = terminal.wait("New password for admin:", "login:", PROMPT)
    if which == 0:
        terminal.type(PASSWORD)
        terminal.wait("(?i)(again|repeat|once more)[^:]*:")
        terminal.type(PASSWORD)
        if terminal.wait(PROMPT, "login:") == 0:
            return time.monotonic() - begun
        which = 1
    if which == 1:
        terminal.type("admin")
        terminal.wait("Password:")
        terminal.type(PASSWORD)
        terminal.wait(PROMPT)
    return time.monotonic() - begun
