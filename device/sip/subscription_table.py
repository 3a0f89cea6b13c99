"""All subscriptions of a user agent: ours to others and those of others to us, found by dialog and event package."""

from collections.abc import Callable, Iterator

from device import plain_logging as logging
from device.annotations import Final
from device.records import dataclass
from device.sip.core import Core
from device.sip.dialog import Dialog, DialogId
from device.sip.feature_events import NotifyReceived
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.incoming_request import Refusal
from device.sip.message import Request
from device.sip.notifier import Notifier, Topic
from device.sip.subscriber import Subscriber, Wish
from device.sip.subscription import (
    LONGEST_EXPIRES_S,
    EventHeader,
    LeaveRequested,
    Notified,
    RefreshReceived,
    StateChanged,
    SubscribeDue,
    parse_event,
    parse_subscription_state,
)
from device.sip.transaction import ServerKey
from device.sip.user_agent_client import UserAgentClient
from device.timing import earliest

_log = logging.getLogger(__name__)

MAX_SUBSCRIBERS: Final = 64
"""So many subscriptions of ours are kept; one more is refused to its owner."""
MAX_FORKS: Final = 8
"""So many notifiers may answer one SUBSCRIBE; the NOTIFYs of further ones are answered 481."""
MAX_NOTIFIERS: Final = 32
"""So many subscriptions to us are kept; one more is answered 503."""
FULL_RETRY_AFTER_S: Final = 60
SHORTEST_EXPIRES_S: Final = 30
"""Who asks to be told for a shorter time, but not once, is answered 423."""
DEFAULT_EXPIRES_S: Final = 3600

NO_EVENT: Final = "none"
"""Stands for a missing Event in a NOTIFY, which then belongs to no subscription."""

UNSOLICITED: Final = ("message-summary", "check-sync", "ua-profile")
"""Packages whose NOTIFY servers send to phones that never subscribed (RFC 3842 section 3.9, and what is usual)."""


@dataclass(frozen=True, slots=True)
class Package:
    """An event package that we serve: `current` gives its state as a body, `allows` says who may see it."""

    name: str
    content_type: str
    current: Callable[[Identity], bytes]
    allows: Callable[[Identity, Hop], bool]


