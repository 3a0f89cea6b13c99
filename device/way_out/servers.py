"""The files of a move: schema and data as SQL, and the configuration of the server, filled in for one household."""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from device.annotations import Final
from device.exchange.settings import ExchangeSettings
from device.model import Binding, Credential
from device.records import dataclass
from device.sip.hop import ip_literal
from device.way_out.household import Household
from device.way_out.sql import LONG_AGO, Table, Value, create, insert
from device.way_out.tables import ASTERISK, CALLS, KAMAILIO, OPENSIPS, VERSIONS

URLS: Final = {
    "postgresql": "postgres://sip:CHANGE_ME@localhost/sip",
    "mysql": "mysql://sip:CHANGE_ME@localhost/sip",
    "sqlite": "sqlite:///var/lib/sip/sip.db",
}
DRIVERS: Final = {
    "kamailio": {"postgresql": "db_postgres", "mysql": "db_mysql", "sqlite": "db_sqlite"},
    "opensips": {"postgresql": "db_postgres", "mysql": "db_mysql", "sqlite": "db_sqlite"},
}
PROPER_NAMES: Final = {"kamailio": "Kamailio", "opensips": "OpenSIPS", "asterisk": "Asterisk"}
LOADING: Final = {
    "postgresql": "psql sip < schema.sql && psql sip < data.sql",
    "mysql": "mysql sip < schema.sql && mysql sip < data.sql",
    "sqlite": "sqlite3 /var/lib/sip/sip.db < schema.sql && sqlite3 /var/lib/sip/sip.db < data.sql",
}

Moment = Callable[[float], str]
"""From Unix seconds to a point in time as the server's clock on the wall shows it: the modules reckon in that."""

