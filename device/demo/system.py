"""Starts an exchange and phones as processes of their own on the loopback interface, and stops them again."""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from device.control.client import ControlClient, DaemonEvent
from device.control.errors import ControlError
from device.errors import DeviceError
from device.ids import SystemIds

HOST = "127.0.0.1"
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 8.0
POLL_S = 0.02
FIRST_PORT, PORT_PAIRS = 20_000, 6_000
"""Where programs of ours listen: 20000 to 31999, away from the sound of a phone at its defaults."""
PORT_TRIES = 50


class DemoError(DeviceError):
    """The demonstration cannot go on; the text says what to look at."""


def free_port() -> int:
    """An even port number that UDP and TCP are free to use on the loopback interface right now, and the next one, too.

    It lies below those that the kernel gives away (ip(7), ip_local_port_range), so that no connection takes it.
    """
    ids = SystemIds()
    for _ in range(PORT_TRIES):
        port = FIRST_PORT + 2 * (ids.number(16) % PORT_PAIRS)
        if _is_free(port) and _is_free(port + 1):
            return port
    raise DemoError("no free port on 127.0.0.1: close some programs and try again")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        try:
            udp.bind((HOST, port))
            tcp.bind((HOST, port))
        except OSError:
            return False
    return True


class Process:
    """One of our programs in the background, its log in a file."""

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self.name = name
        self.log_path = folder / f"{name}.log"
        self._log = self.log_path.open("wb")
        self._process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "device", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
        )

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def check(self) -> None:
        """Raise DemoError if it has ended."""
        if self._process.poll() is not None:
            tail = self.log_path.read_text(errors="replace").strip().splitlines()[-3:]
            raise DemoError(f"{self.name} ended by itself; the end of {self.log_path}:\n  " + "\n  ".join(tail))

    def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()


