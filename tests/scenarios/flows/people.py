"""Who takes part in a call flow: people at phones, exchanges as proxies, a redirect server; each a station."""

from collections.abc import Callable
from itertools import repeat

from device.exchange.exchange import Exchange
from device.exchange.settings import ExchangeSettings
from device.ids import CountingIds
from device.model import Account, AccountId, Binding, CallId, Credential
from device.records import replace
from device.sip.client_auth import ClientAuth
from device.sip.digest import ha1
from device.sip.endpoint import SipEndpoint
from device.sip.errors import SipStateError
from device.sip.events import CallEnded, CallEstablished, IncomingCall, OfferReceived, RegistrationChanged
from device.sip.feature_events import TransferFinished, TransferRequested
from device.sip.hop import DEFAULT_PORTS, TLS, Hop, NextHop
from device.sip.message import Request, Response
from device.sip.settings import UserAgentSettings
from device.sip.timers import SipTimers
from device.sip.transaction_layer import (
    ClientKey,
    RequestReceived,
    ResponseReceived,
    TransactionEvent,
    TransactionLayer,
)
from device.sip.user_agent import UserAgent
from tests.scenarios.flows.network import Address, Network, Station, address_in_network
from tests.support.canary import CANARY
from tests.support.wire_rules import WireRules

OFFER = b"v=0 an offer"
ANSWER = b"v=0 an answer"
PASSWORD = f"secret {CANARY}"
LINE = AccountId("line")
LONG_AGO_UNIX_S = 1e6
FAR_AWAY_S = 1e9
"""When bindings end that are there from the start: never, as far as a flow is concerned."""

TLS_PORT = DEFAULT_PORTS[TLS]
THINK_S = 0.3
"""A phone rings this long after the INVITE came, so that every element before it has said 100."""
ANSWER_S = 2.0


