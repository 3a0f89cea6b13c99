"""UPDATEs of ours (RFC 3311): offers before the call is answered, refreshes of the session or of our address in it."""

from __future__ import annotations

from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, ClassVar, Final, Protocol
from device.sip.core import sdp_of
from device.sip.dialog_exchange import AnswerTaken, DialogExchange, OfferSent, OfferVoided
from device.sip.events import EndCause, OfferAnswered, OfferRefused
from device.sip.message import Response
from device.sip.session_inputs import BackOffOver, DialogLost, GlareReceived, SessionOver
from device.sip.state_table import StateTable, Table
from device.sip.update_inputs import (
    PostponementReceived,
    UpdateFailed,
    UpdateRequested,
    UpdateSucceeded,
    UpdateUnknown,
)
from device.sip.user_agent_client import SentRequest

if TYPE_CHECKING:
    from device.sip.invite_usage import InviteUsage

_log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 5
"""How many 491, 500 with Retry-After and 422 one UPDATE meets before it is given up."""
LONGEST_POSTPONEMENT_S: Final = 10
"""What a 500 may ask us to wait (section 5.2)."""


class UpdateOwner(Protocol):
    """The call, as the UPDATEs in its dialog see it."""

    def lose_dialog(self, exchange: DialogExchange, cause: EndCause, now: float) -> None:
        """The other side knows the dialog no more."""

    def offers_settled(self, now: float) -> None:
        """Another offer may have its turn."""

    def refresh_by_invite(self, now: float) -> None:
        """The other side takes no UPDATE after all."""


class UpdateClientState(Enum):
    """Where our UPDATE is."""

    IDLE = auto()
    SENT = auto()
    BACKING_OFF = auto()
    CLOSED = auto()


_S = UpdateClientState

UpdateClientInput = (
    UpdateRequested
    | UpdateSucceeded
    | UpdateFailed
    | UpdateUnknown
    | GlareReceived
    | PostponementReceived
    | DialogLost
    | BackOffOver
    | SessionOver
)


