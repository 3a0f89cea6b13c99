"""The exchange as a transaction user: decides for each request whether registrar, proxy or neither answers it."""

import logging
from collections import deque
from collections.abc import Callable

from device.exchange.authenticator import Authentication, Authenticator, Verdict
from device.exchange.location import LocationService
from device.exchange.proxy import Proxy, Received, loop_mark
from device.exchange.registrar import Registrar
from device.exchange.response_context import Target
from device.exchange.route_set import OwnAddress, OwnNames, received_hop, remove_own_routes
from device.exchange.settings import ExchangeSettings
from device.ids import IdSource
from device.model import Aor, Binding, Credential
from device.records import dataclass
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.transaction import (
    AckReceived,
    CancelReceived,
    ClientKey,
    RequestReceived,
    ResponseReceived,
    ServerKey,
    StrayResponse,
    TransactionEvent,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from device.sip.transaction_layer import TransactionLayer
from device.sip.uri import Uri, parse_uri
from device.timing import TimerSet, earliest

logger = logging.getLogger(__name__)

ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, REFER, MESSAGE, INFO, UPDATE, PRACK"

EXPIRY = "expiry"
"""The one timer of the exchange's own: the next binding ends."""


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


ExchangeEvent = BindingsChanged | CallForwarded


class Exchange:
    """Registrar, location service and proxy of one domain; a `TransactionUser` of `SipEndpoint`.

    `lookup` gives a user's credential for the realm, which is the domain; `unix_offset_s` added to monotonic time
    gives Unix time, in which bindings end.
    """

    def __init__(
        self,
        settings: ExchangeSettings,
        lookup: Callable[[str], Credential | None],
        own_address: OwnAddress,
        ids: IdSource,
        bindings: list[Binding],
        unix_offset_s: float,
    ) -> None:
        self._settings = settings
        self._lookup = lookup
        self._ids = ids
        self._unix_offset_s = unix_offset_s
        self._own_address = own_address
        self.own = OwnNames(settings.domain, lambda: own_address("UDP", settings.domain)[1])
        self.location = LocationService(bindings)
        self._authenticator = Authenticator(settings.domain, lookup, ids, settings.nonce_lifetime_s)
        self._registrar = Registrar(settings, self.location)
        self._proxy = Proxy(self.own, own_address, settings.ring_timeout_s)
        self._events: deque[ExchangeEvent] = deque()
        self._timers: TimerSet[str] = TimerSet()
        self._arm_expiry()

    def bind(self, layer: TransactionLayer) -> None:
        """Told once through which layer to send."""
        self._proxy.bind(layer)

    def connection_closed(self, source: Hop, now: float) -> None:
        """A phone's connection ended; its contact stays, a call to it opens another one."""

    def next_event(self) -> ExchangeEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return earliest(self._proxy.next_timeout(), self._timers.next_timeout())

    def handle_timeout(self, now: float) -> None:
        """Give up calls that ring too long, forget bindings that are over."""
        self._proxy.handle_timeout(now)
        if self._timers.pop_due(now):
            for aor in self.location.expire(now + self._unix_offset_s):
                self._tell_bindings(aor, now)
            self._arm_expiry()

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        """Take one event of the transaction layer."""
        match event:
            case RequestReceived(key, request, source):
                self._receive_request(Received(key, request, source, loop_mark(request)), now)
            case AckReceived(request, _):
                remove_own_routes(request, self.own)
                self._proxy.forward_ack(request, now)
            case CancelReceived(key, invite_key, request, _):
                known = self._proxy.cancel(invite_key, now)
                self._proxy.layer.send_response(
                    key, request.response(200 if known else 481, None, self._ids.tag()), now
                )
            case ResponseReceived(key, response, _):
                self._proxy.receive_response(key, response, now)
            case StrayResponse(response, _):
                self._proxy.forward_stray(response)
            case TransactionTimedOut(ClientKey() as key):
                self._proxy.receive_failure(key, 408, now)
            case TransportFailed(ClientKey() as key, _):
                self._proxy.receive_failure(key, 503, now)
            case TransactionTerminated(key):
                self._proxy.receive_terminated(key)
            case _:
                pass

    def _receive_request(self, received: Received, now: float) -> None:
        key, request = received.key, received.request
        refusal = self._invalid(request, received.mark)
        if refusal is not None:
            self._respond(key, refusal, now)
            return
        routed = remove_own_routes(request, self.own)
        if request.method == "REGISTER" and self.own.include(request.uri):
            self._register(key, request, received.source, now)
        elif routed and request.to.tag is not None:
            # Within a dialog whose first request we have let through.
            self._proxy.forward(received, [Target(request.uri)], now)
        else:
            self._route(received, now)

    def _invalid(self, request: Request, mark: str) -> Response | None:
        """The request validation of section 16.3: what refuses it at once."""
        tag = self._ids.tag()
        if not request.uri.is_sip:
            return request.response(416, to_tag=tag)
        if request.max_forwards == 0:
            to_us = request.method == "OPTIONS" and self.own.include(request.uri)
            return self._options(request, tag) if to_us else request.response(483, to_tag=tag)
        if self._proxy.is_looped(request, mark):
            return request.response(482, to_tag=tag)
        unknown = request.tokens("Proxy-Require")
        if unknown:
            response = request.response(420, to_tag=tag)
            response.headers.set("Unsupported", ", ".join(unknown))
            return response
        return request.response(503, to_tag=tag) if self._proxy.is_full() else None

    def _options(self, request: Request, tag: str) -> Response:
        response = request.response(200, to_tag=tag)
        response.headers.set("Allow", ALLOWED)
        response.headers.set("Accept", "application/sdp")
        return response

    # Registration.

    def _register(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        required = request.tokens("Require")
        if required:
            response = request.response(420, to_tag=self._ids.tag())
            response.headers.set("Unsupported", ", ".join(required))
            self._respond(key, response, now)
            return
        proof = self._authenticator.check(request, "Authorization", now)
        if proof.verdict is not Verdict.ACCEPTED:
            self._respond(key, self._challenge(request, 401, proof, now), now)
            return
        unix_now = now + self._unix_offset_s
        outcome = self._registrar.process(request, proof.user, source, self._ids.tag(), unix_now)
        if outcome.changed:
            logger.info("%s has %d contact(s)", outcome.aor, len(self.location.bindings(outcome.aor, unix_now)))
            self._tell_bindings(outcome.aor, now)
            self._arm_expiry()
        self._respond(key, outcome.response, now)

    def _challenge(self, request: Request, status: int, proof: Authentication, now: float) -> Response:
        """401 or 407 with fresh challenges; 403 for wrong credentials, whether or not the user exists."""
        if proof.verdict is Verdict.REFUSED:
            logger.warning("wrong password for %s from %s", request.from_.uri, request.top_via.received or "")
            return request.response(403, "Wrong user or password", self._ids.tag())
        response = request.response(status, to_tag=self._ids.tag())
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        user_agent = request.headers.get("User-Agent") or ""
        for value in self._authenticator.challenges(now, user_agent, stale=proof.verdict is Verdict.STALE):
            response.headers.add(name, value)
        return response

    def _tell_bindings(self, aor: str, now: float) -> None:
        bindings = self.location.bindings(aor, now + self._unix_offset_s)
        self._events.append(BindingsChanged(aor, tuple(bindings)))

    def _arm_expiry(self) -> None:
        ends_at = self.location.next_expiry()
        if ends_at is None:
            self._timers.cancel(EXPIRY)
        else:
            self._timers.set(EXPIRY, ends_at - self._unix_offset_s)

    # Calls.

    def _route(self, received: Received, now: float) -> None:
        """Find the targets of a request from outside a dialog (section 16.5), if its sender may call them."""
        key, request = received.key, received.request
        ours = self.own.include(request.uri)
        if self.own.include(request.from_.uri):
            proof = self._authenticator.check(request, "Proxy-Authorization", now)
            if proof.verdict is not Verdict.ACCEPTED:
                self._respond(key, self._challenge(request, 407, proof, now), now)
                return
            if proof.user != request.from_.uri.user:
                self._respond(key, request.response(403, "Not your address", self._ids.tag()), now)
                return
            request.headers.remove("Proxy-Authorization")
        elif not ours:
            self._respond(key, request.response(403, "No relay for strangers", self._ids.tag()), now)
            return
        if not ours:
            self._forward(received, [Target(request.uri)], now)
        elif not request.uri.user:
            self._respond(key, self._to_ourselves(request), now)
        else:
            self._to_user(received, now)

    def _to_ourselves(self, request: Request) -> Response:
        tag = self._ids.tag()
        if request.method == "OPTIONS":
            return self._options(request, tag)
        response = request.response(405, to_tag=tag)
        response.headers.set("Allow", "OPTIONS, REGISTER")
        return response

    def _to_user(self, received: Received, now: float) -> None:
        request = received.request
        user = request.uri.user
        bindings = self.location.bindings(str(Aor(user, self._settings.domain)), now + self._unix_offset_s)
        if bindings:
            self._forward(received, [_target(binding) for binding in bindings], now)
            return
        known = self._lookup(user) is not None
        status, reason = (480, "Not registered now") if known else (404, "No such user here")
        self._respond(received.key, request.response(status, reason, self._ids.tag()), now)

    def _forward(self, received: Received, targets: list[Target], now: float) -> None:
        request = received.request
        if request.method == "INVITE":
            self._events.append(CallForwarded(str(request.from_.uri), _shown(request.uri), len(targets)))
        self._proxy.forward(received, targets, now)

    def _respond(self, key: ServerKey, response: Response, now: float) -> None:
        if self._settings.server:
            response.headers.set("Server", self._settings.server)
        self._proxy.layer.send_response(key, response, now)


def _target(binding: Binding) -> Target:
    """The contact, by way of where its REGISTER came from.

    A datagram needs no such way where no address translation lies between: the contact may be another port or program.
    """
    uri = parse_uri(binding.contact)
    hop = received_hop(binding.received) if binding.received else None
    if hop is not None and hop.transport == "UDP" and hop.host == uri.host.strip("[]"):
        hop = None
    return Target(uri, hop)


def _shown(uri: Uri) -> str:
    return f"{uri.scheme}:{uri.user}@{uri.host_port}"
