"""The INVITE that begins a call: redirections, early dialogs, forks (RFC 3261 section 13.2) become session inputs."""

from collections.abc import Callable

from device.annotations import Final
from device.sip.causes import cause_text, reason_of, with_reason
from device.sip.core import sdp_of
from device.sip.dialog import MAX_FORWARDS, Dialog
from device.sip.dialog_exchange import AnswerTaken, DialogExchange, OfferSent, OfferTaken
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.hop import NextHop
from device.sip.invite_usage import InviteUsage
from device.sip.message import Request, Response
from device.sip.offer_inputs import EarlyOfferReceived
from device.sip.session_inputs import (
    AnswerMissed,
    AnswerReceived,
    InviteFailed,
    OfferReturned,
    ProvisionalReceived,
    Redirected,
)
from device.sip.target import next_hop_of
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest

USE_PROXY: Final = 305
"""The Contacts of this redirection are proxies through which the same target is to be called (section 21.3.4)."""
MAX_REDIRECTIONS: Final = 5
"""How many contacts of a 3xx are tried."""
EARLY_DIALOG_TERMINATED: Final = 199
"""A branch of a fork has failed while others go on (RFC 6228)."""
INTERVAL_TOO_SMALL: Final = 422
MAX_INTERVALS: Final = 3
"""How many 422 one INVITE meets: each proxy on the way may want a longer session interval (RFC 4028 section 7.3)."""
MAX_EARLY_DIALOGS: Final = 16
"""How many branches of a fork are remembered."""

FurtherHeaders = tuple[tuple[str, str], ...]
"""Header fields that one INVITE has more than others: Privacy, Replaces, Referred-By."""


FailPrack = Callable[[int, str, float], None]

OutgoingInput = (
    ProvisionalReceived | EarlyOfferReceived | AnswerReceived | OfferReturned | AnswerMissed | InviteFailed | Redirected
)
"""What becomes of the responses."""


