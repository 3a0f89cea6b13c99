"""Upgrades of the image on the board: a good one stays, one that never answers is rolled back, settings survive."""

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
from tests.board.upgrades import break_main
from tests.support.processes import PATIENCE_S, wait_until

GOOD, BROKEN = "OFFHOOK_UPGRADE_GOOD", "OFFHOOK_UPGRADE_BROKEN"
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
    house.phone.client.close()
    known = rig.boot_id()
    begun = time.monotonic()
    rig.agent.run([*rig.offhook, "upgrade", f"{rig.share_inside}/{Path(path).name}", "--yes"], within_s=60, check=False)
    wait_until("the board to start anew", lambda: has_started_anew(rig, known), VERDICT_S * rig.patience)
    state = wait_until("the verdict", lambda: verdict(rig), VERDICT_S * rig.patience)
    assert isinstance(state, dict)
    house.figures.note(f"upgrade, {state['last']['outcome']}: begin to verdict", time.monotonic() - begun, "s")
    wait_until("the board to be registered", house.registered, 3 * PATIENCE_S * rig.patience)
    return state


def has_started_anew(rig: QemuRig, known: str) -> bool:
    """Whether the agent is that of another start of the kernel; a board on its way is waited for."""
    try:
        return rig.boot_id() != known
    except AssertionError:
        rig.reconnect()
        return False


def verdict(rig: QemuRig) -> dict[str, Any] | None:
    """The state of the slots, once nothing is on trial any more."""
    try:
        done = rig.agent.run([*rig.offhook, "upgrade", "status", "--json"], check=False)
    except AssertionError:
        rig.reconnect()
        return None
    if done.status != 0:
        return None
    state: dict[str, Any] = json.loads(done.out)
    return state if state.get("last") and not state.get("pending") else None


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


@pytest.mark.qemu
def test_a_good_version_is_kept(board) -> None:
    before = board.rig.ask_json("upgrade", "status")
    after = upgrade(board, GOOD)
    assert after["last"]["outcome"] == "good"
    assert after["slot"] != before["slot"]
    assert setting(board) == 7.125


@pytest.mark.qemu
def test_a_version_that_never_answers_is_rolled_back(board) -> None:
    before = board.rig.ask_json("upgrade", "status")
    after = upgrade(board, BROKEN)
    assert after["last"]["outcome"] == "rolled-back"
    assert after["slot"] == before["slot"]
    assert setting(board) == 7.125
