"""The quick rig: a Linux kernel as a process of this machine (User-Mode Linux), nearly at native speed.

Its root is the machine's own file system, read only, with memory on top where programs write; the phone is this
checkout with its virtual environment. It has a disk of its own for the phone's store, GPIO lines as a Raspberry Pi has
them, a sound card whose ends are joined, two serial lines and a network card. Needs root, for the network namespace.
"""

import os
import shutil
import signal
import subprocess
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.board.agent_client import AgentClient, AgentError
from tests.board.network import ADDRESS_PREFIX, BoardNetwork
from tests.support.processes import ROOT, Program, find_program, wait_until

MEMORY_MIB = 256
DISK_MIB = 64
START_S = 30.0
STOP_S = 20.0

SHARE_INSIDE = "/run/offhook-rig"
CHECKOUT_INSIDE = "/run/offhook-checkout"
STATE_INSIDE = "/var/lib/offhook"
SOCKET_INSIDE = "/run/offhook/control.sock"
UART_INSIDE = "/dev/ttyS0"
PHONE_LOG = f"{SHARE_INSIDE}/phone.log"

INIT = Path(__file__).with_name("uml_init.sh")
AGENT = Path(__file__).with_name("agent.py")
RPI_LGPIO = ".venv/rpi-lgpio"
"""Where `firmware_scripts/prepare rig` puts rpi-lgpio: apart, since it calls itself RPi.GPIO."""


