"""Where a request goes that begins something: to phones, one after the other, elsewhere, or back (section 16.5).

Other names, groups of phones, forwarding and the ways to foreign domains are looked up here; who may call whom is not.
"""

from collections.abc import Callable, Iterable
from itertools import groupby

from device import plain_logging as logging
from device.annotations import Final
from device.exchange.diversion import (
    BUSY,
    DEFLECTION,
    MAX_DIVERSIONS,
    NO_ANSWER,
    UNAVAILABLE,
    UNCONDITIONAL,
    Diversion,
    diversion_fields,
    diverters_of,
)
from device.exchange.location import path_of
from device.exchange.response_context import Cause, Stage, Target
from device.exchange.route_set import OwnNames, received_hop
from device.exchange.secure_routes import is_secure, secured
from device.exchange.trunks import Refusal
from device.exchange_model import DomainRoute, Forwarding, RingGroup, RoutingTable
from device.model import Binding
from device.records import dataclass, replace
from device.sip.errors import SipParseError
from device.sip.message import Request, Response
from device.sip.uri import Uri, parse_uri

logger = logging.getLogger(__name__)

MEMBER_RING_S: Final = 15
"""Seconds for which each member of a group rings that is called in order, where the group does not say."""

EVERY_DOMAIN: Final = "*"

Ranked = list[tuple[float, Target]]
"""Targets with their q."""


@dataclass(frozen=True, slots=True)
class Redirection:
    """The caller is told where to call instead (302)."""

    contacts: tuple[str, ...]


Route = tuple[Stage, ...] | Redirection | Refusal


class Reach:
    """What routing asks of the exchange."""

    def __init__(
        self,
        is_user: Callable[[str], bool],
        phones: Callable[[str, float], Ranked],
        outside: Callable[[str, str, Request, float], list[Target]],
    ) -> None:
        self.is_user = is_user
        self.phones = phones
        """From user and time to the ways to the phones of the user."""
        self.outside = outside
        """From a number, the user in whose name it is called, the request and the time to the trunks it may go by."""


