"""A look into the store without touching it: a copy is made, opened and thrown away."""

import os
import shutil
import tempfile

from device.doctor.system_view import SystemView
from device.records import dataclass, field
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.errors import StoreError, StoreUnwritableError
from device.store.memory_copy import MemoryCopy
from device.store.settings import Settings


@dataclass(frozen=True, slots=True)
class StoreLook:
    """What was seen."""

    exists: bool = False
    is_readable: bool = False
    """Whether its settings and accounts are known."""
    fault: str = ""
    """What is wrong with what is stored; empty when nothing is, or nothing could be read."""
    settings: dict[str, str] = field(default_factory=dict)
    servers: tuple[str, ...] = ()
    """The servers of the enabled accounts."""
    accounts: int = 0
    has_copy: bool = False
    """Whether there is a last good copy."""


def look_at_store(view: SystemView, store: str, running: bool) -> StoreLook:
    """Read settings and accounts, and see whether the file is whole. A store that a phone has open is left to it."""
    path = view.path(store)
    exists, has_copy = view.exists(store), view.exists(f"{store}.backup")
    if running or not (exists or has_copy):
        return StoreLook(exists=exists, has_copy=has_copy)
    if not any(os.access(name, os.R_OK) for name in (path, f"{path}.backup")):
        return StoreLook(exists=exists, has_copy=has_copy)
    folder = tempfile.mkdtemp(prefix="offhook-doctor-")
    copy = MemoryCopy(path, os.path.join(folder, "copy"), f"{store} cannot be copied")
    try:
        copy.make()
        return _read(copy, store, has_copy)
    except StoreUnwritableError as fault:
        return StoreLook(exists=exists, has_copy=has_copy, fault=str(fault))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(copy: MemoryCopy, store: str, has_copy: bool) -> StoreLook:
    try:
        with open_database(copy.path) as database:
            accounts = [account for account in Accounts(database).list() if account.enabled]
            return StoreLook(
                exists=True,
                is_readable=True,
                fault=database.notice.replace(copy.path, store),
                settings=Settings(database).get_all(),
                servers=tuple(dict.fromkeys(account.registrar or account.domain for account in accounts)),
                accounts=len(accounts),
                has_copy=has_copy,
            )
    except StoreError as fault:
        return StoreLook(exists=True, fault=str(fault).replace(copy.path, store), has_copy=has_copy)
