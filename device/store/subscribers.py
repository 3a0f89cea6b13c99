"""Who may register with the embedded exchange, and the other names they answer to."""

from collections.abc import Mapping

from device.model import Aor, Credential
from device.store.database import Database
from device.store.errors import UnknownEntryError
from device.store.vault import ha1_pairs, ha1_values


class Subscribers:
    """The table `subscriber`; `domain` is the digest realm, as OpenSIPS has it. No clear text is ever kept."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, username: str, domain: str, ha1s: Mapping[str, str]) -> None:
        """Keep a subscriber with digest values, lower-case hex by algorithm, in place of any of that name."""
        values = ha1_values(ha1s)
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO subscriber (username, domain, ha1, ha1_sha256, ha1_sha512t256) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (username, domain) DO UPDATE SET ha1 = excluded.ha1,"
                " ha1_sha256 = excluded.ha1_sha256, ha1_sha512t256 = excluded.ha1_sha512t256",
                (username, domain, *values),
            )

    def credential(self, username: str, domain: str) -> Credential | None:
        """The subscriber's digest values for the realm `domain`, or None."""
        rows = self._database.query(
            "SELECT ha1, ha1_sha256, ha1_sha512t256 FROM subscriber WHERE username = ? AND domain = ?",
            (username, domain),
        )
        return Credential(username, domain, ha1_pairs(rows[0])) if rows else None

    def remove(self, username: str, domain: str) -> None:
        """Forget a subscriber, and what that user may call. Raises UnknownEntryError."""
        with self._database.transaction():
            self._database.execute("DELETE FROM grp WHERE username = ? AND domain = ?", (username, domain))
            if not self._database.execute(
                "DELETE FROM subscriber WHERE username = ? AND domain = ?", (username, domain)
            ):
                user = f"{username}@{domain}"
                raise UnknownEntryError(f"the exchange has no user {user}: `offhook exchange user list` shows them")

    def list(self) -> tuple[Aor, ...]:
        """Every subscriber in the order of their names."""
        rows = self._database.query("SELECT username, domain FROM subscriber ORDER BY domain, username")
        return tuple(Aor(*row) for row in rows)


class Aliases:
    """The table `dbaliases`: another name, such as a short number, for a subscriber."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, alias: Aor, target: Aor) -> None:
        """Let `alias` mean `target`, in place of what it meant before."""
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO dbaliases (alias_username, alias_domain, username, domain) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (alias_username, alias_domain) DO UPDATE SET username = excluded.username,"
                " domain = excluded.domain",
                (alias.user, alias.domain, target.user, target.domain),
            )

    def find(self, alias: Aor) -> Aor | None:
        """Whom `alias` means, or None."""
        rows = self._database.query(
            "SELECT username, domain FROM dbaliases WHERE alias_username = ? AND alias_domain = ?",
            (alias.user, alias.domain),
        )
        return Aor(*rows[0]) if rows else None

    def remove(self, alias: Aor) -> None:
        """Forget an alias. Raises UnknownEntryError."""
        with self._database.transaction():
            if not self._database.execute(
                "DELETE FROM dbaliases WHERE alias_username = ? AND alias_domain = ?", (alias.user, alias.domain)
            ):
                raise UnknownEntryError(f"the exchange has no alias {alias}")

    def list(self) -> tuple[tuple[Aor, Aor], ...]:
        """Every alias and whom it means."""
        rows = self._database.query(
            "SELECT alias_username, alias_domain, username, domain FROM dbaliases ORDER BY alias_domain, alias_username"
        )
        return tuple((Aor(row[0], row[1]), Aor(row[2], row[3])) for row in rows)
