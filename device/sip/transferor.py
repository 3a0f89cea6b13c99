"""Our REFER within a call (RFC 3515): asks the far end to call somebody, and follows how that comes out, as a table."""

from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import ClassVar
from device.model import CallId
from device.records import dataclass
from device.sip.causes import cause_text
from device.sip.feature_events import TransferFinished, TransferProgressed
from device.sip.invite_usage import InviteUsage
from device.sip.message import Response
from device.sip.refer import SIPFRAG_TYPE, Replaces, parse_sipfrag, refer_to
from device.sip.state_table import StateTable, Table
from device.sip.subscription import LONGEST_EXPIRES_S, Notified, NotifyMissed, SubscriptionExpired
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest
from device.timing import TimerSet

_log = logging.getLogger(__name__)

OUTCOME_UNKNOWN = "the far end has taken the transfer but does not say how it came out"


@dataclass(frozen=True, slots=True)
class ReferAccepted:
    """A 2xx to our REFER."""

    subscribed: bool
    """False where the far end will send no NOTIFY (RFC 4488)."""


@dataclass(frozen=True, slots=True)
class ReferRefused:
    """The far end will not call anybody for us, or does not answer."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class LingerOver:
    """No NOTIFY can be on its way any more."""


@dataclass(frozen=True, slots=True)
class CallGone:
    """The call within which we sent the REFER is over."""

    local: bool


class TransferorState(Enum):
    """How far the transfer has come."""

    REFERRING = auto()
    """Our REFER awaits its response."""
    AWAITING = auto()
    """It was accepted; the first NOTIFY is awaited."""
    FOLLOWING = auto()
    """NOTIFYs tell of the far end's new call."""
    OVER = auto()


_S = TransferorState
TransferorInput = ReferAccepted | ReferRefused | Notified | NotifyMissed | SubscriptionExpired | CallGone | LingerOver


