"""The files around the database: their modes, the last good copy, and damaged ones moved aside. No SQL here."""

import fcntl
import os
import time
from collections.abc import Callable

from device import plain_logging as logging
from device.store.errors import StoreBusyError, StoreError, StoreUnwritableError

logger = logging.getLogger(__name__)

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700
RESET_SUFFIX = ".reset"
"""Of the file beside the store that asks for a factory reset, see `device.store.factory_reset`."""

RECORDINGS = "recordings"
"""The folder of recorded calls beside the store; a factory reset erases it."""

DAMAGED_FILES_KEPT = 3
"""Damaged files are kept for whoever wants to rescue something, but they may not fill the card."""

COPY_BLOCK_BYTES = 65536

OPENING_PATIENCE_S = 10.0
"""A slow card needs seconds for a new store; whoever is busy with it for longer hangs."""

OPENING_LOOK_S = 0.01


def sync_directory(directory: str) -> None:
    """Make creations and renames in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_private(path: str) -> None:
    """Create the empty file `path` with mode 0600 whatever the umask; one that exists is replaced."""
    if os.path.lexists(path):
        os.unlink(path)
    _create(path)


def _create(path: str) -> None:
    """The same for a path that is free. Raises FileExistsError for one that is not, or no longer."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)


def replace_private(path: str, text: str) -> None:
    """Write the file `path` with mode 0600, durably: a power cut leaves the old one or the new one. Raises OSError."""
    fresh = f"{path}.new"
    create_private(fresh)
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_directory(os.path.dirname(os.path.abspath(path)))


def is_reset_requested(store: str) -> bool:
    """Whether the next start erases everything."""
    return os.path.exists(store + RESET_SUFFIX)


