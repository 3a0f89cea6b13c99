"""The embedded exchange from the console: the words after `exchange` are those of `offhook exchange`."""

import os
from collections.abc import Generator

from device.annotations import Any
from device.console.command_table import Argument, Choice, Command, Given
from device.console.errors import ConsoleError
from device.console.shell import Shell
from device.console.steps import AskLine, Step
from device.console.words import split_words
from device.control.client import ControlClient
from device.control.errors import ControlError, DaemonUnreachableError
from device.control.paths import exchange_socket_path

PATIENCE_S = 5.0

LOOKS = {
    "registrations": "which phones are registered, and from where",
    "calls": "the calls that stand or ring",
    "records": "the calls that are over: set-up, answer, end, cause",
    "accounting": "each registration and each end of a call",
    "ban list": "who is banned, and why",
    "user list": "who may register",
    "alias list": "other names of users",
    "group list": "groups of phones",
    "trunk list": "ways to providers and other exchanges",
    "permission list": "who may call what",
    "setting": "how the exchange treats users and strangers",
}
CHANGES = {
    "user add": "let somebody register",
    "user remove": "take a user away",
    "alias add": "another name for a user",
    "alias remove": "take such a name away",
    "trunk add": "a way to a provider or another exchange",
    "trunk remove": "take such a way away",
    "ban lift": "hear a banned address again",
}


def _choices(_shell: Shell, _given: Given) -> list[Choice]:
    return [*LOOKS.items(), *CHANGES.items()]


def _exchange(shell: Shell, given: Given) -> Generator[Step, Any, None]:
    words = [word.text for word in split_words(given["command"])]
    secret = ""
    if words[:2] == ["user", "add"]:
        secret = yield from _asked(shell, "Password: ")
    elif words[:2] == ["trunk", "add"]:
        secret = str((yield AskLine("Password (empty for none): ", hidden=True)))
    _carry_out(shell, words, secret)


def _asked(shell: Shell, prompt: str) -> Generator[Step, Any, str]:
    password = str((yield AskLine(prompt, hidden=True)))
    if str((yield AskLine("The same again: ", hidden=True))) != password:
        shell.say("the two differ; nothing was changed")
        raise ConsoleError("type the command again")
    return password


def _show(shell: Shell, given: Given) -> None:
    _carry_out(shell, [word.text for word in split_words(given.get("command", "overview"))], "")


def _carry_out(shell: Shell, words: list[str], secret: str) -> None:
    path = exchange_socket_path(os.environ)
    try:
        with ControlClient(path, PATIENCE_S) as client:
            answer = client.call("exchange.command", words=words, domain="", secret=secret)
    except DaemonUnreachableError:
        raise ConsoleError(
            "no exchange answers here: start it with `systemctl start offhook-exchange`, or ask that of another board"
        ) from None
    except ControlError as error:
        raise ConsoleError(str(error)) from None
    shell.say(*str(answer["said"] if isinstance(answer, dict) else "").splitlines())


COMMANDS = (
    Command(
        "show exchange",
        "registrations and calls of the exchange on this board",
        _show,
        (
            Argument(
                "command",
                "what to look at; registrations and calls where nothing is said",
                optional=True,
                choices=lambda *_: list(LOOKS.items()),
                only=True,
                rest=True,
            ),
        ),
        monitor=True,
        example="show exchange records",
    ),
    Command(
        "exchange",
        "manage the exchange on this board, as `offhook exchange` does",
        _exchange,
        (Argument("command", "what to do", choices=_choices, rest=True),),
        example="exchange user add 1003",
    ),
)
