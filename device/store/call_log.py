"""The finished calls, newest kept, oldest pruned."""

from device.model import CallRecord
from device.records import asdict
from device.store.database import Database

ROWS_KEPT = 1000
COLUMNS = ("direction", "remote", "remote_name", "account", "started_at", "answered_at", "ended_at", "cause")


class CallLog:
    """The table `call_log`, at most `rows_kept` rows."""

    __slots__ = ("_database", "_rows_kept")

    def __init__(self, database: Database, rows_kept: int = ROWS_KEPT) -> None:
        self._database = database
        self._rows_kept = rows_kept

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
        return new_id

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
