"""What the owner of a voicemail box goes through: box and PIN where they are needed, then message after message."""

from collections.abc import Callable
from enum import Enum

from device.annotations import ClassVar, Final
from device.exchange.services.acts import END_KEY, LocalClock
from device.exchange.services.happenings import Happening, KeyPressed, RecordingFinished, Said, TimePassed
from device.exchange.services.orders import HangUp, Order, Part, Record, Say, SoundFile
from device.exchange.services.spoken import SpokenTime, Vocabulary, clock_words, digit_words, number_words
from device.exchange.services.voicemail import Mailboxes, Message, VoicemailLimits
from device.records import dataclass

LONGEST_NUMBER: Final = 20
TRIES: Final = 3
"""So many wrong PINs, or prompts that nobody answers; then it hangs up."""
KEY_PATIENCE_S: Final = 6.0
"""Without a key for so long the caller is asked again."""


class MenuStates(Enum):
    """Where the owner is."""

    BOX = "box"
    """Asked for the number of the box."""
    PIN = "pin"
    SUMMARY = "summary"
    """Hears how many messages there are."""
    MESSAGE = "message"
    """Hears one."""
    CHOICE = "choice"
    """Hears which keys there are, or has heard it."""
    GREETING = "greeting"
    """Asked to say a greeting."""
    GREETING_RECORDING = "greeting-recording"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True)
class MenuSurroundings:
    """What every menu needs."""

    mailboxes: Mailboxes
    vocabulary: Vocabulary
    clock: LocalClock
    time_of: Callable[[float], SpokenTime]
    """The local time of a Unix time."""
    limits: VoicemailLimits


