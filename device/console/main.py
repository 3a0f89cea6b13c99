"""`offhook console`: the console on this terminal, or on a serial line."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from device import __version__
from device.annotations import Protocol
from device.console.conversation import converse
from device.console.daemon_link import DaemonLink
from device.console.errors import SerialPortError
from device.console.pacer import Pacer
from device.console.serial_port import DEFAULT_BAUD, LEAST_BAUD, MOST_BAUD, SerialPort
from device.console.shell import DEFAULT_LENGTH, Shell
from device.console.store_process import StoreProcess
from device.console.terminal import Terminal
from device.control.paths import SYSTEM_SOCKET, SYSTEM_STORE, socket_path
from device.errors import DeviceError
from device.records import dataclass
from device.timing import earliest

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
LONGEST_WAIT_S = 3600.0

USAGE = f"""\
usage: offhook console [--port DEVICE] [--baud N] [--socket PATH] [--store FILE]

The technician's console: on this terminal, or on a serial line with 8 bits, no parity and no flow control.

  --port DEVICE    the serial line, such as /dev/ttyAMA0; it may be unplugged and come back
  --baud N         its speed ({DEFAULT_BAUD})
  --socket PATH    control socket of the phone (also: OFFHOOK_SOCKET)
  --store FILE     the store of the phone, for its settings while it is down

example: offhook console --port /dev/ttyAMA0 --baud 115200
"""


class UsageError(DeviceError):
    """The command line cannot be understood."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    socket: str
    port: str = ""
    baud: int = DEFAULT_BAUD
    store: str = ""
    help: bool = False


def parse_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Read the arguments after `offhook console`; raises UsageError with the argument that is wrong."""
    given: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        name, separator, value = word.partition("=")
        if word in ("--help", "-h", "help"):
            return Options(socket_path(environment), help=True)
        if name not in ("--port", "--baud", "--socket", "--store"):
            raise UsageError(f"{word!r} is no option here; `offhook console --help` lists them")
        given[name] = value if separator else next(words, "")
        if not given[name]:
            raise UsageError(f"{name} needs a value; `offhook console --help` shows an example")
    baud = given.get("--baud", str(DEFAULT_BAUD))
    if not baud.isascii() or not baud.isdecimal() or not LEAST_BAUD <= int(baud) <= MOST_BAUD:
        raise UsageError(f"--baud {baud}: give the speed of the line in bits a second, {LEAST_BAUD} to {MOST_BAUD}")
    if "--baud" in given and "--port" not in given:
        raise UsageError("--baud is the speed of a serial line: name it with --port, such as --port /dev/ttyAMA0")
    path = socket_path(environment, given.get("--socket"))
    store = given.get("--store") or (SYSTEM_STORE if path == SYSTEM_SOCKET else "")
    return Options(path, given.get("--port", ""), int(baud), store)


def main(arguments: Sequence[str]) -> int:
    """Run `offhook console` with the arguments after these words; answers the process's exit status."""
    try:
        options = parse_options(arguments, os.environ)
    except UsageError as error:
        sys.stderr.write(f"offhook console: {error}\n")
        return EXIT_USAGE
    if options.help:
        sys.stdout.write(USAGE)
        return EXIT_OK
    port = SerialPort(options.port, options.baud) if options.port else Terminal()
    link = DaemonLink(options.socket, StoreProcess(["--store", options.store] if options.store else []), 0.0)
    try:
        _Console(port, link, _say).run()
    except SerialPortError as error:
        sys.stderr.write(f"offhook console: {error}\n")
        return EXIT_FAILED
    finally:
        port.close()
        link.close()
    return EXIT_OK


def _say(text: str) -> None:
    """A line for the log of the system, about a line that cannot be used."""
    sys.stderr.write(f"offhook console: {text}\n")
    sys.stderr.flush()


class Port(Protocol):
    """A serial line or a terminal."""

    baud: int
    lasts: bool

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def is_utf8(self) -> bool:
        """Whether it shows every letter."""

    @property
    def is_ended(self) -> bool:
        """Whether nothing will ever come again."""

    def open(self) -> bool:
        """Open it; answers whether it can be used."""

    def close(self) -> None:
        """Close it."""

    def size(self) -> tuple[int, int] | None:
        """Columns and lines."""

    def read_fd(self) -> int:
        """The descriptor to read, or -1."""

    def write_fd(self) -> int:
        """The descriptor to write, or -1."""

    def read(self) -> bytes | None:
        """What has come; None when it is gone."""

    def write(self, data: bytes) -> int:
        """Send."""

    def handle_timeout(self, now: float) -> bool:
        """Look whether it is back."""

    def next_timeout(self) -> float | None:
        """When to look."""


