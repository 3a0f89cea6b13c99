"""Paging: one speaks, a group of phones lets it be heard at once, by multicast, by calls that they answer, or both."""

from collections.abc import Callable

from device.annotations import Final
from device.exchange.services.acts import END_KEY
from device.exchange.services.happenings import Happening, KeyPressed, Said, TimePassed
from device.exchange.services.orders import Chime, HangUp, Order, Page, PagingGroup, Say


class PagingSpeech:
    """The phones are called; after a tone for all of them the caller speaks, until it hangs up or for too long."""

    ANSWERED_AFTER_S: Final = 1.5
    """Phones that answer by themselves have done so by then."""

    def __init__(self, group: PagingGroup, longest_s: float, is_heard: Callable[[], bool]) -> None:
        """`is_heard` tells whether any phone of the group, or a multicast, can still be reached."""
        self._is_heard = is_heard
        self._leaving = False
        self._group = group
        self._longest_s = longest_s
        self._deadline: float | None = None
        self._speaking = False

    def begin(self, now: float) -> Order | None:
        self._deadline = now + self.ANSWERED_AFTER_S
        return Page(self._group)

    def receive(self, happened: Happening, now: float) -> Order | None:
        match happened:
            case Said() if self._leaving:
                return HangUp()
            case TimePassed() if not self._speaking and not self._is_heard():
                self._deadline, self._leaving = None, True
                return Say(("nobody-hears", "goodbye"))
            case TimePassed() if not self._speaking:
                self._speaking = True
                self._deadline = now + self._longest_s
                return Chime()
            case TimePassed():
                return HangUp()
            case KeyPressed(digit) if digit == END_KEY:
                return HangUp()
        return None

    def next_timeout(self) -> float | None:
        return self._deadline