class StoreFiles:
    """Names and handling of the files that belong to the database at `path`.

    Nothing here may open the database file while SQLite has it open in this process: closing any descriptor of a
    file drops the process's POSIX locks on it.
    """

    __slots__ = ("backup", "backup_new", "directory", "path")

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self.directory = os.path.dirname(self.path)
        self.backup = self.path + ".backup"
        self.backup_new = self.backup + ".new"

    def prepare(self) -> None:
        """Make directory and file exist with their private modes, before SQLite opens the file.

        SQLite gives its -wal and -shm files the mode of the database, so that one mode guards them all.
        Raises StoreError when the place cannot be written.
        """
        self.make_directory()
        try:
            if not os.path.exists(self.path):
                self._create_unless_made()
            for name in (self.path, self.path + "-wal", self.path + "-shm", self.backup):
                if os.path.exists(name) and os.stat(name).st_mode & 0o777 != FILE_MODE:
                    os.chmod(name, FILE_MODE)
        except OSError as error:
            raise self.unusable(error) from None
        if not os.path.isfile(self.path):
            raise StoreError(
                f"{self.path} is not a regular file: move it away, or choose another file with --store FILE"
            )

    def make_directory(self) -> None:
        """Make the directory exist with its private mode. Raises StoreUnwritableError."""
        try:
            if not os.path.isdir(self.directory):
                os.makedirs(self.directory, DIRECTORY_MODE, exist_ok=True)
                os.chmod(self.directory, DIRECTORY_MODE)
        except OSError as error:
            raise self.unusable(error) from None

    def unusable(self, error: OSError) -> StoreUnwritableError:
        """What to say of a place where no store can be kept."""
        return StoreUnwritableError(
            f"{self.path}: the store cannot be kept here ({error.strerror}): make {self.directory} writable "
            "for the user of offhook, or choose another file with `offhook run --store FILE`"
        )

    def _create_unless_made(self) -> None:
        """Another process may make the database at this moment: it must not be replaced."""
        try:
            _create(self.path)
        except FileExistsError:
            logger.info("%s: another process has just made it", self.path)
        sync_directory(self.directory)

    def remove_unfinished_copy(self) -> None:
        """Take away what a copy that never was finished has left; for whoever has the store, as it may be under way."""
        if os.path.exists(self.backup_new):
            try:
                os.unlink(self.backup_new)
            except OSError as error:
                logger.warning("%s cannot be removed: %s", self.backup_new, error.strerror)

    def is_empty(self) -> bool:
        """Whether the database has never been written, or was cut to nothing by a power cut."""
        return os.path.getsize(self.path) == 0

    def has_backup(self) -> bool:
        return os.path.exists(self.backup) and os.path.getsize(self.backup) > 0

    def was_cut_off(self) -> bool:
        """Whether the last run ended without closing: its journal is still there, and the copy lacks what is in it."""
        try:
            return os.path.getsize(self.path + "-wal") > 0
        except OSError:
            return False

    def restore_backup(self) -> None:
        """Put a copy of the last good copy in the place of the database; the copy itself stays."""
        fresh = self.path + ".restored"
        try:
            create_private(fresh)
            with open(self.backup, "rb") as source, open(fresh, "wb") as target:
                while block := source.read(COPY_BLOCK_BYTES):
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
            self._remove_journals()
            os.replace(fresh, self.path)
            sync_directory(self.directory)
        except OSError as error:
            raise StoreUnwritableError(
                f"{self.backup}: the last good copy cannot be put in place ({error.strerror}): free some space in "
                f"{self.directory} and start again"
            ) from None

    def install_backup(self) -> None:
        """Let the finished new copy take the place of the last one, durably."""
        descriptor = os.open(self.backup_new, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(self.backup_new, self.backup)
        sync_directory(self.directory)

    def set_aside(self) -> str:
        """Rename the damaged database and its journals to NAME.damaged-N; return the new name."""
        number = max(self._damaged_numbers(), default=0) + 1
        aside = f"{self.path}.damaged-{number}"
        try:
            for suffix in ("-wal", "-shm", ""):
                if os.path.exists(self.path + suffix):
                    os.replace(self.path + suffix, aside + suffix)
            for old in self._damaged_numbers()[:-DAMAGED_FILES_KEPT]:
                self._remove_damaged(old)
            sync_directory(self.directory)
        except OSError as error:
            raise StoreUnwritableError(f"{self.path} is damaged and cannot be moved aside ({error.strerror})") from None
        return aside

    def _damaged_numbers(self) -> list[int]:
        prefix = os.path.basename(self.path) + ".damaged-"
        numbers = (name[len(prefix) :] for name in os.listdir(self.directory) if name.startswith(prefix))
        return sorted(int(number) for number in numbers if number.isdecimal())

    def _remove_damaged(self, number: int) -> None:
        for suffix in ("", "-wal", "-shm"):
            name = f"{self.path}.damaged-{number}{suffix}"
            if os.path.exists(name):
                os.unlink(name)

    def _remove_journals(self) -> None:
        for suffix in ("-wal", "-shm"):
            if os.path.exists(self.path + suffix):
                os.unlink(self.path + suffix)


class OpeningTurn:
    """One process after the other opens a store of this directory; a context manager around the opening.

    Two that open the same file at once each hold it for reading while each waits to be alone with it: SQLite would
    refuse both. What is locked is the directory, since the file may be replaced meanwhile, and not by the kind of lock
    that SQLite takes. Raises StoreBusyError when another one does not come to an end, and StoreUnwritableError.
    """

    __slots__ = ("_clock", "_descriptor", "_files")

    def __init__(self, files: StoreFiles, clock: Callable[[], float] = time.monotonic) -> None:
        self._files = files
        self._clock = clock
        self._descriptor = -1

    def __enter__(self) -> None:
        self._files.make_directory()
        try:
            self._descriptor = os.open(self._files.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._files.unusable(error) from None
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise

    def _wait(self) -> None:
        last = self._clock() + OPENING_PATIENCE_S
        while not self._try():
            if self._clock() >= last:
                raise StoreBusyError(
                    f"{self._files.path}: another process has been opening it for {OPENING_PATIENCE_S:.0f} s: "
                    "stop the other offhook, then start again"
                )
            time.sleep(OPENING_LOOK_S)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # Some network file systems lock no directories; SQLite's own locks still keep the data whole.
            logger.debug("%s cannot be locked: %s", self._files.directory, error.strerror)
        return True

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        self._descriptor = -1
