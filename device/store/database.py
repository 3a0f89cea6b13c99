"""The one SQLite connection: opening, pragmas, migration, recovery, transactions and the last good copy."""

# The C module itself: `sqlite3` around it brings datetime and 400 KB of memory for converters that nobody uses here.
import _sqlite3 as sqlite3
import os
import time
from collections.abc import Callable, Sequence

from device import plain_logging as logging
from device.annotations import Any, Protocol
from device.store.errors import (
    DuplicateError,
    SchemaTooNewError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreUnwritableError,
)
from device.store.files import OpeningTurn, StoreFiles, create_private

logger = logging.getLogger(__name__)

APPLICATION_ID = 0x4F46484B
"""Marks the file as ours in its header ("OFHK"), for `file` and for a start with the wrong path."""

BACKUP_INTERVAL_S = 60.0
"""At most one last good copy in this time, however many changes a person makes in a row."""

BUSY_TIMEOUT_S = 1.0
CACHED_STATEMENTS = 16

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    # The page cache may take 256 KiB; memory is counted in docs/decisions and by `make bench`.
    "PRAGMA cache_size=-256",
    "PRAGMA mmap_size=0",
    "PRAGMA temp_store=MEMORY",
    # A log of 64 pages is folded into the database and cut, so that it never grows to SQLite's usual 4 MB.
    "PRAGMA wal_autocheckpoint=64",
    "PRAGMA journal_size_limit=262144",
)

MIGRATIONS_DIRECTORY = os.path.join(os.path.dirname(__file__), "migrations")

Row = tuple[Any, ...]


class StandIn(Protocol):
    """What a database knows of the place that it is a copy of; see `device.store.memory_copy`."""

    @property
    def fault(self) -> str:
        """Why that place cannot be used, and what to do."""

    def original_is_back(self) -> bool:
        """Whether that place can be used again."""

    def remove(self) -> None:
        """Take the copy away."""


