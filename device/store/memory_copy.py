"""A copy of the store in memory for a phone whose card cannot be written: read-only, full, or without rights.

Loaded only where the store itself could not be opened.
"""

import errno
import os

from device import plain_logging as logging
from device.store.database import Database, open_database
from device.store.errors import StoreUnwritableError
from device.store.files import COPY_BLOCK_BYTES, DIRECTORY_MODE, create_private

logger = logging.getLogger(__name__)

PARTS = ("", "-wal", ".backup")
"""The database, its journal and its last good copy."""

SPACE_BYTES = 1 << 20
"""So much must be free on the card before the store there is used again."""


class MemoryCopy:
    """Where the copy lies, in a folder of memory, and what it is a copy of."""

    __slots__ = ("_folder", "_reason", "original")

    def __init__(self, original: str, folder: str, reason: str) -> None:
        self.original = os.path.abspath(original)
        self._folder = folder
        self._reason = reason

    @property
    def path(self) -> str:
        """The copy of the database."""
        return os.path.join(self._folder, os.path.basename(self.original))

    @property
    def fault(self) -> str:
        """Why there is a copy, and what to do."""
        return self._reason

    def make(self) -> list[str]:
        """Copy what can be read; answers the suffixes of that. Raises StoreUnwritableError without a place for it."""
        try:
            self.remove()
            os.makedirs(self._folder, DIRECTORY_MODE)
            return [suffix for suffix in PARTS if _copied(self.original + suffix, self.path + suffix)]
        except OSError as error:
            raise StoreUnwritableError(f"{self._reason}; and {self._folder}: {error.strerror}") from None

    def remove(self) -> None:
        """Take the copy away; nothing to take away is no error."""
        try:
            names = os.listdir(self._folder)
        except OSError:
            return
        for name in names:
            os.unlink(os.path.join(self._folder, name))
        os.rmdir(self._folder)

    def original_is_back(self) -> bool:
        """Whether the store itself could be written again, as far as can be seen without writing."""
        place = self.original if os.path.exists(self.original) else os.path.dirname(self.original)
        try:
            space = os.statvfs(place)
        except OSError:
            return False
        return os.access(place, os.W_OK) and space.f_bavail * space.f_frsize >= SPACE_BYTES


def open_memory_copy(path: str, folder: str, reason: StoreUnwritableError) -> Database:
    """Open a copy in `folder`, which lies in memory, of the store at `path`, which cannot be written for `reason`.

    What was stored is all there; what is typed in is refused with the reason, since it would be lost; calls and the
    answers of DNS are kept until the end. Raises the reason itself where the place is wrong rather than broken.
    """
    copy = MemoryCopy(path, folder, _read_only(os.path.abspath(path)) or str(reason))
    if not copy.make() and not _is_broken(copy.original):
        copy.remove()
        raise reason
    try:
        database = open_database(copy.path)
    except BaseException:
        copy.remove()
        raise
    found = database.notice
    database.path = copy.original
    database.stands_in_for = copy
    database.notice = f"{copy.fault}; until then the phone runs on a copy in memory and refuses changes"
    logger.error("%s", database.notice)
    if found:
        database.notice += f" ({found})"
    return database


def _copied(source: str, target: str) -> bool:
    """Copy one file, if it can be read."""
    try:
        reading = open(source, "rb")  # noqa: SIM115  # only a source that cannot be read is no error
    except OSError:
        return False
    with reading:
        create_private(target)
        with open(target, "wb") as writing:
            while block := reading.read(COPY_BLOCK_BYTES):
                writing.write(block)
    return True


def _is_broken(path: str) -> bool:
    """Whether the file system at `path` is at fault, not the one who chose it: read-only, full, failing."""
    place = os.path.dirname(path)
    while not os.path.isdir(place):
        if os.path.lexists(place):
            return False
        place = os.path.dirname(place)
    try:
        space = os.statvfs(place)
    except OSError as error:
        return error.errno == errno.EIO
    return bool(space.f_flag & os.ST_RDONLY) or space.f_bavail * space.f_frsize < SPACE_BYTES


def _read_only(path: str) -> str:
    """What to type where the file system has turned read-only, as the kernel does when a card fails; else nothing."""
    place = os.path.dirname(path)
    while not os.path.isdir(place) and place != "/":
        place = os.path.dirname(place)
    try:
        read_only = bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    except OSError:
        return ""
    if not read_only:
        return ""
    while not os.path.ismount(place):
        place = os.path.dirname(place)
    return (
        f"{path} is on a read-only file system: type `mount -o remount,rw {place}`, and see with `dmesg` whether the "
        "card has failed"
    )
