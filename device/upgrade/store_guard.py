"""The store across a trial: kept aside before the new version first opens it, put back when the old one cannot read it.

A new version may change the form of the store, which the old one then refuses.
"""

import os
import shutil
import stat
from contextlib import suppress

from device.store.database import open_database
from device.store.errors import SchemaTooNewError, StoreError
from device.upgrade.image_system import STORE_FOLDER, ImageSystem
from device.upgrade.records_file import UpgradeRecords

STORE_NAME = "offhook.db"
REFUSED = "refused-"
"""Before the names of the files that the old version could not read; they stay until the next upgrade."""


def keep_store(system: ImageSystem, records: UpgradeRecords) -> bool:
    """Copy the store aside, once a trial; False where that was done at an earlier start of this trial."""
    if os.path.isdir(records.store_copy):
        return False
    store = system.path(STORE_FOLDER)
    for name in os.listdir(store):
        if name.startswith(REFUSED):
            os.unlink(os.path.join(store, name))
    unfinished = f"{records.store_copy}.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    _copy(store, unfinished)
    os.rename(unfinished, records.store_copy)
    os.sync()
    return True


def restore_store(system: ImageSystem, records: UpgradeRecords) -> bool:
    """Put the copy back where this version refuses the store; True when that was so. The copy goes either way."""
    store = system.path(STORE_FOLDER)
    refused = os.path.isdir(records.store_copy) and _is_refused(store)
    if refused:
        _put_back(records.store_copy, store)
    forget_store(records)
    return refused


def forget_store(records: UpgradeRecords) -> None:
    """Take the copy away."""
    shutil.rmtree(records.store_copy, ignore_errors=True)


def _is_refused(store: str) -> bool:
    if os.path.exists(os.path.join(store, f"{REFUSED}{STORE_NAME}")):
        # An earlier start was cut off while it put the copy back.
        return True
    try:
        open_database(os.path.join(store, STORE_NAME)).close()
    except SchemaTooNewError:
        return True
    except StoreError:
        # Damage is for the daemon to deal with, which has a last good copy of its own.
        return False
    finally:
        _give_to_owner(store)
    return False


def _give_to_owner(store: str) -> None:
    """What root opened must stay the phone's."""
    if os.geteuid() == 0:
        about = os.stat(store)
        for name in os.listdir(store):
            os.chown(os.path.join(store, name), about.st_uid, about.st_gid, follow_symlinks=False)


def _put_back(copy: str, store: str) -> None:
    """Each file in turn, the database last: a power cut in between leaves a store that is refused again."""
    for name in sorted(os.listdir(store)):
        if name.startswith(STORE_NAME):
            os.rename(os.path.join(store, name), os.path.join(store, f"{REFUSED}{name}"))
    for name in sorted(os.listdir(copy), key=lambda name: (name == STORE_NAME, name)):
        target = os.path.join(store, name)
        _remove(f"{target}.new")
        _copy_file(os.path.join(copy, name), f"{target}.new")
        os.replace(f"{target}.new", target)
    os.sync()


def _copy(source: str, target: str) -> None:
    os.makedirs(target, mode=0o700)
    for name in sorted(os.listdir(source)):
        path = os.path.join(source, name)
        # The folder is the phone's, we are root: no link of its making may lead us to the files of others.
        if stat.S_ISREG(os.lstat(path).st_mode) and not name.startswith(REFUSED):
            _copy_file(path, os.path.join(target, name))


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _copy_file(source: str, target: str) -> None:
    shutil.copy2(source, target, follow_symlinks=False)
    about = os.lstat(source)
    if os.geteuid() == 0:
        os.chown(target, about.st_uid, about.st_gid, follow_symlinks=False)