class Transferor(StateTable[TransferorState, TransferorInput]):
    """One transfer that we asked for; tells its outcome exactly once."""

    __slots__ = ("_sent", "_timers", "_usage")

    def __init__(self, usage: InviteUsage) -> None:
        super().__init__(_S.REFERRING)
        self._usage = usage
        self._sent: SentRequest
        self._timers: TimerSet[type] = TimerSet()

    @property
    def name(self) -> str:
        return f"{self._usage.call_id}: transfer"

    @property
    def call_id(self) -> CallId:
        """The call whose far end is to call somebody else."""
        return self._usage.call_id

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do: late NOTIFYs are answered for a while."""
        return self.state is _S.OVER and not len(self._timers)

    @property
    def has_finished(self) -> bool:
        """Whether the outcome has been told."""
        return self.state is _S.OVER

    def start(self, target: Uri, replaces: Replaces | None, now: float) -> None:
        """Send the REFER; with `replaces` the new call takes the place of another call of ours."""
        usage = self._usage
        dialog = usage.confirmed_dialog
        request, next_hop = dialog.build_request("REFER"), dialog.next_hop
        request.headers.add("Contact", str(usage.identity.contact(next_hop.transport, next_hop.host)))
        request.headers.add("Refer-To", refer_to(target, replaces))
        request.headers.add("Referred-By", f"<{dialog.local.uri}>")
        request.headers.add("Accept", SIPFRAG_TYPE)
        usage.core.add_capabilities(request)
        self._timers.set(NotifyMissed, now + 2 * usage.core.timers.transaction_timeout)
        self._sent = usage.send(request, self, now)

    def matches(self, event_id: str) -> bool:
        """Whether a NOTIFY of the refer package with that id is for this REFER; many phones give none."""
        return event_id in ("", str(self._sent.request.cseq.number))

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        for kind in self._timers.pop_due(now):
            self.receive(kind(), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._timers.next_timeout()

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """The response to our REFER."""
        if response.status >= 300:
            text = cause_text(response.status, response.reason)
            self.receive(ReferRefused(response.status, text), now)
        elif response.status >= 200:
            refer_sub = (response.headers.get("Refer-Sub") or "true").partition(";")[0].strip().lower()
            self.receive(ReferAccepted(refer_sub != "false"), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        self.receive(ReferRefused(status, text), now)

    def _enter(self, state: TransferorState) -> None:
        super()._enter(state)
        if state is _S.OVER:
            self._timers.clear()

    # What the table does.

    def _accepted(self, happened: ReferAccepted, now: float) -> None:
        if not happened.subscribed:
            # 2xx means no more than that the far end will try; nothing else will ever be heard of it.
            self._finish(202, "the far end has taken the transfer", succeeded=True, now=now)

    def _refused(self, happened: ReferRefused, now: float) -> None:
        self._finish(happened.status, happened.text, succeeded=False, now=now)

    def _follow(self, happened: Notified, now: float) -> None:
        self._usage.core.respond(happened.key, happened.request.response(200), now)
        self._timers.cancel(NotifyMissed)
        seconds = happened.state.expires_s
        self._timers.set(SubscriptionExpired, now + (LONGEST_EXPIRES_S if seconds is None else max(seconds, 1)))
        found = parse_sipfrag(happened.request.body)
        status, reason = found if found is not None else (0, "")
        if status >= 200:
            text = cause_text(status, reason) if status >= 300 else "answered"
            self._finish(status, text, succeeded=status < 300, now=now)
        elif happened.state.is_terminated:
            self._finish(0, OUTCOME_UNKNOWN, succeeded=False, now=now)
        elif status:
            self._usage.core.emit(TransferProgressed(self.call_id, status, reason))

    def _missed(self, _happened: object, now: float) -> None:
        self._finish(0, OUTCOME_UNKNOWN, succeeded=False, now=now)

    def _lose_call(self, happened: CallGone, now: float) -> None:
        """A far end that hangs up once it has agreed has gone where we sent it; many tell no more than that."""
        agreed = self.state is not _S.REFERRING and not happened.local
        self._finish(0, "the far end hung up" if agreed else "the call ended", succeeded=agreed, now=now)

    def _confirm(self, happened: Notified, now: float) -> None:
        """What comes after the outcome only wants its answer."""
        self._usage.core.respond(happened.key, happened.request.response(200), now)

    def _finish(self, status: int, text: str, *, succeeded: bool, now: float) -> None:
        self._enter(_S.OVER)
        self._timers.set(LingerOver, now + self._usage.core.timers.transaction_timeout)
        _log.debug("%s: over: %d %s", self.name, status, text)
        self._usage.core.emit(TransferFinished(self.call_id, status, text, succeeded))

    def do_nothing(self, _happened: object, _now: float) -> None:
        """The state change is all."""

    TABLE: ClassVar[Table] = {
        (_S.REFERRING, ReferAccepted): (_S.AWAITING, _accepted),
        (_S.REFERRING, ReferRefused): (_S.REFERRING, _refused),
        # A NOTIFY may overtake the 202 (RFC 3515 section 2.4.4).
        (_S.REFERRING, Notified): (_S.FOLLOWING, _follow),
        (_S.REFERRING, NotifyMissed): (_S.REFERRING, _missed),
        (_S.REFERRING, CallGone): (_S.REFERRING, _lose_call),
        (_S.AWAITING, Notified): (_S.FOLLOWING, _follow),
        (_S.AWAITING, NotifyMissed): (_S.AWAITING, _missed),
        (_S.AWAITING, CallGone): (_S.AWAITING, _lose_call),
        (_S.FOLLOWING, Notified): (_S.FOLLOWING, _follow),
        (_S.FOLLOWING, ReferRefused): (_S.FOLLOWING, _refused),
        (_S.FOLLOWING, SubscriptionExpired): (_S.FOLLOWING, _missed),
        (_S.FOLLOWING, CallGone): (_S.FOLLOWING, _lose_call),
        (_S.OVER, Notified): (_S.OVER, _confirm),
        (_S.OVER, LingerOver): (_S.OVER, do_nothing),
    }
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        {
            (_S.FOLLOWING, ReferAccepted),
            *((_S.OVER, kind) for kind in (ReferAccepted, ReferRefused, CallGone)),
        }
    )
