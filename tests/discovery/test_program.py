"""Two boards in one process, their phones and their mDNS played by the test, the exchange a real one on loopback."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.control.errors import ControlError
from device.demo.system import free_port
from device.discovery import program
from device.discovery.announcement import Announcement
from device.discovery.avahi import Browse, Lost, Seen
from device.discovery.notebook import Notebook
from device.discovery.phone_link import PhoneFacts
from device.discovery.program import Discovery
from device.records import replace
from tests.support.processes import HOST, wait_until

PATIENCE_S = 40.0
POLL_S = 0.05
"""How often the ether is listened to, which can wake nobody."""
HOME = ["192.168.1.7"]


class Ether:
    """What is announced, by board."""

    def __init__(self) -> None:
        self.boards: dict[str, Announcement] = {}


class PlayedAvahi:
    """Hears the ether at every turn."""

    def __init__(self, ether: Ether) -> None:
        self._ether = ether
        self._heard: dict[str, Announcement] = {}
        self._own = ""
        self.browse = Browse()

    def open(self) -> None: ...

    def fileno(self) -> None:
        return None

    def next_timeout(self) -> float:
        return time.monotonic() + POLL_S

    def publish(self, board: Announcement, port: int, _now: float) -> None:
        self._own = board.id
        self._ether.boards[board.id] = replace(board, host=HOST, port=port)

    def withdraw(self) -> None:
        self._ether.boards.pop(self._own, None)
        self._heard.clear()

    def close(self) -> None:
        self.withdraw()

    def receive(self, _now: float) -> list[Seen | Lost]:
        now_there = dict(self._ether.boards)
        news: list[Seen | Lost] = [Lost(gone) for gone in self._heard.keys() - now_there.keys()]
        news += [Seen(board) for board_id, board in now_there.items() if self._heard.get(board_id) != board]
        self._heard = now_there
        return news


class PlayedPhone:
    """A phone that does as it is told."""

    def __init__(self, board_id: str) -> None:
        self.id = board_id
        self.accounts: dict[str, tuple[str, str, str, str]] = {}
        self.is_up = True

    def facts(self) -> PhoneFacts:
        if not self.is_up:
            raise ControlError(0, "the phone does not answer")
        return PhoneFacts(self.id, tuple(self.accounts))

    def join(self, number: str, domain: str, server: str, password: str) -> None:
        self.accounts["house"] = (number, domain, server, password)

    def leave(self) -> None:
        self.accounts.pop("house", None)

    def close(self) -> None: ...


class PlayedBoard:
    """One board, its discovery in a thread of its own."""

    def __init__(self, board_id: str, ether: Ether, folder: Path) -> None:
        self.phone = PlayedPhone(board_id)
        self.notebook = Notebook(str(folder / board_id))
        self.port = free_port()
        self.discovery = Discovery(
            self.notebook,
            self.phone,  # type: ignore[arg-type]
            PlayedAvahi(ether),  # type: ignore[arg-type]
            5,
            self.port,
            lambda: (HOME, []),
        )
        self._wake_fd, self._woken_fd = os.pipe()
        self._thread = threading.Thread(target=self.discovery.run, args=(self._wake_fd,))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.discovery.running = False
        os.write(self._woken_fd, b"x")
        self._thread.join()
        self.discovery.close()
        os.close(self._wake_fd)
        os.close(self._woken_fd)

    @property
    def status(self) -> dict[str, object]:
        return Notebook(self.notebook.folder).read_status()


@pytest.fixture
def boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PlayedBoard]]:
    monkeypatch.setattr(program, "LOOK_S", 0.5)
    ether = Ether()
    made = [PlayedBoard(f"{number:016x}", ether, tmp_path) for number in (1, 2)]
    for board in made:
        board.start()
    yield made
    for board in made:
        board.stop()


def test_two_boards_share_an_exchange_and_part_again(boards: list[PlayedBoard]) -> None:
    first, second = boards
    wait_until("both to have an account", lambda: first.phone.accounts and second.phone.accounts, PATIENCE_S)
    (number, domain, server, password), other = first.phone.accounts["house"], second.phone.accounts["house"]
    assert {number, other[0]} == {"11", "12"}
    assert (other[1], other[2]) == (domain, server) == (domain, f"{HOST}:{first.port}")
    assert password != other[3]
    assert first.status["role"] == "host"
    assert second.status["role"] == "member"
    # Whoever gets a server of his own leaves the house to the others.
    second.phone.accounts["office"] = ("1001", "pbx", "", "")
    wait_until("the second to keep to itself", lambda: "account of its own" in str(second.status.get("reason")), 25.0)
    assert "house" in second.phone.accounts, "the account stays, for whoever decided so to remove"
