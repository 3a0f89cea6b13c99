"""A control server on the daemon's own loop, turned by hand or by a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from device.control.errors import REFUSED, ControlError
from device.control.server import ControlServer, Deferred
from device.daemon.loop import Loop
from device.errors import DeviceError


class Daemon:
    """Methods as a daemon has them, good and bad, behind a control server."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.loop = Loop()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.deferred: list[Deferred] = []
        self.methods = self._methods()
        self.server = ControlServer(self.loop, self.path, self.methods)
        self._thread: threading.Thread | None = None

    def _methods(self) -> dict[str, Callable[[dict[str, Any]], object]]:
        return {
            "status": self._answer("status", {"phone": "IDLE"}),
            "call.place": self._answer("call.place", {"call": "c1"}),
            "call.answer": self._raise(ControlError(REFUSED, "nobody rings", {"faults": ["a", "b"]})),
            "call.hangup": self._defer,
            "board.lift": self._raise(DeviceError("this board is real")),
            "board.replace": self._raise(RuntimeError("hunter2")),
            "call.list": self._raise(ControlError(REFUSED, "odd data", {1, 2})),
            "daemon.stop": self._answer("daemon.stop", None),
            "daemon.version": self._answer("daemon.version", {1, 2}),
            "log.tail": lambda params: {"lines": ["x" * 1000] * int(params["lines"])},
            "undocumented": self._answer("undocumented", "done"),
        }

    def _answer(self, name: str, result: object) -> Callable[[dict[str, Any]], object]:
        def method(params: dict[str, Any]) -> object:
            self.calls.append((name, params))
            return result

        return method

    def _raise(self, error: Exception) -> Callable[[dict[str, Any]], object]:
        def method(_params: dict[str, Any]) -> object:
            raise error

        return method

    def _defer(self, _params: dict[str, Any]) -> Deferred:
        self.deferred.append(Deferred())
        return self.deferred[-1]

    def run(self) -> None:
        """Turn the loop in a thread until `close`, for clients that block."""
        self._thread = threading.Thread(target=self.loop.run)
        self._thread.start()

    def soon(self, action: Callable[[], object]) -> None:
        """Run `action` in the loop's thread and wait until it has run."""
        done = threading.Event()

        def act() -> None:
            action()
            done.set()

        self.loop.call_soon_threadsafe(act)
        assert done.wait(5)

    def close(self) -> None:
        if self._thread is not None:
            self.soon(self.server.close)
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(5)
        self.server.close()
        self.loop.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path / "control.sock")
    made.server.open()
    yield made
    made.close()


@pytest.fixture
def running(daemon: Daemon) -> Daemon:
    daemon.run()
    return daemon
