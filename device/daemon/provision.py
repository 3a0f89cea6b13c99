"""`offhook provision`: settings and accounts from a file, put into the store before the phone starts.

A file is taken once: what a person changes afterwards stays, until the file itself is another one.
"""

import os
import sys
from collections.abc import Mapping, Sequence

from device.annotations import Any
from device.control.configuration_file import take_apart
from device.control.errors import ControlError
from device.daemon.account_fields import account_faults
from device.daemon.config import ConfigurationError, parse_configuration
from device.daemon.instance import first_mac
from device.daemon.options import UsageError, default_store
from device.errors import DeviceError
from device.hardware.toml_file import parse_toml
from device.model import Account, AccountId, Credential
from device.records import dataclass, fields, replace
from device.sip.digest import ha1, seal
from device.store.accounts import Accounts
from device.store.database import Database, open_database
from device.store.files import replace_private
from device.store.settings import Settings

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

MAX_FILE_BYTES = 262_144
"""Larger than any such file; the boot partition may hold anything under this name."""

TAKEN_SUFFIX = ".provisioned"
"""What the list of files that were taken is called, after the store beside which it lies."""

USAGE = """\
usage: offhook provision [--store FILE] FILE-OR-ADDRESS ...

Puts the settings and accounts of a file into the store, before the phone starts. Files that are not there are passed
over; one that was taken before is left alone until its contents change, so that later changes by hand stay. With a
fault in any file nothing is changed at all. An address (https, http) is fetched; {mac} in it is this phone's.

  --store FILE        the SQLite file with accounts, settings, call log and phone book
  --passphrase-file FILE   its first line opens the secrets that `export sealed` put into the file

Such a file is TOML:

  [settings.hardware]
  board = "raspberry-pi"

  [accounts.office]
  address = "1001@pbx.example.com"
  password = "secret"
  transport = "tcp"

example: offhook provision /boot/firmware/offhook.toml
         offhook provision https://conf.example.com/phones/{mac}.toml
"""

_NO_FIELDS = ("address", "password", "realm")
"""What an account of a file has besides the fields of Account."""


class ProvisioningError(DeviceError):
    """A file that cannot be taken; `faults` lists everything wrong with it, one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What one file asks for, checked as far as that goes without the store."""

    path: str
    fingerprint: str
    """A hash of its path and contents."""
    settings: dict[str, str]
    accounts: dict[str, dict[str, Any]]
    sealed: str = ""
    """Secrets under a passphrase."""

    def __repr__(self) -> str:
        return f"Provisioning(path={self.path!r}, ...)"


def main(arguments: Sequence[str]) -> int:
    """Run `offhook provision` with the arguments after these words; answers the process's exit status."""
    try:
        store, paths, passphrase = _parse_words(arguments)
    except UsageError as error:
        sys.stderr.write(f"offhook provision: {error}\n")
        return EXIT_USAGE
    if not paths:
        sys.stdout.write(USAGE)
        return EXIT_OK
    try:
        said = provision(store, paths, passphrase)
    except ProvisioningError as error:
        sys.stderr.write("".join(f"offhook provision: {fault}\n" for fault in error.faults))
        sys.stderr.write("offhook provision: nothing was changed; put that right and start the phone again\n")
        return EXIT_FAILED
    except DeviceError as error:
        sys.stderr.write(f"offhook provision: {error}\n")
        return EXIT_FAILED
    sys.stdout.write("".join(f"{sentence}\n" for sentence in said or [_nothing_taken(paths)]))
    return EXIT_OK


def _nothing_taken(paths: Sequence[str]) -> str:
    """What to say where everything is as it was: whoever has mistyped a name shall see it."""
    missing = [path for path in paths if "://" not in path and not os.path.exists(path)]
    return "nothing is new: " + "; ".join(
        f"{path} {'is not there' if path in missing else 'was taken before and has not changed'}" for path in paths
    )


