"""The starts after an upgrade: the verdict is written down, the way back is taken, and the old version tells it."""

from pathlib import Path

import pytest

from device.annotations import Any
from device.upgrade.image_system import ImageSystem
from device.upgrade.records_file import PendingUpgrade, UpgradeRecords
from device.upgrade.settling import Settling
from device.upgrade.slot_state import SlotState, SlotStateFile
from tests.upgrade.board import make_system

TRIAL = SlotState("b", "good", "trial", 2)
PENDING = PendingUpgrade("b", "1.0", "2.0", ["office"])


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
    assert "started several times" in said[0]


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


def test_the_store_is_kept_once_and_forgotten_at_the_end(tried: ImageSystem, tmp_path: Path) -> None:
    store = tmp_path / "var/lib/offhook"
    (store / "offhook.db").write_bytes(b"old")
    Settling(tried, lambda _: None).prepare_store()
    (store / "offhook.db").write_bytes(b"new")
    Settling(tried, lambda _: None).prepare_store()
    kept = tmp_path / "data/upgrade/store/offhook.db"
    assert kept.read_bytes() == b"old"
    settle(tried, status("registered"))
    assert not kept.exists()
