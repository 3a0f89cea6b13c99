"""The settings that were changed away from their defaults, as text by `section.field`; their meaning is elsewhere."""

from collections.abc import Mapping

from device.store.database import Database


class Settings:
    """The table `setting`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_all(self) -> dict[str, str]:
        """Every stored setting by key, in the order of the keys."""
        return dict(self._database.query("SELECT key, value FROM setting ORDER BY key"))

    def get(self, key: str) -> str | None:
        """One setting, or None where the default holds."""
        rows = self._database.query("SELECT value FROM setting WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def is_unconfirmed(self) -> bool:
        """Whether the last commit waits to be confirmed; see config_history."""
        return bool(self._database.query("SELECT 1 FROM config_pending"))

    def set_many(self, values: Mapping[str, str | None]) -> None:
        """Store all of `values` or none; None forgets a key, so that its default holds again.

        What is stored already is not written again. Raises StoreError, then nothing has changed.
        """
        before = self.get_all()
        changes = {key: value for key, value in values.items() if before.get(key) != value}
        if not changes:
            return
        with self._database.transaction():
            for key, value in changes.items():
                if value is None:
                    self._database.execute("DELETE FROM setting WHERE key = ?", (key,))
                else:
                    self._database.execute("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (key, value))
