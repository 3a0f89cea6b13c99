"""The console at the board's serial line when the line is bad: noise, half lines, 300 baud, a console that ends."""

import contextlib

import pytest

from tests.board.house import House
from tests.board.terminal import PROMPT, Terminal, log_in
from tests.support.noise import NoisyLine

pytestmark = pytest.mark.board

SLOW_BAUD = 300


def hotline(house: House) -> object:
    return house.phone.call("settings.get", key="phone.hotline_delay_s")["value"]


def commits(house: House) -> int:
    return len(house.phone.call("config.history")["commits"])


def test_a_session_with_noise_in_every_line_at_300_baud(house: House) -> None:
    before = hotline(house)
    with house.rig.technician(), contextlib.closing(Terminal(house)) as terminal:
        log_in(terminal)
        line = NoisyLine(terminal.fd, 7, SLOW_BAUD, share=0.3)
        line.type("set phone.hotline_delay_s 7\r")
        terminal.wait(PROMPT)
        line.type("commit over a bad line\r")
        terminal.wait("commit [0-9]+: phone.hotline_delay_s")
        terminal.wait(PROMPT)
        assert hotline(house) == "7"
        assert line.noise > 5
        line.type("delete phone.hotline_delay_s\r")
        terminal.wait(PROMPT)
        line.type("commit\r")
        terminal.wait("commit [0-9]+: phone.hotline_delay_s")
        terminal.wait(PROMPT)
        assert hotline(house) == before
        terminal.type("exit")
        terminal.wait("login:")
    house.figures.note("serial console: noise bytes in a session at 300 baud", float(line.noise), "")


def test_rubbish_and_half_lines_change_nothing(house: House) -> None:
    settings, count = house.phone.call("settings.list"), commits(house)
    with house.rig.technician(), contextlib.closing(Terminal(house)) as terminal:
        log_in(terminal)
        line = NoisyLine(terminal.fd, 11)
        for _ in range(12):
            line.rubbish(30)
        line.rubbish(12, b"\x03")
        line.type("set phone.hotline 1\x15")
        said = terminal.answer("show clock")
        while "UTC" not in said:
            # The answers to the rubbish come first.
            terminal.wait(PROMPT)
            said = terminal._line.before.decode(errors="replace")
        line.type("set phone.hotline 1")
    # The console ends within that line, as with a plug that comes out.
    with house.rig.technician(), contextlib.closing(Terminal(house)) as terminal:
        log_in(terminal)
        assert "no changes" in terminal.answer("show changes")
        terminal.type("exit")
        terminal.wait("login:")
    assert (house.phone.call("settings.list"), commits(house)) == (settings, count)
