"""What the exchange keeps of the world outside: trunks, routes, classes of numbers, and who may call them."""

from collections.abc import Iterable

from device.annotations import Final
from device.exchange_model import NumberPattern, Trunk, TrunkRoute
from device.model import AccountId
from device.store.accounts import Accounts
from device.store.database import Database
from device.store.errors import StoreError, UnknownEntryError

NOTHING: Final = "none"
"""Stands in `grp` for a user who may call no number outside."""


class Trunks:
    """The table `trunk`, with the account of each and its secret."""

    __slots__ = ("_accounts", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts = Accounts(database)

    def put(self, trunk: Trunk) -> None:
        """Keep a trunk, in place of any of that name; without a credential the one that is known stays."""
        known = self._accounts.get(trunk.account.id) is not None
        with self._database.transaction():
            if known:
                self._accounts.update(trunk.account, trunk.credential)
            else:
                self._accounts.add(trunk.account, trunk.credential)
            self._database.execute(
                "INSERT INTO trunk (account_id, caller, number_format, ring) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (account_id) DO UPDATE SET caller = excluded.caller,"
                " number_format = excluded.number_format, ring = excluded.ring",
                (trunk.name, trunk.caller, trunk.number_format, trunk.ring),
            )

    def get(self, name: str) -> Trunk:
        """The trunk of that name. Raises UnknownEntryError."""
        for trunk in self.list():
            if trunk.name == name:
                return trunk
        raise UnknownEntryError(f"there is no trunk {name!r}: `offhook exchange trunk list` shows those there are")

    def list(self) -> tuple[Trunk, ...]:
        """Every trunk in the order of their making."""
        rows = self._database.query("SELECT account_id, caller, number_format, ring FROM trunk")
        further = {row[0]: row[1:] for row in rows}
        return tuple(
            Trunk(account, self._accounts.credential(account.id), *further[account.id])
            for account in self._accounts.list()
            if account.id in further
        )

    def remove(self, name: str) -> None:
        """Forget a trunk, its routes and its password. Raises UnknownEntryError."""
        self.get(name)
        self._accounts.remove(AccountId(name))

    def seal(self, name: str, realm: str, ha1s: dict[str, str]) -> None:
        """Keep digest values of a realm instead of the clear-text password."""
        self._accounts.seal(AccountId(name), realm, ha1s)


class TrunkRoutes:
    """The table `trunk_route`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, route: TrunkRoute) -> None:
        """Keep a route, in place of the one of that prefix to that trunk. Raises UnknownEntryError for the trunk."""
        Trunks(self._database).get(route.trunk)
        with self._database.transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO trunk_route (prefix, trunk, position, strip, prepend) VALUES (?, ?, ?, ?, ?)",
                (route.prefix, route.trunk, route.position, route.strip, route.prepend),
            )

    def list(self) -> tuple[TrunkRoute, ...]:
        """Every route by prefix, in the order in which they are tried."""
        rows = self._database.query(
            "SELECT prefix, trunk, position, strip, prepend FROM trunk_route ORDER BY prefix, position, trunk"
        )
        return tuple(TrunkRoute(*row) for row in rows)

    def remove(self, prefix: str, trunk: str) -> None:
        """Forget a route. Raises UnknownEntryError."""
        with self._database.transaction():
            if not self._database.execute("DELETE FROM trunk_route WHERE prefix = ? AND trunk = ?", (prefix, trunk)):
                raise UnknownEntryError(
                    f"there is no route for {prefix!r} by {trunk!r}: `offhook exchange route list` shows them"
                )


class NumberPatterns:
    """The table `number_pattern`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, pattern: NumberPattern) -> None:
        """Keep a pattern, in place of what was said of it before."""
        with self._database.transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO number_pattern (pattern, kind) VALUES (?, ?)", (pattern.pattern, pattern.kind)
            )

    def list(self) -> tuple[NumberPattern, ...]:
        """Every pattern."""
        rows = self._database.query("SELECT pattern, kind FROM number_pattern ORDER BY pattern")
        return tuple(NumberPattern(*row) for row in rows)

    def remove(self, pattern: str) -> None:
        """Forget a pattern. Raises UnknownEntryError."""
        with self._database.transaction():
            if not self._database.execute("DELETE FROM number_pattern WHERE pattern = ?", (pattern,)):
                raise UnknownEntryError(f"there is no pattern {pattern!r}: `offhook exchange number list` shows them")


class Permissions:
    """The table `grp`: the classes of numbers that a user may call, where the usual ones do not hold."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, username: str, domain: str, kinds: Iterable[str], unix_now: float) -> None:
        """Let a user call these classes and no others, also none at all."""
        chosen = tuple(dict.fromkeys(kinds)) or (NOTHING,)
        if NOTHING in chosen and len(chosen) > 1:
            raise StoreError(f"{NOTHING!r} stands alone: it means no number outside at all")
        with self._database.transaction():
            self._delete(username, domain)
            for kind in chosen:
                self._database.execute(
                    "INSERT INTO grp (username, domain, grp, last_modified) VALUES (?, ?, ?, ?)",
                    (username, domain, kind, int(unix_now)),
                )

    def of(self, username: str, domain: str) -> frozenset[str] | None:
        """The classes that a user may call; None where the usual ones hold."""
        rows = self._database.query("SELECT grp FROM grp WHERE username = ? AND domain = ?", (username, domain))
        return frozenset(row[0] for row in rows) - {NOTHING} if rows else None

    def clear(self, username: str, domain: str) -> None:
        """Let the usual classes hold for a user again."""
        with self._database.transaction():
            self._delete(username, domain)

    def list(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The classes of every user with some of their own, by user and domain."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for username, domain, kind in self._database.query(
            "SELECT username, domain, grp FROM grp ORDER BY domain, username, grp"
        ):
            found[username, domain] = (*found.get((username, domain), ()), kind)
        return found

    def _delete(self, username: str, domain: str) -> None:
        self._database.execute("DELETE FROM grp WHERE username = ? AND domain = ?", (username, domain))
