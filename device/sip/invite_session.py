"""One call (RFC 3261 sections 13 to 15): what callers and callees share, from the established session to its end."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, ClassVar, Final
from device.model import CallId
from device.sip.causes import with_reason
from device.sip.core import readable
from device.sip.dialog import Dialog, DialogId
from device.sip.dialog_exchange import DialogExchange
from device.sip.events import CallEnded, CallEstablished, EndCause
from device.sip.identity import Identity
from device.sip.invite_usage import InviteUsage
from device.sip.message import Request, Response
from device.sip.offer_inputs import EarlyOfferReceived, PrackReceived, RefreshRequested, UpdateReceived
from device.sip.session_inputs import (
    AcceptRequested,
    AnswerRequested,
    ByeFinished,
    ByeReceived,
    CancelReceived,
    HangUpRequested,
    InviteFailed,
    InviteReceived,
    ProvisionalReceived,
    RefuseRequested,
    RejectRequested,
    ReofferRequested,
    RingRequested,
    SessionConfirmed,
    SessionInput,
    SessionLost,
    SessionOver,
)
from device.sip.state_table import StateTable, Table
from device.sip.transaction import ServerKey
from device.sip.user_agent_client import SentRequest
from device.timing import TimerSet, earliest

if TYPE_CHECKING:
    from device.sip.outgoing_invite import OutgoingInvite
    from device.sip.session_modification import SessionModification
    from device.sip.update_client import UpdateClient
    from device.sip.update_server import UpdateServer

_log = logging.getLogger(__name__)

CallInput = SessionInput | PrackReceived | UpdateReceived | EarlyOfferReceived | RefreshRequested
"""What moves a call, with all that not every call meets."""

REQUESTS: Final = (
    RingRequested,
    AnswerRequested,
    RejectRequested,
    HangUpRequested,
    ReofferRequested,
    AcceptRequested,
    RefuseRequested,
)
"""The inputs that come from our owner; out of place they raise SipStateError, after the end they mean nothing."""


class SessionState(Enum):
    """The states of a call: a caller begins in CALLING, a callee in OFFERED."""

    CALLING = auto()
    """Our INVITE has no response yet."""
    PROCEEDING = auto()
    """Our INVITE has a provisional response."""
    ANSWERING = auto()
    """The 2xx brought the offer; the owner's answer goes in the ACK."""
    CANCELLING = auto()
    """The owner has gone; the INVITE awaits its final response."""
    OFFERED = auto()
    """Their INVITE awaits our final response."""
    ACCEPTED = auto()
    """Our 2xx awaits its ACK."""
    CLOSING = auto()
    """The owner has gone, but before the ACK no BYE may be sent (section 15)."""
    CONFIRMED = auto()
    LEAVING = auto()
    """Our BYE awaits its final response."""
    ENDED = auto()


_S = SessionState

RINGING: Final = frozenset({_S.CALLING, _S.PROCEEDING, _S.OFFERED})
"""The states in which a person is waited for, with time-outs that mean nothing afterwards."""


