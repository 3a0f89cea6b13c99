"""The store across a trial: put back where the old version refuses what the new one left."""

import sqlite3
from pathlib import Path

import pytest

from device.store.database import open_database
from device.store.settings import Settings
from device.upgrade.image_system import ImageSystem
from device.upgrade.records_file import StoreCopy, UpgradeRecords
from device.upgrade.store_guard import forget_refused, keep_store, refused_stores, restore_store
from tests.upgrade.board import make_system

ABOUT = StoreCopy("a", "1.0", 7, 1_800_000_000)


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
    assert keep_store(system, records, ABOUT)
    with_value(system, "us")
    make_too_new(system)
    assert restore_store(system, records)
    assert value_in(system) == "uk"
    assert (store_of(system) / "refused-offhook.db").exists()


def test_a_store_that_is_readable_stays_with_what_was_changed(system: ImageSystem) -> None:
    records = UpgradeRecords(system)
    keep_store(system, records, ABOUT)
    with_value(system, "us")
    assert not restore_store(system, records)
    assert value_in(system) == "us"
    assert records.kept_store() == ABOUT


def test_the_form_of_a_store_is_asked_for_without_changing_it(system: ImageSystem) -> None:
    path = store_of(system) / "offhook.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=1")
    connection.close()
    assert not refused_stores(system)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()


@pytest.mark.parametrize("step", ["aside:offhook.db refused-", "copy:offhook.db refused-"])
@pytest.mark.parametrize("moved", [0, 1, 9])
def test_putting_back_that_was_cut_off_is_gone_on_from(system: ImageSystem, step: str, moved: int) -> None:
    records = UpgradeRecords(system)
    keep_store(system, records, ABOUT)
    with_value(system, "us")
    make_too_new(system)
    newer = (store_of(system) / "offhook.db").read_bytes()
    # The power failed when some or all of the refused files had been moved away, or after that.
    paths = sorted(store_of(system).glob("offhook.db*"), reverse=True)
    for path in paths if step.startswith("copy") else paths[:moved]:
        path.rename(path.with_name(f"refused-{path.name}"))
    records.note_restoring(step)
    assert restore_store(system, records) == [str(store_of(system) / "refused-offhook.db")]
    assert value_in(system) == "uk"
    assert (store_of(system) / "refused-offhook.db").read_bytes() == newer
    assert not records.restoring()
    assert not restore_store(system, records)


def test_what_was_put_aside_earlier_stays_until_the_next_upgrade(system: ImageSystem) -> None:
    records = UpgradeRecords(system)
    keep_store(system, records, ABOUT)
    for number in ("", "2-", "3-"):
        make_too_new(system)
        assert restore_store(system, records) == [str(store_of(system) / f"refused-{number}offhook.db")]
    forget_refused(system)
    assert not list(store_of(system).glob("refused-*"))
    assert value_in(system) == "uk"


def test_the_store_of_the_exchange_comes_back_as_well(system: ImageSystem, tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/offhook-exchange"
    folder.mkdir()
    open_database(str(folder / "exchange.db")).close()
    records = UpgradeRecords(system)
    keep_store(system, records, ABOUT)
    with sqlite3.connect(folder / "exchange.db") as connection:
        connection.execute("PRAGMA user_version=9999")
    connection.close()
    assert restore_store(system, records) == [str(folder / "refused-exchange.db")]
    assert not refused_stores(system)


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
    keep_store(system, records, ABOUT)
    make_too_new(system)
    owner = foreign.stat().st_uid, foreign.stat().st_gid
    assert (Path(records.store_copy) / "offhook/outputs.json").exists()
    assert not (Path(records.store_copy) / "offhook/bait").exists()
    assert restore_store(system, records)
    assert foreign.read_text() == "of others"
    assert (foreign.stat().st_uid, foreign.stat().st_gid) == owner
    assert value_in(system) == "uk"
