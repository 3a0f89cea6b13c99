"""A subscription of ours (RFC 6665 section 4.1) as a table: get it, keep it, take what it brings, give it back."""

from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import ClassVar, Final
from device.records import dataclass
from device.sip.causes import cause_text
from device.sip.core import Core
from device.sip.dialog import Dialog, DialogId
from device.sip.feature_events import NotifyReceived, SubscriptionChanged
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.standalone_request import StandaloneRequest
from device.sip.state_table import StateTable, Table
from device.sip.subscription import (
    LONGEST_EXPIRES_S,
    PENDING,
    EventHeader,
    LeaveRequested,
    Notified,
    NotifyMissed,
    RefreshDue,
    SubscribeAccepted,
    SubscribeDue,
    SubscribeRefused,
    SubscriberInput,
    SubscriptionExpired,
    parse_min_expires,
    parse_retry_after,
)
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest, UserAgentClient
from device.timing import TimerSet

_log = logging.getLogger(__name__)

REFRESH_MARGIN_S: Final = 30.0
"""How long before its end a subscription is renewed; half the time for short ones."""
FIRST_PAUSE_S: Final = 30.0
LONGEST_PAUSE_S: Final = 1800.0
"""Pauses between attempts double from the one to the other."""
_HOPELESS: Final = frozenset((400, 403, 404, 405, 410, 416, 420, 488, 489, 501, 603, 604, 606))
"""Statuses that say that this subscription is not to be had: asking again would only be noise."""
_GONE: Final = frozenset(("rejected", "noresource", "invariant"))
"""Reasons of a terminated subscription after which nobody should subscribe again (section 4.1.3)."""
_AT_ONCE: Final = frozenset(("deactivated", "timeout"))
"""Reasons after which a new subscription should be tried at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be told: `name` is the owner's own word for it."""

    name: str
    target: Uri
    event: EventHeader
    accept: str
    expires_s: int
    persistent: bool = True
    """Whether to subscribe anew when the subscription is lost, until the owner leaves."""
    forks: bool = False
    """Whether the package lets several notifiers answer one SUBSCRIBE (section 4.4.9 of RFC 3265, now 5.4.9)."""


class SubscriberState(Enum):
    """Figure 1 of RFC 6665, with what comes before and after."""

    IDLE = auto()
    NOTIFY_WAIT = auto()
    """Our SUBSCRIBE is out; the first NOTIFY makes the dialog."""
    PENDING = auto()
    ACTIVE = auto()
    LEAVING = auto()
    """Our SUBSCRIBE with Expires: 0 is out; the last NOTIFY is awaited."""
    WAITING = auto()
    """A pause before the next attempt."""
    TERMINATED = auto()


_S = SubscriberState
_SUBSCRIBED: Final = (_S.PENDING, _S.ACTIVE)


