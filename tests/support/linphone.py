"""Linphone's command line phone, linphonec, with one account and no sound card."""

import os
import subprocess
from pathlib import Path

from device.demo.system import free_port
from tests.support.processes import HOST, find_program, wait_until

CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
default_proxy=0
[misc]
auto_net_state_mon=0
[sound]
echocancellation=0
[proxy_0]
reg_proxy=<sip:{server}>
reg_identity=sip:{user}@{domain}
reg_expires=60
reg_sendregister=1
publish=0
[auth_info_0]
username={user}
passwd={password}
realm={domain}
"""


class Linphone:
    """One linphonec that registers when it starts; what it says and sends stands in `log()`."""

    def __init__(self, user: str, password: str, server: str, folder: Path, domain: str = HOST) -> None:
        self.folder = folder / f"linphone-{user}"
        # Without this folder it works half: no registration, and no word about it.
        (self.folder / ".local" / "share" / "linphone").mkdir(parents=True)
        self._log_path = self.folder / "linphone.log"
        self._settings = self.folder / "linphonerc"
        self._settings.write_text(
            CONFIG.format(port=free_port(), server=server, user=user, domain=domain, password=password)
        )
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; it is told things through its standard input."""
        command = [find_program("linphonec"), "-c", str(self._settings), "-d", "6", "-l", str(self._log_path)]
        with (self.folder / "said.log").open("ab") as said:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                text=True,
                env={**os.environ, "HOME": str(self.folder)},
            )
        wait_until("linphonec to begin its log", self._log_path.exists)

    def type(self, *lines: str) -> None:
        """Give it commands, such as `call 1002`."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines))
        self._process.stdin.flush()

    def expect(self, text: str) -> None:
        """Wait until its log has a text."""
        wait_until(f"linphonec to say {text!r}; see {self.folder}", lambda: text in self.log())

    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    def stop(self) -> None:
        """End it, and take its password away."""
        if self._process is not None:
            # Asked to quit it waits for the answer to its last REGISTER; it has nothing to save.
            self._process.kill()
            self._process.communicate()
        self._settings.unlink()
