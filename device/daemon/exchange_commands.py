"""The commands that configure an exchange: the same words do the same in its store and in the exchange that runs."""

from collections.abc import Callable, Mapping
from importlib import import_module

from device.annotations import Any, Final
from device.daemon.options import UsageError
from device.records import dataclass, field
from device.store.database import Database

COMMANDS: Final = {
    "trunk": "device.daemon.exchange_trunk_commands",
    "route": "device.daemon.exchange_trunk_commands",
    "number": "device.daemon.exchange_number_commands",
    "permission": "device.daemon.exchange_number_commands",
    "numbering": "device.daemon.exchange_number_commands",
    "alias": "device.daemon.exchange_routing_commands",
    "group": "device.daemon.exchange_routing_commands",
    "forward": "device.daemon.exchange_routing_commands",
    "redirect": "device.daemon.exchange_routing_commands",
    "setting": "device.daemon.exchange_setting_commands",
    "domain": "device.daemon.exchange_routing_commands",
}
"""The first words, and the module whose ACTIONS has a function for each "first second"."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works on: the store, the domain that is meant, a secret that was typed, and the state that is.

    `running` tells what only a running exchange knows, by kind and name; empty where none runs.
    """

    database: Database
    domain: str
    unix_now: float
    secret: str = ""
    running: Mapping[str, Any] = field(default_factory=dict)


Action = Callable[[Desk, tuple[str, ...]], str]
"""Carries a command out with the words after its name, and gives what is to be said. Raises UsageError, DeviceError."""


def run_command(desk: Desk, words: tuple[str, ...]) -> str:
    """Carry out what the words say. Raises UsageError where they are not understood."""
    module = COMMANDS.get(words[0]) if words else None
    if module is None:
        raise UsageError(f"{' '.join(words)!r} is not understood; `offhook exchange --help` shows what is")
    actions: dict[str, Action] = import_module(module).ACTIONS
    key = " ".join(words[:2])
    if key in actions:
        return actions[key](desk, words[2:])
    if words[0] in actions:
        return actions[words[0]](desk, words[1:])
    known = ", ".join(sorted(name.partition(" ")[2] for name in actions if name.startswith(words[0] + " ")))
    raise UsageError(f"{words[0]}: say what to do: {known}")


def take_words(command: str, words: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """The words of a command that wants as many as `names`. Raises UsageError with what is missing or too much."""
    if len(words) < len(names):
        raise UsageError(f"{command}: give {' and '.join(names[len(words) :])}")
    if len(words) > len(names):
        raise UsageError(f"{command}: {' '.join(words[len(names) :])!r} is too much")
    return words


def take_values(command: str, words: tuple[str, ...], known: Mapping[str, str]) -> dict[str, str]:
    """The values of words NAME=VALUE. Raises UsageError for names that are not in `known`, which explains each."""
    values = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in known:
            raise UsageError(f"{command}: {word!r} is not understood: write NAME=VALUE with one of {', '.join(known)}")
        values[name] = value
    return values