class Person:
    """A phone and who sits at it: `will` says what to do about an event of a kind.

    By default a person who is called lets it ring for a while and answers, and agrees to every change of the session.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        domain: str = "",
        proxy: str = "",
        settings: UserAgentSettings | None = None,
        **account: object,
    ) -> None:
        self.name = name
        self.address = address
        ids = CountingIds(f"{name}-")
        settings = replace(settings or UserAgentSettings(), ip_call_user=name)
        self.agent = UserAgent(settings, SipTimers(), ids, lambda _transport, _host: self.address)
        self.endpoint = SipEndpoint(self.agent, SipTimers(), ids, lambda _hop: self.address)
        self.station = Station(name, address, self.endpoint, self._receive_event)
        self.rules = WireRules(self.endpoint)
        self.network: Network
        self.events: list[object] = []
        self._call_ids: list[CallId] = []
        """All calls, the newest last."""
        self.account_id = LINE if domain else None
        if domain:
            fields: dict[str, object] = {"outbound_proxy": proxy, "password": PASSWORD, **account}
            user = str(fields.pop("user", name))
            credential = Credential(user, password=str(fields.pop("password")))
            self.agent.add_account(Account(LINE, user, domain, **fields), credential)  # type: ignore[arg-type]
        self.will: dict[type, Callable[..., None]] = {
            IncomingCall: self._be_called,
            OfferReceived: self._agree,
            TransferRequested: self._call_another,
        }

    def _receive_event(self, event: object, _now: float) -> None:
        self.events.append(event)
        if isinstance(event, IncomingCall):
            self._call_ids.append(event.call_id)
        do = self.will.get(type(event))
        if do is not None:
            do(event)

    # What people do.

    def call(self, target: str, offer: bytes = OFFER) -> None:
        call_id = CallId(f"{self.name}-calls-{len(self._call_ids) + 1}")
        self._call_ids.append(call_id)
        self.agent.invite(call_id, target, offer, self.account_id, self.network.now)

    def hang_up(self, after_s: float = 0.0) -> None:
        """Hang up the newest call."""
        if self._call_ids:
            call_id = self._call_ids[-1]
            self.network.plan(after_s, lambda: self.agent.hang_up(call_id, self.network.now))

    def register(self) -> None:
        self.agent.start_registration(LINE, self.network.now)

    def unregister(self) -> None:
        self.agent.stop_registration(LINE, self.network.now)

    def leave(self) -> None:
        """Hang up every call."""
        for call_id in self._call_ids:
            self.agent.hang_up(call_id, self.network.now)

    def change(self, offer: bytes = OFFER) -> None:
        """Offer another session in the newest call."""
        self.agent.reoffer(self._call_ids[-1], offer, self.network.now)

    def send_on(self, call_id: CallId, target: str, joined: CallId | None = None) -> None:
        """Transfer a call; if its other side has hung up meanwhile, end the one that it was to be joined with."""
        try:
            self.agent.transfer(call_id, target, self.network.now, joined)
        except SipStateError:
            self.agent.hang_up(joined or call_id, self.network.now)

    def refuse(self, status: int) -> Callable[[IncomingCall], None]:
        """Refuses every call, soon."""

        def do(event: IncomingCall) -> None:
            self.network.plan(THINK_S, lambda: self.agent.reject(event.call_id, status, self.network.now))

        return do

    def ring(self, event: IncomingCall) -> None:
        """Let it ring and do no more."""
        self.network.plan(THINK_S, lambda: self.agent.ring(event.call_id, self.network.now))

    def _be_called(self, event: IncomingCall) -> None:
        replaced = event.facts.replaces if event.facts is not None else None
        if replaced is not None:
            self.agent.answer(event.call_id, ANSWER, self.network.now)
            self.agent.hang_up(replaced, self.network.now)
            return
        self.ring(event)
        sdp = ANSWER if event.offer else OFFER
        self.network.plan(ANSWER_S, lambda: self.agent.answer(event.call_id, sdp, self.network.now))

    def _agree(self, event: OfferReceived) -> None:
        self.agent.accept_offer(event.call_id, ANSWER if event.offer else OFFER, self.network.now)

    def _call_another(self, event: TransferRequested) -> None:
        self._call_ids.append(CallId(f"{self.name}-is-sent"))
        self.agent.accept_transfer(event.transfer_id, self._call_ids[-1], OFFER, self.network.now)

    # What became of it.

    @property
    def standing(self) -> int:
        """How many calls of this person are up."""
        up = {event.call_id for event in self.events if isinstance(event, CallEstablished)}
        return len(up - {event.call_id for event in self.events if isinstance(event, CallEnded)})

    def outcome(self) -> list[str]:
        """What this person would tell of it afterwards; whether the other phone was heard ringing does not count."""
        words = []
        for event in self.events:
            match event:
                case IncomingCall():
                    words.append("called")
                case CallEstablished():
                    words.append("connected")
                case OfferReceived():
                    words.append("changed")
                case TransferRequested():
                    words.append("sent on")
                case TransferFinished(_, status):
                    words.append(f"transferred {status}")
                case CallEnded(_, cause):
                    words.append(f"ended {cause.status}{' here' if cause.local else ''}")
                case RegistrationChanged(_, state, status):
                    words.append(f"{state.value} {status}")
        return words


class Proxy:
    """An exchange as the proxy of one domain; `users` are where they were registered before the flow begins.

    `asks_everybody`: also strangers have to prove who they are. With `further` addresses it is in several networks.
    `preferences` are the q of each user's places.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        domain: str,
        users: dict[str, list[Address]] | None = None,
        asks_everybody: bool = False,
        further: tuple[Address, ...] = (),
        preferences: dict[str, tuple[float, ...]] | None = None,
        **settings: object,
    ) -> None:
        self.name = name
        ids = CountingIds(f"{name}-")

        def seen_as(transport: str, host: str) -> Address:
            own, port = address_in_network((address, *further), host)
            return own, TLS_PORT if transport == TLS else port

        bindings = [
            Binding(f"sip:{user}@{domain}", f"sip:{user}@{host}:{port}", FAR_AWAY_S, "before", 1, q)
            for user, addresses in (users or {}).items()
            for (host, port), q in zip(addresses, (preferences or {}).get(user) or repeat(1.0), strict=False)
        ]
        strangers = "challenge" if asks_everybody else "call"
        self.exchange = Exchange(
            ExchangeSettings(domain=domain, strangers=strangers, **settings),  # type: ignore[arg-type]
            lambda user: _credential(user, domain),
            seen_as,
            ids,
            bindings,
            LONG_AGO_UNIX_S,
        )
        self.endpoint = SipEndpoint(self.exchange, SipTimers(), ids, lambda hop: seen_as(hop.transport, hop.host))
        self.station = Station(name, address, self.endpoint, lambda _event, _now: None, further)


