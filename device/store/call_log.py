"""The finished calls, newest kept, oldest pruned."""

from device.model import CallRecord
from device.records import asdict
from device.store.database import Database

ROWS_KEPT = 1000
CLOCK_IS_SET_S = 946_684_800.0
"""The year 2000 in Unix seconds: a clock that says less has not been set since the board got its power."""
COLUMNS = ("direction", "remote", "remote_name", "account", "started_at", "answered_at", "ended_at", "cause")


class CallLog:
    """The table `call_log`, at most `rows_kept` rows."""

    __slots__ = ("_database", "_first_id", "_rows_kept")

    def __init__(self, database: Database, rows_kept: int = ROWS_KEPT) -> None:
        self._database = database
        self._rows_kept = rows_kept
        self._first_id: int | None = None
        """The first call that was added by this run."""

    def add(self, record: CallRecord) -> int:
        """Keep a finished call, prune the oldest; return the new row's id. `record.id` is ignored."""
        values = asdict(record)
        with self._database.transaction(precious=False):
            new_id = self._database.insert(
                "INSERT INTO call_log (direction, remote, remote_name, account, started_at, answered_at, ended_at,"
                " cause) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [values[column] for column in COLUMNS],
            )
            self._database.execute("DELETE FROM call_log WHERE id <= ?", (new_id - self._rows_kept,))
        if self._first_id is None:
            self._first_id = new_id
        return new_id

    def clock_set(self, ahead_s: float) -> int:
        """The clock was set: calls of this run with a time from before it knew any get the right one; answers how many.

        A call that was talked over the setting itself was written with the right times. Raises StoreError.
        """
        if self._first_id is None:
            return 0
        with self._database.transaction(precious=False):
            return self._database.execute(
                "UPDATE call_log SET started_at = started_at + ?1, ended_at = ended_at + ?1,"
                " answered_at = CASE WHEN answered_at = 0 THEN 0 ELSE answered_at + ?1 END"
                " WHERE id >= ?2 AND started_at < ?3 AND started_at + ?1 >= ?3",
                (ahead_s, self._first_id, CLOCK_IS_SET_S),
            )

    def recent(self, limit: int = 50) -> list[CallRecord]:
        """The newest calls, newest first, at most `limit`."""
        rows = self._database.query(
            "SELECT direction, remote, remote_name, account, started_at, answered_at, ended_at, cause, id"
            " FROM call_log ORDER BY id DESC LIMIT ?",
            (max(0, limit),),
        )
        return [CallRecord(*row) for row in rows]

    def clear(self) -> int:
        """Forget every call; return how many there were."""
        with self._database.transaction(precious=False):
            return self._database.execute("DELETE FROM call_log")