class UpdateClient(StateTable[UpdateClientState, UpdateClientInput]):
    """Our UPDATEs in one dialog, one at a time; the newest wish waits for its turn."""

    __slots__ = ("_again_at", "_attempts", "_exchange", "_owner", "_pending", "_sent", "_usage", "_wish")

    def __init__(self, usage: InviteUsage, exchange: DialogExchange, owner: UpdateOwner) -> None:
        super().__init__(_S.IDLE)
        self._usage = usage
        self._exchange = exchange
        self._owner = owner
        self._wish: UpdateRequested
        self._pending: UpdateRequested | None = None
        self._attempts = 0
        self._again_at: float | None = None
        self._sent: SentRequest | None = None

    @property
    def name(self) -> str:
        return f"{self._usage.call_id}: our UPDATEs"

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        if response.status < 200 or sent is not self._sent:
            return
        status = response.status
        if status < 300:
            self.receive(UpdateSucceeded(response), now)
        elif status == 422 and self._may_repeat and self._usage.raise_minimum(response):
            self.receive(PostponementReceived(0), now)
        elif status == 491 and self._may_repeat:
            self.receive(GlareReceived(), now)
        elif status == 500 and self._may_repeat and "Retry-After" in response.headers.index:
            self.receive(PostponementReceived(_postponement(response)), now)
        elif status == 481:
            self.receive(DialogLost(status, "the other side does not know this call any more"), now)
        elif self._may_go_by_invite:
            self.receive(UpdateUnknown(status), now)
        elif status == 408:
            self.receive(DialogLost(status, "the other side does not answer any more"), now)
        else:
            self.receive(UpdateFailed(status, response.reason), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        if sent is not self._sent:
            return
        if self._may_go_by_invite:
            self.receive(UpdateUnknown(status), now)
        elif status == 408:
            self.receive(DialogLost(status, "the other side does not answer any more"), now)
        else:
            self.receive(UpdateFailed(status, text), now)

    @property
    def _may_go_by_invite(self) -> bool:
        """Whether a re-INVITE does the same: some far ends, and boxes on the way, let every UPDATE fall."""
        return not self._wish.sdp and self._exchange.dialog.confirmed

    @property
    def _may_repeat(self) -> bool:
        return self._attempts < MAX_ATTEMPTS

    def handle_timeout(self, now: float) -> None:
        """Try again after a pause."""
        if self._again_at is not None and now >= self._again_at:
            self._again_at = None
            self.receive(BackOffOver(), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._again_at

    # What the table does.

    def _begin(self, happened: UpdateRequested, now: float) -> None:
        self._wish = happened
        self._attempts = 0
        self._send(None, now)

    def _send(self, _happened: object, now: float) -> None:
        """Send it; an offer that lost its turn meanwhile, since theirs was quicker, waits a little longer."""
        if self._wish.sdp and not self._exchange.is_settled:
            self._enter(_S.BACKING_OFF)
            self._again_at = now + self._usage.core.timers.t1
            return
        if self._wish.sdp:
            self._exchange.receive(OfferSent(self._wish.sdp), now)
        self._sent = self._usage.send_update(self._exchange, self._wish.sdp, self, now)

    def _keep(self, happened: UpdateRequested, _now: float) -> None:
        """The newest wish follows; a refresh need not, where what is under way does the same."""
        if happened.sdp or self._usage.has_moved:
            self._pending = happened

    def _replace(self, happened: UpdateRequested, _now: float) -> None:
        """What waits after a 491 gives way to a newer wish, unless that wants less."""
        if happened.sdp or not self._wish.sdp:
            self._wish = happened
        else:
            self._pending = happened

    def _succeed(self, happened: UpdateSucceeded, now: float) -> None:
        usage, response = self._usage, happened.response
        self._exchange.dialog.refresh_target(response)
        self._exchange.note(response)
        if self._sent is not None:
            usage.take_interval(self._exchange, self._sent.request, response, now)
        sdp = sdp_of(response)
        if self._wish.sdp and sdp:
            self._exchange.receive(AnswerTaken(sdp), now)
            usage.core.emit(OfferAnswered(usage.call_id, sdp))
        elif self._wish.sdp:
            self._give_up(488, now)
        self._settle(now)

    def _fail(self, happened: UpdateFailed, now: float) -> None:
        _log.debug("%s: the other side refused: %d %s", self.name, happened.status, happened.text)
        self._give_up(happened.status, now)
        self._settle(now)

    def _unknown(self, _happened: UpdateUnknown, now: float) -> None:
        """Whatever its Allow said, this and all later refreshes go by re-INVITE: that must not fail for an UPDATE."""
        self._exchange.allow -= {"UPDATE"}
        self._owner.refresh_by_invite(now)
        self._settle(now)

    def _give_up(self, status: int, now: float) -> None:
        if self._wish.sdp:
            self._exchange.receive(OfferVoided(), now)
            self._usage.core.emit(OfferRefused(self._usage.call_id, status))

    def _settle(self, now: float) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self.receive(pending, now)
        else:
            self._owner.offers_settled(now)

    def _back_off(self, _happened: GlareReceived, now: float) -> None:
        self._wait(self._usage.back_off_s(), now)

    def _postpone(self, happened: PostponementReceived, now: float) -> None:
        self._wait(happened.seconds, now)

    def _wait(self, seconds: float, now: float) -> None:
        self._attempts += 1
        if self._wish.sdp:
            self._exchange.receive(OfferVoided(), now)
        self._again_at = now + seconds

    def _lost(self, happened: DialogLost, now: float) -> None:
        self._owner.lose_dialog(self._exchange, EndCause(happened.status, happened.text, local=False), now)

    def _close(self, _happened: object, _now: float) -> None:
        self._pending = self._again_at = self._sent = None

    TABLE: ClassVar[Table] = {
        (_S.IDLE, UpdateRequested): (_S.SENT, _begin),
        (_S.IDLE, SessionOver): (_S.CLOSED, _close),
        (_S.SENT, UpdateRequested): (_S.SENT, _keep),
        (_S.SENT, UpdateSucceeded): (_S.IDLE, _succeed),
        (_S.SENT, UpdateFailed): (_S.IDLE, _fail),
        (_S.SENT, UpdateUnknown): (_S.IDLE, _unknown),
        (_S.SENT, GlareReceived): (_S.BACKING_OFF, _back_off),
        (_S.SENT, PostponementReceived): (_S.BACKING_OFF, _postpone),
        (_S.SENT, DialogLost): (_S.CLOSED, _lost),
        (_S.SENT, SessionOver): (_S.CLOSED, _close),
        (_S.BACKING_OFF, UpdateRequested): (_S.BACKING_OFF, _replace),
        (_S.BACKING_OFF, BackOffOver): (_S.SENT, _send),
        (_S.BACKING_OFF, SessionOver): (_S.CLOSED, _close),
    }

    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        (_S.CLOSED, kind)
        for kind in (
            UpdateRequested,
            UpdateSucceeded,
            UpdateFailed,
            UpdateUnknown,
            GlareReceived,
            PostponementReceived,
            DialogLost,
            SessionOver,
        )
    )


def _postponement(response: Response) -> float:
    """The seconds of a Retry-After, bounded."""
    digits = (response.headers.get("Retry-After") or "").strip().partition(";")[0].partition("(")[0].strip()
    return float(min(int(digits), LONGEST_POSTPONEMENT_S)) if digits.isascii() and digits.isdigit() else 1.0
