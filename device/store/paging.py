"""The paging groups of the exchange."""

from device.records import dataclass
from device.store.database import Database
from device.store.errors import UnknownEntryError


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A row of `paging_group`: members with blanks between them, multicast as ADDRESS:PORT or empty."""

    number: str
    members: str
    multicast: str
    codec: str


class PagingGroups:
    """The table `paging_group`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, group: StoredGroup) -> None:
        """Keep a group in place of any with its number."""
        with self._database.transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO paging_group (number, members, multicast, codec) VALUES (?, ?, ?, ?)",
                (group.number, group.members, group.multicast, group.codec),
            )

    def remove(self, number: str) -> None:
        """Forget a group. Raises UnknownEntryError."""
        with self._database.transaction():
            if not self._database.execute("DELETE FROM paging_group WHERE number = ?", (number,)):
                raise UnknownEntryError(f"there is no paging group {number}: `offhook exchange page list` shows them")

    def list(self) -> list[StoredGroup]:
        """Every group by its number."""
        rows = self._database.query("SELECT number, members, multicast, codec FROM paging_group ORDER BY number")
        return [StoredGroup(*row) for row in rows]
