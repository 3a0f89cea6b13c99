"""Completion for bash, zsh and fish, and the manual page: all made of the list of verbs, so that none is forgotten."""

from argparse import Action, ArgumentParser, Namespace

from device import __version__
from device.cli_commands.command import EXIT_OK, Command, Session
from device.records import dataclass

SHELLS = ("bash", "zsh", "fish")
LAST_CHANGE = "2026"


@dataclass(frozen=True, slots=True)
class Verb:
    """What a shell and a manual need to know of a verb."""

    words: str
    help: str
    example: str
    options: tuple[tuple[str, str], ...]
    """Each option and what it means."""
    choices: tuple[str, ...]
    """What the arguments may be, where that is a list."""
    usage: str


def verbs() -> list[Verb]:
    """Every verb of the command line, in its order."""
    from device.cli_commands.help import command_parser  # noqa: PLC0415  # it reads the list that this module is in
    from device.cli_commands.verbs import COMMANDS, PROGRAMS  # noqa: PLC0415

    found = [
        Verb(name, text, name, (("--help", "its options"),), (), f"offhook {name} ...")
        for name, text in PROGRAMS.items()
    ]
    found += exchange_verbs()
    for command in COMMANDS.values():
        parser = command_parser(command)
        actions: list[Action] = parser._actions  # noqa: SLF001  # argparse has no other way to list them
        options = tuple((action.option_strings[-1], action.help or "") for action in actions if action.option_strings)
        choices = tuple(str(word) for action in actions if not action.option_strings for word in action.choices or ())
        usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
        found.append(Verb(command.words, command.help, command.example, options, choices, usage))
    return found


def exchange_verbs() -> list[Verb]:
    """What `offhook exchange` can do, each first word with the words that may follow it."""
    from importlib import import_module  # noqa: PLC0415  # only who wants completion or manual needs them

    from device.daemon.exchange_commands import COMMANDS, HELP  # noqa: PLC0415  # see above

    found = []
    for word, (text, example) in HELP.items():
        actions = import_module(COMMANDS[word]).ACTIONS if word in COMMANDS else {}
        seconds = tuple(name.partition(" ")[2] for name in actions if name.startswith(f"{word} "))
        usage = f"offhook exchange {word} {'|'.join(seconds) or '...'}"
        options = tuple(EXCHANGE_OPTIONS.items())
        found.append(Verb(f"exchange {word}", text, f"exchange {example}", options, seconds, usage))
    return found


EXCHANGE_OPTIONS = {
    "--domain": "the SIP domain of its users",
    "--store": "the SQLite file with users and registrations",
    "--socket": "control socket of the exchange",
    "--json": "answer in JSON, for programs",
    "--csv": "answer as comma-separated values",
}


def completion_script(shell: str) -> str:
    """The script that a shell sources; raises ValueError for a shell that is none of SHELLS."""
    makers = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    if shell not in makers:
        raise ValueError(f"{shell!r} is none of {', '.join(SHELLS)}")
    return makers[shell](verbs())


def _table(known: list[Verb]) -> dict[str, list[str]]:
    """What can follow each beginning: "" for the first word, then words of verbs, options and choices."""
    table: dict[str, list[str]] = {"": ["help", "--json", "--socket", "--version"]}
    for verb in known:
        first, _, second = verb.words.partition(" ")
        if first not in table[""]:
            table[""].append(first)
        if second:
            table.setdefault(first, []).append(second)
        table.setdefault(verb.words, []).extend([*verb.choices, *(option for option, _ in verb.options)])
    table["help"] = [*(word for word in table[""] if not word.startswith("-"))]
    return table


