import logging
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.store.database import (
    BUSY_TIMEOUT_S,
    MIGRATIONS_DIRECTORY,
    Database,
    list_migrations,
    migrate,
    open_database,
    translate,
)
from device.store.errors import (
    SchemaTooNewError,
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreUnwritableError,
)
from device.store.settings import Settings


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pragma(database: Database, name: str) -> object:
    return database.query(f"PRAGMA {name}")[0][0]


def write(path: Path, value: str = "1") -> None:
    with open_database(str(path)) as database:
        Settings(database).set_many({"phone.line": value})


def read(path: Path) -> str | None:
    with open_database(str(path)) as database:
        return Settings(database).get("phone.line")


OPENER = """
import sys
from device.store.database import open_database
for place in sys.stdin:
    try:
        database = open_database(place.strip(), busy_timeout_s=float(sys.argv[1]))
    except Exception as error:
        print(type(error).__name__, flush=True)
    else:
        print("open", flush=True)
        sys.stdin.readline()
        database.close()
        print("closed", flush=True)
"""


class Opener:
    """Another process; it opens a store when it is told where, and closes it when it is told so."""

    def __init__(self, busy_timeout_s: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", OPENER, str(busy_timeout_s)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, line: str = "") -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture
def openers(request: pytest.FixtureRequest) -> Iterator[list[Opener]]:
    made = [Opener(request.param) for _ in range(3)]
    yield made
    for opener in made:
        opener.end()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_survives_a_power_cut_and_stays_small(database: Database) -> None:
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "synchronous") == 2
    assert pragma(database, "foreign_keys") == 1
    assert pragma(database, "secure_delete") == 1
    assert pragma(database, "cache_size") == -256
    assert pragma(database, "mmap_size") == 0
    assert pragma(database, "user_version") == list_migrations(MIGRATIONS_DIRECTORY)[-1][0]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o377])
def test_everything_is_private_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        database = open_database(str(path))
        Settings(database).set_many({"phone.line": "1"})
    finally:
        os.umask(before)
    modes = {name: mode_of(path.parent / name) for name in os.listdir(path.parent)}
    database.close()
    assert modes.keys() >= {"offhook.db", "offhook.db-wal", "offhook.db.backup"}
    assert set(modes.values()) == {0o600}
    assert mode_of(path.parent) == 0o700


def test_files_that_lie_open_are_made_private(path: Path) -> None:
    write(path)
    for name in ("offhook.db", "offhook.db.backup"):
        (path.parent / name).chmod(0o644)
    write(path, "2")
    assert mode_of(path) == mode_of(path.parent / "offhook.db.backup") == 0o600


