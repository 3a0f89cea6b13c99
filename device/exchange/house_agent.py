"""The exchange as a user agent of its own: registers at providers, tells watchers and delivers messages."""

from collections.abc import Iterator

from device.exchange.route_set import OwnAddress
from device.ids import IdSource
from device.model import Account, Credential
from device.sip.core import Core
from device.sip.events import SipEvent
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.registration import Registration
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.transaction import (
    ClientKey,
    HopFailed,
    KeepAliveAnswered,
    KeepAliveLost,
    ResponseReceived,
    TransactionEvent,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from device.sip.transaction_layer import TransactionLayer
from device.sip.user_agent_client import UserAgentClient
from device.timing import earliest


class HouseAgent:
    """The cores of the phone's user agent that the exchange uses for requests of its own."""

    def __init__(self, server: str, ids: IdSource, own_address: OwnAddress) -> None:
        self.core = Core(UserAgentSettings(user_agent=server), SipTimers(), ids, own_address)
        self.client = UserAgentClient(self.core)
        self._registrations: dict[str, Registration] = {}

    def bind(self, layer: TransactionLayer) -> None:
        """Told once through which layer to send."""
        self.core.layer = layer

    def identity(self, account: Account, credential: Credential | None) -> Identity:
        """Who the exchange is at one server; raises SipStateError for server names that cannot be read."""
        return Identity(self.core, account, credential)

    def registration(self, identity: Identity) -> Registration:
        """A registration under that identity, not begun yet; one that is being taken back is forgotten for it."""
        registration = Registration(self.core, self.client, identity)
        self._registrations[str(identity.account_id)] = registration
        return registration

    def forget_registration(self, name: str, now: float) -> None:
        """Take a registration back."""
        registration = self._registrations.get(name)
        if registration is not None:
            registration.stop(now)

    def registrations(self) -> Iterator[Registration]:
        """All that there are."""
        return iter(tuple(self._registrations.values()))

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        """Take an event of the transaction layer; those of requests that are not ours change nothing."""
        match event:
            case ResponseReceived(key, response, source):
                self.client.receive_response(key, response, source, now)
            case TransactionTimedOut(ClientKey() as key):
                self.client.receive_failure(key, 408, "no answer from the network", now)
            case TransportFailed(ClientKey() as key, reason):
                self.client.receive_failure(key, 503, f"cannot reach the other side: {reason}", now)
            case TransactionTerminated(ClientKey() as key):
                self.client.forget(key)
            case KeepAliveAnswered() | KeepAliveLost():
                for registration in self.registrations():
                    registration.receive_keepalive(event, now)
            case HopFailed(hop):
                for registration in self.registrations():
                    home = registration.identity.home_hop
                    if home is not None and home.is_same_path(hop):
                        registration.connection_lost(now)
            case _:
                pass

    def connection_closed(self, source: Hop, now: float) -> None:
        """A connection ended: who registered over it does so anew."""
        for registration in self.registrations():
            flow = registration.flow
            if flow is not None and flow.connection is not None and flow.connection == source.connection:
                registration.connection_lost(now)

    def handle_timeout(self, now: float) -> None:
        """Do all that is due at `now`."""
        for registration in self.registrations():
            registration.handle_timeout(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return earliest(*(registration.next_timeout() for registration in self._registrations.values()))

    def next_event(self) -> SipEvent | None:
        """The oldest event not yet taken: what registrations became, and realms that servers named."""
        return self.core.events.popleft() if self.core.events else None
