"""Back to the state of delivery: nothing is left, whenever the power goes."""

import os
from pathlib import Path

import pytest

from device.model import Account, AccountId, Credential
from device.store import factory_reset
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.errors import StoreUnwritableError
from device.store.files import RESET_SUFFIX, is_reset_requested
from device.store.settings import Settings

SECRET = "canary-in-the-store"


@pytest.fixture
def store(tmp_path: Path) -> str:
    path = str(tmp_path / "offhook.db")
    with open_database(path) as database:
        Settings(database).set_many({"phone.hotline": "1002", "hardware.board": "handset", "audio.kind": "null"})
        account = Account(AccountId("office"), "1001", "pbx.example.com")
        Accounts(database).add(account, Credential("1001", "", (), SECRET))
        database.want_backup()
        database.handle_timeout(1e12)
    (tmp_path / "offhook.db.damaged-1").write_text(SECRET)
    (tmp_path / "other.db").write_text("not ours")
    return path


def contents(folder: str) -> bytes:
    return b"".join(path.read_bytes() for path in Path(folder).iterdir())


def test_nothing_is_left_but_what_was_kept(store: str) -> None:
    assert SECRET.encode() in contents(os.path.dirname(store))
    factory_reset.request_reset(store, {"hardware.board": "handset"})
    assert is_reset_requested(store)
    assert factory_reset.erase(store) == {"hardware.board": "handset"}
    left = sorted(os.listdir(os.path.dirname(store)))
    assert left == ["offhook.db.reset", "other.db"]
    assert SECRET.encode() not in contents(os.path.dirname(store))
    with open_database(store) as database:
        assert list(Accounts(database).list()) == []
        assert Settings(database).get_all() == {}
    factory_reset.finish(store)
    assert not is_reset_requested(store)
    assert factory_reset.erase(store) is None


def test_a_power_cut_before_the_end_leads_to_the_same(store: str) -> None:
    factory_reset.request_reset(store, {"audio.kind": "null"})
    factory_reset.erase(store)
    with open_database(store) as database:
        Settings(database).set_many({"audio.kind": "null"})
    # The marker is still there: the next start begins again, and keeps the same.
    assert factory_reset.erase(store) == {"audio.kind": "null"}


def test_a_marker_that_cannot_be_read_erases_all_the_same(store: str) -> None:
    Path(store + RESET_SUFFIX).write_text("{half")
    assert factory_reset.erase(store) == {}
    assert not os.path.exists(store)


def test_the_settings_of_the_hardware_are_those_that_may_stay() -> None:
    settings = {"hardware.board": "a", "audio.kind": "alsa", "phone.hotline": "1", "daemon.reset_button": "door"}
    assert set(factory_reset.kept_settings(settings)) == {"hardware.board", "audio.kind", "daemon.reset_button"}


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritableError, match="the reset cannot be asked for"):
        factory_reset.request_reset(str(tmp_path / "gone" / "offhook.db"), {})


def test_a_store_that_cannot_be_erased_is_left_for_the_next_start(
    store: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: str) -> None:
        raise OSError(30, "Read-only file system")

    factory_reset.request_reset(store, {})
    monkeypatch.setattr(factory_reset, "_wipe", refuse)
    assert factory_reset.erase(store) is None
    assert "cannot be erased (Read-only file system); the next start tries again" in caplog.text
    assert is_reset_requested(store)
