"""The commands of the console as a table: found by words that may be cut short, completed and explained. Pure."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from device.annotations import TYPE_CHECKING
from device.console.errors import ConsoleError
from device.console.steps import Dialogue
from device.console.words import Word, quoted, scan, split_words
from device.records import dataclass

if TYPE_CHECKING:
    from device.console.shell import Shell

ADMIN, MONITOR = "admin", "monitor"

Choice = tuple[str, str]
"""A word that can stand somewhere, and what it means."""
Given = dict[str, str]
"""The arguments of a command by name."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `choices` lists what it may be, given the words before it; `only` lets it be nothing else.

    `rest` takes everything to the end of the line as it was typed.
    """

    name: str
    help: str
    optional: bool = False
    choices: Callable[["Shell", Given], Iterable[Choice]] | None = None
    only: bool = False
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its words, what it does, who may use it, and the deed. `monitor` lets the read-only role use it."""

    words: str
    help: str
    run: Callable[["Shell", Given], Dialogue | None]
    arguments: tuple[Argument, ...] = ()
    monitor: bool = False
    example: str = ""

    @property
    def usage(self) -> str:
        """The command as it is written."""
        parts = [f"[{item.name}]" if item.optional else item.name for item in self.arguments]
        return " ".join([self.words, *parts])


@dataclass(frozen=True, slots=True)
class Found:
    """What can stand at one place of a line."""

    choices: list[Choice]
    partial: Word
    """What stands there so far."""
    usable: bool = False
    """Whether the line is a whole command already."""


