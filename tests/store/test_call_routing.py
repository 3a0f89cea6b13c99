import pytest

from device.exchange_model import NO_ANSWER_RING_S, DomainRoute, Forwarding, RingGroup, RoutingTable
from device.model import Aor
from device.store.call_routing import (
    ALWAYS,
    BUSY,
    NO_ANSWER,
    NO_ANSWER_S,
    REDIRECT,
    DomainRoutes,
    Forwardings,
    RingGroups,
    load_routing,
)
from device.store.database import Database
from device.store.errors import UnknownEntryError
from device.store.subscribers import Aliases

DOOR = RingGroup("door", ("1001", "1002"), in_order=False, ring_s=30, bell="door", otherwise="1003")
HUNT = RingGroup("600", ("1003", "sip:x@far.example", "1001"), in_order=True)


def test_groups_keep_their_members_in_order(database: Database) -> None:
    groups = RingGroups(database, "pbx")
    groups.put(DOOR)
    groups.put(HUNT)
    assert groups.list() == (HUNT, DOOR)
    assert RingGroups(database, "other").list() == ()


def test_a_group_that_is_set_again_is_another_one(database: Database) -> None:
    groups = RingGroups(database, "pbx")
    groups.put(HUNT)
    groups.put(RingGroup("600", ("1001",)))
    assert groups.list() == (RingGroup("600", ("1001",)),)
    assert database.query("SELECT count(*) FROM ring_group_member") == [(1,)]


def test_a_group_that_is_removed_leaves_nothing(database: Database) -> None:
    groups = RingGroups(database, "pbx")
    groups.put(HUNT)
    groups.remove("600")
    assert groups.list() == ()
    assert database.query("SELECT count(*) FROM ring_group_member") == [(0,)]
    with pytest.raises(UnknownEntryError, match="no group 600"):
        groups.remove("600")


def test_what_users_want_of_their_calls(database: Database) -> None:
    forwardings = Forwardings(database, "pbx")
    forwardings.put("1002", NO_ANSWER, "1003", 1.7e9)
    forwardings.put("1001", ALWAYS, "1002", 1.7e9)
    forwardings.put("1001", REDIRECT, "1", 1.7e9)
    assert forwardings.list() == (
        Forwarding("1001", always="1002", redirect=True),
        Forwarding("1002", no_answer="1003", no_answer_s=NO_ANSWER_RING_S),
    )
    forwardings.put("1002", NO_ANSWER_S, "45", 1.7e9)
    forwardings.put("1001", ALWAYS, "", 1.7e9)
    forwardings.put("1001", REDIRECT, "", 1.7e9)
    assert forwardings.list() == (Forwarding("1002", no_answer="1003", no_answer_s=45),)


def test_preferences_are_written_as_opensips_has_them(database: Database) -> None:
    Forwardings(database, "pbx").put("1001", BUSY, "1002", 1.7e9)
    columns = "username, domain, attribute, type, value, last_modified"
    assert database.query(f"SELECT {columns} FROM usr_preferences") == [
        ("1001", "pbx", "fwd-busy", 0, "1002", 1_700_000_000)
    ]


def test_preferences_of_others_are_left_alone(database: Database) -> None:
    with database.transaction():
        database.execute(
            "INSERT INTO usr_preferences (username, domain, attribute, value) VALUES ('1', 'pbx', 'x', 'y')"
        )
    assert Forwardings(database, "pbx").list() == ()


def test_routes_of_domains(database: Database) -> None:
    routes = DomainRoutes(database)
    routes.put(DomainRoute("b.example", "sip:p.example"))
    routes.put(DomainRoute("b.example", "sip:q.example", redirect=True))
    routes.put(DomainRoute("*"))
    assert routes.list() == (DomainRoute("*"), DomainRoute("b.example", "sip:q.example", redirect=True))
    routes.remove("*")
    with pytest.raises(UnknownEntryError, match=r"no way to \* is set"):
        routes.remove("*")


def test_all_of_it_at_once(database: Database) -> None:
    Aliases(database).put(Aor("1", "pbx"), Aor("1001", "pbx"))
    Aliases(database).put(Aor("2", "pbx"), Aor("bob", "far.example"))
    Aliases(database).put(Aor("3", "other"), Aor("1001", "other"))
    RingGroups(database, "pbx").put(HUNT)
    assert load_routing(database, "pbx") == RoutingTable((("1", "1001"), ("2", "bob@far.example")), (HUNT,), (), ())
