"""The ways out of the house: which trunk a number goes by, which stands in for it, and what comes in by one."""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.exchange.house_agent import HouseAgent
from device.exchange.numbers import NumberPlan, NumberSettings, dialled_number
from device.exchange.response_context import Target
from device.exchange.seal import Seal
from device.exchange.trunk_leg import CALLED, CALLER, LegMark, TrunkLeg, Way, Wish, parse_mark
from device.exchange_model import NumberPattern, Trunk, TrunkRoute
from device.model import Credential
from device.records import dataclass, field, replace
from device.sip.errors import SipStateError
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.message import Request
from device.sip.registration import Phase, Registration
from device.sip.uri import Uri

logger = logging.getLogger(__name__)

REST_S: Final = 60.0
"""A trunk that did not answer is asked last for so long."""
MAX_CALLS_REMEMBERED: Final = 1000
"""Calls of which it is known how far the trunk's sequence numbers have run ahead since the first request."""

Permissions = Callable[[str], frozenset[str] | None]
"""From user name to the classes of numbers that the user may call; None where nothing was said of that user."""


@dataclass(frozen=True, slots=True)
class OutsideConfiguration:
    """All that is configured of the world outside."""

    numbers: NumberSettings = field(default_factory=NumberSettings)
    patterns: tuple[NumberPattern, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    routes: tuple[TrunkRoute, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A number cannot be called, and why."""

    status: int
    reason: str


class TrunkLine:
    """One trunk in use."""

    __slots__ = ("identity", "registration", "rests_until", "trunk")

    def __init__(self, trunk: Trunk, identity: Identity, registration: Registration | None) -> None:
        self.trunk = trunk
        self.identity = identity
        self.registration = registration
        self.rests_until = 0.0
        """Until when it is asked last, since it did not answer."""

    def is_well(self, now: float) -> bool:
        """Whether calls are likely to get through."""
        registered = self.registration is None or self.registration.state in (Phase.REGISTERED, Phase.REFRESHING)
        return registered and now >= self.rests_until


class Trunks:
    """Routes numbers to trunks, and knows the calls that run over them."""

    def __init__(self, agent: HouseAgent, seal: Seal) -> None:
        self._agent = agent
        self._seal = seal
        self.permissions: Permissions = lambda _user: None
        self._lines: dict[str, TrunkLine] = {}
        self._routes: tuple[TrunkRoute, ...] = ()
        self._legs: dict[tuple[str, str], TrunkLeg] = {}
        """The last leg of each call by Call-ID and the caller's tag."""
        self.plan = NumberPlan(NumberSettings())

    # Configuration.

    def configure(self, configuration: OutsideConfiguration, now: float) -> None:
        """Take what is configured, the first time or anew; a trunk whose server cannot be read is left out."""
        self._routes = tuple(sorted(configuration.routes, key=lambda route: (-len(route.prefix), route.position)))
        outside = [route.prefix for route in self._routes if route.strip == len(route.prefix)]
        self.plan = NumberPlan(configuration.numbers, configuration.patterns, outside)
        wanted = {trunk.name: trunk for trunk in configuration.trunks if trunk.account.enabled}
        for name in [name for name in self._lines if name not in wanted]:
            self._drop(name, now)
        for trunk in wanted.values():
            try:
                self._take(trunk, now)
            except SipStateError as error:
                logger.error("trunk %s is left out: %s", trunk.name, error)

    def _take(self, trunk: Trunk, now: float) -> None:
        line = self._lines.get(trunk.name)
        if line is not None and line.trunk.account == trunk.account:
            if line.trunk.credential != trunk.credential:
                line.identity.configure(trunk.account, trunk.credential)
                if line.registration is not None:
                    line.registration.start(now)
            line.trunk = trunk
            return
        if line is not None:
            self._drop(trunk.name, now)
        identity = self._agent.identity(trunk.account, trunk.credential)
        registration = self._agent.registration(identity) if trunk.account.register else None
        self._lines[trunk.name] = TrunkLine(trunk, identity, registration)
        if registration is not None:
            registration.start(now)

    def _drop(self, name: str, now: float) -> None:
        line = self._lines.pop(name)
        if line.registration is not None:
            self._agent.forget_registration(name, now)

    def take_credential(self, name: str, credential: Credential) -> None:
        """A password was sealed for a realm: what is configured is that now."""
        line = self._lines.get(name)
        if line is not None:
            line.trunk = replace(line.trunk, credential=credential)

    @property
    def lines(self) -> tuple[TrunkLine, ...]:
        """Every trunk in use."""
        return tuple(self._lines.values())

    # Calls that go out.

    def emergency_number(self, uri: Uri) -> str | None:
        """The emergency number that a Request-URI means, whatever its form; None for others."""
        if uri.scheme == "urn":
            is_sos = uri.opaque.lower() == "service:sos" or uri.opaque.lower().startswith("service:sos.")
            return self.plan.first_emergency_number if is_sos else None
        return self.plan.emergency_number(uri.opaque if uri.scheme == "tel" else uri.user)

    def targets(self, user: str, caller: str, request: Request, now: float) -> list[Target] | Refusal:
        """Where a number goes that `caller`, a user of ours, has dialled; nothing for what is no number to us."""
        number = dialled_number(user)
        emergency = self.plan.emergency_number(user)
        legs = self._emergency_legs(emergency, request) if emergency else self._legs_of(number, request)
        if not legs:
            return []
        if not emergency:
            kind = self.plan.class_of(number)
            if kind not in self.permitted(caller):
                logger.warning("%s may not call %s numbers: %s is refused", caller, kind, number)
                return Refusal(403, f"Not permitted: {kind} numbers")
        legs.sort(key=lambda pair: not pair[0].is_well(now))
        targets = [Target(request.uri, leg=leg) for _, leg in legs]
        return [replace(targets[0], alternatives=tuple(targets[1:]))]

    def permitted(self, caller: str) -> frozenset[str]:
        """The classes of numbers that a user may call."""
        said = self.permissions(caller)
        return self.plan.default_permissions if said is None else said

    def _legs_of(self, number: str, request: Request) -> list[tuple[TrunkLine, TrunkLeg]]:
        """A leg over each trunk that a number may go by, those of the longest prefix alone."""
        if not number:
            return []
        dialled = (number, self.plan.canonical(number))
        matching = [route for route in self._routes if any(text.startswith(route.prefix) for text in dialled)]
        found = []
        for route in matching:
            line = self._lines.get(route.trunk)
            if line is None or len(route.prefix) < len(matching[0].prefix):
                continue
            text = next(text for text in dialled if text.startswith(route.prefix))[route.strip :]
            written = route.prepend + self.plan.written(text, line.trunk.number_format)
            found.append((line, self._leg(line, request, written)))
        return found

    def _emergency_legs(self, number: str, request: Request) -> list[tuple[TrunkLine, TrunkLeg]]:
        """A leg over every trunk there is, those that a route names for this number or for all numbers first."""
        prefixes = [route.trunk for route in self._routes if number.startswith(route.prefix)]
        names = dict.fromkeys([name for name in (*prefixes, *self._lines) if name in self._lines])
        lines = [self._lines[name] for name in names]
        return [(line, self._leg(line, request, number, is_emergency=True)) for line in lines]

    def _leg(self, line: TrunkLine, request: Request, number: str, *, is_emergency: bool = False) -> TrunkLeg:
        call = (request.call_id, request.from_.tag or "")
        return TrunkLeg(self._way(line), LegMark(line.trunk.name, CALLED, 0), call, Wish(number, is_emergency))

    def _way(self, line: TrunkLine) -> Way:
        return Way(line.identity, line.trunk.caller, self._seal, self)

    def note_outcome(self, trunk: str, status: int, now: float) -> None:
        """See Outcomes: a trunk that is silent or broken rests a while."""
        line = self._lines.get(trunk)
        if line is None:
            return
        if status in (408, 503):
            logger.warning("trunk %s did not take a call (%d); others go first for %.0f s", trunk, status, REST_S)
            line.rests_until = now + REST_S
        elif status < 500:
            line.rests_until = 0.0

    # Calls that come in.

    def line_of(self, source: Hop, user: str = "") -> TrunkLine | None:
        """The trunk whose servers send from there; of several at one provider that whose account is `user`."""
        lines = [line for line in self._lines.values() if source.host in line.identity.servers]
        return next((line for line in lines if line.identity.user == user), lines[0] if lines else None)

    def incoming_leg(self, line: TrunkLine, request: Request) -> TrunkLeg:
        """What marks a call that came in by a trunk, so that requests back to it can answer challenges."""
        call = (request.call_id, request.from_.tag or "")
        return TrunkLeg(self._way(line), LegMark(line.trunk.name, CALLER, 0), call)

    # Within calls.

    def leg_within(self, request: Request, text: str) -> tuple[TrunkLeg, bool] | None:
        """The leg of a request within a call over a trunk, by LEG_PARAM, and whether the request goes to the trunk."""
        for tag, by_caller in ((request.from_.tag, True), (request.to.tag, False)):
            call = (request.call_id, tag or "")
            mark = parse_mark(text, self._seal, call)
            if mark is None:
                continue
            line = self._lines.get(mark.trunk)
            return None if line is None else (self._known_leg(call, line, mark), by_caller == (mark.side == CALLED))
        return None

    def _known_leg(self, call: tuple[str, str], line: TrunkLine, mark: LegMark) -> TrunkLeg:
        """The leg that a call had before, since credentials within it may have moved its sequence numbers on."""
        leg = self._legs.get(call)
        if leg is None:
            if len(self._legs) >= MAX_CALLS_REMEMBERED:
                del self._legs[next(iter(self._legs))]
            leg = self._legs[call] = TrunkLeg(self._way(line), mark, call)
        return leg

    def forget_call(self, request: Request) -> None:
        """A BYE: the call is over."""
        for tag in (request.from_.tag, request.to.tag):
            self._legs.pop((request.call_id, tag or ""), None)
