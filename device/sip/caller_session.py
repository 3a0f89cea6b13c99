"""A call that we make (RFC 3261 section 13.2): the table of a caller, from INVITE to ACK or CANCEL."""

from collections import deque
from collections.abc import Iterable
from enum import Enum

from device import plain_logging as logging
from device.annotations import ClassVar
from device.sip.causes import cause_text, reason_of
from device.sip.dialog import Dialog, DialogId
from device.sip.dialog_exchange import AnswerSent, DialogExchange
from device.sip.events import CallRinging, CallTrying, EndCause, OfferReceived
from device.sip.invite_session import InviteSession, SessionState
from device.sip.invite_usage import InviteUsage
from device.sip.offer_inputs import EarlyOfferReceived, PrackReceived, UpdateReceived
from device.sip.outgoing_invite import EARLY_DIALOG_TERMINATED, FurtherHeaders, OutgoingInvite
from device.sip.session_inputs import (
    AcceptRequested,
    AnswerMissed,
    AnswerReceived,
    ByeReceived,
    HangUpRequested,
    InviteFailed,
    InviteReceived,
    OfferReturned,
    ProvisionalReceived,
    Redirected,
    RefuseRequested,
    ReofferRequested,
    RingTimedOut,
    SessionLost,
)
from device.sip.state_table import Table
from device.sip.uri import Uri

_log = logging.getLogger(__name__)

_S = SessionState

REQUEST_TERMINATED = 487