class Database:
    """An open store. Made by `open_database`; used by one thread, closed by its owner.

    A last good copy is made after a commit of precious data, at most once in `backup_interval_s`; a change inside that
    time is copied by `handle_timeout` or at the latest by `close`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        files: StoreFiles,
        clock: Callable[[], float] = time.monotonic,
        backup_interval_s: float = BACKUP_INTERVAL_S,
    ) -> None:
        self.path = files.path
        self.notice = ""
        """What an administrator must know of the way the store was opened (a recovery), or empty."""
        self.was_cut_off = False
        """Whether the store had not been closed in order before, as when the power fails."""
        self.stands_in_for: StandIn | None = None
        """Set where this is a copy in memory of a store that cannot be written: what is typed in is refused."""
        self._connection = connection
        self._files = files
        self._clock = clock
        self._backup_interval_s = backup_interval_s
        self._backup_at: float | None = None
        self._backup_allowed_at = clock()
        self._changed = False
        self._must_erase = False
        self._closed = False

    @property
    def changes(self) -> int:
        """Rows that were written through this connection so far: the same number again means that nothing was."""
        return self._connection.total_changes

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a SELECT and return all its rows. Raises StoreError."""
        return self._run(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one writing statement inside `transaction`; return the number of rows it touched. Raises StoreError."""
        return int(self._change(sql, parameters).rowcount)

    def insert(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run one INSERT inside `transaction`; return the row's number. Raises StoreError."""
        return int(self._change(sql, parameters).lastrowid or 0)

    def transaction(self, precious: bool = True) -> "Transaction":
        """All or nothing: committed and on the card when the block ends, rolled back when it raises.

        Inside another transaction it joins that one. `precious` data is what a person typed in: a last good copy is
        made soon after; for the rest (call log, bindings) the next copy or the one at closing is soon enough.
        Raises StoreError, then nothing has been written.
        """
        return Transaction(self, precious)

    def begin(self, precious: bool) -> bool:
        """Answers whether a transaction was begun, False inside another one. For `Transaction`; raises StoreError."""
        if self._connection.in_transaction:
            return False
        if precious:
            self.require_durable()
        self._run("BEGIN IMMEDIATE")
        return True

    def commit(self) -> None:
        """Put the transaction on the card. For `Transaction`; raises StoreError, and then it is to be rolled back."""
        self._run("COMMIT")

    def note_change(self, precious: bool) -> None:
        """A transaction stands: erase what it asked to have erased, or make the last good copy when it is time."""
        self._changed = True
        if self._must_erase:
            self.erase_traces()
            return
        if precious:
            self._backup_at = max(self._clock(), self._backup_allowed_at)
            self.handle_timeout(self._clock())

    def require_durable(self) -> None:
        """Refuse what a person typed in where it would be lost with the power. Raises StoreUnwritableError."""
        if self.stands_in_for is not None:
            raise StoreUnwritableError(f"{self.stands_in_for.fault} (nothing was changed)")

    def want_backup(self) -> None:
        """The last good copy lacks something: make a new one soon, at the latest when the store is closed."""
        self._changed = True
        self._backup_at = self._clock() + self._backup_interval_s

    def next_timeout(self) -> float | None:
        """When `handle_timeout` has a copy to make, in seconds of the monotonic clock; None for not at all."""
        return self._backup_at

    def handle_timeout(self, now: float) -> None:
        """Make the last good copy if it is due."""
        if self._backup_at is not None and now >= self._backup_at:
            self.back_up()

    def back_up(self) -> bool:
        """Make the last good copy now; a failure is logged, not raised, because the data itself is safe."""
        self._backup_at = None
        self._backup_allowed_at = self._clock() + self._backup_interval_s
        try:
            create_private(self._files.backup_new)
            copy = sqlite3.connect(self._files.backup_new, isolation_level=None)
            try:
                # The copy counts only once it is renamed, so it needs no journal; it is synced as a whole before that.
                copy.execute("PRAGMA journal_mode=OFF")
                copy.execute("PRAGMA synchronous=OFF")
                self._connection.backup(copy)
            finally:
                copy.close()
            self._files.install_backup()
        except (OSError, sqlite3.Error) as error:
            logger.warning(
                "%s: the last good copy could not be made, next attempt later: %s", self._files.backup, error
            )
            self._backup_at = self._backup_allowed_at
            return False
        self._changed = False
        return True

    def erase_traces(self) -> None:
        """Leave nothing of deleted values in any file: fold the write-ahead log in, cut it, and renew the copy.

        Inside a transaction that is done when it ends. Raises StoreError when the log cannot be folded in.
        """
        if self._connection.in_transaction:
            self._must_erase = True
            return
        self._must_erase = False
        busy = self._run("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreBusyError(f"{self.path} is being read by another process: stop it, then restart offhook")
        self.back_up()

    def close(self) -> None:
        """Make a last good copy of what has changed, fold in the log and close; closing twice is harmless."""
        if self._closed:
            return
        self._closed = True
        if self._changed and self.stands_in_for is None:
            self.back_up()
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            logger.warning("%s: closing: %s", self.path, error)
        self._connection.close()
        if self.stands_in_for is not None:
            self.stands_in_for.remove()

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _change(self, sql: str, parameters: Sequence[object]) -> sqlite3.Cursor:
        if not self._connection.in_transaction:
            raise StoreError("a change outside a transaction would not stand alone: wrap it in Database.transaction()")
        return self._run(sql, parameters)

    def _run(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        return run(self._connection, self.path, sql, parameters)

    def roll_back(self) -> None:
        """Undo the transaction, if SQLite has not done so. For `Transaction`."""
        self._must_erase = False
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            logger.error("%s: rolling back: %s", self.path, error)


class Transaction:
    """A block of changes that is written whole or not at all. A context manager, made by `Database.transaction`."""

    __slots__ = ("_begun", "_database", "_precious")

    def __init__(self, database: Database, precious: bool) -> None:
        self._database = database
        self._precious = precious
        self._begun = False

    def __enter__(self) -> None:
        self._begun = self._database.begin(self._precious)

    def __exit__(self, kind: object, *_: object) -> None:
        if not self._begun:
            return
        if kind is not None:
            self._database.roll_back()
            return
        try:
            self._database.commit()
        except BaseException:
            self._database.roll_back()
            raise
        self._database.note_change(self._precious)


def run(connection: sqlite3.Connection, path: str, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
    """Run one statement; every error of SQLite becomes a StoreError that names the next step, never a value."""
    try:
        return connection.execute(sql, parameters)
    except sqlite3.Error as error:
        raise translate(error, path) from None
    except (UnicodeEncodeError, OverflowError):
        raise StoreError(
            "a value holds characters or a number that cannot be stored: correct it and try again"
        ) from None


def translate(error: sqlite3.Error, path: str) -> StoreError:
    """The StoreError for an error of SQLite: what was wrong, with which file, what to do."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    directory = os.path.dirname(path)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusyError(f"{path} is in use by another process: stop the other offhook, then start again")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamagedError(
            f"{path} is damaged ({error}): restart offhook, it moves the file aside and takes the last good copy"
        )
    if primary == sqlite3.SQLITE_FULL:
        return StoreUnwritableError(
            f"{path}: no space left, nothing was written: free some space in {directory} and try again"
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreUnwritableError(
            f"{path} cannot be written, nothing was changed: make {directory} and its files writable"
        )
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreUnwritableError(
            f"{path} cannot be opened: see that {directory} exists and is writable for this user"
        )
    if primary == sqlite3.SQLITE_IOERR:
        return StoreUnwritableError(
            f"{path} could not be read or written ({error}): look at the card and at the kernel's log"
        )
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return DuplicateError(f"such an entry exists already or belongs to none ({error})")
    return StoreError(f"{path}: {error}")


def open_database(
    path: str,
    backup_interval_s: float = BACKUP_INTERVAL_S,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    clock: Callable[[], float] = time.monotonic,
) -> Database:
    """Open the store at `path`, made and migrated as needed.

    A damaged file is moved aside and the last good copy takes its place; without one the store starts empty. Raises
    StoreBusyError, SchemaTooNewError, or StoreError for a place that cannot be written.
    """
    files = StoreFiles(path)
    with OpeningTurn(files):
        return _open(files, backup_interval_s, busy_timeout_s, clock)


def _open(files: StoreFiles, backup_interval_s: float, busy_timeout_s: float, clock: Callable[[], float]) -> Database:
    files.prepare()
    notice = ""
    if files.is_empty() and files.has_backup():
        files.restore_backup()
        notice = f"{files.path} was missing or empty and the last good copy {files.backup} was taken"
        logger.warning("%s (to start empty on purpose, remove both files)", notice)
    was_cut_off = files.was_cut_off()
    try:
        connection = _connect(files, busy_timeout_s)
    except StoreDamagedError as error:
        connection, notice = _recover(files, busy_timeout_s, error)
    files.remove_unfinished_copy()
    database = Database(connection, files, clock, backup_interval_s)
    database.notice = notice
    database.was_cut_off = was_cut_off
    if was_cut_off:
        database.want_backup()
    return database


def _recover(files: StoreFiles, busy_timeout_s: float, error: StoreDamagedError) -> tuple[sqlite3.Connection, str]:
    """Move the damaged file aside and open the last good copy in its place, or an empty store."""
    notice = f"{files.path} was damaged and is now {files.set_aside()}"
    logger.error("%s", error)
    if files.has_backup():
        files.restore_backup()
        try:
            connection = _connect(files, busy_timeout_s)
        except StoreDamagedError:
            notice += f"; the last good copy was damaged too and is now {files.set_aside()}"
        else:
            notice += f"; the last good copy {files.backup} was taken: changes since then are lost"
            logger.error("%s", notice)
            return connection, notice
    files.prepare()
    notice += "; the store starts empty: enter the accounts and settings again"
    logger.error("%s", notice)
    return _connect(files, busy_timeout_s), notice


def _connect(files: StoreFiles, busy_timeout_s: float) -> sqlite3.Connection:
    """Open, check and migrate the file as it lies there. Raises StoreDamagedError and the other StoreErrors."""
    try:
        connection = sqlite3.connect(
            files.path, timeout=busy_timeout_s, isolation_level=None, cached_statements=CACHED_STATEMENTS
        )
    except sqlite3.Error as error:
        raise translate(error, files.path) from None
    try:
        _take(connection, files.path)
        migrate(connection, files.path, MIGRATIONS_DIRECTORY)
    except BaseException:
        connection.close()
        raise
    return connection


def _take(connection: sqlite3.Connection, path: str) -> None:
    """Lock the file for this process, see that it is whole, ours and not from the future, and set the pragmas.

    The daemon alone uses the store, so it keeps the lock: a second daemon gets a clear error, and SQLite keeps the
    index of its log in memory of its own instead of a shared file.
    """
    run(connection, path, "PRAGMA locking_mode=EXCLUSIVE").fetchall()
    run(connection, path, "BEGIN IMMEDIATE")
    run(connection, path, "COMMIT")
    application_id = run(connection, path, "PRAGMA application_id").fetchone()[0]
    if application_id not in (0, APPLICATION_ID):
        raise StoreError(f"{path} belongs to another program: choose another file with --store FILE")
    newest = newest_schema()
    version = schema_version(connection, path)
    if version > newest:
        raise SchemaTooNewError(
            f"{path} was written by a newer offhook (schema {version}, this one knows up to {newest}): install the "
            "newer offhook again, or move the file and its .backup away to start empty"
        )
    for pragma in PRAGMAS:
        run(connection, path, pragma).fetchall()
    answer = run(connection, path, "PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StoreDamagedError(f"{path} is damaged ({' '.join(str(answer).split())})")


def schema_version(connection: sqlite3.Connection, path: str) -> int:
    """The number of the last migration that the file has seen."""
    return int(run(connection, path, "PRAGMA user_version").fetchone()[0])


def stored_schema(path: str) -> int:
    """The form of the store at `path`, which it keeps; 0 where the file is damaged, busy or not there."""
    if not os.path.exists(path):
        return 0
    try:
        with OpeningTurn(StoreFiles(path)):
            return _stored_schema(path)
    except StoreError:
        return 0


def _stored_schema(path: str) -> int:
    try:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    except sqlite3.Error as error:
        raise translate(error, path) from None
    try:
        run(connection, path, "PRAGMA locking_mode=EXCLUSIVE").fetchall()
        return schema_version(connection, path)
    finally:
        connection.close()


def newest_schema() -> int:
    """The form of the store that this version makes, and the newest one that it reads."""
    return max(number for number, _ in list_migrations(MIGRATIONS_DIRECTORY))


def list_migrations(directory: str) -> list[tuple[int, str]]:
    """Number and path of every NNNN_name.sql in `directory`, in order."""
    names = sorted(name for name in os.listdir(directory) if name.endswith(".sql"))
    return [(int(name.partition("_")[0]), os.path.join(directory, name)) for name in names]


def migrate(connection: sqlite3.Connection, path: str, directory: str) -> None:
    """Apply every migration that the file has not seen, each in a transaction of its own. Raises StoreError."""
    version = schema_version(connection, path)
    for number, name in list_migrations(directory):
        if number <= version:
            continue
        with open(name, encoding="utf-8") as file:
            statements = file.read()
        script = f"BEGIN IMMEDIATE;\n{statements}\nPRAGMA application_id={APPLICATION_ID};\n"
        try:
            connection.executescript(f"{script}PRAGMA user_version={number};\nCOMMIT;")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StoreError(f"{translate(error, path)} (while applying {os.path.basename(name)})") from None
        logger.info("%s: schema %d is in place (%s)", path, number, os.path.basename(name))
