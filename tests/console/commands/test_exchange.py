"""The exchange managed from the console, with one that runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.desk import Desk, FakePhone
from tests.support.daemons import ExchangeDaemon, running


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeDaemon]:
    exchange = ExchangeDaemon(tmp_path_factory.mktemp("exchange"), {"1001": "one-secret"})
    with running(exchange):
        yield exchange


@pytest.fixture
def desk(exchange: ExchangeDaemon, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("OFFHOOK_EXCHANGE_SOCKET", str(exchange.socket_path))
    return Desk(FakePhone())


def test_users_are_managed(desk: Desk) -> None:
    assert desk.type("exchange user list\r")[-2:] == ["1001@127.0.0.1", "offhook#"]
    desk.type("exchange user add 1002\r")
    lines = desk.type("two-secret\rtwo-secret\r")
    assert "1002@127.0.0.1 may register now" in lines
    assert not any("two-secret" in line for line in lines)
    assert "1002@127.0.0.1" in desk.type("exchange user list\r")
    assert "1002@127.0.0.1 is removed" in desk.type("exchange user remove 1002\r")


def test_passwords_that_differ_change_nothing(desk: Desk) -> None:
    desk.type("exchange user add 1003\r")
    assert "the two differ; nothing was changed" in desk.type("one\rother\r")
    assert "1003@127.0.0.1" not in desk.type("exchange user list\r")[-3:]


def test_aliases_and_trunks(desk: Desk) -> None:
    desk.type("exchange alias add 9 1001\r")
    assert any("1001" in line and "9" in line for line in desk.type("exchange alias list\r"))
    desk.type("exchange trunk add other 192.0.2.20\r")
    desk.type("\r")
    assert any("192.0.2.20" in line for line in desk.type("exchange trunk list\r"))


def test_what_goes_on(desk: Desk) -> None:
    lines = desk.type("show exchange\r")
    assert "nobody is registered" in lines
    assert "there is no call now" in lines
    assert "no call has ended yet" in desk.type("show exchange records\r")
    assert "nobody is banned" in desk.type("show exchange ban list\r")


def test_what_is_not_understood_is_said_as_the_command_line_says_it(desk: Desk) -> None:
    assert any("say what to do: add, list, remove" in line for line in desk.type("exchange user rename 1\r"))


def test_where_none_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_EXCHANGE_SOCKET", str(tmp_path / "nobody.sock"))
    lines = Desk(FakePhone()).type("exchange calls\r")
    assert any("no exchange answers here" in line for line in lines)
