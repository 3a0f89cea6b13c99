"""`offhook provision`: what a file brings into the store, once, and what it says of faulty ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.daemon import provision as module
from device.daemon.provision import MAX_FILE_BYTES, ProvisioningError, main, read_provisioning
from device.model import Account, AccountId
from device.sip.digest import ha1
from device.store.accounts import Accounts
from device.store.database import open_database
from device.store.settings import Settings

CANARY = "c4n4ry-passw0rd"
FILE = f"""
[settings.hardware]
board = "raspberry-pi"
[settings.sip]
port = 5062
tcp = true
[accounts.office]
address = "1001@pbx.example.com"
password = "{CANARY}"
transport = "tcp"
expires_s = 300
"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "state" / "offhook.db")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "offhook.toml"
    path.write_text(FILE)
    return path


def settings(store: str) -> dict[str, str]:
    with open_database(store) as database:
        return Settings(database).get_all()


def account(store: str, name: str = "office") -> Account:
    with open_database(store) as database:
        found = Accounts(database).get(AccountId(name))
    assert found is not None
    return found


def test_settings_and_accounts_are_in_the_store(store: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", store, str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: 3 settings and 1 accounts are in the store\n"
    assert settings(store) == {"hardware.board": "raspberry-pi", "sip.port": "5062", "sip.tcp": "on"}
    office = account(store)
    assert (office.user, office.domain, office.transport) == ("1001", "pbx.example.com", "tcp")
    assert (office.expires_s, office.register) == (300, True)
    with open_database(store) as database:
        credential = Accounts(database).credential(AccountId("office"))
    assert credential is not None
    assert (credential.username, credential.password) == ("1001", CANARY)


def test_a_file_is_taken_once_until_it_changes(store: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--store", store, str(file)]) == 0
    with open_database(store) as database:
        Settings(database).set_many({"sip.port": "5070"})
    capsys.readouterr()
    assert main(["--store", store, str(file)]) == 0
    assert capsys.readouterr().out == f"nothing is new: {file} was taken before and has not changed\n"
    assert settings(store)["sip.port"] == "5070"
    file.write_text(FILE.replace("5062", "5064"))
    assert main(["--store", store, str(file)]) == 0
    assert settings(store)["sip.port"] == "5064"
    # And back: what counts is the last state of the file that was taken, not any earlier one.
    file.write_text(FILE)
    assert main(["--store", store, str(file)]) == 0
    assert settings(store)["sip.port"] == "5062"


def test_what_the_file_does_not_name_stays(store: str, file: Path) -> None:
    assert main(["--store", store, str(file)]) == 0
    file.write_text('[accounts.office]\ndisplay_name = "Hall"\n[settings.phone]\nhotline = "1002"\n')
    assert main(["--store", store, str(file)]) == 0
    assert (account(store).user, account(store).display_name) == ("1001", "Hall")
    with open_database(store) as database:
        credential = Accounts(database).credential(AccountId("office"))
    assert credential is not None
    assert credential.password == CANARY
    assert settings(store)["phone.hotline"] == "1002"
    assert settings(store)["sip.port"] == "5062"


def test_files_that_are_not_there_are_passed_over(store: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = [str(file) + ".no", str(file / "below-a-file")]
    assert main(["--store", store, *missing]) == 0
    assert capsys.readouterr().out == f"nothing is new: {missing[0]} is not there; {missing[1]} is not there\n"
    assert not Path(store).exists()
    assert main(["--store", store, *missing, str(file)]) == 0
    assert settings(store)["sip.port"] == "5062"


def test_a_known_realm_seals_the_password(store: str, file: Path) -> None:
    file.write_text(FILE + 'realm = "pbx"\n')
    assert main(["--store", store, str(file)]) == 0
    with open_database(store) as database:
        credential = Accounts(database).credential(AccountId("office"))
    assert credential is not None
    assert credential.password == ""
    assert dict(credential.ha1)["MD5"] == ha1("MD5", "1001", "pbx", CANARY)


FAULTS = {
    "[settings.sip]\nprot = 1": "sip.prot: there is no such setting; did you mean sip.port?",
    "[settings.sip]\nport = 99999": "sip.port: ",
    "[settings.sip]\nport = [1]": "settings.sip.port: is neither text nor a number nor true or false",
    "[settings]\nsip = 1": "settings.sip: is no table; write it as [settings.sip]",
    "settings = 1": "settings: is no table; write it as [settings]",
    "[setting]": "setting: there is no such table; settings, accounts and sealed are",
    "[accounts.a]\naddress = 'u@d'\nport = 1": "accounts.a.port: an account has no such field; there are address, ",
    "[accounts.a]\naddress = 'u@d'\nmwi = 1": "accounts.a.mwi: is not of type bool",
    "[accounts.a]\naddress = 'u@d'\nexpires_s = 1": "accounts.a.expires_s: 1 is not between",
    "[accounts.a]\naddress = 'd'": "accounts.a.user: is empty; a registration needs the user part of the address",
    "[accounts.a]\naddress = 'u@d'\nrealm = 'r'": "accounts.a.realm: give the password with it",
    "[settings": "is no TOML: ",
    "a = '\\xff'": "is no TOML: ",
}


@pytest.mark.parametrize("text", FAULTS)
def test_every_fault_is_told_and_nothing_changes(
    text: str, store: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = tmp_path / "faulty.toml"
    faulty.write_bytes(text.encode("latin-1").replace(b"\\xff", b"\xff") + f"\n#{CANARY}\n".encode())
    assert main(["--store", store, str(file), str(faulty)]) == 1
    said = capsys.readouterr()
    assert f"{faulty}: {FAULTS[text]}" in said.err
    assert "nothing was changed; put that right" in said.err
    assert CANARY not in said.out + said.err
    if Path(store).exists():
        assert settings(store) == {}
    assert not Path(store + module.TAKEN_SUFFIX).exists()


def test_faults_of_several_files_are_told_together(store: str, tmp_path: Path) -> None:
    paths = [tmp_path / "a.toml", tmp_path / "b.toml"]
    for path in paths:
        path.write_text("[nothing]\n")
    with pytest.raises(ProvisioningError) as caught:
        module.provision(store, [str(path) for path in paths])
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [str(path) for path in paths]


def test_neither_a_folder_nor_a_film_is_a_file_of_settings(tmp_path: Path) -> None:
    with pytest.raises(ProvisioningError, match="cannot be read"):
        read_provisioning(str(tmp_path))
    film = tmp_path / "film"
    film.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ProvisioningError, match="larger than"):
        read_provisioning(str(film))


def test_the_list_of_taken_files_is_private_and_may_be_lost(store: str, file: Path) -> None:
    assert main(["--store", store, str(file)]) == 0
    taken = Path(store + module.TAKEN_SUFFIX)
    assert taken.stat().st_mode & 0o777 == 0o600
    assert CANARY not in taken.read_text()
    taken.write_bytes(b"\xff\xfe")
    assert main(["--store", store, str(file)]) == 0
    assert account(store).user == "1001"


def test_a_running_phone_is_not_disturbed(store: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_database(store):
        # SQLite's locks are those of a process, so another one has to ask.
        said = subprocess.run(
            [sys.executable, "-m", "device", "provision", "--store", store, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert said.returncode == 1
    assert "offhook provision: " in said.stderr
    assert settings(store) == {}


def test_root_goes_on_as_the_owner_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[tuple[str, object]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda value, name=name: became.append((name, value)))

    class Owner:
        st_uid, st_gid, st_mode = 991, 992, 0o040700

    monkeypatch.setattr(os, "stat", lambda *_: Owner)
    module.become_owner(str(tmp_path))
    assert became == [("setgroups", []), ("setgid", 992), ("setuid", 991)]
    Owner.st_uid = 0
    module.become_owner(str(tmp_path))
    assert len(became) == 3


@pytest.mark.parametrize(
    ("words", "status", "expected"),
    [
        (["--help"], 0, "usage: offhook provision"),
        ([], 2, "name the file to take"),
        (["--store"], 2, "--store needs a value"),
        (["--stroe=x", "f"], 2, "'--stroe=x' is not an option of `offhook provision`"),
    ],
)
def test_the_command_line(words: list[str], status: int, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == status
    said = capsys.readouterr()
    assert expected in said.out + said.err
