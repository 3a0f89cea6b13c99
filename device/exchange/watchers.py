"""Subscriptions of users to what the exchange knows (RFC 6665 section 4.2): whom to tell, and for how long."""

from collections.abc import Callable, Iterator

from device.annotations import Final
from device.exchange.house_agent import HouseAgent
from device.exchange.route_set import way_back
from device.records import dataclass
from device.sip.core import Core
from device.sip.dialog import Dialog, DialogId
from device.sip.hop import Hop, NextHop
from device.sip.identity import Identity
from device.sip.incoming_request import Refusal
from device.sip.message import Request
from device.sip.notifier import Notifier, Topic
from device.sip.subscription import EventHeader, Finished, RefreshReceived, StateChanged, parse_event
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ServerKey

MAX_WATCHERS: Final = 2000
"""Subscriptions that are kept; one more is answered 503."""
MAX_OF_USER: Final = 100
"""Subscriptions of one user: more lamps than any telephone has."""
RETRY_AFTER_S: Final = 60
SHORTEST_EXPIRES_S: Final = 30
DEFAULT_EXPIRES_S: Final = 600
LINGER_S: Final = 40.0
"""A subscription whose last NOTIFY waits for the answer to the one before is looked at again after so long."""
LONGEST_EXPIRES_S: Final = 600
"""Subscriptions are granted for so long at most. Nothing of them is stored: after a restart of the exchange a phone's
next refresh is answered 481, and it subscribes anew."""


@dataclass(frozen=True, slots=True)
class EventPackage:
    """What can be watched: `body` gives the state of a user, in its version, as one watcher may see it."""

    name: str
    content_type: str
    body: Callable[[str, int], bytes]
    allows: Callable[[str, str], bool]
    """From the watched and the watching user: whether that may be."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A SUBSCRIBE that came: its transaction, its source, whom it is about, and the user who has proved to send it."""

    key: ServerKey
    request: Request
    source: Hop
    resource: str
    user: str


TOO_BRIEF: Final = Refusal(423, (("Min-Expires", str(SHORTEST_EXPIRES_S)),))


class Resource(Identity):
    """The exchange in the name of a user who is watched: what stands in Contact."""

    __slots__ = ("_name",)

    def __init__(self, core: Core, name: str) -> None:
        super().__init__(core, None, None)
        self._name = name

    @property
    def user(self) -> str:
        """See Identity."""
        return self._name


class WatcherDialog(Dialog):
    """A dialog with a phone of ours, which is reached the way that it came, address translation or not."""

    __slots__ = ("way",)

    way: NextHop | None

    @property
    def next_hop(self) -> NextHop:
        """See Dialog."""
        return super().next_hop if self.way is None else self.way


class Watcher:
    """One subscription, and the versions of the documents that it has been sent."""

    def __init__(self, package: EventPackage, resource: str, user: str) -> None:
        self.package = package
        self.resource = resource
        self.user = user
        self.notifier: Notifier
        self._version = -1
        self._told = b""

    def body(self) -> bytes:
        """The document for the next NOTIFY."""
        return self._next(self.package.body(self.resource, 0))

    def news(self, state: bytes) -> bytes | None:
        """The document for the next NOTIFY if `state`, as version 0, says anything that the last one did not."""
        return None if state == self._told else self._next(state)

    def _next(self, state: bytes) -> bytes:
        self._version += 1
        self._told = state
        return self.package.body(self.resource, self._version)


_Key = tuple[DialogId, EventHeader]


