"""Verbs that are the console's own: what shows, tests and follows there does the same for scripts.

A command of the console runs here on a screen of lines, without a person: nothing is asked. With --json each event is
one line, and the last line holds what the phone has answered, by method.
"""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable

from device import __version__
from device.annotations import Any
from device.cli_commands.command import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, Command, Session, UsageError
from device.console.command_table import ADMIN, CommandTable, Given
from device.console.command_table import Command as ConsoleCommand
from device.console.commands import COMMANDS as CONSOLE_COMMANDS
from device.console.errors import BrokenOffError, ConsoleError
from device.console.shell import Shell
from device.console.steps import AwaitEvent, Dialogue, Pause, Step
from device.console.words import quoted
from device.control.client import DaemonEvent

BORROWED = (
    *(f"show {what}" for what in ("audio", "network", "storage", "clock", "registrations", "configuration", "history")),
    *(f"test {what}" for what in ("ring", "tone", "lamp", "relay", "mic", "keypad", "register", "echo")),
    *("account test", "options", "meter", "trace gpio"),
)
"""Words of commands of the console that are verbs here as they are."""


class _Line:
    """The console's way to the phone, by the connection of the command line."""

    is_up = True

    def __init__(self, session: Session) -> None:
        self._session = session

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Call a method."""
        return self._session.ask(method, **params)

    def follow(self, topics: Iterable[str]) -> None:
        """Have events of these topics; a verb follows one thing in its life, so none is given up again."""
        wanted = list(topics)
        self._session.client.forget_events()
        if wanted:
            self._session.client.subscribe(wanted)


class _Screen(Shell):
    """A shell that writes lines as they come, or remembers what was answered."""

    def __init__(self, session: Session) -> None:
        super().__init__(_Line(session), "command line", __version__, 0.0, time.time)
        self.role = ADMIN
        self._session = session
        self.answers: dict[str, object] = {}

    def say(self, *lines: object) -> None:
        """Lines for a person; a program gets none."""
        if not self._session.output.as_json:
            self._session.output.lines(map(str, lines))

    def say_as_it_is(self, lines: Iterable[object]) -> None:
        """The same: nothing is broken here."""
        self.say(*lines)

    def ask(self, method: str, /, **params: object) -> dict[str, Any]:
        """Call a method, and keep its answer."""
        answer = super().ask(method, **params)
        self.answers[method] = answer
        return answer


def _run(session: Session, command: ConsoleCommand, given: Namespace) -> int:
    screen = _Screen(session)
    words = [getattr(given, argument.name) for argument in command.arguments]
    line = " ".join([command.words, *(quoted(str(word)) for word in words if word is not None)])
    try:
        _, values = CommandTable((command,), ADMIN).parse(line, screen) or (command, Given())
    except ConsoleError as error:
        raise UsageError(str(error)) from error
    screen.answers.clear()
    session.use_phone_time()
    dialogue = command.run(screen, values)
    status = EXIT_OK if dialogue is None else _drive(session, dialogue)
    if session.output.as_json and status != EXIT_INTERRUPTED:
        session.output.json(screen.answers)
    return status


def _drive(session: Session, dialogue: Dialogue) -> int:
    """Run a dialogue to its end, where False means that it came out badly; Ctrl-C breaks it off as at the console."""
    move: Callable[[], Step] = lambda: next(dialogue)  # noqa: E731  # the first of several
    while True:
        try:
            step = move()
        except StopIteration as end:
            return EXIT_FAILED if end.value is False else EXIT_OK
        except BrokenOffError:
            return EXIT_INTERRUPTED
        try:
            came = _wait(session, step)
        except KeyboardInterrupt:
            move = lambda: dialogue.throw(BrokenOffError())  # noqa: E731
        else:
            move = lambda came=came: dialogue.send(came)  # type: ignore[misc]  # noqa: E731


def _wait(session: Session, step: Step) -> DaemonEvent | None:
    if isinstance(step, AwaitEvent):
        event = session.wait(step)
        if event is not None and session.output.as_json:
            session.output.json({"topic": event.topic, **event.params})
        return event
    if isinstance(step, Pause):
        time.sleep(step.seconds)
        return None
    raise ConsoleError("this asks something: do it at the console (`offhook console`)")


def _borrow(command: ConsoleCommand) -> Command:
    def arguments(parser: ArgumentParser) -> None:
        for argument in command.arguments:
            name, count = argument.name.upper(), "?" if argument.optional else None
            parser.add_argument(argument.name, metavar=name, nargs=count, help=argument.help)

    return Command(
        command.words,
        command.help.replace("`test mic`", "`offhook test mic`"),
        command.example or command.words,
        lambda session, given: _run(session, command, given),
        arguments,
    )


COMMANDS = tuple(_borrow(command) for words in BORROWED for command in CONSOLE_COMMANDS if command.words == words)
