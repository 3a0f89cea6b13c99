"""From words to a verb, and what every failure ends as. Only the parser of the verb that was typed is made."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence

from device.cli_commands.command import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    Command,
    Session,
    UsageError,
)
from device.cli_commands.help import HELP_WORDS, command_parser, show_help
from device.cli_commands.output import Output
from device.cli_commands.verbs import COMMANDS, GROUPS, PROGRAMS, own_words
from device.control.client import ControlClient
from device.control.errors import DaemonUnreachableError, refusal_lines
from device.control.paths import socket_path
from device.errors import DeviceError


def main(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Run one verb; every failure becomes a line on standard error and an exit status."""
    output = Output(sys.stdout, sys.stderr)
    try:
        return _run(list(arguments), os.environ if environment is None else environment, output)
    except UsageError as error:
        output.complain(str(error))
        return EXIT_USAGE
    except DaemonUnreachableError as error:
        output.complain(str(error))
        return EXIT_UNREACHABLE
    except DeviceError as error:
        for line in refusal_lines(error):
            output.complain(line)
        return EXIT_FAILED
    except BrokenPipeError:
        # Whoever read this has seen enough; without another place to write, the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(words: list[str], environment: Mapping[str, str], output: Output) -> int:
    if any(word.startswith("--password=") for word in words):
        raise UsageError(
            "a password on the command line can be read by every user of this machine: leave it out to be asked for "
            "it, or pipe it in with --password-stdin"
        )
    given = Namespace(json=False, socket=None)
    words = own_words(_take_options(words, given))
    if not words or words[0] in HELP_WORDS:
        show_help(output, own_words(words[1:]))
        return EXIT_OK if words else EXIT_USAGE
    if words[0] in GROUPS and len(words) > 1 and words[1] in HELP_WORDS:
        show_help(output, words[:1])
        return EXIT_OK
    command, rest = find_command(["version", *words[1:]] if words[0] == "--version" else words)
    if any(word in HELP_WORDS[1:] for word in rest):
        show_help(output, command.words.split())
        return EXIT_OK
    command_parser(command).parse_args(rest, given)
    output.as_json = given.json
    with ControlClient(socket_path(environment, given.socket)) as client:
        return command.run(Session(client, output), given)


def _take_options(words: list[str], given: Namespace) -> list[str]:
    """The options that stand before the verb go into `given`; answer the rest."""
    rest = list(words)
    while rest and rest[0].startswith("--") and rest[0] not in (*HELP_WORDS, "--version"):
        word, equals, value = rest.pop(0).partition("=")
        if word == "--json" and not equals:
            given.json = True
        elif word == "--socket" and (equals or rest):
            given.socket = value if equals else rest.pop(0)
        else:
            raise UsageError(f"{word} is no option here, or lacks its value: `offhook help` lists the commands")
    return rest


def find_command(words: Sequence[str]) -> tuple[Command, list[str]]:
    """The verb that `words` begin with, and the words after it. Raises UsageError with the nearest one."""
    first = words[0]
    if first in COMMANDS:
        return COMMANDS[first], list(words[1:])
    if first in GROUPS:
        known = GROUPS[first]
        second = words[1] if len(words) > 1 else ""
        if second in known:
            return COMMANDS[f"{first} {second}"], list(words[2:])
        text = f"there is no {first} {second}{_nearest(second, known)}" if second else f"what about {first}?"
        raise UsageError(f"{text} (there are: {', '.join(known)}; see `offhook help {first}`)")
    if first in PROGRAMS:
        raise UsageError(f"write `offhook {first} ...` with {first} first and its options after it")
    known = [*PROGRAMS, *GROUPS, *(words for words in COMMANDS if " " not in words)]
    raise UsageError(f"there is no command {first!r}{_nearest(first, known)} (`offhook help` lists them all)")


def _nearest(word: str, known: Iterable[str]) -> str:
    """A question that names the known word most like `word`, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415  # only who mistypes waits for it

    matches = get_close_matches(word, sorted(known), 1)
    return f", did you mean {matches[0]!r}?" if matches else ""
