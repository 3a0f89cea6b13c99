"""`offhook exchange number`, `permission` and `numbering`: what numbers are, and who may call which."""

from textwrap import fill

from device.annotations import Final
from device.daemon.exchange_commands import Action, Desk, take_values, take_words
from device.daemon.exchange_outside import load_outside, number_settings
from device.daemon.exchange_setting_commands import WIDTH
from device.daemon.exchange_tables import answer
from device.daemon.options import UsageError
from device.exchange.enum_rules import enum_name
from device.exchange.numbers import NumberPlan, NumberSettings, class_faults, dialled_number, pattern_faults, split_list
from device.exchange_model import NumberPattern
from device.records import asdict
from device.store.settings import Settings
from device.store.subscribers import Subscribers
from device.store.trunks import NOTHING, NumberPatterns, Permissions


def _add_pattern(desk: Desk, words: tuple[str, ...]) -> str:
    pattern, kind = take_words("number add", words, "the first digits, x for any digit", "a class such as premium")
    faults = pattern_faults(pattern) + class_faults([kind])
    if faults:
        raise UsageError("; ".join(faults))
    NumberPatterns(desk.database).put(NumberPattern(pattern, kind))
    return f"numbers like {pattern} are {kind}\n"


def _remove_pattern(desk: Desk, words: tuple[str, ...]) -> str:
    (pattern,) = take_words("number remove", words, "a pattern")
    NumberPatterns(desk.database).remove(pattern)
    return f"{pattern} is as it was before\n"


def _list_patterns(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("number list", words)
    patterns = NumberPatterns(desk.database).list()
    text = "".join(f"{one.pattern}  {one.kind}\n" for one in patterns)
    text = text or "no number has a class of its own: `offhook exchange number add PATTERN CLASS` gives one\n"
    return answer("numbers", [asdict(one) for one in patterns], desk.form, text)


def _explain(desk: Desk, words: tuple[str, ...]) -> str:
    (text,) = take_words("number show", words, "a number as it is dialled")
    number = dialled_number(text)
    if not number:
        raise UsageError(f"{text!r} is no number")
    configuration = load_outside(desk.database)
    outside = [route.prefix for route in configuration.routes if route.strip == len(route.prefix)]
    plan = NumberPlan(configuration.numbers, configuration.patterns, outside)
    emergency = plan.emergency_number(number)
    if emergency:
        return f"{number} calls for help ({emergency}): everybody may, by every trunk\n"
    dialled = (number, plan.canonical(number))
    matching = [route for route in configuration.routes if any(one.startswith(route.prefix) for one in dialled)]
    longest = max((len(route.prefix) for route in matching), default=0)
    names = [route.trunk for route in matching if len(route.prefix) == longest]
    kind, full = plan.class_of(number), plan.e164(number)
    told = {
        "class": kind,
        "as E.164": full or "not known",
        "may call": ", ".join(_who_may(desk, kind, plan)) or "nobody",
    }
    if plan.enum_root and full:
        told["in DNS"] = f"asked for first: {enum_name(full, plan.enum_root)}"
    told["goes out"] = "by " + ", then ".join(names) if names else "by no trunk"
    return "".join(f"{name:<9} {value}\n" for name, value in told.items())


def _who_may(desk: Desk, kind: str, plan: NumberPlan) -> list[str]:
    """The users who may call numbers of a class."""
    own = Permissions(desk.database)
    users = [aor.user for aor in Subscribers(desk.database).list() if aor.domain == desk.domain]
    allowed = {user: own.of(user, desk.domain) for user in users}
    return [user for user, kinds in allowed.items() if kind in (plan.default_permissions if kinds is None else kinds)]


def _set_permission(desk: Desk, words: tuple[str, ...]) -> str:
    user, text = take_words("permission set", words, "a user", f"classes by commas, or {NOTHING}")
    kinds = split_list(text)
    faults = class_faults(kinds)
    if faults or not kinds:
        raise UsageError("; ".join(faults) or f"give classes of numbers, or {NOTHING}")
    _known(desk, user)
    Permissions(desk.database).put(user, desk.domain, kinds, desk.unix_now)
    return f"{user} may call {', '.join(kinds)}\n" if NOTHING not in kinds else f"{user} may call nobody outside\n"


def _known(desk: Desk, user: str) -> None:
    if Subscribers(desk.database).credential(user, desk.domain) is None:
        raise UsageError(f"the exchange has no user {user}@{desk.domain}: `offhook exchange user list` shows them")


def _default_permission(desk: Desk, words: tuple[str, ...]) -> str:
    (user,) = take_words("permission default", words, "a user")
    Permissions(desk.database).clear(user, desk.domain)
    return f"{user} may call what everybody may\n"


def _list_permissions(desk: Desk, words: tuple[str, ...]) -> str:
    take_words("permission list", words)
    own = Permissions(desk.database).list()
    usual = ", ".join(split_list(number_settings(Settings(desk.database).get_all()).permissions)) or NOTHING
    rows = [
        {"user": f"{aor.user}@{aor.domain}", "classes": ", ".join(own.get((aor.user, aor.domain), ()))}
        for aor in Subscribers(desk.database).list()
    ]
    text = "".join(f"{row['user']}  {row['classes'] or f'{usual} (as everybody)'}\n" for row in rows)
    text = text or "there is no user: `offhook exchange user add NAME` makes one\n"
    return answer("permissions", [{**row, "usual": usual} for row in rows], desk.form, text)


def _numbering(desk: Desk, words: tuple[str, ...]) -> str:
    store = Settings(desk.database)
    section = NumberSettings.SECTION
    values = take_values("numbering", words, NumberSettings.HELP)
    changed = number_settings({**store.get_all(), **{f"{section}.{name}": value for name, value in values.items()}})
    faults = changed.faults()
    if faults:
        raise UsageError("nothing was changed: " + "; ".join(faults))
    if values:
        store.set_many({f"{section}.{name}": value for name, value in values.items()})
    shown = {name: str(value) for name, value in asdict(changed).items() if not values or name in values}
    if values:
        text = "".join(f"{name:<21} {value or '-'}\n" for name, value in shown.items())
    else:
        lines = [f"{name:<21} {value or '-':<15}  {NumberSettings.HELP[name]}" for name, value in shown.items()]
        text = "".join(f"{fill(line, WIDTH, subsequent_indent=' ' * 39)}\n" for line in lines)
    rows = [{"name": name, "value": value, "help": NumberSettings.HELP[name]} for name, value in shown.items()]
    return answer("numbering", rows, desk.form, text)


ACTIONS: Final[dict[str, Action]] = {
    "number add": _add_pattern,
    "number remove": _remove_pattern,
    "number list": _list_patterns,
    "number show": _explain,
    "permission set": _set_permission,
    "permission default": _default_permission,
    "permission list": _list_permissions,
    "numbering": _numbering,
}
