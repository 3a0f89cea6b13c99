"""Upgrades of the image on the board: a good one stays, one that never answers is rolled back, settings survive.

And the ways back: by word, with a store that the older version cannot read, and from a slot that cannot be mounted.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.board import parts
from tests.board.house import House
from tests.board.power_cuts import SETTING
from tests.board.qemu_rig import QemuRig
from tests.board.rig import Rig
from tests.board.upgrades import break_main, copy_tree
from tests.support.processes import PATIENCE_S, wait_until

GOOD, BROKEN = "OFFHOOK_UPGRADE_GOOD", "OFFHOOK_UPGRADE_BROKEN"
NEWER = """import sqlite3
store = sqlite3.connect("/var/lib/offhook/offhook.db")
store.execute("PRAGMA user_version=9999")
store.close()"""
"""Lets the store seem to be one of a version to come."""
LOOK_S = 5.0
VERDICT_S = 90.0
"""Writing a slot, a boot and a trial; more for a version that is tried more than once."""


@pytest.fixture
def board(running_house) -> Iterator[House]:
    """The house with its board registered, a setting of its own kept."""
    assert isinstance(running_house.rig, QemuRig)
    running_house.use("gpiod")
    running_house.phone.call("settings.set", values={SETTING: "7.125"})
    yield running_house
    running_house.phone.begin_to_listen()
    running_house.rest()


def upgrade(house: House, variable: str) -> dict[str, Any]:
    """Upgrade and wait until it is decided; answers what the board says of it."""
    rig = house.rig
    assert isinstance(rig, QemuRig)
    path = os.environ.get(variable, "")
    assert path, f"{variable} names no upgrade; `python -m tests.board` builds them"
    shutil.copy(path, rig.share)
    words = [*rig.offhook, "upgrade", f"{rig.share_inside}/{Path(path).name}", "--yes", "--no-restart"]
    return start_anew(house, words)


def start_anew(house: House, words: list[str]) -> dict[str, Any]:
    """Run a command, restart the board, and wait until all is decided; answers what it says of its slots."""
    rig = house.rig
    assert isinstance(rig, QemuRig)
    house.phone.client.close()
    begun = time.monotonic()
    rig.agent.run(words, within_s=30)
    starts = Starts(rig)
    # By a word of its own: nobody would be left to answer a command that restarts the board.
    rig.agent.run(["systemctl", "--no-block", "reboot"])
    wait_until("the board to start anew", starts.has_another, VERDICT_S * rig.patience)
    state = wait_until("the verdict", lambda: verdict(rig, starts), VERDICT_S * rig.patience)
    assert isinstance(state, dict)
    house.figures.note(f"upgrade, {state['last']['outcome']}: begin to verdict", time.monotonic() - begun, "s")
    wait_until("the board to be registered", house.registered, 3 * PATIENCE_S * rig.patience)
    return state


class Starts:
    """How often the boot loader has started a slot, by what the console has said; the agent of before is gone then."""

    def __init__(self, rig: QemuRig) -> None:
        self._rig = rig
        self._seen = self._count()

    def _count(self) -> int:
        return self._rig.board.console_log.read_bytes().count(b"offhook: starting slot ")

    def has_another(self) -> bool:
        """Whether there was another start; its agent is waited for then."""
        self._rig.board.process.check()
        count = self._count()
        if count == self._seen:
            return False
        self._seen = count
        self._rig.reconnect()
        return True


def slots(rig: Rig) -> dict[str, Any]:
    """What `offhook upgrade status` says."""
    answer: dict[str, Any] = json.loads(rig.agent.run([*rig.offhook, "upgrade", "status", "--json"]).out)
    return answer


def verdict(rig: QemuRig, starts: Starts) -> dict[str, Any] | None:
    """The state of the slots, once nothing is on trial any more."""
    starts.has_another()
    # A question costs the emulated board seconds, which its phone lacks.
    time.sleep(LOOK_S)
    try:
        done = rig.agent.run([*rig.offhook, "upgrade", "status", "--json"], check=False, within_s=5)
    except AssertionError:
        # It started anew while it was asked.
        return None
    if done.status != 0:
        return None
    state: dict[str, Any] = json.loads(done.out)
    return state if state.get("last") and not state.get("pending") and not state.get("way_back") else None


def other(slot: str) -> str:
    return "b" if slot == "a" else "a"


def notices(house: House) -> list[str]:
    answer = house.phone.call("status")["notices"]
    assert isinstance(answer, list)
    return answer


def setting(house: House) -> float:
    return float(str(house.phone.call("settings.get", key=SETTING)["value"]))


def test_a_broken_version_ends_as_soon_as_it_is_started(tmp_path) -> None:
    main = tmp_path / "main.py"
    main.write_text((parts.ROOT / "device" / "daemon" / "main.py").read_text())
    break_main(main)
    names: dict[str, Any] = {"__name__": "broken"}
    exec(compile(main.read_text(), str(main), "exec"), names)
    with pytest.raises(SystemExit) as ended:
        names["main"](["--help"])
    assert ended.value.code == 3


def test_what_is_wanted_at_boot_stays_so_in_a_copy(tmp_path) -> None:
    name = "firmware_scripts/imaging/files/usr/lib/systemd/system/multi-user.target.wants/offhook-upgrade-trial.service"
    copy_tree([name], tmp_path)
    assert (tmp_path / name).is_symlink()


@pytest.mark.qemu
def test_a_good_version_is_kept(board) -> None:
    before = slots(board.rig)
    after = upgrade(board, GOOD)
    assert after["last"]["outcome"] == "good"
    assert after["slot"] != before["slot"]
    assert setting(board) == 7.125


@pytest.mark.qemu
def test_going_back_leaves_a_store_that_is_readable(board) -> None:
    before = slots(board.rig)
    after = start_anew(board, [*board.rig.offhook, "upgrade", "back", "--yes", "--no-restart"])
    assert (after["slot"], after["last"]["outcome"]) == (other(before["slot"]), "back")
    assert setting(board) == 7.125
    assert not notices(board)


@pytest.mark.qemu
def test_going_back_puts_a_store_aside_that_the_other_version_cannot_read(board) -> None:
    rig = board.rig
    before = slots(rig)
    # As it lies there before the other version starts, which keeps a copy of it first; that is a copy for us.
    start_anew(board, [*rig.offhook, "upgrade", "back", "--yes", "--no-restart"])
    board.phone.call("settings.set", values={SETTING: "6.5"})
    rig.agent.run(["systemctl", "stop", "offhook"])
    rig.agent.run(["/usr/bin/python3", "-c", NEWER])
    after = start_anew(board, [*rig.offhook, "upgrade", "back", "--yes", "--no-restart"])
    assert (after["slot"], after["last"]["outcome"]) == (before["slot"], "back")
    assert setting(board) == 7.125
    (notice,) = notices(board)
    assert "is kept in /var/lib/offhook/refused-offhook.db" in notice
    owner = rig.agent.run(
        ["stat", "-c", "%U", "/var/lib/offhook/refused-offhook.db", "/var/lib/offhook/offhook.db"]
    ).out
    assert owner.split() == ["offhook", "offhook"]


@pytest.mark.qemu
def test_a_slot_that_cannot_be_mounted_gives_way_to_the_other(board) -> None:
    rig = board.rig
    before = slots(rig)
    assert set(before["slots"].values()) == {"good"}
    root = {"a": "/dev/vda7", "b": "/dev/vda9"}[before["slot"]]
    # The running system lives on from what it has read; the next start finds no file system.
    after = start_anew(board, ["dd", "if=/dev/zero", f"of={root}", "bs=4096", "count=1", "conv=notrunc,fsync"])
    lost = before["slot"]
    assert after["slot"] == other(lost)
    assert after["slots"] == {lost: "bad", other(lost): "good"}
    assert after["last"]["outcome"] == "fell-back"
    assert setting(board) == 7.125
    (notice,) = notices(board)
    assert f"slot {lost} cannot be read" in notice


@pytest.mark.qemu
def test_a_version_that_never_answers_is_rolled_back(board) -> None:
    before = slots(board.rig)
    after = upgrade(board, BROKEN)
    assert after["last"]["outcome"] == "rolled-back"
    assert after["slot"] == before["slot"]
    assert setting(board) == 7.125


@pytest.mark.qemu
def test_a_technician_restarts_the_board(running_house: House) -> None:
    rig = running_house.rig
    assert isinstance(rig, QemuRig)
    running_house.use("gpiod")
    before = rig.boot_id()
    starts = Starts(rig)
    running_house.phone.client.close()
    begun = time.monotonic()
    # By another process: nobody would be left to answer a command that restarts the board.
    rig.agent.run(["systemd-run", "--collect", *rig.offhook, "upgrade", "restart", "--yes"])
    wait_until("the board to start anew", starts.has_another, VERDICT_S * rig.patience)
    assert rig.boot_id() != before
    wait_until("the phone to answer", running_house.answers, VERDICT_S * rig.patience)
    running_house.phone.begin_to_listen()
    wait_until("the board to be registered", running_house.registered, 3 * PATIENCE_S * rig.patience)
    running_house.figures.note("restart by a technician: asked to registered", time.monotonic() - begun, "s")
