"""What the running phone says that an upgrade must know."""

from contextlib import closing
from pathlib import Path

import pytest

from device.upgrade.daemon_state import calls_up, daemon_status, registered_accounts
from tests.support.answering_daemon import AnsweringDaemon


def test_a_running_phone_tells_calls_and_registrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control.sock"
    monkeypatch.setenv("OFFHOOK_SOCKET", str(path))
    with closing(AnsweringDaemon(path)):
        status = daemon_status()
    assert status is not None
    assert calls_up(status) == 1
    assert registered_accounts(status) == ["office"]


def test_a_phone_that_does_not_run_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_SOCKET", str(tmp_path / "none"))
    assert daemon_status() is None
    assert calls_up(None) == 0
    assert registered_accounts(None) == []
