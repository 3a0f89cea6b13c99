"""A PostgreSQL cluster of a test's own on loopback, from Debian's packages."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

from device.demo.system import free_port
from tests.support.processes import HOST, Program, wait_until

BINARIES = Path("/usr/lib/postgresql")
USER = "sip"


class PostgreSql:
    """One server with one database and one user, both called `sip`; it trusts whoever connects over loopback."""

    def __init__(self, folder: Path) -> None:
        versions = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        assert versions, "PostgreSQL is not installed: run `firmware_scripts/prepare interop`"
        self._bin = versions[-1].parent
        self._log_folder = folder
        # The server refuses to run as root, and its user must be able to get at its files.
        self._folder = Path(mkdtemp(prefix="offhook-postgresql-"))
        self._data = self._folder / "data"
        self._as_server: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._as_server = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        self.port = free_port()
        self.url = f"postgres://{USER}:unused@{HOST}:{self.port}/{USER}"
        self._program: Program | None = None

    def start(self) -> None:
        """Make the cluster, start it and make the database."""
        self._run("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        options = ["-c", f"listen_addresses={HOST}", "-c", f"unix_socket_directories={self._folder}", "-c", "fsync=off"]
        command = [*self._as_server, str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]
        program = self._program = Program("postgresql", command, self._log_folder)
        wait_until("PostgreSQL to answer", lambda: program.check() or self._is_ready())
        self.execute(f"CREATE DATABASE {USER}", database="postgres")

    def _is_ready(self) -> bool:
        command = [str(self._bin / "pg_isready"), "-h", HOST, "-p", str(self.port)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _run(self, name: str, *words: str) -> None:
        command = [*self._as_server, str(self._bin / name), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder)
        assert done.returncode == 0, done.stderr

    def execute(self, sql: str, database: str = USER) -> list[str]:
        """Run statements; answers the rows, fields separated by `|`."""
        command = [
            "psql",
            "-h",
            HOST,
            "-p",
            str(self.port),
            "-U",
            USER,
            "-d",
            database,
            "-v",
            "ON_ERROR_STOP=1",
            "-qAt",
        ]
        done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def stop(self) -> None:
        """End it, and take its files away."""
        if self._program is not None:
            self._program.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
