"""A conference room: everybody hears all the others. A room is there as long as somebody is in it."""

from device.annotations import Final
from device.exchange.services.acts import END_KEY
from device.exchange.services.happenings import Happening, KeyPressed, Said, TimePassed
from device.exchange.services.orders import HangUp, Join, Order, Say
from device.model import CallId

MUTE_KEY: Final = "*"
PIN_TRIES: Final = 3
PIN_PATIENCE_S: Final = 10.0
LONGEST_PIN: Final = 20


class Rooms:
    """Who is in which room."""

    def __init__(self, most_members: int) -> None:
        self.most_members = most_members
        """In one room; a smaller number sends nobody out."""
        self._members: dict[str, dict[CallId, None]] = {}

    def enter(self, room: str, member: CallId) -> bool:
        """Take a place; False where there is none left."""
        members = self._members.setdefault(room, {})
        if len(members) >= self.most_members:
            return False
        members[member] = None
        return True

    def leave(self, room: str, member: CallId) -> None:
        """Give the place back; leaving twice is harmless."""
        members = self._members.get(room, {})
        members.pop(member, None)
        if not members:
            self._members.pop(room, None)

    def count(self, room: str) -> int:
        """How many are in a room."""
        return len(self._members.get(room, ()))

    def everything(self) -> dict[str, tuple[CallId, ...]]:
        """Every room that somebody is in."""
        return {room: tuple(members) for room, members in self._members.items()}


class ConferenceVisit:
    """One caller in a room. * switches its own microphone off and on, # leaves."""

    def __init__(self, rooms: Rooms, room: str, call_id: CallId, pin: str = "") -> None:
        """`pin` is asked for at the door, "" for nothing."""
        self._rooms = rooms
        self._room = room
        self._call_id = call_id
        self._pin = pin
        self._typed: str | None = "" if pin else None
        self._tries = 0
        self._deadline: float | None = None
        self._inside = False
        self._leaving = False
        self._muted = False

    def begin(self, now: float) -> Order | None:
        return self._enter() if self._typed is None else Say(("enter-pin",))

    def receive(self, happened: Happening, now: float) -> Order | None:
        match happened:
            case Said():
                return self._said(now)
            case TimePassed():
                self._deadline = None
                return self._wrong()
            case KeyPressed(digit) if self._typed is not None:
                return self._type(digit, now)
            case KeyPressed(digit) if digit == END_KEY:
                return HangUp()
            case KeyPressed(digit) if digit == MUTE_KEY and self._inside:
                self._muted = not self._muted
                return Join(self._room, self._muted)
        return None

    def next_timeout(self) -> float | None:
        return self._deadline

    def leave(self) -> None:
        """The call is over."""
        self._rooms.leave(self._room, self._call_id)

    def _said(self, now: float) -> Order | None:
        if self._leaving:
            return HangUp()
        if self._typed is not None:
            self._deadline = now + PIN_PATIENCE_S
            return None
        self._inside = True
        return Join(self._room)

    def _type(self, digit: str, now: float) -> Order | None:
        if digit != END_KEY:
            self._typed = ((self._typed or "") + digit)[:LONGEST_PIN]
            self._deadline = now + PIN_PATIENCE_S
            return None
        self._deadline = None
        if self._typed != self._pin:
            return self._wrong()
        self._typed = None
        return self._enter()

    def _wrong(self) -> Order:
        self._typed = ""
        self._tries += 1
        if self._tries < PIN_TRIES:
            return Say(("wrong", "enter-pin"))
        self._leaving = True
        return Say(("wrong", "goodbye"))

    def _enter(self) -> Order:
        first = not self._rooms.count(self._room)
        if not self._rooms.enter(self._room, self._call_id):
            self._leaving = True
            return Say(("conference-full", "goodbye"))
        if first:
            return Say(("first-in-conference",))
        self._inside = True
        return Join(self._room)
