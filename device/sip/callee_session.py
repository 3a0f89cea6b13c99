"""A call that comes in (RFC 3261 section 13.3): the table of a callee, from INVITE to ACK or refusal."""

import logging

from device.annotations import ClassVar, Final
from device.sip.auto_answer import auto_answer_delay
from device.sip.causes import answered_elsewhere, cause_text
from device.sip.core import readable, sdp_of
from device.sip.events import IncomingCall
from device.sip.invite_session import InviteSession, SessionState
from device.sip.invite_usage import InviteUsage
from device.sip.message import Request
from device.sip.session_inputs import (
    AckReceived,
    AckTimedOut,
    AnswerMissed,
    AnswerRequested,
    ByeReceived,
    CancelReceived,
    HangUpRequested,
    InviteExpired,
    InviteReceived,
    ProvisionalDue,
    RejectRequested,
    ReofferRequested,
    RingRequested,
    RingTimedOut,
    SessionOver,
)
from device.sip.state_table import Table
from device.sip.success_retransmission import SuccessRetransmission
from device.sip.transaction import ServerKey
from device.timing import earliest

_log = logging.getLogger(__name__)

PROVISIONAL_INTERVAL_S: Final = 60.0
"""How often a 180 is repeated, since proxies give up after three minutes (section 13.3.1.1)."""

_S = SessionState


