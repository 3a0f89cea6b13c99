"""Re-INVITEs in both directions (RFC 3261 section 14): the table of offers within an established call."""

from collections.abc import Callable
from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import ClassVar, Final
from device.sip.causes import cause_text
from device.sip.core import sdp_of
from device.sip.dialog_exchange import (
    OVERLAP,
    REQUEST_PENDING,
    AnswerSent,
    AnswerTaken,
    DialogExchange,
    OfferSent,
    OfferTaken,
    OfferVoided,
)
from device.sip.events import EndCause, OfferAnswered, OfferReceived, OfferRefused
from device.sip.invite_usage import InviteUsage
from device.sip.message import Response
from device.sip.offer_inputs import RefreshRequested
from device.sip.session_inputs import (
    AcceptRequested,
    AckReceived,
    AckTimedOut,
    AnswerMissed,
    AnswerReceived,
    BackOffOver,
    CancelReceived,
    DialogLost,
    GlareReceived,
    InviteFailed,
    InviteReceived,
    ModificationInput,
    OfferReturned,
    RefuseRequested,
    ReofferRequested,
    SessionConfirmed,
    SessionOver,
)
from device.sip.state_table import StateTable, Table
from device.sip.success_retransmission import SuccessRetransmission
from device.sip.transaction import ServerKey
from device.sip.user_agent_client import SentRequest
from device.timing import earliest

_log = logging.getLogger(__name__)

MAX_GLARES: Final = 5
"""How many 491 in a row one offer meets before it is given up."""

Input = ModificationInput | RefreshRequested


class ModificationState(Enum):
    """Who has an offer under way."""

    DORMANT = auto()
    """The call itself is not established yet."""
    STABLE = auto()
    OFFERING = auto()
    """Our re-INVITE awaits its final response."""
    ANSWERING = auto()
    """A 2xx brought an offer; the owner's answer goes in the ACK."""
    BACKING_OFF = auto()
    """491: our offer waits for its next turn."""
    OFFERED = auto()
    """Their re-INVITE awaits our final response."""
    ACCEPTED = auto()
    """Our 2xx awaits its ACK."""
    CLOSED = auto()


_S = ModificationState


