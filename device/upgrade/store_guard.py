"""The stores across a change of the version: kept aside before a version first opens them, put back for the one before.

A new version may change the form of a store, which the old one then refuses. Phone and exchange have one each.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress

from device.store.database import newest_schema, stored_schema
from device.upgrade.errors import UpgradeError
from device.upgrade.image_system import DATA_FOLDER, ImageSystem
from device.upgrade.records_file import StoreCopy, UpgradeRecords

STORES = (("var/lib/offhook", "offhook.db"), ("var/lib/offhook-exchange", "exchange.db"))
"""The folders of the stores and the databases in them."""
SPARE_BYTES = 1 << 20
"""So much must be left beside a copy of the stores."""
REFUSED = "refused-"
"""Before the names of the files that the version which runs could not read; they stay until the next upgrade."""


def keep_store(system: ImageSystem, records: UpgradeRecords, about: StoreCopy, anew: bool = False) -> bool:
    """Copy the stores aside, as what `about` says; False where there is a copy already and none is wanted `anew`."""
    if os.path.isdir(records.store_copy) and not anew:
        return False
    unfinished = f"{records.store_copy}.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    os.makedirs(unfinished, mode=0o700)
    for folder, _ in _stores_of(system):
        _copy(folder, os.path.join(unfinished, os.path.basename(folder)))
    records.note_kept_store(about)
    shutil.rmtree(records.store_copy, ignore_errors=True)
    os.rename(unfinished, records.store_copy)
    os.sync()
    return True


def check_room(system: ImageSystem) -> None:
    """See that the data partition has room for a copy of the stores. Raises UpgradeError."""
    needed = SPARE_BYTES
    for folder, _ in _stores_of(system):
        paths = (os.path.join(folder, name) for name in os.listdir(folder) if not name.startswith(REFUSED))
        needed += sum(about.st_size for path in paths if stat.S_ISREG((about := os.lstat(path)).st_mode))
    free = os.statvfs(system.path(DATA_FOLDER))
    if free.f_bavail * free.f_frsize < needed:
        raise UpgradeError(
            f"the data partition has {free.f_bavail * free.f_frsize >> 10} KiB left, and a copy of the store needs "
            f"{needed >> 10}: take away what is not needed there, such as /data/var/log/journal"
        )


def forget_refused(system: ImageSystem) -> None:
    """Take away what was put aside when an earlier version came back."""
    for folder, _ in _stores_of(system):
        for name in os.listdir(folder):
            if name.startswith(REFUSED):
                os.unlink(os.path.join(folder, name))


def restore_store(system: ImageSystem, records: UpgradeRecords) -> list[str]:
    """Put the copy back where this version refuses a store; answers where the newer databases were put aside.

    A power cut in between is gone on from at the next start.
    """
    asides = []
    for folder, database in _stores_of(system):
        copy = os.path.join(records.store_copy, os.path.basename(folder))
        step, _, aside = records.restoring().partition(" ")
        if not step.endswith(f":{database}"):
            if not (os.path.exists(os.path.join(copy, database)) and _is_refused(folder, database)):
                continue
            step, aside = f"aside:{database}", _free_prefix(folder, database)
            records.note_restoring(f"{step} {aside}")
        if step.startswith("aside:"):
            _put_aside(folder, database, aside)
            records.note_restoring(f"copy:{database} {aside}")
        _put_back(copy, folder, database)
        records.note_restoring("")
        asides.append(os.path.join(folder, f"{aside}{database}"))
    return asides


def refused_stores(system: ImageSystem) -> list[str]:
    """The databases that this version cannot read, since a newer one has written them."""
    return [os.path.join(folder, database) for folder, database in _stores_of(system) if _is_refused(folder, database)]


def forget_store(records: UpgradeRecords) -> None:
    """Take the copy away."""
    records.forget_kept_store()
    shutil.rmtree(records.store_copy, ignore_errors=True)


def _stores_of(system: ImageSystem) -> Sequence[tuple[str, str]]:
    """Folder and database of each store that there is."""
    places = ((system.path(folder), database) for folder, database in STORES)
    return [(folder, database) for folder, database in places if os.path.isdir(folder)]


def _is_refused(folder: str, database: str) -> bool:
    """Damage is no reason: it is for the daemon to deal with, which has a last good copy of its own."""
    try:
        return stored_schema(os.path.join(folder, database)) > newest_schema()
    finally:
        _give_to_owner(folder)


def _give_to_owner(folder: str) -> None:
    """What root opened must stay the phone's."""
    if os.geteuid() == 0:
        about = os.stat(folder)
        for name in os.listdir(folder):
            os.chown(os.path.join(folder, name), about.st_uid, about.st_gid, follow_symlinks=False)


def _free_prefix(folder: str, database: str) -> str:
    """What was put aside earlier stays as it is."""
    number, prefix = 1, REFUSED
    while os.path.lexists(os.path.join(folder, f"{prefix}{database}")):
        number += 1
        prefix = f"{REFUSED}{number}-"
    return prefix


def _put_aside(folder: str, database: str, prefix: str) -> None:
    """The database last: as long as it is there, this is not finished."""
    names = [name for name in os.listdir(folder) if name.startswith(database)]
    for name in sorted(names, reverse=True):
        os.rename(os.path.join(folder, name), os.path.join(folder, f"{prefix}{name}"))
    os.sync()


def _put_back(copy: str, folder: str, database: str) -> None:
    """Each file in turn, the database last."""
    for name in sorted(os.listdir(copy), key=lambda name: (name == database, name)):
        target = os.path.join(folder, name)
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
