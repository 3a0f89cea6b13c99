"""The exchange as a transaction user: decides for each request whether registrar, proxy or neither answers it."""

from collections import deque
from collections.abc import Callable, Iterable

from device import plain_logging as logging
from device.exchange.accounting import Accounted, Accounting, registration_record
from device.exchange.authenticator import Authentication, Authenticator, Verdict
from device.exchange.enum_desk import EnumDesk
from device.exchange.enum_rules import EnumRecord
from device.exchange.exchange_events import BindingsChanged, CallForwarded, EnumWanted, ExchangeEvent, OwnServices
from device.exchange.gateway import Gateway
from device.exchange.house_agent import HouseAgent
from device.exchange.house_events import HouseEvents
from device.exchange.house_network import is_of_house
from device.exchange.location import LocationService
from device.exchange.message_depot import MessageDepot
from device.exchange.parking import ParkingLot
from device.exchange.pickup import Pickup, PickupSettings, parse_groups
from device.exchange.proxy import Proxy, Received, follow_nothing
from device.exchange.registrar import Registrar
from device.exchange.request_validation import RequestValidation, unsupported
from device.exchange.response_context import Cause, Stage, Target
from device.exchange.route_set import OwnAddress, OwnNames, own_route_param, received_hop, take_own_routes
from device.exchange.routing import Ranked, Reach, Redirection, Route, Router, devices_of, target_of, user_of
from device.exchange.seal import Seal
from device.exchange.secure_routes import is_secure, is_served, routes_are_served, secured
from device.exchange.settings import ExchangeSettings, parse_slots
from device.exchange.strangers import Strangers
from device.exchange.trunk_leg import LEG_PARAM
from device.exchange.trunks import Refusal, Trunks
from device.exchange.watchers import Arrived
from device.ids import IdSource
from device.model import Aor, Binding, Credential
from device.records import replace
from device.sip.headers import NameAddr
from device.sip.hop import TLS, UDP, Hop, NextHop
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

EXPIRY = "expiry"
"""The one timer of the exchange's own: the next binding ends."""

EXPIRY_SLACK_S = 0.01
"""Bindings are looked at so much after their end: Unix time and monotonic time convert into each other inexactly."""


