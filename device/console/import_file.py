"""A file of `export`, typed or pasted at the console, into the candidate. Pure."""

import tomllib
from collections.abc import Mapping

from device.annotations import Any
from device.console.account_form import ADDRESS, DEFAULTS, PASSWORD, field_text, parse_field
from device.console.candidate import Candidate
from device.console.errors import ConsoleError
from device.control.configuration_file import take_apart

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
    faults: list[str] = []
    form = take_apart(content, faults)
    accounts = _accounts(form.accounts, faults)
    if faults:
        raise ConsoleError("; ".join(faults))
    if form.sealed:
        candidate.seal(form.sealed)
    for key, value in form.settings.items():
        candidate.set_setting(key, value)
    for name, fields in accounts.items():
        for field, value in fields.items():
            candidate.set_account(name, field, value)
    return len(form.settings), len(accounts)


def _accounts(tables: Mapping[str, Mapping[str, object]], faults: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, table in tables.items():
        found[name] = {}
        for field, value in table.items():
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
