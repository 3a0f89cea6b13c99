"""The technician's console at the board's serial line, as somebody with a cable and a terminal program has it."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.board.house import HERE, House
from tests.board.terminal import PASSWORD, Terminal, log_in

pytestmark = [pytest.mark.board, pytest.mark.smoke]


@pytest.fixture
def terminal(house: House) -> Iterator[Terminal]:
    with house.rig.technician():
        terminal = Terminal(house)
        with contextlib.closing(terminal):
            yield terminal


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
