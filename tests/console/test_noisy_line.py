"""A technician at a bad line: noise between and inside of lines, half lines, slow lines, a plug that comes out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.consoles import ADMIN, PASSWORD, SerialCable, serial_console
from tests.support.daemons import PhoneDaemon
from tests.support.noise import NoisyLine
from tests.support.processes import wait_until

SLOW_PATIENCE_S = 60.0
"""For a page of text at 30 characters a second."""


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[PhoneDaemon]:
    daemon = PhoneDaemon("phone", tmp_path, {"audio.kind": "null"})
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[SerialCable]:
    cable = SerialCable(tmp_path / "ttyUSB0")
    yield cable
    cable.pull_out()


def commits(phone: PhoneDaemon) -> list[str]:
    return [commit["comment"] for commit in phone.call("config.history")["commits"]]  # type: ignore[attr-defined]


def hotline(phone: PhoneDaemon) -> object:
    return phone.call("settings.get", key="phone.hotline")["value"]


@pytest.mark.parametrize("seed", range(4))
def test_noise_within_every_line_changes_nothing_of_what_is_typed(
    phone: PhoneDaemon, cable: SerialCable, seed: int
) -> None:
    with serial_console(phone.socket_path, phone.store_path, cable.path):
        person = cable.plug_in()
        person.choose_password()
        person.type("exit\r")
        person.expect("login: ")
        line = NoisyLine(cable.far_end, seed)
        line.type("admin\r")
        person.expect("Password: ")
        line.type(f"{PASSWORD}\r")
        person.expect(ADMIN)
        line.type("set phone.hotline 10020\x7f\r")
        person.expect(ADMIN)
        line.type("commit over a bad line\r")
        person.expect("commit 2: phone.hotline", ADMIN)
        assert hotline(phone) == "1002"
        assert commits(phone)[0] == "over a bad line"
        assert line.noise > 20


@pytest.mark.parametrize("seed", range(4))
def test_lines_of_rubbish_do_nothing_and_half_lines_are_dropped(
    phone: PhoneDaemon, cable: SerialCable, seed: int
) -> None:
    phone.call("settings.set", values={"console.open": "on"})
    before = phone.call("settings.list"), commits(phone)
    person = cable.plug_in()
    with serial_console(phone.socket_path, phone.store_path, cable.path):
        person.expect(ADMIN)
        line = NoisyLine(cable.far_end, seed)
        for _ in range(12):
            line.rubbish(30)
        line.rubbish(12, b"\x03")
        line.type("set phone.hotl\x15")
        line.type("show clock\r")
        person.expect("show clock", "UTC", ADMIN)
        assert (phone.call("settings.list"), commits(phone)) == before


def test_a_whole_session_at_300_baud_in_both_directions(phone: PhoneDaemon, cable: SerialCable) -> None:
    phone.call("settings.set", values={"console.open": "on"})
    person = cable.plug_in()
    person.line.timeout = SLOW_PATIENCE_S
    with serial_console(phone.socket_path, phone.store_path, cable.path, 300):
        person.expect(ADMIN)
        line = NoisyLine(cable.far_end, 1, 300, share=0.2)
        line.type("set phone.hotline 1002\r")
        person.expect(ADMIN)
        line.type("commit\r")
        person.expect("commit 2: phone.hotline", ADMIN)
        # Somebody who has enough of a long list does not wait for the rest of it.
        line.type("show settings\r")
        person.expect("setting")
        line.type("\x03")
        person.expect(ADMIN)
        assert hotline(phone) == "1002"


@pytest.mark.parametrize("where", ["within a line", "within the output", "within a password"])
def test_a_plug_that_comes_out_in_the_middle_leaves_nothing_behind(
    phone: PhoneDaemon, cable: SerialCable, where: str
) -> None:
    with serial_console(phone.socket_path, phone.store_path, cable.path, 4800) as program:
        person = cable.plug_in()
        person.line.timeout = SLOW_PATIENCE_S
        person.choose_password()
        if where == "within a line":
            person.type("set phone.hotline 1002\r")
            person.expect(ADMIN)
            person.type("comm")
            person.expect("comm")
        elif where == "within the output":
            person.type("show settings\r")
            person.expect("setting")
        else:
            person.type("exit\r")
            person.expect("login: ")
            person.type("admin\r")
            person.expect("Password: ")
            person.type(PASSWORD)
        cable.pull_out()
        wait_until("the loss to be told", lambda: "was unplugged" in program.log())
        person = cable.plug_in()
        person.line.timeout = SLOW_PATIENCE_S
        person.expect("login: ")
        # What was half typed or half shown is gone with whoever was there.
        person.type("it\r")
        person.expect("There is no log-in of that name")
        person.log_in()
        person.type("show changes\r")
        said = person.expect(ADMIN)
        assert "phone.hotline" in said if where == "within a line" else "no changes" in said
        assert hotline(phone) == ""
