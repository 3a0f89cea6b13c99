"""An authority of our own and certificates by it, made by openssl when a test wants them; none is in the tree."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.processes import find_program

DAY_S = 86_400
YEARS_S = 3650 * DAY_S

_AUTHORITY = """
[ca]
default_ca = here
[here]
dir = {folder}
database = $dir/index.txt
serial = $dir/serial
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
organizationName = optional
[server]
basicConstraints = CA:false
{names}
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[req]
distinguished_name = nobody
[nobody]
"""


def _time(unix_time: float) -> str:
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(unix_time))


def openssl(*arguments: str | Path) -> None:
    """Run openssl; what it complains of is in the error."""
    run = subprocess.run([find_program("openssl"), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


class Certificate:
    """Files of one certificate and its key."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"


class Authority:
    """A private certification authority in a folder of the test."""

    def __init__(
        self, folder: Path, name: str = "Test Authority", since: float = -DAY_S, until: float = YEARS_S
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self.path = folder / "ca.pem"
        self._count = 0
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("1000\n")
        self._write_config(())
        self._key(folder / "ca.key")
        subject = f"/CN={name}/O=Testers"
        self._request(folder / "ca.key", subject)
        self._sign("authority", self.path, since, until, selfsign=True)

    def issue(
        self,
        *names: str,
        common_name: str = "a server",
        since: float = -DAY_S,
        until: float = YEARS_S,
        key_of: Certificate | None = None,
    ) -> Certificate:
        """A certificate for alternative names such as "DNS:a.example", valid `since` and `until` seconds from now."""
        self._count += 1
        made = Certificate(self.folder, f"server-{self._count}")
        self._write_config(names)
        if key_of is None:
            self._key(made.key)
        else:
            made.key.write_bytes(key_of.key.read_bytes())
        self._request(made.key, f"/CN={common_name}")
        self._sign("server", made.path, since, until)
        return made

    def _write_config(self, names: Sequence[str]) -> None:
        text = f"subjectAltName = {','.join(names)}" if names else ""
        (self.folder / "openssl.cnf").write_text(_AUTHORITY.format(folder=self.folder, names=text))

    def _key(self, path: Path) -> None:
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    def _request(self, key: Path, subject: str) -> None:
        config = self.folder / "openssl.cnf"
        openssl("req", "-new", "-config", config, "-key", key, "-subj", subject, "-out", self.folder / "request.pem")

    def _sign(self, extensions: str, path: Path, since: float, until: float, selfsign: bool = False) -> None:
        now = time.time()
        openssl(
            *("ca", "-batch", "-notext", "-config", self.folder / "openssl.cnf", "-extensions", extensions),
            *("-startdate", _time(now + since), "-enddate", _time(now + until)),
            *("-in", self.folder / "request.pem", "-out", path),
            *(("-selfsign",) if selfsign else ()),
        )


def self_signed(folder: Path, *names: str) -> Certificate:
    """A certificate that vouches for itself, as small servers make one when they are first started."""
    made = Certificate(folder, "self-signed")
    arguments = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a box")
    openssl("req", *arguments, "-addext", f"subjectAltName={','.join(names)}", "-keyout", made.key, "-out", made.path)
    return made
