"""What systemd does with a phone that is killed, hangs or will not live: outputs off, the phone back, or a recovery."""

import time
from collections.abc import Iterator

import pytest

from tests.board.board_phone import DOOR_RELAY, OUTPUTS, RINGER, SECOND_COIL
from tests.board.house import House
from tests.board.qemu_rig import QemuRig
from tests.support.processes import PATIENCE_S, wait_until

pytestmark = pytest.mark.qemu

UNIT, RECOVERY = "offhook.service", "offhook-recovery.service"
HARMFUL = (RINGER, SECOND_COIL, DOOR_RELAY)
STARTS = 10
"""`StartLimitBurst` of the unit."""


@pytest.fixture
def board(running_house: House) -> Iterator[QemuRig]:
    running_house.use("gpiod")
    rig = running_house.rig
    assert isinstance(rig, QemuRig)
    rig.agent.run(["systemctl", "reset-failed", UNIT], check=False)
    yield rig
    rig.agent.run(["systemctl", "stop", RECOVERY], check=False)
    running_house.phone.client.close()
    running_house.phone.start()
    running_house.far.rest()
    wait_until("the board to be registered", running_house.registered, patience(rig))


def patience(rig: QemuRig) -> float:
    return 3 * PATIENCE_S * rig.patience


def shown(rig: QemuRig, name: str, unit: str = UNIT) -> str:
    return rig.agent.run(["systemctl", "show", "-P", name, unit]).out.strip()


def wait_back(house: House, rig: QemuRig, process: int) -> float:
    """Until another phone is registered; seconds."""
    begun = time.monotonic()
    wait_until("another phone to be started", lambda: shown(rig, "MainPID") not in ("0", str(process)), patience(rig))
    wait_until("it to be ready", lambda: shown(rig, "ActiveState") == "active", patience(rig))
    house.phone.client.close()
    house.phone.begin_to_listen()
    wait_until("it to be registered", house.registered, patience(rig))
    return time.monotonic() - begun


def test_killed_while_it_rings_the_bell_stops_and_the_phone_comes_back(running_house: House, board: QemuRig) -> None:
    since = running_house.ring()
    running_house.phone.wait_output(RINGER, True, board.agent.inside(since))
    process = board.phone_process()
    killed = board.agent.now()
    board.agent.run(["systemctl", "kill", "--signal=KILL", "--kill-whom=main", UNIT])
    wait_until("the bell and the relay to be off", lambda: not any(board.agent.levels(OUTPUTS)), patience(board))
    ons = [edge for edge in board.agent.edges(HARMFUL, killed) if edge[2]]
    running_house.far.rest()
    running_house.figures.note("kill -9 to registered again", wait_back(running_house, board, process), "s")
    assert len(ons) <= 1, "the bell was switched on again after the phone was killed"
    assert int(shown(board, "NRestarts")) >= 1


def test_a_phone_that_hangs_is_started_anew_by_the_watchdog(running_house: House, board: QemuRig) -> None:
    process = board.phone_process()
    board.agent.run(["systemctl", "kill", "--signal=STOP", "--kill-whom=main", UNIT])
    running_house.figures.note("hang to registered again", wait_back(running_house, board, process), "s")
    journal = board.agent.run(["journalctl", "-b", "-u", UNIT, "--no-pager", "-o", "cat"]).out
    assert "Watchdog timeout" in journal
    assert board.agent.levels(HARMFUL) == [False] * len(HARMFUL)


def test_a_phone_that_will_not_live_ends_in_the_recovery(running_house: House, board: QemuRig) -> None:
    board.agent.run(["mkdir", "-p", f"/run/systemd/system/{UNIT}.d"])
    text = "[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=100ms\n"
    (board.share / "dies.conf").write_text(text)
    board.agent.run(["cp", f"{board.share_inside}/dies.conf", f"/run/systemd/system/{UNIT}.d/dies.conf"])
    try:
        board.agent.run(["systemctl", "daemon-reload"])
        board.agent.run(["systemctl", "--no-block", "restart", UNIT])
        wait_until("the recovery", lambda: shown(board, "ActiveState", RECOVERY) == "active", 2 * patience(board))
        assert shown(board, "Result") in ("exit-code", "start-limit-hit")
        assert board.agent.levels(HARMFUL) == [False] * len(HARMFUL)
        held = board.agent.run(["cat", "/sys/kernel/debug/gpio"]).out
        assert any("relay.door" in line and "offhook" in line for line in held.splitlines()), held
    finally:
        board.agent.run(["rm", "-rf", f"/run/systemd/system/{UNIT}.d"])
        board.agent.run(["systemctl", "daemon-reload"])
        board.agent.run(["systemctl", "reset-failed", UNIT], check=False)
    board.agent.run(["systemctl", "--no-block", "start", UNIT])
    wait_until("the phone instead of the recovery", lambda: shown(board, "ActiveState") == "active", patience(board))
    assert shown(board, "ActiveState", RECOVERY) == "inactive"
