"""What the exchange accounts: each registration and each end of a call in `acc`, each call as a whole in `cdr`."""

from device.annotations import Final
from device.exchange_model import AccountingRecord, CallDetail
from device.store.database import Database, Row

ACCOUNTING_ROWS_KEPT: Final = 5000
"""Of registrations, and likewise of calls."""

CALLS_KEPT: Final = 5000

PRUNED_EVERY: Final = 50
"""Rows are pruned so often: looking how many there are costs as much as writing one."""

RECORD_COLUMNS: Final = (
    "method, from_tag, to_tag, callid, sip_code, sip_reason, time, ms_duration, setuptime, src_user, dst_user, src_ip"
)
CALL_COLUMNS: Final = (
    "callid, from_tag, to_tag, caller, called, set_up_at, answered_by, answered_at, ended_at, sip_code, cause, ended_by"
)


class Accounting:
    """The table `acc`, at most `rows_kept` rows of registrations and as many of calls, and some until the next look."""

    __slots__ = ("_database", "_rows_kept")

    def __init__(self, database: Database, rows_kept: int = ACCOUNTING_ROWS_KEPT) -> None:
        self._database = database
        self._rows_kept = rows_kept

    def add(self, record: AccountingRecord) -> int:
        """Keep a record and prune the oldest now and then; return its row's id."""
        with self._database.transaction(precious=False):
            new_id = self._database.insert(
                f"INSERT INTO acc ({RECORD_COLUMNS}, duration)"  # noqa: S608
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    record.method,
                    record.from_tag,
                    record.to_tag,
                    record.callid,
                    record.sip_code,
                    record.sip_reason,
                    record.time,
                    record.ms_duration,
                    record.setuptime,
                    record.src_user,
                    record.dst_user,
                    record.src_ip,
                    -(-record.ms_duration // 1000),
                ),
            )
            if new_id % min(PRUNED_EVERY, self._rows_kept) == 0:
                self._prune()
        return new_id

    def _prune(self) -> None:
        # Phones register all day long; the calls of a month must not make room for the registrations of a night.
        for kind in ("method = 'REGISTER'", "method <> 'REGISTER'"):
            self._database.execute(
                f"DELETE FROM acc WHERE {kind} AND id <= (SELECT id FROM acc WHERE {kind}"  # noqa: S608
                " ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (self._rows_kept,),
            )

    def recent(self, limit: int = 50, registrations: bool | None = None) -> list[AccountingRecord]:
        """The newest records, newest first, at most `limit`: all, registrations alone, or calls alone."""
        kind = {None: "1", True: "method = 'REGISTER'", False: "method <> 'REGISTER'"}[registrations]
        rows = self._database.query(
            f"SELECT {RECORD_COLUMNS} FROM acc WHERE {kind} ORDER BY id DESC LIMIT ?",  # noqa: S608
            (max(0, limit),),
        )
        return [AccountingRecord(*row) for row in rows]


class CallDetails:
    """The table `cdr`, at most `calls_kept` calls that are over, and some until the next look."""

    __slots__ = ("_calls_kept", "_database")

    def __init__(self, database: Database, calls_kept: int = CALLS_KEPT) -> None:
        self._database = database
        self._calls_kept = calls_kept

    def put(self, call: CallDetail) -> None:
        """Keep a call as it stands now, in place of what was known of it."""
        with self._database.transaction(precious=False):
            self._database.execute(
                f"INSERT INTO cdr ({CALL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
                " ON CONFLICT (callid, from_tag, to_tag) DO UPDATE SET answered_by = excluded.answered_by,"
                " set_up_at = excluded.set_up_at, answered_at = excluded.answered_at, ended_at = excluded.ended_at,"
                " sip_code = excluded.sip_code, cause = excluded.cause, ended_by = excluded.ended_by",
                (
                    call.call_id,
                    call.from_tag,
                    call.to_tag,
                    call.caller,
                    call.called,
                    call.set_up_at,
                    call.answered_by,
                    call.answered_at,
                    call.ended_at,
                    call.sip_code,
                    call.cause,
                    call.ended_by,
                ),
            )
            newest = self._database.query("SELECT max(id) FROM cdr")[0][0]
            if newest % min(PRUNED_EVERY, self._calls_kept) == 0:
                self._database.execute(
                    "DELETE FROM cdr WHERE ended_at > 0 AND id <="
                    " (SELECT id FROM cdr ORDER BY id DESC LIMIT 1 OFFSET ?)",
                    (self._calls_kept,),
                )

    def open_calls(self) -> list[CallDetail]:
        """Calls that stood when they were last heard of, the oldest first."""
        rows = self._database.query(f"SELECT {CALL_COLUMNS} FROM cdr WHERE ended_at = 0 ORDER BY id")  # noqa: S608
        return [_call(row) for row in rows]

    def recent(self, limit: int = 50) -> list[CallDetail]:
        """The newest calls that are over, newest first, at most `limit`."""
        rows = self._database.query(
            f"SELECT {CALL_COLUMNS} FROM cdr WHERE ended_at > 0 ORDER BY id DESC LIMIT ?",  # noqa: S608
            (max(0, limit),),
        )
        return [_call(row) for row in rows]


def _call(row: Row) -> CallDetail:
    callid, from_tag, to_tag, caller, called, set_up_at, *rest = row
    return CallDetail(callid, from_tag, to_tag, caller, called, set_up_at, *rest)
