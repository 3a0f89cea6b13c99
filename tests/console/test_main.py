"""The console as people meet it: on a terminal and on a serial line, with the phone up and down."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.console.main import Options, UsageError, main, parse_options
from device.control.paths import SYSTEM_SOCKET, SYSTEM_STORE
from tests.support.consoles import ADMIN, MONITOR, PASSWORD, SerialCable, serial_console, terminal_console
from tests.support.daemons import PhoneDaemon, own_command
from tests.support.processes import ROOT, wait_until


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


# The command line.


def test_options() -> None:
    assert parse_options([], {"OFFHOOK_SOCKET": "/x"}) == Options("/x")
    given = parse_options(["--port", "/dev/ttyS0", "--baud=300", "--store=/s", "--socket", "/c"], {})
    assert given == Options("/c", "/dev/ttyS0", 300, "/s")


def test_the_socket_of_the_system_goes_with_its_store() -> None:
    assert parse_options(["--socket", SYSTEM_SOCKET], {}).store == SYSTEM_STORE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "9600"], "'--speed' is no option"),
        (["ttyS0"], "'ttyS0' is no option"),
        (["--port"], "--port needs a value"),
        (["--port", "/dev/ttyS0", "--baud", "fast"], "--baud fast: give the speed"),
        (["--port", "/dev/ttyS0", "--baud", "1"], "--baud 1: give the speed"),
        (["--baud", "9600"], "name it with --port"),
    ],
)
def test_words_that_make_no_sense(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=said):
        parse_options(words, {})
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "offhook console --port /dev/ttyAMA0 --baud 115200" in capsys.readouterr().out


# On a terminal.


def test_the_first_start_asks_for_a_password_and_the_next_one_for_that(phone: PhoneDaemon) -> None:
    with terminal_console(phone.socket_path, phone.store_path) as person:
        person.expect("no password yet")
        person.choose_password()
        assert "on-hook" in person.run("show status")
        person.type("exit\r")
        person.expect("logged out")
    with terminal_console(phone.socket_path, phone.store_path) as person:
        person.log_in()
        person.type("\x04")
        person.expect("logged out")
        seen = person.seen
    assert PASSWORD not in seen
    assert PASSWORD not in phone.log()
    assert PASSWORD.encode() not in phone.store_path.read_bytes()


def test_the_terminal_is_given_back_as_it_was(phone: PhoneDaemon) -> None:
    with terminal_console(phone.socket_path, phone.store_path) as person:
        person.expect("New password for admin: ")
        assert not person.line.getecho()
        person.type("\x04")
        person.line.wait()
        assert person.line.getecho()
        assert person.line.exitstatus == 0


def test_the_phone_goes_and_comes_back_while_somebody_works(phone: PhoneDaemon) -> None:
    with terminal_console(phone.socket_path, phone.store_path) as person:
        person.choose_password()
        person.type("show sta")
        person.expect("show sta")
        phone.stop()
        # The line that was being typed is not lost.
        person.expect("does not answer any more", "show sta")
        person.type("\x15")
        shown = person.run("show status")
        assert "systemctl start offhook" in shown
        assert "no account yet" in shown
        person.type("password monitor\r")
        for question in ("New password for monitor: ", "The same again: "):
            person.expect(question)
            person.type("only looking\r")
        person.expect("changed", ADMIN)
        phone.start()
        person.expect("answers again", ADMIN)
        assert "on-hook" in person.run("show status")
    with terminal_console(phone.socket_path, phone.store_path) as person:
        person.log_in("monitor", "only looking")
        assert "for the role admin" in person.run("password admin", MONITOR)


def test_without_a_phone_the_first_start_works_too(tmp_path: Path) -> None:
    with terminal_console(tmp_path / "no.sock", tmp_path / "store.db") as person:
        person.expect("The phone does not answer")
        person.choose_password()
        assert "no account yet" in person.run("show status")


def test_two_consoles_share_one_store_while_the_phone_is_down(tmp_path: Path) -> None:
    where = (tmp_path / "no.sock", tmp_path / "store.db")
    with terminal_console(*where) as first, terminal_console(*where) as second:
        # Both have found that there is none yet, before one of them sets it.
        second.expect("New password for admin: ")
        first.choose_password()
        second.type("\x03")
        second.log_in()


def test_a_store_that_cannot_be_reached_is_told_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("no folder")
    with terminal_console(tmp_path / "no.sock", folder / "store.db") as person:
        person.expect("cannot be", "Press Enter to try again")
        folder.unlink()
        person.type("\r")
        person.choose_password()


def test_an_open_console_asks_for_nothing(phone: PhoneDaemon) -> None:
    phone.call("settings.set", values={"console.open": "on"})
    with terminal_console(phone.socket_path, phone.store_path) as person:
        person.expect("asks for no password", ADMIN)


def test_a_script_in_a_pipe_is_done_to_its_last_line(phone: PhoneDaemon) -> None:
    phone.call("settings.set", values={"console.open": "on"})
    done = subprocess.run(
        own_command("console", "--socket", str(phone.socket_path)),
        input="test lamp registered on 1\nset phone.hotline 1002\ncommit by script\nshow configuration\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert "commit 2: phone.hotline" in done.stdout
    assert "set phone.hotline 1002" in done.stdout.splitlines()
    assert done.stderr == ""


# On a serial line.


def test_a_serial_line_is_made_raw_and_serves_from_login_to_log_out(phone: PhoneDaemon, cable: SerialCable) -> None:
    person = cable.plug_in()
    with serial_console(phone.socket_path, phone.store_path, cable.path):
        person.choose_password()
        assert "Simulated desk phone" in person.run("show status")
        person.type("exit\r")
        person.log_in()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\0"])
def test_every_kind_of_line_end(phone: PhoneDaemon, cable: SerialCable, end: str) -> None:
    phone.call("settings.set", values={"console.open": "on"})
    person = cable.plug_in()
    with serial_console(phone.socket_path, phone.store_path, cable.path):
        person.expect(ADMIN)
        person.type(f"show version{end}show terminal{end}")
        person.expect("console 0", ADMIN)
        assert "80 columns" in person.expect(ADMIN)


def test_noise_breaks_and_half_lines_do_no_harm(phone: PhoneDaemon, cable: SerialCable) -> None:
    with serial_console(phone.socket_path, phone.store_path, cable.path):
        person = cable.plug_in()
        person.choose_password()
        person.type("exit\r")
        person.expect("login: ")
        # Noise with line ends in it: no name, no password, no lock-out.
        os.write(cable.far_end, bytes(range(0x80, 0x100)) + b"\x00\x00\x11\x13\xff\xfe\r" + b"~x}\r\x00\xc3\r" * 5)
        person.expect("no log-in of that name")
        os.write(cable.far_end, b"hal\x00f a line\x15")
        person.type("\r")
        person.log_in()
        os.write(cable.far_end, b"show\x13 sta\x11tus\x00\xf0\r")
        person.expect("on-hook", ADMIN)


def test_a_line_that_is_pulled_out_logs_out_and_comes_back(phone: PhoneDaemon, cable: SerialCable) -> None:
    with serial_console(phone.socket_path, phone.store_path, cable.path) as program:
        wait_until("the missing line to be told", lambda: "is not there" in program.log())
        person = cable.plug_in()
        person.choose_password()
        person.type("show sta")
        person.expect("show sta")
        cable.pull_out()
        wait_until("the loss to be told", lambda: "was unplugged" in program.log())
        person = cable.plug_in()
        # Whoever is at the line now is nobody yet.
        person.log_in()
        assert "on-hook" in person.run("show status")


@pytest.mark.parametrize("baud", [300, 115_200])
def test_output_is_never_faster_than_the_line(phone: PhoneDaemon, cable: SerialCable, baud: int) -> None:
    phone.call("settings.set", values={"console.open": "on"})
    person = cable.plug_in()
    with serial_console(phone.socket_path, phone.store_path, cable.path, baud):
        person.line.timeout = 60
        person.expect(ADMIN)
        started = time.monotonic()
        person.type("show version\r")
        arrivals = []
        said = b""
        while not said.endswith(ADMIN.encode()):
            piece = os.read(cable.far_end, 4096)
            said += piece
            arrivals.append((time.monotonic(), len(piece)))
    bytes_a_second = baud / 10
    # Up to any byte: no more than the line carries, and what one burst may hold.
    sent = 0
    for at, count in arrivals:
        sent += count
        assert sent <= (at - started) * bytes_a_second + max(1, bytes_a_second * 0.02) + 1


def test_a_line_in_use_is_told_with_the_remedy(phone: PhoneDaemon, cable: SerialCable) -> None:
    cable.plug_in()
    with serial_console(phone.socket_path, phone.store_path, cable.path) as first:
        wait_until("the first console", lambda: os.path.exists(f"/proc/{first.pid}/fd/5"))
        (cable.path.parent / "second").mkdir()
        other = cable.path.parent / "second" / "ttyUSB0"
        other.symlink_to(os.readlink(cable.path))
        person_prompt = phone.call("console.access", line="ttyUSB0")
        assert person_prompt["open"] is False
        with serial_console(phone.socket_path, phone.store_path, other) as second:
            wait_until("the reason to be told", lambda: "in use" in second.log())


def test_two_consoles_see_each_others_commits(phone: PhoneDaemon, cable: SerialCable) -> None:
    phone.call("settings.set", values={"console.open": "on"})
    far_person = cable.plug_in()
    with (
        serial_console(phone.socket_path, phone.store_path, cable.path),
        terminal_console(phone.socket_path, phone.store_path) as person,
    ):
        far_person.expect(ADMIN)
        far_person.type("show conf")
        far_person.expect("show conf")
        person.expect(ADMIN)
        person.run("set phone.hotline 1002")
        assert "commit 2" in person.run("commit for the guests")
        # Above the line that is being typed, which stays.
        far_person.expect("has committed phone.hotline (for the guests)", "show conf")
        far_person.type("iguration\r")
        far_person.expect("set phone.hotline 1002", ADMIN)
