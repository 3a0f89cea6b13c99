"""Numbers and times as the words that are to be heard one after the other."""

from collections.abc import Iterable

from device.annotations import Final, Protocol
from device.exchange.services.orders import Part
from device.records import dataclass
from device.sip.header_syntax import is_digits

_LAST_OF_ITS_OWN: Final = 20
"""Up to this each number is a word."""
_LARGEST: Final = 99


class Vocabulary(Protocol):
    """The prompts that there are."""

    def has(self, word: str) -> bool:
        """Whether there is a prompt of that name."""

    def seconds(self, parts: Iterable[Part]) -> float:
        """How long it takes to say these."""


@dataclass(frozen=True, slots=True)
class SpokenTime:
    """A time of day, and the number of the day so that days can be compared."""

    hour: int
    minute: int
    second: float
    day: int


def number_words(number: int, vocabulary: Vocabulary) -> tuple[str, ...]:
    """A number from 0 to 99, the next smaller or larger one of these for others.

    A set of prompts whose language says 21 in another order than tens and units has a word "21"; then that is taken.
    """
    number = max(0, min(number, _LARGEST))
    if number <= _LAST_OF_ITS_OWN or vocabulary.has(str(number)):
        return (str(number),)
    tens, units = number - number % 10, number % 10
    return (str(tens), str(units)) if units else (str(tens),)


def digit_words(text: str) -> tuple[str, ...]:
    """A telephone number digit by digit; other characters are left out."""
    return tuple(letter for letter in text if is_digits(letter))


def clock_words(time: SpokenTime, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Hours and minutes."""
    return (*counted(time.hour, "hour", vocabulary), *counted(time.minute, "minute", vocabulary))


def time_words(time: SpokenTime, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Hours, minutes and whole seconds."""
    return (*clock_words(time, vocabulary), "and", *counted(int(time.second), "second", vocabulary))


def counted(number: int, noun: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """So many of something; `noun` is the prompt for one of it, and with an s that for several."""
    return (*number_words(number, vocabulary), noun if number == 1 else noun + "s")