class OutgoingInvite:
    """Sends the INVITE and judges its responses; `receive` is the session's table."""

    __slots__ = (
        "_again",
        "_answered_by",
        "_answered_cseq",
        "_contact",
        "_cseq",
        "_early",
        "_extra",
        "_from",
        "_intervals",
        "_proxies",
        "_receive",
        "_redirections",
        "_sent",
        "_sip_call_id",
        "_to",
        "_tried",
        "_usage",
        "offer",
    )

    def __init__(
        self,
        usage: InviteUsage,
        offer: bytes,
        receive: Callable[[OutgoingInput, float], None],
        extra: FurtherHeaders = (),
    ) -> None:
        self._usage = usage
        self.offer = offer
        self._receive = receive
        self._extra = extra
        self._cseq = 0
        self._sip_call_id = usage.core.ids.call_id()
        self._from: NameAddr
        self._to: NameAddr
        self._sent: SentRequest
        self._early: dict[str, DialogExchange] = {}
        self._contact = ""
        self._again: Uri | None = None
        self._intervals = 0
        self._answered_by: str | None = None
        self._answered_cseq = 0
        self._redirections: list[Uri] | None = None
        self._proxies = False
        """Whether the redirections are proxies on the way to the first target, not targets themselves."""
        self._tried: list[Uri] = []

    @property
    def sip_call_id(self) -> str:
        """The Call-ID header field."""
        return self._sip_call_id

    @property
    def local_tag(self) -> str:
        """The From tag."""
        return self._from.tag or ""

    def start(self, target: Uri, now: float) -> None:
        """Send the first INVITE to `target`."""
        self._from = self._usage.identity.address(self._usage.identity.next_hop(target))
        self._from = self._from.with_tag(self._usage.core.ids.tag())
        self._to = NameAddr("", target)
        self._send(target, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _send(self, address: Uri, now: float) -> None:
        """Send the INVITE to `address`, or through that as its proxy."""
        usage = self._usage
        by_proxy = self._proxies and address is not self._to.uri
        target = self._to.uri if by_proxy else address
        next_hop: NextHop = next_hop_of(address) if by_proxy else usage.identity.next_hop(target)
        routes = [NameAddr("", address.with_params(lr=None))] if by_proxy else usage.identity.routes
        self._tried.append(address)
        for exchange in self._early.values():
            exchange.close(now)
        self._early.clear()
        headers = Headers([("Route", str(route)) for route in routes])
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(self._from))
        headers.add("To", str(self._to))
        headers.add("Call-ID", self._sip_call_id)
        headers.add("CSeq", str(CSeq(self._next_cseq(), "INVITE")))
        self._contact = str(usage.identity.contact(next_hop.transport, next_hop.host, target.scheme == "sips"))
        headers.add("Contact", self._contact)
        for name, value in self._extra:
            headers.add(name, value)
        request = Request("INVITE", target, headers)
        usage.core.add_capabilities(request, "199")
        usage.add_interval(request, now)
        usage.core.add_body(request, self.offer)
        self._sent = usage.client.send(request, next_hop, usage.identity, self, self._next_cseq, now)

    def follow(self, now: float) -> None:
        """Try the next address that a redirection named (section 8.1.3.4), or the same with a longer interval."""
        again, self._again = self._again, None
        if again is not None:
            self._send(again, now)
        elif self._redirections:
            self._send(self._redirections.pop(0), now)

    def cancel(self, now: float, reason: str = "") -> None:
        """Take the INVITE back (section 9.1), for a `reason` in the words of RFC 3326."""
        self._usage.client.cancel(self._sent, now, reason)

    def acknowledge(self, sdp: bytes, now: float) -> None:
        """Send the ACK for the 2xx that won, with our answer where the 2xx brought the offer."""
        self._usage.acknowledge(self._usage.confirmed_dialog, self._answered_cseq, self._sent, sdp, now)

    @property
    def early_exchanges(self) -> list[DialogExchange]:
        """The early dialogs, with their offers."""
        return list(self._early.values())

    def early_dialog(self, remote_tag: str) -> Dialog | None:
        """The early dialog with that To tag."""
        found = self._early.get(remote_tag)
        return found.dialog if found is not None else None

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        if 200 <= response.status < 300:
            self.receive_success(response, now)
        elif sent is not self._sent or self._answered_by is not None:
            return
        elif response.status < 200:
            self._take_provisional(response, now)
        else:
            self._judge_failure(response, now)

    def receive_failure(self, sent: SentRequest, status: int, text: str, now: float) -> None:
        if sent is self._sent and self._answered_by is None:
            self._fail(InviteFailed(status, text), now)

    def receive_success(self, response: Response, now: float) -> None:
        """A 2xx: the first one answers the call, one from another branch is hung up (section 13.2.2.4)."""
        tag = response.to.tag or ""
        if self._usage.acknowledge_again(response, now) or tag == self._answered_by:
            return
        exchange = self._early.get(tag) or self._begin_exchange(response, now)
        exchange.dialog.confirm(response)
        exchange.note(response)
        if self._answered_by is not None:
            self._hang_up_fork(exchange.dialog, response.cseq.number, now)
            return
        self._answered_by = tag
        self._answered_cseq = response.cseq.number
        # Where the answer is not that of the last INVITE (an address of before a redirection has answered after all, or
        # a far end sends another Via back than it got), that one must not go on ringing.
        self.cancel(now, reason_of(200, "Call completed elsewhere"))
        exchange.dialog.local_cseq = max(self._cseq, response.cseq.number, exchange.dialog.local_cseq)
        exchange.contact = self._contact
        self._usage.exchange = exchange
        self._note_party(exchange, response)
        self._usage.take_interval(exchange, self._sent.request, response, now)
        self._take_session(exchange, sdp_of(response), now)

    def _note_party(self, exchange: DialogExchange, response: Response) -> None:
        """Whoever answered may be another than was called; our own server says who (RFC 3325 section 9.1)."""
        index = response.headers.index
        if "P-Asserted-Identity" not in index and "Remote-Party-ID" not in index:
            return
        from device.sip.connected_identity import note_party  # noqa: PLC0415  # servers of many accounts say nothing

        identity = self._usage.identity
        trusted = identity.proxy is not None or identity.is_home(self._sent.request.uri)
        note_party(self._usage, exchange.dialog, response, trusted=trusted)

    def _take_session(self, exchange: DialogExchange, sdp: bytes, now: float) -> None:
        """What the 2xx that won settles: the answer, their offer, or nothing that was not settled before it."""
        if exchange.has_session:
            # Whoever answers in a reliable 1xx is done with it, but gateways that change their mind are believed.
            self._receive(AnswerReceived(sdp or exchange.remote if exchange.remote_answered else b""), now)
            return
        sdp = sdp or (exchange.early if self.offer else b"")
        if exchange.has_offer:
            # Their offer in a reliable 1xx still waits for our owner, who then answers in the ACK.
            self._receive(OfferReturned(b""), now)
        elif not sdp:
            self._receive(AnswerMissed(), now)
        elif self.offer:
            exchange.receive(AnswerTaken(sdp), now)
            self._receive(AnswerReceived(sdp), now)
        else:
            exchange.receive(OfferTaken(sdp), now)
            self._receive(OfferReturned(sdp), now)

    def _begin_exchange(self, response: Response, now: float) -> DialogExchange:
        exchange = DialogExchange(Dialog.of_response(response, self._sent.request.uri))
        exchange.contact = self._contact
        if self.offer:
            exchange.receive(OfferSent(self.offer), now)
        return exchange

    def _hang_up_fork(self, dialog: Dialog, cseq_number: int, now: float) -> None:
        usage = self._usage
        usage.acknowledge(dialog, cseq_number, self._sent, b"", now)
        bye = dialog.build_request("BYE")
        usage.client.send(bye, dialog.next_hop, usage.identity, None, dialog.next_cseq, now)

    def _take_provisional(self, response: Response, now: float) -> None:
        tag = response.to.tag
        if not tag or response.status == 100:
            self._receive(ProvisionalReceived(response, b""), now)
            return
        exchange = self._early.get(tag)
        if exchange is None:
            if len(self._early) >= MAX_EARLY_DIALOGS or response.status == EARLY_DIALOG_TERMINATED:
                return
            exchange = self._early[tag] = self._begin_exchange(response, now)
        reliable = "RSeq" in response.headers.index and self._is_reliable(exchange, response)
        if reliable is None:
            return
        exchange.dialog.refresh_target(response)
        exchange.note(response)
        sdp = sdp_of(response)
        brings_offer = bool(reliable and sdp and not self.offer and exchange.is_unused)
        if brings_offer:
            exchange.receive(OfferTaken(sdp), now)
        elif reliable:
            if sdp and self.offer and exchange.awaits_answer and not exchange.has_session:
                exchange.receive(AnswerTaken(sdp), now)
            self.acknowledge_provisional(exchange, response, b"", None, now)
        if response.status == EARLY_DIALOG_TERMINATED:
            exchange.close(now)
            del self._early[tag]
            sdp = b""
        # Without an offer of ours a description can be no answer to be heard by.
        self._receive(ProvisionalReceived(response, sdp if self.offer else b""), now)
        exchange.early = sdp or exchange.early
        if brings_offer and response.status != EARLY_DIALOG_TERMINATED:
            self._receive(EarlyOfferReceived(exchange, response), now)

    def _is_reliable(self, exchange: DialogExchange, response: Response) -> bool | None:
        """Whether a 1xx wants a PRACK; None for one that came before or too early (RFC 3262 section 4)."""
        from device.sip.provisional_acknowledgement import is_next, reliable_number  # noqa: PLC0415

        number = reliable_number(response)
        if number and not is_next(exchange, number):
            return None
        return number > 0

    def forget_early(self, exchange: DialogExchange) -> None:
        """An early dialog is known to be gone at the other side."""
        self._early.pop(exchange.dialog.remote.tag or "", None)

    def acknowledge_provisional(
        self, exchange: DialogExchange, response: Response, sdp: bytes, fail: FailPrack | None, now: float
    ) -> None:
        """Send PRACK for a reliable 1xx, with our answer to the offer in it."""
        from device.sip.provisional_acknowledgement import ProvisionalAcknowledgement  # noqa: PLC0415

        ProvisionalAcknowledgement.send(self._usage, exchange, response, sdp, fail, now)

    def _judge_failure(self, response: Response, now: float) -> None:
        status = response.status
        if status == INTERVAL_TOO_SMALL and self._repeat_with_interval(response, now):
            return
        if status < 400 and self._redirections is None:
            self._redirections = self._usable_contacts(response)
            self._proxies = status == USE_PROXY
        text = with_reason(cause_text(status, response.reason), response.headers.get_all("Reason"))
        if status in (401, 407):
            text = self._usage.identity.refusal_text(response)
        self._fail(InviteFailed(status, text), now)

    def _repeat_with_interval(self, response: Response, now: float) -> bool:
        """Ask for a session interval that suits a 422, unless that has been tried often enough."""
        self._intervals += 1
        if self._intervals > MAX_INTERVALS or self._sent.cancelled or not self._usage.raise_minimum(response):
            return False
        self._again = self._tried.pop()
        self._receive(Redirected(), now)
        return True

    def _usable_contacts(self, response: Response) -> list[Uri]:
        """The addresses of a redirection that were not tried yet, the preferred ones first."""
        uris: list[Uri] = []
        # What was to be secure is not redirected into the open (RFC 3261 section 8.1.3.4).
        schemes = ("sips",) if self._to.uri.scheme == "sips" else ("sip", "sips")
        for contact in sorted(response.contacts, key=lambda contact: -contact.q):
            uri = contact.uri.target()
            if uri.scheme in schemes and not any(uri.matches(known) for known in (*self._tried, *uris)):
                uris.append(uri)
                if len(uris) == MAX_REDIRECTIONS:
                    break
        return uris

    def _fail(self, failure: InviteFailed, now: float) -> None:
        # A 6xx speaks for the person everywhere, so that no other address is tried (section 21.6).
        if self._redirections and failure.status < 600 and not self._sent.cancelled:
            self._receive(Redirected(), now)
        else:
            self._receive(failure, now)