def wait_for_socket(path: Path, process: Process) -> None:
    """Wait until a control socket answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        process.check()
        try:
            with ControlClient(str(path), 2.0) as client:
                client.call("daemon.version")
        except ControlError:
            time.sleep(POLL_S)
        else:
            return
    raise DemoError(f"{process.name} does not answer at {path}; see {process.log_path}")


class DemoPhone:
    """One phone: the real daemon on a simulated board, with WAV files as microphone and earpiece."""

    def __init__(self, number: str, folder: Path, microphone: Path) -> None:
        self.number = number
        self.port = free_port()
        self.microphone = microphone
        self.heard = folder / f"{number}-heard.wav"
        self.events: list[tuple[float, DaemonEvent]] = []
        self.state = ""
        socket_path = folder / f"{number}.sock"
        settings = {
            "sip.bind_address": HOST,
            "sip.port": str(self.port),
            "hardware.board": "simulated",
            "hardware.flash": "off",
            "audio.kind": "wav",
            "audio.wav_in": str(microphone),
            "audio.wav_out": str(self.heard),
        }
        arguments = ["run", "--store", str(folder / f"{number}.db"), "--socket", str(socket_path)]
        for key, value in settings.items():
            arguments += ["--set", f"{key}={value}"]
        self.process = Process(f"phone-{number}", arguments, folder)
        self._socket_path = socket_path
        self.client = ControlClient(str(socket_path), 5.0)
        self._listener = ControlClient(str(socket_path), 5.0)

    def connect(self) -> None:
        """Wait for the daemon and listen to what it tells."""
        wait_for_socket(self._socket_path, self.process)
        self._listener.subscribe(["phone", "registration", "sip", "audio"])
        self.state = str(self.status()["phone"]["state"])

    def status(self) -> dict[str, dict[str, object]]:
        """What `offhook status --json` would print."""
        return self.client.call("status")  # type: ignore[return-value]  # the method is described in the schema

    def fileno(self) -> int:
        """The descriptor on which events come."""
        return self._listener.fileno()

    def take_events(self) -> list[DaemonEvent]:
        """The events that have come, without waiting."""
        taken = list(self._listener.events(timeout_s=0.0))
        for event in taken:
            self.events.append((time.monotonic(), event))
            if event.topic == "phone":
                self.state = str(event.params["state"])
        return taken

    def close(self) -> None:
        """End the daemon."""
        self._listener.close()
        self.client.close()
        self.process.stop()


class DemoSystem:
    """An exchange and two phones, registered at it."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self.port = free_port()
        self.phones: dict[str, DemoPhone] = {}
        self._exchange: Process | None = None

    def start(self) -> None:
        """Start everything and wait until both phones are registered."""
        passwords = {number: os.urandom(12).hex() for number in ("1001", "1002")}
        for name in ("1001.db", "1002.db", "exchange.db"):
            for leftover in self.folder.glob(name + "*"):
                leftover.unlink()
        store = ["--store", str(self.folder / "exchange.db")]
        for number, password in passwords.items():
            self._add_user(number, password, store)
        socket_path = self.folder / "exchange.sock"
        arguments = ["exchange", "run", *store, "--listen", f"{HOST}:{self.port}", "--domain", HOST]
        self._exchange = Process("exchange", [*arguments, "--socket", str(socket_path)], self.folder)
        sounds = Path(__file__).parent / "sounds"
        for number, microphone in (("1001", "caller.wav"), ("1002", "callee.wav")):
            self.phones[number] = DemoPhone(number, self.folder, sounds / microphone)
        wait_for_socket(socket_path, self._exchange)
        for number, phone in self.phones.items():
            phone.heard.unlink(missing_ok=True)
            phone.connect()
            phone.client.call(
                "account.add",
                id="exchange",
                user=number,
                domain=HOST,
                registrar=f"{HOST}:{self.port}",
                outbound_proxy=f"{HOST}:{self.port}",
                display_name=f"Phone {number}",
                password=passwords[number],
            )
        self.wait("both phones to be registered", lambda: all(map(is_registered, self.phones.values())))

    def _add_user(self, number: str, password: str, store: list[str]) -> None:
        command = [sys.executable, "-m", "device", "exchange", "user", "add", number]
        finished = subprocess.run(  # noqa: S603  # our own program; the password goes through its standard input
            [*command, *store, "--domain", HOST, "--password-stdin"],
            input=password.encode(),
            capture_output=True,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        if finished.returncode:
            raise DemoError(f"cannot add user {number} to the exchange: {finished.stderr.decode().strip()}")

    def pump(self, longest_wait_s: float, more: list[int] | None = None) -> list[int]:
        """Take what the phones tell; answers which of the descriptors `more` are readable."""
        listeners = list(self.phones.values())
        for phone in listeners:
            phone.process.check()
            phone.take_events()
        by_fd = {phone.fileno(): phone for phone in listeners}
        ready, _, _ = select.select([*by_fd, *(more or [])], [], [], longest_wait_s)
        for fd, phone in by_fd.items():
            if fd in ready:
                phone.process.check()
                phone.take_events()
        if self._exchange is not None:
            self._exchange.check()
        return [fd for fd in ready if fd not in by_fd]

    def wait(self, what: str, reached: Callable[[], bool], timeout_s: float = START_TIMEOUT_S) -> None:
        """Take events until `reached`; raises DemoError when it takes too long."""
        deadline = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > deadline:
                states = ", ".join(f"{phone.number} {phone.state}" for phone in self.phones.values())
                raise DemoError(
                    f"waited {timeout_s:.0f} s in vain for {what} ({states}); the logs are in {self.folder}"
                )
            self.pump(0.2)

    def listen(self, seconds: float) -> None:
        """Let time pass and take what the phones tell."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.pump(left)

    def stop(self) -> None:
        """End every process."""
        for phone in self.phones.values():
            phone.close()
        if self._exchange is not None:
            self._exchange.stop()


def is_registered(phone: DemoPhone) -> bool:
    """Whether the phone's last news about its registration was good."""
    news = [event for _, event in phone.events if event.topic == "registration"]
    return bool(news) and news[-1].params.get("state") == "registered"