class Subscriber(StateTable[SubscriberState, SubscriberInput]):
    """One subscription; `dialog` is there from the first NOTIFY on."""

    __slots__ = (
        "_asked_s",
        "_client",
        "_core",
        "_failures",
        "_granted_s",
        "_sent",
        "_standalone",
        "_timers",
        "dialog",
        "wish",
    )

    def __init__(self, core: Core, client: UserAgentClient, identity: Identity, wish: Wish) -> None:
        super().__init__(_S.IDLE)
        self._core = core
        self._client = client
        self.wish = wish
        self.dialog: Dialog | None = None
        self._standalone = StandaloneRequest(core, identity, wish.target)
        self._sent: SentRequest | None = None
        self._asked_s = wish.expires_s
        self._granted_s = wish.expires_s
        self._failures = 0
        self._timers: TimerSet[type] = TimerSet()

    @property
    def name(self) -> str:
        return f"subscription {self.wish.name}"

    @property
    def identity(self) -> Identity:
        """The account that subscribes."""
        return self._standalone.identity

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.state is _S.TERMINATED

    def fork(self, notify: Request) -> "Subscriber":
        """A second subscription that the same SUBSCRIBE made: another notifier has sent `notify` (section 4.1.4)."""
        other = Subscriber(self._core, self._client, self.identity, self.wish)
        other._standalone, other.state, other._asked_s = self._standalone, _S.NOTIFY_WAIT, self._asked_s
        return other

    def expects(self, notify: Request) -> bool:
        """Whether a NOTIFY that belongs to no dialog may make ours: sent in answer to our SUBSCRIBE."""
        ours = (self._standalone.call_id, self._standalone.from_.tag)
        return (notify.call_id, notify.to.tag) == ours and self.state is not _S.TERMINATED

    def has_dialog(self, dialog_id: DialogId) -> bool:
        """Whether a request in that dialog is for this subscription."""
        return self.dialog is not None and self.dialog.id == dialog_id

    def renew(self, now: float) -> None:
        """Subscribe now instead of at the next deadline, for our address or the server is another one now."""
        if self.state in _SUBSCRIBED:
            self.receive(RefreshDue(), now)
        elif self.state is _S.WAITING:
            self._timers.clear()
            self.receive(SubscribeDue(), now)

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        for kind in self._timers.pop_due(now):
            if (self.state, kind) in self.TABLE:
                self.receive(kind(), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._timers.next_timeout()

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """The response to our newest SUBSCRIBE."""
        if sent is not self._sent or response.status < 200:
            return
        if response.status >= 300:
            text = cause_text(response.status, response.reason)
            if response.status in (401, 407):
                text = self.identity.refusal_text(response)
            retry_after_s, min_expires_s = parse_retry_after(response), parse_min_expires(response)
            self.receive(SubscribeRefused(response.status, text, retry_after_s, min_expires_s), now)
            return
        # A 2xx must say how long; where it does not, what we asked for counts (section 4.1.2.1).
        expires_s = response.expires if response.expires is not None else self._asked_s
        self.receive(SubscribeAccepted(min(expires_s, LONGEST_EXPIRES_S)), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        if sent is self._sent:
            self.receive(SubscribeRefused(status, text), now)

    def _enter(self, state: SubscriberState) -> None:
        super()._enter(state)
        if state not in _SUBSCRIBED:
            self._timers.clear()

    # What the table does.

    def _subscribe(self, _happened: object, now: float) -> None:
        """Begin anew, in a dialog that the first NOTIFY will make."""
        self.dialog = None
        self._standalone = StandaloneRequest(self._core, self.identity, self.wish.target)
        self._send(self._standalone.build("SUBSCRIBE", contact=True), self._asked_s, now)

    def _refresh(self, _happened: object, now: float) -> None:
        # What has lasted so long is no failure any more; a notifier that ends all at once is not asked without pause.
        self._failures = 0
        self._send(self._in_dialog(), self._asked_s, now)

    def _leave(self, _happened: object, now: float) -> None:
        self._send(self._in_dialog() if self.dialog else self._standalone.build("SUBSCRIBE", contact=True), 0, now)

    def _in_dialog(self) -> Request:
        assert self.dialog is not None, "subscribed without a dialog"
        request, next_hop = self.dialog.build_request("SUBSCRIBE"), self.dialog.next_hop
        request.headers.add("Contact", str(self.identity.contact(next_hop.transport, next_hop.host)))
        return request

    def _send(self, request: Request, expires_s: int, now: float) -> None:
        request.headers.add("Event", str(self.wish.event))
        request.headers.add("Expires", str(expires_s))
        request.headers.add("Accept", self.wish.accept)
        self._core.add_capabilities(request)
        next_hop = self.dialog.next_hop if self.dialog else self._standalone.next_hop
        next_cseq = self.dialog.next_cseq if self.dialog else self._standalone.next_cseq
        self._sent = self._client.send(request, next_hop, self.identity, self, next_cseq, now)
        if self.state not in _SUBSCRIBED:
            # A notifier that grants a refresh without a NOTIFY breaks the rule, but harms nobody: only here it counts.
            self._timers.set(NotifyMissed, now + self._core.timers.transaction_timeout)

    def _accepted(self, happened: SubscribeAccepted, now: float) -> None:
        self._granted_s = happened.expires_s
        if self.state in _SUBSCRIBED:
            self._agree(happened.expires_s, now)

    def _agree(self, expires_s: int, now: float) -> None:
        """Note how long the subscription lasts."""
        self._timers.set(SubscriptionExpired, now + expires_s)
        self._timers.set(RefreshDue, now + max(expires_s / 2, expires_s - REFRESH_MARGIN_S))

    def _take(self, happened: Notified, now: float) -> None:
        """A NOTIFY: the first makes the dialog, each may shorten the subscription (section 4.1.2.4)."""
        if self.dialog is None:
            self.dialog = Dialog.of_request(happened.request, self._standalone.from_.tag or "")
            self.dialog.local_cseq = self._standalone.next_cseq()
        before = self.state
        self._core.respond(happened.key, self._confirmation(happened), now)
        if happened.state.is_terminated:
            self._tell_news(happened)
            self._lose(happened.state.reason, happened.state.retry_after_s, now)
            return
        self._timers.cancel(NotifyMissed)
        state = _S.PENDING if happened.state.state == PENDING else _S.ACTIVE
        self._enter(state)
        if happened.state.expires_s is not None or SubscriptionExpired not in self._timers:
            expires_s = happened.state.expires_s
            self._agree(self._granted_s if expires_s is None else expires_s, now)
        if before is not state:
            self._tell(state.name.lower(), 0, "subscribed" if state is _S.ACTIVE else "awaits approval")
        self._tell_news(happened)

    def _confirmation(self, happened: Notified) -> Response:
        return happened.request.response(200, to_tag=self._standalone.from_.tag)

    def _confirm_last(self, happened: Notified, now: float) -> None:
        """While we leave, only the last NOTIFY matters."""
        self._core.respond(happened.key, self._confirmation(happened), now)
        if happened.state.is_terminated:
            self._end(0, "unsubscribed")

    def _refused(self, happened: SubscribeRefused, now: float) -> None:
        if happened.status == 423 and (happened.min_expires_s or 0) > self._asked_s:
            self._asked_s = happened.min_expires_s or 0
            self._subscribe(None, now)
            return
        self._give_up_or_wait(happened.status, happened.text, happened.retry_after_s, now)

    def _give_up_or_wait(self, status: int, text: str, pause_s: float | None, now: float) -> None:
        if not self.wish.persistent or status in _HOPELESS:
            self._end(status, text)
            return
        pause = max(pause_s or 0.0, min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S))
        self._failures = min(self._failures + 1, 16)
        self._wait(status, text, pause, now)

    def _wait(self, status: int, text: str, pause: float, now: float) -> None:
        self._enter(_S.WAITING)
        self._timers.set(SubscribeDue, now + pause)
        self._tell("waiting", status, text, pause)

    def _missed(self, _happened: NotifyMissed, now: float) -> None:
        self._give_up_or_wait(408, "no notification came", None, now)

    def _refresh_refused(self, happened: SubscribeRefused, now: float) -> None:
        """481 or 404 and their kin end the subscription; after others it lasts until its time is over (4.1.2.2)."""
        if happened.status in (404, 405, 410, 416, 481, 482, 483, 484, 485, 489, 501, 604):
            self._expired(None, now)

    def _expired(self, _happened: object, now: float) -> None:
        """The notifier does not know us any more: begin anew, at once."""
        self._lose("timeout", None, now)

    def _lose(self, reason: str, retry_after_s: int | None, now: float) -> None:
        text = f"the notifier ended the subscription{f' ({reason})' if reason else ''}"
        if not self.wish.persistent or reason in _GONE:
            self._end(0, text)
        elif reason in _AT_ONCE and self._failures == 0:
            self._failures = 1
            self._enter(_S.NOTIFY_WAIT)
            self._subscribe(None, now)
        else:
            self._give_up_or_wait(0, text, retry_after_s, now)

    def _left(self, _happened: object, _now: float) -> None:
        self._end(0, "unsubscribed")

    def _end(self, status: int, text: str) -> None:
        self._enter(_S.TERMINATED)
        self._tell("terminated", status, text)

    def _tell(self, state: str, status: int, text: str, next_attempt_s: float | None = None) -> None:
        _log.debug("%s: %s: %s", self.name, state, text)
        account_id, package = self.identity.account_id, self.wish.event.package
        event = SubscriptionChanged(self.wish.name, account_id, package, state, status, text, next_attempt_s)
        self._core.emit(event)

    def _tell_news(self, happened: Notified) -> None:
        request = happened.request
        if request.body or not happened.state.is_terminated:
            account_id, package = self.identity.account_id, self.wish.event.package
            self._core.emit(
                NotifyReceived(self.wish.name, account_id, package, request.content_type or "", request.body)
            )

    def do_nothing(self, _happened: object, _now: float) -> None:
        """The state change is all."""

    TABLE: ClassVar[Table] = {
        (_S.IDLE, SubscribeDue): (_S.NOTIFY_WAIT, _subscribe),
        (_S.NOTIFY_WAIT, SubscribeAccepted): (_S.NOTIFY_WAIT, _accepted),
        (_S.NOTIFY_WAIT, SubscribeRefused): (_S.NOTIFY_WAIT, _refused),
        (_S.NOTIFY_WAIT, Notified): (_S.NOTIFY_WAIT, _take),
        (_S.NOTIFY_WAIT, NotifyMissed): (_S.NOTIFY_WAIT, _missed),
        (_S.NOTIFY_WAIT, LeaveRequested): (_S.LEAVING, _leave),
        (_S.PENDING, SubscribeAccepted): (_S.PENDING, _accepted),
        (_S.PENDING, SubscribeRefused): (_S.PENDING, _refresh_refused),
        (_S.PENDING, Notified): (_S.PENDING, _take),
        (_S.PENDING, RefreshDue): (_S.PENDING, _refresh),
        (_S.PENDING, SubscriptionExpired): (_S.PENDING, _expired),
        (_S.ACTIVE, SubscribeAccepted): (_S.ACTIVE, _accepted),
        (_S.ACTIVE, SubscribeRefused): (_S.ACTIVE, _refresh_refused),
        (_S.ACTIVE, Notified): (_S.ACTIVE, _take),
        (_S.ACTIVE, RefreshDue): (_S.ACTIVE, _refresh),
        (_S.ACTIVE, SubscriptionExpired): (_S.ACTIVE, _expired),
        (_S.PENDING, LeaveRequested): (_S.LEAVING, _leave),
        (_S.ACTIVE, LeaveRequested): (_S.LEAVING, _leave),
        (_S.LEAVING, SubscribeAccepted): (_S.LEAVING, do_nothing),
        (_S.LEAVING, SubscribeRefused): (_S.LEAVING, _left),
        (_S.LEAVING, Notified): (_S.LEAVING, _confirm_last),
        (_S.LEAVING, NotifyMissed): (_S.LEAVING, _left),
        (_S.WAITING, SubscribeDue): (_S.NOTIFY_WAIT, _subscribe),
        (_S.WAITING, LeaveRequested): (_S.WAITING, _left),
    }

    # Responses to a SUBSCRIBE that was overtaken, and an owner who leaves twice.
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        {
            *((state, kind) for state in (_S.WAITING, _S.TERMINATED) for kind in (SubscribeAccepted, SubscribeRefused)),
            (_S.IDLE, LeaveRequested),
            (_S.LEAVING, LeaveRequested),
            (_S.TERMINATED, LeaveRequested),
        }
    )
