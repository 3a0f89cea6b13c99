"""What a verb of the command line is, and what it works with."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from getpass import getpass

from device.annotations import Any, TextIO, cast
from device.cli_commands.output import Output
from device.console.phone_time import follow_phone_time
from device.console.steps import AwaitEvent
from device.control.client import ControlClient, DaemonEvent
from device.errors import DeviceError
from device.records import dataclass

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_UNREACHABLE = 0, 1, 2, 3
EXIT_INTERRUPTED = 130
"""What a shell expects of a program that was ended by Ctrl-C."""


class UsageError(DeviceError):
    """The command line asks for something that cannot be understood."""


class Session:
    """One run of a verb: its connection to the daemon, its output, and the person who typed it."""

    def __init__(self, client: ControlClient, output: Output, stdin: TextIO | None = None) -> None:
        self.client = client
        self.output = output
        self._stdin = stdin

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Call a method whose answer is an object, as all are. Raises ControlError."""
        return cast("dict[str, Any]", self.client.call(method, **params))

    def wait(self, step: AwaitEvent) -> DaemonEvent | None:
        """What a dialogue of the console waits for. Raises ControlError when the daemon is gone."""
        return self.client.next_event(step.timeout_s, step.wanted)

    def use_phone_time(self) -> None:
        """Tell times in the phone's zone from now on."""
        follow_phone_time(self.ask)

    def answer(self, result: Mapping[str, object], sentence: str = "") -> int:
        """Say that it was done: the result as JSON, or a sentence for a person."""
        if self.output.as_json:
            self.output.json(dict(result))
        elif sentence:
            self.output.line(sentence)
        return EXIT_OK

    def read_password(self, of_whom: str, from_stdin: bool) -> str:
        """A password from standard input or, without echo, from the person at the terminal. Raises UsageError."""
        stdin = self._stdin or sys.stdin
        if from_stdin:
            password = stdin.readline().rstrip("\r\n")
            if not password:
                raise UsageError("--password-stdin: standard input has no password in its first line")
            return password
        if not stdin.isatty():
            raise UsageError(
                "there is no terminal to ask for the password: pipe it in with --password-stdin, or say --no-password"
            )
        password = getpass(f"Password of {of_whom}: ")
        if not password:
            raise UsageError("no password was typed and nothing was changed: try again, or say --no-password")
        return password


@dataclass(frozen=True, slots=True)
class Command:
    """One verb: its words, what `offhook help` says of it, an example without `offhook`, its arguments and its deed."""

    words: str
    help: str
    example: str
    run: Callable[[Session, Namespace], int]
    arguments: Callable[[ArgumentParser], object] | None = None
