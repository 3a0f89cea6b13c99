"""The monitor of a QEMU machine, spoken to by QMP (docs/interop/qmp-spec.rst of QEMU) over its Unix socket."""

import json
import socket
import time
from pathlib import Path
from typing import Any

from tests.support.processes import wait_until

ANSWER_S = 30.0


class MonitorError(Exception):
    """The machine refused a command."""


class MachineMonitor:
    """One connection; `events` collects what the machine has told by itself, such as RESET or SHUTDOWN."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wait_until(f"the monitor {path}", lambda: self._connects(path), ANSWER_S)
        self._socket.settimeout(ANSWER_S)
        self._rest = b""
        self.events: list[dict[str, Any]] = []
        assert "QMP" in self._next(time.monotonic() + ANSWER_S)
        self.ask("qmp_capabilities")

    def _connects(self, path: Path) -> bool:
        try:
            self._socket.connect(str(path))
        except OSError:
            return False
        return True

    def ask(self, command: str, **arguments: object) -> Any:
        """What the machine answers to a command. Raises MonitorError where it refuses."""
        text = json.dumps({"execute": command, "arguments": arguments})
        self._socket.sendall(text.encode() + b"\n")
        deadline = time.monotonic() + ANSWER_S
        while True:
            message = self._next(deadline)
            if "error" in message:
                raise MonitorError(f"{command}: {message['error'].get('desc')}")
            if "return" in message:
                return message["return"]
            self.events.append(message)

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\n" not in self._rest:
            assert time.monotonic() < deadline, "the machine does not answer at its monitor"
            data = self._socket.recv(65_536)
            assert data, "the machine has closed its monitor"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def terminal(self, label: str) -> str:
        """The path of the pseudo-terminal behind a character device."""
        for device in self.ask("query-chardev"):
            if device["label"] == label:
                return str(device["filename"]).removeprefix("pty:")
        raise MonitorError(f"the machine has no character device {label!r}")

    def close(self) -> None:
        self._socket.close()
