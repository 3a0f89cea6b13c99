"""The commands that a technician types; a new one is a Command in the module that it is about."""

from device.console.command_table import Command
from device.console.commands import configure, exchange, general, phone, setup, show, tests, upgrade, watch

COMMANDS: tuple[Command, ...] = (
    *setup.COMMANDS,
    *show.COMMANDS,
    *configure.COMMANDS,
    *watch.COMMANDS,
    *tests.COMMANDS,
    *phone.COMMANDS,
    *setup.SYSTEM_COMMANDS,
    *upgrade.COMMANDS,
    *exchange.COMMANDS,
    *general.COMMANDS,
)
