"""The store across a trial: put back where the old version refuses what the new one left."""

import sqlite3
from pathlib import Path

import pytest

from device.store.database import open_database
from device.store.settings import Settings
from device.upgrade.image_system import ImageSystem
from device.upgrade.records_file import UpgradeRecords
from device.upgrade.store_guard import keep_store, restore_store
from tests.upgrade.board import make_system


@pytest.fixture
def system(tmp_path: Path) -> ImageSystem:
    made = make_system(tmp_path)
    with_value(made, "uk")
    return made


def store_of(system: ImageSystem) -> Path:
    return Path(system.path("var/lib/offhook"))


def with_value(system: ImageSystem, value: str) -> None:
    database = open_database(str(store_of(system) / "offhook.db"))
    Settings(database).set_many({"media.tones": value})
    database.close()


def value_in(system: ImageSystem) -> str:
    database = open_database(str(store_of(system) / "offhook.db"))
    try:
        return Settings(database).get_all()["media.tones"]
    finally:
        database.close()


def make_too_new(system: ImageSystem) -> None:
    for path in store_of(system).glob("offhook.db*"):
        if path.name.endswith(("-wal", "-shm")):
            continue
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version=9999")
        connection.close()


def test_a_store_of_a_newer_form_is_put_back(system: ImageSystem) -> None:
    records = UpgradeRecords(system)
    assert keep_store(system, records)
    with_value(system, "us")
    make_too_new(system)
    assert restore_store(system, records)
    assert value_in(system) == "uk"
    assert (store_of(system) / "refused-offhook.db").exists()


def test_a_store_that_is_readable_stays_with_what_was_changed(system: ImageSystem) -> None:
    records = UpgradeRecords(system)
    keep_store(system, records)
    with_value(system, "us")
    assert not restore_store(system, records)
    assert value_in(system) == "us"
    assert not Path(records.store_copy).exists()


def test_putting_back_that_was_cut_off_is_done_at_the_next_start(system: ImageSystem) -> None:
    records = UpgradeRecords(system)
    keep_store(system, records)
    make_too_new(system)
    # The power failed when the refused files had been moved away and nothing had been put back.
    for path in store_of(system).glob("offhook.db*"):
        path.rename(path.with_name(f"refused-{path.name}"))
    assert restore_store(system, records)
    assert value_in(system) == "uk"


def test_the_refused_files_go_with_the_next_upgrade(system: ImageSystem) -> None:
    records = UpgradeRecords(system)
    keep_store(system, records)
    make_too_new(system)
    restore_store(system, records)
    assert keep_store(system, records)
    assert not list(store_of(system).glob("refused-*"))


def test_without_a_copy_nothing_is_touched(system: ImageSystem) -> None:
    assert not restore_store(system, UpgradeRecords(system))
    assert value_in(system) == "uk"


def test_links_in_the_folder_of_the_phone_lead_root_nowhere(system: ImageSystem, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("of others")
    (store_of(system) / "bait").symlink_to(foreign)
    (store_of(system) / "outputs.json").write_text("{}")
    (store_of(system) / "outputs.json.new").symlink_to(foreign)
    records = UpgradeRecords(system)
    keep_store(system, records)
    make_too_new(system)
    owner = foreign.stat().st_uid, foreign.stat().st_gid
    assert not (Path(records.store_copy) / "bait").exists()
    assert restore_store(system, records)
    assert foreign.read_text() == "of others"
    assert (foreign.stat().st_uid, foreign.stat().st_gid) == owner
    assert value_in(system) == "uk"