class CommandTable:
    """The commands that a role may use."""

    def __init__(self, commands: Iterable[Command], role: str) -> None:
        self.commands = [command for command in commands if command.monitor or role == ADMIN]
        self.withheld = [command for command in commands if not (command.monitor or role == ADMIN)]

    def parse(self, line: str, shell: "Shell") -> tuple[Command, Given] | None:
        """The command of a line and its arguments; None for an empty line. Raises ConsoleError."""
        words = split_words(line)
        if not words:
            return None
        command, rest = self._find(words)
        return command, self._arguments(command, rest, line, shell)

    def find_choices(self, text: str, shell: "Shell") -> Found:
        """What can stand at the end of `text`. Raises ConsoleError where the words before it make no sense."""
        words, finished = scan(text)
        if words and finished and text[-1].isspace():
            words.append(Word("", len(text)))
        elif not words:
            words = [Word("", len(text))]
        *before, partial = words
        candidates, depth = self.commands, 0
        for depth, word in enumerate(before):  # how many were words of the command
            whole = [command for command in candidates if len(command.words.split()) == depth]
            names = self._names(candidates, depth)
            if whole and not _matching(word.text, names):
                return self._argument_choices(whole[0], before[depth:], partial, shell)
            candidates = self._narrow(candidates, depth, word)
        depth = len(before)
        whole = [command for command in candidates if len(command.words.split()) == depth]
        names = self._names(candidates, depth)
        if whole and depth:
            found = self._argument_choices(whole[0], [], partial, shell)
            choices = [(name, self._meaning(candidates, depth, name)) for name in _matching(partial.text, names)]
            return Found([*choices, *found.choices], partial, found.usable)
        choices = [(name, self._meaning(candidates, depth, name)) for name in _matching(partial.text, names)]
        return Found(choices, partial)

    # Words of commands.

    @staticmethod
    def _names(candidates: Sequence[Command], depth: int) -> list[str]:
        """The words that commands have at `depth`, each once."""
        words = [command.words.split() for command in candidates]
        return list(dict.fromkeys(parts[depth] for parts in words if len(parts) > depth))

    def _narrow(self, candidates: Sequence[Command], depth: int, word: Word) -> list[Command]:
        """The commands whose word at `depth` is `word`, cut short or not. Raises ConsoleError."""
        names = self._names(candidates, depth)
        matches = _matching(word.text, names)
        if word.text in names:
            matches = [word.text]
        if len(matches) > 1:
            raise ConsoleError(f"{word.text!r} could be {_listed(matches)}: type more of it", word.at)
        if not matches:
            raise self._unknown(candidates, depth, word)
        found = []
        for command in candidates:
            parts = command.words.split()
            if len(parts) > depth and parts[depth] == matches[0]:
                found.append(command)
        return found

    def _unknown(self, candidates: Sequence[Command], depth: int, word: Word) -> ConsoleError:
        before = " ".join(candidates[0].words.split()[:depth]) if candidates else ""
        withheld = [command.words.split() for command in self.withheld]
        if any(len(parts) > depth and parts[depth].startswith(word.text) and word.text for parts in withheld):
            return ConsoleError(f"{word.text!r} is for the role admin: log out with `exit`, log in as admin", word.at)
        near = self._ending_in(word.text) or get_close_matches(word.text, self._names(candidates, depth), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"`{f'{before} ' if before else ''}?` lists what there is"
        what = f"{before} {word.text}" if before else word.text
        return ConsoleError(f"there is no {what!r}; {hint}", word.at)

    def _ending_in(self, word: str) -> list[str]:
        """Commands of several words that end in this one: who types `status` means `show status`."""
        return [command.words for command in self.commands if command.words.split()[1:] == [word]]

    def _find(self, words: Sequence[Word]) -> tuple[Command, Sequence[Word]]:
        candidates = self.commands
        for depth, word in enumerate(words):
            names = self._names(candidates, depth)
            whole = [command for command in candidates if len(command.words.split()) == depth]
            if depth and (not names or (whole and (word.quoted or not _matching(word.text, names)))):
                return whole[0], words[depth:]
            candidates = self._narrow(candidates, depth, word)
        whole = [command for command in candidates if len(command.words.split()) == len(words)]
        if whole:
            return whole[0], ()
        names = self._names(candidates, len(words))
        said = " ".join(candidates[0].words.split()[: len(words)])
        raise ConsoleError(f"{said} what? There is {_listed(names)}")

    def _meaning(self, candidates: Sequence[Command], depth: int, name: str) -> str:
        """What a word leads to: the command's help, or the words that can follow."""
        leads_to = [c for c in candidates if len(c.words.split()) > depth and c.words.split()[depth] == name]
        whole = [command for command in leads_to if len(command.words.split()) == depth + 1]
        if whole:
            return whole[0].help
        return _shortened(", ".join(self._names(leads_to, depth + 1)))

    # Arguments.

    def _arguments(self, command: Command, words: Sequence[Word], line: str, shell: "Shell") -> Given:
        given: Given = {}
        for number, argument in enumerate(command.arguments):
            if number >= len(words):
                if argument.optional:
                    break
                raise ConsoleError(f"{argument.name} is missing ({argument.help}): {command.usage}")
            word = words[number]
            if argument.rest:
                given[argument.name] = word.text if number + 1 == len(words) else line[word.at :].strip()
                return given
            given[argument.name] = self._checked(argument, word, shell, given)
        if len(words) > len(command.arguments):
            extra = words[len(command.arguments)]
            raise ConsoleError(f"{extra.text!r} is too much: {command.usage}", extra.at)
        return given

    @staticmethod
    def _checked(argument: Argument, word: Word, shell: "Shell", given: Given) -> str:
        """The value of an argument that has a list of values: completed, or refused. Raises ConsoleError."""
        if not argument.only or argument.choices is None:
            return word.text
        names = [name for name, _ in argument.choices(shell, given)]
        if word.text in names:
            return word.text
        matches = [] if word.quoted else _matching(word.text, names)
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise ConsoleError(f"{word.text!r} could be {_listed(matches)}: type more of it", word.at)
        near = get_close_matches(word.text, names, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there is {_listed(names)}" if names else "there is none yet"
        raise ConsoleError(f"{argument.name}: {word.text!r} is unknown; {hint}", word.at)

    def _argument_choices(self, command: Command, before: Sequence[Word], partial: Word, shell: "Shell") -> Found:
        given: Given = {}
        for argument, word in zip(command.arguments, before, strict=False):
            if argument.rest:
                return Found([], partial, usable=True)
            given[argument.name] = self._checked(argument, word, shell, given)
        if len(before) >= len(command.arguments):
            return Found([], partial, usable=not partial.text and len(before) == len(command.arguments))
        argument = command.arguments[len(before)]
        known = list(argument.choices(shell, given)) if argument.choices is not None else []
        choices = [choice for choice in known if choice[0].startswith(partial.text)]
        if not choices and not argument.only:
            choices = [(f"<{argument.name}>", argument.help)]
        return Found(choices, partial, usable=argument.optional and not partial.text)


def completion(found: Found) -> tuple[str, list[Choice]]:
    """What the tab key adds, and what it lists when it can add nothing."""
    names = [name for name, _ in found.choices if not name.startswith("<")]
    if not names:
        return "", found.choices
    common = names[0]
    for name in names[1:]:
        while not name.startswith(common):
            common = common[:-1]
    typed = found.partial.text
    if len(names) == 1:
        whole = quoted(common)
        if found.partial.quoted:
            return whole.strip('"')[len(quoted(typed).strip('"')) :] + '" ', []
        if whole != common and typed:
            # It needs quotes, and what is typed already has none.
            return "", found.choices
        return whole[len(typed) :] + " ", []
    return (common[len(typed) :], []) if len(common) > len(typed) else ("", found.choices)


def _matching(text: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(text)]


def _listed(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _shortened(text: str, room: int = 50) -> str:
    return text if len(text) <= room else text[: text.rfind(",", 0, room)] + " ..."
