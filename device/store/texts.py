"""Texts that wait for users of the exchange who are away, so that a restart loses none."""

from device.annotations import Final
from device.exchange_model import StoredText
from device.store.database import Database
from device.store.errors import StoreError

ROWS_KEPT: Final = 5000
"""Texts of all users together."""


class Texts:
    """The table `silo`: a `Shelf` of the users of one domain. Texts lie there as they came, in a file of mode 0600."""

    __slots__ = ("_database", "_domain")

    def __init__(self, database: Database, domain: str) -> None:
        self._database = database
        self._domain = domain

    def add(self, text: StoredText) -> int:
        """Keep a text; answers its number. Raises StoreError, also where there is no room."""
        with self._database.transaction(precious=False):
            self._database.execute("DELETE FROM silo WHERE exp_time <= ?", (int(text.stored_at),))
            if self._database.query("SELECT count(*) FROM silo")[0][0] >= ROWS_KEPT:
                raise StoreError(f"{ROWS_KEPT} texts wait already: their users have to fetch some first")
            return self._database.insert(
                "INSERT INTO silo (src_addr, dst_addr, username, domain, inc_time, exp_time, ctype, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    text.sender,
                    f"sip:{text.user}@{self._domain}",
                    text.user,
                    self._domain,
                    int(text.stored_at),
                    -int(-text.expires_at // 1),
                    text.content_type,
                    text.body,
                ),
            )

    def of(self, user: str, unix_now: float) -> list[StoredText]:
        """The texts for a user that are not over yet, the oldest first."""
        rows = self._database.query(
            "SELECT username, src_addr, ctype, body, inc_time, exp_time, id FROM silo"
            " WHERE username = ? AND domain = ? AND exp_time > ? ORDER BY id",
            (user, self._domain, unix_now),
        )
        return [StoredText(*row) for row in rows]

    def count(self, user: str, unix_now: float) -> int:
        """How many those are."""
        rows = self._database.query(
            "SELECT count(*) FROM silo WHERE username = ? AND domain = ? AND exp_time > ?",
            (user, self._domain, unix_now),
        )
        return int(rows[0][0])

    def remove(self, number: int) -> None:
        """Forget a text; it is no error if there is none."""
        with self._database.transaction(precious=False):
            self._database.execute("DELETE FROM silo WHERE id = ?", (number,))

    def counts(self, unix_now: float) -> dict[str, int]:
        """How many wait for each user for whom any do."""
        rows = self._database.query(
            "SELECT username, count(*) FROM silo WHERE domain = ? AND exp_time > ? GROUP BY username ORDER BY username",
            (self._domain, unix_now),
        )
        return dict(rows)
