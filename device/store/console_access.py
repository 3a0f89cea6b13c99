"""Who may use the technician's console, and how often somebody tried in vain."""

from device.store.database import Database

LINES_KEPT = 32
"""Lines whose wrong passwords are remembered; a board has two or three."""


class ConsoleAccess:
    """The tables `console_role` and `console_failure`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def verifiers(self) -> dict[str, str]:
        """What is kept of each role's password; a role without one is not there."""
        return dict(self._database.query("SELECT role, verifier FROM console_role ORDER BY role"))

    def set_verifier(self, role: str, verifier: str) -> None:
        """Keep the verifier of a role, in place of any other; an empty one lets nobody in. No trace is left."""
        with self._database.transaction():
            self._database.execute("DELETE FROM console_role WHERE role = ?", (role,))
            if verifier:
                self._database.execute("INSERT INTO console_role (role, verifier) VALUES (?, ?)", (role, verifier))
        self._database.erase_traces()

    def failures(self, line: str) -> int:
        """Wrong passwords in a row at a line."""
        rows = self._database.query("SELECT failures FROM console_failure WHERE line = ?", (line,))
        return int(rows[0][0]) if rows else 0

    def count_failure(self, line: str) -> int:
        """One more at this line; answers how many. Of many lines the one that failed longest ago is forgotten."""
        failures = self.failures(line) + 1
        with self._database.transaction(precious=False):
            self._database.execute("DELETE FROM console_failure WHERE line = ?", (line,))
            self._database.execute("INSERT INTO console_failure (line, failures) VALUES (?, ?)", (line, failures))
            self._database.execute(
                "DELETE FROM console_failure WHERE id NOT IN (SELECT id FROM console_failure ORDER BY id DESC LIMIT ?)",
                (LINES_KEPT,),
            )
        return failures

    def clear_failures(self, line: str) -> None:
        """Somebody has come in at this line."""
        if self.failures(line):
            with self._database.transaction(precious=False):
                self._database.execute("DELETE FROM console_failure WHERE line = ?", (line,))
