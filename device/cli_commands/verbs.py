"""The list of all verbs. A new one is a Command in the module that it is about."""

from device.cli_commands import (
    accounts,
    board,
    books,
    borrowed,
    call_report,
    completion,
    messages,
    phone,
    settings,
    support,
    trials,
    upkeep,
    watch,
)
from device.cli_commands.command import Command

COMMANDS: dict[str, Command] = {
    command.words: command
    for command in (
        *phone.COMMANDS,
        *accounts.COMMANDS,
        *messages.COMMANDS,
        *settings.COMMANDS,
        *books.COMMANDS,
        *call_report.COMMANDS,
        *watch.COMMANDS,
        *board.COMMANDS,
        *trials.COMMANDS,
        *borrowed.COMMANDS,
        *upkeep.COMMANDS,
        *support.COMMANDS,
        *completion.COMMANDS,
    )
}

GROUPS: dict[str, list[str]] = {}
"""The second words of the verbs that have two, by the first."""
for _words in COMMANDS:
    _first, _space, _second = _words.partition(" ")
    if _space:
        GROUPS.setdefault(_first, []).append(_second)

CONSOLE_WORDS = {
    "show status": "status",
    "show accounts": "account list",
    "show calls": "calls",
    "show gpio": "board show",
    "show log": "log",
    "show messages": "message list",
    "show phonebook": "phonebook list",
    "show settings": "settings list",
    "show version": "version",
    "show quality": "call-report",
}
"""What the console calls by other words is understood by those as well, for whoever has learnt them there."""


def own_words(words: list[str]) -> list[str]:
    """The words of a command line with those of the console's that mean a verb replaced by it."""
    verb = CONSOLE_WORDS.get(" ".join(words[:2]))
    return [*verb.split(), *words[2:]] if verb else words


PROGRAMS = {
    "run": "start the phone in the foreground",
    "exchange": "start the embedded exchange, or manage its users",
    "provision": "put the settings and accounts of a file into the store, before the phone starts",
    "recover": "hold the outputs off after the phone has failed for good, until it is started again",
    "console": "the technician's console, on this terminal or a serial line",
    "doctor": "examine the board, and say what is missing for a telephone with the line to type",
    "upgrade": "take a new version of the image, or tell how the last one came out",
    "discovery": "let fresh boards of one network find each other and agree on one exchange",
    "demo": "play a whole call between two phones on this machine",
}
"""Verbs that device.cli starts as programs of their own."""
