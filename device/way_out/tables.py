"""The tables of Kamailio and OpenSIPS, with the columns and version numbers of Kamailio 5.6 and OpenSIPS 3.4."""

from device.annotations import Final
from device.way_out.sql import KEY, MOMENT, NUMBER, REAL, Column, Table

_NAME = (Column("username", 64), Column("domain", 64))

_CONTACT: Final = (
    Column("contact", 512),
    Column("received", 255, None),
    Column("path", 512, None),
    Column("expires", MOMENT),
    Column("q", REAL, 1.0),
    Column("callid", 255, "Default-Call-ID"),
    Column("cseq", NUMBER, 1),
    Column("last_modified", MOMENT),
)
"""The columns of `location` that both servers have."""

_ACCOUNTED: Final = (
    Column("method", 16),
    Column("from_tag", 128),
    Column("to_tag", 128),
    Column("callid", 255),
    Column("sip_code", 3),
    Column("sip_reason", 128),
    Column("time", MOMENT),
)
_PEOPLE: Final = (Column("src_user", 64), Column("dst_user", 255), Column("src_ip", 64))
"""Columns of `acc` beyond the usual ones, which the configurations fill as well."""

VERSIONS: Final = Table(
    "version",
    1,
    (Column("id", KEY), Column("table_name", 32), Column("table_version", NUMBER)),
    ("table_name",),
)

CALLS: Final = Table(
    "cdr",
    0,
    (
        Column("id", KEY),
        Column("callid", 255),
        Column("caller", 255),
        Column("called", 255),
        Column("answered_by", 255),
        Column("set_up", MOMENT),
        Column("answered", MOMENT, None),
        Column("ended", MOMENT, None),
        Column("sip_code", NUMBER),
        Column("cause", 128),
        Column("ended_by", 16),
    ),
)
"""The calls until now as the exchange kept them; no server writes here."""

KAMAILIO: Final = (
    Table(
        "subscriber",
        7,
        (
            Column("id", KEY),
            *_NAME,
            Column("password", 64),
            Column("ha1", 128),
            Column("ha1b", 128),
            Column("ha1_sha256", 128),
        ),
        ("username", "domain"),
    ),
    Table(
        "location",
        9,
        (
            Column("id", KEY),
            Column("ruid", 64),
            Column("username", 64),
            Column("domain", 64, None),
            *_CONTACT,
            Column("flags", NUMBER),
            Column("cflags", NUMBER),
            Column("user_agent", 255),
            Column("socket", 64, None),
            Column("methods", NUMBER, None),
            Column("instance", 255, None),
            Column("reg_id", NUMBER),
            Column("server_id", NUMBER),
            Column("connection_id", NUMBER),
            Column("keepalive", NUMBER),
            Column("partition", NUMBER),
        ),
        ("ruid",),
        (("username", "domain", "contact"), ("expires",), ("server_id", "connection_id")),
    ),
    Table("dbaliases", 1, (Column("id", KEY), Column("alias_username", 64), Column("alias_domain", 64), *_NAME)),
    Table("acc", 5, (Column("id", KEY), *_ACCOUNTED, *_PEOPLE), (), (("callid",),)),
    CALLS,
)

OPENSIPS: Final = (
    Table(
        "subscriber",
        8,
        (
            Column("id", KEY),
            *_NAME,
            Column("password", 64),
            Column("ha1", 64),
            Column("ha1_sha256", 64),
            Column("ha1_sha512t256", 64),
        ),
        ("username", "domain"),
    ),
    Table(
        "location",
        1013,
        (
            Column("contact_id", KEY),
            Column("username", 64),
            Column("domain", 64, None),
            *_CONTACT,
            Column("flags", NUMBER),
            Column("cflags", 255, None),
            Column("user_agent", 255),
            Column("socket", 64, None),
            Column("methods", NUMBER, None),
            Column("sip_instance", 255, None),
            Column("kv_store", 512, None),
            Column("attr", 255, None),
        ),
    ),
    Table("dbaliases", 2, (Column("id", KEY), Column("alias_username", 64), Column("alias_domain", 64), *_NAME)),
    Table(
        "acc",
        7,
        (
            Column("id", KEY),
            *_ACCOUNTED,
            Column("duration", NUMBER),
            Column("ms_duration", NUMBER),
            Column("setuptime", NUMBER),
            Column("created", MOMENT, None),
            *_PEOPLE,
        ),
        (),
        (("callid",),),
    ),
    CALLS,
)

ASTERISK: Final = (
    Table(
        "ps_endpoints",
        0,
        (
            Column("id", 64),
            Column("transport", 40, None),
            Column("aors", 200, None),
            Column("auth", 100, None),
            Column("context", 40, None),
            Column("disallow", 200, None),
            Column("allow", 200, None),
            Column("direct_media", 3, None),
            Column("callerid", 100, None),
        ),
        ("id",),
    ),
    Table(
        "ps_auths",
        0,
        (
            Column("id", 64),
            Column("auth_type", 16, None),
            Column("username", 64, None),
            Column("realm", 64, None),
            Column("md5_cred", 64, None),
        ),
        ("id",),
    ),
    Table(
        "ps_aors",
        0,
        (
            Column("id", 64),
            Column("max_contacts", NUMBER, None),
            Column("remove_existing", 3, None),
            Column("default_expiration", NUMBER, None),
        ),
        ("id",),
    ),
    CALLS,
)
"""The columns of Asterisk's realtime tables that matter here; it takes what there is of them."""
