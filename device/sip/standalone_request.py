"""Requests outside dialogs: SUBSCRIBE, MESSAGE, REFER and their kin (RFC 3261 section 8.1.1)."""

from device.sip.core import Core
from device.sip.dialog import MAX_FORWARDS
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.hop import NextHop
from device.sip.identity import Identity
from device.sip.message import Request
from device.sip.uri import Uri


class StandaloneRequest:
    """The From, Call-ID and sequence numbers of one or several requests to `target` that belong together."""

    __slots__ = ("_cseq", "call_id", "from_", "identity", "target")

    def __init__(self, core: Core, identity: Identity, target: Uri) -> None:
        self.identity = identity
        self.target = target
        self.call_id = core.ids.call_id()
        self.from_ = identity.address(identity.next_hop(target)).with_tag(core.ids.tag())
        self._cseq = 0

    @property
    def next_hop(self) -> NextHop:
        """Where to send it."""
        return self.identity.next_hop(self.target)

    def next_cseq(self) -> int:
        """Take the next sequence number."""
        self._cseq += 1
        return self._cseq

    def build(self, method: str, *, contact: bool) -> Request:
        """The request with the next sequence number; methods that make a dialog need a `contact`."""
        headers = Headers([("Route", str(route)) for route in self.identity.routes])
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(self.from_))
        headers.add("To", str(NameAddr("", self.target)))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", str(CSeq(self.next_cseq(), method)))
        if contact:
            next_hop = self.next_hop
            headers.add("Contact", str(self.identity.contact(next_hop.transport, next_hop.host)))
        return Request(method, self.target, headers)
