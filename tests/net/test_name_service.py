"""The system's names without making the loop wait. What the C library says is given by the tests."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from device import plain_sockets
from device.net.name_service import MAX_WAITING, MAX_WORKERS, NameService
from tests.support.turning import HandLoop


class _System:
    """A C library whose answers a test sets; `gate` holds them back."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {"pbx.local": ["192.0.2.7"]}
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.asked: list[tuple[str, int]] = []

    def getaddrinfo(self, host: str, port: None, family: int, kind: int) -> list[tuple[object, ...]]:
        self.asked.append((host, family))
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return [(family, kind, 17, "", (address, 0)) for address in self.addresses.get(host, [])]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[_System]:
    system = _System()
    monkeypatch.setattr(plain_sockets, "getaddrinfo", system.getaddrinfo)
    yield system
    system.gate.set()


class _Found(list[tuple[str, list[str], str]]):
    def take(self, host: str, addresses: list[str], fault: str) -> None:
        self.append((host, addresses, fault))


@pytest.fixture
def found() -> _Found:
    return _Found()


@pytest.fixture
def names(loop: HandLoop, found: _Found, system: _System) -> NameService:
    return NameService(loop, found.take, ipv6=False)


def test_each_address_is_told_once(loop: HandLoop, names: NameService, found: _Found, system: _System) -> None:
    system.addresses["pbx.local"] = ["192.0.2.7", "fe80::7%2", "192.0.2.7"]
    names.lookup("pbx.local")
    assert found == []
    loop.turn_until(lambda: found)
    assert found == [("pbx.local", ["192.0.2.7", "fe80::7"], "")]
    assert system.asked == [("pbx.local", socket.AF_INET)]
    assert names._workers == 0


def test_with_ipv6_both_families_are_asked_for(loop: HandLoop, found: _Found, system: _System) -> None:
    NameService(loop, found.take, ipv6=True).lookup("pbx.local")
    loop.turn_until(lambda: found)
    assert system.asked == [("pbx.local", socket.AF_UNSPEC)]


def test_two_who_ask_at_once_get_one_answer(loop: HandLoop, names: NameService, found: _Found, system: _System) -> None:
    system.gate.clear()
    names.lookup("pbx.local")
    names.lookup("pbx.local")
    system.gate.set()
    loop.turn_until(lambda: found)
    loop.settle()
    assert len(found) == len(system.asked) == 1


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (UnicodeError("label too long"), "label too long"),
        (ValueError("embedded null byte"), "embedded null byte"),
        (RuntimeError(), "RuntimeError"),
        (None, "it has no address"),
    ],
)
def test_a_name_that_is_not_found_is_an_answer_too(
    loop: HandLoop, names: NameService, found: _Found, system: _System, error: Exception | None, fault: str
) -> None:
    system.error = error
    system.addresses.clear()
    names.lookup("pbx.local")
    loop.turn_until(lambda: found)
    assert found == [("pbx.local", [], fault)]


def test_a_worker_logs_nothing(
    loop: HandLoop, names: NameService, found: _Found, system: _System, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "device")
    system.error = socket.gaierror(-2, "unknown")
    names.lookup("pbx.local")
    loop.turn_until(lambda: found)
    assert caplog.records == []


def test_a_flood_of_names_is_served_by_few_threads(
    loop: HandLoop, names: NameService, found: _Found, system: _System
) -> None:
    system.gate.clear()
    hosts = [f"host-{number}.local" for number in range(MAX_WORKERS + MAX_WAITING + 3)]
    for host in hosts:
        names.lookup(host)
    assert len(system.asked) <= MAX_WORKERS
    # What is too much is told, but not while it is being asked for.
    assert found == []
    loop.turn_until(lambda: len(found) == 3)
    assert [host for host, _, _ in found] == hosts[-3:]
    system.gate.set()
    loop.turn_until(lambda: len(found) == len(hosts))
    assert names._workers == 0


def test_a_process_that_gets_no_thread_goes_on(
    loop: HandLoop, names: NameService, found: _Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    start: Callable[[threading.Thread], None] = refuse
    monkeypatch.setattr(threading.Thread, "start", start)
    names.lookup("pbx.local")
    loop.turn_until(lambda: found)
    assert found == [("pbx.local", [], "can't start new thread")]
