"""`offhook exchange trunk` and `route`: the ways out of the house."""

import re

from device.annotations import Any, Final
from device.daemon.account_fields import account_faults
from device.daemon.exchange_commands import Action, Desk, take_values, take_words
from device.daemon.exchange_tables import answer
from device.daemon.options import UsageError
from device.exchange_model import CALLER_CHOICES, FORMAT_CHOICES, Trunk, TrunkRoute
from device.model import Account, AccountId, Credential
from device.records import asdict, replace
from device.sip.errors import SipParseError
from device.sip.target import host_uri
from device.store.trunks import TrunkRoutes, Trunks

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
PREFIX: Final = re.compile(r"\+?[0-9*#]{0,20}")
YES_NO: Final = {"yes": True, "no": False}
TEXTS: Final = {
    "registrar": "host[:port] of the server where it is not the domain",
    "outbound_proxy": "host[:port] that every request goes to first",
    "transport": "udp, tcp, tls, or auto for what DNS says",
    "auth_user": "user name for the password where it is not the user",
    "display_name": "name shown to those who are called",
}
FIELDS: Final = {
    **TEXTS,
    "register": "yes, or no for another exchange that wants no registration",
    "enabled": "yes, or no to keep it for later",
    "expires": "seconds of a registration",
    "caller": "who calls, by From: " + ", ".join(CALLER_CHOICES),
    "format": "how numbers are written: " + ", ".join(FORMAT_CHOICES),
    "ring": "user who takes calls that name nobody here",
}
ROUTE_FIELDS: Final = {
    "strip": "digits to take away from the beginning",
    "prepend": "digits to put before the rest",
    "position": "lower ones are tried first",
}


def _add(desk: Desk, words: tuple[str, ...]) -> str:
    name, address = take_words("trunk add", words[:2], "a name", "an address such as 4711@sip.example.com")
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a trunk: write small letters, digits and -")
    if any(trunk.name == name for trunk in Trunks(desk.database).list()):
        raise UsageError(f"there is a trunk {name} already: change it with `offhook exchange trunk set {name}`")
    user, _, domain = address.removeprefix("sip:").rpartition("@")
    trunk = Trunk(Account(AccountId(name), user, domain.lower(), register=bool(user)))
    Trunks(desk.database).put(_checked(_changed(trunk, "trunk add", words[2:], desk.secret)))
    return f"trunk {name} to {domain} is there; `offhook exchange route add PREFIX {name}` sends numbers out by it\n"


def _set(desk: Desk, words: tuple[str, ...]) -> str:
    (name,) = take_words("trunk set", words[:1], "the name of a trunk")
    if not words[1:] and not desk.secret:
        raise UsageError(f"trunk set {name}: give what to change: {', '.join(FIELDS)}, or --password-stdin")
    trunk = replace(Trunks(desk.database).get(name), credential=None)
    Trunks(desk.database).put(_checked(_changed(trunk, "trunk set", words[1:], desk.secret)))
    return f"trunk {name} is changed\n"


def _changed(trunk: Trunk, command: str, words: tuple[str, ...], secret: str) -> Trunk:
    values = take_values(command, words, FIELDS)
    texts: dict[str, Any] = {name: values[name] for name in TEXTS if name in values}
    account = replace(trunk.account, **texts)
    for name in ("register", "enabled"):
        if name in values:
            if values[name] not in YES_NO:
                raise UsageError(f"{command}: {name}={values[name]}: write yes or no")
            flag: dict[str, Any] = {name: YES_NO[values[name]]}
            account = replace(account, **flag)
    if "expires" in values:
        account = replace(account, expires_s=_number(command, "expires", values["expires"]))
    credential = Credential(account.auth_user or account.user, password=secret) if secret else None
    return Trunk(
        account,
        credential,
        values.get("caller", trunk.caller),
        values.get("format", trunk.number_format),
        values.get("ring", trunk.ring),
    )


