"""A configuration as a whole, settings and accounts: what changes are asked of it, what is wrong with them. Pure."""

import json
from collections.abc import Mapping
from difflib import get_close_matches

from device.annotations import Any
from device.daemon.account_fields import account_faults
from device.model import Account, AccountId, Credential
from device.records import asdict, dataclass, field, fields, replace

SECRET_FIELDS = ("password", "realm")
REPLACE = "replace"
"""Marks an account that begins anew, with nothing kept of one of that name."""

ACCOUNT_NAMES = tuple(item.name for item in fields(Account) if item.name != "id")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Settings that are not at their defaults, and accounts by name; `credentials` where secrets are kept as well."""

    settings: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)

    def encode(self, with_secrets: bool = False) -> str:
        """The snapshot as JSON."""
        content: dict[str, object] = {
            "settings": self.settings,
            "accounts": [asdict(account) for account in self.accounts.values()],
        }
        if with_secrets:
            content["credentials"] = {name: asdict(credential) for name, credential in self.credentials.items()}
        return json.dumps(content, ensure_ascii=False, sort_keys=True)


def parse_snapshot(text: str) -> Snapshot:
    """The snapshot of `encode`. What this version does not know of an account is passed over."""
    content = json.loads(text)
    accounts = {}
    for given in content["accounts"]:
        known = {name: value for name, value in given.items() if name == "id" or name in ACCOUNT_NAMES}
        accounts[given["id"]] = Account(**known)
    credentials = {name: _credential(given) for name, given in content.get("credentials", {}).items()}
    return Snapshot(content["settings"], accounts, credentials)


def _credential(given: Mapping[str, Any]) -> Credential:
    """JSON has no tuples."""
    further = tuple((realm, _pairs(values)) for realm, values in given["further"])
    return Credential(given["username"], given["realm"], _pairs(given["ha1"]), given["password"], further)


def _pairs(values: Any) -> tuple[tuple[str, str], ...]:
    return tuple((algorithm, value) for algorithm, value in values)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of a configuration, and everything wrong with that."""

    target: Snapshot
    secrets: dict[str, dict[str, Any]]
    """Password and realm by account, where they were given."""
    faults: list[str]


def plan_changes(
    base: Snapshot, settings: Mapping[str, str | None], accounts: Mapping[str, Mapping[str, Any] | None]
) -> Plan:
    """Lay changes over a configuration. The settings are judged by whoever knows them, the accounts here."""
    faults: list[str] = []
    merged = {key: value for key, value in {**base.settings, **settings}.items() if value is not None}
    wanted = dict(base.accounts)
    secrets: dict[str, dict[str, Any]] = {}
    for name, given in accounts.items():
        if given is None:
            if wanted.pop(name, None) is None:
                near = get_close_matches(name, base.accounts, 1)
                hint = f"did you mean {near[0]}?" if near else "`show accounts` lists those there are"
                faults.append(f"account.{name}: there is no such account; {hint}")
            continue
        before = None if given.get(REPLACE) else wanted.get(name)
        if not name or not name.isprintable() or " " in name:
            faults.append(f"account.{name}: a name of an account has no blanks")
        wanted[name] = _changed(before or Account(AccountId(name), "", ""), given, faults)
        secret = {field_name: given[field_name] for field_name in SECRET_FIELDS if given.get(field_name)}
        if secret.get("realm") and not secret.get("password"):
            faults.append(f"account.{name}.realm: give the password with it, so that it can be sealed for it")
        if secret:
            secrets[name] = secret
    return Plan(Snapshot(merged, wanted), secrets, faults)


def _changed(account: Account, given: Mapping[str, Any], faults: list[str]) -> Account:
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if name in (*SECRET_FIELDS, REPLACE):
            continue
        where = f"account.{account.id}.{name}"
        if name not in ACCOUNT_NAMES:
            near = get_close_matches(name, [*ACCOUNT_NAMES, *SECRET_FIELDS], 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(ACCOUNT_NAMES)}"
            faults.append(f"{where}: an account has no such field; {hint}")
        elif type(value) is not type(getattr(account, name)):
            faults.append(f"{where}: is not of type {type(getattr(account, name)).__name__}")
        else:
            changes[name] = value
    changed = replace(account, **changes)
    faults.extend(f"account.{account.id}.{fault}" for fault in account_faults(changed))
    return changed


def setting_changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    """What turns some settings into others; None brings a default back."""
    keys = sorted({*before, *after})
    return {key: after.get(key) for key in keys if before.get(key) != after.get(key)}


def account_changes(before: Mapping[str, Account], after: Mapping[str, Account]) -> dict[str, Account | None]:
    """The accounts that are new or other than before; None for those that go."""
    changed: dict[str, Account | None] = {name: None for name in before if name not in after}
    changed.update({name: account for name, account in after.items() if before.get(name) != account})
    return changed


def differences(before: Snapshot, plan: Plan) -> list[dict[str, str | None]]:
    """Each value that would be another one, as {key, before, after}; None where there is none, or the default."""
    after = plan.target
    found: list[dict[str, str | None]] = [
        {"key": key, "before": before.settings.get(key), "after": value}
        for key, value in setting_changes(before.settings, after.settings).items()
    ]
    for name in sorted({*before.accounts, *after.accounts}):
        found += _account_differences(name, before.accounts.get(name), after.accounts.get(name))
        if "password" in plan.secrets.get(name, {}):
            found.append({"key": f"account.{name}.password", "before": None, "after": "***"})
    return found


def _account_differences(name: str, before: Account | None, after: Account | None) -> list[dict[str, str | None]]:
    if before is not None and after is None:
        return [{"key": f"account.{name}", "before": str(before.aor), "after": None}]
    if after is None:
        return []
    blank = Account(AccountId(name), "", "")
    found: list[dict[str, str | None]] = []
    for field_name in ACCOUNT_NAMES:
        was, becomes = getattr(before or blank, field_name), getattr(after, field_name)
        if was != becomes:
            shown = _text(was) if before is not None else None
            found.append({"key": f"account.{name}.{field_name}", "before": shown, "after": _text(becomes)})
    return found


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)
