"""The services in the process of the exchange: made when the first one gets a number, told when settings change."""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Any
from device.daemon.services.concierge import Concierge
from device.daemon.services.host import ServiceHost, Surroundings
from device.daemon.services.load import load_groups, load_settings
from device.daemon.services.mailboxes import MailboxFiles
from device.errors import DeviceError
from device.exchange.exchange import Exchange
from device.exchange.services.numbers import ServiceNumbers
from device.exchange.services.settings import ServiceSettings
from device.ids import SystemIds
from device.net.interfaces import Reactor
from device.records import dataclass
from device.store.database import Database

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExchangeParts:
    """What the services need of the exchange's process."""

    loop: Reactor
    exchange: Exchange
    database: Database
    domain: str
    address: tuple[str, int]
    """Where the exchange listens, with "" for every address."""
    has_user: Callable[[str], bool]
    surroundings: Surroundings


class ServiceOffice:
    """Owner of the services' host. `pump` it with the exchange."""

    def __init__(self, parts: ExchangeParts) -> None:
        self._parts = parts
        self._ids = SystemIds()
        self.mailboxes = MailboxFiles(parts.database, ServiceSettings(), self._ids, parts.has_user)
        self.mailboxes.on_change = self._messages_changed
        parts.exchange.house.message_counts = self._counts
        self.host: ServiceHost | None = None

    def configure(self, now: float) -> None:
        """Take what is configured now. Raises StoreError, and NetError where the services cannot listen."""
        database, exchange = self._parts.database, self._parts.exchange
        settings = load_settings(database)
        for fault in settings.faults():
            logger.error("%s; `offhook exchange service set` puts it right", fault)
        numbers = ServiceNumbers(settings, load_groups(database))
        exchange.house.message_account = settings.voicemail
        if not numbers.any:
            exchange.services = None
            return
        if self.host is None:
            self.mailboxes.settings = settings
            concierge = Concierge(self._parts.domain, settings, numbers, self.mailboxes)
            parts = self._parts
            host = ServiceHost(parts.loop, self._ids, parts.address, settings, concierge, parts.surroundings)
            host.open(now)
            self.host = host
            logger.info("the services are on")
        else:
            self.host.configure(settings, numbers)
        exchange.services = self.host.switch

    def pump(self, now: float) -> float | None:
        """Do what is due; answers the next deadline."""
        return self.host.pump(now) if self.host is not None else None

    def status(self) -> dict[str, Any]:
        """What only a running exchange knows, for commands."""
        calls = self.host.calls() if self.host is not None else []
        return {"service_calls": calls}

    def _messages_changed(self, box: str) -> None:
        """Tell the owner's phones (RFC 3842); the loop must turn once more for that to be sent."""
        loop = self._parts.loop
        self._parts.exchange.house.messages_changed(box, loop.now())
        loop.call_soon_threadsafe(_nothing)

    def _counts(self, user: str) -> tuple[int, int]:
        try:
            return self.mailboxes.counts(user)
        except DeviceError as error:
            logger.error("the messages of %s cannot be counted: %s", user, error)
            return 0, 0

    def close(self, now: float) -> None:
        """End all calls of services."""
        self._parts.exchange.services = None
        if self.host is not None:
            self.host.close(now)
            self.host = None


def _nothing() -> None:
    """Wakes the loop, which then sends what waits."""
