"""A store that cannot be written: what is in it is there, what is typed in is refused, its return is noticed."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from device.model import Account, AccountId, CallRecord
from device.store import memory_copy
from device.store.accounts import Accounts
from device.store.call_log import CallLog
from device.store.database import open_database
from device.store.errors import StoreError, StoreUnwritableError
from device.store.memory_copy import open_memory_copy
from device.store.settings import Settings

REASON = StoreUnwritableError("the card has failed: replace it")
OFFICE = Account(AccountId("office"), "1001", "pbx.example.com")


@pytest.fixture
def memory(tmp_path: Path) -> str:
    return str(tmp_path / "run" / "store-copy")


def fill(path: Path) -> None:
    with open_database(str(path)) as database:
        Settings(database).set_many({"phone.hotline": "1002"})
        Accounts(database).add(OFFICE)


def test_what_was_stored_is_there_and_the_store_is_left_alone(path: Path, memory: str) -> None:
    fill(path)
    before = {name.name: name.read_bytes() for name in path.parent.iterdir()}
    with open_memory_copy(str(path), memory, REASON) as database:
        assert Settings(database).get_all() == {"phone.hotline": "1002"}
        assert Accounts(database).list() == (OFFICE,)
        assert database.path == str(path)
        assert (
            database.notice
            == "the card has failed: replace it; until then the phone runs on a copy in memory and "
            + ("refuses changes")
        )
        assert os.stat(memory).st_mode & 0o777 == 0o700
        assert all(os.stat(os.path.join(memory, name)).st_mode & 0o777 == 0o600 for name in os.listdir(memory))
    assert {name.name: name.read_bytes() for name in path.parent.iterdir()} == before
    assert not os.path.exists(memory)


def test_what_a_killed_run_left_in_its_journal_counts(path: Path, memory: str, tmp_path: Path) -> None:
    fill(path)
    script = (
        "import os, sys; from device.store.database import open_database; from device.store.settings import Settings\n"
        "database = open_database(sys.argv[1]); Settings(database).set_many({'phone.hotline': '1003'}); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, path], check=False).returncode == 9
    with open_memory_copy(str(path), memory, REASON) as database:
        assert Settings(database).get("phone.hotline") == "1003"


def test_changes_are_refused_with_the_reason_and_calls_are_kept_until_the_end(path: Path, memory: str) -> None:
    fill(path)
    with open_memory_copy(str(path), memory, REASON) as database:
        for change in (
            lambda: Settings(database).set_many({"phone.hotline": "1"}),
            lambda: Accounts(database).add(Account(AccountId("home"), "2", "pbx")),
            lambda: Accounts(database).update(OFFICE),
            lambda: Accounts(database).remove(OFFICE.id),
        ):
            with pytest.raises(StoreUnwritableError, match=r"replace it \(nothing was changed\)"):
                change()
        assert Accounts(database).list() == (OFFICE,)
        CallLog(database).add(CallRecord("in", "sip:1@pbx", "", "office", 1.0, 0.0, 2.0, "busy"))
        assert len(CallLog(database).recent()) == 1


def test_a_damaged_store_gives_its_last_good_copy(path: Path, memory: str) -> None:
    fill(path)
    path.write_bytes(b"no database at all, but long enough" * 200)
    with open_memory_copy(str(path), memory, REASON) as database:
        assert Settings(database).get_all() == {"phone.hotline": "1002"}
        assert "the last good copy" in database.notice


def test_a_file_system_that_lets_nothing_be_made_gives_an_empty_store(
    path: Path, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_copy, "SPACE_BYTES", 1 << 62)
    with open_memory_copy(str(path), memory, REASON) as database:
        assert Settings(database).get_all() == {}
        with pytest.raises(StoreUnwritableError):
            Settings(database).set_many({"phone.hotline": "1"})


def test_a_place_that_was_chosen_wrongly_is_no_reason_for_a_copy(tmp_path: Path, memory: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritableError) as raised:
        open_memory_copy(str(tmp_path / "file" / "offhook.db"), memory, REASON)
    assert raised.value is REASON
    assert not os.path.exists(memory)


def test_a_store_of_another_program_is_no_reason_for_a_copy(path: Path, memory: str) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id=7")
        connection.execute("CREATE TABLE a (b)")
    connection.close()
    with pytest.raises(StoreError, match="belongs to another program"):
        open_memory_copy(str(path), memory, REASON)
    assert not os.path.exists(memory)


def test_no_place_in_memory_is_told_with_the_first_reason(path: Path, tmp_path: Path) -> None:
    fill(path)
    (tmp_path / "run").write_text("")
    with pytest.raises(StoreUnwritableError, match=r"the card has failed: replace it; and .*store-copy"):
        open_memory_copy(str(path), str(tmp_path / "run" / "store-copy"), REASON)


def test_a_copy_of_the_run_before_is_replaced(path: Path, memory: str) -> None:
    fill(path)
    os.makedirs(memory)
    Path(memory, "offhook.db").write_bytes(b"old")
    with open_memory_copy(str(path), memory, REASON) as database:
        assert Settings(database).get("phone.hotline") == "1002"


def test_it_is_noticed_when_the_store_is_back(path: Path, memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(path)
    with open_memory_copy(str(path), memory, REASON) as database:
        copy = database.stands_in_for
        assert copy is not None
        assert copy.original_is_back()
        monkeypatch.setattr(memory_copy, "SPACE_BYTES", 1 << 62)
        assert not copy.original_is_back()
        path.rename(path.with_name("elsewhere"))
        path.parent.rename(path.parent.with_name("gone"))
        monkeypatch.undo()
        assert not copy.original_is_back()
