"""Names and short codes of those whom the phone can call."""

from device.model import PhonebookEntry
from device.store.database import Database
from device.store.errors import DuplicateError, StoreError, UnknownEntryError


class Phonebook:
    """The table `phonebook`. Names are unique whatever their case; short codes are unique where there is one."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entry: PhonebookEntry) -> None:
        """Keep a new entry. Raises DuplicateError where name or code is taken, StoreError without name or target."""
        if not entry.name.strip() or not entry.target.strip():
            raise StoreError("a phone book entry needs a name and a target, such as: door sip:door@192.0.2.7")
        if self.find(entry.name) is not None:
            raise DuplicateError(f"the phone book has {entry.name!r} already: remove it first, or choose another name")
        if entry.short_code and (other := self.find_code(entry.short_code)) is not None:
            raise DuplicateError(f"short code {entry.short_code} belongs to {other.name!r}: choose another one")
        with self._database.transaction():
            self._database.insert(
                "INSERT INTO phonebook (name, target, short_code) VALUES (?, ?, ?)",
                (entry.name, entry.target, entry.short_code),
            )

    def remove(self, name: str) -> None:
        """Forget the entry of that name. Raises UnknownEntryError."""
        with self._database.transaction():
            if not self._database.execute("DELETE FROM phonebook WHERE name = ?", (name,)):
                raise UnknownEntryError(
                    f"the phone book has no {name!r}: `offhook phonebook list` shows those there are"
                )

    def find(self, name: str) -> PhonebookEntry | None:
        """The entry of that name, in any case, or None."""
        return self._first("SELECT name, target, short_code FROM phonebook WHERE name = ?", name)

    def find_code(self, short_code: str) -> PhonebookEntry | None:
        """The entry of that short code, or None."""
        return self._first(
            "SELECT name, target, short_code FROM phonebook WHERE short_code = ? AND short_code <> ''", short_code
        )

    def list(self) -> tuple[PhonebookEntry, ...]:
        """All entries in the order of their names."""
        rows = self._database.query("SELECT name, target, short_code FROM phonebook ORDER BY name")
        return tuple(PhonebookEntry(*row) for row in rows)

    def _first(self, sql: str, value: str) -> PhonebookEntry | None:
        rows = self._database.query(sql, (value,))
        return PhonebookEntry(*rows[0]) if rows else None