def find_kernel() -> Path:
    """The kernel, built where it is not in the cache yet. Raises AssertionError with what the script says."""
    done = subprocess.run(
        [ROOT / "firmware_scripts" / "make-uml-kernel"], stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, "firmware_scripts/make-uml-kernel failed; see what it said above"
    return Path(done.stdout.strip())


class UmlRig:
    """One board; `folder` gets its disk and its logs. See `tests.board.rig.Rig`."""

    name = "uml"
    patience = 1.0
    settle_us = 1000
    drivers = ("gpiod", "rpi-gpio")
    share_inside = SHARE_INSIDE

    def __init__(self, folder: Path, network: BoardNetwork, kernel: Path, number: int = 20) -> None:
        self.folder = folder
        self.network = network
        self.address = f"10.77.0.{number}"
        self.share = folder / "share"
        self.share.mkdir(parents=True)
        shutil.copy(AGENT, self.share / "agent.py")
        self._kernel = kernel
        self._tap = network.add_tap()
        self._disk = folder / "disk.img"
        self._machine: Program | None = None
        self._agent: AgentClient | None = None
        self._uart: tuple[int, int] | None = None
        self._phone = 0

    # Power.

    def start(self) -> None:
        assert self._machine is None, "the board is on already"
        if not self._disk.exists():
            _make_disk(self._disk)
        # The board gets the near end, so that the far one has a path that every program can open.
        self._uart = _open_terminal()
        agent_end, board_end = _open_terminal()
        command = [*self.network.prefix, *_priority(), str(self._kernel), *self._options(self._uart[0], board_end)]
        self._machine = Program("machine", command, self.folder, own_group=True, pass_fds=(self._uart[0], board_end))
        os.close(board_end)
        self._agent = AgentClient(agent_end, self.patience, self.share)
        self._phone = 0
        try:
            self._agent.wait_ready(START_S, self._machine.check)
        except AgentError as error:
            self._machine.check()
            raise AgentError(f"{error}; the board said:\n{self._machine.log()[-2000:]}") from None

    def _options(self, uart: int, channel: int) -> list[str]:
        return [
            f"mem={MEMORY_MIB}M",
            *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={INIT}"),
            *("con=null", "con0=null,fd:1", "quiet", "panic=-1"),
            *("ssl=null", f"ssl0=fd:{uart},fd:{uart}", f"ssl1=fd:{channel},fd:{channel}"),
            f"ubd0={self._disk}",
            f"vec0:transport=tap,ifname={self._tap},depth=128",
            f"uml_dir={self.folder}",
            f"rig_share={self.share}",
            f"rig_checkout={ROOT}",
            f"rig_address={self.address}/{ADDRESS_PREFIX}",
        ]

    def stop(self) -> None:
        if self._machine is None:
            return
        try:
            self.agent.ask("leave")
            self._machine.wait(STOP_S)
        except AssertionError:
            self._machine.kill()
            raise
        finally:
            self._forget_machine()

    def cut_power(self) -> None:
        assert self._machine is not None, "the board is off"
        self._machine.kill()
        self._forget_machine()

    def _forget_machine(self) -> None:
        self._machine = None
        if self._agent is not None:
            self._agent.close()
            self._agent = None
        if self._uart is not None:
            for fd in self._uart:
                os.close(fd)
            self._uart = None

    # What it is reached by.

    @property
    def agent(self) -> AgentClient:
        assert self._agent is not None, "the board is off"
        return self._agent

    @property
    def uart(self) -> str:
        assert self._uart is not None, "the board is off"
        return os.ttyname(self._uart[1])

    @contextmanager
    def technician(self) -> Iterator[None]:
        command = [*self.offhook, "console", "--port", UART_INSIDE]
        self.agent.ask("spawn", name="console", command=command, log_path=f"{SHARE_INSIDE}/console.log")
        try:
            yield
        finally:
            self.agent.ask("end", name="console", signal=int(signal.SIGTERM))

    def log(self) -> str:
        path = self.share / "phone.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # The phone on it.

    @property
    def offhook(self) -> Sequence[str]:
        python = f"{CHECKOUT_INSIDE}/.venv/bin/python"
        # The checkout by its place inside: where it lies outside may be hidden here, below /tmp for one.
        places = f"{CHECKOUT_INSIDE}:{CHECKOUT_INSIDE}/{RPI_LGPIO}"
        environment = [f"OFFHOOK_SOCKET={SOCKET_INSIDE}", f"PYTHONPATH={places}"]
        # rpi-lgpio looks for a Raspberry Pi in the device tree, which this machine has not.
        environment += ["RPI_LGPIO_REVISION=a02082", "RPI_LGPIO_CHIP=0", f"LG_WD={STATE_INSIDE}"]
        return ["env", "-C", CHECKOUT_INSIDE, *environment, python, "-P", "-m", "device"]

    def keep_profile(self, text: str) -> str:
        (self.share / "board.toml").write_text(text)
        return f"{SHARE_INSIDE}/board.toml"

    def start_phone(self) -> None:
        self._end_phone(signal.SIGTERM)
        words = ["run", "--store", f"{STATE_INSIDE}/offhook.db", "--socket", SOCKET_INSIDE]
        command = [*self.offhook, *words]
        self._phone = self.agent.ask("spawn", name="phone", command=command, log_path=PHONE_LOG)
        wait_until("the phone to answer", self._phone_answers, 20 * self.patience)

    def _phone_answers(self) -> bool:
        try:
            self.agent.ask("connect", path=SOCKET_INSIDE)
        except AgentError:
            return False
        return True

    def kill_phone(self) -> None:
        self._end_phone(signal.SIGKILL)

    def _end_phone(self, how: signal.Signals) -> None:
        if self._phone:
            self._phone = 0
            self.agent.ask("end", name="phone", signal=int(how))

    def phone_process(self) -> int:
        assert self._phone, "the phone does not run"
        return self._phone


def _priority() -> list[str]:
    """What its command is put behind to go before other work: a board that stands still for a moment dials wrong."""
    real_time = ["chrt", "--rr", "1"]
    allowed = subprocess.run([*real_time, "true"], capture_output=True, check=False).returncode == 0
    return real_time if allowed else ["nice", "-n", "-15"]


def _make_disk(path: Path) -> None:
    """A disk with an empty file system on it."""
    with path.open("wb") as file:
        file.truncate(DISK_MIB << 20)
    subprocess.run([find_program("mkfs.ext4"), "-q", "-F", "-E", "lazy_itable_init=1", str(path)], check=True)


def _open_terminal() -> tuple[int, int]:
    """Both ends of a pseudo-terminal that carries every byte as it is."""
    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    return near, far
