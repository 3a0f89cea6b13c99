"""sd_notify to a service manager that is a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.daemon.notify import ServiceNotifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(2)
        yield manager


def _environment(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.getsockname(), **more}


def test_the_life_of_a_service_is_told(manager: socket.socket) -> None:
    notifier = ServiceNotifier(_environment(manager))
    notifier.ready("running")
    assert manager.recv(100) == b"READY=1\nSTATUS=running"
    notifier.status("2 accounts")
    assert manager.recv(100) == b"STATUS=2 accounts"
    notifier.stopping()
    assert manager.recv(100) == b"STOPPING=1\nSTATUS=stopping"
    notifier.stopping(within_s=12.5)
    assert manager.recv(100) == b"STOPPING=1\nSTATUS=stopping"
    assert manager.recv(100) == b"EXTEND_TIMEOUT_USEC=12500000"
    assert notifier.pump(1000.0) is None
    notifier.close()
    notifier.close()
    notifier.stopping()


def test_the_watchdog_is_fed_at_half_its_time(manager: socket.socket) -> None:
    manager.setblocking(False)
    notifier = ServiceNotifier(_environment(manager, WATCHDOG_USEC="30000000", WATCHDOG_PID=str(os.getpid())))
    assert notifier.pump(1000.0) == 1015.0
    assert manager.recv(100) == b"WATCHDOG=1"
    assert notifier.pump(1014.9) == 1015.0
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    assert notifier.pump(1016.0) == 1031.0
    assert manager.recv(100) == b"WATCHDOG=1"
    notifier.close()


@pytest.mark.parametrize(
    "more",
    [{"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "0"}, {}],
)
def test_no_watchdog_no_deadline(manager: socket.socket, more: dict[str, str]) -> None:
    notifier = ServiceNotifier(_environment(manager, **more))
    assert notifier.pump(1000.0) is None
    notifier.close()


def test_without_a_manager_nothing_is_done() -> None:
    notifier = ServiceNotifier({"WATCHDOG_USEC": "30000000"})
    notifier.ready("running")
    assert notifier.pump(1000.0) is None
    notifier.close()


def test_a_manager_in_the_abstract_namespace_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = f"offhook-test-{os.getpid()}"
        manager.bind("\0" + name)
        notifier = ServiceNotifier({"NOTIFY_SOCKET": "@" + name})
        notifier.stopping()
        assert manager.recv(100) == b"STOPPING=1\nSTATUS=stopping"
        notifier.close()


def test_a_manager_that_is_away_is_no_fault(tmp_path: Path) -> None:
    notifier = ServiceNotifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notifier.ready("running")
    notifier.close()


def test_a_manager_that_does_not_read_makes_nobody_wait(manager: socket.socket) -> None:
    notifier = ServiceNotifier(_environment(manager))
    for _ in range(2000):
        notifier.status("x" * 1000)
    notifier.close()