def _parse_words(arguments: Sequence[str]) -> tuple[str, list[str], str]:
    """Store, files and passphrase; no files where help is wanted. Raises UsageError."""
    store, paths, passphrase = default_store(os.environ), [], ""
    words = iter(arguments)
    for word in words:
        name, separator, value = word.partition("=")
        if word in ("--help", "-h", "help"):
            return store, [], ""
        if name == "--store":
            store = value if separator else next(words, "")
            if not store:
                raise UsageError("--store needs a value; `offhook provision --help` shows an example")
        elif name == "--passphrase-file":
            passphrase = _read_passphrase(value if separator else next(words, ""))
        elif word.startswith("-"):
            raise UsageError(f"{word!r} is not an option of `offhook provision`; `offhook provision --help` lists them")
        else:
            paths.append(word)
    if not paths:
        raise UsageError("name the file to take, such as /boot/firmware/offhook.toml")
    return store, paths, passphrase


def _read_passphrase(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "is no text"
        raise UsageError(f"--passphrase-file {path}: {reason}") from error


def provision(store: str, paths: Sequence[str], passphrase: str = "") -> list[str]:
    """Take every file that is there and was not taken before; answers what was done, in sentences.

    Root reads the files and then goes on as the user whose store it is. Raises ProvisioningError for faulty files and
    StoreError; nothing has changed then.
    """
    files, faults = [], []
    taken = _read_taken(store + TAKEN_SUFFIX)
    for path in paths:
        try:
            file = read_provisioning(path)
        except ProvisioningError as error:
            faults += error.faults
            continue
        if file is not None and taken.get(file.path) != file.fingerprint:
            files.append(file)
    if faults:
        raise ProvisioningError(faults)
    if not files:
        return []
    become_owner(os.path.dirname(os.path.abspath(store)))
    with open_database(store) as database:
        for plan in [_check(file, database, passphrase) for file in files]:
            _apply(database, *plan)
    _write_taken(store + TAKEN_SUFFIX, {**taken, **{file.path: file.fingerprint for file in files}})
    return [
        f"{file.path}: {len(file.settings)} settings and {len(file.accounts)} accounts are in the store"
        for file in files
    ]


def become_owner(folder: str) -> None:
    """Root becomes the user whom the folder of the store belongs to, so that the phone can use what is made there."""
    if os.geteuid() != 0 or not os.path.isdir(folder):
        return
    owner = os.stat(folder)
    if owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


def read_provisioning(path: str) -> Provisioning | None:
    """Read one file; None where there is none. Raises ProvisioningError with every fault of its form."""
    try:
        path, data = _read(path)
        if len(data) > MAX_FILE_BYTES:
            raise ProvisioningError([f"{path}: is larger than {MAX_FILE_BYTES} bytes; that is no file of settings"])
        content = parse_toml(data)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProvisioningError([f"{path}: cannot be read ({error.strerror})"]) from None
    except ValueError as error:
        raise ProvisioningError([f"{path}: is no TOML: {error}"]) from None
    faults: list[str] = []
    form = take_apart(content, faults)
    accounts = _account_fields(form.accounts, faults)
    if faults:
        raise ProvisioningError([f"{path}: {fault}" for fault in faults])
    # The hash of the digest module is at hand; this is no digest of a password.
    fingerprint = ha1("SHA-256", path, "offhook provisioning", data.hex())
    return Provisioning(path, fingerprint, form.settings, accounts, form.sealed)


def _read(path: str) -> tuple[str, bytes]:
    """What a file or a web address is called from here on, and its contents. Raises OSError, ProvisioningError."""
    if "://" not in path:
        with open(path, "rb") as file:
            return path, file.read(MAX_FILE_BYTES + 1)
    from device.daemon import provision_download as web  # noqa: PLC0415  # a file needs no web client

    if not web.is_address(path):
        raise ProvisioningError([f"{path.partition('://')[0]}: files come by https and http, or from this machine"])
    try:
        address = web.fill_in(path, first_mac())
        return web.shown_address(address), web.download(address, MAX_FILE_BYTES)
    except web.DownloadError as error:
        raise ProvisioningError([str(error)]) from error


def _account_fields(accounts: Mapping[str, Mapping[str, object]], faults: list[str]) -> dict[str, dict[str, Any]]:
    """The accounts of a file by name, with their fields as Account has them."""
    known = {item.name: type(item.default) for item in fields(Account) if item.name not in ("id", "user", "domain")}
    known |= dict.fromkeys(("user", "domain", *_NO_FIELDS), str)
    found: dict[str, dict[str, Any]] = {}
    for name, table in accounts.items():
        found[name] = {}
        for key, value in table.items():
            where = f"accounts.{name}.{key}"
            if key not in known:
                faults.append(f"{where}: an account has no such field; there are {', '.join(sorted(known))}")
            elif type(value) is not known[key]:
                faults.append(f"{where}: is not of type {known[key].__name__}")
            else:
                found[name][key] = value
    return found


_AccountPlan = list[tuple[Account, Credential | None]]


def _open_sealed(file: Provisioning, passphrase: str) -> tuple[dict[str, Credential], dict[str, str]]:
    """The secrets of a file that has them sealed. Raises ProvisioningError."""
    if not file.sealed:
        return {}, {}
    if not passphrase:
        raise ProvisioningError(
            [f"{file.path}: its secrets are sealed: name the passphrase with --passphrase-file FILE"]
        )
    from device.daemon.sealed_secrets import open_secrets  # noqa: PLC0415  # most files have none

    try:
        return open_secrets(passphrase, file.sealed)
    except DeviceError as error:
        raise ProvisioningError([f"{file.path}: {error}"]) from error


def _check(file: Provisioning, database: Database, passphrase: str = "") -> tuple[dict[str, str], _AccountPlan]:
    """What is to be written; raises ProvisioningError with everything that does not fit what the store has."""
    faults: list[str] = []
    sealed, secret_settings = _open_sealed(file, passphrase)
    try:
        parse_configuration(file.settings)
    except ConfigurationError as error:
        faults += [f"{file.path}: {fault}" for fault in error.faults]
    stored = Accounts(database)
    plan: _AccountPlan = []
    for name, given in file.accounts.items():
        before = stored.get(AccountId(name))
        account = _changed(before or Account(AccountId(name), "", ""), given)
        faults += [f"{file.path}: accounts.{name}.{fault}" for fault in account_faults(account)]
        try:
            plan.append((account, _credential(account, given) or sealed.get(name)))
        except ControlError as error:
            faults.append(f"{file.path}: accounts.{name}.{error}")
    if faults:
        raise ProvisioningError(faults)
    return {**file.settings, **secret_settings}, plan


def _changed(account: Account, given: Mapping[str, Any]) -> Account:
    changes = {name: value for name, value in given.items() if name not in _NO_FIELDS}
    if "address" in given:
        user, _, domain = given["address"].removeprefix("sip:").rpartition("@")
        changes = {"user": user, "domain": domain, **changes}
    return replace(account, **changes)


def _credential(account: Account, given: Mapping[str, Any]) -> Credential | None:
    """What answers challenges; None where the file gives no password, so that one in the store stays."""
    password, realm = given.get("password", ""), given.get("realm", "")
    username = account.auth_user or account.user
    if not password:
        if realm:
            raise ControlError(0, "realm: give the password with it, so that it can be sealed for it")
        return None
    return seal(username, realm, password) if realm else Credential(username, password=password)


def _apply(database: Database, settings: Mapping[str, str], accounts: _AccountPlan) -> None:
    """Write it. A power cut in between does no harm: the file is not yet marked as taken and is taken again."""
    Settings(database).set_many(settings)
    stored = Accounts(database)
    for account, credential in accounts:
        if stored.get(account.id) is None:
            stored.add(account, credential)
        else:
            stored.update(account, credential)


def _read_taken(path: str) -> dict[str, str]:
    """The fingerprint of each file that was taken; empty where that cannot be known, so that all are taken again."""
    try:
        with open(path, encoding="utf-8") as file:
            pairs = [line.rstrip("\n").partition(" ") for line in file]
    except (OSError, ValueError):
        return {}
    return {name: fingerprint for fingerprint, _, name in pairs}


def _write_taken(path: str, taken: Mapping[str, str]) -> None:
    """Remember the newest state of each file, durably."""
    replace_private(path, "".join(f"{fingerprint} {name}\n" for name, fingerprint in taken.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
