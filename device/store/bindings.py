"""The contacts that registered with the embedded exchange, so that a restart forgets none."""

from collections.abc import Sequence

from device.model import Binding
from device.records import replace
from device.store.database import Database, Row


def split_aor(aor: str) -> tuple[str, str]:
    """User and domain of `sip:user@domain`; the user may be empty."""
    rest = aor.partition(":")[2] or aor
    user, at, domain = rest.rpartition("@")
    return (user, domain) if at else ("", rest)


def join_aor(username: str, domain: str) -> str:
    """The address of record of a row."""
    return f"sip:{username}@{domain}" if username else f"sip:{domain}"


def _binding(row: Row) -> Binding:
    username, domain, contact, expires, callid, cseq, q, received, *others = row
    return Binding(join_aor(username, domain), contact, float(expires), callid, cseq, q, received or "", *others)


INSERTED = "username, domain, contact, expires, callid, cseq, q, received, user_agent, path, sip_instance, reg_id"
COLUMNS = INSERTED.replace("path", "coalesce(path, '')")

Key = tuple[str, str, int]
"""What tells the bindings of a user apart: contact, instance and reg-id."""


def _key(binding: Binding) -> Key:
    return binding.contact, binding.instance, binding.reg_id


class Bindings:
    """The table `location`. Its `expires` is Unix time in whole seconds, rounded up."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, now: float) -> list[Binding]:
        """Every binding that is still valid at Unix time `now`, in the order of their making."""
        rows = self._database.query(
            f"SELECT {COLUMNS} FROM location WHERE expires > ? ORDER BY contact_id",  # noqa: S608
            (now,),
        )
        return [_binding(row) for row in rows]

    def replace(self, aor: str, bindings: Sequence[Binding], now: float) -> None:
        """Let `bindings` be all the contacts of `aor`, in one transaction; `now` is Unix time in seconds.

        Rows that hold what they should are left alone.
        """
        username, domain = split_aor(aor)
        before = {_key(binding): binding for binding in self._of(username, domain)}
        after = {_key(binding): binding for binding in bindings}
        gone = [key for key in before if key not in after]
        changed = [binding for key, binding in after.items() if not _same(before.get(key), binding)]
        if not gone and not changed:
            return
        with self._database.transaction(precious=False):
            for key in gone:
                self._database.execute(
                    "DELETE FROM location WHERE username = ? AND domain = ? AND contact = ? AND sip_instance = ?"
                    " AND reg_id = ?",
                    (username, domain, *key),
                )
            for binding in changed:
                self._put(username, domain, binding, now)

    def expire(self, now: float) -> int:
        """Forget the bindings whose time is over at Unix time `now`; return how many."""
        if not self._database.query("SELECT 1 FROM location WHERE expires <= ? LIMIT 1", (now,)):
            return 0
        with self._database.transaction(precious=False):
            return self._database.execute("DELETE FROM location WHERE expires <= ?", (now,))

    def _of(self, username: str, domain: str) -> list[Binding]:
        rows = self._database.query(
            f"SELECT {COLUMNS} FROM location WHERE username = ? AND domain = ?",  # noqa: S608
            (username, domain),
        )
        return [_binding(row) for row in rows]

    def _put(self, username: str, domain: str, binding: Binding, now: float) -> None:
        self._database.execute(
            f"INSERT INTO location ({INSERTED}, last_modified)"  # noqa: S608
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (username, domain, contact, sip_instance, reg_id) DO UPDATE SET expires = excluded.expires,"
            " callid = excluded.callid, cseq = excluded.cseq, q = excluded.q, received = excluded.received,"
            " user_agent = excluded.user_agent, path = excluded.path, last_modified = excluded.last_modified",
            (
                username,
                domain,
                binding.contact,
                _whole_seconds(binding.expires_at),
                binding.call_id,
                binding.cseq,
                binding.q,
                binding.received or None,
                binding.user_agent,
                binding.path or None,
                binding.instance,
                binding.reg_id,
                int(now),
            ),
        )


def _whole_seconds(unix_time: float) -> int:
    return int(-(-unix_time // 1))


def _same(stored: Binding | None, binding: Binding) -> bool:
    return stored == replace(binding, expires_at=float(_whole_seconds(binding.expires_at)))
