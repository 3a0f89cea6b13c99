"""The commands that a technician types; a new one is a Command in the module that it is about."""

from device.console.command_table import Command
from device.console.commands import general, show

COMMANDS: tuple[Command, ...] = (*show.COMMANDS, *general.COMMANDS)