def test_a_second_daemon_is_told_that_the_store_is_taken(path: Path) -> None:
    with open_database(str(path)), pytest.raises(StoreBusyError, match="stop the other offhook"):
        open_database(str(path), busy_timeout_s=0.0)
    assert read(path) is None


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.transaction():
            database.execute("INSERT INTO setting VALUES ('a', '1')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert database.query("SELECT * FROM setting") == []


def test_a_transaction_inside_another_stands_or_falls_with_it(database: Database) -> None:
    def fail_after_the_inner_one() -> None:
        with database.transaction():
            with database.transaction():
                database.execute("INSERT INTO setting VALUES ('a', '1')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_the_inner_one()
    assert database.query("SELECT * FROM setting") == []


def test_a_change_outside_a_transaction_is_refused(database: Database) -> None:
    with pytest.raises(StoreError, match=r"Database\.transaction"):
        database.execute("INSERT INTO setting VALUES ('a', '1')")
    with pytest.raises(StoreError, match=r"Database\.transaction"):
        database.insert("INSERT INTO setting VALUES ('a', '1')")


def test_a_value_that_cannot_be_stored_is_refused_without_being_repeated(database: Database) -> None:
    with pytest.raises(StoreError) as caught:
        Settings(database).set_many({"a": "fine", "b": "hunter2\ud800"})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert Settings(database).get_all() == {}


def test_a_full_card_is_named_and_nothing_is_half_written(database: Database) -> None:
    settings = Settings(database)
    settings.set_many({"a": "1"})
    database.query(f"PRAGMA max_page_count={pragma(database, 'page_count')}")
    with pytest.raises(StoreError, match=r"no space left.*free some space"):
        settings.set_many({"b": "x" * 100_000})
    assert settings.get_all() == {"a": "1"}
    database.query("PRAGMA max_page_count=100000")
    settings.set_many({"b": "2"})
    assert settings.get_all() == {"a": "1", "b": "2"}


def test_a_store_that_may_not_be_written_says_so(database: Database) -> None:
    database.query("PRAGMA query_only=ON")
    with pytest.raises(StoreError, match=r"cannot be written.*make .* writable"):
        Settings(database).set_many({"a": "1"})


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be kept here .*offhook run --store FILE"):
        open_database(str(tmp_path / "file" / "offhook.db"))


def test_a_directory_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a regular file"):
        open_database(str(tmp_path))


def test_a_file_of_a_newer_program_is_left_alone(path: Path) -> None:
    write(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(SchemaTooNewError, match=r"schema 99.*install the newer offhook"):
        open_database(str(path))
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id=42")
        connection.execute("CREATE TABLE diary (day TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="belongs to another program"):
        open_database(str(path))


def test_each_migration_has_a_number_of_its_own() -> None:
    numbers = [number for number, _ in list_migrations(MIGRATIONS_DIRECTORY)]
    assert numbers == sorted(set(numbers))


def test_a_migration_that_fails_leaves_the_schema_before_it(tmp_path: Path) -> None:
    (tmp_path / "0001_good.sql").write_text("CREATE TABLE one (a); INSERT INTO one VALUES (1);")
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE two (a); INSERT INTO three VALUES (1);")
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(StoreError, match=r"no such table: three.*0002_bad\.sql"):
        migrate(connection, "x.db", str(tmp_path))
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["one"]
    (tmp_path / "0002_bad.sql").write_text("CREATE TABLE two (a);")
    migrate(connection, "x.db", str(tmp_path))
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_BUSY, StoreBusyError, "stop the other offhook"),
        (sqlite3.SQLITE_LOCKED, StoreBusyError, "stop the other offhook"),
        (sqlite3.SQLITE_NOTADB, StoreDamagedError, "restart offhook"),
        (sqlite3.SQLITE_FULL, StoreUnwritableError, "free some space in /var/lib/offhook"),
        (sqlite3.SQLITE_IOERR_FSYNC, StoreUnwritableError, "look at the card"),
        (sqlite3.SQLITE_CANTOPEN, StoreUnwritableError, "/var/lib/offhook exists"),
        (sqlite3.SQLITE_READONLY, StoreUnwritableError, "make /var/lib/offhook"),
        (sqlite3.SQLITE_MISUSE, StoreError, "/var/lib/offhook/x.db"),
    ],
)
def test_every_error_of_sqlite_names_the_next_step(code: int, kind: type[StoreError], words: str) -> None:
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode = code
    told = translate(error, "/var/lib/offhook/x.db")
    assert type(told) is kind
    assert words in str(told)


def test_a_copy_is_made_after_a_change_but_not_after_each(path: Path) -> None:
    clock = FakeClock()
    backup = path.with_name("offhook.db.backup")
    with open_database(str(path), backup_interval_s=60, clock=clock) as database:
        settings = Settings(database)
        assert not backup.exists()
        settings.set_many({"a": "1"})
        first = backup.stat().st_ino
        settings.set_many({"a": "2"})
        assert backup.stat().st_ino == first
        assert database.next_timeout() == 1060.0
        database.handle_timeout(1059.0)
        assert backup.stat().st_ino == first
        clock.now = 1060.0
        database.handle_timeout(1060.0)
        assert database.next_timeout() is None
        second = sqlite3.connect(backup)
        assert second.execute("SELECT value FROM setting").fetchall() == [("2",)]
        second.close()


def test_what_nobody_typed_in_waits_for_the_copy_at_closing(path: Path) -> None:
    backup = path.with_name("offhook.db.backup")
    with open_database(str(path)) as database:
        with database.transaction(precious=False):
            database.execute("INSERT INTO setting VALUES ('a', '1')")
        assert not backup.exists()
        assert database.next_timeout() is None
    assert backup.exists()
    made = backup.stat().st_mtime_ns
    open_database(str(path)).close()
    assert backup.stat().st_mtime_ns == made


def test_a_copy_that_fails_is_tried_again_and_harms_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    with open_database(str(path), clock=clock) as database:
        blocker = path.with_name("offhook.db.backup.new")
        blocker.mkdir()
        Settings(database).set_many({"a": "1"})
        assert "could not be made" in caplog.text
        assert database.next_timeout() == 1060.0
        blocker.rmdir()
        clock.now = 1060.0
        database.handle_timeout(1060.0)
        assert path.with_name("offhook.db.backup").exists()


def test_closing_twice_is_harmless_and_leaves_one_file_and_its_copy(path: Path) -> None:
    database = open_database(str(path))
    Settings(database).set_many({"a": "1"})
    database.close()
    database.close()
    assert sorted(os.listdir(path.parent)) == ["offhook.db", "offhook.db.backup"]


def damage(path: Path) -> None:
    """Overwrite everything after the header with nonsense."""
    path.write_bytes(path.read_bytes()[:200] + b"\xa5" * 20_000)


def test_a_damaged_file_is_moved_aside_and_the_last_good_copy_taken(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(path, "kept")
    damage(path)
    with open_database(str(path)) as database:
        assert Settings(database).get("phone.line") == "kept"
        assert "was damaged" in database.notice
        assert "last good copy" in database.notice
    assert database.notice in caplog.text
    assert path.with_name("offhook.db.damaged-1").exists()
    assert mode_of(path) == 0o600
    assert read(path) == "kept"


def test_without_a_good_copy_the_store_starts_empty(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(path, "lost")
    damage(path)
    damage(path.with_name("offhook.db.backup"))
    with open_database(str(path)) as database:
        assert Settings(database).get("phone.line") is None
        assert "starts empty" in database.notice
        Settings(database).set_many({"phone.line": "new"})
    assert path.with_name("offhook.db.damaged-2").exists()
    assert read(path) == "new"


def test_a_file_that_is_no_database_is_moved_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("# once a text file\n" * 100)
    with open_database(str(path)) as database:
        assert "starts empty" in database.notice
    assert path.with_name("offhook.db.damaged-1").read_text().startswith("# once")


@pytest.mark.parametrize("lost", ["emptied", "removed"])
def test_a_file_that_was_lost_comes_back_from_the_copy(path: Path, lost: str, caplog: pytest.LogCaptureFixture) -> None:
    write(path, "kept")
    if lost == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
    assert read(path) == "kept"
    assert "to start empty on purpose" in caplog.text


def test_damaged_files_do_not_fill_the_card(path: Path) -> None:
    write(path)
    for _ in range(5):
        damage(path)
        read(path)
    kept = sorted(name for name in os.listdir(path.parent) if "damaged" in name)
    assert kept == ["offhook.db.damaged-3", "offhook.db.damaged-4", "offhook.db.damaged-5"]


def test_a_page_that_breaks_while_running_is_reported_with_the_next_step(path: Path) -> None:
    with open_database(str(path)) as database:
        Settings(database).set_many({f"k{number}": "x" * 100 for number in range(500)})
    with open(path, "r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xa5" * (os.path.getsize(path) - 4096 * 2))
    connection = sqlite3.connect(path, isolation_level=None)
    broken = Database(connection, database._files)
    with pytest.raises(StoreDamagedError, match="restart offhook"):
        broken.query("SELECT count(*), max(value) FROM setting")
    broken._closed = True
    connection.close()


def test_the_schema_is_logged_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    write(path)
    assert "schema 1 is in place (0001_phone.sql)" in caplog.text
    caplog.clear()
    write(path, "2")
    assert "schema" not in caplog.text


def test_opening_brings_in_no_heavy_module(path: Path) -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from device.store.database import open_database; from device.store.accounts import Accounts\n"
        "open_database(sys.argv[1]).close()\n"
        "print({'asyncio', 'datetime', 'dataclasses', 'hashlib', 'inspect', 'ssl'} & (set(sys.modules) - before))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "set()"


def test_what_a_killed_run_had_changed_is_in_the_next_copy(tmp_path: Path) -> None:
    """The process ends without closing; the next run changes nothing, closes, and the store is lost after that."""
    path = tmp_path / "offhook.db"
    script = (
        "import os, sys; from device.store.database import open_database; from device.store.settings import Settings;"
        "database = open_database(sys.argv[1]); database.close(); database = open_database(sys.argv[1], 3600);"
        "Settings(database).set_many({'phone.ring_pattern': 'x'});"
        "Settings(database).set_many({'phone.hotline': '1002'}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False, cwd=Path(__file__).parents[2])
    open_database(str(path)).close()
    path.write_bytes(b"not a database any more" * 100)
    with open_database(str(path)) as database:
        assert Settings(database).get("phone.hotline") == "1002"


@pytest.mark.parametrize("openers", [0.05], indirect=True)
def test_of_several_that_make_a_store_at_once_exactly_one_has_it(tmp_path: Path, openers: list[Opener]) -> None:
    for number in range(12):
        path = str(tmp_path / f"house-{number}" / "store.db")
        for opener in openers:
            opener.tell(path)
        answers = {opener: opener.answer() for opener in openers}
        assert sorted(answers.values()) == ["StoreBusyError", "StoreBusyError", "open"]
        holder = next(opener for opener in openers if answers[opener] == "open")
        holder.tell()
        assert holder.answer() == "closed"


def test_whoever_is_refused_leaves_the_copy_alone_that_is_being_made(path: Path) -> None:
    with open_database(str(path)):
        unfinished = path.with_name(path.name + ".backup.new")
        unfinished.write_bytes(b"half")
        with pytest.raises(StoreBusyError):
            open_database(str(path), busy_timeout_s=0)
        assert unfinished.exists()
    open_database(str(path)).close()
    assert not unfinished.exists()


@pytest.mark.parametrize("openers", [BUSY_TIMEOUT_S], indirect=True)
def test_several_that_use_a_store_for_moments_wait_for_each_other(tmp_path: Path, openers: list[Opener]) -> None:
    for number in range(12):
        path = str(tmp_path / f"house-{number}" / "store.db")
        for opener in openers:
            opener.tell(path)
            opener.tell()
        for opener in openers:
            assert [opener.answer(), opener.answer()] == ["open", "closed"]