Rows = Sequence[Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the household moves to."""

    server: str
    database: str
    url: str
    """How the server reaches its database."""
    secret: str
    """Random, for nonces that all servers of a cluster take."""


def move(household: Household, settings: ExchangeSettings, to: Destination, moment: Moment) -> dict[str, str]:
    """The files to write, by name."""
    tables = {"kamailio": KAMAILIO, "opensips": OPENSIPS, "asterisk": ASTERISK}[to.server]
    rows = _rows(household, to, moment)
    versioned = [table for table in tables if table.version]
    schema = "".join(create(table, to.database) + "\n" for table in ((VERSIONS, *tables) if versioned else tables))
    data = "".join(_inserts(table, rows.get(table.name, ()), to.database) for table in tables)
    if versioned:
        known = [(table.name, table.version) for table in (VERSIONS, *versioned)]
        schema += insert(VERSIONS.name, ("table_name", "table_version"), known, to.database)
    configuration = _asterisk(household, settings) if to.server == "asterisk" else _proxy(household, settings, to)
    return {
        "schema.sql": schema,
        "data.sql": f"BEGIN;\n{data}COMMIT;\n",
        **configuration,
        "README.txt": _readme(household, to, configuration),
    }


def _inserts(table: Table, rows: Rows, database: str) -> str:
    if not rows:
        return ""
    columns = tuple(rows[0])
    return insert(table.name, columns, [tuple(row[column] for column in columns) for row in rows], database)


# Rows.


def _rows(household: Household, to: Destination, moment: Moment) -> dict[str, Rows]:
    calls: list[dict[str, Value]] = [
        {
            "callid": call.call_id,
            "caller": call.caller,
            "called": call.called,
            "answered_by": call.answered_by,
            "set_up": moment(call.set_up_at),
            "answered": moment(call.answered_at) if call.answered_at else None,
            "ended": moment(call.ended_at) if call.ended_at else None,
            "sip_code": call.sip_code,
            "cause": call.cause[:128],
            "ended_by": call.ended_by,
        }
        for call in household.calls
    ]
    if to.server == "asterisk":
        return {CALLS.name: calls, **_realtime(household)}
    return {
        "subscriber": [_subscriber(user, to.server) for user in household.users],
        "location": [_location(n, one, to.server, moment) for n, one in enumerate(household.bindings, 1)],
        "dbaliases": [
            {
                "alias_username": alias.user,
                "alias_domain": alias.domain,
                "username": target.user,
                "domain": target.domain,
            }
            for alias, target in household.aliases
        ],
        "acc": [
            {
                "method": one.method,
                "from_tag": one.from_tag[:128],
                "to_tag": one.to_tag[:128],
                "callid": one.callid[:255],
                "sip_code": one.sip_code,
                "sip_reason": one.sip_reason[:128],
                "time": moment(one.time),
                "src_user": one.src_user[:64],
                "dst_user": one.dst_user[:255],
                "src_ip": one.src_ip,
            }
            for one in household.records
        ],
        CALLS.name: calls,
    }


def _subscriber(user: Credential, server: str) -> dict[str, Value]:
    values = dict(user.ha1)
    row: dict[str, Value] = {
        "username": user.username,
        "domain": user.realm,
        "password": "",
        "ha1": values.get("MD5", ""),
        "ha1_sha256": values.get("SHA-256", ""),
    }
    if server == "opensips":
        row["ha1_sha512t256"] = values.get("SHA-512-256", "")
    return row


def _location(number: int, binding: Binding, server: str, moment: Moment) -> dict[str, Value]:
    user, _, domain = binding.aor.removeprefix("sip:").partition("@")
    row: dict[str, Value] = {
        "username": user,
        "domain": domain,
        "contact": binding.contact,
        "received": _received(binding.received),
        "path": binding.path or None,
        "expires": moment(binding.expires_at),
        "q": binding.q,
        "callid": binding.call_id[:255],
        "cseq": binding.cseq,
        "last_modified": LONG_AGO,
        "user_agent": binding.user_agent,
    }
    instance = f"<{binding.instance}>" if binding.instance else None
    if server == "opensips":
        return {**row, "sip_instance": instance}
    return {"ruid": f"offhook-{number}", **row, "instance": instance, "reg_id": binding.reg_id}


def _received(received: str) -> str | None:
    """Our `tcp:host:port` as the URI that the servers keep."""
    transport, _, address = received.partition(":")
    if not address:
        return None
    return f"sip:{address}" if transport == "udp" else f"sip:{address};transport={transport}"


def _realtime(household: Household) -> dict[str, Rows]:
    names = [user.username for user in household.users]
    endpoints: list[dict[str, Value]] = [
        {
            "id": name,
            "aors": name,
            "auth": f"{name}-auth",
            "context": "house",
            "disallow": "all",
            "allow": "g722,alaw,ulaw",
            "direct_media": "no",
            "callerid": f"<{name}>",
        }
        for name in names
    ]
    auths: list[dict[str, Value]] = [
        {
            "id": f"{user.username}-auth",
            "auth_type": "md5",
            "username": user.username,
            "realm": user.realm,
            "md5_cred": dict(user.ha1).get("MD5", ""),
        }
        for user in household.users
    ]
    aors: list[dict[str, Value]] = [
        {"id": name, "max_contacts": 10, "remove_existing": "no", "default_expiration": 600} for name in names
    ]
    return {"ps_endpoints": endpoints, "ps_auths": auths, "ps_aors": aors}


# Configurations.


def _filled(name: str, values: Mapping[str, object]) -> str:
    text = files("device.way_out").joinpath("templates", name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def _values(household: Household, settings: ExchangeSettings) -> dict[str, object]:
    return {
        "DOMAIN": household.domain,
        "MIN_EXPIRES": settings.min_expires_s,
        "DEFAULT_EXPIRES": settings.default_expires_s,
        "MAX_EXPIRES": settings.max_expires_s,
        "MAX_CONTACTS": settings.max_contacts,
    }


def _proxy(household: Household, settings: ExchangeSettings, to: Destination) -> dict[str, str]:
    values = {
        **_values(household, settings),
        "DRIVER": DRIVERS[to.server][to.database],
        "URL": to.url,
        "SECRET": to.secret,
        "RECORD_ROUTE": _record_route(household.domain),
    }
    name = f"{to.server}.cfg"
    return {name: _filled(name, values)}


def _record_route(domain: str) -> str:
    """Stay in the path by the name that all servers share, where there is one; an address is that of one server."""
    if ip_literal(domain) is not None:
        return "    record_route();"
    return (
        f'    if (proto == TCP) record_route_preset("{domain};transport=tcp");\n'
        f'    else if (proto == TLS) record_route_preset("{domain};transport=tls");\n'
        f'    else record_route_preset("{domain}");'
    )


def _asterisk(household: Household, settings: ExchangeSettings) -> dict[str, str]:
    users = "".join(_asterisk_user(user) for user in household.users)
    meant = {alias.user: target.user for alias, target in household.aliases}
    numbers = {user.username: user.username for user in household.users} | meant
    lines = [
        f"exten => {number},1,Dial(${{PJSIP_DIAL_CONTACTS({user})}},60)\n same => n,Hangup(${{HANGUPCAUSE}})"
        for number, user in numbers.items()
    ]
    return {
        "pjsip.conf": _filled("pjsip.conf", {**_values(household, settings), "USERS": users}),
        "extensions.conf": _filled("extensions.conf", {"NUMBERS": "\n".join(lines)}),
    }


def _asterisk_user(user: Credential) -> str:
    name = user.username
    return (
        f"\n[{name}](phone)\nauth = {name}-auth\naors = {name}\ncallerid = <{name}>\n"
        f"\n[{name}-auth](login)\nusername = {name}\nmd5_cred = {dict(user.ha1).get('MD5', '')}\n"
        f"\n[{name}](place)\n"
    )


def _readme(household: Household, to: Destination, configuration: Mapping[str, str]) -> str:
    names = ", ".join(sorted(configuration))
    text = (
        f"{len(household.users)} users and {len(household.aliases)} other names of {household.domain} move to "
        f"{PROPER_NAMES[to.server]}.\n\n"
        "These files hold what stands for passwords (digest values): keep them as you keep passwords.\n\n"
    )
    if to.server == "asterisk":
        text += (
            f"1. Put {names} into /etc/asterisk and restart it. That is all that is needed.\n"
            "2. Who keeps users in a database (realtime) finds them in schema.sql and data.sql:\n"
            f"       {LOADING[to.database]}\n"
        )
    else:
        text += (
            f"1. Make the database, and load it:\n       {LOADING[to.database]}\n"
            f"2. In {names}, see that the database URL is right. Put it where the server reads its configuration, on\n"
            f"   each machine of the cluster, and check it: {to.server} -c -f {names}\n"
        )
    return text + (
        "3. Stop the exchange, start the servers, and let DNS name them: the phones keep their settings, and come by\n"
        "   themselves at the next renewal of their registration. They may remember the old answer of DNS for as long\n"
        "   as its TTL says: make that short a day before. Where the domain is an address, that address has to move.\n"
    )