class CalleeSession(InviteSession):
    """The callee's side; begins with the INVITE."""

    __slots__ = ("_accepted", "_invite")

    def __init__(self, usage: InviteUsage, invite: InviteReceived) -> None:
        super().__init__(usage, SessionState.OFFERED)
        self._invite = invite
        self._accepted: SuccessRetransmission | None = None

    def start(self, now: float) -> None:
        """Tell the owner of the call, and bound the time that it rings."""
        invite, settings = self._invite.request, self._usage.core.settings
        self._timers.set(RingTimedOut, now + settings.answer_timeout_s)
        if invite.expires is not None:
            self._timers.set(InviteExpired, now + invite.expires)
        caller = invite.from_
        event = IncomingCall(
            self.call_id,
            self.identity.account_id,
            str(caller.uri),
            readable(caller.display_name),
            str(invite.to.uri),
            sdp_of(invite),
            str(self._invite.source),
            auto_answer_delay(invite),
        )
        _log.debug("%s: called by %s from %s", self.call_id, caller.uri, self._invite.source)
        self._usage.core.emit(event)

    def has_invite(self, key: ServerKey) -> bool:
        return self._invite.key == key or super().has_invite(key)

    def receive_cancel(self, key: ServerKey, reasons: list[str], now: float) -> None:
        if self._invite.key == key:
            self.receive(CancelReceived(tuple(reasons)), now)
        else:
            super().receive_cancel(key, reasons, now)

    def receive_ack(self, ack: Request, sdp: bytes, now: float) -> None:
        if self._accepted is None or self._accepted.cseq_number != ack.cseq.number:
            super().receive_ack(ack, sdp, now)
        else:
            self.receive(AckReceived(sdp) if sdp or not self._we_offered else AnswerMissed(), now)

    def handle_timeout(self, now: float) -> None:
        if self._accepted is not None and self._accepted.handle_timeout(now):
            self.receive(AckTimedOut(), now)
        super().handle_timeout(now)

    def next_timeout(self) -> float | None:
        accepted = self._accepted.next_timeout() if self._accepted is not None else None
        return earliest(accepted, super().next_timeout())

    def _enter(self, state: SessionState) -> None:
        super()._enter(state)
        if state not in (SessionState.ACCEPTED, SessionState.CLOSING):
            self._accepted = None

    @property
    def _we_offered(self) -> bool:
        """Whether their INVITE left the offer to us."""
        return not sdp_of(self._invite.request)

    def _refuse(self, status: int, now: float) -> None:
        self._usage.refuse(self._invite.key, self._invite.request, status, now)

    # What the table does.

    def _ring(self, _happened: object, now: float) -> None:
        response = self._usage.build_response(self._invite.request, 180, self._invite.source)
        self._usage.core.respond(self._invite.key, response, now)
        self._timers.set(ProvisionalDue, now + PROVISIONAL_INTERVAL_S)

    def _accept(self, happened: AnswerRequested, now: float) -> None:
        invite = self._invite
        self._usage.confirmed_dialog.confirmed = True
        self._accepted = self._usage.accept(invite.key, invite.request, invite.source, happened.sdp, now)

    def _reject(self, happened: RejectRequested, now: float) -> None:
        self._refuse(happened.status, now)
        self._end(happened.status, f"refused here: {cause_text(happened.status)}", local=True)

    def _decline(self, _happened: HangUpRequested, now: float) -> None:
        self._refuse(603, now)
        self._end(603, "refused here: declined", local=True)

    def _cancelled(self, happened: CancelReceived, now: float) -> None:
        self._refuse(487, now)
        if answered_elsewhere(happened.reasons):
            self._end(200, "answered elsewhere", local=False)
        else:
            self._end(487, "cancelled by the caller", local=False)

    def _ring_timed_out(self, _happened: RingTimedOut, now: float) -> None:
        self._refuse(480, now)
        self._end(480, "nobody answered here", local=True)

    def _expired(self, _happened: InviteExpired, now: float) -> None:
        self._refuse(487, now)
        self._end(487, "the caller waits no longer", local=False)

    def _bye_before_final(self, happened: ByeReceived, now: float) -> None:
        """The caller may end an early dialog by BYE; its INVITE is then answered 487 (section 15.1.2)."""
        self.confirm_bye(happened, now)
        self._refuse(487, now)
        self.modification.receive(SessionOver(), now)
        self._end(487, "cancelled by the caller", local=False)

    def _refuse_overlap(self, happened: InviteReceived, now: float) -> None:
        self._usage.refuse_overlap(happened.key, happened.request, now)

    def _acknowledged(self, happened: AckReceived, now: float) -> None:
        self._establish(happened.sdp if self._we_offered else b"", now)

    def _acknowledged_unanswered(self, _happened: AnswerMissed, now: float) -> None:
        self._end(488, "the caller did not answer our offer", local=False)
        self._bye(now)

    def _ack_timed_out(self, _happened: AckTimedOut, now: float) -> None:
        self._end(408, "the caller did not confirm our answer", local=False)
        self._bye(now)

    def _invite_before_ack(self, happened: InviteReceived, now: float) -> None:
        """Whoever sends a re-INVITE has our 2xx; only an answer lost with the ACK is missing (RFC 5407, 3.1.4)."""
        if self._we_offered:
            self.refuse_glare(happened, now)
        else:
            self.receive(AckReceived(b""), now)
            self.receive(happened, now)

    def _hang_up_after_ack(self, _happened: HangUpRequested, _now: float) -> None:
        self._end(0, "hung up here", local=True)

    def _leave(self, _happened: object, now: float) -> None:
        self._bye(now)

    TABLE: ClassVar[Table] = {
        **InviteSession.TABLE,
        (_S.OFFERED, RingRequested): (_S.OFFERED, _ring),
        (_S.OFFERED, ProvisionalDue): (_S.OFFERED, _ring),
        (_S.OFFERED, AnswerRequested): (_S.ACCEPTED, _accept),
        (_S.OFFERED, RejectRequested): (_S.ENDED, _reject),
        (_S.OFFERED, HangUpRequested): (_S.ENDED, _decline),
        (_S.OFFERED, CancelReceived): (_S.ENDED, _cancelled),
        (_S.OFFERED, RingTimedOut): (_S.ENDED, _ring_timed_out),
        (_S.OFFERED, InviteExpired): (_S.ENDED, _expired),
        (_S.OFFERED, InviteReceived): (_S.OFFERED, _refuse_overlap),
        (_S.OFFERED, ByeReceived): (_S.ENDED, _bye_before_final),
        (_S.ACCEPTED, AckReceived): (_S.CONFIRMED, _acknowledged),
        (_S.ACCEPTED, AnswerMissed): (_S.LEAVING, _acknowledged_unanswered),
        (_S.ACCEPTED, AckTimedOut): (_S.LEAVING, _ack_timed_out),
        (_S.ACCEPTED, InviteReceived): (_S.ACCEPTED, _invite_before_ack),
        (_S.ACCEPTED, ByeReceived): (_S.ENDED, InviteSession.be_hung_up),
        (_S.ACCEPTED, HangUpRequested): (_S.CLOSING, _hang_up_after_ack),
        (_S.ACCEPTED, ReofferRequested): (_S.ACCEPTED, InviteSession.modify),
        (_S.CLOSING, AckReceived): (_S.LEAVING, _leave),
        (_S.CLOSING, AnswerMissed): (_S.LEAVING, _leave),
        (_S.CLOSING, AckTimedOut): (_S.LEAVING, _leave),
        (_S.CLOSING, InviteReceived): (_S.CLOSING, InviteSession.refuse_unknown),
        (_S.CLOSING, ByeReceived): (_S.ENDED, InviteSession.be_hung_up),
    }
