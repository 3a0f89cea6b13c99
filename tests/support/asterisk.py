"""Asterisk as a PBX on the loopback interface, in a Debian root of its own that is made the first time."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from device.demo.system import free_port
from tests.support.certificates import Certificate
from tests.support.processes import HOST, ROOT, Program, wait_until

CONFIG = Path(__file__).parents[1] / "interop" / "asterisk"
DOMAIN = "asterisk"
"""The realm; phones register at the address."""

START_S = 30.0
"""Asterisk reads its documentation and some sixty modules before it says a word."""


def root_folder() -> Path:
    """The root with Asterisk in it. Only the superuser can change into one."""
    made = subprocess.run(
        [str(ROOT / "firmware_scripts" / "make-asterisk-root")], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())


class Asterisk:
    """One Asterisk with users; registrations are granted for `expires_s` at most and forgotten when it ends.

    `settings` fill in other @NAME@s of the configuration: codecs, dtmf, timers, 100rel.
    """

    def __init__(
        self,
        passwords: Mapping[str, str],
        expires_s: int = 60,
        host: str = HOST,
        prefix: tuple[str, ...] = (),
        **settings: object,
    ) -> None:
        self.root = root_folder()
        self.folder = Path(mkdtemp(prefix="offhook-", dir=self.root / "srv"))
        self.inside = f"/{self.folder.relative_to(self.root)}"
        self.port = free_port()
        self.tls_port = free_port()
        self.address = f"{host}:{self.port}"
        self.program: Program | None = None
        self._prefix = list(prefix)
        rtp = free_port()
        self.values: dict[str, object] = {
            "FOLDER": self.inside,
            "ARCH": next((self.root / "usr" / "lib").glob("*/asterisk")).parent.name,
            "HOST": host,
            "PORT": self.port,
            "TLS_PORT": self.tls_port,
            "EXPIRES": expires_s,
            "QUALIFY": 0,
            "CODECS": "ulaw,alaw",
            "DTMF": "auto",
            "ALGORITHMS": "MD5",
            "TIMERS": "yes",
            "100REL": "yes",
            "RTP": rtp,
            "RTP_END": rtp + 200,
            "TLS": "",
            "TLS_METHOD": "tlsv1_2",
            **{name.upper().lstrip("_"): value for name, value in settings.items()},
        }
        for path in CONFIG.glob("*.conf"):
            if path.name not in ("user.conf", "tls.conf"):
                self._write(path.name, self._filled(path.name))
        users = (self._filled("user.conf", USER=user, PASSWORD=password) for user, password in passwords.items())
        self._write("pjsip.conf", self._filled("pjsip.conf") + "".join(users))

    @property
    def tls_address(self) -> str:
        """Where it listens with TLS."""
        return f"{self.address.partition(':')[0]}:{self.tls_port}"

    def use_tls(self, certificate: Certificate) -> None:
        """Listen with TLS as well, with this certificate; before the start."""
        for path, name in ((certificate.path, "server.pem"), (certificate.key, "server.key")):
            shutil.copy(path, self.folder / name)
        text = (self.folder / "pjsip.conf").read_text()
        self._write("pjsip.conf", text.replace("\n[phone](!)", self._filled("tls.conf") + "\n[phone](!)", 1))

    def take(self, folder: Path) -> None:
        """Run with the users and numbers of a move, at a port of its own instead of the usual one; before the start."""
        for name in ("pjsip.conf", "extensions.conf"):
            text = (folder / name).read_text()
            self._write(name, text.replace("0.0.0.0:5060", self.address))

    def _filled(self, name: str, **more: object) -> str:
        text = (CONFIG / name).read_text()
        for key, value in {**self.values, **more}.items():
            text = text.replace(f"@{key}@", str(value))
        return text

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def _command(self, *words: str) -> list[str]:
        asterisk = ["chroot", str(self.root), "/usr/sbin/asterisk", "-C", f"{self.inside}/asterisk.conf"]
        return [*self._prefix, *asterisk, *words]

    def start(self) -> None:
        """Start it and wait until it has read everything."""
        self.program = Program("asterisk", self._command("-f"), self.folder)
        wait_until("asterisk to be ready", self._is_ready, START_S)

    def _is_ready(self) -> bool:
        assert self.program is not None
        self.program.check()
        return (self.folder / "asterisk.ctl").exists() and "fully booted" in self.ask("core waitfullybooted").lower()

    def ask(self, command: str) -> str:
        """What its own command line answers."""
        done = subprocess.run(self._command("-rx", command), capture_output=True, text=True, timeout=10, check=False)
        return done.stdout + done.stderr

    def stop(self) -> None:
        """End it in order, and leave nothing behind but its log."""
        if self.program is not None:
            self.program.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.program is not None:
            self.program.kill()
            (self.folder / "asterisk.ctl").unlink(missing_ok=True)

    def remove(self) -> None:
        """Take its folder away."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Everything that it has noted."""
        path = self.folder / "full"
        return path.read_text(errors="replace") if path.exists() else ""

    def expect_log(self, text: str) -> None:
        """Wait until it has noted something."""
        wait_until(f"asterisk to note {text!r}; see {self.folder}", lambda: text in self.log())

    def contacts(self, user: str) -> list[str]:
        """The contacts of a user, each with its state as qualifying found it."""
        lines = self.ask("pjsip show contacts").splitlines()
        return [line.strip() for line in lines if f" {user}/sip:" in line]
