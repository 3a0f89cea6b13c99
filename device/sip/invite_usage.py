"""One call's share of a dialog (an INVITE usage, RFC 5057 section 2): what its session and its re-INVITEs build on."""

from device.annotations import Final
from device.model import CallId
from device.sip.core import Core
from device.sip.dialog import Dialog
from device.sip.headers import NameAddr
from device.sip.hop import Hop, NextHop
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.success_retransmission import SuccessRetransmission
from device.sip.transaction import ServerKey
from device.sip.user_agent_client import RequestOwner, SentRequest, UserAgentClient

NOT_ACCEPTABLE_HERE: Final = 488
_WARNING: Final = '305 offhook "Incompatible media format"'
"""What is not acceptable here about a session (RFC 3261 section 20.43)."""
_ACKS_KEPT: Final = 8
"""How many of the newest ACKs are kept to be repeated; older 2xx are no longer retransmitted."""


class InviteUsage:
    """The names, the dialog and the ACKs of one call."""

    __slots__ = ("_acks", "call_id", "client", "core", "dialog", "identity", "owns_call_id")

    def __init__(
        self, core: Core, client: UserAgentClient, identity: Identity, call_id: CallId, dialog: Dialog | None
    ) -> None:
        self.core = core
        self.client = client
        self.identity = identity
        self.call_id = call_id
        self.dialog = dialog
        """The dialog that the call lives in; at the caller None until a 2xx chose one."""
        self.owns_call_id = dialog is None
        """Whether this side made the Call-ID, that is, sent the first INVITE."""
        self._acks: dict[tuple[str, int], tuple[Request, NextHop]] = {}

    @property
    def confirmed_dialog(self) -> Dialog:
        """The dialog of a call that has one."""
        assert self.dialog is not None
        return self.dialog

    def send(self, request: Request, owner: RequestOwner | None, now: float) -> SentRequest:
        """Send a request that the dialog built."""
        dialog = self.confirmed_dialog
        return self.client.send(request, dialog.next_hop, self.identity, owner, dialog.next_cseq, now)

    def send_bye(self, owner: RequestOwner | None, now: float) -> SentRequest:
        """End the session (RFC 3261 section 15.1.1)."""
        return self.send(self.confirmed_dialog.build_request("BYE"), owner, now)

    def send_invite(self, sdp: bytes, owner: RequestOwner, now: float) -> SentRequest:
        """Send a re-INVITE with the offer `sdp`, or with none (section 14.1)."""
        dialog = self.confirmed_dialog
        request = dialog.build_request("INVITE")
        next_hop = dialog.next_hop
        request.headers.add("Contact", str(self.identity.contact(next_hop.transport, next_hop.host)))
        self.core.add_capabilities(request)
        self.core.add_body(request, sdp)
        return self.send(request, owner, now)

    def acknowledge(self, dialog: Dialog, cseq_number: int, invite: Request, sdp: bytes, now: float) -> None:
        """Send the ACK of a 2xx to `invite`, with our answer if the 2xx brought the offer, and keep it.

        `cseq_number` is that of the 2xx, which may answer an earlier attempt of the INVITE.
        """
        ack = dialog.build_ack(cseq_number, invite)
        self.core.add_body(ack, sdp)
        self._acks[dialog.remote.tag or "", ack.cseq.number] = (ack, dialog.next_hop)
        while len(self._acks) > _ACKS_KEPT:
            del self._acks[next(iter(self._acks))]
        self.core.acknowledge(ack, dialog.next_hop, now)

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
        self.core.add_body(response, sdp)
        return SuccessRetransmission(self.core, key, request, response, now)

    def build_response(self, request: Request, status: int, source: Hop) -> Response:
        """A response in the dialog: its To tag, and below 300 the Contact and routes that make it (section 12.1.1)."""
        response = request.response(status, to_tag=self.local_tag)
        if status < 300:
            for route in request.headers.get_all("Record-Route"):
                response.headers.add("Record-Route", route)
            contact: NameAddr = self.identity.contact(source.transport, source.host)
            response.headers.add("Contact", str(contact))
        return response

    def refuse(self, key: ServerKey, request: Request, status: int, now: float) -> None:
        """Answer an INVITE of the call with a failure."""
        response = request.response(status, to_tag=self.local_tag)
        if status == NOT_ACCEPTABLE_HERE:
            response.headers.add("Warning", _WARNING)
        self.core.respond(key, response, now)

    def refuse_overlap(self, key: ServerKey, request: Request, now: float) -> None:
        """Refuse a second INVITE before the first had its final response: 500, to be tried again (section 14.2)."""
        response = request.response(500, to_tag=self.local_tag)
        response.headers.add("Retry-After", str(self.core.ids.number(16) % 11))
        self.core.respond(key, response, now)

    @property
    def local_tag(self) -> str | None:
        """Our tag in the dialog, once there is one."""
        return self.dialog.local.tag if self.dialog is not None else None
