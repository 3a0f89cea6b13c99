from pathlib import Path

import pytest

from device.store.database import Database, open_database
from device.store.errors import StoreError
from device.store.settings import Settings


def test_settings_survive_a_restart(path: Path) -> None:
    with open_database(str(path)) as database:
        Settings(database).set_many({"phone.tones": "uk", "audio.kind": "null"})
    with open_database(str(path)) as database:
        assert Settings(database).get_all() == {"audio.kind": "null", "phone.tones": "uk"}


def test_a_forgotten_setting_has_its_default_again(database: Database) -> None:
    settings = Settings(database)
    settings.set_many({"a": "1", "b": "2"})
    settings.set_many({"a": None, "b": "3", "never set": None})
    assert settings.get("a") is None
    assert settings.get_all() == {"b": "3"}


def test_one_fault_stores_nothing(database: Database) -> None:
    settings = Settings(database)
    settings.set_many({"a": "1"})
    with pytest.raises(StoreError):
        settings.set_many({"a": None, "b": "2", "c": "\udc80"})
    assert settings.get_all() == {"a": "1"}


def test_what_is_stored_already_is_not_written_again(database: Database, path: Path) -> None:
    settings = Settings(database)
    settings.set_many({"a": "1"})
    wal = path.with_name("offhook.db-wal")
    before = wal.stat().st_mtime_ns, wal.stat().st_size
    settings.set_many({"a": "1", "never set": None})
    assert (wal.stat().st_mtime_ns, wal.stat().st_size) == before
