"""What the exchange tells its owner, and what it asks of the services beside it."""

from device.annotations import Protocol
from device.exchange.accounting import Accounted
from device.exchange.response_context import Target
from device.model import Binding
from device.records import dataclass
from device.sip.events import SipEvent
from device.sip.hop import Hop


@dataclass(frozen=True, slots=True)
class BindingsChanged:
    """The contacts of a user are others now, and are to be stored."""

    aor: str
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class CallForwarded:
    """An INVITE of a user was sent on its way; for the log and the ladder."""

    caller: str
    called: str
    targets: int


@dataclass(frozen=True, slots=True)
class EnumWanted:
    """Ask DNS for the NAPTR records of that name, and answer by `receive_enum`."""

    name: str


ExchangeEvent = EnumWanted | Accounted | BindingsChanged | CallForwarded | SipEvent


class OwnServices(Protocol):
    """The numbers that the exchange answers itself, as voicemail; `device.exchange.services` has them."""

    def target(self, number: str) -> Target | None:
        """Where calls of a number go that is one of a service, else None."""

    def open_to_strangers(self, number: str) -> bool:
        """Whether somebody who has not proven to be a user of ours may call that service."""

    def music(self) -> Target | None:
        """Where calls go that are to hear music until somebody takes them; None without music."""

    def is_source(self, source: Hop) -> bool:
        """Whether a request comes from the services themselves."""
