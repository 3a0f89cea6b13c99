"""What an argument can be, where several commands ask for the same."""

from device.console.command_table import Choice, Given
from device.console.shell import Shell


def account_names(shell: Shell, _given: Given) -> list[Choice]:
    """The accounts by name, with their addresses."""
    return [(account["id"], account["aor"]) for account in shell.ask("account.list")["accounts"]]
