"""What discovery remembers over a restart: the mode, the boards of its house, and its passwords at other houses."""

import os

from device.annotations import Any
from device.discovery.errors import DiscoveryError
from device.discovery.house import Member, members_as_json, read_members
from device.discovery.rule import MODES
from device.plain_json import dumps, loads
from device.store.files import sync_directory

FILE_NAME = "house.json"
STATUS_NAME = "status.json"


class Notebook:
    """A file of its own in `folder`, which only its owner reads: there are secrets in it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.mode = MODES[0]
        self.members: dict[str, Member] = {}
        self.passwords: dict[str, str] = {}
        """By host."""

    def load(self) -> None:
        """Read it, if it is there. Raises DiscoveryError; what is in it and not understood is left out."""
        try:
            with open(os.path.join(self.folder, FILE_NAME), encoding="utf-8") as file:
                values = loads(file.read())
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            path = os.path.join(self.folder, FILE_NAME)
            raise DiscoveryError(f"{path} cannot be read ({error}): remove it to begin anew") from None
        if not isinstance(values, dict):
            return
        self.mode = values["mode"] if values.get("mode") in MODES else MODES[0]
        self.members = read_members(values.get("members"))
        passwords = values.get("passwords")
        if isinstance(passwords, dict):
            self.passwords = {str(host): str(password) for host, password in passwords.items()}

    def save(self) -> None:
        """Write it whole or not at all. Raises DiscoveryError."""
        members = members_as_json(self.members)
        self._write(FILE_NAME, {"mode": self.mode, "members": members, "passwords": self.passwords})

    def write_status(self, values: dict[str, Any]) -> None:
        """Let `offhook discovery status` know. Raises DiscoveryError."""
        self._write(STATUS_NAME, values)

    def read_status(self) -> dict[str, Any]:
        """What `write_status` wrote last; nothing where discovery has not run."""
        try:
            with open(os.path.join(self.folder, STATUS_NAME), encoding="utf-8") as file:
                values = loads(file.read())
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    def _write(self, name: str, values: dict[str, Any]) -> None:
        path = os.path.join(self.folder, name)
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(dumps(values) + "\n")
                file.flush()
                os.fsync(file.fileno())
            if os.geteuid() == 0:
                # What root has written must stay readable for the service, which is another user.
                owner = os.stat(self.folder)
                os.chown(f"{path}.new", owner.st_uid, owner.st_gid)
            os.replace(f"{path}.new", path)
            sync_directory(self.folder)
        except OSError as error:
            raise DiscoveryError(f"{path} cannot be written: {error.strerror}") from None