class SubscriptionTable:
    """Finds the subscription that a SUBSCRIBE or NOTIFY belongs to; bounded on either side."""

    __slots__ = ("_client", "_core", "_made", "_notifiers", "_subscribers")

    def __init__(self, core: Core, client: UserAgentClient) -> None:
        self._core = core
        self._client = client
        self._subscribers: list[Subscriber] = []
        self._notifiers: list[Notifier] = []
        self._made: dict[str, Package] = {}

    def __len__(self) -> int:
        return len(self._subscribers) + len(self._notifiers)

    def __iter__(self) -> Iterator[Subscriber | Notifier]:
        return iter((*self._subscribers, *self._notifiers))

    def handle_timeout(self, now: float) -> None:
        """Do all that is due, and forget what is over."""
        for one in self:
            one.handle_timeout(now)
        self.forget_over()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return earliest(*(one.next_timeout() for one in self))

    def forget_over(self) -> None:
        """Drop what has nothing left to do."""
        self._subscribers = [one for one in self._subscribers if not one.is_over]
        self._notifiers = [one for one in self._notifiers if not one.is_over]

    # Ours.

    def subscribe(self, identity: Identity, wish: Wish, now: float) -> bool:
        """Begin a subscription, in place of one of the same name; false when there are too many."""
        self.leave(wish.name, now)
        if len(self._subscribers) >= MAX_SUBSCRIBERS:
            return False
        subscriber = Subscriber(self._core, self._client, identity, wish)
        self._subscribers.append(subscriber)
        subscriber.receive(SubscribeDue(), now)
        return True

    def renew(self, name: str, now: float) -> None:
        """Subscribe anew under that name, in the dialog that there is; "" is all."""
        for one in self._subscribers:
            if name in ("", one.wish.name):
                one.renew(now)

    def leave(self, name: str, now: float) -> None:
        """End the subscriptions of that name."""
        for one in self._subscribers:
            if one.wish.name == name:
                one.receive(LeaveRequested(), now)

    def leave_identity(self, identity: Identity, now: float) -> None:
        """End the subscriptions of an account that goes."""
        for one in self._subscribers:
            if one.identity is identity:
                one.receive(LeaveRequested(), now)

    def receive_notify(self, key: ServerKey, request: Request, now: float) -> bool:
        """Give a NOTIFY to its subscription; false when it belongs to none of ours."""
        event = parse_event(request.headers.get("Event") or NO_EVENT)
        found = self._find_subscriber(request, event)
        if found is None:
            return False
        state = parse_subscription_state(request.headers.get("Subscription-State"))
        dialog = found.dialog
        if dialog is not None and not dialog.is_in_order(request):
            self._core.respond(key, request.response(500, "Out of order"), now)
            return True
        refusal = _notify_fault(found, request)
        if refusal is not None:
            self._core.respond(key, refusal.response(request, self._core.ids.tag()), now)
        else:
            found.receive(Notified(key, request, state), now)
        self.forget_over()
        return True

    def _find_subscriber(self, notify: Request, event: EventHeader) -> Subscriber | None:
        mine = [one for one in self._subscribers if one.wish.event == event]
        dialog_id = DialogId(notify.call_id, notify.to.tag or "", notify.from_.tag or "")
        for one in mine:
            if one.has_dialog(dialog_id):
                return one
        family = [one for one in mine if one.expects(notify)]
        waiting = [one for one in family if one.dialog is None]
        if waiting:
            return waiting[0]
        if not family or not family[0].wish.forks or len(family) >= MAX_FORKS:
            return None
        fork = family[0].fork(notify)
        self._subscribers.append(fork)
        return fork

    def receive_unsolicited(
        self, key: ServerKey, request: Request, identity: Identity, source: Hop, now: float
    ) -> None:
        """A NOTIFY outside dialogs: what servers tell phones unasked; of other packages, or from strangers, 481."""
        event = parse_event(request.headers.get("Event") or NO_EVENT)
        known = event.package in UNSOLICITED and source.host in identity.servers
        self._core.respond(key, request.response(200 if known else 481, to_tag=self._core.ids.tag()), now)
        if known:
            told = NotifyReceived("", identity.account_id, event.package, request.content_type or "", request.body)
            self._core.emit(told)

    # Those of others.

    def _package(self, name: str) -> Package | None:
        """The package of that name, made when it is first asked for."""
        if name not in self._made and name in self._core.packages:
            self._made[name] = self._core.packages[name]()
        return self._made.get(name)

    def changed(self, package: str, now: float) -> None:
        """Tell every subscriber of a package that its state has changed."""
        for one in self._notifiers:
            if one.event.package == package and package in self._made:
                one.receive(StateChanged(self._made[package].current(one.identity)), now)
        self.forget_over()

    def add(self, notifier: Notifier) -> None:
        """Take in a subscription that a REFER made."""
        self._notifiers.append(notifier)

    @property
    def is_full(self) -> bool:
        """Whether no further subscriber to us can be kept."""
        return len(self._notifiers) >= MAX_NOTIFIERS

    def receive_subscribe(self, key: ServerKey, request: Request, identity: Identity, source: Hop, now: float) -> None:
        """A SUBSCRIBE outside dialogs (section 4.2.1)."""
        event = parse_event(request.headers.get("Event"))
        package = self._package(event.package)
        refusal = self._subscribe_fault(request, identity, source, package)
        if refusal is not None or package is None:
            self._core.respond(key, (refusal or self.bad_event()).response(request, self._core.ids.tag()), now)
            return
        expires_s = _granted(request)
        dialog = Dialog.of_request(request, self._core.ids.tag(), source)
        topic = Topic(event, package.content_type, lambda: package.current(identity))
        notifier = Notifier(self._core, self._client, identity, dialog, topic, now + expires_s)
        self._accept(key, request, notifier, source, expires_s, now)
        if expires_s:
            self._notifiers.append(notifier)
        notifier.receive(RefreshReceived(expires_s), now)

    def refresh(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        """A SUBSCRIBE within a dialog: renew or end a subscription, 481 when there is none (section 4.2.1.4)."""
        event = parse_event(request.headers.get("Event"))
        dialog_id = DialogId(request.call_id, request.to.tag or "", request.from_.tag or "")
        found = next((one for one in self._notifiers if one.event == event and one.has_dialog(dialog_id)), None)
        if found is None:
            self._core.respond(key, request.response(481), now)
        elif not found.dialog.is_in_order(request):
            self._core.respond(key, request.response(500, "Out of order"), now)
        else:
            expires_s = _granted(request)
            found.dialog.refresh_target(request)
            self._accept(key, request, found, source, expires_s, now)
            found.receive(RefreshReceived(expires_s), now)
            self.forget_over()

    def bad_event(self) -> Refusal:
        """489 with what there is instead (section 8.3.2)."""
        return Refusal(489, (("Allow-Events", self._core.allow_events),))

    def _subscribe_fault(
        self, request: Request, identity: Identity, source: Hop, package: Package | None
    ) -> Refusal | None:
        if package is None:
            return self.bad_event()
        accepted = [token.lower() for token in request.tokens("Accept")]
        if not package.allows(identity, source):
            return Refusal(403)
        if accepted and not {package.content_type, package.content_type.partition("/")[0] + "/*", "*/*"} & {*accepted}:
            return Refusal(406, (("Accept", package.content_type),))
        expires = request.expires
        if expires is not None and 0 < expires < SHORTEST_EXPIRES_S:
            return Refusal(423, (("Min-Expires", str(SHORTEST_EXPIRES_S)),))
        if self.is_full:
            return Refusal(503, (("Retry-After", str(FULL_RETRY_AFTER_S)),))
        return None

    def _accept(
        self,
        key: ServerKey,
        request: Request,
        notifier: Notifier,
        source: Hop,
        expires_s: int,
        now: float,
    ) -> None:
        response = request.response(200, to_tag=notifier.dialog.local.tag)
        for route in request.headers.get_all("Record-Route"):
            response.headers.add("Record-Route", route)
        response.headers.add("Contact", str(notifier.identity.contact(source.transport, source.host)))
        response.headers.add("Expires", str(expires_s))
        self._core.respond(key, response, now)


def _granted(request: Request) -> int:
    return min(request.expires if request.expires is not None else DEFAULT_EXPIRES_S, LONGEST_EXPIRES_S)


def _notify_fault(subscriber: Subscriber, request: Request) -> Refusal | None:
    """415 for a body that we did not ask for (RFC 6665 section 4.1.3 leaves that to the rules of bodies)."""
    accept = subscriber.wish.accept
    if not request.body or request.content_type in [item.strip() for item in accept.split(",")]:
        return None
    return Refusal(415, (("Accept", accept),))
