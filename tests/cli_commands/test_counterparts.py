"""What can be done at the console can be done on the command line, and the other way round: whoever adds a verb to
one of them adds it to the other, or says here why not."""

import pytest

from device.cli_commands.help import STATUSES, command_parser
from device.cli_commands.verbs import COMMANDS as VERBS
from device.cli_commands.verbs import CONSOLE_WORDS, PROGRAMS, own_words
from device.console.commands import COMMANDS as CONSOLE

SAME = {command.words for command in CONSOLE} & {*VERBS, *PROGRAMS}

AT_THE_COMMAND_LINE = {
    **CONSOLE_WORDS,
    "show upgrade": "upgrade",
    "upgrade status": "upgrade",
    "show exchange": "exchange",
    "upgrade back": "upgrade",
    "reboot": "upgrade",
    "restart": "stop",
    "monitor": "events",
    "trace full": "trace sip",
    "trace sip file": "trace sip",
    "support bundle": "support",
    "message": "message send",
    "set": "settings set",
    "delete": "settings reset",
    "set account": "account set",
    "delete account": "account remove",
    "export sealed": "export",
    "import": "provision",
    "no password": "password",
    "help": "help",
}
"""Commands of the console whose verb has another name on the command line."""

CONSOLE_ALONE = {
    "show changes": "a script's changes count at once, so it has no candidate to look at",
    "commit": "as before",
    "commit check": "as before; a wrong value is refused as a whole",
    "commit confirm": "it needs somebody who looks whether the phone can still be reached",
    "discard": "as before",
    "setup": "a conversation; a script has `account add`, `settings set` and `provision`",
    "terminal length": "about the terminal of the console",
    "terminal width": "as before",
    "terminal charset": "as before",
    "terminal detect": "as before",
    "show terminal": "as before",
    "exit": "there is no log-in to leave",
    "quit": "as before",
}

AT_THE_CONSOLE = {
    "status": "show status",
    "calls": "show calls",
    "log": "show log",
    "version": "show version",
    "call-report": "show quality",
    "events": "monitor",
    "stop": "restart",
    "support": "support bundle",
    "account list": "show accounts",
    "account show": "show accounts",
    "account add": "set account",
    "account set": "set account",
    "account remove": "delete account",
    "settings list": "show settings",
    "settings get": "show settings",
    "settings set": "set",
    "settings reset": "delete",
    "phonebook list": "show phonebook",
    "message list": "show messages",
    "message send": "message",
    "board show": "show gpio",
    "board detect": "setup",
    "board list": "setup",
    "provision": "import",
}

COMMAND_LINE_ALONE = {
    "discovery": "a program of its own beside the phone; its account is seen by `show accounts`",
    "board lift": "hands for a simulated board, on which a console is no use",
    "board replace": "as before",
    "board press": "as before",
    "board drive": "as before",
    "board safe": "for a phone that is down; a console that talks to it has nothing to guard",
    "board pins": "tables and drawings for whoever plans the wiring at a desk",
    "board picture": "as before",
    "board check": "as before; the console's `why` and `show gpio` tell what does not work",
    "completion": "about the shell",
    "manual": "about the shell; the console has `help`",
    "run": "starts the phone",
    "recover": "systemd's",
    "console": "starts the console",
    "doctor": "looks at the machine from outside the phone, as root; the console's `why` walks the same chain",
    "demo": "plays two phones",
}


@pytest.mark.parametrize("words", [command.words for command in CONSOLE])
def test_every_command_of_the_console_has_a_verb(words: str) -> None:
    if words in CONSOLE_ALONE:
        assert words not in (*SAME, *AT_THE_COMMAND_LINE)
        return
    verb = AT_THE_COMMAND_LINE.get(words, words)
    assert verb in (*VERBS, *PROGRAMS, "help"), f"{words}: give `offhook` such a verb, or say here why not"


@pytest.mark.parametrize("words", [*VERBS, *PROGRAMS])
def test_every_verb_has_a_command_at_the_console(words: str) -> None:
    if words in COMMAND_LINE_ALONE:
        assert words not in (*SAME, *AT_THE_CONSOLE)
        return
    command = AT_THE_CONSOLE.get(words, words)
    assert command in {command.words for command in CONSOLE}, f"{words}: give the console such a command, or say why"


def test_nothing_is_said_of_what_there_is_not() -> None:
    console = {command.words for command in CONSOLE}
    assert {*AT_THE_COMMAND_LINE, *CONSOLE_ALONE} <= console
    assert {*AT_THE_CONSOLE, *COMMAND_LINE_ALONE} <= {*VERBS, *PROGRAMS}
    assert {*AT_THE_CONSOLE} & {*COMMAND_LINE_ALONE} == set()


@pytest.mark.parametrize("words", VERBS)
def test_every_verb_answers_in_json_and_its_help_tells_its_exit_statuses(words: str) -> None:
    parser = command_parser(VERBS[words])
    assert "--json" in parser.format_help()
    assert STATUSES in parser.format_help()


@pytest.mark.parametrize(("words", "verb"), CONSOLE_WORDS.items())
def test_words_of_the_console_that_mean_a_verb_are_understood(words: str, verb: str) -> None:
    assert own_words([*words.split(), "x"]) == [*verb.split(), "x"]


def test_other_words_stay_as_they_are() -> None:
    assert own_words(["show", "audio"]) == ["show", "audio"]
    assert own_words([]) == []
