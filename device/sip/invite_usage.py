"""One call's share of a dialog (an INVITE usage, RFC 5057 section 2): what its session and its re-INVITEs build on."""

from __future__ import annotations

from device.annotations import TYPE_CHECKING, Final
from device.model import CallId
from device.sip.causes import reason_of
from device.sip.core import Core
from device.sip.dialog import Dialog
from device.sip.dialog_exchange import DialogExchange
from device.sip.events import EndCause
from device.sip.headers import NameAddr
from device.sip.hop import Hop, NextHop
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.offer_inputs import PrackReceived, UpdateReceived
from device.sip.success_retransmission import SuccessRetransmission
from device.sip.transaction import ServerKey
from device.sip.user_agent_client import RequestOwner, SentRequest, UserAgentClient

if TYPE_CHECKING:
    from device.sip.session_timer import SessionTimer

NOT_ACCEPTABLE_HERE: Final = 488
INTERVAL_TOO_SMALL: Final = 422
_WARNING: Final = '305 offhook "Incompatible media format"'
"""What is not acceptable here about a session (RFC 3261 section 20.43)."""
_ACKS_KEPT: Final = 8
"""How many of the newest ACKs are kept to be repeated; older 2xx are no longer retransmitted."""
_LEAST_INTERVAL_S: Final = 90
"""RFC 4028 section 5: a Min-SE of so much need not be written."""


