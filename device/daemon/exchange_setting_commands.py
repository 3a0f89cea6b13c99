"""`offhook exchange setting`: how the exchange treats its users and strangers, in force from its next start on."""

from textwrap import fill

from device.annotations import Final
from device.daemon.config import parse_section
from device.daemon.exchange_commands import Action, Desk, take_values
from device.daemon.exchange_tables import answer
from device.daemon.options import UsageError
from device.exchange.settings import ExchangeSettings
from device.records import fields, replace
from device.store.settings import Settings

SAID_OTHERWISE: Final = ("domain",)
"""What the command line says, and no stored setting."""

WIDTH: Final = 110
"""Characters of a line of help."""

PREFIX: Final = ExchangeSettings.SECTION + "."


def _settings(desk: Desk, words: tuple[str, ...]) -> str:
    """Without words all settings with their values, else those named are changed, all of them or none."""
    names = [item.name for item in fields(ExchangeSettings) if item.name not in SAID_OTHERWISE]
    values = take_values("setting", words, {name: ExchangeSettings.HELP[name] for name in names})
    store = Settings(desk.database)
    changed = {PREFIX + name: value for name, value in values.items()}
    faults: list[str] = []
    wanted = parse_section(ExchangeSettings, {**store.get_all(), **changed}, faults)
    faults += replace(wanted, domain=desk.domain).faults()
    if changed and faults:
        raise UsageError("nothing was changed: " + "; ".join(faults))
    if changed:
        store.set_many(dict(changed))
    shown = {name: _text(getattr(wanted, name)) for name in names if not changed or name in values}
    if changed:
        text = "".join(f"{name:20}  {value}\n" for name, value in shown.items())
        text += "in force from the next start of the exchange on\n"
    else:
        lines = [f"{name:20}  {value:10}  {ExchangeSettings.HELP[name]}" for name, value in shown.items()]
        text = "".join(f"{fill(line, WIDTH, subsequent_indent=' ' * 34)}\n" for line in lines)
    rows = [{"name": name, "value": value, "help": ExchangeSettings.HELP[name]} for name, value in shown.items()]
    return answer("settings", rows, desk.form, text)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


ACTIONS: Final[dict[str, Action]] = {"setting": _settings}
