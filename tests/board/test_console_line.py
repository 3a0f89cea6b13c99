"""The technician's console at the board's serial line, as somebody with a cable and a terminal program has it."""

import contextlib
import os
import re
import time
from collections.abc import Iterator

import pexpect.fdpexpect
import pytest

from tests.board.house import HERE, House
from tests.support.processes import PATIENCE_S

pytestmark = [pytest.mark.board, pytest.mark.smoke]

PASSWORD = "Wire-and-solder-7"  # of a console that ends with the test
PROMPT = r"offhook# "
PATIENCE_FOR_LOGIN = 3
"""Times of the usual patience: the stored form of a password is slow to compute on purpose."""


class Terminal:
    """A terminal program at the far end of the line."""

    def __init__(self, house: House) -> None:
        self._fd = os.open(house.rig.uart, os.O_RDWR | os.O_NOCTTY)
        self.patience_s = PATIENCE_S * house.rig.patience * PATIENCE_FOR_LOGIN
        self._line = pexpect.fdpexpect.fdspawn(self._fd, timeout=self.patience_s)

    def type(self, text: str) -> None:
        """Type as a person does, with the return key."""
        os.write(self._fd, text.encode() + b"\r")

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
        os.close(self._fd)


@pytest.fixture
def terminal(house: House) -> Iterator[Terminal]:
    with house.rig.technician():
        terminal = Terminal(house)
        with contextlib.closing(terminal):
            yield terminal


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


def test_the_serial_line_leads_to_a_login_and_the_status(house: House, terminal: Terminal) -> None:
    took_s = log_in(terminal)
    house.figures.note("serial console: first key to prompt", took_s, "s")
    said = terminal.answer("show status")
    assert HERE in said
    assert "registered" in said
    assert PASSWORD not in said
    house.phone.lift()
    house.phone.expect_state("dial-tone")
    assert "dial-tone" in terminal.answer("show status").replace("dial tone", "dial-tone")
    terminal.type("exit")
    terminal.wait("login:")
