"""The starts after an upgrade: the verdict is written down, the way back is taken, and the old version tells it."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from device.annotations import Any
from device.store.database import open_database
from device.store.settings import Settings
from device.upgrade.image_system import ImageSystem
from device.upgrade.records_file import PendingUpgrade, StoreCopy, UpgradeRecords, WayBack
from device.upgrade.settling import Settling
from device.upgrade.slot_state import SlotState, SlotStateFile
from tests.upgrade.board import make_system

TRIAL = SlotState("b", "good", "trial", 2)
PENDING = PendingUpgrade("b", "1.0", "2.0", ["office"], old_schema=7)
NOON = 1_800_014_400
"""2027-01-15 12:00 UTC."""


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def settle(system: ImageSystem, answer: dict[str, Any] | None) -> tuple[bool, list[str]]:
    said: list[str] = []
    clock = Clock()
    return Settling(system, said.append).settle(lambda: answer, clock.sleep, clock), said


def status(state: str) -> dict[str, Any]:
    return {"pid": 7, "accounts": [{"id": "office", "state": state}]}


@pytest.fixture
def tried(tmp_path: Path) -> ImageSystem:
    """The new version, started for the first time."""
    system = make_system(tmp_path, slot="b", version="2.0", state=TRIAL)
    UpgradeRecords(system).begin(PENDING)
    return system


def test_a_version_that_registers_is_kept(tried: ImageSystem) -> None:
    good, said = settle(tried, status("registered"))
    assert good
    state = SlotStateFile(tried.state_path).read()
    assert (state.slot, state.a, state.b, state.tries) == ("b", "good", "good", 0)
    records = UpgradeRecords(tried)
    last = records.last()
    assert last is not None
    assert (last.outcome, last.new_version) == ("good", "2.0")
    assert records.pending() is None
    assert said[-1] == "version 2.0 is kept: ready, and registered: office"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(None, "did not become ready"), (status("failed"), "not registered in time: office (failed)")],
)
def test_a_version_that_fails_is_given_up_and_the_old_one_tells(
    tried: ImageSystem, tmp_path: Path, answer: dict[str, Any] | None, reason: str
) -> None:
    good, said = settle(tried, answer)
    assert not good
    state = SlotStateFile(tried.state_path).read()
    assert (state.slot, state.a, state.b, state.tries) == ("a", "good", "bad", 0)
    assert reason in said[-1]
    # After the restart, the old version:
    old = make_system(tmp_path, slot="a", version="1.0", state=state)
    good, said = settle(old, status("registered"))
    assert good
    assert said[0].startswith("the upgrade to 2.0 was rolled back: ")
    notice = (tmp_path / "data/upgrade/notice").read_text()
    assert notice.startswith("the upgrade to 2.0 was rolled back to 1.0: ")
    assert reason in notice
    assert settle(old, None) == (True, [])


def test_a_version_whose_tries_were_used_up_is_told_too(tmp_path: Path) -> None:
    system = make_system(tmp_path, slot="a", state=SlotState("a", "good", "bad"))
    UpgradeRecords(system).begin(PENDING)
    good, said = settle(system, status("registered"))
    assert good
    assert "could not be started" in said[0]


def test_an_upgrade_that_waits_for_the_restart_is_left_alone(tmp_path: Path) -> None:
    system = make_system(tmp_path, slot="a", state=SlotState("b", "good", "trial", 3))
    UpgradeRecords(system).begin(PENDING)
    Settling(system, lambda _: None).prepare_store()
    assert settle(system, status("registered")) == (True, [])
    assert UpgradeRecords(system).pending() == PENDING


def test_a_trial_without_a_record_needs_only_to_be_ready(tmp_path: Path) -> None:
    system = make_system(tmp_path, slot="b", version="2.0", state=TRIAL)
    good, _ = settle(system, status("failed"))
    assert good
    assert SlotStateFile(system.state_path).read().b == "good"


def test_the_store_is_kept_once_and_stays_for_the_way_back(tried: ImageSystem, tmp_path: Path) -> None:
    store = tmp_path / "var/lib/offhook"
    (store / "offhook.db").write_bytes(b"old")
    prepare(tried)
    (store / "offhook.db").write_bytes(b"new")
    prepare(tried)
    kept = tmp_path / "data/upgrade/store/offhook/offhook.db"
    assert kept.read_bytes() == b"old"
    settle(tried, status("registered"))
    assert kept.read_bytes() == b"old"
    assert UpgradeRecords(tried).kept_store() == StoreCopy("a", "1.0", 7, NOON)


def test_a_store_that_cannot_be_kept_is_told(tried: ImageSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    write_store(tried, "uk")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", fail)
    assert prepare(tried) == [
        "the store could not be kept aside (No space left on device): there may be no way back with it"
    ]
    assert UpgradeRecords(tried).kept_store() is None


def prepare(system: ImageSystem) -> list[str]:
    said: list[str] = []
    Settling(system, said.append, lambda: NOON).prepare_store()
    return said


def write_store(system: ImageSystem, tones: str, schema: int = 0) -> None:
    path = system.path("var/lib/offhook/offhook.db")
    with open_database(path) as database:
        Settings(database).set_many({"media.tones": tones})
    if schema:
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version={schema}")
        connection.close()


def tones(system: ImageSystem) -> str:
    with open_database(system.path("var/lib/offhook/offhook.db")) as database:
        return Settings(database).get_all()["media.tones"]


def test_a_verdict_that_was_not_followed_by_a_restart_is_followed_now(tried: ImageSystem) -> None:
    assert not settle(tried, None)[0]
    good, said = settle(tried, status("registered"))
    assert not good
    assert "still runs" in said[0]
    assert UpgradeRecords(tried).pending() is not None


def test_a_version_that_was_given_up_and_is_all_that_starts_goes_on(tried: ImageSystem, tmp_path: Path) -> None:
    settle(tried, None)
    (tmp_path / "run/offhook-image/fell-back").touch()
    prepare(tried)
    assert settle(tried, None)[0]
    state = SlotStateFile(tried.state_path).read()
    assert (state.slot, state.a, state.b) == ("b", "bad", "good")


def test_the_way_back_puts_back_a_store_that_is_too_new(tried: ImageSystem, tmp_path: Path) -> None:
    write_store(tried, "uk")
    prepare(tried)
    settle(tried, status("registered"))
    write_store(tried, "us", schema=9999)
    UpgradeRecords(tried).begin_back(WayBack("a", "2.0", 9999))
    old = make_system(tmp_path, slot="a", version="1.0", state=SlotState("a", "good", "good"))
    said = prepare(old)
    assert tones(old) == "uk"
    aside = tmp_path / "var/lib/offhook/refused-offhook.db"
    assert aside.exists()
    assert "as it was on 2027-01-15 12:00 UTC, before the upgrade, is back" in said[0]
    notice = (tmp_path / "data/upgrade/notice").read_text()
    assert notice.startswith("version 1.0 runs again: The store as it was")
    assert str(aside) in notice
    assert prepare(old) == []
    # And forward again: that version reads what the older one left, and a copy of it is kept.
    UpgradeRecords(old).begin_back(WayBack("b", "1.0", 7))
    new = make_system(tmp_path, slot="b", version="2.0", state=SlotState("b", "good", "good"))
    assert prepare(new) == []
    assert tones(new) == "uk"
    assert UpgradeRecords(new).kept_store() == StoreCopy("a", "1.0", 7, NOON)
    assert not (tmp_path / "data/upgrade/notice").exists()
    assert aside.exists()


def test_the_way_back_leaves_a_store_that_is_readable(tried: ImageSystem, tmp_path: Path) -> None:
    write_store(tried, "uk")
    prepare(tried)
    settle(tried, status("registered"))
    write_store(tried, "us")
    UpgradeRecords(tried).begin_back(WayBack("a", "2.0", 7))
    old = make_system(tmp_path, slot="a", version="1.0", state=SlotState("a", "good", "good"))
    assert prepare(old) == []
    assert tones(old) == "us"
    assert UpgradeRecords(old).kept_store() == StoreCopy("b", "2.0", 7, NOON)
    last = UpgradeRecords(old).last()
    assert last is not None
    assert (last.outcome, last.reason) == ("back", "")
    assert not (tmp_path / "data/upgrade/notice").exists()


def test_a_rollback_tells_what_became_of_the_store(tried: ImageSystem, tmp_path: Path) -> None:
    write_store(tried, "uk")
    prepare(tried)
    settle(tried, None)
    write_store(tried, "us", schema=9999)
    old = make_system(tmp_path, slot="a", version="1.0", state=SlotState("a", "good", "bad"))
    prepare(old)
    assert tones(old) == "uk"
    settle(old, status("registered"))
    notice = (tmp_path / "data/upgrade/notice").read_text()
    assert "did not become ready. The store as it was" in notice
    assert not (tmp_path / "data/upgrade/store").exists()
    assert UpgradeRecords(old).kept_store() is None
    assert (tmp_path / "data/upgrade/given-up-b").exists()


def test_a_slot_that_cannot_be_read_any_more_is_told_once(tried: ImageSystem, tmp_path: Path) -> None:
    write_store(tried, "uk")
    prepare(tried)
    settle(tried, status("registered"))
    write_store(tried, "us", schema=9999)
    # The initial RAM disk has marked slot b bad, or the boot loader has started slot a in its place.
    (tmp_path / "run/offhook-image/fell-back").touch()
    for state in (SlotState("a", "good", "bad"), SlotState("b", "good", "good")):
        old = make_system(tmp_path, slot="a", version="1.0", state=state)
        prepare(old)
        found = SlotStateFile(old.state_path).read()
        assert (found.slot, found.a, found.b) == ("a", "good", "bad")
    assert tones(old) == "uk"
    last = UpgradeRecords(old).last()
    assert last is not None
    assert (last.outcome, last.new_version, last.old_version) == ("fell-back", "2.0", "1.0")
    assert (tmp_path / "data/upgrade/given-up-b").exists()


def test_a_store_that_is_too_new_without_a_copy_is_told(tried: ImageSystem, tmp_path: Path) -> None:
    write_store(tried, "us", schema=9999)
    UpgradeRecords(tried).begin_back(WayBack("b", "3.0", 9999))
    SlotStateFile(tried.state_path).write(SlotState("b", "good", "good"))
    (said,) = prepare(tried)
    assert "there is no copy of before: `offhook upgrade back`" in said
