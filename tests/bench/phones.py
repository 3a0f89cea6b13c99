"""The phones on the bench: ours as a user has it installed, and baresip, on fake sound cards of the same kind."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device.control.client import ControlClient
from device.control.errors import ControlError
from device.demo.system import free_port
from tests.bench.registrar import HOST, Registrar
from tests.support.fakecard.card import FakeCard
from tests.support.processes import ROOT, STOP_TIMEOUT_S, find_program, wait_until

PATIENCE_S = 15.0
SYSTEM_PYTHON = "/usr/bin/python3"
AS_INSTALLED = "import sys; from device.cli import main; sys.exit(main())"
"""What the installed program does; `-m` would bring `runpy` and all that it imports."""
BARESIP_MODULES = "/usr/lib/baresip/modules"
BARESIP_CONFIGURATION = (
    "audio_buffer 20-160",
    "jitter_buffer_delay 5-10",
    *(f"module {name}.so" for name in ("g711", "alsa", "stun", "turn", "ice", "ctrl_tcp")),
    *(f"module_tmp {name}.so" for name in ("uuid", "account")),
    *(f"module_app {name}.so" for name in ("contact", "debug_cmd", "menu")),
)
"""What baresip writes at its first start, sound and calls only, and a socket that it is controlled by, as ours has."""


def interpreter() -> str:
    """Debian's Python where it is the one that .venv was made of: leaner than hand-built ones, and what users have."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if Path(SYSTEM_PYTHON).exists() and Path(SYSTEM_PYTHON).resolve().name == version:
        return SYSTEM_PYTHON
    return sys.executable


def installed_environment() -> dict[str, str]:
    """An environment in which our program is found without the hooks of an editable installation, as its unit sets it.

    Without MALLOC_ARENA_MAX, which systemd/offhook.service sets, a call takes 0.3 MiB more.
    """
    packages = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    path = os.pathsep.join([str(ROOT), str(Path(sys.prefix) / packages)])
    home = os.environ.get("HOME", "/")
    return {"PATH": os.environ["PATH"], "HOME": home, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "1"}


class BenchPhone:
    """A phone as a process: `user` is called at `port`; it answers by itself or rings; `card` is its sound card."""

    name = ""
    patience_s = STOP_TIMEOUT_S
    """How long it may take to end."""
    keyboard = subprocess.DEVNULL
    """PIPE for a phone that ends when its keyboard does."""

    def __init__(self, user: str, folder: Path, card: FakeCard, registrar: Registrar, auto_answer: bool) -> None:
        self.user = user
        self.folder = folder
        self.card = card
        self.registrar = registrar
        self.auto_answer = auto_answer
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the phone does not run"
        return self._process.pid

    @property
    def log_path(self) -> Path:
        return self.folder / f"{self.user}.log"

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def launch(self) -> None:
        """Start the process and do not wait for anything."""
        environment = {**self.environment(), "ALSA_CONFIG_PATH": str(self.card.configuration)}
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=self.keyboard, stdout=log, stderr=log, cwd=ROOT, env=environment
            )

    def start(self) -> None:
        """Start it and wait until it can be called."""
        self.registrar.forget(self.user)
        self.launch()
        wait_until(f"{self.name} to be ready, see {self.log_path}", self.is_ready, PATIENCE_S)

    def is_ready(self) -> bool:
        self.check()
        return self.user in self.registrar.registered

    def check(self) -> None:
        """Fail when it has ended by itself."""
        assert self._process is not None
        if self._process.poll() is not None:
            last = self.log_path.read_text(errors="replace").strip().splitlines()[-1:]
            raise AssertionError(f"{self.name} ended by itself: {' '.join(last)}")

    def stop(self) -> None:
        """End the process, and make it end if it does not."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(self.patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Offhook(BenchPhone):
    """Our daemon on a simulated board."""

    name = "offhook"

    def __init__(self, user: str, folder: Path, card: FakeCard, registrar: Registrar, auto_answer: bool) -> None:
        super().__init__(user, folder, card, registrar, auto_answer)
        self.socket_path = str(folder / f"{user}.sock")
        self._settings = {
            "sip.bind_address": HOST,
            "sip.port": str(self.port),
            "hardware.board": "simulated",
            "audio.kind": "alsa",
            # The bench ends the phone between measures, and nobody waits for the end of that.
            "daemon.stop_timeout_s": "0",
            "phone.auto_answer": "always" if auto_answer else "off",
        }
        self._add_account()

    def command(self) -> list[str]:
        return [interpreter(), "-c", AS_INSTALLED, *self.arguments()]

    def arguments(self) -> list[str]:
        """What follows the program's name."""
        words = ["run", "--store", str(self.folder / f"{self.user}.db"), "--socket", self.socket_path]
        for key, value in self._settings.items():
            words += ["--set", f"{key}={value}"]
        return words

    def environment(self) -> dict[str, str]:
        return installed_environment()

    def is_ready(self) -> bool:
        return super().is_ready() and self._answers()

    def _answers(self) -> bool:
        self.check()
        try:
            with ControlClient(self.socket_path, 2.0) as client:
                client.call("daemon.version")
        except ControlError:
            return False
        return True

    def _add_account(self) -> None:
        """Put the account into the store and let its secret be sealed, so that later starts are like any boot."""
        self.launch()
        try:
            wait_until("offhook to start", self._answers, PATIENCE_S)
            with ControlClient(self.socket_path) as client:
                client.call(
                    "account.add",
                    id="bench",
                    user=self.user,
                    domain=HOST,
                    registrar=self.registrar.address,
                    outbound_proxy=self.registrar.address,
                    password="bench",
                )
            wait_until("offhook to register", self.is_ready, PATIENCE_S)
        finally:
            self.stop()


