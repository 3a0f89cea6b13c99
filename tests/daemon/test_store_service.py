"""The store's part of the control socket, by a process of its own while the phone is down."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.console.store_process import StoreProcess
from device.control.errors import INVALID_PARAMS, METHOD_NOT_FOUND, ControlError
from device.daemon.store_service import DOWN, main
from device.model import Account, AccountId
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.settings import Settings


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "offhook.db"


@pytest.fixture
def service(store: Path) -> Iterator[StoreProcess]:
    service = StoreProcess(["--store", str(store)])
    yield service
    service.close()


def test_settings_are_shown_and_changed(service: StoreProcess, store: Path) -> None:
    assert service.ask("settings.get", key="phone.hotline")["value"] == ""
    assert service.ask("settings.set", values={"phone.hotline": "1002"})["restart"] == ["phone.hotline"]
    assert service.ask("settings.get", key="phone.hotline")["value"] == "1002"
    with pytest.raises(ControlError, match=r"did you mean phone\.hotline") as caught:
        service.ask("settings.set", values={"phone.hotlin": "1"})
    assert caught.value.code == INVALID_PARAMS
    with open_database(str(store)) as database:
        assert Settings(database).get_all() == {"phone.hotline": "1002"}


def test_accounts_are_shown_and_changed(service: StoreProcess, store: Path) -> None:
    service.ask("account.add", id="office", user="1001", domain="pbx.example.com", password="pw")
    service.ask("account.update", id="office", expires_s=300)
    (account,) = service.ask("account.list")["accounts"]
    assert (account["aor"], account["state"], account["password"]) == ("sip:1001@pbx.example.com", DOWN, "pending")
    assert service.ask("account.show", id="office")["expires_s"] == 300
    service.ask("account.add", id="door", user="", domain="192.0.2.7", register=False)
    assert service.ask("account.show", id="door")["password"] == "none"
    service.ask("account.remove", id="door")
    with open_database(str(store)) as database:
        (kept,) = Accounts(database).list()
        assert kept == Account(AccountId("office"), "1001", "pbx.example.com", expires_s=300)


def test_the_store_is_free_between_two_calls(service: StoreProcess, store: Path) -> None:
    service.ask("settings.list")
    with open_database(str(store)) as database:
        Settings(database).set_many({"phone.hotline": "1003"})
        with pytest.raises(ControlError, match="in use by another process"):
            service.ask("settings.list")
    assert service.ask("settings.get", key="phone.hotline")["value"] == "1003"


def test_a_lock_out_holds_from_call_to_call(service: StoreProcess) -> None:
    service.ask("console.password", role="admin", verifier="scrypt:16384:8:1:00:00")
    for _ in range(3):
        with pytest.raises(ControlError, match="Login incorrect"):
            service.ask("console.login", role="admin", key="11", line="ttyS0")
    assert service.ask("console.access", line="ttyS0")["wait_s"] > 0


def test_a_section_of_the_console_that_cannot_be_used_counts_as_the_safe_one(
    service: StoreProcess, store: Path
) -> None:
    with open_database(str(store)) as database:
        Settings(database).set_many({"console.open": "on", "console.idle_log_out_s": "never", "phone.gone": "1"})
    access = service.ask("console.access", line="ttyS0")
    assert (access["open"], access["idle_log_out_s"]) == (False, 600)
    with open_database(str(store)) as database:
        Settings(database).set_many({"console.idle_log_out_s": None})
    assert service.ask("console.access", line="ttyS0")["open"] is True


def test_books_can_be_read(service: StoreProcess) -> None:
    assert service.ask("phonebook.list") == {"entries": []}
    assert service.ask("calllog.list", limit=5) == {"calls": []}


def test_what_needs_the_phone_is_refused(service: StoreProcess) -> None:
    with pytest.raises(ControlError) as caught:
        service.ask("call.place", target="1002")
    assert caught.value.code == METHOD_NOT_FOUND


def test_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "example: offhook store-service --socket" in capsys.readouterr().out
    assert main([]) == 2
    assert "name the socket" in capsys.readouterr().err
    assert main(["--socket"]) == 2
    assert "--socket needs a value" in capsys.readouterr().err
    assert main(["x"]) == 2
    assert "'x' is no option" in capsys.readouterr().err