def _bash(known: list[Verb]) -> str:
    rows = [f"        {_quoted(begin)}) words={_quoted(' '.join(words))} ;;" for begin, words in _table(known).items()]
    return "\n".join(
        [
            "# bash completion for offhook; made by `offhook completion bash`",
            "_offhook() {",
            '    local words="" current="${COMP_WORDS[COMP_CWORD]}" begin="" word',
            '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            '        case $word in -*) ;; *) begin="${begin:+$begin }$word" ;; esac',
            "    done",
            '    while :; do case "$begin" in',
            *rows,
            '        *" "*) begin="${begin% *}"; continue ;;',
            "        esac; break; done",
            '    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
            "}",
            "complete -o default -F _offhook offhook",
            "",
        ]
    )


def _zsh(known: list[Verb]) -> str:
    return "#compdef offhook\nautoload -U +X bashcompinit && bashcompinit\n" + _bash(known)


def _fish(known: list[Verb]) -> str:
    lines = ["# fish completion for offhook; made by `offhook completion fish`", "complete -c offhook -f"]
    seen: set[str] = set()
    for verb in known:
        first, _, second = verb.words.partition(" ")
        if first not in seen:
            seen.add(first)
            text = verb.help if not second else f"{first} ..."
            lines.append(f"complete -c offhook -n __fish_use_subcommand -a {first} -d {_quoted(text)}")
        if second:
            when = f"'__fish_seen_subcommand_from {first}'"
            lines.append(f"complete -c offhook -n {when} -a {second} -d {_quoted(verb.help)}")
        for option, text in verb.options:
            when = f"'__fish_seen_subcommand_from {second or first}'"
            lines.append(f"complete -c offhook -n {when} -l {option.lstrip('-')} -d {_quoted(text)}")
        for choice in verb.choices:
            lines.append(f"complete -c offhook -n '__fish_seen_subcommand_from {second or first}' -a {choice}")
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def manual_page() -> str:
    """The manual page offhook(1) in roff."""
    lines = [
        f'.TH OFFHOOK 1 "{LAST_CHANGE}" "offhook {__version__}" "User Commands"',
        ".SH NAME",
        "offhook \\- a SIP desk phone and intercom for boards with GPIO",
        ".SH SYNOPSIS",
        ".B offhook",
        "[\\fB\\-\\-json\\fR] [\\fB\\-\\-socket\\fR \\fIPATH\\fR] \\fICOMMAND\\fR ...",
        ".SH DESCRIPTION",
        "offhook turns an ARM Linux board with a handset, keys, a bell and lamps into a SIP telephone. The commands",
        "below start its programs, or ask the phone that runs, through its control socket.",
        ".SH COMMANDS",
    ]
    for verb in verbs():
        lines += [".TP", f".B {_roff(verb.usage)}", f"{_roff(_sentence(verb.help))}"]
        if verb.example != verb.words:
            lines.append(f"Example: offhook {_roff(verb.example)}")
        for option, text in verb.options:
            if option not in ("--json", "--socket", "--help") and text:
                lines += [".br", f"\\fB{_roff(option)}\\fR: {_roff(text)}"]
    return "\n".join(
        [
            *lines,
            ".SH EXIT STATUS",
            "0 done, 1 refused or failed, 2 not understood, 3 no phone answers.",
            ".SH ENVIRONMENT",
            ".TP",
            ".B OFFHOOK_SOCKET",
            "The control socket of the phone that is asked.",
            ".SH FILES",
            ".TP",
            ".I /var/lib/offhook/offhook.db",
            "Accounts, settings, call log and phone book.",
            ".TP",
            ".I /run/offhook/control.sock",
            "The control socket.",
            ".SH SEE ALSO",
            ".BR systemctl (1),",
            ".BR journalctl (1)",
            "",
        ]
    )


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _shell_argument(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="whose script")


def _completion(session: Session, given: Namespace) -> int:
    session.output.text(completion_script(given.shell))
    return EXIT_OK


def _manual(session: Session, _given: Namespace) -> int:
    session.output.text(manual_page())
    return EXIT_OK


COMMANDS = (
    Command(
        "completion",
        "print what makes a shell complete these commands; source it, or put it where the shell looks",
        "completion bash",
        _completion,
        _shell_argument,
    ),
    Command("manual", "print the manual page, for man -l or for a package", "manual", _manual),
)
