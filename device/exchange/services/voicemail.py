"""Voicemail: what is kept in a box, and the act that takes a message for somebody who does not answer."""

from collections.abc import Callable
from enum import Enum

from device.annotations import ClassVar, Final, Protocol
from device.exchange.services.acts import END_KEY, Act
from device.exchange.services.happenings import Happening, KeyPressed, RecordingFinished, Said
from device.exchange.services.orders import Become, Draft, HangUp, Order, Record, Say, SoundFile
from device.records import dataclass

LOGIN_KEY: Final = "*"
"""Pressed in the greeting it leads to the menu of the box, for an owner who calls from elsewhere."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message in a box."""

    name: str
    """Unique, and the name of its file without folder and ending."""
    box: str
    """The user that it is for."""
    caller: str
    """Who left it: a user or number, or a whole URI for somebody from elsewhere; empty for somebody unknown."""
    caller_name: str
    received_at: float
    """Unix time."""
    seconds: float
    heard: bool
    path: str
    """The WAV file."""


@dataclass(frozen=True, slots=True)
class VoicemailLimits:
    """How much a box takes."""

    longest_s: float
    quiet_s: float


class Mailboxes(Protocol):
    """The boxes of all users, on the disk."""

    def has(self, box: str) -> bool:
        """Whether there is a user of that name."""

    def has_pin(self, box: str) -> bool:
        """Whether its owner has set a PIN."""

    def opens(self, box: str, pin: str, now: float) -> bool:
        """Whether `pin` is that of the box; too many wrong ones lock it for a while."""

    def messages(self, box: str) -> tuple[Message, ...]:
        """New ones first, each kind from the oldest to the newest."""

    def mark_heard(self, message: Message, heard: bool) -> None:
        """Say whether a message is new."""

    def delete(self, message: Message) -> None:
        """Take a message away, and its file."""

    def has_room(self, box: str) -> bool:
        """Whether another message can be taken."""

    def begin(self, box: str, caller: str, caller_name: str) -> Draft | None:
        """Where to record a message; None where the box or the disk is full."""

    def greeting(self, box: str) -> str:
        """The file that callers hear, "" for the usual words."""

    def begin_greeting(self, box: str) -> Draft | None:
        """Where to record another greeting; None where the disk is full."""


MenuMaker = Callable[[str], Act]
"""Gives the menu of a box, which asks for its PIN."""


class TakingStates(Enum):
    """Where a caller is who leaves a message."""

    GREETING = "greeting"
    RECORDING = "recording"
    LEAVING = "leaving"


class MessageTaking:
    """Greeting, tone, message. # ends the greeting or the message, * leads the owner to the menu."""

    def __init__(
        self, mailboxes: Mailboxes, box: str, caller: str, caller_name: str, limits: VoicemailLimits, menu: MenuMaker
    ) -> None:
        self._mailboxes = mailboxes
        self._box = box
        self._caller = caller
        self._caller_name = caller_name
        self._limits = limits
        self._menu = menu
        self._state = TakingStates.GREETING

    def begin(self, now: float) -> Order | None:
        if not self._mailboxes.has_room(self._box):
            return self._refuse()
        path = self._mailboxes.greeting(self._box)
        return Say((SoundFile(path), "beep") if path else ("not-available", "leave-a-message", "beep"))

    def receive(self, happened: Happening, now: float) -> Order | None:
        step = self._STEPS.get((self._state, type(happened)))
        return None if step is None else step(self, happened)

    def next_timeout(self) -> float | None:
        return None

    def _key_in_greeting(self, happened: Happening) -> Order | None:
        assert isinstance(happened, KeyPressed)
        if happened.digit == END_KEY:
            return Say(("beep",))
        return Become(self._menu(self._box)) if happened.digit == LOGIN_KEY else None

    def _record(self, _: Happening) -> Order | None:
        draft = self._mailboxes.begin(self._box, self._caller, self._caller_name)
        if draft is None:
            return self._refuse()
        self._state = TakingStates.RECORDING
        return Record(draft, self._limits.longest_s, self._limits.quiet_s)

    def _refuse(self) -> Order:
        self._state = TakingStates.LEAVING
        return Say(("mailbox-full", "goodbye"))

    def _key_in_message(self, happened: Happening) -> Order | None:
        assert isinstance(happened, KeyPressed)
        return self._recorded(happened) if happened.digit == END_KEY else None

    def _recorded(self, _: Happening) -> Order | None:
        self._state = TakingStates.LEAVING
        return Say(("message-saved", "goodbye"))

    def _leave(self, _: Happening) -> Order | None:
        return HangUp()

    _STEPS: ClassVar = {
        (TakingStates.GREETING, KeyPressed): _key_in_greeting,
        (TakingStates.GREETING, Said): _record,
        (TakingStates.RECORDING, KeyPressed): _key_in_message,
        (TakingStates.RECORDING, RecordingFinished): _recorded,
        (TakingStates.LEAVING, Said): _leave,
    }
    """What is not here changes nothing."""
