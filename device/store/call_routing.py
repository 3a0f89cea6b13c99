"""Where the exchange sends calls: groups of phones, forwarding, other names, and the proxies of foreign domains."""

from device.annotations import Final
from device.exchange_model import NO_ANSWER_RING_S, DomainRoute, Forwarding, RingGroup, RoutingTable
from device.store.database import Database
from device.store.errors import UnknownEntryError
from device.store.subscribers import Aliases

ALWAYS, BUSY, NO_ANSWER, NO_ANSWER_S, REDIRECT = (
    "fwd-always",
    "fwd-busy",
    "fwd-no-answer",
    "fwd-no-answer-s",
    "redirect",
)
"""Attributes of a user's preferences."""

ATTRIBUTES: Final = (ALWAYS, BUSY, NO_ANSWER, NO_ANSWER_S, REDIRECT)


class RingGroups:
    """The tables `ring_group` and `ring_group_member` of one domain."""

    __slots__ = ("_database", "_domain")

    def __init__(self, database: Database, domain: str) -> None:
        self._database = database
        self._domain = domain

    def put(self, group: RingGroup) -> None:
        """Keep a group in place of any of that name."""
        with self._database.transaction():
            self._delete(group.name)
            number = self._database.insert(
                "INSERT INTO ring_group (name, domain, in_order, ring_s, bell, otherwise) VALUES (?, ?, ?, ?, ?, ?)",
                (group.name, self._domain, int(group.in_order), group.ring_s, group.bell, group.otherwise),
            )
            for position, member in enumerate(group.members):
                self._database.execute(
                    "INSERT INTO ring_group_member (group_id, position, member) VALUES (?, ?, ?)",
                    (number, position, member),
                )

    def remove(self, name: str) -> None:
        """Forget a group. Raises UnknownEntryError."""
        with self._database.transaction():
            if not self._delete(name):
                raise UnknownEntryError(f"the exchange has no group {name}: `offhook exchange group list` shows them")

    def list(self) -> tuple[RingGroup, ...]:
        """Every group in the order of their names."""
        rows = self._database.query(
            "SELECT id, name, in_order, ring_s, bell, otherwise FROM ring_group WHERE domain = ? ORDER BY name",
            (self._domain,),
        )
        return tuple(
            RingGroup(name, self._members(number), bool(in_order), ring_s, bell, otherwise)
            for number, name, in_order, ring_s, bell, otherwise in rows
        )

    def _members(self, number: int) -> tuple[str, ...]:
        rows = self._database.query(
            "SELECT member FROM ring_group_member WHERE group_id = ? ORDER BY position", (number,)
        )
        return tuple(row[0] for row in rows)

    def _delete(self, name: str) -> int:
        self._database.execute(
            "DELETE FROM ring_group_member WHERE group_id IN (SELECT id FROM ring_group WHERE name = ? AND domain = ?)",
            (name, self._domain),
        )
        return self._database.execute("DELETE FROM ring_group WHERE name = ? AND domain = ?", (name, self._domain))


class Forwardings:
    """What `usr_preferences` says of forwarding, for the users of one domain."""

    __slots__ = ("_database", "_domain")

    def __init__(self, database: Database, domain: str) -> None:
        self._database = database
        self._domain = domain

    def put(self, user: str, attribute: str, value: str, unix_now: float) -> None:
        """Let `attribute`, one of ATTRIBUTES, be `value`; an empty one is forgotten."""
        with self._database.transaction():
            self._database.execute(
                "DELETE FROM usr_preferences WHERE username = ? AND domain = ? AND attribute = ?",
                (user, self._domain, attribute),
            )
            if value:
                self._database.execute(
                    "INSERT INTO usr_preferences (username, domain, attribute, value, last_modified)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (user, self._domain, attribute, value, int(unix_now)),
                )

    def list(self) -> tuple[Forwarding, ...]:
        """What every user wants who wants something, in the order of their names."""
        rows = self._database.query(
            "SELECT username, attribute, value FROM usr_preferences WHERE domain = ? ORDER BY username", (self._domain,)
        )
        wishes: dict[str, dict[str, str]] = {}
        for user, attribute, value in rows:
            if attribute in ATTRIBUTES:
                wishes.setdefault(user, {})[attribute] = value
        return tuple(_forwarding(user, values) for user, values in wishes.items())


def _forwarding(user: str, values: dict[str, str]) -> Forwarding:
    seconds = values.get(NO_ANSWER_S, "")
    return Forwarding(
        user,
        values.get(ALWAYS, ""),
        values.get(BUSY, ""),
        values.get(NO_ANSWER, ""),
        int(seconds) if seconds.isascii() and seconds.isdigit() else NO_ANSWER_RING_S,
        values.get(REDIRECT) == "1",
    )


class DomainRoutes:
    """The table `domain_route`."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, route: DomainRoute) -> None:
        """Keep the route of a domain in place of any before."""
        with self._database.transaction():
            self._database.execute(
                "INSERT OR REPLACE INTO domain_route (domain, next_hop, redirect) VALUES (?, ?, ?)",
                (route.domain, route.next_hop, int(route.redirect)),
            )

    def remove(self, domain: str) -> None:
        """Forget the route of a domain. Raises UnknownEntryError."""
        with self._database.transaction():
            if not self._database.execute("DELETE FROM domain_route WHERE domain = ?", (domain,)):
                raise UnknownEntryError(f"no way to {domain} is set: `offhook exchange domain list` shows them")

    def list(self) -> tuple[DomainRoute, ...]:
        """Every route in the order of the domains."""
        rows = self._database.query("SELECT domain, next_hop, redirect FROM domain_route ORDER BY domain")
        return tuple(DomainRoute(domain, next_hop, bool(redirect)) for domain, next_hop, redirect in rows)


def load_routing(database: Database, domain: str) -> RoutingTable:
    """All that is configured of where calls for `domain` go. Raises StoreError."""
    aliases = [
        (alias.user, target.user if target.domain == domain else f"{target.user}@{target.domain}")
        for alias, target in Aliases(database).list()
        if alias.domain == domain
    ]
    return RoutingTable(
        tuple(aliases),
        RingGroups(database, domain).list(),
        Forwardings(database, domain).list(),
        DomainRoutes(database).list(),
    )
