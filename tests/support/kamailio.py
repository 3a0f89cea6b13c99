"""Kamailio as registrar and proxy on the loopback interface, its users in SQLite."""

import hashlib
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from device.demo.system import free_port
from tests.support.processes import HOST, Program, find_program, wait_until
from tests.support.sipp import is_bound

CONFIG = Path(__file__).parents[1] / "interop" / "kamailio" / "kamailio.cfg"
DOMAIN = "kamailio.test"

SCHEMA = "CREATE TABLE subscriber (username TEXT, domain TEXT, ha1 TEXT, PRIMARY KEY (username, domain))"


class Kamailio:
    """One Kamailio with users; registrations are granted for `expires_s` and forgotten when it ends."""

    def __init__(self, folder: Path, passwords: Mapping[str, str], expires_s: int = 4) -> None:
        self.folder = folder / "kamailio"
        self.folder.mkdir()
        self.port = free_port()
        self.address = f"{HOST}:{self.port}"
        self.program: Program | None = None
        database = self.folder / "users.db"
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(SCHEMA)
            for user, password in passwords.items():
                ha1 = hashlib.md5(f"{user}:{DOMAIN}:{password}".encode()).hexdigest()
                connection.execute("INSERT INTO subscriber VALUES (?, ?, ?)", (user, DOMAIN, ha1))
        text = CONFIG.read_text()
        values = {"PORT": self.port, "DOMAIN": DOMAIN, "EXPIRES": expires_s, "DATABASE": database}
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        self._config = self.folder / "kamailio.cfg"
        self._config.write_text(text)

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [find_program("kamailio"), "-f", str(self._config), "-DD", "-E", "-Y", str(self.folder)]
        command += ["-w", str(self.folder), "-m", "32", "-M", "4"]
        program = self.program = Program("kamailio", command, self.folder, own_group=True)
        for transport in ("udp", "tcp"):
            wait_until("kamailio to listen", lambda t=transport: program.check() or is_bound(self.port, t))

    def stop(self) -> None:
        if self.program is not None:
            self.program.stop()

    def kill(self) -> None:
        """End it with all its workers at once, as a power cut would."""
        if self.program is not None:
            self.program.kill()
