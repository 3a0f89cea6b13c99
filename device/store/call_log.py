"""The finished calls, newest kept, oldest pruned."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING
from device.model import CallRecord
from device.records import asdict, fields
from device.store.database import Database

if TYPE_CHECKING:
    from device.media.call_quality import CallQuality

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
        return self._records(max(0, limit), 0)

    def _records(self, limit: int, newer: int) -> list[CallRecord]:
        rows = self._database.query(
            "SELECT direction, remote, remote_name, account, started_at, answered_at, ended_at, cause, id,"
            " mos_listening, CASE WHEN expected THEN round(100.0 * missing / expected, 2) END"
            " FROM call_log LEFT JOIN call_quality ON call_id = id ORDER BY id DESC LIMIT ? OFFSET ?",
            (limit, newer),
        )
        return [CallRecord(*row) for row in rows]

    def nth_last(self, number: int) -> CallRecord | None:
        """The newest call for 1, the one before it for 2 ...; None where there is none."""
        return next(iter(self._records(1, number - 1)), None) if number > 0 else None

    def keep_quality(self, call: int, quality: CallQuality) -> None:
        """How the call of that id sounded; a call that is no longer in the log is passed over. Raises StoreError."""
        values = asdict(quality)
        with self._database.transaction(precious=False):
            self._database.execute(
                f"INSERT OR REPLACE INTO call_quality (call_id, {', '.join(values)})"  # noqa: S608  # names of ours
                f" SELECT id, {', '.join('?' * len(values))} FROM call_log WHERE id = ?",
                [*values.values(), call],
            )

    def quality(self, call: int) -> CallQuality | None:
        """How the call of that id sounded; None where it is not known."""
        from device.media.call_quality import CallQuality  # noqa: PLC0415  # for whoever asks

        names = [field.name for field in fields(CallQuality)]
        rows = self._database.query(f"SELECT {', '.join(names)} FROM call_quality WHERE call_id = ?", (call,))  # noqa: S608
        for row in rows:
            values = dict(zip(names, row, strict=True))
            return CallQuality(**{**values, "wide_band": bool(values["wide_band"])})
        return None

    def clear(self) -> int:
        """Forget every call; return how many there were."""
        with self._database.transaction(precious=False):
            return self._database.execute("DELETE FROM call_log")
