"""The tables of a configuration file, as `export` writes it and `import` and `offhook provision` take it. Pure."""

from collections.abc import Mapping

from device.records import dataclass

TABLES = ("settings", "accounts", "sealed")


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """What stands in a file; whether there are such settings and fields is not looked at."""

    settings: dict[str, str]
    """By "section.field", as text that a setting is given by."""
    accounts: dict[str, dict[str, object]]
    """The fields of each account, as they stand there."""
    sealed: str
    """Secrets under a passphrase."""

    def __repr__(self) -> str:
        return "ConfigurationFile(...)"


def take_apart(content: Mapping[str, object], faults: list[str]) -> ConfigurationFile:
    """The contents of a TOML document; what has not the form of such a file is added to `faults`, in words."""
    faults += [
        f"{key}: there is no such table; settings, accounts and sealed are" for key in content if key not in TABLES
    ]
    sealed = dict(_items(content.get("sealed", {}), "sealed", faults)).get("secrets", "")
    settings: dict[str, str] = {}
    for section, table in _items(content.get("settings", {}), "settings", faults):
        for name, value in _items(table, f"settings.{section}", faults):
            if isinstance(value, (str, int, float)):
                settings[f"{section}.{name}"] = ("on" if value else "off") if isinstance(value, bool) else str(value)
            else:
                faults.append(f"settings.{section}.{name}: is neither text nor a number nor true or false")
    accounts = {
        name: dict(_items(table, f"accounts.{name}", faults))
        for name, table in _items(content.get("accounts", {}), "accounts", faults)
    }
    return ConfigurationFile(settings, accounts, str(sealed))


def _items(table: object, where: str, faults: list[str]) -> list[tuple[str, object]]:
    if isinstance(table, Mapping):
        return list(table.items())
    faults.append(f"{where}: is no table; write it as [{where}]")
    return []
