import sqlite3
from pathlib import Path

import pytest

from device.model import Account, AccountId, Credential
from device.records import replace
from device.store.accounts import Accounts
from device.store.database import MIGRATIONS_DIRECTORY, Database, migrate, open_database
from device.store.errors import DuplicateError, StoreError, UnknownEntryError

OFFICE = Account(
    AccountId("office"),
    "1001",
    "pbx.example.com",
    "Front desk",
    "registrar.example.com:5070",
    "proxy.example.com",
    "tcp",
    "auth1001",
    300,
    register=True,
    enabled=False,
    proxy_mode="always",
    keepalive="options",
    keepalive_s=25,
    outbound=False,
    privacy="id",
    mwi=True,
)
DOOR = Account(AccountId("door"), "", "192.0.2.7", register=False)


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database)


def test_every_field_survives_a_restart(path: Path) -> None:
    with open_database(str(path)) as database:
        Accounts(database).add(OFFICE, Credential("auth1001", password="secret"))
        Accounts(database).add(DOOR)
    with open_database(str(path)) as database:
        accounts = Accounts(database)
        assert accounts.list() == (OFFICE, DOOR)
        assert accounts.get(OFFICE.id) == OFFICE
        assert accounts.credential(OFFICE.id) == Credential("auth1001", password="secret")
        assert accounts.credential(DOOR.id) is None


def test_accounts_keep_their_order(accounts: Accounts) -> None:
    for name in ("zebra", "ape", "mole"):
        accounts.add(replace(OFFICE, id=AccountId(name)))
    accounts.update(replace(OFFICE, id=AccountId("zebra"), expires_s=60))
    accounts.remove(AccountId("ape"))
    accounts.add(replace(OFFICE, id=AccountId("ape")))
    assert [account.id for account in accounts.list()] == ["zebra", "mole", "ape"]


def test_an_id_is_taken_only_once(accounts: Accounts) -> None:
    accounts.add(OFFICE)
    with pytest.raises(DuplicateError, match="'office' exists already"):
        accounts.add(replace(OFFICE, user="other"))
    assert accounts.list() == (OFFICE,)


def test_changing_an_account_keeps_its_secret(accounts: Accounts) -> None:
    accounts.add(OFFICE, Credential("auth1001", password="secret"))
    accounts.update(replace(OFFICE, expires_s=60, enabled=True))
    assert accounts.get(OFFICE.id) == replace(OFFICE, expires_s=60, enabled=True)
    assert accounts.credential(OFFICE.id) == Credential("auth1001", password="secret")


def test_a_clear_text_password_follows_a_new_digest_user(accounts: Accounts) -> None:
    accounts.add(OFFICE, Credential("auth1001", password="secret"))
    accounts.update(replace(OFFICE, auth_user="new"))
    assert accounts.credential(OFFICE.id) == Credential("new", password="secret")


def test_a_sealed_password_does_not_and_says_so(accounts: Accounts) -> None:
    accounts.add(OFFICE, Credential("auth1001", "pbx", (("MD5", "11" * 16),)))
    with pytest.raises(StoreError, match=r"sealed for the user 'auth1001'.*password again"):
        accounts.update(replace(OFFICE, auth_user="new"))
    assert accounts.get(OFFICE.id) == OFFICE
    accounts.update(replace(OFFICE, auth_user="new"), Credential("new", password="secret"))
    assert accounts.credential(OFFICE.id) == Credential("new", password="secret")


def test_a_new_digest_user_without_secret_needs_none(accounts: Accounts) -> None:
    accounts.add(OFFICE)
    accounts.update(replace(OFFICE, auth_user="new"))
    assert accounts.credential(OFFICE.id) is None


def test_removing_forgets_account_and_secret(accounts: Accounts) -> None:
    accounts.add(OFFICE, Credential("auth1001", password="secret"))
    accounts.remove(OFFICE.id)
    assert accounts.list() == ()
    accounts.add(OFFICE)
    assert accounts.credential(OFFICE.id) is None


def test_unknown_accounts_are_named(accounts: Accounts) -> None:
    assert accounts.get(AccountId("nobody")) is None
    for ask in (
        lambda: accounts.remove(AccountId("nobody")),
        lambda: accounts.update(replace(OFFICE, id=AccountId("nobody"))),
        lambda: accounts.seal(AccountId("nobody"), "realm", {"MD5": "00"}),
    ):
        with pytest.raises(UnknownEntryError, match="no account 'nobody': `offhook account list`"):
            ask()


def test_accounts_of_an_older_store_keep_what_they_were(path: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for name in ("0001_phone.sql", "0002_exchange.sql", "0003_realms.sql"):
        (older / name).write_text((Path(MIGRATIONS_DIRECTORY) / name).read_text())
    path.parent.mkdir()
    connection = sqlite3.connect(str(path), isolation_level=None)
    migrate(connection, str(path), str(older))
    connection.execute(
        "INSERT INTO account VALUES (1, 'office', '1001', 'pbx', 'Desk', '', '', 'tcp', 'a', 300, 1, 0)",
    )
    connection.close()
    with open_database(str(path)) as database:
        kept = Account(OFFICE.id, "1001", "pbx", "Desk", "", "", "tcp", "a", 300, register=True, enabled=False)
        assert Accounts(database).list() == (kept,)
