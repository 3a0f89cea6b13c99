"""Looking: how the phone is, and what it knows."""

from device.console.command_table import Command, Given
from device.console.overview import account_lines, status_lines
from device.console.shell import Shell
from device.control.errors import DaemonUnreachableError

ADD_ACCOUNT = "offhook account add"


def _status(shell: Shell, _given: Given) -> None:
    try:
        shell.say(*status_lines(shell.ask("status"), ADD_ACCOUNT))
    except DaemonUnreachableError as error:
        # What the store knows is better than nothing.
        shell.say(str(error), "", *account_lines(shell.ask("account.list")["accounts"], ADD_ACCOUNT))


COMMANDS = (Command("show status", "the phone, its accounts and its calls", _status, monitor=True),)
