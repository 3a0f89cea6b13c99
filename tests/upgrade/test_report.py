"""How slots and upgrades are told to a person and to programs."""

from pathlib import Path

import pytest

from device.upgrade.records_file import FinishedUpgrade, PendingUpgrade, UpgradeRecords, WayBack
from device.upgrade.report import upgrade_facts, upgrade_lines
from device.upgrade.slot_state import SlotState
from tests.upgrade.board import make_system


def lines(root: Path, slot: str, state: SlotState) -> list[str]:
    system = make_system(root, slot=slot, state=state)
    return upgrade_lines(upgrade_facts(system, state, UpgradeRecords(system)))


def test_a_new_image(tmp_path: Path) -> None:
    assert lines(tmp_path, "a", SlotState()) == [
        "running   version 1.0 for virt, slot a (proven)",
        "slot b    empty",
    ]


def test_an_upgrade_before_and_after_its_restart(tmp_path: Path) -> None:
    UpgradeRecords(make_system(tmp_path)).begin(PendingUpgrade("b", "1.0", "2.0"))
    waiting = lines(tmp_path, "a", SlotState("b", "good", "trial", 3))
    assert waiting[-1] == "next      version 2.0 is started with the next restart: sudo systemctl reboot"
    tried = lines(tmp_path, "b", SlotState("b", "good", "trial", 2))
    assert tried[0] == "running   version 1.0 for virt, slot b (on trial)"
    assert "is on trial" in tried[-1]


def test_a_way_back_that_waits_for_the_restart(tmp_path: Path) -> None:
    UpgradeRecords(make_system(tmp_path)).begin_back(WayBack("b", "1.0"))
    told = lines(tmp_path, "a", SlotState("b", "good", "good"))
    assert told[-1] == "next      slot b is started with the next restart: sudo systemctl reboot"


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        ("good", "good", "version 2.0 was kept: ready"),
        ("rolled-back", "bad", "version 2.0 was rolled back: ready"),
        ("back", "good", "version 2.0 was left by `offhook upgrade back`: ready"),
        ("fell-back", "bad", "version 2.0 cannot be started any more: ready"),
        ("of-a-version-to-come", "bad", "version 2.0 of-a-version-to-come: ready"),
    ],
)
def test_how_the_last_one_came_out(tmp_path: Path, outcome: str, kind: str, words: str) -> None:
    UpgradeRecords(make_system(tmp_path)).finish(FinishedUpgrade(outcome, "1.0", "2.0", "ready"))
    assert words in lines(tmp_path, "a", SlotState("a", "good", kind))[-1]


def test_programs_get_the_same_facts(tmp_path: Path) -> None:
    system = make_system(tmp_path)
    facts = upgrade_facts(system, SlotState(), UpgradeRecords(system))
    assert facts == {
        "board": "virt",
        "version": "1.0",
        "slot": "a",
        "slots": {"a": "good", "b": "empty"},
        "next_slot": "a",
        "tries": 0,
        "pending": None,
        "way_back": None,
        "last": None,
    }
