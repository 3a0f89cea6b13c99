"""Setting up a phone: the wizard, and an account tried by itself."""

import os

from device.console.choices import account_names
from device.console.command_table import Argument, Choice, Command, Given
from device.console.errors import ConsoleError
from device.console.shell import Shell
from device.console.steps import Dialogue, agree


def _setup(shell: Shell, given: Given) -> Dialogue:
    from device.console.setup.wizard import run_wizard  # noqa: PLC0415  # once in the life of a phone

    return run_wizard(shell, given.get("step", ""))


def _steps(_shell: Shell, _given: Given) -> list[Choice]:
    from device.console.setup.wizard import STEPS  # noqa: PLC0415

    return [(name, title) for name, (title, _) in STEPS.items()]


def _test_account(shell: Shell, given: Given) -> Dialogue:
    from device.console.setup.account import test_account  # noqa: PLC0415

    return test_account(shell, given["name"])


def _why(shell: Shell, _given: Given) -> None:
    from device.console.why import examine, lines_of  # noqa: PLC0415

    shell.say(*lines_of(list(examine(shell.ask))))


def _support_bundle(shell: Shell, given: Given) -> None:
    from device.console.private_file import open_private  # noqa: PLC0415  # for whoever needs it
    from device.console.support import MAGIC, build_bundle, file_name  # noqa: PLC0415

    # A service may write where its store is, and hardly anywhere else.
    path = given.get("file") or file_name(shell.wall_clock(), os.environ.get("STATE_DIRECTORY", ""))
    try:
        data = build_bundle(shell.ask, shell.wall_clock())
        with open_private(path, MAGIC) as file:
            file.write(data)
    except OSError as error:
        raise ConsoleError(f"{path}: {error.strerror}; name another file") from error
    shell.say(f"{path}: {len(data)} bytes, without passwords; fetch it with scp, or off the card")


def _factory_reset(shell: Shell, _given: Given) -> Dialogue:
    from device.console.setup.questions import ask, confirm  # noqa: PLC0415

    shell.say(
        "This erases accounts, settings, passwords, phone book and call log of this phone. Nothing brings them back."
    )
    keep_board = yield from confirm(shell, "keep what is set of board and sound card", True)
    word = yield from ask(shell, "type erase to go on")
    if word != "erase":
        shell.say("nothing was erased")
        return
    shell.ask("store.reset", keep_board=keep_board)
    shell.say("Erased; the phone starts anew. Log out and in: the console asks for its first password.")


def _restart(shell: Shell, _given: Given) -> Dialogue:
    from device.console.setup.machine import wait_for_phone  # noqa: PLC0415  # the wizard's way of waiting

    if shell.ask("call.list")["calls"] and not (yield from agree("A call is up, and would end. Go on?")):
        return
    shell.ask("daemon.stop")
    shell.say("The phone stops, and the system starts it anew.")
    yield from wait_for_phone(shell)


COMMANDS = (
    Command(
        "setup",
        "set this phone up, question by question; it can be left and gone on with",
        _setup,
        (Argument("step", "one step alone", optional=True, choices=_steps, only=True),),
        example="setup account",
    ),
    Command(
        "why",
        "walk the chain from power to registration; say the first thing wrong and what to do",
        _why,
        monitor=True,
    ),
    Command(
        "account test",
        "register now, and explain what the server answers",
        _test_account,
        (Argument("name", "name of the account", choices=account_names, only=True),),
        example="account test main",
    ),
)

SYSTEM_COMMANDS = (
    Command(
        "support bundle",
        "state, log, calls and configuration in one file, without passwords",
        _support_bundle,
        (Argument("file", "where to", optional=True),),
    ),
    Command("restart", "stop the phone and wait until the system has started it anew; the board goes on", _restart),
    Command("factory reset", "erase everything, as the phone was delivered; asks twice", _factory_reset),
)
