"""Which service a number means."""

from collections.abc import Iterable

from device.annotations import Final
from device.exchange.services.orders import PagingGroup
from device.exchange.services.settings import PATTERN_CHARACTER, ServiceSettings
from device.records import dataclass
from device.sip.header_syntax import is_digits

FOR_STRANGERS: Final = ("echo", "time", "music", "conference")
"""What callers from elsewhere may be let in to."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a number means: "voicemail", "deposit", "echo", "time", "music", "conference" or "paging"."""

    kind: str
    argument: str = ""
    """The box of a deposit, the room of a conference, the number of a paging group."""


class ServiceNumbers:
    """The numbers of all services, as they are now."""

    def __init__(self, settings: ServiceSettings, groups: Iterable[PagingGroup] = ()) -> None:
        self._settings = settings
        self.groups = {group.number: group for group in groups}

    @property
    def music(self) -> str:
        """The number of the music; "" for none."""
        return self._settings.music

    def find(self, number: str) -> Service | None:
        """The service of a number; None for one that is none."""
        settings = self._settings
        if number in self.groups:
            return Service("paging", number)
        for kind in ("echo", "time", "music"):
            if number and number == getattr(settings, kind):
                return Service(kind)
        if settings.voicemail and number.startswith(settings.voicemail):
            box = number.removeprefix(settings.voicemail)
            return Service("deposit", box) if box else Service("voicemail")
        if _matches(settings.conference, number):
            return Service("conference", number)
        return None

    def open_to_strangers(self, number: str) -> bool:
        """Whether somebody whom nobody has proven may call a number."""
        service = self.find(number)
        return service is not None and self._settings.strangers and service.kind in FOR_STRANGERS

    @property
    def any(self) -> bool:
        """Whether there is any service."""
        settings = self._settings
        own = (settings.voicemail, settings.echo, settings.time, settings.music, settings.conference)
        return bool(self.groups) or any(own)


def _matches(pattern: str, number: str) -> bool:
    """Whether a number is one of a pattern, in which X is any digit."""
    return bool(pattern) and len(pattern) == len(number) and all(map(_fits, pattern, number))


def _fits(wanted: str, letter: str) -> bool:
    return letter == wanted or (wanted == PATTERN_CHARACTER and is_digits(letter))