class Watchers:
    """All subscriptions, found by dialog and by what they watch."""

    def __init__(self, agent: HouseAgent) -> None:
        self._agent = agent
        self._packages: dict[str, EventPackage] = {}
        self._watchers: dict[_Key, Watcher] = {}
        self._by_resource: dict[tuple[str, str], dict[_Key, Watcher]] = {}
        self._ends: DeadlineHeap[_Key] = DeadlineHeap()

    def add_package(self, package: EventPackage) -> None:
        """Serve a package."""
        self._packages[package.name] = package

    def __len__(self) -> int:
        return len(self._watchers)

    def __iter__(self) -> Iterator[Watcher]:
        return iter(tuple(self._watchers.values()))

    @property
    def allow_events(self) -> str:
        """The packages that can be watched."""
        return ", ".join(self._packages)

    def serves(self, request: Request) -> bool:
        """Whether a SUBSCRIBE is for a package of ours; others are for phones."""
        return parse_event(request.headers.get("Event")).package in self._packages

    def knows(self, request: Request) -> bool:
        """Whether a request belongs to a dialog of a subscription that we keep."""
        return request.to.tag is not None and _key_of(request) in self._watchers

    def receive(self, arrived: Arrived, now: float) -> None:
        """Answer a SUBSCRIBE of a proved user: begin a subscription, renew it, end it, or fetch the state once."""
        request = arrived.request
        key = _key_of(request)
        if key in self._watchers:
            self._forget_if_over(key)
        known = self._watchers.get(key) if request.to.tag is not None else None
        if request.to.tag is not None and known is None:
            self._agent.core.respond(arrived.key, request.response(481), now)
        elif known is None:
            self._begin(arrived, key[1], now)
        elif known.user != arrived.user:
            self._refuse(arrived, Refusal(403), now)
        elif not known.notifier.dialog.is_in_order(request):
            self._refuse(arrived, Refusal(500, reason="Out of order"), now)
        elif _is_brief(request):
            self._refuse(arrived, TOO_BRIEF, now)
        else:
            dialog = known.notifier.dialog
            dialog.refresh_target(request)
            assert isinstance(dialog, WatcherDialog), "made by _begin"
            dialog.way = _way_back(request, arrived.source)
            self._accept(arrived, known, key, now)

    def _begin(self, arrived: Arrived, event: EventHeader, now: float) -> None:
        request, package = arrived.request, self._packages[event.package]
        refusal = self._fault(arrived, package)
        if refusal is not None:
            self._refuse(arrived, refusal, now)
            return
        core = self._agent.core
        dialog = WatcherDialog.of_request(request, core.ids.tag(), arrived.source)
        assert isinstance(dialog, WatcherDialog), "of_request makes one of its class"
        dialog.way = _way_back(request, arrived.source)
        watcher = Watcher(package, arrived.resource, arrived.user)
        topic = Topic(event, package.content_type, watcher.body)
        identity = Resource(core, arrived.resource)
        watcher.notifier = Notifier(core, self._agent.client, identity, dialog, topic, now + _granted(request))
        key = (dialog.id, event)
        self._watchers[key] = watcher
        self._by_resource.setdefault((package.name, watcher.resource), {})[key] = watcher
        self._accept(arrived, watcher, key, now)

    def _fault(self, arrived: Arrived, package: EventPackage) -> Refusal | None:
        accepted = [token.lower() for token in arrived.request.tokens("Accept")]
        kind = package.content_type.partition("/")[0]
        if not package.allows(arrived.resource, arrived.user):
            return Refusal(403)
        if accepted and not {package.content_type, f"{kind}/*", "*/*"} & {*accepted}:
            return Refusal(406, (("Accept", package.content_type),))
        if _is_brief(arrived.request):
            return TOO_BRIEF
        own = sum(watcher.user == arrived.user for watcher in self._watchers.values())
        if own >= MAX_OF_USER or len(self._watchers) >= MAX_WATCHERS:
            return Refusal(503, (("Retry-After", str(RETRY_AFTER_S)),), "Too many subscriptions")
        return None

    def _accept(self, arrived: Arrived, watcher: Watcher, key: _Key, now: float) -> None:
        """200, and at once a NOTIFY with the whole state (section 4.2.1.2)."""
        request, expires_s = arrived.request, _granted(arrived.request)
        response = request.response(200, to_tag=watcher.notifier.dialog.local.tag)
        for route in request.headers.get_all("Record-Route"):
            response.headers.add("Record-Route", route)
        contact = watcher.notifier.identity.contact(arrived.source.transport, arrived.source.host)
        response.headers.add("Contact", str(contact))
        response.headers.add("Expires", str(expires_s))
        self._agent.core.respond(arrived.key, response, now)
        watcher.notifier.receive(RefreshReceived(expires_s), now)
        self._ends.set(key, now + (expires_s or LINGER_S))
        self._forget_if_over(key)

    def _refuse(self, arrived: Arrived, refusal: Refusal, now: float) -> None:
        core = self._agent.core
        core.respond(arrived.key, refusal.response(arrived.request, core.ids.tag()), now)

    def changed(self, package: str, resource: str, now: float) -> None:
        """Tell everybody who watches that user."""
        watchers = tuple(self._by_resource.get((package, resource), {}).items())
        state = self._packages[package].body(resource, 0) if watchers else b""
        for key, watcher in watchers:
            if not watcher.notifier.is_over and (news := watcher.news(state)) is not None:
                watcher.notifier.receive(StateChanged(news), now)
            self._forget_if_over(key)

    def end(self, user: str, now: float) -> None:
        """A user is removed: nobody watches them any more, and they watch nobody."""
        for key, watcher in tuple(self._watchers.items()):
            if user in (watcher.resource, watcher.user):
                watcher.notifier.receive(Finished("noresource" if user == watcher.resource else "rejected", b""), now)
                self._forget_if_over(key)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._ends.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """End what was not renewed."""
        for key in self._ends.pop_due(now):
            self._watchers[key].notifier.handle_timeout(now)
            self._ends.set(key, now + LINGER_S)
            self._forget_if_over(key)

    def _forget_if_over(self, key: _Key) -> None:
        watcher = self._watchers[key]
        if not watcher.notifier.is_over:
            return
        del self._watchers[key]
        self._ends.cancel(key)
        about = (watcher.package.name, watcher.resource)
        self._by_resource[about].pop(key)
        if not self._by_resource[about]:
            del self._by_resource[about]


def _key_of(request: Request) -> tuple[DialogId, EventHeader]:
    dialog = DialogId(request.call_id, request.to.tag or "", request.from_.tag or "")
    return dialog, parse_event(request.headers.get("Event"))


def _is_brief(request: Request) -> bool:
    return request.expires is not None and 0 < request.expires < SHORTEST_EXPIRES_S


def _granted(request: Request) -> int:
    return min(DEFAULT_EXPIRES_S if request.expires is None else request.expires, LONGEST_EXPIRES_S)


def _way_back(request: Request, source: Hop) -> NextHop | None:
    """Where a phone is that came straight to us; one behind a proxy is reached by its route."""
    if len(request.vias) > 1 or request.record_routes:
        return None
    return way_back(source)