class InviteUsage:
    """The names, the dialog, the ACKs and the session timer of one call."""

    __slots__ = (
        "_acks",
        "call_id",
        "client",
        "core",
        "exchange",
        "identity",
        "min_se_s",
        "owns_call_id",
        "party",
        "timer",
    )

    def __init__(
        self, core: Core, client: UserAgentClient, identity: Identity, call_id: CallId, dialog: Dialog | None
    ) -> None:
        self.core = core
        self.client = client
        self.identity = identity
        self.call_id = call_id
        self.exchange = DialogExchange(dialog) if dialog is not None else None
        """The dialog that the call lives in, with its offers; at the caller None until a 2xx chose one."""
        self.owns_call_id = dialog is None
        """Whether this side made the Call-ID, that is, sent the first INVITE."""
        self.min_se_s = core.settings.session_min_se_s
        """The shortest session interval that anybody on the way has asked for."""
        self.timer: SessionTimer | None = None
        """None until a session interval is agreed for the first time."""
        self.party: tuple[str, str] | None = None
        """URI text and name of the other party as they were told last; None while those of the dialog hold."""
        self._acks: dict[tuple[str, int], tuple[Request, NextHop, Hop | None]] = {}

    @property
    def dialog(self) -> Dialog | None:
        """The dialog that the call lives in."""
        return self.exchange.dialog if self.exchange is not None else None

    @property
    def confirmed_exchange(self) -> DialogExchange:
        """The dialog of a call that has one, with its offers."""
        assert self.exchange is not None
        return self.exchange

    @property
    def confirmed_dialog(self) -> Dialog:
        """The dialog of a call that has one."""
        return self.confirmed_exchange.dialog

    def send(self, request: Request, owner: RequestOwner | None, now: float) -> SentRequest:
        """Send a request that the dialog built."""
        return self._send(self.confirmed_dialog, request, owner, now)

    def _send(self, dialog: Dialog, request: Request, owner: RequestOwner | None, now: float) -> SentRequest:
        return self.client.send(request, dialog.next_hop, self.identity, owner, dialog.next_cseq, now)

    def _next_hop(self, dialog: Dialog) -> NextHop:
        return self.identity.vouched(dialog.next_hop)

    def send_bye(self, owner: RequestOwner | None, cause: EndCause | None, now: float) -> SentRequest:
        """End the session (RFC 3261 section 15.1.1) and say why (RFC 3326)."""
        bye = self.confirmed_dialog.build_request("BYE")
        if cause is not None:
            bye.headers.add("Reason", reason_of(cause.status, cause.text))
        return self.send(bye, owner, now)

    def send_invite(self, sdp: bytes, owner: RequestOwner, now: float) -> SentRequest:
        """Send a re-INVITE with the offer `sdp`, or with none (section 14.1)."""
        exchange = self.confirmed_exchange
        request = exchange.dialog.build_request("INVITE")
        self._add_contact(exchange, request, self._next_hop(exchange.dialog))
        self.core.add_capabilities(request)
        self.add_interval(request, now)
        self.core.add_body(request, sdp)
        return self.send(request, owner, now)

    def send_update(self, exchange: DialogExchange, sdp: bytes, owner: RequestOwner, now: float) -> SentRequest:
        """Send an UPDATE (RFC 3311 section 5.1)."""
        request = exchange.dialog.build_request("UPDATE")
        self._add_contact(exchange, request, self._next_hop(exchange.dialog))
        self.core.add_capabilities(request)
        if exchange.dialog.confirmed:
            self.add_interval(request, now)
        self.core.add_body(request, sdp)
        return self._send(exchange.dialog, request, owner, now)

    def _add_contact(self, exchange: DialogExchange, message: Request | Response, hop: Hop | NextHop) -> None:
        contact: NameAddr = self.identity.contact(hop.transport, hop.host, exchange.dialog.is_secure)
        exchange.contact = str(contact)
        message.headers.add("Contact", exchange.contact)

    @property
    def has_moved(self) -> bool:
        """Whether our Contact is no longer the one that the other side was given."""
        exchange = self.exchange
        if exchange is None or not exchange.contact:
            return False
        hop = self._next_hop(exchange.dialog)
        secure = exchange.dialog.is_secure
        return exchange.contact != str(self.identity.contact(hop.transport, hop.host, secure))

    def acknowledge(self, dialog: Dialog, cseq_number: int, sent: SentRequest, sdp: bytes, now: float) -> None:
        """Send the ACK of a 2xx to the INVITE `sent`, with our answer if the 2xx brought the offer, and keep it.

        `cseq_number` is that of the 2xx, which may answer an earlier attempt of the INVITE.
        """
        ack = dialog.build_ack(cseq_number, sent.request)
        self.core.add_body(ack, sdp)
        next_hop = self._next_hop(dialog)
        # Of the servers that the way leads to, the one that brought the 2xx knows the call; another may just have
        # refused it with 503.
        server = sent.source or self.identity.home_hop
        self._acks[dialog.remote.tag or "", ack.cseq.number] = (ack, next_hop, server)
        while len(self._acks) > _ACKS_KEPT:
            del self._acks[next(iter(self._acks))]
        self.core.acknowledge(ack, next_hop, server, now)

    def acknowledge_again(self, response: Response, now: float) -> bool:
        """Repeat the ACK of a retransmitted 2xx; false when there has been none yet (section 13.2.2.4)."""
        kept = self._acks.get((response.to.tag or "", response.cseq.number))
        if kept is not None:
            self.core.acknowledge(*kept, now)
        return kept is not None

    def accept(self, key: ServerKey, request: Request, source: Hop, sdp: bytes, now: float) -> SuccessRetransmission:
        """Answer an INVITE with 200 and `sdp`, until its ACK comes."""
        response = self.build_response(request, 200, source)
        self.core.add_capabilities(response)
        self._answer_interval(request, response, now)
        self.core.add_body(response, sdp)
        return SuccessRetransmission(self.core, key, request, response, now)

    def confirm(
        self, exchange: DialogExchange, happened: UpdateReceived | PrackReceived, sdp: bytes, now: float
    ) -> None:
        """Answer an UPDATE or PRACK with 200; an UPDATE may move its sender (RFC 3311 section 5.2)."""
        request = happened.request
        response = request.response(200)
        if isinstance(happened, UpdateReceived):
            exchange.dialog.refresh_target(request)
            exchange.note(request)
            self._add_contact(exchange, response, happened.source)
            self.core.add_capabilities(response)
            if exchange.dialog.confirmed:
                self._answer_interval(request, response, now)
        self.core.add_body(response, sdp)
        self.core.respond(happened.key, response, now)

    def build_response(self, request: Request, status: int, source: Hop) -> Response:
        """A response in the dialog: its To tag, and below 300 the Contact and routes that make it (section 12.1.1)."""
        response = request.response(status, to_tag=self.local_tag)
        if status < 300:
            for route in request.headers.get_all("Record-Route"):
                response.headers.add("Record-Route", route)
            self._add_contact(self.confirmed_exchange, response, source)
        return response

    def refuse(self, key: ServerKey, request: Request, status: int, now: float) -> None:
        """Answer a request of the call with a failure."""
        response = request.response(status, to_tag=self.local_tag)
        if status == NOT_ACCEPTABLE_HERE:
            response.headers.add("Warning", _WARNING)
        self.core.respond(key, response, now)

    def refuse_overlap(self, key: ServerKey, request: Request, now: float) -> None:
        """Refuse a second offer before the first had its answer: 500, to be tried again (section 14.2)."""
        response = request.response(500, to_tag=self.local_tag)
        response.headers.add("Retry-After", str(self.core.ids.number(16) % 11))
        self.core.respond(key, response, now)

    def back_off_s(self) -> float:
        """The pause after a 491: 2.1 to 4 s for the side that made the Call-ID, else up to 2 s (section 14.1)."""
        number = self.core.ids.number(16)
        steps = 210 + number % 191 if self.owns_call_id else number % 201
        return steps / 100

    # The session timer (RFC 4028).

    def add_interval(self, request: Request, now: float) -> None:
        """Ask for the session interval in an INVITE or UPDATE of ours (sections 7.1 and 7.4)."""
        wanted = self.core.settings.session_expires_s
        if (self.timer is None or not self.timer.add_to(request, now)) and wanted:
            request.headers.set("Session-Expires", str(max(wanted, self.min_se_s)))
        if self.min_se_s > _LEAST_INTERVAL_S:
            request.headers.set("Min-SE", str(self.min_se_s))

    def take_interval(self, exchange: DialogExchange, request: Request, response: Response, now: float) -> None:
        """A 2xx says what became of that; one to an early UPDATE, which asked for nothing, says nothing."""
        told = "Session-Expires" in response.headers.index
        asked = self.timer is not None and "Session-Expires" in request.headers.index
        if exchange.dialog.confirmed and (told or asked):
            self._the_timer().take_answer(response, now)

    def _answer_interval(self, request: Request, response: Response, now: float) -> None:
        if self.timer is not None or "Session-Expires" in request.headers.index or self._may_ask(request):
            wanted = self.core.settings.session_expires_s
            self._the_timer().answer(request, response, max(wanted, self.min_se_s) if wanted else 0, now)

    def _may_ask(self, request: Request) -> bool:
        return self.core.settings.session_expires_s > 0 and "timer" in request.tokens("Supported")

    def _the_timer(self) -> SessionTimer:
        if self.timer is None:
            # Most calls on a local network have no session timer; these do without its room.
            from device.sip.session_timer import SessionTimer  # noqa: PLC0415

            self.timer = SessionTimer()
        return self.timer

    def is_too_brief(self, request: Request) -> bool:
        """Whether a request asks for a shorter session interval than this phone keeps (section 9)."""
        if "Session-Expires" not in request.headers.index:
            return False
        from device.sip.session_timer import is_too_brief  # noqa: PLC0415  # as above

        return is_too_brief(request, self.core.settings.session_min_se_s)

    def refuse_brief(self, key: ServerKey, request: Request, now: float) -> None:
        """Refuse such a request, and say which interval would be long enough."""
        response = request.response(INTERVAL_TOO_SMALL, to_tag=self.local_tag)
        response.headers.add("Min-SE", str(self.core.settings.session_min_se_s))
        self.core.respond(key, response, now)

    def raise_minimum(self, response: Response) -> bool:
        """Take the Min-SE of a 422; false when it asks for nothing new, so that a repetition is no use (7.3)."""
        from device.sip.session_timer import read_minimum  # noqa: PLC0415  # as above

        minimum = read_minimum(response)
        asked = max(self.core.settings.session_expires_s, self.min_se_s)
        if self.timer is not None and self.timer.interval_s:
            asked = self.timer.interval_s
        if minimum <= asked:
            return False
        self.min_se_s = minimum
        if self.timer is not None:
            self.timer.interval_s = max(self.timer.interval_s, minimum) if self.timer.interval_s else 0
        return True

    @property
    def local_tag(self) -> str | None:
        """Our tag in the dialog, once there is one."""
        return self.dialog.local.tag if self.dialog is not None else None
