"""The setup wizard as a technician answers it, from an empty phone to a test call; seconds and keys are counted."""

import time

from tests.support.consoles import ADMIN, Person
from tests.support.daemons import PhoneDaemon


class CountingPerson:
    """Answers questions and counts the keys."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.keys = 0

    def type(self, text: str) -> None:
        self.person.type(f"{text}\r")
        self.keys += len(text) + 1

    def answer(self, question: str, text: str = "") -> None:
        self.person.expect(question)
        self.person.expect(": ")
        self.type(text)


def answers(kind: str, server: str, user: str, password: str, number: str) -> list[tuple[str, str]]:
    """What the wizard asks, and what is typed; nothing is the default."""
    return [
        ("what is it to be", ""),
        ("see which pin moves", ""),
        ("go on without sound", ""),
        ("look again", "no"),
        ("what kind of server", kind),
        ("server", server),
        ("user", user),
        ("password", password),
        ("country", "uk"),
        ("time zone", ""),
        ("hear the dial tone", ""),
        ("lifting the handset gives", ""),
        ("let the bell ring", "no"),
        ("gain of the ear piece", ""),
        ("gain of the microphone", ""),
        ("number for a test call", number),
    ]


def walk(person: Person, wanted: list[tuple[str, str]], other: PhoneDaemon) -> tuple[float, int]:
    """The whole wizard at a console where nobody has been before; `other` takes the test call.

    Answers seconds and keys, from the word setup to the phone that is set up.
    """
    person.expect("no password yet")
    person.choose_password()
    hand = CountingPerson(person)
    begun = time.monotonic()
    hand.type("setup")
    for question, text in wanted:
        hand.answer(question, text)
    other.expect_state("alerting")
    other.lift()
    person.expect("established")
    person.type("\x03")
    hand.keys += 1
    person.expect("The call was answered.")
    person.expect("This phone is set up.", ADMIN)
    return time.monotonic() - begun, hand.keys
