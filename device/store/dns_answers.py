"""The last good answers of DNS, so that a phone that starts while DNS is dead finds its servers."""

from device import plain_logging as logging
from device.store.database import Database
from device.store.errors import StoreError

logger = logging.getLogger(__name__)

ROWS_KEPT = 64


class DnsAnswers:
    """The table `dns_answer`, at most `rows_kept` rows; those that were written longest ago are pruned.

    No method raises: without these answers a phone is no worse off than before.
    """

    __slots__ = ("_database", "_rows_kept")

    def __init__(self, database: Database, rows_kept: int = ROWS_KEPT) -> None:
        self._database = database
        self._rows_kept = rows_kept

    def get(self, name: str, kind: int) -> str | None:
        """The answer to the question for the records `kind` of `name`, or None."""
        try:
            rows = self._database.query("SELECT answer FROM dns_answer WHERE name = ? AND kind = ?", (name, kind))
        except StoreError as error:
            logger.warning("what DNS said before cannot be read: %s", error)
            return None
        return str(rows[0][0]) if rows else None

    def put(self, name: str, kind: int, answer: str) -> None:
        """Keep an answer in place of the one before."""
        try:
            with self._database.transaction(precious=False):
                new_id = self._database.insert(
                    "INSERT OR REPLACE INTO dns_answer (name, kind, answer, id) VALUES"
                    " (?, ?, ?, (SELECT coalesce(max(id), 0) + 1 FROM dns_answer))",
                    (name, kind, answer),
                )
                self._database.execute(
                    "DELETE FROM dns_answer WHERE id NOT IN (SELECT id FROM dns_answer ORDER BY id DESC LIMIT ?)",
                    (self._rows_kept,),
                )
        except StoreError as error:
            logger.warning("what DNS said about %s is kept in memory only: %s", name, error)
            return
        logger.debug("answer %d of DNS is kept: %s", new_id, name)