class Router:
    """Finds the way of requests outside dialogs; `table` may be replaced at any time."""

    def __init__(self, domain: str, own: OwnNames, reach: Reach, serial_ring_s: float) -> None:
        self._domain = domain
        self._own = own
        self._reach = reach
        self._serial_ring_s = serial_ring_s
        self._aliases: dict[str, str] = {}
        self._groups: dict[str, RingGroup] = {}
        self._forwardings: dict[str, Forwarding] = {}
        self._routes: dict[str, DomainRoute] = {}

    def configure(self, table: RoutingTable) -> None:
        """Take what is configured, the first time or when it changed.

        What leads to no SIP address is left out: the store is one that others can write to.
        """
        self._aliases = {name: target for name, target in table.aliases if self._leads_somewhere(target)}
        self._groups = {group.name: self._readable(group) for group in table.groups}
        self._forwardings = {one.user: self._readable_forwarding(one) for one in table.forwardings}
        self._routes = {
            route.domain: route for route in table.routes if not route.next_hop or self._leads_somewhere(route.next_hop)
        }

    def _readable(self, group: RingGroup) -> RingGroup:
        members = tuple(member for member in group.members if self._leads_somewhere(member))
        return replace(group, members=members, otherwise=self._target(group.otherwise))

    def _readable_forwarding(self, one: Forwarding) -> Forwarding:
        always, busy, no_answer = map(self._target, (one.always, one.busy, one.no_answer))
        return replace(one, always=always, busy=busy, no_answer=no_answer)

    def _target(self, text: str) -> str:
        return text if text and self._leads_somewhere(text) else ""

    def _leads_somewhere(self, text: str) -> bool:
        try:
            uri = self.uri_of(text)
            text.encode()
        except (SipParseError, UnicodeEncodeError):
            uri = None
        if uri is None or uri.scheme != "sip":
            logger.error("%r is no SIP address: calls are not sent there", text)
            return False
        return True

    def is_known(self, name: str) -> bool:
        """Whether somebody is called so here."""
        return name in self._aliases or name in self._groups or self._reach.is_user(name)

    def route(self, request: Request, now: float) -> Route:
        """Where a request goes by its Request-URI; no stage where nobody can be reached now."""
        search = _Search(self, request, now)
        if not self._own.include(request.uri):
            return self._foreign(request)
        user = self.meant(request.uri.user)
        forwarding = self._forwardings.get(user)
        if forwarding is not None and forwarding.redirect and self._reach.is_user(user):
            return self._redirection(user, forwarding, now)
        stages = tuple(search.stages_of(request.uri.user, ()))
        if not stages and search.is_circle:
            return Refusal(482, "Forwarded in a circle")
        return stages

    def follow(self, request: Request, response: Response, now: float) -> tuple[list[Stage], list[str]]:
        """Where a 3xx leads, by q, and the contacts that are of no use to us (section 16.7 step 4).

        A name of ours is looked up; a user's phone that sends a call on does what forwarding does.
        """
        is_deflection = self._own.include(request.uri) and request.uri.user
        diversions = (Diversion(request.uri, DEFLECTION),) if is_deflection else ()
        ranked: Ranked = []
        others: list[str] = []
        for contact in response.contacts:
            if not contact.uri.is_sip:
                others.append(str(contact))
                continue
            stages = _Search(self, request, now).stages_for(contact.uri, diversions)
            ranked += [(contact.q, target) for stage in stages for target in stage.targets]
        stages = stages_by_preference(ranked, self._serial_ring_s)
        return list(secured(stages)) if is_secure(request) else stages, others

    def meant(self, name: str) -> str:
        """The user or group that an alias stands for, over other aliases; a circle of them means nobody."""
        for _ in range(len(self._aliases) + 1):
            target = self._aliases.get(name)
            if target is None:
                return name
            uri = self.uri_of(target)
            if not self._own.include(uri):
                return name
            name = uri.user
        return ""

    def uri_of(self, text: str) -> Uri:
        """What a name of ours, an address or a URI means; raises SipParseError."""
        if text.startswith(("sip:", "sips:", "tel:")):
            return parse_uri(text)
        return parse_uri(f"sip:{text}") if "@" in text else self.address_of(text)

    def address_of(self, name: str) -> Uri:
        """The address of record of a user or group."""
        return Uri("sip", user=name, host=self._domain)

    def is_ours(self, uri: Uri) -> bool:
        """Whether a URI is in our domain."""
        return self._own.include(uri)

    def _redirection(self, user: str, forwarding: Forwarding, now: float) -> Route:
        if forwarding.always:
            return Redirection((f"<{self.uri_of(forwarding.always)}>",))
        ranked = self._reach.phones(user, now)
        return Redirection(tuple(f"<{target.uri}>;q={q:g}" for q, target in ranked)) if ranked else ()

    def _foreign(self, request: Request) -> Route:
        route = self._route_to(request.uri)
        if request.routes or route is None or not route.redirect:
            return (Stage((self.foreign_target(request.uri, request.routes != []),)),)
        if not route.next_hop:
            return Redirection((f"<{request.uri}>",))
        return Redirection((f"<{replace(parse_uri(route.next_hop), user=request.uri.user)}>",))

    def _route_to(self, uri: Uri) -> DomainRoute | None:
        return self._routes.get(uri.host) or self._routes.get(EVERY_DOMAIN)

    def foreign_target(self, uri: Uri, is_routed: bool = False) -> Target:
        """The way to a URI elsewhere, by the proxy of its domain where one is configured."""
        route = self._route_to(uri)
        if is_routed or route is None or not route.next_hop or route.redirect:
            return Target(uri)
        return Target(uri, headers=(("Route", f"<{parse_uri(route.next_hop).with_params(lr=None)}>"),))

    # What a search asks.

    def group(self, name: str) -> RingGroup | None:
        """The group of that name."""
        return self._groups.get(name)

    def alias(self, name: str) -> str | None:
        """Whom another name means."""
        return self._aliases.get(name)

    def forwarding(self, user: str) -> Forwarding | None:
        """Where the calls of a user go instead."""
        return self._forwardings.get(user)

    @property
    def reach(self) -> Reach:
        """The exchange's part."""
        return self._reach

    @property
    def serial_ring_s(self) -> float:
        """How long each preference of a user's phones rings."""
        return self._serial_ring_s


