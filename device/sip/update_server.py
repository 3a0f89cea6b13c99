"""Requests of the other side that may bring an offer without being INVITEs: UPDATE (RFC 3311), PRACK (RFC 3262)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from device.annotations import TYPE_CHECKING, ClassVar
from device.sip.core import sdp_of
from device.sip.dialog_exchange import REQUEST_PENDING, AnswerSent, DialogExchange, OfferTaken, OfferVoided
from device.sip.events import OfferReceived
from device.sip.offer_inputs import PrackReceived, UpdateReceived
from device.sip.session_inputs import AcceptRequested, RefuseRequested, SessionOver
from device.sip.state_table import StateTable, Table
from device.sip.update_inputs import AnswerOverdue

if TYPE_CHECKING:
    from device.sip.invite_usage import InviteUsage

ANSWER_NEEDS_A_PERSON = 504
"""An offer that is not answered at once is refused so (RFC 3311 section 5.2): the requester may send a re-INVITE."""
REQUEST_TERMINATED = 487


class UpdateServerState(Enum):
    """Whether an offer awaits its owner's answer."""

    IDLE = auto()
    TAKEN = auto()
    CLOSED = auto()


_S = UpdateServerState

UpdateServerInput = UpdateReceived | PrackReceived | AcceptRequested | RefuseRequested | AnswerOverdue | SessionOver


class UpdateServer(StateTable[UpdateServerState, UpdateServerInput]):
    """The UPDATEs and offering PRACKs of the other side in one dialog; `settled` is told when an offer is done with."""

    __slots__ = ("_answer_by", "_exchange", "_settled", "_taken", "_usage")

    def __init__(self, usage: InviteUsage, exchange: DialogExchange, settled: Callable[[float], None]) -> None:
        super().__init__(_S.IDLE)
        self._usage = usage
        self._exchange = exchange
        self._settled = settled
        self._taken: UpdateReceived | PrackReceived
        self._answer_by: float | None = None

    @property
    def name(self) -> str:
        return f"{self._usage.call_id}: their UPDATEs"

    @property
    def has_offer(self) -> bool:
        """Whether an offer awaits the owner's answer."""
        return self.state is _S.TAKEN

    def take(self, happened: UpdateReceived | PrackReceived, now: float) -> None:
        """An UPDATE or PRACK: one without offer is confirmed at once, one out of turn refused (section 5.2)."""
        usage, exchange = self._usage, self._exchange
        is_update = isinstance(happened, UpdateReceived)
        refusal = exchange.refusal if sdp_of(happened.request) else 0
        if is_update and usage.is_too_brief(happened.request):
            usage.refuse_brief(happened.key, happened.request, now)
        elif refusal == REQUEST_PENDING:
            usage.refuse(happened.key, happened.request, REQUEST_PENDING, now)
        elif refusal or (self.has_offer and is_update):
            usage.refuse_overlap(happened.key, happened.request, now)
        elif sdp_of(happened.request):
            self.receive(happened, now)
        else:
            usage.confirm(exchange, happened, b"", now)

    def handle_timeout(self, now: float) -> None:
        """Refuse an offer that the owner leaves unanswered."""
        if self._answer_by is not None and now >= self._answer_by:
            self.receive(AnswerOverdue(), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        return self._answer_by

    # What the table does.

    def _take_offer(self, happened: UpdateReceived | PrackReceived, now: float) -> None:
        self._taken = happened
        self._answer_by = now + self._usage.core.timers.t2
        sdp = sdp_of(happened.request)
        self._exchange.receive(OfferTaken(sdp), now)
        self._usage.core.emit(OfferReceived(self._usage.call_id, sdp))

    def _accept(self, happened: AcceptRequested, now: float) -> None:
        self._answer_by = None
        self._exchange.receive(AnswerSent(happened.sdp), now)
        self._usage.confirm(self._exchange, self._taken, happened.sdp, now)
        self._settled(now)

    def _refuse(self, happened: RefuseRequested, now: float) -> None:
        self._decline(happened.status, now)
        self._settled(now)

    def _overdue(self, _happened: AnswerOverdue, now: float) -> None:
        self._decline(ANSWER_NEEDS_A_PERSON, now)
        self._settled(now)

    def _close_taken(self, _happened: SessionOver, now: float) -> None:
        self._decline(REQUEST_TERMINATED, now)

    def _decline(self, status: int, now: float) -> None:
        self._answer_by = None
        self._exchange.receive(OfferVoided(), now)
        self._usage.refuse(self._taken.key, self._taken.request, status, now)

    def _do_nothing(self, _happened: object, _now: float) -> None:
        pass

    TABLE: ClassVar[Table] = {
        (_S.IDLE, UpdateReceived): (_S.TAKEN, _take_offer),
        (_S.IDLE, PrackReceived): (_S.TAKEN, _take_offer),
        (_S.IDLE, SessionOver): (_S.CLOSED, _do_nothing),
        (_S.TAKEN, AcceptRequested): (_S.IDLE, _accept),
        (_S.TAKEN, RefuseRequested): (_S.IDLE, _refuse),
        (_S.TAKEN, AnswerOverdue): (_S.IDLE, _overdue),
        (_S.TAKEN, SessionOver): (_S.CLOSED, _close_taken),
    }

    # An owner may answer an offer that was refused for him, or after the end.
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        (state, kind) for state in (_S.IDLE, _S.CLOSED) for kind in (AcceptRequested, RefuseRequested, AnswerOverdue)
    ) | {(_S.CLOSED, SessionOver)}