class Baresip(BenchPhone):
    """Debian's baresip with the modules of its own first configuration, sound through ALSA, and a control socket.

    Left out are video, its test loops, and `stdio`, which wants a keyboard.
    """

    name = "baresip"
    patience_s = 0.0
    """Version 1 does not listen to SIGTERM for some seconds."""

    codecs = "PCMU/8000/1"

    def __init__(self, user: str, folder: Path, card: FakeCard, registrar: Registrar, auto_answer: bool) -> None:
        super().__init__(user, folder, card, registrar, auto_answer)
        self._home = folder / f"{user}-baresip"
        self._home.mkdir(exist_ok=True)
        account = f"<sip:{user}@{HOST};transport=udp>;auth_user={user};auth_pass=bench;audio_codecs={self.codecs}"
        account += f";answermode={'auto' if auto_answer else 'manual'}"
        account += f';regint=3600;outbound="sip:{registrar.address};transport=udp"'
        (self._home / "accounts").write_text(account + "\n")
        # baresip leaves the loopback interface out unless it is named.
        lines = [f"sip_listen {HOST}:{self.port}", f"net_interface {HOST}", f"ctrl_tcp_listen {HOST}:{free_port()}"]
        lines += [f"{device} alsa,default" for device in ("audio_player", "audio_source", "audio_alert")]
        lines += [f"module_path {BARESIP_MODULES}", *BARESIP_CONFIGURATION]
        (self._home / "config").write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        return [find_program("baresip"), "-f", str(self._home)]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self._home)}

    def is_ready(self) -> bool:
        return super().is_ready() and "baresip is ready" in self.log_path.read_text(errors="replace")


def baresip_version() -> str:
    """Such as "1.0.0"."""
    said = subprocess.run([find_program("baresip"), "-h"], capture_output=True, text=True, check=False)
    found = re.search(r"baresip v?(\d+[\d.]*)", said.stdout + said.stderr)
    return found[1] if found else "of unknown version"


@contextmanager
def running(*phones: BenchPhone) -> Iterator[None]:
    """Start phones in order and end them in the opposite one."""
    try:
        for phone in phones:
            phone.start()
        yield
    finally:
        for phone in reversed(phones):
            phone.stop()