class _Console:
    """Joins a port, the phone and a shell in one loop."""

    def __init__(self, port: Port, link: DaemonLink, say: Callable[[str], None]) -> None:
        now = time.monotonic()
        self._port = port
        self._link = link
        self._say = say
        self._said = ""
        self._shell = Shell(link, port.name, __version__, now, time.time, port.lasts)
        self._shell.is_utf8 = port.is_utf8
        self._pacer = Pacer(port.baud, now)
        self._wake_read, self._wake_write = os.pipe()
        self._stopping = False
        link.tell = lambda text: self._shell.notify(text, time.monotonic())

    def run(self) -> None:
        """Until the person has left, or the process is told to end."""
        os.set_blocking(self._wake_write, False)
        before = signal.set_wakeup_fd(self._wake_write)
        handlers = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGHUP)}
        handlers[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, lambda *_: self._take_size())
        try:
            self._open()
            while not self._stopping and not (self._shell.ended and not self._shell.bytes_to_send(1)):
                self._turn()
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _open(self) -> None:
        if self._link.open():
            self._link.follow(())
        if not self._port.open():
            self._complain()
        self._take_size()
        self._shell.start(converse(self._shell), time.monotonic())

    def _complain(self) -> None:
        """Tell the log why the line cannot be used, once for each reason."""
        fault = str(getattr(self._port, "fault", ""))
        if fault and fault != self._said:
            self._say(fault)
        self._said = fault

    def _take_size(self) -> None:
        size = self._port.size()
        if size is not None:
            self._shell.resize(*size)
        elif not self._port.lasts:
            # A pipe has no pages.
            self._shell.resize(self._shell.columns, 0)
        else:
            self._shell.resize(self._shell.columns, DEFAULT_LENGTH)

    def _turn(self) -> None:
        """Wait for something, and deal with it."""
        now = time.monotonic()
        may_send = self._pacer.allowance(now)
        unsent = bool(self._shell.bytes_to_send(1)) and self._port.write_fd() >= 0
        poll = select.poll()
        for fd, mask in self._watched(unsent and (may_send is None or may_send > 0)):
            poll.register(fd, mask)
        ready = dict(poll.poll(self._wait_ms(now, unsent and may_send == 0)))
        now = time.monotonic()
        if self._wake_read in ready:
            os.read(self._wake_read, 64)
        if self._link.fileno() in ready:
            for event in self._link.events():
                self._shell.receive_event(event, now)
        if self._port.read_fd() in ready and ready[self._port.read_fd()] & ~select.POLLOUT:
            self._receive(now)
        self._handle_timeouts(time.monotonic())
        self._send(time.monotonic())

    def _watched(self, sending: bool) -> list[tuple[int, int]]:
        masks: dict[int, int] = {self._wake_read: select.POLLIN}
        if self._link.fileno() >= 0:
            masks[self._link.fileno()] = select.POLLIN
        if self._port.read_fd() >= 0:
            masks[self._port.read_fd()] = select.POLLIN
        if sending:
            masks[self._port.write_fd()] = masks.get(self._port.write_fd(), 0) | select.POLLOUT
        return list(masks.items())

    def _wait_ms(self, now: float, paced: bool) -> float:
        paced_until = self._pacer.next_timeout() if paced else None
        times = (self._shell.next_timeout(), self._link.next_timeout(), self._port.next_timeout(), paced_until)
        at = earliest(*times)
        seconds = LONGEST_WAIT_S if at is None else min(LONGEST_WAIT_S, max(0.0, at - now))
        # Rounded up: a wait that ends a little too early would only be begun again.
        return seconds * 1000 + 1 if seconds else 0

    def _receive(self, now: float) -> None:
        data = self._port.read()
        if data:
            self._shell.receive(data, now)
        elif data is None:
            self._lose_line(now)

    def _lose_line(self, now: float) -> None:
        self._complain()
        if self._port.lasts:
            self._shell.lose_line(now)
        else:
            self._shell.end_input(now)

    def _handle_timeouts(self, now: float) -> None:
        self._link.handle_timeout(now)
        self._shell.handle_timeout(now)
        if self._port.handle_timeout(now):
            self._complain()
            self._pacer = Pacer(self._port.baud, now)
            self._take_size()
            self._shell.greet_again(now)

    def _send(self, now: float) -> None:
        allowance = self._pacer.allowance(now)
        data = self._shell.bytes_to_send(4096 if allowance is None else allowance)
        if not data or self._port.write_fd() < 0:
            return
        try:
            count = self._port.write(data)
        except OSError:
            self._lose_line(now)
            self._stopping = not self._port.lasts
            return
        self._pacer.sent(count)
        self._shell.sent(count)
