"""A serial line, as the far end of a pseudo-terminal."""

import os
import pty
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.console.errors import SerialPortError
from device.console.serial_port import REOPEN_S, SerialPort


class Wire:
    """Both ends of a line at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.far, self.near = pty.openpty()
        path.symlink_to(os.ttyname(self.near))

    def cut(self) -> None:
        for fd in (self.far, self.near):
            os.close(fd)
        self.path.unlink()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ttyUSB0"


@pytest.fixture
def port(path: Path) -> Iterator[SerialPort]:
    port = SerialPort(str(path), 9600)
    yield port
    port.close()


def test_the_line_is_8n1_raw_and_without_flow_control(port: SerialPort, path: Path) -> None:
    wire = Wire(path)
    assert port.open()
    assert port.open()
    iflag, oflag, cflag, lflag, ispeed, ospeed, _ = termios.tcgetattr(wire.near)
    assert cflag & (termios.CSIZE | termios.PARENB | termios.CSTOPB) == termios.CS8
    assert not iflag & (termios.IXON | termios.IXOFF | termios.ICRNL)
    assert not oflag & termios.OPOST
    assert not lflag & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert ispeed == ospeed == termios.B9600
    wire.cut()


def test_bytes_go_both_ways(port: SerialPort, path: Path) -> None:
    wire = Wire(path)
    port.open()
    assert port.read() == b""
    os.write(wire.far, b"show\r\xff")
    assert port.read() == b"show\r\xff"
    assert port.write(b"offhook# ") == 9
    assert os.read(wire.far, 100) == b"offhook# "
    wire.cut()


def test_a_line_that_takes_no_more_says_so(port: SerialPort, path: Path) -> None:
    wire = Wire(path)
    port.open()
    taken = 0
    while count := port.write(b"x" * 10):
        taken += count
    assert taken > 1000
    wire.cut()


def test_a_line_that_is_not_there_is_looked_for(port: SerialPort, path: Path) -> None:
    assert not port.open()
    assert "is not there: it will be used as soon as" in port.fault
    assert (port.read_fd(), port.write_fd()) == (-1, -1)
    assert port.next_timeout() == 0.0
    assert not port.handle_timeout(10.0)
    assert port.next_timeout() == 10.0 + REOPEN_S
    wire = Wire(path)
    assert not port.handle_timeout(10.0 + REOPEN_S / 2)
    assert port.handle_timeout(10.0 + REOPEN_S)
    assert (port.fault, port.next_timeout()) == ("", None)
    assert not port.handle_timeout(20.0)
    wire.cut()


def test_a_line_that_is_pulled_out_is_noticed_by_reading_and_by_writing(port: SerialPort, path: Path) -> None:
    for notice in ("read", "write"):
        wire = Wire(path)
        assert port.handle_timeout(0.0)
        wire.cut()
        if notice == "read":
            assert port.read() is None
        else:
            with pytest.raises(OSError, match="error"):
                port.write(b"x")
        assert "was unplugged" in port.fault
        assert port.read_fd() == -1


def test_a_line_in_use_is_told_with_the_remedy(port: SerialPort, path: Path) -> None:
    wire = Wire(path)
    port.open()
    other = SerialPort(str(path))
    assert not other.open()
    assert "systemctl disable --now serial-getty@" in other.fault
    wire.cut()


def test_something_that_is_no_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    port = SerialPort(str(file))
    assert not port.open()
    assert "cannot be used" in port.fault


def test_without_pyserial_it_is_said_how_to_get_it(port: SerialPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(SerialPortError, match="apt-get install python3-serial"):
        port.open()


def test_names_and_sizes() -> None:
    port = SerialPort("/dev/ttyAMA0")
    assert (port.name, port.size(), port.baud, port.lasts) == ("ttyAMA0", None, 115_200, True)
