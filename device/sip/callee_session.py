"""A call that comes in (RFC 3261 section 13.3): the table of a callee, from INVITE to ACK or refusal."""

from __future__ import annotations

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, ClassVar, Final
from device.model import CallId
from device.sip.auto_answer import auto_answer_delay
from device.sip.causes import answered_elsewhere, cause_text, with_reason
from device.sip.core import readable, sdp_of
from device.sip.dialog_exchange import AnswerSent, AnswerTaken, DialogExchange, OfferSent, OfferTaken
from device.sip.events import EndCause, IncomingCall, OfferAnswered, OfferReceived
from device.sip.invite_session import CallInput, InviteSession, SessionState
from device.sip.invite_usage import InviteUsage
from device.sip.message import Request
from device.sip.offer_inputs import PrackReceived, RefreshRequested, UpdateReceived
from device.sip.session_inputs import (
    AcceptRequested,
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
    RefuseRequested,
    RejectRequested,
    ReofferRequested,
    RingRequested,
    RingTimedOut,
    SessionLost,
)
from device.sip.state_table import Table
from device.sip.success_retransmission import SuccessRetransmission
from device.sip.transaction import ServerKey
from device.timing import earliest

if TYPE_CHECKING:
    from device.sip.call_facts import CallFacts
    from device.sip.reliable_provisional import ReliableProvisionals

_log = logging.getLogger(__name__)

PROVISIONAL_INTERVAL_S: Final = 60.0
"""How often a 180 is repeated, since proxies give up after three minutes (section 13.3.1.1)."""

NOBODY: Final = "anonymous.invalid"
"""The host of a caller who wants to stay unknown (RFC 3323 section 4.1.1.3)."""
TELLING: Final = frozenset(
    (
        "Alert-Info",
        "Answer-Mode",
        "Call-Info",
        "Diversion",
        "History-Info",
        "Organization",
        "P-Asserted-Identity",
        "Priority",
        "Priv-Answer-Mode",
        "Privacy",
        "Referred-By",
        "Remote-Party-ID",
        "Subject",
    )
)
"""Header fields of an INVITE that say something about the caller."""

_S = SessionState


