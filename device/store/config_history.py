"""The configurations that were committed, and the one that comes back unless the last commit is confirmed."""

from device.records import dataclass
from device.store.database import Database
from device.store.errors import UnknownEntryError

COMMITS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `at` in Unix seconds by the clock of then."""

    number: int
    at: float
    author: str
    comment: str


class ConfigHistory:
    """The tables `config_commit` and `config_pending`. All changes stand inside a transaction."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def commits(self) -> list[Commit]:
        """The commits that are kept, newest first."""
        rows = self._database.query("SELECT number, at, author, comment FROM config_commit ORDER BY number DESC")
        return [Commit(*row) for row in rows]

    def newest(self) -> int:
        """The number of the last commit, 0 without one."""
        rows = self._database.query("SELECT max(number) FROM config_commit")
        return int(rows[0][0] or 0)

    def content(self, number: int) -> str:
        """What was committed. Raises UnknownEntryError."""
        rows = self._database.query("SELECT content FROM config_commit WHERE number = ?", (number,))
        if not rows:
            raise UnknownEntryError(f"commit {number} is not kept (the last {COMMITS_KEPT} are): see `show history`")
        return str(rows[0][0])

    def add(self, commit: Commit, content: str) -> int:
        """Keep one more commit, whose number is given here, and forget the oldest; answers the number."""
        number = self._database.insert(
            "INSERT INTO config_commit (at, author, comment, content) VALUES (?, ?, ?, ?)",
            (commit.at, commit.author, commit.comment, content),
        )
        self._database.execute("DELETE FROM config_commit WHERE number <= ?", (number - COMMITS_KEPT,))
        return number

    def pending(self) -> tuple[int, str] | None:
        """The commit that waits to be confirmed, and what comes back otherwise."""
        rows = self._database.query("SELECT number, content FROM config_pending")
        return (int(rows[0][0]), str(rows[0][1])) if rows else None

    def set_pending(self, number: int, content: str) -> None:
        """The commit of that number must be confirmed."""
        self._database.execute(
            "INSERT OR REPLACE INTO config_pending (id, number, content) VALUES (1, ?, ?)", (number, content)
        )

    def clear_pending(self) -> None:
        """It is confirmed, or taken back. No trace of the secrets is left."""
        if self._database.execute("DELETE FROM config_pending"):
            self._database.erase_traces()