class SessionModification(StateTable[ModificationState, Input]):
    """The re-INVITEs of one call, one at a time; `lose` ends the call when the other side has lost it."""

    __slots__ = (
        "_accepted",
        "_back_off_at",
        "_early_sdp",
        "_glares",
        "_invite",
        "_lose",
        "_offering",
        "_pending",
        "_refreshing",
        "_sent",
        "_usage",
    )

    def __init__(self, usage: InviteUsage, lose: Callable[[EndCause, float], None]) -> None:
        super().__init__(ModificationState.DORMANT)
        self._usage = usage
        self._lose = lose
        self._offering = b""
        """The offer of ours that is under way."""
        self._pending: bytes | None = None
        """The offer that follows when it can."""
        self._refreshing = False
        """Whether it is but the session as it stands, sent to refresh it."""
        self._early_sdp = b""
        """The answer in a provisional response: it counts when the 2xx comes (RFC 6141 section 3)."""
        self._glares = 0
        self._back_off_at: float | None = None
        self._sent: SentRequest | None = None
        self._invite: InviteReceived | None = None
        self._accepted: SuccessRetransmission | None = None

    @property
    def name(self) -> str:
        return f"{self._usage.call_id}: offers"

    @property
    def _exchange(self) -> DialogExchange:
        return self._usage.confirmed_exchange

    def receive(self, happened: Input, now: float) -> None:
        """Take one step, unless an UPDATE's offer bars it for now: then theirs is refused, and ours waits."""
        barred = self.state in (_S.STABLE, _S.BACKING_OFF) and not self._exchange.is_settled
        if barred and isinstance(happened, InviteReceived):
            self._refuse_barred(happened, now)
        elif barred and self.state is _S.STABLE and isinstance(happened, ReofferRequested):
            self._keep(happened, now)
        elif not (barred and isinstance(happened, RefreshRequested)):
            super().receive(happened, now)

    def settle(self, now: float) -> None:
        """Whatever barred our offers is over."""
        if self.state is _S.STABLE:
            self._settle(None, now)

    def receive_ack(self, cseq_number: int, sdp: bytes, now: float) -> None:
        """An ACK; that of our 2xx, if its sequence number says so."""
        if self._accepted is not None and self._accepted.cseq_number == cseq_number:
            self.receive(AckReceived(sdp) if sdp or not self._we_offered else AnswerMissed(), now)

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        if 200 <= response.status < 300:
            self._succeed(sent, response, now)
        elif sent is not self._sent:
            return
        elif response.status < 200:
            self._take_provisional(response, now)
        elif response.status == 422 and self._glares < MAX_GLARES and self._usage.raise_minimum(response):
            self._glares += 1
            self._void(now)
            self._offer_again(None, now)
        elif response.status == 491 and self._glares < MAX_GLARES:
            self.receive(GlareReceived(), now)
        elif response.status in (408, 481):
            self.receive(DialogLost(response.status, "the other side does not know this call any more"), now)
        else:
            if self._usage.timer is not None:
                self._usage.timer.hear()
            self.receive(InviteFailed(response.status, response.reason), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        if sent is not self._sent:
            return
        if status == 408:
            self.receive(DialogLost(status, "the other side does not answer any more"), now)
        else:
            self.receive(InviteFailed(status, text), now)

    def has_invite(self, key: ServerKey) -> bool:
        """Whether that INVITE is the re-INVITE that is being dealt with, or was last."""
        return self._invite is not None and self._invite.key == key

    def handle_timeout(self, now: float) -> None:
        """Repeat our 2xx, or offer again after a 491."""
        if self._accepted is not None and self._accepted.handle_timeout(now):
            self.receive(AckTimedOut(), now)
        if self._back_off_at is not None and now >= self._back_off_at:
            self._back_off_at = None
            self.receive(BackOffOver(), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        accepted = self._accepted.next_timeout() if self._accepted is not None else None
        return earliest(accepted, self._back_off_at)

    @property
    def _open_invite(self) -> InviteReceived:
        """Their re-INVITE that is being dealt with."""
        assert self._invite is not None
        return self._invite

    @property
    def _we_offered(self) -> bool:
        """Whether our 2xx carried the offer, their re-INVITE having had none."""
        return self._invite is not None and not sdp_of(self._invite.request)

    def _succeed(self, sent: SentRequest, response: Response, now: float) -> None:
        if self._usage.acknowledge_again(response, now) or sent is not self._sent or self.state is _S.ANSWERING:
            return
        self._take_target(response)
        self._usage.take_interval(self._exchange, sent.request, response, now)
        sdp = sdp_of(response) or (self._early_sdp if sent.request.body else b"")
        if not sdp:
            self.receive(AnswerMissed(), now)
        elif sent.request.body:
            self.receive(AnswerReceived(sdp), now)
        else:
            self.receive(OfferReturned(sdp), now)

    def _take_target(self, response: Response) -> None:
        """A 2xx or a reliable 1xx moves the other side at once, even if the re-INVITE fails after it (RFC 6141 4.3)."""
        self._exchange.dialog.refresh_target(response)
        self._exchange.note(response)

    def _take_provisional(self, response: Response, now: float) -> None:
        if "RSeq" not in response.headers.index or self.state is _S.CLOSED:
            return
        from device.sip.provisional_acknowledgement import (  # noqa: PLC0415  # hardly any peer sends one
            ProvisionalAcknowledgement,
            is_next,
            reliable_number,
        )

        number = reliable_number(response)
        if number and is_next(self._exchange, number):
            self._take_target(response)
            self._early_sdp = sdp_of(response) or self._early_sdp
            ProvisionalAcknowledgement.send(self._usage, self._exchange, response, b"", None, now)

    def _acknowledge(self, sdp: bytes, now: float) -> None:
        if self._sent is not None:
            number = self._sent.request.cseq.number
            self._usage.acknowledge(self._usage.confirmed_dialog, number, self._sent, sdp, now)

    # Our offers.

    def _keep(self, happened: ReofferRequested, _now: float) -> None:
        """One offer at a time: the newest waits for its turn (section 14.1)."""
        self._pending = happened.sdp

    def _settle(self, _happened: object, now: float) -> None:
        """Now that all is stable, an offer that had to wait has its turn."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self.receive(ReofferRequested(pending), now)

    def _offer(self, happened: ReofferRequested, now: float) -> None:
        self._refreshing = False
        self._offering = happened.sdp
        self._glares = 0
        self._offer_again(None, now)

    def _refresh(self, _happened: RefreshRequested, now: float) -> None:
        """Offer the session as it stands, to the letter, so that nothing changes by it (RFC 4028 section 7.4)."""
        self._refreshing = True
        self._offering = self._exchange.local
        self._glares = 0
        self._offer_again(None, now)

    def _offer_again(self, _happened: object, now: float) -> None:
        if self._refreshing:
            self._offering = self._exchange.local  # an UPDATE may have changed it meanwhile
        if self._offering:
            self._exchange.receive(OfferSent(self._offering), now)
        else:
            self._exchange.reserved = REQUEST_PENDING
        self._early_sdp = b""
        self._exchange.rseq = 0
        self._sent = self._usage.send_invite(self._offering, self, now)

    def _void(self, now: float) -> None:
        """Our re-INVITE came to nothing; an offer that is not its own is left alone."""
        self._exchange.reserved = 0
        if self._offering:
            self._exchange.receive(OfferVoided(), now)

    def _replace(self, happened: ReofferRequested, _now: float) -> None:
        self._refreshing = False
        self._offering = happened.sdp

    def _answered(self, happened: AnswerReceived, now: float) -> None:
        self._acknowledge(b"", now)
        changed = not self._refreshing or happened.sdp != self._exchange.remote
        self._exchange.receive(AnswerTaken(happened.sdp), now)
        if changed:
            self._usage.core.emit(OfferAnswered(self._usage.call_id, happened.sdp))
        self._settle(None, now)

    def _unanswered(self, _happened: AnswerMissed, now: float) -> None:
        self._acknowledge(b"", now)
        self._failed(InviteFailed(488, "2xx without an answer"), now)

    def _failed(self, happened: InviteFailed, now: float) -> None:
        _log.debug("%s: the other side refused our offer: %d %s", self._usage.call_id, happened.status, happened.text)
        self._void(now)
        if not self._refreshing:
            self._usage.core.emit(OfferRefused(self._usage.call_id, happened.status))
        self._settle(None, now)

    def _back_off(self, _happened: GlareReceived, now: float) -> None:
        self._glares += 1
        self._void(now)
        self._back_off_at = now + self._usage.back_off_s()

    def _back_off_over(self, happened: BackOffOver, now: float) -> None:
        """Offer again, or a little later if an UPDATE's offer is under way just now."""
        if self._exchange.is_settled:
            self._enter(_S.OFFERING)
            self._offer_again(happened, now)
        else:
            self._back_off_at = now + self._usage.core.timers.t1

    def _ask_answer(self, happened: OfferReturned, now: float) -> None:
        self._exchange.reserved = 0
        self._exchange.receive(OfferTaken(happened.sdp), now)
        self._usage.core.emit(OfferReceived(self._usage.call_id, happened.sdp))

    def _give_answer(self, happened: AcceptRequested, now: float) -> None:
        self._exchange.receive(AnswerSent(happened.sdp), now)
        self._acknowledge(happened.sdp, now)
        self._settle(None, now)

    def _give_up(self, happened: RefuseRequested, now: float) -> None:
        """An offer in a 2xx can only be refused by ending the call (section 13.2.2.4)."""
        self._acknowledge(b"", now)
        self._lose(EndCause(happened.status, cause_text(happened.status), local=True), now)

    def _lost(self, happened: DialogLost, now: float) -> None:
        self._lose(EndCause(happened.status, happened.text, local=False), now)

    # Their offers.

    def _take_offer(self, happened: InviteReceived, now: float) -> None:
        self._invite = happened
        sdp = sdp_of(happened.request)
        if sdp:
            self._exchange.receive(OfferTaken(sdp), now)
        else:
            self._exchange.reserved = OVERLAP
        self._usage.core.emit(OfferReceived(self._usage.call_id, sdp))

    def _take_offer_first(self, happened: InviteReceived, now: float) -> None:
        """Their offer came while ours was backing off: ours follows when theirs is settled."""
        self._back_off_at = None
        if not self._refreshing:
            self._pending = self._offering
        self._take_offer(happened, now)

    def _refuse_glare(self, happened: InviteReceived, now: float) -> None:
        self._usage.refuse(happened.key, happened.request, 491, now)

    def _refuse_overlap(self, happened: InviteReceived, now: float) -> None:
        self._usage.refuse_overlap(happened.key, happened.request, now)

    def _refuse_barred(self, happened: InviteReceived, now: float) -> None:
        if self._exchange.refusal == REQUEST_PENDING:
            self._refuse_glare(happened, now)
        else:
            self._refuse_overlap(happened, now)

    def _accept(self, happened: AcceptRequested, now: float) -> None:
        """Our 2xx, and nothing before it, moves the other side to the Contact of its re-INVITE (RFC 6141, 4.3)."""
        invite = self._open_invite
        self._exchange.dialog.refresh_target(invite.request)
        self._exchange.note(invite.request)
        self._exchange.reserved = 0
        self._exchange.receive(OfferSent(happened.sdp) if self._we_offered else AnswerSent(happened.sdp), now)
        self._accepted = self._usage.accept(invite.key, invite.request, invite.source, happened.sdp, now)

    def _refuse(self, happened: RefuseRequested, now: float) -> None:
        self._decline(happened.status, now)
        self._settle(None, now)

    def _cancelled(self, _happened: CancelReceived, now: float) -> None:
        self._decline(487, now)
        self._settle(None, now)

    def _decline(self, status: int, now: float) -> None:
        self._exchange.reserved = 0
        if not self._we_offered:
            self._exchange.receive(OfferVoided(), now)
        self._usage.refuse(self._open_invite.key, self._open_invite.request, status, now)

    def _acknowledged(self, happened: AckReceived, now: float) -> None:
        self._accepted = None
        if self._we_offered:
            self._exchange.receive(AnswerTaken(happened.sdp), now)
            self._usage.core.emit(OfferAnswered(self._usage.call_id, happened.sdp))
        self._settle(None, now)

    def _acknowledged_unanswered(self, _happened: AnswerMissed, now: float) -> None:
        self._accepted = None
        self._exchange.receive(OfferVoided(), now)
        self._usage.core.emit(OfferRefused(self._usage.call_id, 488))
        self._settle(None, now)

    def _invite_before_ack(self, happened: InviteReceived, now: float) -> None:
        """Whoever sends a new INVITE has our 2xx; only an answer lost with the ACK is missing (RFC 5407, 3.1.4)."""
        if self._we_offered:
            self._refuse_glare(happened, now)
        else:
            self.receive(AckReceived(b""), now)
            self.receive(happened, now)

    def _ack_timed_out(self, _happened: AckTimedOut, now: float) -> None:
        self._accepted = None
        self._lose(EndCause(408, "the other side did not confirm our answer", local=False), now)

    # The end.

    def _close_offering(self, happened: SessionOver, now: float) -> None:
        """Nobody may answer our re-INVITE any more; the CANCEL bounds the wait for that."""
        if self._sent is not None:
            self._usage.client.cancel(self._sent, now)
        self._close(happened, now)

    def _close_answering(self, happened: SessionOver, now: float) -> None:
        self._acknowledge(b"", now)
        self._close(happened, now)

    def _close(self, _happened: SessionOver, _now: float) -> None:
        self._accepted = self._back_off_at = self._pending = None

    def _close_offered(self, happened: SessionOver, now: float) -> None:
        """An INVITE that is still open when the call ends is answered 487 (section 15.1.2)."""
        self._decline(487, now)
        self._close(happened, now)

    def _acknowledge_late(self, _happened: object, now: float) -> None:
        """A 2xx to our re-INVITE that crossed the BYE still wants its ACK."""
        self._acknowledge(b"", now)

    TABLE: ClassVar[Table] = {
        (_S.DORMANT, ReofferRequested): (_S.DORMANT, _keep),
        (_S.DORMANT, SessionConfirmed): (_S.STABLE, _settle),
        (_S.DORMANT, SessionOver): (_S.CLOSED, _close),
        (_S.STABLE, ReofferRequested): (_S.OFFERING, _offer),
        (_S.STABLE, InviteReceived): (_S.OFFERED, _take_offer),
        (_S.STABLE, RefreshRequested): (_S.OFFERING, _refresh),
        (_S.STABLE, SessionOver): (_S.CLOSED, _close),
        (_S.OFFERING, ReofferRequested): (_S.OFFERING, _keep),
        (_S.OFFERING, InviteReceived): (_S.OFFERING, _refuse_glare),
        (_S.OFFERING, AnswerReceived): (_S.STABLE, _answered),
        (_S.OFFERING, AnswerMissed): (_S.STABLE, _unanswered),
        (_S.OFFERING, OfferReturned): (_S.ANSWERING, _ask_answer),
        (_S.OFFERING, InviteFailed): (_S.STABLE, _failed),
        (_S.OFFERING, GlareReceived): (_S.BACKING_OFF, _back_off),
        (_S.OFFERING, DialogLost): (_S.CLOSED, _lost),
        (_S.OFFERING, SessionOver): (_S.CLOSED, _close_offering),
        (_S.ANSWERING, ReofferRequested): (_S.ANSWERING, _keep),
        (_S.ANSWERING, InviteReceived): (_S.ANSWERING, _refuse_glare),
        (_S.ANSWERING, AcceptRequested): (_S.STABLE, _give_answer),
        (_S.ANSWERING, RefuseRequested): (_S.CLOSED, _give_up),
        (_S.ANSWERING, SessionOver): (_S.CLOSED, _close_answering),
        (_S.BACKING_OFF, ReofferRequested): (_S.BACKING_OFF, _replace),
        (_S.BACKING_OFF, InviteReceived): (_S.OFFERED, _take_offer_first),
        (_S.BACKING_OFF, BackOffOver): (_S.BACKING_OFF, _back_off_over),
        (_S.BACKING_OFF, SessionOver): (_S.CLOSED, _close),
        (_S.OFFERED, ReofferRequested): (_S.OFFERED, _keep),
        (_S.OFFERED, InviteReceived): (_S.OFFERED, _refuse_overlap),
        (_S.OFFERED, CancelReceived): (_S.STABLE, _cancelled),
        (_S.OFFERED, AcceptRequested): (_S.ACCEPTED, _accept),
        (_S.OFFERED, RefuseRequested): (_S.STABLE, _refuse),
        (_S.OFFERED, SessionOver): (_S.CLOSED, _close_offered),
        (_S.ACCEPTED, ReofferRequested): (_S.ACCEPTED, _keep),
        (_S.ACCEPTED, InviteReceived): (_S.ACCEPTED, _invite_before_ack),
        (_S.ACCEPTED, AckReceived): (_S.STABLE, _acknowledged),
        (_S.ACCEPTED, AnswerMissed): (_S.STABLE, _acknowledged_unanswered),
        (_S.ACCEPTED, AckTimedOut): (_S.CLOSED, _ack_timed_out),
        (_S.ACCEPTED, SessionOver): (_S.CLOSED, _close),
        (_S.CLOSED, AnswerReceived): (_S.CLOSED, _acknowledge_late),
        (_S.CLOSED, OfferReturned): (_S.CLOSED, _acknowledge_late),
        (_S.CLOSED, AnswerMissed): (_S.CLOSED, _acknowledge_late),
    }

    # What may come late: an owner's answer to an offer that was taken back, a failure after the end, a late CANCEL.
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        {
            *((state, kind) for state in _S for kind in (AcceptRequested, RefuseRequested, CancelReceived)),
            # Whatever offer is under way refreshes the session, too.
            *((state, RefreshRequested) for state in _S),
            *((_S.CLOSED, kind) for kind in (InviteFailed, GlareReceived, DialogLost, SessionOver, ReofferRequested)),
        }
    ) - frozenset(TABLE)
