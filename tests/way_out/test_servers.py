import sqlite3

import pytest

from device.exchange.settings import ExchangeSettings
from device.exchange_model import AccountingRecord, CallDetail
from device.model import Aor, Binding, Credential
from device.records import replace
from device.way_out.household import SERVERS, Household
from device.way_out.servers import Destination, move
from device.way_out.sql import DATABASES

DOMAIN = "pbx.lan"
HA1 = (("MD5", "a" * 32), ("SHA-256", "b" * 64))
HOUSEHOLD = Household(
    DOMAIN,
    (Credential("1001", DOMAIN, HA1), Credential("o'neill", DOMAIN, HA1)),
    ((Aor("9", DOMAIN), Aor("1001", DOMAIN)),),
    (
        Binding(
            f"sip:1001@{DOMAIN}",
            "sip:1001@10.0.0.7",
            1_700_000_600.0,
            "c1",
            7,
            0.5,
            "tcp:203.0.113.5:31000",
            "Phone 'x'",
            "<sip:edge;lr>",
            "urn:uuid:1",
            1,
        ),
        Binding(f"sip:1001@{DOMAIN}", "sip:1001@192.0.2.9", 1_700_000_600.0, "c2", 1, received="udp:192.0.2.9:5060"),
    ),
    (AccountingRecord("INVITE", "f", "t", "c", "200", "OK", 1_700_000_000, 0, 2, "1001", "9", "192.0.2.1"),),
    (CallDetail("c", "f", "t", "sip:1001@x", "sip:9@x", 1_699_999_998.0, "", 1_700_000_000.0, 1_700_000_060.0, 200),),
)


def moved(server: str, database: str = "sqlite", household: Household = HOUSEHOLD) -> dict[str, str]:
    to = Destination(server, database, "sqlite:///x", "5ec2e7")
    return move(household, ExchangeSettings(domain=DOMAIN), to, lambda unix_s: f"moment {unix_s:.0f}")


def loaded(server: str) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    files = moved(server)
    connection.executescript(files["schema.sql"])
    connection.executescript(files["data.sql"])
    return connection


@pytest.mark.parametrize("server", ["kamailio", "opensips"])
def test_users_come_along_with_their_digest_values(server: str) -> None:
    rows = loaded(server).execute("SELECT username, domain, password, ha1, ha1_sha256 FROM subscriber").fetchall()
    assert rows == [(user, DOMAIN, "", "a" * 32, "b" * 64) for user in ("1001", "o'neill")]


@pytest.mark.parametrize(("server", "instance"), [("kamailio", "instance"), ("opensips", "sip_instance")])
def test_contacts_say_how_they_are_reached(server: str, instance: str) -> None:
    columns = f"username, domain, contact, received, path, expires, q, {instance}"
    rows = loaded(server).execute(f"SELECT {columns} FROM location").fetchall()
    at = "moment 1700000600"
    assert rows == [
        (
            "1001",
            DOMAIN,
            "sip:1001@10.0.0.7",
            "sip:203.0.113.5:31000;transport=tcp",
            "<sip:edge;lr>",
            at,
            0.5,
            "<urn:uuid:1>",
        ),
        ("1001", DOMAIN, "sip:1001@192.0.2.9", "sip:192.0.2.9:5060", None, at, 1.0, None),
    ]


@pytest.mark.parametrize("server", ["kamailio", "opensips"])
def test_other_names_and_records_come_along(server: str) -> None:
    connection = loaded(server)
    assert connection.execute("SELECT alias_username, username FROM dbaliases").fetchall() == [("9", "1001")]
    assert connection.execute("SELECT method, sip_code, time, src_user, dst_user, src_ip FROM acc").fetchall() == [
        ("INVITE", "200", "moment 1700000000", "1001", "9", "192.0.2.1")
    ]
    assert connection.execute("SELECT set_up, answered, ended FROM cdr").fetchall() == [
        ("moment 1699999998", "moment 1700000000", "moment 1700000060")
    ]


@pytest.mark.parametrize(
    ("server", "versions"),
    [
        ("kamailio", {"version": 1, "subscriber": 7, "location": 9, "dbaliases": 1, "acc": 5}),
        ("opensips", {"version": 1, "subscriber": 8, "location": 1013, "dbaliases": 2, "acc": 7}),
    ],
)
def test_the_versions_are_those_that_the_modules_ask_for(server: str, versions: dict[str, int]) -> None:
    assert dict(loaded(server).execute("SELECT table_name, table_version FROM version").fetchall()) == versions


def test_asterisk_takes_the_users_with_and_without_a_database() -> None:
    files = moved("asterisk")
    assert "[1001-auth](login)\nusername = 1001\nmd5_cred = " + "a" * 32 in files["pjsip.conf"]
    assert f"realm = {DOMAIN}" in files["pjsip.conf"]
    assert "exten => 9,1,Dial(${PJSIP_DIAL_CONTACTS(1001)},60)" in files["extensions.conf"]
    rows = loaded("asterisk").execute("SELECT id, username, md5_cred FROM ps_auths").fetchall()
    assert rows[0] == ("1001-auth", "1001", "a" * 32)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("database", DATABASES)
def test_nothing_is_left_to_be_filled_in(server: str, database: str) -> None:
    files = moved(server, database)
    assert {"schema.sql", "data.sql", "README.txt"} < set(files)
    for text in files.values():
        assert "@DOMAIN@" not in text
        assert not [word for word in text.split() if word.startswith("@") and word.endswith("@")]


@pytest.mark.parametrize(("database", "driver"), [("postgresql", "db_postgres"), ("mysql", "db_mysql")])
def test_the_driver_is_that_of_the_database(database: str, driver: str) -> None:
    assert f'loadmodule "{driver}.so"' in moved("kamailio", database)["kamailio.cfg"]
    assert f'loadmodule "{driver}.so"' in moved("opensips", database)["opensips.cfg"]


def test_the_path_is_kept_by_the_name_of_the_domain_and_else_by_each_server() -> None:
    assert f'record_route_preset("{DOMAIN};transport=tcp")' in moved("kamailio")["kamailio.cfg"]
    by_address = moved("kamailio", household=replace(HOUSEHOLD, domain="192.0.2.10"))["kamailio.cfg"]
    assert "record_route();" in by_address
    assert "record_route_preset" not in by_address
