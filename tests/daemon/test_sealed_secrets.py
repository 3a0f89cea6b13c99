"""A configuration with its secrets goes from one phone to another, and to fifty."""

from pathlib import Path

import pytest

from device.daemon import sealing
from device.daemon.provision import main
from device.daemon.sealed_secrets import open_secrets, seal_store, unseal_into
from device.daemon.sealing import SealError, seal
from device.model import Account, AccountId, Credential
from device.store.accounts import Accounts
from device.store.database import Database, open_database
from device.store.settings import Settings
from tests.support.consoles import ADMIN, terminal_console
from tests.support.daemons import PhoneDaemon, running

PASSPHRASE = "wire and solder"
SECRET = "canary-5"
SEALED = Credential("1001", "pbx", (("MD5", "0" * 32),), "", (("proxy", (("MD5", "1" * 32),)),))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sealing.SCRYPT, "n", 2)


def filled(path: Path) -> Database:
    database = open_database(str(path))
    accounts = Accounts(database)
    accounts.add(Account(AccountId("office"), "1001", "pbx"), SEALED)
    accounts.add(Account(AccountId("home"), "1002", "pbx"), Credential("1002", password=SECRET))
    accounts.add(Account(AccountId("open"), "1003", "pbx"))
    Settings(database).set_many({"phone.door_code": "4711"})
    return database


def test_every_secret_goes_along_and_comes_out_as_it_was(tmp_path: Path) -> None:
    with filled(tmp_path / "a.db") as database:
        text = seal_store(database, PASSPHRASE)
        assert seal_store(database, PASSPHRASE) != text  # another salt each time
    assert SECRET not in text
    credentials, settings = open_secrets(PASSPHRASE, text)
    assert credentials == {"office": SEALED, "home": Credential("1002", password=SECRET)}
    assert settings == {"phone.door_code": "4711"}
    with open_database(str(tmp_path / "b.db")) as other:
        Accounts(other).add(Account(AccountId("office"), "1001", "pbx"))
        assert unseal_into(other, PASSPHRASE, text) == ["account.office.password", "phone.door_code"]
        assert Accounts(other).credential(AccountId("office")) == SEALED


def test_a_text_of_something_else_is_refused() -> None:
    text = seal(PASSPHRASE, {"other": 1}, bytes(16), bytes(12))
    with pytest.raises(SealError, match="holds no secrets of a phone"):
        open_secrets(PASSPHRASE, text)


def test_a_file_with_sealed_secrets_provisions_a_phone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with filled(tmp_path / "a.db") as database:
        text = seal_store(database, PASSPHRASE)
    file, passphrase, store = tmp_path / "phone.toml", tmp_path / "passphrase", tmp_path / "b.db"
    file.write_text(f'[sealed]\nsecrets = "{text}"\n[accounts.home]\nuser = "1002"\ndomain = "pbx"\n')
    passphrase.write_text(f"{PASSPHRASE}\n")
    assert main(["--store", str(store), str(file)]) == 1
    assert "name the passphrase with --passphrase-file" in capsys.readouterr().err
    assert main(["--store", str(store), "--passphrase-file", str(file), str(file)]) == 1
    assert "does not fit" in capsys.readouterr().err
    assert main(["--store", str(store), "--passphrase-file", str(tmp_path / "gone"), str(file)]) == 2
    assert "No such file" in capsys.readouterr().err
    assert main(["--store", str(store), "--passphrase-file", str(passphrase), str(file)]) == 0
    with open_database(str(store)) as other:
        assert Accounts(other).credential(AccountId("home")) == Credential("1002", password=SECRET)
        assert Settings(other).get_all()["phone.door_code"] == "4711"


def test_from_console_to_console(tmp_path: Path) -> None:
    old, new = PhoneDaemon("old", tmp_path), PhoneDaemon("new", tmp_path)
    with running(old, new):
        old.call("account.add", id="office", user="1001", domain="192.0.2.1", register=False, password=SECRET)
        with terminal_console(old.socket_path, old.store_path, lines=500, columns=250) as person:
            person.choose_password()
            person.type("export sealed\r")
            for question in ("Passphrase for the secrets: ", "The same again: "):
                person.expect(question)
                person.type(f"{PASSPHRASE}\r")
            exported = person.expect(ADMIN)
        assert SECRET not in exported
        assert "[sealed]" in exported
        text = "\r".join(
            line.strip() for line in exported.splitlines() if line.strip() and not line.startswith("offhook")
        )
        with terminal_console(new.socket_path, new.store_path, lines=500, columns=250) as person:
            person.choose_password()
            person.type("import\r")
            person.expect("drops it.")
            person.type(f"{text}\r.\r")
            person.expect("Passphrase of its secrets: ")
            person.type("not the one\r")
            person.expect("does not fit", "Passphrase of its secrets: ")
            person.type(f"{PASSPHRASE}\r")
            person.expect("in the candidate now", ADMIN)
            assert "secrets taken: account.office.password" in person.run("commit")
        assert new.call("account.show", id="office")["password"] != "none"  # type: ignore[index]
