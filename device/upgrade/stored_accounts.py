"""Which accounts have been at a server before, by what is stored: for an upgrade of a phone that does not answer."""

import os
import shutil
import tempfile

from device.model import AccountId
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.errors import StoreError
from device.store.memory_copy import MemoryCopy
from device.upgrade.image_system import ImageSystem
from device.upgrade.store_guard import STORES

STORE = os.path.join(*STORES[0])
"""That of the phone."""


def stored_accounts(system: ImageSystem) -> list[str]:
    """The enabled accounts that register and whose password a server has asked for, by their names.

    A copy is read, since a phone that hangs may still have the store open. Nothing where it cannot be read.
    """
    folder = tempfile.mkdtemp(prefix="offhook-upgrade-")
    copy = MemoryCopy(system.path(STORE), os.path.join(folder, "copy"), "the store cannot be copied")
    try:
        if not copy.make():
            return []
        with open_database(copy.path) as database:
            accounts = Accounts(database)
            return [
                str(account.id)
                for account in accounts.list()
                if account.enabled and account.register and _was_sealed(accounts, account.id)
            ]
    except StoreError:
        return []
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _was_sealed(accounts: Accounts, account: AccountId) -> bool:
    credential = accounts.credential(account)
    return credential is not None and not credential.password