class Exchange:
    """Registrar, location service and proxy of one domain; a `TransactionUser` of `SipEndpoint`.

    `lookup` gives a user's credential for the realm, which is the domain; `unix_offset_s` added to monotonic time
    gives Unix time, in which bindings end. With the same `secret` as before a restart, dialogs of before go on.
    """

    def __init__(
        self,
        settings: ExchangeSettings,
        lookup: Callable[[str], Credential | None],
        own_address: OwnAddress,
        ids: IdSource,
        bindings: Iterable[Binding],
        unix_offset_s: float,
        secret: str = "",
    ) -> None:
        self._settings = settings
        self._lookup = _of_readable_names(lookup)
        self._ids = ids
        self._unix_offset_s = unix_offset_s
        self._own_address = own_address
        self._seal = Seal(secret or ids.nonce())
        self.own = OwnNames(settings.domain, lambda: tuple(own_address(by, settings.domain)[1] for by in (UDP, TLS)))
        self.location = LocationService(bindings)
        self._authenticator = Authenticator(
            settings.domain, self._lookup, ids, settings.nonce_lifetime_s, settings.digest
        )
        self._registrar = Registrar(settings, self.location)
        self.agent = HouseAgent(settings.server, ids, own_address)
        self.trunks = Trunks(self.agent, self._seal)
        self.gateway = Gateway(settings.domain, self.own, self.trunks)
        reach = Reach(self._is_user, self._phones, self.gateway.forwarded)
        self.router = Router(settings.domain, self.own, reach, settings.serial_ring_s)
        follow = self.router.follow if settings.follow_redirects else follow_nothing
        self._proxy = Proxy(own_address, self._seal, ids, settings.ring_timeout_s, follow)
        self._proxy.on_final = self._final_sent
        self._validation = RequestValidation(self.own, self._proxy, ids)
        self.accounting = Accounting()
        self.strangers = Strangers(settings)
        self.strangers.admission.is_excepted = self.gateway.is_call_for_help
        self.house = HouseEvents(self.agent, settings.domain, self._seal, self._user_of, self._is_reachable)
        self._proxy.observer = self.house.calls
        self.depot = MessageDepot(
            self.agent,
            settings.domain,
            lambda user, now: [target for _, target in self._phones(user, now)],
            lambda now: now + self._unix_offset_s,
            settings.message_days,
        )
        self._proxy.soften = self.depot.soften
        calls, rules = self.house.calls, PickupSettings(settings.pickup_code, parse_groups(settings.pickup_groups))
        self._pickup = Pickup(rules, calls, self._proxy, ids, self.router.meant, self._respond)
        self._enum = EnumDesk()
        self.house.calls_followed = self._pickup.calls_changed
        self._parking = ParkingLot(parse_slots(settings.park_slots), calls)
        self.services: OwnServices | None = None
        """Set by whoever runs services."""
        self._events: deque[ExchangeEvent] = deque()
        self._timers: TimerSet[str] = TimerSet()
        self._arm_expiry()

    @property
    def under_way(self) -> int:
        """How many forwarded requests are remembered; none once every transaction is over."""
        return len(self._proxy)

    def forget_user(self, user: str, now: float) -> None:
        """Drop the contacts of a user who was removed, so that nobody reaches them any more."""
        aor = self._aor(user)
        if self.location.forget(aor):
            self._tell_bindings(aor, now)
            self._arm_expiry()
        self.house.forget_user(user, now)
        self.depot.forget_user(user)

    def clock_set(self, ahead_s: float, now: float) -> None:
        """The clock of the day was set, as on a board that starts in 1970: contacts last as long as they did before."""
        self._unix_offset_s += ahead_s
        self.accounting.shift(ahead_s)
        for aor in self.location.shift(ahead_s):
            self._tell_bindings(aor, now)
        self._arm_expiry()

    # The transaction user's side.

    def bind(self, layer: TransactionLayer) -> None:
        """Told once through which layer to send."""
        self._proxy.bind(layer)
        self.agent.bind(layer)

    def connection_closed(self, source: Hop, now: float) -> None:
        """A phone's connection ended: its contact stays, a call to it opens another one; a flow is over with it.

        Trunks register anew.
        """
        self.agent.connection_closed(source, now)
        if source.is_reliable:
            for aor in self.location.drop_flow(str(source)):
                logger.info("%s has lost its flow from %s", aor, source)
                self._tell_bindings(aor, now)
            self._arm_expiry()

    def next_event(self) -> ExchangeEvent | None:
        """The oldest event not yet taken."""
        return self._events.popleft() if self._events else self.agent.next_event()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return earliest(
            self._proxy.next_timeout(),
            self._timers.next_timeout(),
            self.agent.next_timeout(),
            self.house.next_timeout(),
            self.depot.next_timeout(),
            self._pickup.next_timeout(),
            self._enum.next_timeout(),
        )

    def handle_timeout(self, now: float) -> None:
        """Give up calls that ring too long, forget bindings that are over."""
        self._proxy.handle_timeout(now)
        self.agent.handle_timeout(now)
        self._events.extend(self.accounting.handle_timeout(now + self._unix_offset_s))
        self.house.handle_timeout(now)
        self._pickup.handle_timeout(now)
        for received in self._enum.overdue(now):
            self._pass(replace(received, in_dns=()), now)
        for key, response in self.depot.handle_timeout(now):
            self._proxy.layer.send_response(key, response, now)
        if self._timers.pop_due(now):
            for aor in self.location.expire(now + self._unix_offset_s):
                self._tell_bindings(aor, now)
            self._arm_expiry()

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        """Take one event of the transaction layer."""
        match event:
            case RequestReceived(key, request, source):
                self._receive_request(Received(key, request, source, self._proxy.loop_mark(request)), now)
            case AckReceived(request, source):
                self._receive_ack(request, source, now)
            case CancelReceived(key, invite_key, request, _):
                self._receive_cancel(key, invite_key, request, now)
            case ResponseReceived(key, response, _):
                self._proxy.receive_response(key, response, now)
            case StrayResponse(response, _):
                self._proxy.receive_stray(response, now)
            case TransactionTimedOut(ClientKey() as key):
                self._proxy.receive_failure(key, 408, now)
            case TransportFailed(ClientKey() as key, _):
                self._proxy.receive_failure(key, 503, now)
            case TransactionTerminated(ClientKey() as key):
                self._proxy.receive_terminated(key)
            case TransactionTerminated(ServerKey() as key):
                self.accounting.transaction_over(key)
            case _:
                # News of a server transaction: the caller sees to its own end.
                pass
        self.agent.receive_transaction_event(event, now)

    # Requests.

    def _receive_request(self, received: Received, now: float) -> None:
        request = received.request
        if self.strangers.meets_silence(request) and not self._is_of_ours(received.source):
            self._proxy.layer.drop_request(received.key)
            return
        if request.method == "INVITE" and request.to.tag is None:
            self.accounting.invite_received(received.key, request, received.source.host, now + self._unix_offset_s)
        self._learn_own_address(request, received.source)
        self._take(received, now)

    def _take(self, received: Received, now: float) -> None:
        key, request = received.key, received.request
        emergency = self.gateway.emergency_number(request)
        refusal = self._validation.refusal(received, emergency is not None)
        if refusal is not None:
            self._respond(key, refusal, now)
            return
        leg_text = own_route_param(request, LEG_PARAM)
        in_dialog = take_own_routes(request, self.own, self._seal)
        if in_dialog:
            self._forward_within(received, leg_text, now)
            return
        if emergency is None and self._came_by_trunk(received, now):
            return
        # Nobody who sends to us is trusted to say in other words than From who is calling (RFC 3325 section 5).
        request.headers.remove("P-Asserted-Identity")
        request.uri = self.gateway.account_of(request, self.router.is_known) or request.uri
        to_ourselves = self.own.include(request.uri)
        if to_ourselves and request.method == "REGISTER":
            self._register(key, request, received.source, now)
        elif to_ourselves and not request.uri.user:
            self._respond(key, self._validation.answer(request), now)
        elif (emergency and is_of_house(received.source.host)) or self._may_pass(received, now):
            if emergency:
                request.uri = self.gateway.address_of(emergency)
            if not self._answered_here(received, now):
                self._pass(received, now)

    def _answered_here(self, received: Received, now: float) -> bool:
        """Take a pickup, and a SUBSCRIBE or PUBLISH of a user of ours that is about another one, or about a service."""
        request = received.request
        sender = self._user_of(request.from_)
        resource = self.router.meant(request.uri.user)
        if sender and self.own.include(request.uri) and self._pickup.takes(request, sender):
            self._pickup.receive(received, sender, now)
            return True
        if not sender or not self.own.include(request.uri) or not self.house.takes(request):
            return False
        if request.to.tag is None and not (self.router.is_known(resource) or self._parking.is_slot(resource)):
            return False
        self.house.receive(Arrived(received.key, request, received.source, resource, sender), now)
        return True

    def _user_of(self, address: NameAddr) -> str:
        """The user of ours whose address that is; "" for somebody else. Who sends it has proved to be that user."""
        return address.uri.user if self.own.include(address.uri) else ""

    def _is_reachable(self, user: str, now: float) -> bool:
        return bool(self._phones(user, now))

    def _forward_within(self, received: Received, leg_text: str, now: float) -> None:
        """Forward a request within a dialog that we let begin, to a trunk in the words of the trunk."""
        request = received.request
        self._authenticator.remove(request, "Proxy-Authorization")
        if request.method == "BYE":
            self._account(self.accounting.bye_received(request, now + self._unix_offset_s))
        self.house.calls.request_within(request, now)
        found = self.trunks.leg_within(request, leg_text) if leg_text else None
        if request.method == "BYE" and found is not None:
            self.trunks.forget_call(request)
        if found is None or not found[1]:
            self._pass(received, now)
        else:
            self._proxy.forward(received, [Stage((Target(request.uri, leg=found[0]),))], now)

    def _came_by_trunk(self, received: Received, now: float) -> bool:
        """Take a request from a trunk's server, which may call our users."""
        request = received.request
        line = self.gateway.arrival(request, received.source)
        if line is None:
            return False
        self.strangers.proved(received.source, now)
        if not request.uri.user:
            self._respond(received.key, self._validation.answer(request), now)
            return True
        called = self.gateway.called_here(request.uri.user, self.router.is_known) or request.uri.user
        if called != request.uri.user:
            request.uri = self.gateway.address_of(called)
        if line.trunk.ring and (not self.router.is_known(called) or self._service(called) is not None):
            request.uri = self.gateway.address_of(line.trunk.ring)
        elif not self._receives_strangers(called):
            self._respond(received.key, request.response(403, "No service for strangers", self._ids.tag()), now)
            return True
        self._pass(replace(received, leg=self.trunks.incoming_leg(line, request)), now)
        return True

    def _learn_own_address(self, request: Request, source: Hop) -> None:
        """A machine with several addresses is called by that of the network which the sender is in."""
        if not all(self.own.include(uri) for uri in (request.uri, *(route.uri for route in request.routes[:1]))):
            self.own.add_host(self._own_address(source.transport, source.host)[0])

    def _may_pass(self, received: Received, now: float) -> bool:
        """Whether the sender of a request outside a dialog may send it where it is going; if not it is answered.

        Whoever writes an address of ours into From has to prove it. Strangers may call our users and nobody else.
        """
        request, services = received.request, self.services
        if services is not None and services.is_source(received.source):
            return True
        if not self.own.include(request.from_.uri):
            is_for_us = self.own.include(request.uri) and not request.routes
            if is_for_us and self._receives_strangers(request.uri.user):
                return self._may_call_in(received, now)
            self.strangers.not_allowed(received.source, now)
            self._respond(received.key, request.response(403, "No relay for strangers", self._ids.tag()), now)
            return False
        if self._proxy.is_spiral(request) and self.own.include(request.uri):
            return True
        user = self._prove(received, now)
        if user is not None and user != request.from_.uri.user:
            self._respond(received.key, request.response(403, "Not your address", self._ids.tag()), now)
            return False
        return user is not None

    def _may_call_in(self, received: Received, now: float) -> bool:
        """Whether somebody from elsewhere may call our users; if not it is answered with a challenge."""
        source = received.source
        return self.strangers.may_call(source.host) or self._prove(received, now) is not None

    def _prove(self, received: Received, now: float) -> str | None:
        """The user who sent a request; None where that is not proved, and it is answered then."""
        request, source = received.request, received.source
        proof = self._authenticator.check(request, "Proxy-Authorization", now, source.host)
        if proof.verdict is not Verdict.ACCEPTED:
            self._respond(received.key, self._challenge(request, 407, proof, source, now), now)
            return None
        self._authenticator.remove(request, "Proxy-Authorization")
        self.strangers.proved(source, now)
        return proof.user

    def _is_of_ours(self, source: Hop) -> bool:
        """Whether a request comes from a trunk or from our own services."""
        is_service = self.services is not None and self.services.is_source(source)
        return is_service or self.trunks.line_of(source) is not None

    def _receives_strangers(self, user: str) -> bool:
        """Whether callers from elsewhere may call that user of ours, or that service."""
        services = self.services
        meant = self.router.meant(user)
        return services is None or self._service(meant) is None or services.open_to_strangers(meant)

    def _service(self, number: str) -> Target | None:
        """Where calls of a number go that we answer ourselves."""
        return self.services.target(number) if self.services is not None else None

    def _pass(self, received: Received, now: float) -> None:
        """Forward to where a request goes, or say why it goes nowhere (section 16.5)."""
        request = received.request
        if self._looks_up(received, now):
            return
        way = self._way(received, now)
        reader = self._reader(received) if request.method == "MESSAGE" else ""
        if isinstance(way, Refusal):
            kept = self.depot.receive_stranded(request, reader, now) if reader and way.status == 480 else None
            self._respond(received.key, kept or request.response(way.status, way.reason, self._ids.tag()), now)
        elif isinstance(way, Redirection):
            response = request.response(302, to_tag=self._ids.tag())
            for contact in way.contacts:
                response.headers.add("Contact", contact)
            self._respond(received.key, response, now)
        else:
            if request.method == "INVITE" and request.to.tag is None:
                called = str(replace(request.uri, password="", params=()))
                self._events.append(CallForwarded(str(request.from_.uri), called, len(way[0].targets)))
            if reader:
                self.depot.note_forwarded(received.key, request, reader, now)
            self._proxy.forward(received, way, now)

    def _looks_up(self, received: Received, now: float) -> bool:
        """Let a call wait until DNS has said whether its number can be called by SIP."""
        if not self.gateway.may_be_in_dns(received, self.router.is_known):
            return False
        name = self._enum.ask(received, self.trunks.plan, now)
        if name is not None:
            self._events.append(EnumWanted(name))
        return name is not None

    def receive_enum(self, name: str, records: Iterable[EnumRecord], now: float) -> None:
        """The answer to EnumWanted; none where there are no records."""
        for received, targets in self._enum.answer(name, records):
            self._pass(replace(received, in_dns=tuple(targets)), now)

    def _parked(self, received: Received) -> Target | Refusal | None:
        """Where a call of a user to a parking slot goes; None for other requests."""
        request = received.request
        is_call = request.method == "INVITE" and request.to.tag is None and received.leg is None
        slot = request.uri.user if self.own.include(request.uri) else ""
        if not is_call or not self._parking.is_slot(slot) or not self._user_of(request.from_):
            return None
        music = self.services.music() if self.services is not None else None
        return self._parking.way(request, slot, music)

    def _reader(self, received: Received) -> str:
        """The user whom a text is for that may be kept: from a user or a trunk, to a user."""
        request = received.request
        is_trusted = received.leg is not None or self.own.include(request.from_.uri)
        if request.to.tag is not None or not is_trusted or not self.own.include(request.uri):
            return ""
        user = self.router.meant(request.uri.user)
        return user if self._lookup(user) is not None else ""

    def _way(self, received: Received, now: float) -> Route:
        request = received.request
        outside = self.gateway.ways_out(received, self.router.is_known, now)
        if isinstance(outside, Refusal):
            return outside
        if outside or received.in_dns:
            # Who is busy there is so by the trunk as well.
            first = [Stage((target,), diversions=((Cause.BUSY, ()),)) for target in received.in_dns or ()]
            return (*first, *([Stage(tuple(outside))] if outside else []))
        slot = self._parked(received)
        if slot is not None:
            return slot if isinstance(slot, Refusal) else (Stage((slot,)),)
        way = self._within(request, now) if request.to.tag is not None else self.router.route(request, now)
        if is_secure(request) and isinstance(way, tuple) and way:
            way = secured(way)
            if not way:
                return Refusal(480, "Cannot be reached by TLS")
        if way:
            return way
        is_known = self.router.is_known(request.uri.user)
        if received.leg is None and not self.own.include(request.from_.uri):
            # Strangers do not learn who is called so here and who is not.
            if not is_known:
                self.strangers.unknown_number(received.source, now)
            return Refusal(480, "Nobody can be reached there")
        return Refusal(480, "Not registered now") if is_known else Refusal(404, "No such user here")

    def _within(self, request: Request, now: float) -> tuple[Stage, ...]:
        """Where a request within a dialog goes: to the contact that it names, which may be an address of record."""
        if not self.own.include(request.uri):
            return (Stage((Target(request.uri, self._hop_of_contact(request, now)),)),)
        phones = tuple(target for _, target in self._phones(request.uri.user, now))
        return (Stage(phones),) if phones else ()

    def _is_user(self, user: str) -> bool:
        return self._lookup(user) is not None or self._service(user) is not None

    def _phones(self, user: str, now: float) -> Ranked:
        service = self._service(user)
        if service is not None:
            return [(1.0, service)]
        return [(flows[0].q, target_of(*flows)) for flows in devices_of(self._bindings(user, now))]

    def _hop_of_contact(self, request: Request, now: float) -> NextHop | None:
        """Within a dialog a phone of ours is named by its contact; its NAT or connection is known to the location."""
        if not self.own.include(request.to.uri):
            return None
        for binding in self._bindings(request.to.uri.user, now):
            if _same_place(parse_uri(binding.contact), request.uri):
                return received_hop(binding.received)
        return None

    def _receive_ack(self, ack: Request, source: Hop, now: float) -> None:
        """An ACK for a 2xx follows the dialog's route; without that it may still go to a user of ours."""
        if not (is_served(ack.uri, source) and routes_are_served(ack, source, self.own)):
            return
        self._learn_own_address(ack, source)
        leg_text = own_route_param(ack, LEG_PARAM)
        in_dialog = take_own_routes(ack, self.own, self._seal)
        # It bears the credentials of its INVITE (section 22.1), which are for us alone.
        self._authenticator.remove(ack, "Proxy-Authorization")
        found = self.trunks.leg_within(ack, leg_text) if in_dialog and leg_text else None
        if found is not None and found[1]:
            self._proxy.forward_ack(ack, [Target(ack.uri, leg=found[0])], now)
        elif in_dialog or (self.own.include(ack.uri) and not ack.routes):
            stages = secured(self._within(ack, now)) if is_secure(ack) else self._within(ack, now)
            targets = [target for stage in stages for target in stage.targets]
            self._proxy.forward_ack(ack, targets, now)

    def _receive_cancel(self, key: ServerKey, invite_key: ServerKey | None, request: Request, now: float) -> None:
        """Take an INVITE back; 200 says no more than that it is known (sections 9.2 and 16.10)."""
        if invite_key is not None:
            self._proxy.cancel(invite_key, now, ", ".join(request.headers.get_all("Reason")))
        self._respond(key, request.response(481 if invite_key is None else 200, to_tag=self._ids.tag()), now)
        if invite_key is not None:
            self._pickup.cancel(invite_key, now)
            waiting = self._enum.take_back(invite_key)
            if waiting is not None:
                self._respond(invite_key, waiting.request.response(487, to_tag=self._ids.tag()), now)

    # Registration.

    def _register(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        response, user = self._registered(request, source, now)
        unix_now = now + self._unix_offset_s
        if response.status != 401:
            self._account(registration_record(request, response, user, source.host, unix_now))
        self._respond(key, response, now)

    def _registered(self, request: Request, source: Hop, now: float) -> tuple[Response, str]:
        """The answer to a REGISTER, and who has proved to have sent it, "" for nobody."""
        required = request.tokens("Require")
        if required:
            return unsupported(request, required, self._ids.tag()), ""
        proof = self._authenticator.check(request, "Authorization", now, source.host)
        if proof.verdict is not Verdict.ACCEPTED:
            return self._challenge(request, 401, proof, source, now), ""
        if not self.own.include(request.to.uri):
            return request.response(404, "Not of this domain", self._ids.tag()), proof.user
        self.strangers.proved(source, now)
        unix_now = now + self._unix_offset_s
        outcome = self._registrar.process(request, proof.user, source, self._ids.tag(), unix_now)
        if outcome.changed:
            logger.info("%s has %d contact(s)", outcome.aor, len(self.location.bindings(outcome.aor, unix_now)))
            self._tell_bindings(outcome.aor, now)
            self._arm_expiry()
        return outcome.response, proof.user

    def _challenge(self, request: Request, status: int, proof: Authentication, source: Hop, now: float) -> Response:
        """401 or 407 with fresh challenges; 403 for wrong credentials, whether or not the user exists."""
        if proof.verdict is Verdict.REFUSED:
            logger.warning("wrong password for %s from %s", request.from_.uri, source)
            self.strangers.wrong_password(source, now)
            return request.response(403, "Wrong user or password", self._ids.tag())
        if proof.verdict is Verdict.CHALLENGE:
            self.strangers.challenged(source, now)
        response = request.response(status, to_tag=self._ids.tag())
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        user_agent = request.headers.get("User-Agent") or ""
        is_stale = proof.verdict is Verdict.STALE
        for value in self._authenticator.challenges(now, user_agent, source.host, is_stale):
            response.headers.add(name, value)
        return response

    def _aor(self, user: str) -> str:
        return str(Aor(user, self._settings.domain))

    def _bindings(self, user: str, now: float) -> list[Binding]:
        return self.location.bindings(self._aor(user), now + self._unix_offset_s)

    def _tell_bindings(self, aor: str, now: float) -> None:
        bindings = self.location.bindings(aor, now + self._unix_offset_s)
        self._events.append(BindingsChanged(aor, tuple(bindings)))
        self.house.registrations_changed(user_of(aor), now)
        if bindings:
            self.depot.user_came(user_of(aor), now)

    def _arm_expiry(self) -> None:
        ends_at = self.location.next_expiry()
        if ends_at is None:
            self._timers.cancel(EXPIRY)
        else:
            self._timers.set(EXPIRY, ends_at - self._unix_offset_s + EXPIRY_SLACK_S)

    # Accounting.

    def _final_sent(self, key: ServerKey, response: Response, now: float) -> None:
        if key.method == "MESSAGE":
            self.depot.note_final(key, response)
        if key.method == "INVITE":
            self._account(self.accounting.final_sent(key, response, now + self._unix_offset_s))

    def _account(self, accounted: Accounted | None) -> None:
        if accounted is not None:
            self._events.append(accounted)

    def _respond(self, key: ServerKey, response: Response, now: float) -> None:
        if self._settings.server:
            response.headers.set("Server", self._settings.server)
        self._final_sent(key, response, now)
        self._proxy.layer.send_response(key, response, now)


def _of_readable_names(lookup: Callable[[str], Credential | None]) -> Callable[[str], Credential | None]:
    """`lookup` for names that are text; what came in bytes of another encoding than UTF-8 nobody is called."""

    def find(user: str) -> Credential | None:
        try:
            user.encode()
        except UnicodeEncodeError:
            return None
        return lookup(user)

    return find


def _same_place(contact: Uri, uri: Uri) -> bool:
    """Whether a Request-URI means a contact; phones differ in the parameters that they give back."""
    return (contact.user, contact.host, contact.port) == (uri.user, uri.host, uri.port)
