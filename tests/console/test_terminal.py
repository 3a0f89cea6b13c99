import fcntl
import os
import pty
import struct
import termios

from device.console.terminal import Terminal


def test_a_terminal_is_raw_while_it_is_open_and_as_before_afterwards() -> None:
    far, near = pty.openpty()
    before = termios.tcgetattr(near)
    terminal = Terminal(near, near)
    assert terminal.open()
    assert terminal.open()
    assert not termios.tcgetattr(near)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    terminal.close()
    terminal.close()
    assert termios.tcgetattr(near) == before
    assert terminal.name == os.ttyname(near).removeprefix("/dev/")
    os.close(far)
    os.close(near)


def test_size() -> None:
    far, near = pty.openpty()
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
    assert Terminal(near, near).size() == (132, 50)
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    assert Terminal(near, near).size() is None
    os.close(far)
    os.close(near)


def test_a_pipe_goes_through_as_it_is_and_ends() -> None:
    read, write = os.pipe()
    terminal = Terminal(read, write)
    assert terminal.open()
    assert (terminal.name, terminal.size(), terminal.lasts, terminal.baud) == ("a pipe", None, False, 0)
    assert (terminal.read_fd(), terminal.write_fd()) == (read, write)
    assert terminal.write(b"abc") == 3
    assert terminal.read() == b"abc"
    os.close(write)
    assert terminal.read() is None
    assert terminal.is_ended
    assert terminal.read_fd() == -1
    assert not terminal.handle_timeout(0.0)
    assert terminal.next_timeout() is None
    terminal.close()
    os.close(read)
