"""The INVITE that begins a call: redirections, early dialogs, forks (RFC 3261 section 13.2) become session inputs."""

from collections.abc import Callable

from device.annotations import Final
from device.sip.causes import cause_text
from device.sip.core import sdp_of
from device.sip.dialog import MAX_FORWARDS, Dialog
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.hop import NextHop
from device.sip.invite_usage import InviteUsage
from device.sip.message import Request, Response
from device.sip.session_inputs import (
    AnswerMissed,
    AnswerReceived,
    InviteFailed,
    OfferReturned,
    ProvisionalReceived,
    Redirected,
    SessionInput,
)
from device.sip.uri import Uri
from device.sip.user_agent_client import SentRequest

MAX_REDIRECTIONS: Final = 5
"""How many contacts of a 3xx are tried."""
EARLY_DIALOG_TERMINATED: Final = 199
"""A branch of a fork has failed while others go on (RFC 6228)."""
MAX_EARLY_DIALOGS: Final = 16
"""How many branches of a fork are remembered."""


class OutgoingInvite:
    """Sends the INVITE and judges its responses; `receive` is the session's table."""

    __slots__ = (
        "_answered_by",
        "_answered_cseq",
        "_cseq",
        "_early",
        "_early_sdp",
        "_from",
        "_receive",
        "_redirections",
        "_sent",
        "_sip_call_id",
        "_to",
        "_tried",
        "_usage",
        "offer",
    )

    def __init__(self, usage: InviteUsage, offer: bytes, receive: Callable[[SessionInput, float], None]) -> None:
        self._usage = usage
        self.offer = offer
        self._receive = receive
        self._cseq = 0
        self._sip_call_id = usage.core.ids.call_id()
        self._from: NameAddr
        self._to: NameAddr
        self._sent: SentRequest
        self._early: dict[str, Dialog] = {}
        self._early_sdp: dict[str, bytes] = {}
        self._answered_by: str | None = None
        self._answered_cseq = 0
        self._redirections: list[Uri] | None = None
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

    def _send(self, target: Uri, now: float) -> None:
        usage = self._usage
        next_hop: NextHop = usage.identity.next_hop(target)
        self._tried.append(target)
        self._early.clear()
        self._early_sdp.clear()
        headers = Headers([("Route", str(route)) for route in usage.identity.routes])
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(self._from))
        headers.add("To", str(self._to))
        headers.add("Call-ID", self._sip_call_id)
        headers.add("CSeq", str(CSeq(self._next_cseq(), "INVITE")))
        headers.add("Contact", str(usage.identity.contact(next_hop.transport, next_hop.host)))
        request = Request("INVITE", target, headers)
        usage.core.add_capabilities(request)
        usage.core.add_body(request, self.offer)
        self._sent = usage.client.send(request, next_hop, usage.identity, self, self._next_cseq, now)

    def follow(self, now: float) -> None:
        """Try the next address that a redirection named (section 8.1.3.4)."""
        if self._redirections:
            self._send(self._redirections.pop(0), now)

    def cancel(self, now: float) -> None:
        """Take the INVITE back (section 9.1)."""
        self._usage.client.cancel(self._sent, now)

    def acknowledge(self, sdp: bytes, now: float) -> None:
        """Send the ACK for the 2xx that won, with our answer where the 2xx brought the offer."""
        self._usage.acknowledge(self._usage.confirmed_dialog, self._answered_cseq, self._sent.request, sdp, now)

    def early_dialog(self, remote_tag: str) -> Dialog | None:
        """The early dialog with that To tag."""
        return self._early.get(remote_tag)

    def receive_response(self, sent: SentRequest, response: Response, now: float) -> None:
        if 200 <= response.status < 300:
            self.receive_success(response, now)
        elif sent is not self._sent or self._answered_by is not None:
            return
        elif response.status == EARLY_DIALOG_TERMINATED:
            self._early.pop(response.to.tag or "", None)
        elif response.status < 200:
            self._remember_early(response)
            self._receive(ProvisionalReceived(response), now)
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
        early = self._early.get(tag)
        dialog = early or Dialog.of_response(response, self._sent.request.uri)
        dialog.confirm(response)
        if self._answered_by is not None:
            self._hang_up_fork(dialog, response.cseq.number, now)
            return
        self._answered_by = tag
        self._answered_cseq = response.cseq.number
        if response.cseq.number < self._cseq:
            # An address of before the redirection has answered after all; the one after it must not go on ringing.
            self.cancel(now)
        dialog.local_cseq = max(self._cseq, response.cseq.number)
        self._usage.dialog = dialog
        sdp = sdp_of(response) or (self._early_sdp.get(tag, b"") if self.offer else b"")
        if not sdp:
            self._receive(AnswerMissed(), now)
        else:
            self._receive(AnswerReceived(sdp) if self.offer else OfferReturned(sdp), now)

    def _hang_up_fork(self, dialog: Dialog, cseq_number: int, now: float) -> None:
        usage = self._usage
        usage.acknowledge(dialog, cseq_number, self._sent.request, b"", now)
        bye = dialog.build_request("BYE")
        usage.client.send(bye, dialog.next_hop, usage.identity, None, dialog.next_cseq, now)

    def _remember_early(self, response: Response) -> None:
        tag = response.to.tag
        if not tag or response.status == 100:
            return
        dialog = self._early.get(tag)
        if dialog is None:
            if len(self._early) >= MAX_EARLY_DIALOGS:
                return
            self._early[tag] = Dialog.of_response(response, self._sent.request.uri)
        else:
            dialog.refresh_target(response)
        sdp = sdp_of(response)
        if sdp:
            self._early_sdp[tag] = sdp

    def _judge_failure(self, response: Response, now: float) -> None:
        status = response.status
        if status < 400 and self._redirections is None:
            self._redirections = self._usable_contacts(response)
        text = cause_text(status, response.reason)
        if status in (401, 407):
            text = self._usage.identity.refusal_text()
        self._fail(InviteFailed(status, text), now)

    def _usable_contacts(self, response: Response) -> list[Uri]:
        """The addresses of a redirection that were not tried yet, the preferred ones first."""
        uris: list[Uri] = []
        for contact in sorted(response.contacts, key=lambda contact: -contact.q):
            uri = contact.uri.target()
            if uri.scheme == "sip" and not any(uri.matches(known) for known in (*self._tried, *uris)):
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
