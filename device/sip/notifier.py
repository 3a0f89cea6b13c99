"""A subscription of somebody else to us (RFC 6665 section 4.2) as a table: one NOTIFY at a time, the newest news."""

from collections.abc import Callable
from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import ClassVar, Final
from device.records import dataclass
from device.sip.core import Core
from device.sip.dialog import Dialog, DialogId
from device.sip.identity import Identity
from device.sip.message import Response
from device.sip.state_table import StateTable, Table
from device.sip.subscription import (
    ACTIVE,
    TERMINATED,
    EventHeader,
    Finished,
    NotifierInput,
    NotifyAccepted,
    NotifyRefused,
    RefreshReceived,
    StateChanged,
    SubscriptionExpired,
    SubscriptionState,
)
from device.sip.user_agent_client import SentRequest, UserAgentClient

_log = logging.getLogger(__name__)

_GOES_ON: Final = frozenset((480, 500, 503))
"""Failures of a NOTIFY that need not mean that the subscriber is gone: the next one may get through."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a subscription is about; `current` gives the body that describes the state now."""

    event: EventHeader
    content_type: str
    current: Callable[[], bytes]


class NotifierState(Enum):
    """Figure 2 of RFC 6665, as far as a phone needs it: whoever may subscribe is active at once."""

    ACTIVE = auto()
    NOTIFYING = auto()
    """A NOTIFY awaits its answer; news wait meanwhile, lest they overtake each other."""
    CLOSING = auto()
    """The last NOTIFY waits for its turn."""
    TERMINATED = auto()


_S = NotifierState


class Notifier(StateTable[NotifierState, NotifierInput]):
    """One subscriber. `dialog` may be that of a call (RFC 3515) or one of its own."""

    __slots__ = (
        "_client",
        "_core",
        "_expires_at",
        "_last",
        "_news",
        "_sent",
        "_topic",
        "dialog",
        "identity",
    )

    def __init__(
        self,
        core: Core,
        client: UserAgentClient,
        identity: Identity,
        dialog: Dialog,
        topic: Topic,
        expires_at: float,
    ) -> None:
        super().__init__(_S.ACTIVE)
        self._core = core
        self._client = client
        self.identity = identity
        self.dialog = dialog
        self._topic = topic
        self._expires_at: float | None = expires_at
        self._news: bytes | None = None
        self._last: Finished | None = None
        self._sent: SentRequest | None = None

    @property
    def name(self) -> str:
        return f"notifier of {self.event}"

    @property
    def event(self) -> EventHeader:
        """The package, and the id of the subscription in its dialog."""
        return self._topic.event

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.state is _S.TERMINATED

    def has_dialog(self, dialog_id: DialogId) -> bool:
        """Whether a request in that dialog may be for this subscription."""
        return self.dialog.id == dialog_id

    def handle_timeout(self, now: float) -> None:
        """End a subscription that was not renewed."""
        if self._expires_at is not None and now >= self._expires_at:
            self._expires_at = None
            self.receive(SubscriptionExpired(), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._expires_at

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """The response to our NOTIFY."""
        if sent is self._sent and response.status >= 200:
            self.receive(NotifyAccepted() if response.status < 300 else NotifyRefused(response.status), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        if sent is self._sent:
            self.receive(NotifyRefused(status), now)

    def _enter(self, state: NotifierState) -> None:
        super()._enter(state)
        if state in (_S.CLOSING, _S.TERMINATED):
            self._expires_at = None

    # What the table does.

    def _notify(self, state: SubscriptionState, body: bytes, now: float) -> None:
        request, next_hop = self.dialog.build_request("NOTIFY"), self.dialog.next_hop
        request.headers.add("Contact", str(self.identity.contact(next_hop.transport, next_hop.host)))
        request.headers.add("Event", str(self.event))
        request.headers.add("Subscription-State", str(state))
        self._core.add_capabilities(request)
        if body:
            request.headers.add("Content-Type", self._topic.content_type)
            request.body = body
        self._sent = self._client.send(request, next_hop, self.identity, self, self.dialog.next_cseq, now)

    def _tell(self, happened: StateChanged, now: float) -> None:
        left_s = max(0, round((self._expires_at or now) - now))
        self._notify(SubscriptionState(ACTIVE, left_s), happened.body, now)

    def _keep(self, happened: StateChanged, _now: float) -> None:
        self._news = happened.body

    def _go_on(self, _happened: NotifyAccepted, now: float) -> None:
        news, self._news = self._news, None
        if news is not None:
            self.receive(StateChanged(news), now)

    def _refused(self, happened: NotifyRefused, now: float) -> None:
        """481, 489 and most others end the subscription (section 4.2.2); silence and overload do not."""
        if happened.status not in _GOES_ON:
            _log.debug("%s: the subscriber is gone: %d", self.name, happened.status)
            self._enter(_S.TERMINATED)
        else:
            self._go_on(NotifyAccepted(), now)

    def _renew(self, happened: RefreshReceived, now: float) -> None:
        """Every SUBSCRIBE is followed by a NOTIFY with the whole state (section 4.2.1.2)."""
        if happened.expires_s == 0:
            self.receive(Finished("timeout", self._topic.current()), now)
            return
        self._expires_at = now + happened.expires_s
        self.receive(StateChanged(self._topic.current()), now)

    def _expire(self, _happened: SubscriptionExpired, now: float) -> None:
        self.receive(Finished("timeout", self._topic.current()), now)

    def _finish(self, happened: Finished, now: float) -> None:
        self._notify(SubscriptionState(TERMINATED, reason=happened.reason), happened.body, now)

    def _keep_last(self, happened: Finished, _now: float) -> None:
        self._last = happened

    def _finish_now(self, _happened: object, now: float) -> None:
        assert self._last is not None, "closing without last news"
        self._finish(self._last, now)

    def do_nothing(self, _happened: object, _now: float) -> None:
        """The state change is all."""

    TABLE: ClassVar[Table] = {
        (_S.ACTIVE, StateChanged): (_S.NOTIFYING, _tell),
        (_S.ACTIVE, RefreshReceived): (_S.ACTIVE, _renew),
        (_S.ACTIVE, SubscriptionExpired): (_S.ACTIVE, _expire),
        (_S.ACTIVE, Finished): (_S.TERMINATED, _finish),
        (_S.NOTIFYING, StateChanged): (_S.NOTIFYING, _keep),
        (_S.NOTIFYING, RefreshReceived): (_S.NOTIFYING, _renew),
        (_S.NOTIFYING, SubscriptionExpired): (_S.NOTIFYING, _expire),
        (_S.NOTIFYING, Finished): (_S.CLOSING, _keep_last),
        (_S.NOTIFYING, NotifyAccepted): (_S.ACTIVE, _go_on),
        (_S.NOTIFYING, NotifyRefused): (_S.ACTIVE, _refused),
        (_S.CLOSING, NotifyAccepted): (_S.TERMINATED, _finish_now),
        (_S.CLOSING, NotifyRefused): (_S.TERMINATED, _finish_now),
    }

    # What is over takes no news; the answer to the last NOTIFY changes nothing.
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        {
            *((_S.TERMINATED, kind) for kind in (StateChanged, Finished, NotifyAccepted, NotifyRefused)),
            *((_S.TERMINATED, kind) for kind in (RefreshReceived, SubscriptionExpired)),
            *((_S.CLOSING, kind) for kind in (StateChanged, Finished, RefreshReceived, SubscriptionExpired)),
        }
    )
