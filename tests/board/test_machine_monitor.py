"""The monitor of a machine is asked in QMP, and what the machine tells between answers is kept."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.board.machine_monitor import MachineMonitor, MonitorError


class Machine(threading.Thread):
    """A machine that answers a list of commands, each with what stands beside it."""

    def __init__(self, path: Path, answers: dict[str, list[dict[str, Any]]]) -> None:
        super().__init__(daemon=True)
        self._answers = {"qmp_capabilities": [{"return": {}}], **answers}
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(path))
        self._door.listen()
        self.asked: list[dict[str, Any]] = []

    def run(self) -> None:
        near, _ = self._door.accept()
        with self._door, near, near.makefile("rw") as file:
            file.write(json.dumps({"QMP": {"version": {}}}) + "\n")
            file.flush()
            for line in file:
                command = json.loads(line)
                self.asked.append(command)
                for answer in self._answers[command["execute"]]:
                    file.write(json.dumps(answer) + "\n")
                file.flush()


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    devices = [{"label": "uart", "filename": "pty:/dev/pts/9"}, {"label": "console", "filename": "pty:/dev/pts/8"}]
    answers = {
        "query-chardev": [{"return": devices}],
        "set_link": [{"event": "NIC_RX_FILTER_CHANGED"}, {"event": "RESET"}, {"return": {}}],
        "nonsense": [{"error": {"class": "CommandNotFound", "desc": "no such command"}}],
    }
    machine = Machine(tmp_path / "monitor", answers)
    machine.start()
    yield machine
    machine.join()


def test_terminals_are_found_by_their_label(machine, tmp_path) -> None:
    monitor = MachineMonitor(tmp_path / "monitor")
    assert monitor.terminal("console") == "/dev/pts/8"
    with pytest.raises(MonitorError, match="'printer'"):
        monitor.terminal("printer")
    monitor.close()


def test_what_the_machine_tells_by_itself_is_no_answer(machine, tmp_path) -> None:
    monitor = MachineMonitor(tmp_path / "monitor")
    assert monitor.ask("set_link", name="network", up=False) == {}
    assert [event["event"] for event in monitor.events] == ["NIC_RX_FILTER_CHANGED", "RESET"]
    assert machine.asked[-1]["arguments"] == {"name": "network", "up": False}
    monitor.close()


def test_a_refusal_says_why(machine, tmp_path) -> None:
    monitor = MachineMonitor(tmp_path / "monitor")
    with pytest.raises(MonitorError, match="nonsense: no such command"):
        monitor.ask("nonsense")
    monitor.close()
