"""Decides which act a call of a service begins with: by the number that was called, for whom, and who calls."""

from collections.abc import Callable

from device.daemon.services.local_clock import WallClock, local_time
from device.daemon.services.mailboxes import MailboxFiles
from device.daemon.services.prompts import PromptBook
from device.exchange.services.acts import Act, EchoTest, Music, SpeakingClock
from device.exchange.services.conference import ConferenceVisit, Rooms
from device.exchange.services.numbers import Service, ServiceNumbers
from device.exchange.services.paging import PagingSpeech
from device.exchange.services.settings import ServiceSettings
from device.exchange.services.voicemail import MessageTaking, VoicemailLimits
from device.exchange.services.voicemail_menu import MenuSurroundings, VoicemailMenu
from device.model import CallId
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.events import IncomingCall
from device.sip.uri import host_key, parse_uri


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who calls a service. The exchange has let nobody pass who writes a user of ours into From and is not."""

    user: str
    """A user of ours; "" for somebody from elsewhere."""
    address: str
    """What a message says of who has left it: the user, or the whole URI."""
    name: str


class Concierge:
    """Makes acts. `numbers` are the current ones."""

    def __init__(
        self, domain: str, settings: ServiceSettings, numbers: ServiceNumbers, mailboxes: MailboxFiles
    ) -> None:
        self.domain = domain
        self.numbers = numbers
        self.mailboxes = mailboxes
        self.rooms = Rooms(settings.conference_members)
        self.is_page_heard: Callable[[CallId], bool] = lambda call_id: True
        """Set by whoever makes the calls of pages: whether anybody can still hear that of a speaker."""
        self._take(settings)

    def _take(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self.prompts = PromptBook(settings.prompts)
        self.rooms.most_members = settings.conference_members
        limits = VoicemailLimits(settings.message_s, settings.message_quiet_s)
        self._surroundings = MenuSurroundings(self.mailboxes, self.prompts, WallClock(), local_time, limits)

    def configure(self, settings: ServiceSettings, numbers: ServiceNumbers) -> None:
        """Take other settings; calls that are under way end as they began."""
        self.numbers = numbers
        self.mailboxes.settings = settings
        self._take(settings)

    def visitor(self, event: IncomingCall) -> Visitor:
        """Who calls."""
        user = self._own_user(event.caller)
        return Visitor(user, user or event.caller, event.caller_name)

    def act(self, service: Service, event: IncomingCall) -> Act | None:
        """What the caller goes through; None for a box that is not there."""
        visitor = self.visitor(event)
        match service.kind:
            case "echo":
                return EchoTest()
            case "time":
                return SpeakingClock(WallClock(), self.prompts)
            case "music":
                return Music(self._settings.music_file)
            case "conference":
                return ConferenceVisit(self.rooms, service.argument, event.call_id, self._settings.conference_pin)
            case "paging":
                group, call_id = self.numbers.groups[service.argument], event.call_id
                return PagingSpeech(group, self._settings.page_s, lambda: self.is_page_heard(call_id))
            case "deposit":
                return self._deposit(service.argument, visitor) if self.mailboxes.has(service.argument) else None
        box = self._box_called(event)
        if box:
            return self._deposit(box, visitor)
        return VoicemailMenu(self._surroundings, visitor.user if self.mailboxes.has(visitor.user) else "", trusted=True)

    def _deposit(self, box: str, visitor: Visitor) -> Act:
        def menu(box: str) -> Act:
            return VoicemailMenu(self._surroundings, box, trusted=False)

        limits = self._surroundings.limits
        return MessageTaking(self.mailboxes, box, visitor.address, visitor.name, limits, menu)

    def _box_called(self, event: IncomingCall) -> str:
        """Whose call was sent on to voicemail: the last who did so by his own word (RFC 5806), else whom To means."""
        diverted = event.facts.diverted_by if event.facts is not None else ()
        for address in (*(text.partition(" (")[0] for text in diverted), event.called):
            user = self._own_user(address)
            if self.mailboxes.has(user):
                return user
        return ""

    def _own_user(self, address: str) -> str:
        """The user part of an address in our domain, "" for others."""
        try:
            uri = parse_uri(address)
        except SipParseError:
            return ""
        return uri.user if uri.is_sip and host_key(uri.host) == host_key(self.domain) else ""
