"""The fields of an account as they are typed: their names, meanings and values. Pure."""

from device.annotations import Any
from device.console.errors import ConsoleError
from device.control.schema import METHODS
from device.model import ACCOUNT_CHOICES, Account, AccountId
from device.records import fields

ADDRESS, PASSWORD = "address", "password"
BLANK = Account(AccountId(""), "", "")
DEFAULTS: dict[str, Any] = {item.name: getattr(BLANK, item.name) for item in fields(Account) if item.name != "id"}
FIELD_HELP: dict[str, str] = {
    ADDRESS: "user@domain, such as 1001@pbx.example.com",
    **{param.name: param.help for param in METHODS["account.add"].params if param.name != "id"},
}
EMPTY_WORDS = {"privacy": "none", "dtmf": "default", "codecs": "default"}
"""What is typed for a choice that is empty."""
_ON, _OFF = ("on", "yes", "true"), ("off", "no", "false")


def parse_field(name: str, text: str) -> dict[str, Any]:
    """The fields of Account that a typed value makes. Raises ConsoleError."""
    if name == ADDRESS:
        user, at, domain = text.removeprefix("sip:").rpartition("@")
        if not domain:
            raise ConsoleError(f"{text!r} is no address: write it as user@domain, such as 1001@pbx.example.com")
        return {"user": user if at else "", "domain": domain}
    kind = type(DEFAULTS.get(name, ""))
    if kind is bool:
        word = text.lower()
        if word not in (*_ON, *_OFF):
            raise ConsoleError(f"{name}: {text!r} is neither on nor off")
        return {name: word in _ON}
    if kind is int:
        if not text.isascii() or not text.isdecimal():
            raise ConsoleError(f"{name}: {text!r} is not a whole number")
        return {name: int(text)}
    return {name: "" if text == EMPTY_WORDS.get(name) else text}


def field_text(value: object) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def value_choices(name: str) -> list[tuple[str, str]]:
    """What a field can be, where that is a list."""
    if type(DEFAULTS.get(name, "")) is bool:
        return [("on", ""), ("off", "")]
    return [(choice or EMPTY_WORDS[name], "") for choice in ACCOUNT_CHOICES.get(name, ())]
