"""`offhook exchange alias`, `group`, `forward`, `redirect` and `domain`: where calls go."""

from device.annotations import Final
from device.daemon.exchange_commands import Action, Desk, take_values, take_words
from device.daemon.exchange_outside import load_outside
from device.daemon.exchange_tables import answer
from device.daemon.options import UsageError
from device.exchange.numbers import dialled_number
from device.exchange_model import NO_ANSWER_RING_S, DomainRoute, Forwarding, RingGroup
from device.model import Aor
from device.records import asdict
from device.sip.errors import SipParseError
from device.sip.uri import Uri, parse_uri
from device.store.call_routing import (
    ALWAYS,
    BUSY,
    NO_ANSWER,
    NO_ANSWER_S,
    REDIRECT,
    DomainRoutes,
    Forwardings,
    RingGroups,
)
from device.store.subscribers import Aliases, Subscribers

FORBIDDEN_IN_NAMES: Final = ' <>"@:;,?%/\\='
BELLS: Final = {
    "door": "as at the door",
    "group": "as a group",
    "internal": "as from inside",
    "external": "as from outside",
}
MODES: Final = ("all", "order")
WHEN: Final = {"always": ALWAYS, "busy": BUSY, "no-answer": NO_ANSWER}
SHORTEST_RING_S, LONGEST_RING_S = 5, 600
MAX_MEMBERS: Final = 50
GROUP_VALUES: Final = {
    "ring": "seconds for which all ring, or each in order",
    "bell": f"another ringing: {', '.join(BELLS)}",
    "otherwise": "who is called when nobody answers",
}
EVERY_DOMAIN: Final = "*"


# Other names.


def _add_alias(desk: Desk, words: tuple[str, ...]) -> str:
    name, target = take_words("alias add", words, "another name, such as a short number", "whom it means")
    _check_name(desk, name, "an alias")
    if name in {group.name for group in RingGroups(desk.database, desk.domain).list()}:
        raise UsageError(f"{name} is a group: `offhook exchange group remove {name}` makes room")
    uri = _uri(desk, target)
    if uri.params or uri.port or not uri.user:
        raise UsageError(f"alias add: {target} is no user: write 1001 or somebody@example.com")
    Aliases(desk.database).put(Aor(name, desk.domain), Aor(uri.user, uri.host))
    return f"{name} means {_shown(desk, uri)}\n{_hint(desk, uri)}"


def _remove_alias(desk: Desk, words: tuple[str, ...]) -> str:
    (name,) = take_words("alias remove", words, "a name")
    Aliases(desk.database).remove(Aor(name, desk.domain))
    return f"{name} means nobody any more\n"


