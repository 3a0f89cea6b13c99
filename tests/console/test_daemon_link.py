"""The way to the phone, with a real control server that comes and goes."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from device.console.daemon_link import CAME, RETRY_S, STILL_DOWN, WENT, DaemonLink
from device.control.errors import ControlError, DaemonUnreachableError
from tests.support.answering_daemon import AnsweringDaemon


class FakeStore:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = 0

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        self.asked.append(method)
        return {"from": "store"}

    def close(self) -> None:
        self.closed += 1


class Side:
    def __init__(self, path: str) -> None:
        self.store = FakeStore()
        self.told: list[str] = []
        self.link = DaemonLink(path, self.store, 0.0)
        self.link.tell = self.told.append


@pytest.fixture
def side(tmp_path: Path) -> Side:
    return Side(str(tmp_path / "no.sock"))


def test_without_a_daemon_the_store_is_asked_for_what_it_knows(side: Side) -> None:
    assert not side.link.open()
    assert side.link.fileno() == -1
    assert side.link.ask("settings.list") == {"from": "store"}
    with pytest.raises(DaemonUnreachableError, match="systemctl start offhook"):
        side.link.ask("call.place", target="1")
    assert side.store.asked == ["settings.list"]
    assert side.told == []
    side.link.follow(["call"])


def test_it_looks_again_and_again(side: Side) -> None:
    side.link.open()
    assert side.link.next_timeout() == 0.0
    side.link.handle_timeout(5.0)
    assert side.link.next_timeout() == 5.0 + RETRY_S


def test_the_daemon_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    side = Side(str(path))
    side.link.open()
    side.link.follow(["phone"])
    side.link.ask("account.list")
    with closing(AnsweringDaemon(path)) as daemon:
        daemon.answers["account.list"] = {"accounts": []}
        side.link.handle_timeout(1.0)
        assert side.told == [CAME]
        assert side.store.closed == 1
        assert daemon.server.has_subscribers("phone")
        assert side.link.ask("account.list") == {"accounts": []}
        assert side.link.next_timeout() is None
        assert side.link.fileno() >= 0
    assert side.link.events() == []
    assert side.told == [CAME, WENT]
    assert not side.link.is_up
    side.link.close()


def test_a_daemon_that_goes_in_the_middle_of_a_question(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with closing(AnsweringDaemon(path)):
        side = Side(str(path))
        assert side.link.open()
    assert side.link.ask("settings.list") == {"from": "store"}
    assert side.told == [WENT]
    with pytest.raises(ControlError, match=STILL_DOWN[:20]):
        side.link.ask("status")


def test_a_question_finds_a_daemon_that_is_back_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    side = Side(str(path))
    side.link.open()
    with closing(AnsweringDaemon(path)) as daemon:
        daemon.answers["status"] = {"version": "1"}
        assert side.link.ask("status") == {"version": "1"}
        assert side.told == [CAME]
        side.link.close()
