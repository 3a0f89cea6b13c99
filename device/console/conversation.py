"""What a console does from the greeting to the log-out, again and again. Pure."""

from device.console.command_table import ADMIN, CommandTable
from device.console.commands import COMMANDS
from device.console.errors import BrokenOffError, LoggedOutError
from device.console.history import History
from device.console.login import log_in
from device.console.phone_time import follow_phone_time
from device.console.shell import Shell, run_command
from device.console.steps import AskLine, Dialogue

PROMPTS = {ADMIN: "offhook# "}
MONITOR_PROMPT = "offhook> "


def converse(shell: Shell) -> Dialogue:
    """Log in, work, log out; for ever on a line that lasts, once on one that does not."""
    while not shell.ended:
        try:
            shell.role = yield from log_in(shell)
            shell.table = CommandTable(COMMANDS, shell.role)
            yield from _work(shell)
        except LoggedOutError as error:
            shell.say(f"{error}.")
        _forget(shell)
        if not shell.lasts:
            return


def _forget(shell: Shell) -> None:
    """Leave nothing to whoever comes next."""
    shell.role = ""
    shell.table = CommandTable((), "")
    shell.editor.history = History()
    shell.follow(())


def _follow_time_zone(shell: Shell) -> None:
    """Tell times as the phone does; whoever has changed its zone, by whatever way, need not tell us."""
    if shell.link.is_up:
        follow_phone_time(shell.ask)


def _work(shell: Shell) -> Dialogue:
    """Take commands until somebody logs out."""
    prompt = PROMPTS.get(shell.role, MONITOR_PROMPT)
    while True:
        try:
            line = yield AskLine(prompt, assisted=True)
        except BrokenOffError as broken:
            if broken.ended:
                raise LoggedOutError("logged out") from None
            continue
        _follow_time_zone(shell)
        yield from run_command(shell, str(line), prompt)
        if shell.is_following:
            shell.follow(())
