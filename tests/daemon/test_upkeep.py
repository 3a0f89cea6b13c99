"""What the daemon does for itself: watchdog, status line, a clock that is set, a store that comes back."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.audio.engine import AudioEngine
from device.daemon.notify import ServiceNotifier
from device.daemon.upkeep import STORE_LOOK_S, StatusLine, Upkeep
from device.model import CallRecord
from tests.support.turning import HandLoop
from tests.support.whole_phone import FarEnd, WholePhone

EARLY = CallRecord("in", "sip:1@pbx", "", "office", 100.0, 0.0, 130.0, "busy")


class Manager:
    """A service manager that remembers what it is told."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.setblocking(False)
        self.notifier = ServiceNotifier({"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "30000000"})

    def told(self) -> list[str]:
        found = []
        try:
            while True:
                found.append(self._socket.recv(1000).decode())
        except BlockingIOError:
            return found

    def close(self) -> None:
        self.notifier.close()
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
def upkeep(phone: WholePhone, manager: Manager) -> Upkeep:
    return Upkeep(phone.parts, phone.database, manager.notifier)


def test_the_watchdog_is_fed_while_everything_moves(upkeep: Upkeep, manager: Manager) -> None:
    assert upkeep.pump(1000.0) == 1015.0
    assert upkeep.pump(1015.0) == 1030.0
    assert manager.told() == ["WATCHDOG=1", "WATCHDOG=1"]


def test_the_watchdog_is_not_fed_while_the_audio_thread_hangs(
    upkeep: Upkeep, manager: Manager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upkeep.pump(1000.0)
    monkeypatch.setattr(AudioEngine, "is_hung", lambda _self, _now: True)
    upkeep.pump(1015.0)
    upkeep.pump(1016.0)
    assert manager.told() == ["WATCHDOG=1"]
    assert caplog.text.count("the audio thread hangs") == 1
    monkeypatch.undo()
    upkeep.pump(1017.0)
    assert manager.told() == ["WATCHDOG=1"]


def test_the_status_line_follows_the_phone(
    phone: WholePhone, manager: Manager, far_end: FarEnd, loop: HandLoop
) -> None:
    loop.add_participant(StatusLine(phone.parts, manager.notifier))
    loop.settle()
    far_end.call(phone.target)
    loop.turn_until(lambda: phone.state == "alerting")
    loop.settle()
    loop.settle()
    told = manager.told()
    assert told == ["STATUS=no account, idle", "STATUS=no account, alerting"]


def test_without_a_manager_nothing_is_put_together(phone: WholePhone) -> None:
    line = StatusLine(phone.parts, ServiceNotifier({}))
    assert line.pump(1.0) is None
    assert line._told == ""


def test_a_clock_that_is_set_mends_the_call_log(upkeep: Upkeep, phone: WholePhone) -> None:
    phone.parts.call_log.add(EARLY)
    upkeep.clock_watch._wall_clock = lambda: 1_700_000_000.0 + phone.loop.now()
    upkeep.clock_watch._offset_s = 0.0
    upkeep.pump(phone.loop.now())
    assert phone.parts.call_log.recent()[0].started_at == pytest.approx(1_700_000_100.0)


class Copy:
    fault = "the card has failed"
    is_back = False

    def original_is_back(self) -> bool:
        return self.is_back

    def remove(self) -> None:
        pass


def test_a_store_that_is_back_ends_the_run_when_nobody_uses_the_phone(
    phone: WholePhone, manager: Manager, loop: HandLoop
) -> None:
    copy = Copy()
    phone.database.stands_in_for = copy
    upkeep = Upkeep(phone.parts, phone.database, manager.notifier)
    assert upkeep.pump(100.0) == min(115.0, 100.0 + STORE_LOOK_S)
    assert not upkeep.store_is_back
    copy.is_back = True
    phone.lift()
    loop.turn_until(lambda: phone.state == "dial-tone")
    upkeep.pump(100.0 + STORE_LOOK_S)
    assert not upkeep.store_is_back
    phone.replace()
    loop.turn_until(lambda: phone.state == "idle")
    upkeep.pump(100.0 + STORE_LOOK_S + 1)
    assert not upkeep.store_is_back
    upkeep.pump(100.0 + 2 * STORE_LOOK_S)
    assert upkeep.store_is_back