class InviteSession(StateTable[SessionState, CallInput]):
    """One call, fed by the user agent until `is_over`; see CallerSession and CalleeSession."""

    __slots__ = ("_cause", "_modification", "_timers", "_usage")

    def __init__(self, usage: InviteUsage, state: SessionState) -> None:
        super().__init__(state)
        self._usage = usage
        self._cause: EndCause | None = None
        self._timers: TimerSet[type] = TimerSet()
        self._modification: SessionModification | None = None

    @property
    def modification(self) -> SessionModification:
        """The re-INVITEs of the call; their room is loaded with the first one, which most calls never meet."""
        if self._modification is None:
            from device.sip.session_modification import SessionModification  # noqa: PLC0415

            self._modification = SessionModification(self._usage, self._lose)
            if self.state is SessionState.CONFIRMED:
                self._modification.receive(SessionConfirmed(), 0.0)
        return self._modification

    @property
    def name(self) -> str:
        return f"call {self._usage.call_id}"

    @property
    def call_id(self) -> CallId:
        """Our own name for the call."""
        return self._usage.call_id

    @property
    def usage(self) -> InviteUsage:
        """Its share of its dialog, for what else is sent there."""
        return self._usage

    @property
    def identity(self) -> Identity:
        """The account of the call."""
        return self._usage.identity

    @property
    def has_ended(self) -> bool:
        """Whether the owner has been told that the call is over; the protocol may still have to finish."""
        return self._cause is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return self.state is SessionState.ENDED

    @property
    def local_tag(self) -> str | None:
        """Our tag in the dialog of the call, once there is one."""
        return self._usage.local_tag

    @property
    def outgoing(self) -> OutgoingInvite | None:
        """The INVITE of a call that we made."""
        return None

    @property
    def exchanges(self) -> Iterable[DialogExchange]:
        """Every dialog of this call, early ones of a fork included."""
        return () if self._usage.exchange is None else (self._usage.exchange,)

    def dialog(self, dialog_id: DialogId) -> Dialog | None:
        """The dialog of this call with that identity."""
        dialog = self._usage.dialog
        return dialog if dialog is not None and dialog.id == dialog_id else None

    def receive(self, happened: CallInput, now: float) -> None:
        """Take one step of the table. Raises SipStateError for what the owner cannot ask for now."""
        if self._cause is None or not isinstance(happened, REQUESTS):
            super().receive(happened, now)

    def _enter(self, state: SessionState) -> None:
        super()._enter(state)
        if state not in RINGING:
            self._timers.clear()

    def acknowledge_again(self, response: Response, now: float) -> bool:
        """Repeat the ACK of a retransmitted 2xx; false when it is not for this call."""
        return self._usage.acknowledge_again(response, now)

    def receive_ack(self, ack: Request, sdp: bytes, now: float) -> None:
        """The ACK of one of our 2xx, with the session description in it (section 13.3.1.4)."""
        if self._modification is not None:
            self._modification.receive_ack(ack.cseq.number, sdp, now)

    def has_invite(self, key: ServerKey) -> bool:
        """Whether that INVITE, which the other side sent, is one of this call."""
        return self._modification is not None and self._modification.has_invite(key)

    def receive_cancel(self, key: ServerKey, reasons: list[str], now: float) -> None:
        """A CANCEL for the INVITE `key`; it changes nothing after our final response (section 9.2)."""
        if self._modification is not None:
            self._modification.receive(CancelReceived(tuple(reasons)), now)

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        """The response to our BYE."""
        if response.status >= 200:
            self.receive(ByeFinished(), now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        """Our BYE has no response."""
        self.receive(ByeFinished(), now)

    def handle_timeout(self, now: float) -> None:
        """Do all that is due."""
        for kind in self._timers.pop_due(now):
            # An earlier one of the same moment may have ended the state in which this one means something.
            if (self.state, kind) in self.TABLE:
                self.receive(kind(), now)
        if self._modification is not None:
            self._modification.handle_timeout(now)
        for exchange in self.exchanges:
            for updates in (exchange.update_client, exchange.update_server):
                if updates is not None:
                    updates.handle_timeout(now)
        self._keep_time(now)

    def _keep_time(self, now: float) -> None:
        timer = self._usage.timer
        if timer is None or self.state is not SessionState.CONFIRMED:
            return
        if timer.take_refresh(now):
            self.receive(RefreshRequested(), now)
        elif timer.take_expiry(now):
            self._lose(EndCause(408, "the other side did not refresh the session", local=False), now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next needed."""
        timer = self._usage.timer if self.state is SessionState.CONFIRMED else None
        return earliest(
            self._timers.next_timeout(),
            self._modification.next_timeout() if self._modification is not None else None,
            timer.next_timeout() if timer is not None else None,
            *(
                updates.next_timeout()
                for exchange in self.exchanges
                for updates in (exchange.update_client, exchange.update_server)
                if updates is not None
            ),
        )

    def _end(self, status: int, text: str, local: bool) -> None:
        """Tell the owner, once, that the call is over."""
        if self._cause is not None:
            return
        self._cause = EndCause(status, text, local)
        _log.debug("%s: ended: %s", self.call_id, text)
        self._usage.core.emit(CallEnded(self.call_id, self._cause))

    def _establish(self, sdp: bytes, now: float) -> None:
        remote = self._usage.confirmed_dialog.remote
        _log.debug("%s: established with %s", self.call_id, remote.uri)
        self._usage.core.emit(CallEstablished(self.call_id, sdp, str(remote.uri), readable(remote.display_name)))
        if self._modification is not None:
            self._modification.receive(SessionConfirmed(), now)

    def _bye(self, now: float) -> None:
        self._close_offers(now)
        self._usage.send_bye(self, self._cause, now)

    def _close_offers(self, now: float) -> None:
        """No offer can be made or answered any more."""
        if self._modification is not None:
            self._modification.receive(SessionOver(), now)
        for exchange in self.exchanges:
            exchange.close(now)

    # UPDATE, whose rooms are loaded with the first one.

    def update_client(self, exchange: DialogExchange) -> UpdateClient:
        """What sends our UPDATEs in a dialog of this call."""
        if exchange.update_client is None:
            from device.sip.update_client import UpdateClient  # noqa: PLC0415

            exchange.update_client = UpdateClient(self._usage, exchange, self)
        return exchange.update_client

    def update_server(self, exchange: DialogExchange) -> UpdateServer:
        """What answers theirs."""
        if exchange.update_server is None:
            from device.sip.update_server import UpdateServer  # noqa: PLC0415

            exchange.update_server = UpdateServer(self._usage, exchange, self.offers_settled)
        return exchange.update_server

    def lose_dialog(self, exchange: DialogExchange, cause: EndCause, now: float) -> None:
        """The other side knows a dialog no more: that of the call ends it."""
        if exchange is self._usage.exchange:
            self._lose(cause, now)

    def offers_settled(self, now: float) -> None:
        """An UPDATE is done with: what waited for it has its turn."""
        if self._modification is not None:
            self._modification.settle(now)

    def refresh_by_invite(self, now: float) -> None:
        """Refresh the session by re-INVITE, for a peer without UPDATE."""
        if self.state is SessionState.CONFIRMED:
            self.modification.receive(RefreshRequested(), now)

    def retarget(self, now: float) -> None:
        """Tell the other side our Contact if it is another than it was told; the session stays as it is."""
        if self.state is SessionState.CONFIRMED and self._usage.has_moved:
            self.receive(RefreshRequested(), now)

    def _exchange_of(self, request: Request) -> DialogExchange | None:
        """The dialog that a request of theirs belongs to."""
        tag = request.from_.tag or ""
        return next((one for one in self.exchanges if (one.dialog.remote.tag or "") == tag), None)

    def lose(self, cause: EndCause, now: float) -> None:
        """The other side has shown that for it the established call is over."""
        if self.state is SessionState.CONFIRMED:
            self._lose(cause, now)

    def _lose(self, cause: EndCause, now: float) -> None:
        self.receive(SessionLost(cause), now)

    # What the table does.

    def do_nothing(self, _happened: object, _now: float) -> None:
        """The state change is all."""

    def modify(self, happened: ReofferRequested | InviteReceived, now: float) -> None:
        """Offers within the call have a table of their own."""
        if isinstance(happened, InviteReceived) and self._usage.is_too_brief(happened.request):
            self._usage.refuse_brief(happened.key, happened.request, now)
        else:
            self.modification.receive(happened, now)

    def answer_offer(self, happened: AcceptRequested | RefuseRequested, now: float) -> None:
        """The owner's word goes to whichever request asked for it; there is but one at a time."""
        for exchange in self.exchanges:
            server = exchange.update_server
            if server is not None and server.has_offer:
                server.receive(happened, now)
                return
        self._answer_invite(happened, now)

    def _answer_invite(self, happened: AcceptRequested | RefuseRequested, now: float) -> None:
        if self._modification is not None:
            self._modification.receive(happened, now)

    def offer_early(self, happened: ReofferRequested, now: float) -> None:
        """Before the answer an offer goes by UPDATE (RFC 3311 section 5.1), or waits for the answer."""
        from device.sip.update_inputs import UpdateRequested  # noqa: PLC0415

        updatable = [one for one in self.exchanges if self._may_update(one)]
        for exchange in updatable:
            self.update_client(exchange).receive(UpdateRequested(happened.sdp), now)
        if not updatable:
            self.modification.receive(happened, now)

    def _may_update(self, exchange: DialogExchange) -> bool:
        """Whether an early dialog may get an offer of ours by UPDATE."""
        return exchange.has_session and "UPDATE" in exchange.allow

    def take_update(self, happened: UpdateReceived, now: float) -> None:
        """An UPDATE of theirs, early or late."""
        exchange = self._exchange_of(happened.request)
        if exchange is None:
            self.refuse_unknown(happened, now)
        else:
            self.update_server(exchange).take(happened, now)

    def refresh(self, _happened: RefreshRequested, now: float) -> None:
        """Refresh the session (RFC 4028 section 7.4): by UPDATE, which touches no offer, where the peer takes it."""
        from device.sip.update_inputs import UpdateRequested  # noqa: PLC0415

        exchange = self._usage.confirmed_exchange
        if "UPDATE" in exchange.allow:
            self.update_client(exchange).receive(UpdateRequested(b""), now)
        else:
            self.modification.receive(RefreshRequested(), now)

    def _hang_up(self, _happened: HangUpRequested, now: float) -> None:
        self._end(0, "hung up here", local=True)
        self._bye(now)

    def _lost(self, happened: SessionLost, now: float) -> None:
        self._end(happened.cause.status, happened.cause.text, happened.cause.local)
        self._bye(now)

    def confirm_bye(self, happened: ByeReceived, now: float) -> None:
        """A BYE is answered 200, also when it crosses ours."""
        self._usage.core.respond(happened.key, happened.request.response(200), now)

    def be_hung_up(self, happened: ByeReceived, now: float) -> None:
        """The other side ends the call (section 15.1.2)."""
        self._close_offers(now)
        self.confirm_bye(happened, now)
        text = with_reason("the other side hung up", happened.request.headers.get_all("Reason"))
        self._end(0, text, local=False)

    def refuse_glare(self, happened: InviteReceived, now: float) -> None:
        """Their INVITE crosses ours, or the answer to our offer: 491 (section 14.2)."""
        self._usage.refuse(happened.key, happened.request, 491, now)

    def refuse_unknown(self, happened: InviteReceived | UpdateReceived | PrackReceived, now: float) -> None:
        """For us the call is over, or there is nothing that a PRACK could acknowledge: 481."""
        self._usage.refuse(happened.key, happened.request, 481, now)

    TABLE: ClassVar[Table] = {
        (_S.CONFIRMED, InviteReceived): (_S.CONFIRMED, modify),
        (_S.CONFIRMED, ReofferRequested): (_S.CONFIRMED, modify),
        (_S.CONFIRMED, AcceptRequested): (_S.CONFIRMED, answer_offer),
        (_S.CONFIRMED, RefuseRequested): (_S.CONFIRMED, answer_offer),
        (_S.CONFIRMED, UpdateReceived): (_S.CONFIRMED, take_update),
        (_S.CONFIRMED, PrackReceived): (_S.CONFIRMED, refuse_unknown),
        (_S.CONFIRMED, RefreshRequested): (_S.CONFIRMED, refresh),
        (_S.CONFIRMED, HangUpRequested): (_S.LEAVING, _hang_up),
        (_S.CONFIRMED, SessionLost): (_S.LEAVING, _lost),
        (_S.CONFIRMED, ByeReceived): (_S.ENDED, be_hung_up),
        (_S.LEAVING, InviteReceived): (_S.LEAVING, refuse_unknown),
        (_S.LEAVING, UpdateReceived): (_S.LEAVING, refuse_unknown),
        (_S.LEAVING, PrackReceived): (_S.LEAVING, refuse_unknown),
        (_S.LEAVING, ByeReceived): (_S.LEAVING, confirm_bye),
        (_S.LEAVING, ByeFinished): (_S.ENDED, do_nothing),
    }

    # A CANCEL after our final response changes nothing; a 1xx may be overtaken by what followed it.
    IGNORED: ClassVar[frozenset[tuple[Enum, type]]] = frozenset(
        (state, kind) for state in _S for kind in (CancelReceived, ProvisionalReceived)
    ) | {(_S.ENDED, kind) for kind in (InviteFailed, ByeFinished)}
