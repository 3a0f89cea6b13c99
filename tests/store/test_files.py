import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.store.errors import StoreBusyError, StoreError, StoreUnwritableError
from device.store.files import OPENING_PATIENCE_S, OpeningTurn, StoreFiles, create_private


@pytest.fixture
def files(path: Path) -> StoreFiles:
    made = StoreFiles(str(path))
    made.prepare()
    return made


def test_a_new_place_is_private_and_empty(files: StoreFiles, path: Path) -> None:
    assert files.is_empty()
    assert not files.has_backup()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_database_that_another_process_makes_at_the_same_moment_is_not_replaced(
    files: StoreFiles, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.unlink()
    exists = os.path.exists

    def exists_a_moment_later(name: str) -> bool:
        if name != str(path) or exists(name):
            return exists(name)
        path.write_bytes(b"theirs")
        return False

    monkeypatch.setattr(os.path, "exists", exists_a_moment_later)
    files.prepare()
    assert path.read_bytes() == b"theirs"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_unfinished_copy_of_the_last_run_is_removed(files: StoreFiles) -> None:
    files.remove_unfinished_copy()
    Path(files.backup_new).write_bytes(b"half")
    files.prepare()
    assert os.path.exists(files.backup_new), "it may be that of a process that has the store"
    files.remove_unfinished_copy()
    assert not os.path.exists(files.backup_new)


def test_an_unfinished_copy_that_stays_does_no_harm(files: StoreFiles, caplog: pytest.LogCaptureFixture) -> None:
    Path(files.backup_new).mkdir()
    files.remove_unfinished_copy()
    assert "cannot be removed: Is a directory" in caplog.text


def test_an_empty_copy_is_no_copy(files: StoreFiles) -> None:
    Path(files.backup).write_bytes(b"")
    assert not files.has_backup()


def test_creating_again_starts_from_nothing(tmp_path: Path) -> None:
    place = tmp_path / "x"
    place.write_text("old")
    place.chmod(0o666)
    create_private(str(place))
    assert place.read_bytes() == b""
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_the_copy_takes_the_place_of_the_database_without_its_journals(files: StoreFiles, path: Path) -> None:
    Path(files.backup).write_bytes(b"good" * 50_000)
    path.with_name("offhook.db-wal").write_bytes(b"stale")
    path.with_name("offhook.db-shm").write_bytes(b"stale")
    files.restore_backup()
    assert path.read_bytes() == b"good" * 50_000
    assert files.has_backup()
    assert sorted(os.listdir(path.parent)) == ["offhook.db", "offhook.db.backup"]


def test_damaged_journals_go_with_their_database(files: StoreFiles, path: Path) -> None:
    path.write_bytes(b"bad")
    path.with_name("offhook.db-wal").write_bytes(b"log")
    assert files.set_aside() == str(path) + ".damaged-1"
    assert sorted(os.listdir(path.parent)) == ["offhook.db.damaged-1", "offhook.db.damaged-1-wal"]


def test_the_oldest_damaged_file_goes_with_its_journals(files: StoreFiles, path: Path) -> None:
    for number in range(1, 5):
        path.write_bytes(b"bad")
        path.with_name("offhook.db-wal").write_bytes(b"log")
        files.set_aside()
        assert len(os.listdir(path.parent)) == 2 * min(number, 3)


def test_a_copy_that_cannot_be_put_in_place_is_named(files: StoreFiles, path: Path) -> None:
    Path(files.backup).mkdir()
    with pytest.raises(StoreError, match=r"cannot be put in place .*start again"):
        files.restore_backup()


def test_a_damaged_file_that_cannot_be_moved_is_named(files: StoreFiles, path: Path) -> None:
    (path.parent / "offhook.db.damaged-1-wal").mkdir()
    path.with_name("offhook.db-wal").write_bytes(b"log")
    with pytest.raises(StoreError, match="cannot be moved aside"):
        files.set_aside()


# Taking turns.


def clock(*instants: float) -> Iterator[float]:
    """These instants, one a look."""
    return iter(instants)


def test_who_opens_waits_until_the_other_has_opened(files: StoreFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    first = OpeningTurn(files)
    first.__enter__()
    waits: list[float] = []

    def let_go(seconds: float) -> None:
        waits.append(seconds)
        first.__exit__()

    monkeypatch.setattr("device.store.files.time.sleep", let_go)
    with OpeningTurn(files):
        assert len(waits) == 1


def test_who_never_comes_to_an_end_is_told_of(files: StoreFiles) -> None:
    instants = clock(0.0, 1.0, OPENING_PATIENCE_S)
    with (
        OpeningTurn(files),
        pytest.raises(StoreBusyError, match="another process has been opening it for 10 s: stop the other"),
    ):
        OpeningTurn(files, lambda: next(instants)).__enter__()
    with OpeningTurn(files):
        pass


def test_a_place_that_locks_no_directories_still_serves(files: StoreFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with OpeningTurn(files), OpeningTurn(files):
        pass


def test_a_place_that_can_be_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritableError, match="the store cannot be kept here"):
        OpeningTurn(StoreFiles(str(tmp_path / "file" / "store.db"))).__enter__()
