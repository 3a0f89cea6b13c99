import sqlite3
from pathlib import Path

import pytest

from device.model import Binding
from device.records import replace
from device.store.bindings import Bindings, join_aor, split_aor
from device.store.database import Database, open_database

NOW = 1_700_000_000.0
AOR = "sip:1001@pbx.example.com"
DESK = Binding(AOR, "sip:1001@192.0.2.5:5060", NOW + 600, "call-1", 7, 0.5, "UDP:198.51.100.3:40000", "offhook/0.1")
MOBILE = Binding(AOR, "sip:1001@192.0.2.9", NOW + 60, "call-2", 1)


@pytest.fixture
def bindings(database: Database) -> Bindings:
    return Bindings(database)


def test_bindings_survive_a_restart(path: Path) -> None:
    with open_database(str(path)) as database:
        Bindings(database).replace(AOR, [DESK, MOBILE], NOW)
    with open_database(str(path)) as database:
        assert Bindings(database).load(NOW) == [DESK, MOBILE]


def test_what_expired_while_the_power_was_off_is_not_loaded(bindings: Bindings) -> None:
    bindings.replace(AOR, [DESK, MOBILE], NOW)
    assert bindings.load(NOW + 60) == [DESK]
    assert bindings.expire(NOW + 60) == 1
    assert bindings.expire(NOW + 60) == 0
    assert bindings.load(NOW) == [DESK]


def test_a_refresh_changes_a_binding_in_place(bindings: Bindings) -> None:
    bindings.replace(AOR, [DESK, MOBILE], NOW)
    refreshed = replace(DESK, expires_at=NOW + 900, cseq=8, received="")
    bindings.replace(AOR, [refreshed, MOBILE], NOW + 300)
    assert bindings.load(NOW) == [refreshed, MOBILE]


def test_contacts_that_are_gone_are_forgotten_and_others_untouched(bindings: Bindings) -> None:
    other = replace(DESK, aor="sip:1002@pbx.example.com")
    bindings.replace(AOR, [DESK, MOBILE], NOW)
    bindings.replace(other.aor, [other], NOW)
    bindings.replace(AOR, [], NOW)
    assert bindings.load(NOW) == [other]


def test_a_fraction_of_a_second_is_rounded_in_favour_of_the_phone(bindings: Bindings) -> None:
    bindings.replace(AOR, [replace(DESK, expires_at=NOW + 0.25)], NOW)
    assert [binding.expires_at for binding in bindings.load(NOW)] == [NOW + 1]


def test_what_is_stored_already_is_not_written_again(bindings: Bindings, path: Path) -> None:
    bindings.replace(AOR, [DESK, MOBILE], NOW)
    wal = path.with_name("offhook.db-wal")
    before = wal.stat().st_mtime_ns, wal.stat().st_size
    bindings.replace(AOR, [DESK, MOBILE], NOW + 1)
    assert (wal.stat().st_mtime_ns, wal.stat().st_size) == before


def test_the_table_reads_as_that_of_opensips(bindings: Bindings, database: Database, path: Path) -> None:
    bindings.replace(AOR, [DESK], NOW)
    database.close()
    connection = sqlite3.connect(path)
    row = connection.execute(
        "SELECT username, domain, contact, received, path, expires, q, callid, cseq, last_modified, user_agent"
        " FROM location"
    ).fetchone()
    connection.close()
    assert row == (
        "1001",
        "pbx.example.com",
        "sip:1001@192.0.2.5:5060",
        "UDP:198.51.100.3:40000",
        None,
        1_700_000_600,
        0.5,
        "call-1",
        7,
        1_700_000_000,
        "offhook/0.1",
    )


@pytest.mark.parametrize(
    ("aor", "user", "domain"),
    [
        ("sip:1001@pbx", "1001", "pbx"),
        ("sip:pbx", "", "pbx"),
        ("sip:a@b@pbx", "a@b", "pbx"),
        ("sip:1001@[2001:db8::1]", "1001", "[2001:db8::1]"),
    ],
)
def test_addresses_are_split_and_joined(aor: str, user: str, domain: str) -> None:
    assert split_aor(aor) == (user, domain)
    assert join_aor(user, domain) == aor


def test_a_flow_and_its_path_survive_a_restart(path: Path) -> None:
    flow = replace(DESK, path="<sip:edge.example;lr;ob>, <sip:inner.example;lr>", instance="urn:uuid:1", reg_id=1)
    other = replace(flow, instance="urn:uuid:2", call_id="call-3")
    with open_database(str(path)) as database:
        Bindings(database).replace(AOR, [flow, other, DESK], NOW)
    with open_database(str(path)) as database:
        assert Bindings(database).load(NOW) == [flow, other, DESK]
        Bindings(database).replace(AOR, [other, replace(DESK, q=0.7)], NOW)
    with open_database(str(path)) as database:
        assert Bindings(database).load(NOW) == [other, replace(DESK, q=0.7)]