class CalleeSession(InviteSession):
    """The callee's side; begins with the INVITE."""

    __slots__ = (
        "_accepted",
        "_early_answer",
        "_invite",
        "_offer_for",
        "_postponed",
        "_reliable",
        "_replaces",
        "_status",
    )

    def __init__(self, usage: InviteUsage, invite: InviteReceived, replaces: CallId | None = None) -> None:
        super().__init__(usage, SessionState.OFFERED)
        self._invite = invite
        self._replaces = replaces
        self._accepted: SuccessRetransmission | None = None
        self._early_answer = b""
        """Our answer in a 183 that nobody confirms: the 2xx must repeat it (RFC 3261 section 13.3.1.4)."""
        self._offer_for = 0
        """The status of the reliable 1xx that waits for our owner's offer; 0 for none."""
        self._postponed: AnswerRequested | None = None
        self._reliable: ReliableProvisionals | None = None
        """None until a provisional response was sent reliably."""
        self._status = 180
        """The provisional response that is repeated every minute."""

    def start(self, now: float) -> None:
        """Tell the owner of the call, and bound the time that it rings."""
        invite, settings = self._invite.request, self._usage.core.settings
        self._timers.set(RingTimedOut, now + settings.answer_timeout_s)
        if invite.expires is not None:
            self._timers.set(InviteExpired, now + invite.expires)
        exchange = self._usage.confirmed_exchange
        exchange.note(invite)
        if sdp_of(invite):
            exchange.receive(OfferTaken(sdp_of(invite)), now)
        source, facts = self._invite.source, self._read_facts()
        caller, name = str(invite.from_.uri), readable(invite.from_.display_name)
        if facts is not None:
            caller, name = facts.caller, facts.caller_name
        self._usage.party = (caller, name)
        event = IncomingCall(
            self.call_id,
            self.identity.account_id,
            caller,
            name,
            str(invite.to.uri),
            sdp_of(invite),
            str(source),
            auto_answer_delay(invite),
            facts,
            str(invite.uri),
        )
        _log.debug("%s: called by %s from %s", self.call_id, caller, source)
        self._usage.core.emit(event)

    def _read_facts(self) -> CallFacts | None:
        """What else the caller says; a phone that is called by plain phones alone does without the room for it."""
        invite, source = self._invite.request, self._invite.source
        is_plain = invite.headers.index.keys().isdisjoint(TELLING) and invite.from_.uri.host != NOBODY
        if is_plain and self._replaces is None:
            return None
        from device.sip.call_facts import read_facts  # noqa: PLC0415

        trusted = self.identity.account is not None and source.host in self.identity.servers
        return read_facts(invite, trusted=trusted, replaces=self._replaces)

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
            owed = self._usage.confirmed_exchange.awaits_first_answer
            self.receive(AckReceived(sdp if owed else b"") if sdp or not owed else AnswerMissed(), now)

    def handle_timeout(self, now: float) -> None:
        if self._reliable is not None and self._reliable.handle_timeout(now):
            self._lose(EndCause(504, "the caller did not confirm that it hears us", local=False), now)
        if self._accepted is not None and self._accepted.handle_timeout(now):
            self.receive(AckTimedOut(), now)
        super().handle_timeout(now)

    def next_timeout(self) -> float | None:
        accepted = self._accepted.next_timeout() if self._accepted is not None else None
        reliable = self._reliable.next_timeout() if self._reliable is not None else None
        return earliest(accepted, reliable, super().next_timeout())

    def _enter(self, state: SessionState) -> None:
        super()._enter(state)
        if state not in (SessionState.ACCEPTED, SessionState.CLOSING):
            self._accepted = None

    def _refuse(self, status: int, now: float) -> None:
        self._settle_provisionals()
        self._usage.refuse(self._invite.key, self._invite.request, status, now)

    def _settle_provisionals(self) -> None:
        self._offer_for = 0
        if self._reliable is not None:
            self._reliable.stop()

    # Provisional responses.

    def _may_update(self, exchange: DialogExchange) -> bool:
        """Not before the caller has confirmed that it has our answer (RFC 3311 section 5.1)."""
        return super()._may_update(exchange) and not (self._reliable is not None and self._reliable.owes_session)

    def _may_be_reliable(self) -> bool:
        """Whether a 1xx is to be acknowledged: where the caller insists, or can do it and we want it (RFC 3262, 3)."""
        invite = self._invite.request
        if any(token.lower() == "100rel" for token in invite.tokens("Require")):
            return True
        wanted = self._usage.core.settings.reliable_ringing
        return wanted and any(token.lower() == "100rel" for token in invite.tokens("Supported"))

    def _send_provisional(self, status: int, sdp: bytes, now: float) -> None:
        response = self._usage.build_response(self._invite.request, status, self._invite.source)
        self._usage.core.add_capabilities(response)
        self._usage.core.add_body(response, sdp)
        if not self._may_be_reliable():
            self._usage.core.respond(self._invite.key, response, now)
            return
        if self._reliable is None:
            # Few callers ask for it; the others do without the room.
            from device.sip.reliable_provisional import ReliableProvisionals  # noqa: PLC0415

            self._reliable = ReliableProvisionals(self._usage.core, self._invite.key, self._invite.request)
        self._reliable.send(response, now)

    # What the table does.

    def _ring(self, happened: RingRequested, now: float) -> None:
        if happened.sdp:
            self._progress(happened.sdp, now)
        else:
            self._begin_provisional(180, now)

    def _repeat_provisional(self, _happened: ProvisionalDue, now: float) -> None:
        if self._early_answer:
            self._timers.set(ProvisionalDue, now + PROVISIONAL_INTERVAL_S)
            self._send_provisional(183, self._early_answer, now)
        else:
            self._begin_provisional(self._status, now)

    def _begin_provisional(self, status: int, now: float) -> None:
        """180 or 183; the first reliable answer to an INVITE without offer must bring ours (RFC 3262 section 5)."""
        self._status = status
        self._timers.set(ProvisionalDue, now + PROVISIONAL_INTERVAL_S)
        if self._usage.confirmed_exchange.is_unused and self._may_be_reliable():
            already, self._offer_for = self._offer_for, status
            if not already:
                self._usage.core.emit(OfferReceived(self.call_id, b""))
        elif self._reliable is None or not self._reliable.is_pending:
            self._send_provisional(status, b"", now)

    def _progress(self, sdp: bytes, now: float) -> None:
        """183 with our answer, for the caller to hear us before the call is answered."""
        exchange = self._usage.confirmed_exchange
        self._status = 183
        self._timers.set(ProvisionalDue, now + PROVISIONAL_INTERVAL_S)
        if exchange.has_session or not exchange.has_offer:
            # It has had our answer, or must be asked for one first: then this is a 183 as a 180 would be.
            self._begin_provisional(183, now)
        elif self._may_be_reliable():
            exchange.receive(AnswerSent(sdp), now)
            self._send_provisional(183, sdp, now)
        else:
            self._early_answer = sdp
            self._send_provisional(183, sdp, now)

    def _answer_invite(self, happened: AcceptRequested | RefuseRequested, now: float) -> None:
        """The offer that a reliable 1xx waited for."""
        status, self._offer_for = self._offer_for, 0
        if not status:
            super()._answer_invite(happened, now)
        elif isinstance(happened, AcceptRequested):
            self._usage.confirmed_exchange.receive(OfferSent(happened.sdp), now)
            self._send_provisional(status, happened.sdp, now)
        else:
            self.receive(RejectRequested(happened.status), now)

    def _take_prack(self, happened: PrackReceived, now: float) -> None:
        """PRACK (RFC 3262 section 3): its answer to our offer, an offer of its own, and the way free for what waits."""
        exchange, sdp = self._usage.confirmed_exchange, sdp_of(happened.request)
        carried_offer = self._reliable is not None and self._reliable.owes_session and exchange.awaits_first_answer
        if self._reliable is None or not self._reliable.acknowledge(happened.request, now):
            self.refuse_unknown(happened, now)
            return
        if carried_offer:
            self._usage.confirm(exchange, happened, b"", now)
            if not sdp:
                self.receive(RejectRequested(488), now)
                return
            exchange.receive(AnswerTaken(sdp), now)
            self._usage.core.emit(OfferAnswered(self.call_id, sdp))
        else:
            self.update_server(exchange).take(happened, now)
        if self._postponed is not None and not self._reliable.owes_session:
            postponed, self._postponed = self._postponed, None
            self.receive(postponed, now)

    def receive(self, happened: CallInput, now: float) -> None:
        """Take one step; the answer waits while a PRACK must precede it (RFC 3262 section 3)."""
        must_wait = self._reliable is not None and self._reliable.owes_session
        if must_wait and self.state is _S.OFFERED and isinstance(happened, AnswerRequested):
            self._postponed = happened
        else:
            super().receive(happened, now)

    def _accept(self, happened: AnswerRequested, now: float) -> None:
        invite, exchange = self._invite, self._usage.confirmed_exchange
        self._settle_provisionals()
        exchange.dialog.confirmed = True
        sdp = b"" if exchange.has_session else self._early_answer or happened.sdp
        if exchange.has_offer and sdp:
            exchange.receive(AnswerSent(sdp), now)
        elif exchange.is_unused and sdp:
            exchange.receive(OfferSent(sdp), now)
        self._accepted = self._usage.accept(invite.key, invite.request, invite.source, sdp, now)

    def _reject(self, happened: RejectRequested, now: float) -> None:
        self._refuse(happened.status, now)
        self._close_offers(now)
        self._end(happened.status, f"refused here: {cause_text(happened.status)}", local=True)

    def _decline(self, _happened: HangUpRequested, now: float) -> None:
        self._refuse(603, now)
        self._close_offers(now)
        self._end(603, "refused here: declined", local=True)

    def _cancelled(self, happened: CancelReceived, now: float) -> None:
        self._refuse(487, now)
        self._close_offers(now)
        if answered_elsewhere(happened.reasons):
            self._end(200, "answered elsewhere", local=False)
        else:
            self._end(487, with_reason("cancelled by the caller", list(happened.reasons)), local=False)

    def _ring_timed_out(self, _happened: RingTimedOut, now: float) -> None:
        self._refuse(480, now)
        self._close_offers(now)
        self._end(480, "nobody answered here", local=True)

    def _expired(self, _happened: InviteExpired, now: float) -> None:
        self._refuse(487, now)
        self._close_offers(now)
        self._end(487, "the caller waits no longer", local=False)

    def _bye_before_final(self, happened: ByeReceived, now: float) -> None:
        """The caller may end an early dialog by BYE; its INVITE is then answered 487 (section 15.1.2)."""
        self.confirm_bye(happened, now)
        self._refuse(487, now)
        self._close_offers(now)
        self._end(487, "cancelled by the caller", local=False)

    def _refuse_overlap(self, happened: InviteReceived, now: float) -> None:
        self._usage.refuse_overlap(happened.key, happened.request, now)

    def _acknowledged(self, happened: AckReceived, now: float) -> None:
        if happened.sdp:
            self._usage.confirmed_exchange.receive(AnswerTaken(happened.sdp), now)
        self._establish(happened.sdp, now)
        if self._usage.core.settings.connected_identity:
            self._tell_identity(now)

    def _tell_identity(self, now: float) -> None:
        """Tell a caller who meant somebody else who has answered (RFC 4916 section 4.3.1)."""
        from device.sip.connected_identity import answering_identity  # noqa: PLC0415

        dialog = self._usage.confirmed_dialog
        own = answering_identity(self.identity, self._invite.request, dialog)
        if own is not None:
            dialog.local = own
            self.receive(RefreshRequested(), now)

    def _acknowledged_unanswered(self, _happened: AnswerMissed, now: float) -> None:
        self._end(488, "the caller did not answer our offer", local=False)
        self._bye(now)

    def _ack_timed_out(self, _happened: AckTimedOut, now: float) -> None:
        self._end(408, "the caller did not confirm our answer", local=False)
        self._bye(now)

    def _invite_before_ack(self, happened: InviteReceived, now: float) -> None:
        """Whoever sends a re-INVITE has our 2xx; only an answer lost with the ACK is missing (RFC 5407, 3.1.4)."""
        if self._usage.confirmed_exchange.awaits_first_answer:
            self.refuse_glare(happened, now)
        else:
            self.receive(AckReceived(b""), now)
            self.receive(happened, now)

    def _lost_before_answer(self, happened: SessionLost, now: float) -> None:
        self._refuse(504, now)
        self._close_offers(now)
        self._end(happened.cause.status, happened.cause.text, happened.cause.local)

    def _lost_before_ack(self, happened: SessionLost, now: float) -> None:
        self._close_offers(now)
        self._end(happened.cause.status, happened.cause.text, happened.cause.local)

    def _hang_up_after_ack(self, _happened: HangUpRequested, now: float) -> None:
        self._close_offers(now)
        self._end(0, "hung up here", local=True)

    def _leave(self, _happened: object, now: float) -> None:
        self._bye(now)

    TABLE: ClassVar[Table] = {
        **InviteSession.TABLE,
        (_S.OFFERED, RingRequested): (_S.OFFERED, _ring),
        (_S.OFFERED, ProvisionalDue): (_S.OFFERED, _repeat_provisional),
        (_S.OFFERED, AnswerRequested): (_S.ACCEPTED, _accept),
        (_S.OFFERED, RejectRequested): (_S.ENDED, _reject),
        (_S.OFFERED, HangUpRequested): (_S.ENDED, _decline),
        (_S.OFFERED, CancelReceived): (_S.ENDED, _cancelled),
        (_S.OFFERED, RingTimedOut): (_S.ENDED, _ring_timed_out),
        (_S.OFFERED, InviteExpired): (_S.ENDED, _expired),
        (_S.OFFERED, AcceptRequested): (_S.OFFERED, InviteSession.answer_offer),
        (_S.OFFERED, RefuseRequested): (_S.OFFERED, InviteSession.answer_offer),
        (_S.OFFERED, ReofferRequested): (_S.OFFERED, InviteSession.offer_early),
        (_S.OFFERED, PrackReceived): (_S.OFFERED, _take_prack),
        (_S.OFFERED, UpdateReceived): (_S.OFFERED, InviteSession.take_update),
        (_S.OFFERED, SessionLost): (_S.ENDED, _lost_before_answer),
        (_S.OFFERED, InviteReceived): (_S.OFFERED, _refuse_overlap),
        (_S.OFFERED, ByeReceived): (_S.ENDED, _bye_before_final),
        (_S.ACCEPTED, AckReceived): (_S.CONFIRMED, _acknowledged),
        (_S.ACCEPTED, AnswerMissed): (_S.LEAVING, _acknowledged_unanswered),
        (_S.ACCEPTED, AckTimedOut): (_S.LEAVING, _ack_timed_out),
        (_S.ACCEPTED, InviteReceived): (_S.ACCEPTED, _invite_before_ack),
        (_S.ACCEPTED, ByeReceived): (_S.ENDED, InviteSession.be_hung_up),
        (_S.ACCEPTED, HangUpRequested): (_S.CLOSING, _hang_up_after_ack),
        (_S.ACCEPTED, ReofferRequested): (_S.ACCEPTED, InviteSession.modify),
        (_S.ACCEPTED, AcceptRequested): (_S.ACCEPTED, InviteSession.answer_offer),
        (_S.ACCEPTED, RefuseRequested): (_S.ACCEPTED, InviteSession.answer_offer),
        (_S.ACCEPTED, PrackReceived): (_S.ACCEPTED, _take_prack),
        (_S.ACCEPTED, UpdateReceived): (_S.ACCEPTED, InviteSession.take_update),
        (_S.ACCEPTED, SessionLost): (_S.CLOSING, _lost_before_ack),
        (_S.CONFIRMED, PrackReceived): (_S.CONFIRMED, _take_prack),
        (_S.CLOSING, PrackReceived): (_S.CLOSING, _take_prack),
        (_S.CLOSING, UpdateReceived): (_S.CLOSING, InviteSession.refuse_unknown),
        (_S.CLOSING, AckReceived): (_S.LEAVING, _leave),
        (_S.CLOSING, AnswerMissed): (_S.LEAVING, _leave),
        (_S.CLOSING, AckTimedOut): (_S.LEAVING, _leave),
        (_S.CLOSING, InviteReceived): (_S.CLOSING, InviteSession.refuse_unknown),
        (_S.CLOSING, ByeReceived): (_S.ENDED, InviteSession.be_hung_up),
    }
