"""The true rig: the product's own image on an emulated ARM board, started by U-Boot and systemd. See `VirtualBoard`.

Twenty times slower than a Raspberry Pi for Python, yet with the kernel, the units and the files of the product. Needs
root, for the network namespace.
"""

import json
import os
import random
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.board.agent_client import AgentClient, AgentError
from tests.board.network import BoardNetwork
from tests.board.virtual_board import SHARE_PLACE, BoardFiles, PowerCut, VirtualBoard
from tests.support.processes import wait_until

AGENT = Path(__file__).with_name("agent.py")

PATIENCE = 10.0
"""Times what a real board needs: emulation costs that much, and test machines are shared."""

BOOT_S = 40.0
"""Until the agent answers, on a board of full speed and at leisure."""

START_S = 30.0

PROFILE = "/etc/offhook/board.toml"
CONSOLE_UNIT = "offhook-console@ttyAMA0.service"
OFFHOOK = "/opt/offhook/bin/offhook"


class QemuRig:
    """One board; `folder` gets its disk and its logs. See `tests.board.rig.Rig`."""

    name = "qemu"
    patience = PATIENCE
    drivers = ("gpiod", "rpi-gpio")
    settle_us = 20_000
    share_inside = SHARE_PLACE
    offhook = (OFFHOOK,)

    def __init__(
        self,
        folder: Path,
        network: BoardNetwork,
        files: BoardFiles,
        number: int = 10,
        *,
        seed: int = 0,
        clock: str = "",
    ) -> None:
        self.folder = folder
        self.network = network
        self.address = f"10.77.0.{number}"
        self.share = folder / "share"
        self.share.mkdir(parents=True, exist_ok=True)
        self.share.chmod(0o777)
        shutil.copy(AGENT, self.share / "agent.py")
        self.board = VirtualBoard(self.name, files._replace(share=self.share), folder, network, number, clock)
        self.has_sound = True
        """Whether a sound card is put in as soon as the agent is up."""
        self._chance = random.Random(seed)
        self._agent: AgentClient | None = None

    # Power.

    def start(self) -> None:
        assert self._agent is None, "the board is on already"
        self.board.switch_on()
        self._connect()

    def _connect(self) -> None:
        """Wait for the agent of a board that boots."""
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel.connect(str(self.board.agent_socket))
        self._agent = AgentClient(channel.detach(), self.patience)
        try:
            self._agent.wait_ready(BOOT_S * self.patience, self.board.process.check)
        except AgentError as error:
            self.board.process.check()
            said = self.board.console_log.read_text(errors="replace")[-2000:]
            raise AgentError(f"{error}; its console said:\n{said}") from None
        if self.has_sound:
            self.plug_sound()

    def plug_sound(self) -> None:
        """Put a sound card in, as one puts in a USB card."""
        self.agent.run(["modprobe", "snd-aloop", "pcm_substreams=2"])

    def stop(self) -> None:
        if self._agent is None:
            return
        self.agent.run(["systemctl", "--no-block", "poweroff"])
        self.board.wait_off()
        self._let_agent_go()

    def reconnect(self) -> None:
        """Ask for the agent anew, of a board that has started anew by itself or is about to."""
        self.board.process.check()
        self._let_agent_go()
        self._connect()

    def cut_power(self, since: int | None = None) -> PowerCut:
        """Take the power away, now or at some instant after `since`; see `VirtualBoard.cut_power`."""
        cut = self.board.cut_power(self._chance, since)
        self._let_agent_go()
        return cut

    def _let_agent_go(self) -> None:
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    # What it is reached by.

    @property
    def agent(self) -> AgentClient:
        assert self._agent is not None, "the board is off"
        return self._agent

    @property
    def uart(self) -> str:
        return self.board.console

    @contextmanager
    def technician(self) -> Iterator[None]:
        wait_until("the console at the serial line", self.has_console, START_S * self.patience)
        try:
            yield
        finally:
            # It ends as with a plug that comes out, and waits for the next technician.
            self.agent.run(["systemctl", "restart", CONSOLE_UNIT], within_s=START_S)

    def has_console(self, unit: str = CONSOLE_UNIT) -> bool:
        """Whether a console runs on that line."""
        return self.agent.run(["systemctl", "is-active", unit], check=False).out.strip() == "active"

    def boot_id(self) -> str:
        """Which start of the kernel this is."""
        return self.agent.read_text("/proc/sys/kernel/random/boot_id").strip()

    def log(self) -> str:
        return self.agent.run(["journalctl", "-b", "-u", "offhook", "--no-pager", "-o", "short-monotonic"]).out

    # The phone on it.

    def start_phone(self) -> None:
        # A board that still boots cancels what is asked of its units now and then.
        wait_until("the phone to be started anew", self._restarts, START_S * self.patience)

    def _restarts(self) -> bool:
        self.agent.run(["systemctl", "reset-failed", "offhook"], check=False)
        return self.agent.run(["systemctl", "restart", "offhook"], check=False, within_s=START_S).status == 0

    def kill_phone(self) -> None:
        self.agent.run(["systemctl", "kill", "--signal=KILL", "offhook"])
        self.agent.run(["systemctl", "stop", "offhook"])

    def phone_process(self) -> int:
        process = int(self.agent.run(["systemctl", "show", "-P", "MainPID", "offhook"]).out)
        assert process, "the phone does not run"
        return process

    def keep_profile(self, text: str) -> str:
        """Write a board profile where the phone finds it at its next start, too; answers where."""
        (self.share / "board.toml").write_text(text)
        self.agent.run(["install", "-m", "644", f"{SHARE_PLACE}/board.toml", PROFILE])
        self.agent.run(["sync", "-f", PROFILE])
        return PROFILE

    def ask_json(self, *words: str) -> dict[str, object]:
        """What `offhook --json ...` says in the board."""
        answer: dict[str, object] = json.loads(self.agent.run([*self.offhook, "--json", *words]).out)
        return answer


def find_image() -> Path:
    """The product's image for this board: OFFHOOK_IMAGE, or what `build-image` makes."""
    given = os.environ.get("OFFHOOK_IMAGE")
    if given:
        path = Path(given)
        assert path.exists(), f"OFFHOOK_IMAGE: there is no {path}"
        return path
    raise AssertionError("no image; type: firmware_scripts/build-image --board virt")


def build_rig(folder: Path, network: BoardNetwork, provision: Path | None = None, number: int = 10) -> QemuRig:
    """A rig with the product's image and Debian's U-Boot."""
    from tests.board import parts  # noqa: PLC0415

    files = BoardFiles(find_image(), parts.u_boot(), provision)
    rig = QemuRig(folder, network, files, number)
    network.start_dhcp({rig.board.hardware_address: rig.address})
    return rig
