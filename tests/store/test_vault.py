import _sqlite3
import random
from pathlib import Path

import pytest

from device.model import Account, AccountId, Credential
from device.store.accounts import Accounts
from device.store.database import MIGRATIONS_DIRECTORY, Database, migrate, open_database
from device.store.errors import StoreError, UnknownEntryError
from device.store.settings import Settings
from device.store.vault import Vault

CANARY = "c4n4ry-in-clear-text"
OFFICE = AccountId("office")
HA1 = {"MD5": "11" * 16, "SHA-256": "22" * 32}


@pytest.fixture
def accounts(database: Database) -> Accounts:
    accounts = Accounts(database)
    accounts.add(Account(OFFICE, "1001", "pbx.example.com"), Credential("1001", password=CANARY))
    return accounts


def traces(path: Path, secret: str) -> list[str]:
    """The files of the store in which `secret` can be read."""
    return sorted(file.name for file in path.parent.iterdir() if secret.encode() in file.read_bytes())


def test_a_password_is_pending_until_its_realm_is_known(accounts: Accounts) -> None:
    assert accounts.credential(OFFICE) == Credential("1001", password=CANARY)
    assert accounts.pending() == (OFFICE,)
    accounts.seal(OFFICE, "pbx", HA1)
    assert accounts.credential(OFFICE) == Credential("1001", "pbx", tuple(HA1.items()))
    assert accounts.pending() == ()


def test_a_sealed_password_cannot_be_read_from_any_file(accounts: Accounts, path: Path, database: Database) -> None:
    assert traces(path, CANARY)
    accounts.seal(OFFICE, "pbx", HA1)
    assert traces(path, CANARY) == []
    database.close()
    assert traces(path, CANARY) == []
    assert traces(path, "22" * 32) == ["offhook.db", "offhook.db.backup"]


@pytest.mark.parametrize("seed", [0, 3])
def test_no_copy_stays_behind_in_pages_that_were_rearranged(path: Path, seed: int) -> None:
    """Fails with secure_delete alone: rows that move between pages leave copies that were never deleted."""
    chance = random.Random(seed)
    ids = [AccountId(f"account{number}") for number in range(150)]
    chance.shuffle(ids)
    with open_database(str(path)) as database:
        accounts, settings = Accounts(database), Settings(database)
        vault = Vault(database)
        with database.transaction(precious=False):
            for account_id in ids:
                long_password = CANARY + "x" * chance.choice([5, 300, 900, 5000])
                vault.put(account_id, Credential("u" * chance.randint(1, 80), password=long_password))
        settings.set_many({f"k{number}": "v" * 300 for number in range(50)})
        assert traces(path, CANARY)
        chance.shuffle(ids)
        for account_id in ids:
            with database.transaction(precious=False):
                vault.put(account_id, Credential("u", "pbx", tuple(HA1.items())))
        database.erase_traces()
        assert accounts.pending() == ()
        assert traces(path, CANARY) == []
    assert traces(path, CANARY) == []


def test_removing_an_account_leaves_nothing_of_its_secret(accounts: Accounts, path: Path) -> None:
    accounts.seal(OFFICE, "pbx", HA1)
    accounts.remove(OFFICE)
    assert accounts.credential(OFFICE) is None
    assert traces(path, "22" * 32) == []


def test_a_new_password_leaves_nothing_of_the_old_one(accounts: Accounts, path: Path) -> None:
    accounts.update(Account(OFFICE, "1001", "pbx.example.com"), Credential("1001", password="another"))
    assert accounts.credential(OFFICE) == Credential("1001", password="another")
    assert traces(path, CANARY) == []


def test_sealing_again_for_the_same_realm_changes_nothing(accounts: Accounts) -> None:
    accounts.seal(OFFICE, "pbx", HA1)
    accounts.seal(OFFICE, "pbx", {"MD5": "99" * 16})
    assert accounts.credential(OFFICE) == Credential("1001", "pbx", tuple(HA1.items()))


def test_further_realms_are_kept_beside_the_first(path: Path) -> None:
    with open_database(str(path)) as database:
        accounts = Accounts(database)
        accounts.add(Account(OFFICE, "1001", "pbx.example.com"), Credential("1001", password=CANARY))
        accounts.add(Account(AccountId("door"), "1002", "192.0.2.1"), Credential("1002", password="another"))
        accounts.seal(OFFICE, "proxy", HA1)
        accounts.seal(OFFICE, "a registrar", {"MD5": "33" * 16})
    with open_database(str(path)) as database:
        accounts = Accounts(database)
        further = (("a registrar", (("MD5", "33" * 16),)),)
        assert accounts.credential(OFFICE) == Credential("1001", "proxy", tuple(HA1.items()), "", further)
        assert accounts.credential(AccountId("door")) == Credential("1002", password="another")
        accounts.remove(OFFICE)
        assert accounts.credential(OFFICE) is None
    assert traces(path, "33" * 16) == []


def test_secrets_of_an_older_store_are_kept_and_leave_no_trace_behind(path: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    for name in ("0001_phone.sql", "0002_exchange.sql"):
        (older / name).write_text((Path(MIGRATIONS_DIRECTORY) / name).read_text())
    path.parent.mkdir()
    connection = _sqlite3.connect(str(path), isolation_level=None)
    migrate(connection, str(path), str(older))
    connection.execute("INSERT INTO secret VALUES ('office', '1001', '', '', '', '', ?)", (CANARY,))
    connection.execute("INSERT INTO secret VALUES ('door', '1002', 'pbx', ?, '', '', '')", ("11" * 16,))
    connection.close()
    with open_database(str(path)) as database:
        vault = Vault(database)
        assert vault.get(OFFICE) == Credential("1001", password=CANARY)
        assert vault.get(AccountId("door")) == Credential("1002", "pbx", (("MD5", "11" * 16),))
        assert vault.pending() == [OFFICE]
        vault.seal(OFFICE, "pbx", HA1)
        assert traces(path, CANARY) == []
    assert traces(path, CANARY) == []


def test_nothing_is_lost_when_there_is_nothing_to_seal_with(accounts: Accounts) -> None:
    with pytest.raises(StoreError, match="no digest value"):
        accounts.seal(OFFICE, "pbx", {"MD5": ""})
    with pytest.raises(StoreError, match="WHIRLPOOL is unknown: use MD5"):
        accounts.seal(OFFICE, "pbx", {"WHIRLPOOL": "00"})
    assert accounts.credential(OFFICE) == Credential("1001", password=CANARY)


def test_an_account_without_password_has_nothing_to_seal(database: Database) -> None:
    accounts = Accounts(database)
    accounts.add(Account(OFFICE, "1001", "192.0.2.1", register=False))
    assert accounts.credential(OFFICE) is None
    with pytest.raises(UnknownEntryError, match="no password to seal"):
        accounts.seal(OFFICE, "pbx", HA1)


def test_secrets_are_shown_by_no_error_and_no_repr(accounts: Accounts, database: Database) -> None:
    assert CANARY not in repr(accounts.credential(OFFICE))
    with pytest.raises(StoreError) as caught, database.transaction():
        Vault(database).put(OFFICE, Credential("1001", password=CANARY + "\ud800"))
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert accounts.credential(OFFICE) == Credential("1001", password=CANARY)