def _list_aliases(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("alias list", words)
    rows = [
        {"alias": alias.user, "target": _shown(desk, Uri("sip", user=target.user, host=target.domain))}
        for alias, target in Aliases(desk.database).list()
        if alias.domain == desk.domain
    ]
    text = "".join(f"{row['alias']}  {row['target']}\n" for row in rows)
    text = text or "there are no aliases: `offhook exchange alias add 1 1001` makes one\n"
    return answer("aliases", rows, desk.form, text)


# Groups.


def _set_group(desk: Desk, words: tuple[str, ...]) -> str:
    if len(words) < 3:
        raise UsageError("group set: give a name, `all` or `order`, and who rings")
    name, mode, *rest = words
    if mode not in MODES:
        raise UsageError(f"group set: {mode!r}: say `all` to let all ring at once, or `order` for one after the other")
    members = [word for word in rest if "=" not in word]
    values = take_values("group set", tuple(word for word in rest if "=" in word), GROUP_VALUES)
    _check_name(desk, name, "a group")
    if Aor(name, desk.domain) in {alias for alias, _ in Aliases(desk.database).list()}:
        raise UsageError(f"{name} is an alias: `offhook exchange alias remove {name}` makes room")
    if not members or len(members) > MAX_MEMBERS:
        raise UsageError(f"group set: give 1 to {MAX_MEMBERS} members")
    hints = "".join(_hint(desk, _uri(desk, member)) for member in (*members, *_targets(values)))
    bell = values.get("bell", "")
    if bell and bell not in BELLS:
        raise UsageError(f"group set: bell={bell}: choose one of {', '.join(BELLS)}")
    ring_s = _seconds("ring", values["ring"]) if "ring" in values else 0
    group = RingGroup(name, tuple(members), mode == "order", ring_s, bell, values.get("otherwise", ""))
    RingGroups(desk.database, desk.domain).put(group)
    return f"{_group_line(group)}\n{hints}"


def _targets(values: dict[str, str]) -> list[str]:
    return [values["otherwise"]] if values.get("otherwise") else []


def _remove_group(desk: Desk, words: tuple[str, ...]) -> str:
    (name,) = take_words("group remove", words, "a name")
    RingGroups(desk.database, desk.domain).remove(name)
    return f"group {name} is removed\n"


def _list_groups(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("group list", words)
    groups = RingGroups(desk.database, desk.domain).list()
    text = "".join(f"{_group_line(group)}\n" for group in groups)
    text = text or "there are no groups: `offhook exchange group set 600 all 1001 1002` makes one\n"
    return answer("groups", [asdict(group) for group in groups], desk.form, text)


def _group_line(group: RingGroup) -> str:
    """A group as it is typed."""
    parts = [group.name, "order" if group.in_order else "all", *group.members]
    parts += [f"ring={group.ring_s}"] * bool(group.ring_s)
    parts += [f"bell={group.bell}"] * bool(group.bell)
    parts += [f"otherwise={group.otherwise}"] * bool(group.otherwise)
    return " ".join(parts)


# Forwarding.


def _set_forwarding(desk: Desk, words: tuple[str, ...]) -> str:
    if len(words) < 3:
        raise UsageError("forward set: give a user, always, busy or no-answer, and where calls go")
    user, when, target, *rest = words
    values = take_values("forward set", tuple(rest), {"after": "seconds that it rings before"})
    if when not in WHEN:
        raise UsageError(f"forward set: {when!r}: choose one of {', '.join(WHEN)}")
    if values and when != "no-answer":
        raise UsageError(f"forward set: after={values['after']} goes with no-answer alone")
    _check_user(desk, user)
    uri = _uri(desk, target)
    if uri == _uri(desk, user):
        raise UsageError(f"{user} cannot send calls on to {user}")
    forwardings = Forwardings(desk.database, desk.domain)
    if values:
        forwardings.put(user, NO_ANSWER_S, str(_seconds("after", values["after"])), desk.unix_now)
    forwardings.put(user, WHEN[when], target, desk.unix_now)
    (line,) = [_forwarding_lines(one) for one in forwardings.list() if one.user == user]
    return line + _hint(desk, uri)


def _remove_forwarding(desk: Desk, words: tuple[str, ...]) -> str:
    if len(words) == 1:
        words = (*words, *WHEN)
    user, *cases = words or ("",)
    if not user or any(when not in WHEN for when in cases):
        raise UsageError(f"forward remove: give a user, and {', '.join(WHEN)} where not all of it is to go")
    forwardings = Forwardings(desk.database, desk.domain)
    for when in cases:
        forwardings.put(user, WHEN[when], "", desk.unix_now)
        if when == "no-answer":
            forwardings.put(user, NO_ANSWER_S, "", desk.unix_now)
    return f"{user}: no calls are sent on ({', '.join(cases)})\n"


def _list_forwardings(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("forward list", words)
    found = Forwardings(desk.database, desk.domain).list()
    text = "".join(_forwarding_lines(one) for one in found)
    text = text or "no calls are sent on: `offhook exchange forward set 1001 busy 1002` does so\n"
    return answer("forwardings", [asdict(one) for one in found], desk.form, text)


def _forwarding_lines(one: Forwarding) -> str:
    cases = (
        ("always", one.always, ""),
        ("busy", one.busy, ""),
        ("no-answer", one.no_answer, f" after={one.no_answer_s or NO_ANSWER_RING_S}"),
        ("redirect", "on" if one.redirect else "", ""),
    )
    return "".join(f"{one.user} {when} {target}{more}\n" for when, target, more in cases if target)


def _redirect(desk: Desk, words: tuple[str, ...]) -> str:
    user, word = take_words("redirect", words, "a user", "`on` or `off`")
    if word not in ("on", "off"):
        raise UsageError(f"redirect: {word!r}: say `on` or `off`")
    _check_user(desk, user)
    Forwardings(desk.database, desk.domain).put(user, REDIRECT, "1" if word == "on" else "", desk.unix_now)
    if word == "on":
        return f"who calls {user} is told where {user} is (302), and calls there without the exchange\n"
    return f"calls of {user} go through the exchange\n"


# Foreign domains.


def _set_domain(desk: Desk, words: tuple[str, ...]) -> str:
    if len(words) != 2 and not (len(words) == 3 and words[2] == "redirect"):
        raise UsageError(
            "domain set: give a domain or *, its proxy or `redirect`, and `redirect` to send callers there"
        )
    domain = words[0].lower()
    redirect = words[-1] == "redirect"
    next_hop = "" if words[1] == "redirect" else str(_proxy(words[1]))
    if domain == desk.domain:
        raise UsageError(f"{domain} is our own domain: its calls go to our users")
    if domain != EVERY_DOMAIN:
        _uri_of(f"sip:{domain}", domain)
    DomainRoutes(desk.database).put(DomainRoute(domain, next_hop, redirect))
    return _domain_line(DomainRoute(domain, next_hop, redirect))


def _proxy(text: str) -> Uri:
    """A proxy, written as host, host:port or SIP URI; raises UsageError."""
    uri = _uri_of(text if text.startswith("sip:") else f"sip:{text}", text)
    if uri.user or uri.headers:
        raise UsageError(f"{text} is no proxy: write host:port, or sip:host:port;transport=tls")
    return uri


def _remove_domain(desk: Desk, words: tuple[str, ...]) -> str:
    (domain,) = take_words("domain remove", words, "a domain")
    DomainRoutes(desk.database).remove(domain.lower())
    return f"calls for {domain.lower()} go where DNS says\n"


def _list_domains(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("domain list", words)
    routes = DomainRoutes(desk.database).list()
    text = "".join(_domain_line(route) for route in routes)
    text = text or "calls for other domains go where DNS says; `offhook exchange domain set` sets another way\n"
    return answer("domains", [asdict(route) for route in routes], desk.form, text)


def _domain_line(route: DomainRoute) -> str:
    name = "all other domains" if route.domain == EVERY_DOMAIN else route.domain
    if route.redirect:
        return f"{name}: callers are sent {f'to {route.next_hop}' if route.next_hop else 'there themselves'} (302)\n"
    return f"{name}: by {route.next_hop}\n"


# What all of them check.


def _check_name(desk: Desk, name: str, what: str) -> None:
    if not name or not name.isprintable() or any(character in FORBIDDEN_IN_NAMES for character in name):
        raise UsageError(f"{name!r} cannot be {what}: letters, digits and . _ - + * # are fine")
    if Subscribers(desk.database).credential(name, desk.domain) is not None:
        raise UsageError(f"{name} is a user: {what} needs a name of its own")


def _check_user(desk: Desk, user: str) -> None:
    if Subscribers(desk.database).credential(user, desk.domain) is None:
        raise UsageError(f"the exchange has no user {user}@{desk.domain}: `offhook exchange user list` shows them")


def _seconds(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not SHORTEST_RING_S <= int(text) <= LONGEST_RING_S:
        raise UsageError(f"{name}={text}: write seconds from {SHORTEST_RING_S} to {LONGEST_RING_S}")
    return int(text)


def _uri(desk: Desk, text: str) -> Uri:
    """Whom a word means: a name of ours, user@host or a SIP URI; raises UsageError."""
    if text.partition(":")[0].lower() not in ("sip", "sips", "tel"):
        text = f"sip:{text}" if "@" in text else f"sip:{text}@{desk.domain}"
    return _uri_of(text, text)


def _uri_of(text: str, said: str) -> Uri:
    try:
        uri = parse_uri(text)
    except SipParseError:
        raise UsageError(f"{said!r} is no SIP address: write 1001, somebody@example.com or a sip: URI") from None
    if uri.scheme != "sip":
        raise UsageError(f"{said!r} is no SIP address: only sip: serves")
    return uri


def _shown(desk: Desk, uri: Uri) -> str:
    return uri.user if uri.host == desk.domain else f"{uri.user}@{uri.host}"


def _hint(desk: Desk, uri: Uri) -> str:
    """A word about a name of ours that nobody has now; it may be a number outside, or come later."""
    if uri.host != desk.domain:
        return ""
    known = {group.name for group in RingGroups(desk.database, desk.domain).list()}
    known |= {alias.user for alias, _ in Aliases(desk.database).list() if alias.domain == desk.domain}
    if uri.user in known or Subscribers(desk.database).credential(uri.user, desk.domain) is not None:
        return ""
    number = dialled_number(uri.user)
    if number and any(number.startswith(route.prefix) for route in load_outside(desk.database).routes):
        return ""
    return f"(no user, group or alias is called {uri.user} now)\n"


ACTIONS: Final[dict[str, Action]] = {
    "alias add": _add_alias,
    "alias remove": _remove_alias,
    "alias list": _list_aliases,
    "group set": _set_group,
    "group remove": _remove_group,
    "group list": _list_groups,
    "forward set": _set_forwarding,
    "forward remove": _remove_forwarding,
    "forward list": _list_forwardings,
    "redirect": _redirect,
    "domain set": _set_domain,
    "domain remove": _remove_domain,
    "domain list": _list_domains,
}
