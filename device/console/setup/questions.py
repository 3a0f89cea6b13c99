"""How the wizard asks: a question with its default, `?` for the choices, `back` for the question before."""

from collections.abc import Callable, Generator, Sequence
from difflib import get_close_matches

from device.annotations import Any
from device.console.command_table import Choice
from device.console.layout import table
from device.console.shell import Shell
from device.console.steps import AskLine, Step

Answer = Generator[Step, Any, str]
YES, NO = "yes", "no"


def ask(
    shell: Shell,
    question: str,
    default: str = "",
    *,
    help_text: str = "",
    check: Callable[[str], str] | None = None,
    hidden: bool = False,
) -> Answer:
    """A line of text; `check` answers what is wrong with it, "" for nothing. Enter takes the default."""
    shown = f"  {question}{f' [{default}]' if default and not hidden else ''}: "
    while True:
        typed = str((yield AskLine(shown, hidden=hidden)))
        text = typed if hidden else typed.strip()
        if text == "?" and not hidden:
            shell.say(f"    {help_text or 'a text; Enter takes what stands in brackets'}")
            continue
        value = text or default
        fault = check(value) if check is not None else ""
        if not fault:
            return value
        shell.say(f"    {fault}")


def choose(shell: Shell, question: str, choices: Sequence[Choice], default: str, *, listed: bool = True) -> Answer:
    """One of several words, which may be cut short or given by number."""
    names = [name for name, _ in choices]
    if listed:
        _list(shell, choices)
    while True:
        typed = str((yield AskLine(f"  {question} [{default}]: "))).strip()
        if typed == "?":
            _list(shell, choices)
            continue
        found = _find(typed or default, names)
        if found:
            return found
        near = get_close_matches(typed, names, 1)
        hint = f"did you mean {near[0]}?" if near else "? lists them" if listed else f"it is {' or '.join(names)}"
        shell.say(f"    {typed!r} is none of them; {hint}" if listed else f"    {typed!r} is no answer: {hint}")


def confirm(shell: Shell, question: str, default: bool) -> Generator[Step, Any, bool]:
    """Yes or no."""
    word = yield from choose(shell, question, [(YES, ""), (NO, "")], YES if default else NO, listed=False)
    return word == YES


def _list(shell: Shell, choices: Sequence[Choice]) -> None:
    rows = [(str(number), name, meaning) for number, (name, meaning) in enumerate(choices, 1)]
    shell.say(*(f"    {line}" for line in table(("", "", ""), rows, "")[1:]))


def _find(typed: str, names: Sequence[str]) -> str:
    if typed in names:
        return typed
    if typed.isascii() and typed.isdecimal() and 1 <= int(typed) <= len(names):
        return names[int(typed) - 1]
    matches = [name for name in names if name.startswith(typed)]
    return matches[0] if len(matches) == 1 else ""
