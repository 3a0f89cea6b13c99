"""The accounts of the phone: who we are at which server."""

from collections.abc import Mapping

from device.annotations import Any, Final
from device.model import Account, AccountId, Credential
from device.records import fields, replace
from device.store.database import Database, Row
from device.store.errors import DuplicateError, StoreError, UnknownEntryError
from device.store.vault import Vault

_NAMES: Final = tuple(item.name for item in fields(Account))
"""The columns of an account are its fields, `id` first."""
_FLAGS: Final = frozenset(item.name for item in fields(Account) if type(item.default) is bool)
_COLUMNS: Final = ", ".join(_NAMES)
_INSERT: Final = f"INSERT INTO account ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608
_UPDATE: Final = f"UPDATE account SET {', '.join(f'{name} = ?' for name in _NAMES[1:])} WHERE id = ?"  # noqa: S608


def _account(row: Row) -> Account:
    values: list[Any] = [bool(value) if name in _FLAGS else value for name, value in zip(_NAMES, row, strict=True)]
    return Account(*values)


def _values(account: Account) -> tuple[object, ...]:
    values = [getattr(account, name) for name in _NAMES]
    return tuple([int(value) if isinstance(value, bool) else value for value in values])


def digest_user(account: Account) -> str:
    """The user name with which the account answers a digest challenge."""
    return account.auth_user or account.user


class Accounts:
    """The tables `account` and `secret`. Accounts keep the order in which they were added; the first is the default."""

    __slots__ = ("_database", "_vault")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._vault = Vault(database)

    def add(self, account: Account, credential: Credential | None = None) -> None:
        """Keep a new account. Raises DuplicateError when its id is taken."""
        if self.get(account.id) is not None:
            raise DuplicateError(f"account {account.id!r} exists already: change it, or choose another name")
        with self._database.transaction():
            self._database.insert(_INSERT, _values(account))
            if credential is not None:
                self._vault.put(account.id, credential)

    def update(self, account: Account, credential: Credential | None = None) -> None:
        """Change the account of that id; without `credential` its secret stays.

        Raises UnknownEntryError, and StoreError when the digest user changes but the sealed secret cannot follow.
        """
        before = self._known(account.id)
        self._database.require_durable()
        with self._database.transaction(precious=credential is None):
            self._database.execute(_UPDATE, (*_values(account)[1:], account.id))
            if credential is not None:
                self._vault.put(account.id, credential)
            elif digest_user(before) != digest_user(account):
                self._follow(account)
        if credential is not None:
            self._database.erase_traces()

    def _follow(self, account: Account) -> None:
        """Let the secret follow a new digest user: clear text can, a value hashed with the old name cannot."""
        credential = self._vault.get(account.id)
        if credential is None:
            return
        if not credential.password:
            raise StoreError(
                f"the password of account {account.id!r} is sealed for the user {credential.username!r}: give the "
                "password again together with the new user"
            )
        self._vault.put(account.id, replace(credential, username=digest_user(account)))

    def remove(self, account_id: AccountId) -> None:
        """Forget the account and its secret, without trace. Raises UnknownEntryError."""
        self._known(account_id)
        self._database.require_durable()
        with self._database.transaction(precious=False):
            self._database.execute("DELETE FROM account WHERE id = ?", (account_id,))
            self._vault.remove(account_id)
        self._database.erase_traces()

    def get(self, account_id: AccountId) -> Account | None:
        """The account of that id, or None."""
        rows = self._database.query(f"SELECT {_COLUMNS} FROM account WHERE id = ?", (account_id,))  # noqa: S608
        return _account(rows[0]) if rows else None

    def credential(self, account_id: AccountId) -> Credential | None:
        """What the account answers challenges with, or None."""
        return self._vault.get(account_id)

    def pending(self) -> tuple[AccountId, ...]:
        """The accounts whose password is not sealed yet."""
        return tuple(self._vault.pending())

    def seal(self, account_id: AccountId, realm: str, ha1s: Mapping[str, str]) -> None:
        """Keep digest values of a realm instead of the clear-text password; see `Vault.seal`."""
        self._known(account_id)
        self._vault.seal(account_id, realm, ha1s)

    def list(self) -> tuple[Account, ...]:
        """All accounts in the order of their adding."""
        rows = self._database.query(f"SELECT {_COLUMNS} FROM account ORDER BY position")  # noqa: S608
        return tuple(_account(row) for row in rows)

    def _known(self, account_id: AccountId) -> Account:
        account = self.get(account_id)
        if account is None:
            raise UnknownEntryError(f"there is no account {account_id!r}: `offhook account list` shows those there are")
        return account
