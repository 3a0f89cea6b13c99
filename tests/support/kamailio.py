"""Kamailio as registrar and proxy on the loopback interface, its users in SQLite."""

import hashlib
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from device.demo.system import free_port
from tests.support.certificates import Certificate
from tests.support.processes import HOST, Program, find_program, wait_until
from tests.support.sipp import is_bound

CONFIG = Path(__file__).parents[1] / "interop" / "kamailio" / "kamailio.cfg"
DOMAIN = "kamailio.test"

TLS = """
enable_tls=yes
listen=tls:{host}:{port}
loadmodule "tls.so"
modparam("tls", "config", "@FOLDER@/tls.cfg")
"""

TLS_CONFIG = """
[server:default]
method = {method}
verify_certificate = no
require_certificate = no
certificate = {certificate}
private_key = {key}
[client:default]
verify_certificate = no
require_certificate = no
"""

OUTBOUND_MODULES = """
loadmodule "outbound.so"
loadmodule "stun.so"
"""

OUTBOUND = """
loadmodule "path.so"
modparam("registrar", "outbound_mode", 1)
modparam("registrar", "flow_timer", {flow_timer})
modparam("registrar", "use_path", 1)
"""

GRUU = """
            if (is_gruu() && !lookup("location")) {
                sl_send_reply("404", "No such GRUU");
                exit;
            }
"""
"""Stock configurations leave this out: requests within a dialog go to the GRUU that stands in the Contact."""

PATH = """
loadmodule "path.so"
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 2)
"""

SERVICE_ROUTE = """
        append_to_reply("Service-Route: <sip:{edge};lr>\\r\\n");
"""

ROUTE = """
    if ($rd == "{domain}") {{
        # The phone's Route to us has served.
        remove_hf("Route");
        $du = "{uri}";
    }}
"""

SCHEMA = "CREATE TABLE subscriber (username TEXT, domain TEXT, ha1 TEXT, PRIMARY KEY (username, domain))"


class Kamailio:
    """One Kamailio with users; registrations are granted for `expires_s` and forgotten when it ends.

    With `flow_timer_s` it does outbound (RFC 5626), answers STUN and sends what is meant for a GRUU there. With
    `edge`, the address of a proxy in front of it, it keeps the Path of registrations and names that proxy as the
    Service-Route (RFC 3327, RFC 3608). With `core`, the address of a registrar, it is such a proxy itself. `routes` are
    the proxies of other domains, as URIs.
    """

    def __init__(
        self,
        folder: Path,
        passwords: Mapping[str, str],
        expires_s: int = 4,
        *,
        host: str = HOST,
        prefix: tuple[str, ...] = (),
        port: int = 0,
        certificate: Certificate | None = None,
        flow_timer_s: int = 0,
        edge: str = "",
        core: str = "",
        routes: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or free_port()
        self.folder = folder / f"kamailio-{self.port}"
        self.folder.mkdir()
        self.address = f"{host}:{self.port}"
        self.tls_port = free_port()
        self.tls_address = f"{host}:{self.tls_port}"
        """Where it listens by TLS, if it has been given a certificate."""
        self._prefix = list(prefix)
        self.program: Program | None = None
        database = self.folder / "users.db"
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(SCHEMA)
            for user, password in passwords.items():
                ha1 = hashlib.md5(f"{user}:{DOMAIN}:{password}".encode()).hexdigest()
                connection.execute("INSERT INTO subscriber VALUES (?, ?, ?)", (user, DOMAIN, ha1))
        text = (CONFIG.with_name("edge.cfg") if core else CONFIG).read_text()
        values = {
            "HOST": host,
            "PORT": self.port,
            "DOMAIN": DOMAIN,
            "EXPIRES": expires_s,
            "DATABASE": database,
            "TLS": TLS.format(host=host, port=self.tls_port) if certificate is not None else "",
            "OUTBOUND_MODULES": OUTBOUND_MODULES if flow_timer_s else "",
            "OUTBOUND": OUTBOUND.format(flow_timer=flow_timer_s) if flow_timer_s else "",
            "PATH": PATH if edge else "",
            "SERVICE_ROUTE": SERVICE_ROUTE.format(edge=edge) if edge else "",
            "ROUTES": "".join(ROUTE.format(domain=domain, uri=uri) for domain, uri in (routes or {}).items()),
            "GRUU": GRUU if flow_timer_s else "",
            "FOLDER": self.folder,
            "CORE": core,
        }
        if certificate is not None:
            self.use_tls(certificate)
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        self._config = self.folder / "kamailio.cfg"
        self._config.write_text(text)

    def use_tls(self, certificate: Certificate, method: str = "TLSv1.2+") -> None:
        """Show this certificate and speak these versions of TLS from the next start on."""
        text = TLS_CONFIG.format(method=method, certificate=certificate.path, key=certificate.key)
        (self.folder / "tls.cfg").write_text(text)

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [
            *self._prefix,
            find_program("kamailio"),
            "-f",
            str(self._config),
            "-DD",
            "-E",
            "-Y",
            str(self.folder),
        ]
        command += ["-w", str(self.folder), "-m", "32", "-M", "4"]
        program = self.program = Program("kamailio", command, self.folder, own_group=True)
        for transport in ("udp", "tcp"):
            wait_until("kamailio to listen", lambda t=transport: program.check() or is_bound(self.port, t, program.pid))

    def ask(self, *words: str) -> str:
        """What its control socket answers."""
        command = [find_program("kamcmd"), "-s", f"unix:{self.folder}/control", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout

    def contacts(self) -> list[str]:
        """The addresses of all contacts that it knows."""
        lines = (line.strip() for line in self.ask("ul.dump").splitlines())
        return [line.removeprefix("Address: ") for line in lines if line.startswith("Address: ")]

    def stop(self) -> None:
        if self.program is not None:
            self.program.stop()

    def kill(self) -> None:
        """End it with all its workers at once, as a power cut would."""
        if self.program is not None:
            self.program.kill()
