"""What `offhook help` says: the overview, one verb, and what programs find at the control socket."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence

from device.annotations import NoReturn
from device.cli_commands.command import Command, UsageError
from device.cli_commands.output import Output
from device.cli_commands.verbs import COMMANDS, GROUPS, PROGRAMS
from device.control import schema

STATUSES = "Exit status: 0 done, 1 refused or failed, 2 not understood, 3 no daemon answers."
HELP_WORDS = ("help", "--help", "-h")


class VerbParser(ArgumentParser):
    """An ArgumentParser whose faults say where the help is, in one line, and are raised as UsageError."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `offhook help {self.prog.removeprefix('offhook ')}`")


def command_parser(command: Command) -> VerbParser:
    """The parser for the words after a verb."""
    parser = VerbParser(
        prog=f"offhook {command.words}",
        description=_sentence(command.help),
        epilog=f"example: offhook {command.example}\n\n{STATUSES}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    if command.arguments is not None:
        command.arguments(parser)
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    parser.add_argument("--socket", metavar="PATH", help="control socket of the daemon (also: OFFHOOK_SOCKET)")
    return parser


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def show_help(output: Output, words: Sequence[str]) -> None:
    """Help on a verb, on a group of verbs, on a topic, or without words on everything. Raises UsageError."""
    wanted = " ".join(words)
    if not wanted:
        _show_overview(output)
    elif wanted in COMMANDS:
        output.text(command_parser(COMMANDS[wanted]).format_help())
    elif wanted in GROUPS:
        output.text("\n\n".join(_summary(f"{wanted} {second}") for second in GROUPS[wanted]))
    elif wanted in PROGRAMS:
        output.text(f"{_sentence(PROGRAMS[wanted])}\n\n`offhook {wanted} --help` tells its options.")
    elif wanted in TOPICS:
        TOPICS[wanted][1](output)
    else:
        raise UsageError(f"there is no help on {wanted!r}; `offhook help` lists what there is")


def _summary(words: str) -> str:
    return f"{_sentence(COMMANDS[words].help)}\n    offhook {COMMANDS[words].example}"


def _show_overview(output: Output) -> None:
    output.text("usage: offhook COMMAND ...\n\nA SIP desk phone. Programs:")
    _show_list(output, PROGRAMS)
    output.text("\nWhat asks the running phone:")
    _show_list(output, {words: command.help for words, command in COMMANDS.items()})
    output.text("\nHelp:")
    help_texts = {f"help {name}": text for name, (text, _) in TOPICS.items()}
    _show_list(output, {"help COMMAND": "arguments and an example of a command", **help_texts})
    output.text(
        "\n--json answers in JSON; --socket PATH or OFFHOOK_SOCKET names another daemon's control socket.\n"
        f"{STATUSES}\n\n"
        "example: offhook account add office 1001@pbx.example.com\n"
        "         offhook call 1002"
    )


def _show_list(output: Output, lines: dict[str, str]) -> None:
    for words, text in lines.items():
        output.line(f"  {words:<18} {text}")


def _show_methods(output: Output) -> None:
    output.text(
        "The control socket speaks JSON-RPC 2.0, one object a line; params are given by name.\n"
        'example: {"jsonrpc":"2.0","id":1,"method":"call.place","params":{"target":"1002"}}\n'
    )
    for method in schema.METHODS.values():
        output.line(method.name)
        output.line(f"    {method.help}")
        for param in method.params:
            need = "" if param.required else ", optional"
            output.line(f"    {param.name} ({param.kind}{need}): {param.help}")
        output.line(f"    answers {method.result}")
        if method.params:
            output.line(f"    example {method.example}")


def _show_topics(output: Output) -> None:
    output.text("Events come as notifications event.TOPIC to those who called subscribe. Their params:")
    _show_list(output, schema.TOPICS)


TOPICS: dict[str, tuple[str, Callable[[Output], None]]] = {
    "methods": ("what programs can ask at the control socket", _show_methods),
    "topics": ("what programs and `offhook events` are told", _show_topics),
}