def _number(command: str, name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise UsageError(f"{command}: {name}={text}: write a number")
    return int(text)


def _checked(trunk: Trunk) -> Trunk:
    faults = account_faults(trunk.account)
    for name in ("domain", "registrar", "outbound_proxy"):
        try:
            host_uri(getattr(trunk.account, name) or "localhost")
        except SipParseError as error:
            faults.append(f"{name}: {error}")
    choices = (("caller", trunk.caller, CALLER_CHOICES), ("format", trunk.number_format, FORMAT_CHOICES))
    faults += [
        f"{name}: {value!r} is not one of {', '.join(known)}" for name, value, known in choices if value not in known
    ]
    if faults:
        raise UsageError("nothing was changed: " + "; ".join(faults))
    return trunk


def _remove(desk: Desk, words: tuple[str, ...]) -> str:
    (name,) = take_words("trunk remove", words, "the name of a trunk")
    Trunks(desk.database).remove(name)
    return f"trunk {name} and its routes are removed\n"


def _list(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("trunk list", words)
    states = desk.running.get("trunks", {})
    lines, rows = [], []
    for trunk in Trunks(desk.database).list():
        account = trunk.account
        address = f"{account.user}@{account.domain}" if account.user else account.domain
        off = "" if account.enabled else ", off"
        state = states.get(trunk.name, "not running")
        lines.append(f"{trunk.name}  {address}  {state}{off}\n")
        rows.append({"name": trunk.name, "address": address, "enabled": account.enabled, "state": state})
    text = "".join(lines) or "there is no trunk: `offhook exchange trunk add NAME USER@HOST` makes one\n"
    return answer("trunks", rows, desk.form, text)


def _show(desk: Desk, words: tuple[str, ...]) -> str:
    (name,) = take_words("trunk show", words, "the name of a trunk")
    trunk = Trunks(desk.database).get(name)
    account, secret = trunk.account, trunk.credential
    kept = "none" if secret is None else "sealed for " + ", ".join(secret.realms) if secret.realms else "not sealed yet"
    rows = {
        "address": f"{account.user}@{account.domain}" if account.user else account.domain,
        **{field: getattr(account, field) for field in TEXTS},
        "password": kept,
        "register": _word(account.register),
        "enabled": _word(account.enabled),
        "expires": f"{account.expires_s} s",
        "caller": trunk.caller,
        "format": trunk.number_format,
        "ring": trunk.ring,
        "state": desk.running.get("trunks", {}).get(name, "not running"),
        "routes": ", ".join(repr(route.prefix) for route in TrunkRoutes(desk.database).list() if route.trunk == name),
    }
    return "".join(f"{field:<15} {value or '-'}\n" for field, value in rows.items())


def _word(flag: bool) -> str:  # one word for one value
    return "yes" if flag else "no"


def _add_route(desk: Desk, words: tuple[str, ...]) -> str:
    prefix, trunk = take_words("route add", words[:2], "the first digits of the numbers (any for all)", "a trunk")
    prefix = _prefix(prefix)
    values = {
        name: value if name == "prepend" else _number("route add", name, value)
        for name, value in take_values("route add", words[2:], ROUTE_FIELDS).items()
    }
    route = replace(TrunkRoute(prefix, trunk), **values)  # type: ignore[arg-type]  # each is of its field's type
    if not PREFIX.fullmatch(route.prepend):
        raise UsageError(f"route add: prepend={route.prepend}: write digits")
    if route.strip > len(prefix):
        raise UsageError(f"route add: strip={route.strip} takes more digits than {prefix!r} has")
    TrunkRoutes(desk.database).put(route)
    return f"{_route_text(route)}\n"


def _prefix(text: str) -> str:
    if text == "any":
        return ""
    if not text or not PREFIX.fullmatch(text):
        raise UsageError(f"{text!r} are no first digits of a number: write such as 0 or 0049, or any for all numbers")
    return text


def _remove_route(desk: Desk, words: tuple[str, ...]) -> str:
    prefix, trunk = take_words("route remove", words, "the first digits", "a trunk")
    TrunkRoutes(desk.database).remove(_prefix(prefix), trunk)
    return f"numbers that begin with {prefix} go out by {trunk} no longer\n"


def _list_routes(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("route list", words)
    routes = TrunkRoutes(desk.database).list()
    text = "".join(f"{_route_text(route)}\n" for route in routes)
    text = text or "there is no route: `offhook exchange route add 0 TRUNK` sends numbers out\n"
    return answer("routes", [asdict(route) for route in routes], desk.form, text)


def _route_text(route: TrunkRoute) -> str:
    text = f"{route.prefix or 'any'} by {route.trunk}"
    if route.strip:
        text += f", without the first {route.strip}"
    if route.prepend:
        text += f", {route.prepend} before it"
    return f"{text}, position {route.position}" if route.position else text


ACTIONS: Final[dict[str, Action]] = {
    "trunk add": _add,
    "trunk set": _set,
    "trunk remove": _remove,
    "trunk list": _list,
    "trunk show": _show,
    "route add": _add_route,
    "route remove": _remove_route,
    "route list": _list_routes,
}
