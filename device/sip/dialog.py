"""Dialogs (RFC 3261 section 12): the tags, sequence numbers, routes and target of two user agents."""

from device.annotations import NamedTuple
from device.ids import BRANCH_MAGIC_COOKIE
from device.records import replace
from device.sip.errors import SipParseError
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.hop import Hop, NextHop, ip_literal
from device.sip.message import Request, Response
from device.sip.target import next_hop_of
from device.sip.uri import Uri

MAX_FORWARDS = "70"
"""RFC 3261 section 8.1.1.6."""


class DialogId(NamedTuple):
    """What names a dialog at one end (section 12): a tag is "" for a peer of RFC 2543, which sends none."""

    call_id: str
    local_tag: str
    remote_tag: str


class Dialog:
    """One end of a dialog, early until `confirm`."""

    __slots__ = (
        "call_id",
        "confirmed",
        "flow",
        "is_secure",
        "local",
        "local_cseq",
        "remote",
        "remote_cseq",
        "remote_target",
        "route_set",
    )

    def __init__(self, call_id: str, local: NameAddr, remote: NameAddr, remote_target: Uri) -> None:
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.remote_target = remote_target
        self.route_set: tuple[NameAddr, ...] = ()
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.confirmed = False
        self.flow: Hop | None = None
        """The connection that the other side opened to begin the dialog."""
        self.is_secure = False
        """Whether it was begun with a `sips:` URI, so that both Contacts are such (section 12.1, RFC 5630)."""

    @classmethod
    def of_response(cls, response: Response, request_uri: Uri) -> "Dialog":
        """The dialog that a 1xx with To tag or a 2xx makes at the caller (section 12.1.2).

        `request_uri` of the INVITE stands in for the Contact of peers that leave it out or write another scheme there.
        """
        contacts = response.contacts
        target = contacts[0].uri if contacts and contacts[0].uri.is_sip else request_uri
        dialog = cls(response.call_id, response.from_, response.to, target)
        dialog.local_cseq = response.cseq.number
        dialog.route_set = tuple(reversed(response.record_routes))
        dialog.confirmed = 200 <= response.status < 300
        dialog.is_secure = request_uri.scheme == "sips"
        return dialog

    @classmethod
    def of_request(cls, request: Request, local_tag: str, source: Hop | None = None) -> "Dialog":
        """The dialog that an INVITE makes at the called side (section 12.1.1).

        Raises SipParseError (400) when the request has no Contact that we could send to.
        """
        local = request.to if request.to.tag else request.to.with_tag(local_tag)
        dialog = cls(request.call_id, local, request.from_, _target(request))
        dialog.remote_cseq = request.cseq.number
        dialog.route_set = tuple(request.record_routes)
        dialog.is_secure = request.uri.scheme == "sips"
        dialog.flow = source if source is not None and source.connection is not None else None
        return dialog

    @property
    def id(self) -> DialogId:
        """Call-ID, local tag, remote tag."""
        return DialogId(self.call_id, self.local.tag or "", self.remote.tag or "")

    @property
    def next_hop(self) -> NextHop:
        """Where the next request goes: the first route, or the target without one (section 12.2.1.1).

        Whoever connected to us from that address is reached on the same connection: a phone that listens nowhere, or
        behind a wall, is reached by no other.
        """
        hop = next_hop_of(self.route_set[0].uri if self.route_set else self.remote_target)
        flow = self.flow
        if flow is None or flow.host != ip_literal(hop.host) or flow.transport != hop.transport:
            return hop
        return replace(hop, connection=flow.connection)

    def next_cseq(self) -> int:
        """Take the next local sequence number."""
        self.local_cseq += 1
        return self.local_cseq

    def confirm(self, response: Response) -> None:
        """A 2xx came for this early dialog: its routes and target replace the early ones (section 13.2.2.4)."""
        self.confirmed = True
        self.route_set = tuple(reversed(response.record_routes))
        self.refresh_target(response)

    def refresh_target(self, message: Request | Response) -> None:
        """Take the Contact of a re-INVITE, or of a 2xx to ours, as the new remote target (section 12.2)."""
        contacts = message.contacts
        if contacts and contacts[0].uri.is_sip:
            self.remote_target = contacts[0].uri

    def is_in_order(self, request: Request) -> bool:
        """Whether the request's sequence number may follow the last one, which it then replaces (section 12.2.2).

        A request out of order is to be answered 500.
        """
        number = request.cseq.number
        if self.remote_cseq is not None and number < self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def build_request(self, method: str) -> Request:
        """A request in this dialog with the next sequence number; send it to `next_hop` (section 12.2.1.1)."""
        return self._build(method, self.next_cseq())

    def build_ack(self, cseq_number: int, invite: Request) -> Request:
        """The ACK of a 2xx: the sequence number that it answers, and the INVITE's credentials (section 13.2.2.4)."""
        ack = self._build("ACK", cseq_number)
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.get_all(name):
                ack.headers.add(name, value)
        return ack

    def _build(self, method: str, cseq_number: int) -> Request:
        uri, routes = self._request_uri_and_routes()
        headers = Headers([("Route", str(route)) for route in routes])
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(self.local))
        headers.add("To", str(self.remote))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", str(CSeq(cseq_number, method)))
        return Request(method, uri, headers)

    def _request_uri_and_routes(self) -> tuple[Uri, tuple[NameAddr, ...]]:
        """A strict router is named in the Request-URI, and the target goes to the end of the routes (12.2.1.1)."""
        target = self.remote_target.target()
        if not self.route_set or self.route_set[0].uri.is_loose:
            return target, self.route_set
        strict = self.route_set[0].uri.target()
        return strict, (*self.route_set[1:], NameAddr("", target))


def _target(request: Request) -> Uri:
    """The Contact; a caller of RFC 2543, whose Via has no magic cookie, may leave it out and is reached by its From."""
    contacts = request.contacts
    if not contacts and (request.top_via.branch or "").startswith(BRANCH_MAGIC_COOKIE):
        raise SipParseError("Contact is missing", status=400)
    uri = contacts[0].uri if contacts else request.from_.uri
    if not uri.is_sip:
        raise SipParseError(f"Contact is no sip URI but {uri.scheme}", status=400)
    return uri