class CallerSession(InviteSession):
    """The caller's side; without `offer` the other side makes one."""

    __slots__ = ("_early_offers", "_heard", "_last_progress", "_outgoing", "_spoken_with")

    def __init__(self, usage: InviteUsage, offer: bytes, extra: FurtherHeaders = ()) -> None:
        super().__init__(usage, SessionState.CALLING)
        self._outgoing = OutgoingInvite(usage, offer, self.receive, extra)
        self._last_progress: tuple[int, str, bytes] | None = None
        self._heard = ""
        """The To tag of the branch whose early media is to be heard: the last that brought a new description."""
        self._early_offers: deque[EarlyOfferReceived] = deque()
        self._spoken_with: DialogExchange | None = None
        """The branch whose offer our owner answered last."""

    def start(self, target: Uri, now: float) -> None:
        """Send the INVITE."""
        self._timers.set(RingTimedOut, now + self._usage.core.settings.ring_timeout_s)
        _log.debug("%s: calling %s", self.call_id, target)
        self._outgoing.start(target, now)

    @property
    def outgoing(self) -> OutgoingInvite:
        return self._outgoing

    @property
    def exchanges(self) -> Iterable[DialogExchange]:
        return super().exchanges if self._usage.exchange is not None else self._outgoing.early_exchanges

    def lose_dialog(self, exchange: DialogExchange, cause: EndCause, now: float) -> None:
        super().lose_dialog(exchange, cause, now)
        self._outgoing.forget_early(exchange)

    def dialog(self, dialog_id: DialogId) -> Dialog | None:
        """The dialog of this call with that identity: the one that was answered, or until then an early one.

        A branch of a fork that lost may still send its BYE; that must not end the call with the one that won.
        """
        if dialog_id[:2] != (self._outgoing.sip_call_id, self._outgoing.local_tag):
            return None
        if self._usage.dialog is not None:
            return super().dialog(dialog_id)
        return self._outgoing.early_dialog(dialog_id.remote_tag)

    # What the table does.

    def _progress(self, happened: ProvisionalReceived, _now: float) -> None:
        response, sdp = happened.response, happened.sdp
        tag = response.to.tag or ""
        if response.status == EARLY_DIALOG_TERMINATED:
            self._end_branch(happened)
            return
        progress = (response.status, tag, sdp)
        if progress == self._last_progress:
            return
        self._last_progress = progress
        if response.status == 100:
            self._usage.core.emit(CallTrying(self.call_id))
            return
        if sdp and tag != self._heard:
            exchange = self._exchange_of_tag(tag)
            if exchange is not None and exchange.early == sdp:
                sdp = b""  # a branch that repeats itself does not take the ear from the one that spoke up last
            else:
                self._heard = tag
        self._usage.core.emit(CallRinging(self.call_id, response.status, response.reason, sdp))

    def _exchange_of_tag(self, tag: str) -> DialogExchange | None:
        return next((one for one in self.exchanges if one.dialog.remote.tag == tag), None)

    def _end_branch(self, happened: ProvisionalReceived) -> None:
        """199: where that branch was heard, another one that can be is heard instead, if there is any (RFC 6228)."""
        if happened.response.to.tag != self._heard:
            return
        others = [one for one in self.exchanges if one.early]
        self._heard = (others[-1].dialog.remote.tag or "") if others else ""
        sdp = others[-1].early if others else b""
        response = happened.response
        self._usage.core.emit(CallRinging(self.call_id, response.status, response.reason, sdp))

    def _take_early_offer(self, happened: EarlyOfferReceived, now: float) -> None:
        self._early_offers.append(happened)
        self._usage.core.emit(OfferReceived(self.call_id, happened.exchange.offer))

    def _answer_invite(self, happened: AcceptRequested | RefuseRequested, now: float) -> None:
        """The owner's word on the offer of a reliable 1xx; several branches are answered in their order."""
        if not self._early_offers:
            super()._answer_invite(happened, now)
        elif isinstance(happened, AcceptRequested):
            early = self._early_offers.popleft()
            self._spoken_with = early.exchange
            early.exchange.receive(AnswerSent(happened.sdp), now)
            self._outgoing.acknowledge_provisional(early.exchange, early.response, happened.sdp, self._fail_prack, now)
        else:
            self._fail_prack(happened.status, cause_text(happened.status), now)

    def _fail_prack(self, status: int, text: str, now: float) -> None:
        """No session can come of a call whose first offer has no answer; after a 2xx it has one."""
        if self.state is SessionState.PROCEEDING:
            self.receive(SessionLost(EndCause(status, text, local=True)), now)

    def _lose_early(self, happened: SessionLost, now: float) -> None:
        self._end(happened.cause.status, happened.cause.text, happened.cause.local)
        self._take_back(now)

    def _redirect(self, _happened: Redirected, now: float) -> None:
        self._outgoing.follow(now)

    def _refused(self, happened: InviteFailed, now: float) -> None:
        self._close_offers(now)
        self._end(happened.status, happened.text, local=False)

    def _answered(self, happened: AnswerReceived, now: float) -> None:
        self._outgoing.acknowledge(b"", now)
        self._early_offers.clear()
        exchange = self._usage.confirmed_exchange
        if self._spoken_with not in (None, exchange):
            # Of several branches with an offer each it is an earlier one that answers: its session is the one to keep.
            # Our answer went to it in PRACK already.
            self._usage.core.emit(OfferReceived(self.call_id, exchange.remote))
        self._establish(happened.sdp, now)

    def _unanswered(self, happened: AnswerMissed, now: float) -> None:
        self._end(488, "the other side answered without saying how to talk", local=False)
        self._acknowledge_and_leave(happened, now)

    def _ask_answer(self, happened: OfferReturned, _now: float) -> None:
        self._early_offers.clear()
        if happened.sdp:
            self._usage.core.emit(OfferReceived(self.call_id, happened.sdp))

    def _give_answer(self, happened: AcceptRequested, now: float) -> None:
        self._usage.confirmed_exchange.receive(AnswerSent(happened.sdp), now)
        self._outgoing.acknowledge(happened.sdp, now)
        self._establish(b"", now)

    def _refuse_answer(self, happened: RefuseRequested, now: float) -> None:
        """An offer in a 2xx can only be refused by ending the call (section 13.2.2.4)."""
        self._end(happened.status, cause_text(happened.status), local=True)
        self._acknowledge_and_leave(happened, now)

    def _leave_answering(self, happened: HangUpRequested, now: float) -> None:
        self._end(0, "hung up here", local=True)
        self._acknowledge_and_leave(happened, now)

    def _acknowledge_and_leave(self, _happened: object, now: float) -> None:
        """Whoever answers a call that was given up gets ACK and BYE (section 15)."""
        self._outgoing.acknowledge(b"", now)
        self._bye(now)

    def _leave_late(self, _happened: object, now: float) -> None:
        """A branch of a fork answers after the call has failed."""
        self._outgoing.acknowledge(b"", now)
        self._usage.send_bye(None, self._cause, now)

    def _cancel(self, _happened: HangUpRequested, now: float) -> None:
        self._end(487, "cancelled here", local=True)
        self._take_back(now)

    def _give_up(self, _happened: RingTimedOut, now: float) -> None:
        self._end(408, "no answer", local=True)
        self._take_back(now)

    def _take_back(self, now: float) -> None:
        self._close_offers(now)
        cause = self._cause
        # Who hangs up before the answer clears the call as anybody does; what failed has a status of its own.
        failed = cause is not None and cause.status not in (0, REQUEST_TERMINATED)
        self._outgoing.cancel(now, reason_of(cause.status, cause.text) if failed and cause else reason_of(0, ""))

    def _bye_before_answer(self, happened: ByeReceived, now: float) -> None:
        """No callee may do this (section 15), but some do; the rest of a fork must not go on ringing."""
        self.confirm_bye(happened, now)
        self._end(0, "the other side hung up", local=False)
        self._take_back(now)

    TABLE: ClassVar[Table] = {
        **InviteSession.TABLE,
        (_S.CALLING, ProvisionalReceived): (_S.PROCEEDING, _progress),
        (_S.CALLING, AnswerReceived): (_S.CONFIRMED, _answered),
        (_S.CALLING, OfferReturned): (_S.ANSWERING, _ask_answer),
        (_S.CALLING, AnswerMissed): (_S.LEAVING, _unanswered),
        (_S.CALLING, Redirected): (_S.CALLING, _redirect),
        (_S.CALLING, InviteFailed): (_S.ENDED, _refused),
        (_S.CALLING, RingTimedOut): (_S.CANCELLING, _give_up),
        (_S.CALLING, HangUpRequested): (_S.CANCELLING, _cancel),
        (_S.PROCEEDING, ProvisionalReceived): (_S.PROCEEDING, _progress),
        (_S.PROCEEDING, AnswerReceived): (_S.CONFIRMED, _answered),
        (_S.PROCEEDING, OfferReturned): (_S.ANSWERING, _ask_answer),
        (_S.PROCEEDING, AnswerMissed): (_S.LEAVING, _unanswered),
        (_S.PROCEEDING, Redirected): (_S.CALLING, _redirect),
        (_S.PROCEEDING, InviteFailed): (_S.ENDED, _refused),
        (_S.PROCEEDING, RingTimedOut): (_S.CANCELLING, _give_up),
        (_S.PROCEEDING, HangUpRequested): (_S.CANCELLING, _cancel),
        (_S.CALLING, ReofferRequested): (_S.CALLING, InviteSession.offer_early),
        (_S.PROCEEDING, EarlyOfferReceived): (_S.PROCEEDING, _take_early_offer),
        (_S.PROCEEDING, AcceptRequested): (_S.PROCEEDING, InviteSession.answer_offer),
        (_S.PROCEEDING, RefuseRequested): (_S.PROCEEDING, InviteSession.answer_offer),
        (_S.PROCEEDING, SessionLost): (_S.CANCELLING, _lose_early),
        (_S.PROCEEDING, ReofferRequested): (_S.PROCEEDING, InviteSession.offer_early),
        (_S.PROCEEDING, UpdateReceived): (_S.PROCEEDING, InviteSession.take_update),
        (_S.PROCEEDING, PrackReceived): (_S.PROCEEDING, InviteSession.refuse_unknown),
        (_S.PROCEEDING, InviteReceived): (_S.PROCEEDING, InviteSession.refuse_glare),
        (_S.PROCEEDING, ByeReceived): (_S.CANCELLING, _bye_before_answer),
        (_S.ANSWERING, AcceptRequested): (_S.CONFIRMED, _give_answer),
        (_S.ANSWERING, RefuseRequested): (_S.LEAVING, _refuse_answer),
        (_S.ANSWERING, HangUpRequested): (_S.LEAVING, _leave_answering),
        (_S.ANSWERING, ReofferRequested): (_S.ANSWERING, InviteSession.modify),
        (_S.ANSWERING, UpdateReceived): (_S.ANSWERING, InviteSession.take_update),
        (_S.ANSWERING, PrackReceived): (_S.ANSWERING, InviteSession.refuse_unknown),
        (_S.ANSWERING, InviteReceived): (_S.ANSWERING, InviteSession.refuse_glare),
        (_S.ANSWERING, ByeReceived): (_S.ENDED, InviteSession.be_hung_up),
        (_S.CANCELLING, AnswerReceived): (_S.LEAVING, _acknowledge_and_leave),
        (_S.CANCELLING, OfferReturned): (_S.LEAVING, _acknowledge_and_leave),
        (_S.CANCELLING, AnswerMissed): (_S.LEAVING, _acknowledge_and_leave),
        (_S.CANCELLING, InviteFailed): (_S.ENDED, InviteSession.do_nothing),
        (_S.CANCELLING, UpdateReceived): (_S.CANCELLING, InviteSession.refuse_unknown),
        (_S.CANCELLING, PrackReceived): (_S.CANCELLING, InviteSession.refuse_unknown),
        (_S.CANCELLING, InviteReceived): (_S.CANCELLING, InviteSession.refuse_glare),
        (_S.CANCELLING, ByeReceived): (_S.CANCELLING, InviteSession.confirm_bye),
        (_S.ENDED, AnswerReceived): (_S.ENDED, _leave_late),
        (_S.ENDED, OfferReturned): (_S.ENDED, _leave_late),
        (_S.ENDED, AnswerMissed): (_S.ENDED, _leave_late),
    }

    # An offer of an early dialog may come after that has ceased to matter.
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = (
        InviteSession.IGNORED | frozenset((state, EarlyOfferReceived) for state in SessionState)
    ) - frozenset(TABLE)
