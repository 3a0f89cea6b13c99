"""The console itself: help, the terminal, passwords, the way out."""

from device import __version__
from device.console.command_table import ADMIN, MONITOR, Argument, Choice, Command, Given
from device.console.errors import ConsoleError, LoggedOutError
from device.console.layout import table
from device.console.login import ROLES, ask_new_password, make_verifier
from device.console.shell import DEFAULT_COLUMNS, DEFAULT_LENGTH, MIN_COLUMNS, Shell
from device.console.steps import AwaitKey, Dialogue, agree
from device.console.words import split_words

MOST_COLUMNS, MOST_LENGTH = 500, 500

KEYS = (
    ("?", "what can stand here, at any place of a line"),
    ("Tab", "completes the word, or lists what it could be"),
    ("Up, Down", "the lines typed before (also Ctrl-P, Ctrl-N); Ctrl-R searches them"),
    ("Ctrl-A, Ctrl-E", "start and end of the line"),
    ("Ctrl-K, U, W", "delete to the end, to the start, the word before; Ctrl-Y brings it back"),
    ("Ctrl-C", "leaves the line, or stops what runs"),
)


def _help(shell: Shell, given: Given) -> None:
    wanted = given.get("command", "")
    if wanted:
        _explain_command(shell, wanted)
        return
    shell.say("Words may be cut short as long as they are clear: `sh st` is `show status`.", "")
    shell.say(*table(("command", ""), [(command.usage, command.help) for command in shell.table.commands], ""))
    shell.say("", *table(("key", ""), KEYS, ""))


def _explain_command(shell: Shell, wanted: str) -> None:
    words = [word.text for word in split_words(wanted)]
    found = [command for command in shell.table.commands if _begins(command.words.split(), words)]
    if not found:
        raise ConsoleError(f"there is no command {wanted!r}; `help` lists all")
    for number, command in enumerate(found):
        shell.say(*([""] if number else []), command.usage, f"    {command.help}")
        shell.say(*(f"    {argument.name}: {argument.help}" for argument in command.arguments))
        if command.example:
            shell.say(f"    example: {command.example}")


def _begins(parts: list[str], words: list[str]) -> bool:
    pairs = zip(parts, words, strict=False)
    return len(words) <= len(parts) and all(part.startswith(word) for part, word in pairs)


def _command_choices(shell: Shell, _given: Given) -> list[Choice]:
    first: dict[str, str] = {}
    for command in shell.table.commands:
        first.setdefault(command.words.split()[0], command.help)
    return list(first.items())


def _leave(shell: Shell, _given: Given) -> Dialogue:
    if shell.candidate and shell.role == ADMIN:
        shell.say("There are changes that are not committed: `show changes` lists them.")
        if not (yield from agree("Leave all the same?")):
            return
        shell.candidate.clear()
    raise LoggedOutError("logged out")


def _number(text: str, name: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdecimal() or not (text == "0" or least <= int(text) <= most):
        raise ConsoleError(f"{name}: {text!r} is not a number from {least} to {most}")
    return int(text)


def _set_length(shell: Shell, given: Given) -> None:
    shell.resize(shell.columns, _number(given["lines"], "lines", 2, MOST_LENGTH))


def _set_width(shell: Shell, given: Given) -> None:
    columns = _number(given["columns"], "columns", MIN_COLUMNS, MOST_COLUMNS)
    shell.resize(columns or DEFAULT_COLUMNS, shell.length)


def _set_charset(shell: Shell, given: Given) -> None:
    shell.is_utf8 = given["charset"] == "utf-8"


def _show_terminal(shell: Shell, _given: Given) -> None:
    pages = f"{shell.length} lines" if shell.length else "no paging"
    shell.say(f"{shell.columns} columns, {pages}, {'UTF-8' if shell.is_utf8 else 'ASCII'}")


QUESTION = "\x1b7\x1b[999;999H\x1b[6n\x1b8"
"""Save the cursor, go to the last corner, report where that is, go back (ECMA-48 8.3.14 and DEC private sequences)."""


def _detect(shell: Shell, _given: Given) -> Dialogue:
    """Ask the terminal for its size; one that does not know the question says nothing."""
    shell.type_raw(QUESTION)
    key = yield AwaitKey(2.0)
    report = str(key or "").split()
    if len(report) != 3 or report[0] != "report":
        raise ConsoleError(
            f"the terminal does not tell its size: `terminal length {DEFAULT_LENGTH}` and `terminal width "
            f"{DEFAULT_COLUMNS}` set it"
        )
    shell.resize(int(report[2]), int(report[1]))
    _show_terminal(shell, {})


def _set_password(shell: Shell, given: Given) -> Dialogue:
    role = given.get("role", ADMIN)
    password = yield from ask_new_password(f"New password for {role}: ", shell)
    shell.ask("console.password", role=role, verifier=make_verifier(password))
    shell.say(f"The password of {role} is changed.")


def _remove_password(shell: Shell, given: Given) -> None:
    shell.ask("console.password", role=given["role"], verifier="")
    shell.say(f"Nobody can log in as {given['role']} any more.")


def _roles(_shell: Shell, _given: Given) -> list[Choice]:
    return list(ROLES.items())


def _version(shell: Shell, _given: Given) -> None:
    shell.say(f"console {__version__}")
    answer = shell.ask("daemon.version")
    shell.say(f"phone {answer['version']}, Python {answer['python']}")


COMMANDS = (
    Command(
        "help",
        "how to use this console, or what a command does",
        _help,
        (Argument("command", "the command to explain", optional=True, choices=_command_choices, rest=True),),
        monitor=True,
        example="help show status",
    ),
    Command("exit", "log out", _leave, monitor=True),
    Command("quit", "log out", _leave, monitor=True),
    Command(
        "password",
        "change the password of a role; it is asked for and not shown",
        _set_password,
        (Argument("role", "whose password (admin)", optional=True, choices=_roles, only=True),),
        example="password monitor",
    ),
    Command(
        "no password",
        "let nobody log in as monitor any more",
        _remove_password,
        (Argument("role", "monitor", choices=lambda *_: [(MONITOR, ROLES[MONITOR])], only=True),),
    ),
    Command(
        "terminal length",
        "how many lines the screen has; 0 for no paging",
        _set_length,
        (Argument("lines", f"2 to {MOST_LENGTH}, or 0"),),
        monitor=True,
        example="terminal length 0",
    ),
    Command(
        "terminal width",
        "how many columns the screen has",
        _set_width,
        (Argument("columns", f"{MIN_COLUMNS} to {MOST_COLUMNS}"),),
        monitor=True,
    ),
    Command(
        "terminal charset",
        "what the terminal can show",
        _set_charset,
        (
            Argument(
                "charset",
                "utf-8 or ascii",
                choices=lambda *_: [("ascii", "plain letters alone"), ("utf-8", "every letter")],
                only=True,
            ),
        ),
        monitor=True,
    ),
    Command("terminal detect", "ask the terminal for its size", _detect, monitor=True),
    Command("show terminal", "size and character set that the console takes for granted", _show_terminal, monitor=True),
    Command("show version", "versions of console and phone", _version, monitor=True),
)