def _credential(user: str, domain: str) -> Credential:
    return Credential(user, domain, (("SHA-256", ha1("SHA-256", user, domain, PASSWORD)),))


class Desk:
    """Somebody who asks the registrar which contacts there are (RFC 3261 section 10.2.3), without being a phone."""

    def __init__(self, name: str, address: Address, user: str, domain: str) -> None:
        self.name = name
        self.answers: list[Response] = []
        self._user = user
        self._domain = domain
        self._layer: TransactionLayer
        self._ids = ids = CountingIds(f"{name}-")
        self._auth = ClientAuth(Credential(user, password=PASSWORD), ids)
        self._sent: dict[ClientKey, Request] = {}
        self.endpoint = SipEndpoint(self, SipTimers(), ids, lambda _hop: address)
        self.station = Station(name, address, self.endpoint, lambda _event, _now: None)

    def fetch(self, now: float) -> None:
        request = Request("REGISTER", f"sip:{self._domain}")
        for name, value in (
            ("Max-Forwards", "70"),
            ("From", f"<sip:{self._user}@{self._domain}>;tag={self._ids.tag()}"),
            ("To", f"<sip:{self._user}@{self._domain}>"),
            ("Call-ID", self._ids.call_id()),
            ("CSeq", "1 REGISTER"),
            ("User-Agent", "offhook"),
        ):
            request.headers.add(name, value)
        self._send(request, now)

    def _send(self, request: Request, now: float) -> None:
        self._sent[self._layer.send_request(request, NextHop(self._domain), now)] = request

    def bind(self, layer: TransactionLayer) -> None:
        self._layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        if not isinstance(event, ResponseReceived):
            return
        self.answers.append(event.response)
        if event.response.status == 401:
            again = self._auth.challenge_received(event.response, self._sent[event.key])
            assert again is not None
            self._send(again, now)

    def handle_timeout(self, now: float) -> None:
        pass

    def next_timeout(self) -> float | None:
        return None

    def connection_closed(self, source: Hop, now: float) -> None:
        pass

    def next_event(self) -> object | None:
        return None


class RedirectServer:
    """Answers every INVITE with 302 and one contact."""

    def __init__(self, name: str, address: Address, contact: str) -> None:
        self.name = name
        self._contact = contact
        self._layer: TransactionLayer
        ids = CountingIds(f"{name}-")
        self._ids = ids
        self.endpoint = SipEndpoint(self, SipTimers(), ids, lambda _hop: address)
        self.station = Station(name, address, self.endpoint, lambda _event, _now: None)

    def bind(self, layer: TransactionLayer) -> None:
        self._layer = layer

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        if isinstance(event, RequestReceived):
            response = event.request.response(302, to_tag=self._ids.tag())
            response.headers.add("Contact", f"<{self._contact}>")
            self._layer.send_response(event.key, response, now)

    def handle_timeout(self, now: float) -> None:
        pass

    def next_timeout(self) -> float | None:
        return None

    def connection_closed(self, source: Hop, now: float) -> None:
        pass

    def next_event(self) -> object | None:
        return None
