"""The configuration as a TOML file that `offhook provision` takes, without any secret. Pure."""

import json
from collections.abc import Mapping, Sequence

from device.annotations import Any
from device.console.account_form import DEFAULTS

MASKED = "***"
"""What the phone shows in place of a secret."""

HEAD = (
    "# The configuration of an offhook phone. Secrets are left out: add a password to an account as",
    '#   password = "..."',
    "# and put it into a phone with `offhook provision FILE`, or on the boot partition as offhook.toml.",
)


SEALED_HEAD = (
    "# The configuration of an offhook phone, its secrets under a passphrase.",
    "# `import` at another console takes it, or `offhook provision --passphrase-file FILE`.",
)


def export_lines(
    settings: Sequence[Mapping[str, Any]], accounts: Sequence[Mapping[str, Any]], sealed: str = ""
) -> list[str]:
    """The answers of settings.list and account.list as a file: what is not at its default, and sealed secrets."""
    lines = [*(SEALED_HEAD if sealed else HEAD)]
    if sealed:
        lines += ["", "[sealed]", f"secrets = {_text(sealed)}"]
    section = ""
    for item in settings:
        if item["value"] == item["default"]:
            continue
        name, _, field = item["key"].partition(".")
        if name != section:
            lines += ["", f"[settings.{name}]"]
            section = name
        if item["value"] == MASKED:
            lines.append(f"# {field} is {'among the sealed secrets' if sealed else 'a secret and left out'}")
        else:
            lines.append(f"{field} = {_value(item['value'])}")
    for account in accounts:
        lines += ["", f"[accounts.{_text(account['id'])}]"]
        lines += [
            f"{field} = {_value(account.get(field, default))}"
            for field, default in DEFAULTS.items()
            if account.get(field, default) != default or field in ("user", "domain")
        ]
        if account["password"] != "none":  # noqa: S105  # a word for "there is none"
            lines.append("# password is among the sealed secrets" if sealed else "# password is a secret and left out")
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(text: str) -> str:
    """A basic string of TOML 1.0: that of JSON, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
