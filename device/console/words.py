"""A typed line as words: split at blanks, quotes keep them. Pure."""

from device.console.errors import ConsoleError
from device.records import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A word without its quotes, and where it stands in the line."""

    text: str
    at: int
    quoted: bool = False


def split_words(line: str) -> list[Word]:
    """The words of a line. A backslash in quotes takes the next character as it is.

    Raises ConsoleError for a quote that is never closed.
    """
    words, finished = scan(line)
    if not finished:
        raise ConsoleError('this quote is never closed: end it with another "', words[-1].at)
    return words


def scan(line: str) -> tuple[list[Word], bool]:
    """The words of a line that may be unfinished, and whether every quote is closed."""
    words: list[Word] = []
    text, at, quoted, inside, escaped = "", -1, False, False, False
    for place, character in enumerate(line):
        if escaped:
            text, escaped = text + character, False
        elif inside and character == "\\":
            escaped = True
        elif character == '"':
            at = place if at < 0 else at
            inside, quoted = not inside, True
        elif character.isspace() and not inside:
            if at >= 0:
                words.append(Word(text, at, quoted))
            text, at, quoted = "", -1, False
        else:
            at = place if at < 0 else at
            text += character
    if at >= 0:
        words.append(Word(text, at, quoted))
    return words, not inside


def quoted(text: str) -> str:
    """`text` as one word of a line."""
    if text and not any(character.isspace() or character in '"\\' for character in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
