"""A call that we make (RFC 3261 section 13.2): the table of a caller, from INVITE to ACK or CANCEL."""

import logging

from device.annotations import ClassVar
from device.sip.causes import cause_text
from device.sip.core import sdp_of
from device.sip.dialog import Dialog, DialogId
from device.sip.events import CallRinging, CallTrying, OfferReceived
from device.sip.invite_session import InviteSession, SessionState
from device.sip.invite_usage import InviteUsage
from device.sip.outgoing_invite import OutgoingInvite
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
    RingTimedOut,
)
from device.sip.state_table import Table
from device.sip.uri import Uri

_log = logging.getLogger(__name__)

_S = SessionState


class CallerSession(InviteSession):
    """The caller's side; without `offer` the other side makes one."""

    __slots__ = ("_last_progress", "_outgoing")

    def __init__(self, usage: InviteUsage, offer: bytes) -> None:
        super().__init__(usage, SessionState.CALLING)
        self._outgoing = OutgoingInvite(usage, offer, self.receive)
        self._last_progress: tuple[int, str, bytes] | None = None

    def start(self, target: Uri, now: float) -> None:
        """Send the INVITE."""
        self._timers.set(RingTimedOut, now + self._usage.core.settings.ring_timeout_s)
        _log.debug("%s: calling %s", self.call_id, target)
        self._outgoing.start(target, now)

    @property
    def outgoing(self) -> OutgoingInvite:
        return self._outgoing

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
        response = happened.response
        sdp = sdp_of(response)
        progress = (response.status, response.to.tag or "", sdp)
        if progress == self._last_progress:
            return
        self._last_progress = progress
        if response.status == 100:
            self._usage.core.emit(CallTrying(self.call_id))
        else:
            self._usage.core.emit(CallRinging(self.call_id, response.status, response.reason, sdp))

    def _redirect(self, _happened: Redirected, now: float) -> None:
        self._outgoing.follow(now)

    def _refused(self, happened: InviteFailed, _now: float) -> None:
        self._end(happened.status, happened.text, local=False)

    def _answered(self, happened: AnswerReceived, now: float) -> None:
        self._outgoing.acknowledge(b"", now)
        self._establish(happened.sdp, now)

    def _unanswered(self, happened: AnswerMissed, now: float) -> None:
        self._end(488, "the other side answered without saying how to talk", local=False)
        self._acknowledge_and_leave(happened, now)

    def _ask_answer(self, happened: OfferReturned, _now: float) -> None:
        self._usage.core.emit(OfferReceived(self.call_id, happened.sdp))

    def _give_answer(self, happened: AcceptRequested, now: float) -> None:
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
        self._usage.send_bye(None, now)

    def _cancel(self, _happened: HangUpRequested, now: float) -> None:
        self._end(487, "cancelled here", local=True)
        self._outgoing.cancel(now)

    def _give_up(self, _happened: RingTimedOut, now: float) -> None:
        self._end(408, "no answer", local=True)
        self._outgoing.cancel(now)

    def _bye_before_answer(self, happened: ByeReceived, now: float) -> None:
        """No callee may do this (section 15), but some do; the rest of a fork must not go on ringing."""
        self.confirm_bye(happened, now)
        self._end(0, "the other side hung up", local=False)
        self._outgoing.cancel(now)

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
        (_S.PROCEEDING, InviteReceived): (_S.PROCEEDING, InviteSession.refuse_glare),
        (_S.PROCEEDING, ByeReceived): (_S.CANCELLING, _bye_before_answer),
        (_S.ANSWERING, AcceptRequested): (_S.CONFIRMED, _give_answer),
        (_S.ANSWERING, RefuseRequested): (_S.LEAVING, _refuse_answer),
        (_S.ANSWERING, HangUpRequested): (_S.LEAVING, _leave_answering),
        (_S.ANSWERING, InviteReceived): (_S.ANSWERING, InviteSession.refuse_glare),
        (_S.ANSWERING, ByeReceived): (_S.ENDED, InviteSession.be_hung_up),
        (_S.CANCELLING, AnswerReceived): (_S.LEAVING, _acknowledge_and_leave),
        (_S.CANCELLING, OfferReturned): (_S.LEAVING, _acknowledge_and_leave),
        (_S.CANCELLING, AnswerMissed): (_S.LEAVING, _acknowledge_and_leave),
        (_S.CANCELLING, InviteFailed): (_S.ENDED, InviteSession.do_nothing),
        (_S.CANCELLING, InviteReceived): (_S.CANCELLING, InviteSession.refuse_glare),
        (_S.CANCELLING, ByeReceived): (_S.CANCELLING, InviteSession.confirm_bye),
        (_S.ENDED, AnswerReceived): (_S.ENDED, _leave_late),
        (_S.ENDED, OfferReturned): (_S.ENDED, _leave_late),
        (_S.ENDED, AnswerMissed): (_S.ENDED, _leave_late),
    }
