"""A file of `export`, typed or pasted at the console, into the candidate. Pure."""

import tomllib
from collections.abc import Mapping

from device.annotations import Any
from device.console.account_form import ADDRESS, DEFAULTS, PASSWORD, field_text, parse_field
from device.console.candidate import Candidate
from device.console.errors import ConsoleError

END = "."
"""A line with nothing else ends what is pasted."""
MAX_LINES = 5000


def take_file(text: str, candidate: Candidate) -> tuple[int, int]:
    """Put everything of a file into the candidate; answers how many settings and accounts.

    Raises ConsoleError with every fault; the candidate is as it was then.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConsoleError(f"this is no TOML: {error}") from None
    faults = [
        f"{key}: there is no such table; settings, accounts and sealed are" for key in content if key not in _TABLES
    ]
    settings = _settings(content.get("settings", {}), faults)
    accounts = _accounts(content.get("accounts", {}), faults)
    sealed = dict(_items(content.get("sealed", {}), "sealed", faults))
    if faults:
        raise ConsoleError("; ".join(faults))
    candidate.sealed = str(sealed.get("secrets", ""))
    for key, value in settings.items():
        candidate.set_setting(key, value)
    for name, fields in accounts.items():
        for field, value in fields.items():
            candidate.set_account(name, field, value)
    return len(settings), len(accounts)


_TABLES = ("settings", "accounts", "sealed")


def _settings(tables: object, faults: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for section, table in _items(tables, "settings", faults):
        for name, value in _items(table, f"settings.{section}", faults):
            if isinstance(value, (str, int, float, bool)):
                found[f"{section}.{name}"] = field_text(value)
            else:
                faults.append(f"settings.{section}.{name}: is neither text nor a number nor true or false")
    return found


def _accounts(tables: object, faults: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, table in _items(tables, "accounts", faults):
        found[name] = {}
        for field, value in _items(table, f"accounts.{name}", faults):
            try:
                found[name].update(_field(field, value))
            except ConsoleError as error:
                faults.append(f"accounts.{name}.{error}")
    return found


def _field(name: str, value: object) -> dict[str, Any]:
    if name in (PASSWORD, "realm"):
        return {name: str(value)}
    if name != ADDRESS and name not in DEFAULTS:
        raise ConsoleError(f"{name}: an account has no such field")
    if not isinstance(value, (str, int, bool)):
        raise ConsoleError(f"{name}: is neither text nor a number nor true or false")
    return parse_field(name, field_text(value))


def _items(table: object, where: str, faults: list[str]) -> list[tuple[str, object]]:
    if isinstance(table, Mapping):
        return list(table.items())
    faults.append(f"{where}: is no table; write it as [{where}]")
    return []