class _Search:
    """The way of one request through aliases, groups and forwarding."""

    def __init__(self, router: Router, request: Request, now: float) -> None:
        self._router = router
        self._request = request
        self._now = now
        self._is_invite = request.method == "INVITE"
        self._before = diverters_of(request) if self._is_invite else []
        self._open: list[str] = []
        """The aliases and groups that are being looked into."""
        self.is_circle = False

    def stages_for(self, uri: Uri, diversions: tuple[Diversion, ...]) -> list[Stage]:
        """The way to a place that is named by configuration or by a redirection."""
        if self._router.is_ours(uri):
            return self.stages_of(uri.user, diversions)
        target = self._router.foreign_target(uri.target())
        return [Stage((self._told(target, diversions, uri),))]

    def stages_of(self, name: str, diversions: tuple[Diversion, ...]) -> list[Stage]:
        """The way to whom we call so: a user, a group, another name of either, or a number outside."""
        router = self._router
        alias, group = router.alias(name), router.group(name)
        if alias is None and group is None:
            stages = self._stages_of_user(name, diversions)
            return stages if stages or router.reach.is_user(name) else self._outside(name, diversions)
        if name in self._open:
            self.is_circle = True
            return []
        self._open.append(name)
        try:
            if alias is not None:
                return self.stages_for(router.uri_of(alias), diversions)
            assert group is not None
            return self._stages_of_group(group, diversions)
        finally:
            self._open.pop()

    def _outside(self, number: str, diversions: tuple[Diversion, ...]) -> list[Stage]:
        """A number that nobody here has, called by whoever has sent the call on, else by the caller, if one of ours."""
        caller = diversions[-1].diverter if diversions else self._request.from_.uri
        if not self._router.is_ours(caller):
            return []
        targets = self._router.reach.outside(number, caller.user, self._request, self._now)
        uri = self._router.address_of(number)
        return [Stage(tuple(self._told(target, diversions, uri) for target in targets))] if targets else []

    def _stages_of_user(self, user: str, diversions: tuple[Diversion, ...]) -> list[Stage]:
        if any(self._is_same(one.diverter, self._router.address_of(user)) for one in diversions):
            self.is_circle = True
            return []
        forwarding = self._router.forwarding(user) if self._is_invite else None
        if forwarding is not None and forwarding.always:
            return self._divert(user, forwarding.always, UNCONDITIONAL, diversions)
        stages = self._phones(user, diversions)
        if forwarding is None:
            return stages
        if not stages:
            return self._divert(user, forwarding.no_answer, UNAVAILABLE, diversions) if forwarding.no_answer else []
        return [*stages[:-1], self._with_diversions(stages[-1], forwarding, diversions)]

    def _with_diversions(self, stage: Stage, forwarding: Forwarding, diversions: tuple[Diversion, ...]) -> Stage:
        """The last stage of a user's phones, with what follows when they are busy or nobody answers."""
        user = forwarding.user
        found: list[tuple[Cause, tuple[Stage, ...]]] = []
        for cause, reason, target in (
            (Cause.BUSY, BUSY, forwarding.busy),
            (Cause.NO_ANSWER, NO_ANSWER, forwarding.no_answer),
        ):
            following = self._divert(user, target, reason, diversions) if target else []
            if following:
                found.append((cause, tuple(following)))
        has_time = any(cause is Cause.NO_ANSWER for cause, _ in found)
        return replace(
            stage, ring_s=float(forwarding.no_answer_s) if has_time else stage.ring_s, diversions=tuple(found)
        )

    def _divert(self, user: str, target: str, reason: str, diversions: tuple[Diversion, ...]) -> list[Stage]:
        """The way to where a user sends a call; none in a circle, or when it was sent on too often."""
        diverter = self._router.address_of(user)
        known = [*self._before, *(one.diverter for one in diversions)]
        if len(known) >= MAX_DIVERSIONS or any(self._is_same(one, diverter) for one in known):
            self.is_circle = True
            return []
        uri = self._router.uri_of(target)
        return self.stages_for(uri, (*diversions, Diversion(diverter, reason)))

    def _is_same(self, one: Uri, other: Uri) -> bool:
        return one.user == other.user and self._router.is_ours(one)

    def _phones(self, user: str, diversions: tuple[Diversion, ...]) -> list[Stage]:
        uri = self._router.address_of(user)
        ranked = self._router.reach.phones(user, self._now)
        return stages_by_preference(
            ((q, self._told(target, diversions, uri)) for q, target in ranked), self._router.serial_ring_s
        )

    def _stages_of_group(self, group: RingGroup, diversions: tuple[Diversion, ...]) -> list[Stage]:
        found: list[Stage] = []
        for member in group.members:
            found += self._stages_of_member(member, diversions)
        if not group.in_order and found:
            found = [Stage(tuple(target for stage in found for target in stage.targets), float(group.ring_s))]
        elif group.in_order:
            found = [replace(stage, ring_s=float(group.ring_s or MEMBER_RING_S)) for stage in found]
        if group.bell:
            field = ("Alert-Info", f"<{self._router.address_of(group.name)}>;info=alert-{group.bell}")
            found = [_with_field(stage, field) for stage in found]
        if group.otherwise:
            reason = NO_ANSWER if found else UNAVAILABLE
            found += self._divert(group.name, group.otherwise, reason, diversions)
        return found

    def _stages_of_member(self, member: str, diversions: tuple[Diversion, ...]) -> list[Stage]:
        """A member's phones: forwarding of the member's own is not followed, and the caller is not called back."""
        uri = self._router.uri_of(member)
        if not self._router.is_ours(uri):
            return self.stages_for(uri, diversions)
        if self._is_same(self._request.from_.uri, uri):
            return []
        if self._router.reach.is_user(uri.user):
            return self._phones(uri.user, diversions)
        return self.stages_of(uri.user, diversions)

    def _told(self, target: Target, diversions: tuple[Diversion, ...], uri: Uri) -> Target:
        """The target with header fields that tell how the call was sent on to `uri`."""
        if not diversions or not self._is_invite:
            return target
        others = tuple(self._told(other, diversions, uri) for other in target.alternatives)
        fields = diversion_fields(self._request, diversions, uri)
        return replace(target, headers=(*target.headers, *fields), alternatives=others)


