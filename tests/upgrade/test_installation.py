"""Taking an upgrade: what is refused, what is written, and what a cut leaves at each moment."""

import io
import os
from argparse import Namespace
from pathlib import Path

import pytest

from device.upgrade.errors import UpgradeError
from device.upgrade.image_system import ImageSystem
from device.upgrade.installation import Installation, Progress
from device.upgrade.records_file import UpgradeRecords
from device.upgrade.slot_state import SlotState, SlotStateFile
from tests.upgrade.board import ROOM, make_key, make_system, make_upgrade, trust


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path)


@pytest.fixture
def system(tmp_path: Path, key: Path) -> ImageSystem:
    made = make_system(tmp_path / "board")
    trust(made, key)
    return made


def state_of(system: ImageSystem) -> SlotState:
    return SlotStateFile(system.state_path).read()


def test_an_upgrade_goes_to_the_other_slot_and_on_trial(system: ImageSystem, key: Path) -> None:
    installation = Installation(system, io.BytesIO(make_upgrade(key)), "file")
    installation.check()
    told: list[Progress] = []
    installation.write(["office"], told.append)
    assert Path(system.partition("kernel", "b")).read_bytes().startswith(b"K" * 300_000)
    assert Path(system.partition("root", "b")).read_bytes().startswith(b"R" * 700_000 + b".")
    assert Path(system.partition("root", "a")).read_bytes() == b"root_a".ljust(ROOM, b".")
    state = state_of(system)
    assert (state.slot, state.a, state.b, state.tries) == ("b", "good", "trial", 3)
    pending = UpgradeRecords(system).pending()
    assert pending is not None
    assert (pending.slot, pending.old_version, pending.new_version, pending.registered) == (
        "b",
        "1.0",
        "2.0",
        ["office"],
    )
    assert [(step.part, step.done) for step in told] == [("kernel", 300_000), ("root", 1_000_000)]


def test_from_slot_b_it_goes_to_slot_a(tmp_path: Path, key: Path) -> None:
    system = make_system(tmp_path / "b", slot="b", state=SlotState("b", "good", "good"))
    trust(system, key)
    installation = Installation(system, io.BytesIO(make_upgrade(key)), "file")
    installation.check()
    installation.write([], lambda _: None)
    state = state_of(system)
    assert (state.slot, state.a, state.b) == ("a", "trial", "good")


def test_another_board_is_refused(system: ImageSystem, key: Path) -> None:
    installation = Installation(system, io.BytesIO(make_upgrade(key, board="rpi3")), "file")
    with pytest.raises(UpgradeError, match="for the board rpi3, this is virt"):
        installation.check()


def test_an_older_version_needs_to_be_allowed(system: ImageSystem, key: Path) -> None:
    installation = Installation(system, io.BytesIO(make_upgrade(key, version="0.9")), "file")
    with pytest.raises(UpgradeError, match="--allow-downgrade"):
        installation.check()
    installation.check(allow_downgrade=True)


def test_the_same_version_may_be_written_again(system: ImageSystem, key: Path) -> None:
    Installation(system, io.BytesIO(make_upgrade(key, version="1.0")), "file").check()


@pytest.mark.parametrize("kind", ["trial", "bad"])
def test_a_running_version_that_has_not_proven_itself_takes_none(system: ImageSystem, key: Path, kind: str) -> None:
    SlotStateFile(system.state_path).write(SlotState("a", kind, "good", 2))
    with pytest.raises(UpgradeError, match="has not proven itself"):
        Installation(system, io.BytesIO(make_upgrade(key)), "file").check()


def test_a_data_partition_without_room_for_a_copy_of_the_store_is_told(
    system: ImageSystem, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(system.path("var/lib/offhook/offhook.db")).write_bytes(bytes(3 << 20))
    monkeypatch.setattr(os, "statvfs", lambda _: Namespace(f_bavail=1000, f_frsize=4096))
    with pytest.raises(UpgradeError, match="has 4000 KiB left, and a copy of the store needs 4096"):
        Installation(system, io.BytesIO(make_upgrade(key)), "file").check()
    monkeypatch.setattr(os, "statvfs", lambda _: Namespace(f_bavail=1024, f_frsize=4096))
    Installation(system, io.BytesIO(make_upgrade(key)), "file").check()


def test_a_stranger_is_refused_before_anything_is_written(system: ImageSystem, tmp_path: Path) -> None:
    stranger = make_key(tmp_path, "stranger")
    with pytest.raises(UpgradeError, match="not signed"):
        Installation(system, io.BytesIO(make_upgrade(stranger)), "file")
    assert state_of(system) == SlotState()


def test_damage_in_a_part_leaves_the_running_version_and_an_empty_slot(system: ImageSystem, key: Path) -> None:
    data = bytearray(make_upgrade(key))
    data[-5_000] ^= 1 if data[-5_000:] else 0
    place = bytes(data).rindex(b"R" * 1000)
    data[place] = ord("?")
    installation = Installation(system, io.BytesIO(bytes(data)), "file")
    installation.check()
    with pytest.raises(UpgradeError, match="root"):
        installation.write([], lambda _: None)
    state = state_of(system)
    assert (state.slot, state.a, state.b) == ("a", "good", "empty")
    assert UpgradeRecords(system).pending() is None


class PowerCutError(Exception):
    """The moment at which nothing more happens."""


@pytest.mark.parametrize("cut_after", ["kernel", "root"])
def test_a_power_cut_while_writing_leaves_the_running_version(system: ImageSystem, key: Path, cut_after: str) -> None:
    # Slot b was a good one before: half overwritten it must not count as that any more.
    SlotStateFile(system.state_path).write(SlotState("a", "good", "good"))
    installation = Installation(system, io.BytesIO(make_upgrade(key)), "file")

    def cut(step: Progress) -> None:
        if step.part == cut_after:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        installation.write([], cut)
    state = state_of(system)
    assert (state.slot, state.a, state.b) == ("a", "good", "empty")


def test_the_upgrade_can_be_written_again_after_a_cut(system: ImageSystem, key: Path) -> None:
    test_a_power_cut_while_writing_leaves_the_running_version(system, key, "root")
    test_an_upgrade_goes_to_the_other_slot_and_on_trial(system, key)


def test_a_part_that_does_not_fit_is_refused(system: ImageSystem, key: Path) -> None:
    installation = Installation(system, io.BytesIO(make_upgrade(key, root=b"R" * (ROOM + 1))), "file")
    with pytest.raises(UpgradeError, match="only"):
        installation.write([], lambda _: None)
    assert state_of(system).kind("b") == "empty"


def test_the_store_of_an_abandoned_trial_is_not_put_back_by_the_next_one(system: ImageSystem, key: Path) -> None:
    stale = Path(UpgradeRecords(system).store_copy)
    stale.mkdir(parents=True)
    Installation(system, io.BytesIO(make_upgrade(key)), "file").write([], lambda _: None)
    assert not stale.exists()