class VoicemailMenu:
    """Keys: 1 again, 2 keep, 3 delete, 4 previous, 5 next, 0 greeting, * the keys there are, # goodbye."""

    def __init__(self, surroundings: MenuSurroundings, box: str, trusted: bool) -> None:
        """`trusted` says that it is the owner of `box` who calls, whom its phone has proven to be."""
        self._mailboxes = surroundings.mailboxes
        self._with = surroundings
        self._box = box
        self._trusted = trusted
        self._state = MenuStates.BOX
        self._typed = ""
        self._tries = 0
        self._messages: list[Message] = []
        self._index = 0
        self._deadline: float | None = None

    # The act.

    def begin(self, now: float) -> Order | None:
        if not self._box:
            return self._ask(MenuStates.BOX)
        if self._mailboxes.has_pin(self._box) or not self._trusted:
            return self._ask(MenuStates.PIN)
        return self._summarise()

    def receive(self, happened: Happening, now: float) -> Order | None:
        if isinstance(happened, KeyPressed | TimePassed):
            self._deadline = None
        if isinstance(happened, KeyPressed):
            step = self._KEYS.get(self._state)
            return None if step is None else step(self, happened.digit, now)
        other = self._STEPS.get((self._state, type(happened)))
        return None if other is None else other(self, now)

    def next_timeout(self) -> float | None:
        return self._deadline

    # Who it is.

    def _ask(self, state: MenuStates, *before: Part) -> Order:
        self._state, self._typed = state, ""
        return Say((*before, "enter-mailbox" if state is MenuStates.BOX else "enter-pin"))

    def _wait(self, now: float) -> Order | None:
        self._deadline = now + KEY_PATIENCE_S
        return None

    def _type(self, digit: str, now: float) -> Order | None:
        if digit != END_KEY:
            self._typed = (self._typed + digit)[:LONGEST_NUMBER]
            return self._wait(now)
        if self._state is MenuStates.BOX and self._typed:
            self._box = self._typed
            return self._ask(MenuStates.PIN)
        return self._check_pin(now)

    def _check_pin(self, now: float) -> Order | None:
        # A box without a PIN opens from its own phone alone; nobody is told which boxes there are.
        if self._box and self._mailboxes.opens(self._box, self._typed, now):
            self._tries = 0
            return self._summarise()
        self._tries += 1
        if self._tries >= TRIES:
            return self._leave("wrong")
        return self._ask(MenuStates.PIN if self._box else MenuStates.BOX, "wrong")

    def _ask_again(self, now: float) -> Order | None:
        self._tries += 1
        return self._leave() if self._tries >= TRIES else self._ask(self._state)

    # Message after message.

    def _summarise(self) -> Order:
        self._state = MenuStates.SUMMARY
        self._messages = list(self._mailboxes.messages(self._box))
        self._index = 0
        new = sum(not message.heard for message in self._messages)
        old = len(self._messages) - new
        words: tuple[Part, ...] = ("you-have", *self._count(new, "new-message"))
        if old:
            words = (*words, "and", *self._count(old, "old-message"))
        return Say(words)

    def _count(self, number: int, noun: str) -> tuple[str, ...]:
        count = number_words(number, self._with.vocabulary) if number else ("no",)
        return (*count, noun if number == 1 else noun + "s")

    def _play(self, now: float) -> Order | None:
        """The message at hand, with what is known of it before it; the menu where there is none."""
        if not self._messages:
            return self._offer_keys(now)
        self._state = MenuStates.MESSAGE
        message = self._messages[self._index]
        return Say((*self._introduction(message, now), SoundFile(message.path)))

    def _introduction(self, message: Message, now: float) -> tuple[Part, ...]:
        vocabulary = self._with.vocabulary
        number = digit_words(message.caller.removeprefix("sip:").partition("@")[0])
        who = ("from", *number) if number else ("from-somebody",)
        at, today = self._with.time_of(message.received_at), self._with.clock.at(now).day
        days = today - at.day
        day = (
            ("today",) if days <= 0 else ("yesterday",) if days == 1 else (*number_words(days, vocabulary), "days-ago")
        )
        kind = "old-message" if message.heard else "new-message"
        return (kind, *who, *day, "at", *clock_words(at, vocabulary))

    def _heard(self, now: float) -> Order | None:
        self._mark(heard=True)
        return self._offer_keys(now)

    def _mark(self, *, heard: bool) -> None:
        if self._messages:
            self._mailboxes.mark_heard(self._messages[self._index], heard)

    def _offer_keys(self, now: float) -> Order | None:
        self._state = MenuStates.CHOICE
        return Say(("message-keys", "common-keys") if self._messages else ("common-keys",))

    def _offer_keys_again(self, now: float) -> Order | None:
        self._tries += 1
        return self._leave() if self._tries >= TRIES else self._offer_keys(now)

    def _choose(self, digit: str, now: float) -> Order | None:
        self._tries = 0
        choice = self._CHOICES.get(digit)
        return self._offer_keys(now) if choice is None else choice(self, now)

    def _keep(self, now: float) -> Order | None:
        self._mark(heard=True)
        return self._move(1, now, "kept") if self._messages else self._offer_keys(now)

    def _delete(self, now: float) -> Order | None:
        if not self._messages:
            return self._offer_keys(now)
        self._mailboxes.delete(self._messages.pop(self._index))
        self._index -= 1
        return self._move(1, now, "deleted")

    def _previous(self, now: float) -> Order | None:
        return self._move(-1, now)

    def _next(self, now: float) -> Order | None:
        return self._move(1, now)

    def _move(self, step: int, now: float, *before: Part) -> Order | None:
        """To the next or the previous message; past the end the keys are offered."""
        index = self._index + step
        if 0 <= index < len(self._messages):
            self._index = index
            playing = self._play(now)
            assert isinstance(playing, Say)
            return Say((*before, *playing.parts))
        self._index = max(0, min(self._index, len(self._messages) - 1))
        self._state = MenuStates.CHOICE
        return Say((*before, "no-more-messages", "common-keys"))

    # The greeting.

    def _ask_for_greeting(self, now: float) -> Order | None:
        self._state = MenuStates.GREETING
        return Say(("record-greeting", "beep"))

    def _record_greeting(self, now: float) -> Order | None:
        draft = self._mailboxes.begin_greeting(self._box)
        if draft is None:
            self._state = MenuStates.CHOICE
            return Say(("mailbox-full", "common-keys"))
        self._state = MenuStates.GREETING_RECORDING
        limits = self._with.limits
        return Record(draft, limits.longest_s, limits.quiet_s)

    def _end_greeting(self, digit: str, now: float) -> Order | None:
        return self._greeting_recorded(now) if digit == END_KEY else None

    def _greeting_recorded(self, now: float) -> Order | None:
        self._state = MenuStates.CHOICE
        return Say(("greeting-saved", "common-keys"))

    # The end.

    def _say_goodbye(self, now: float) -> Order | None:
        return self._leave()

    def _leave(self, *before: Part) -> Order:
        self._state = MenuStates.LEAVING
        return Say((*before, "goodbye"))

    def _hang_up(self, now: float) -> Order | None:
        return HangUp()

    _CHOICES: ClassVar = {
        "0": _ask_for_greeting,
        "1": _play,
        "2": _keep,
        "3": _delete,
        "4": _previous,
        "5": _next,
        "*": _offer_keys,
        "#": _say_goodbye,
    }
    _KEYS: ClassVar = {
        MenuStates.BOX: _type,
        MenuStates.PIN: _type,
        MenuStates.SUMMARY: _choose,
        MenuStates.MESSAGE: _choose,
        MenuStates.CHOICE: _choose,
        MenuStates.GREETING_RECORDING: _end_greeting,
    }
    """What a key does in each state; elsewhere it does nothing."""
    _STEPS: ClassVar = {
        (MenuStates.BOX, Said): _wait,
        (MenuStates.BOX, TimePassed): _ask_again,
        (MenuStates.PIN, Said): _wait,
        (MenuStates.PIN, TimePassed): _ask_again,
        (MenuStates.SUMMARY, Said): _play,
        (MenuStates.MESSAGE, Said): _heard,
        (MenuStates.CHOICE, Said): _wait,
        (MenuStates.CHOICE, TimePassed): _offer_keys_again,
        (MenuStates.GREETING, Said): _record_greeting,
        (MenuStates.GREETING_RECORDING, RecordingFinished): _greeting_recorded,
        (MenuStates.LEAVING, Said): _hang_up,
    }
    """What is not here changes nothing."""