def target_of(binding: Binding, *others: Binding) -> Target:
    """The way to a phone: over its flow or to its contact, by its Path. `others` are its other flows.

    The flows are tried in turn, each when the one before has failed (RFC 5626 section 6). A phone with a SIPS contact
    takes both kinds of calls; it answers one by a SIP URI with such a contact, which its caller can reach without TLS
    (RFC 5630 section 5.3).
    """
    uri = parse_uri(binding.contact)
    if uri.scheme == "sips":
        uri = replace(uri, scheme="sip").with_params(transport="tls")
    return Target(
        uri,
        received_hop(binding.received),
        alternatives=tuple(target_of(other) for other in others),
        headers=tuple(("Route", str(route)) for route in path_of(binding)),
        user=user_of(binding.aor),
    )


def user_of(aor: str) -> str:
    """The user of an address of record, which may be no URI that can be read."""
    return aor.partition(":")[2].rpartition("@")[0]


def devices_of(bindings: Iterable[Binding]) -> list[list[Binding]]:
    """The bindings of each device together, its newest flow first; a binding without reg-id is a device of its own."""
    devices: dict[object, list[Binding]] = {}
    for binding in bindings:
        key = binding.instance.lower() if binding.reg_id else (binding.contact, binding.instance)
        devices.setdefault(key, []).insert(0, binding)
    return list(devices.values())


def stages_by_preference(targets: Iterable[tuple[float, Target]], ring_s: float) -> list[Stage]:
    """Targets with their q, in stages of equal q, the highest first (section 16.6).

    Those before the last one ring for `ring_s` seconds.
    """
    ranked = sorted(targets, key=lambda one: -one[0])
    groups = [tuple(target for _, target in group) for _, group in groupby(ranked, key=lambda one: one[0])]
    return [Stage(group, ring_s if group is not groups[-1] else 0.0) for group in groups]


def _with_field(stage: Stage, field: tuple[str, str]) -> Stage:
    return replace(stage, targets=tuple(replace(target, headers=(field, *target.headers)) for target in stage.targets))
