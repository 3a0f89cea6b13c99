"""The exchange of the house as a child of this program, with a store and a control socket of its own."""

import os
import subprocess
import sys

from device import plain_logging as logging
from device.control.client import ControlClient
from device.control.errors import ControlError
from device.discovery.house import EVERYBODY, Member
from device.sip.digest import ha1

logger = logging.getLogger(__name__)

DEFAULT_PORT = 5070
"""The phone of the same board has 5060."""
ALGORITHMS = ("MD5", "SHA-256")
STOP_TIMEOUT_S = 5.0


class ExchangeChild:
    """`offhook exchange run`, started when this board takes office and ended when it leaves it."""

    def __init__(self, folder: str, board_id: str, port: int) -> None:
        self.domain = f"house-{board_id[:8]}.home.arpa"
        self.port = port
        self._store = os.path.join(folder, "exchange.db")
        self._socket = os.path.join(folder, "exchange.sock")
        self._process: subprocess.Popen[bytes] | None = None
        self._client = ControlClient(self._socket)

    def start(self) -> None:
        """Start it, if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        command = [sys.executable, "-m", "device", "exchange", "run", "--listen", f"0.0.0.0:{self.port}"]
        command += ["--domain", self.domain, "--store", self._store, "--socket", self._socket]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  # the words are ours
        logger.info("the exchange of the house is started, for %s at port %d", self.domain, self.port)

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            self._client.call("status")
        except ControlError:
            return False
        return True

    def has_failed(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def admit(self, member: Member) -> None:
        """Let a board register. Raises ControlError."""
        values = {name: ha1(name, member.number, self.domain, member.password) for name in ALGORITHMS}
        self._client.call("exchange.user.put", user=member.number, domain=self.domain, ha1s=values)

    def ring_together(self, numbers: list[str]) -> None:
        """Let the number of everybody call these. Raises ControlError."""
        words = ["group", "set", EVERYBODY, "all", *numbers]
        self._client.call("exchange.command", words=words, domain=self.domain)

    def stop(self) -> None:
        """End it; calls go on, since their sound goes from phone to phone."""
        self._client.close()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        logger.info("the exchange of the house is ended")
