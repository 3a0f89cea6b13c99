"""Secrets of the accounts: clear text only while no realm is known, afterwards digest values of each realm."""

from collections.abc import Mapping

from device.model import AccountId, Credential
from device.records import replace
from device.store.database import Database, Row
from device.store.errors import StoreError, UnknownEntryError

HA1_COLUMNS = (("MD5", "ha1"), ("SHA-256", "ha1_sha256"), ("SHA-512-256", "ha1_sha512t256"))
"""Digest algorithm (RFC 7616 section 6.1, RFC 8760) and the column that keeps H(user:realm:password) for it."""

COLUMNS = "account_id, number, username, realm, password, ha1, ha1_sha256, ha1_sha512t256"
ALGORITHMS = tuple(algorithm for algorithm, _ in HA1_COLUMNS)


def ha1_values(ha1s: Mapping[str, str]) -> tuple[str, ...]:
    """The values for the three columns, empty where there is none. Raises StoreError on an unknown algorithm."""
    unknown = sorted(set(ha1s) - set(ALGORITHMS))
    if unknown:
        raise StoreError(f"digest algorithm {', '.join(unknown)} is unknown: use {', '.join(ALGORITHMS)}")
    return tuple(ha1s.get(algorithm, "") for algorithm in ALGORITHMS)


def ha1_pairs(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Algorithm and value for each column that is filled."""
    return tuple((algorithm, value) for algorithm, value in zip(ALGORITHMS, values, strict=True) if value)


class Vault:
    """The table `secret`, one row for each realm of an account, or one with the clear text while none is known.

    Whenever a row changes or goes, the whole table is cleared and written anew. SQLite's secure_delete zeroes what it
    frees, but not the copies that stay behind inside a page when rows move between pages; clearing the table zeroes
    all of its pages. `Database.erase_traces` must follow once the transaction is done.
    """

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, account_id: AccountId, credential: Credential) -> None:
        """Keep `credential` for the account, in place of any other. Stands inside a transaction."""
        rows = self._others(account_id)
        for number, (realm, ha1) in enumerate(credential.secrets or (("", ()),)):
            password = "" if number else credential.password
            rows.append((account_id, number, credential.username, realm, password, *ha1_values(dict(ha1))))
        self._rewrite(rows)

    def remove(self, account_id: AccountId) -> None:
        """Forget the account's secret, if it has one. Stands inside a transaction."""
        self._rewrite(self._others(account_id))

    def _others(self, account_id: AccountId) -> list[Row]:
        return self._database.query(f"SELECT {COLUMNS} FROM secret WHERE account_id <> ?", (account_id,))  # noqa: S608

    def _rewrite(self, rows: list[Row]) -> None:
        self._database.execute("DELETE FROM secret")
        for row in rows:
            self._database.execute(f"INSERT INTO secret ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)  # noqa: S608

    def get(self, account_id: AccountId) -> Credential | None:
        """The account's credential, or None when it has none."""
        rows = self._database.query(
            f"SELECT {COLUMNS} FROM secret WHERE account_id = ? ORDER BY number",  # noqa: S608
            (account_id,),
        )
        if not rows:
            return None
        (_, _, username, realm, password, *values), *others = rows
        further = tuple((other[3], ha1_pairs(other[5:])) for other in others)
        return Credential(username, realm, ha1_pairs(tuple(values)), password, further)

    def pending(self) -> list[AccountId]:
        """The accounts whose password still lies there in clear text, because no server has named its realm."""
        rows = self._database.query("SELECT account_id FROM secret WHERE password <> '' ORDER BY account_id")
        return [AccountId(row[0]) for row in rows]

    def seal(self, account_id: AccountId, realm: str, ha1s: Mapping[str, str]) -> None:
        """Replace the clear text by digest values of `realm`, and leave no trace of it in any file of the store.

        `ha1s` is lower-case hex by algorithm. Once the clear text is gone, a further realm is kept beside those that
        are known, and sealing again for one of these changes nothing.
        """
        credential = self.get(account_id)
        if credential is None:
            raise UnknownEntryError(f"account {account_id!r} has no password to seal: give it one first")
        if not credential.password and realm in credential.realms:
            return
        if not any(ha1s.values()):
            raise StoreError(f"account {account_id!r}: no digest value was given to seal")
        with self._database.transaction(precious=False):
            self.put(account_id, replace(credential, password="").with_realm(realm, tuple(ha1s.items())))
        self._database.erase_traces()
