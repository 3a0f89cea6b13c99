"""Keeps the way to one account's server open and finds out when it is dead (RFC 5626 section 4.4, OPTIONS)."""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final
from device.sip.core import SDP, Core
from device.sip.dialog import MAX_FORWARDS
from device.sip.events import FlowDoubted
from device.sip.headers import CSeq, Headers, NameAddr
from device.sip.hop import Hop
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.transaction import KeepAliveAnswered, KeepAliveLost
from device.sip.user_agent_client import SentRequest, UserAgentClient

_log = logging.getLogger(__name__)

LOST_LIMIT: Final = 3
"""So many keep-alives in a row may go unanswered; where the server knows RFC 5626 the first one tells."""
EARLIEST: Final = 0.8
"""A keep-alive leaves after this part of the interval at the soonest, by the device (RFC 5626 section 4.4)."""


class FlowWatch:
    """The keep-alives of one registration; a `RequestOwner` of its OPTIONS.

    `failed` is called once, when the flow is dead; then this watch does nothing any more.
    """

    __slots__ = (
        "_call_id",
        "_client",
        "_core",
        "_cseq",
        "_due",
        "_failed",
        "_hop",
        "_identity",
        "_interval_s",
        "_kind",
        "_lost",
        "_number",
        "_seen",
        "has_answered",
    )

    def __init__(
        self,
        core: Core,
        client: UserAgentClient,
        identity: Identity,
        hop: Hop,
        kind: str,
        interval_s: float,
        failed: Callable[[float], None],
        now: float,
    ) -> None:
        self._core = core
        self._client = client
        self._identity = identity
        self._hop = hop
        self._kind = kind
        """"crlf", "stun" or "options"."""
        self._interval_s = interval_s
        self._failed = failed
        self._lost = 0
        self._number = 0
        self.has_answered = False
        """Whether the server has ever answered such a keep-alive; the owner may know it from before."""
        self._seen: tuple[str | None, int | None] | None = None
        """As whom the server saw us in the first OPTIONS that it answered."""
        self._call_id = ""
        self._cseq = 0
        self._due: float | None = None
        self._arm(now)

    def next_timeout(self) -> float | None:
        """When the next keep-alive leaves."""
        return self._due

    def handle_timeout(self, now: float) -> None:
        """Send what is due."""
        if self._due is None or now < self._due:
            return
        self._arm(now)
        if self._kind == "options":
            self._ask_options(now)
        elif self._kind == "crlf" and not self._hop.is_reliable:
            self._core.layer.send_crlf(self._hop, now)
        else:
            self._core.layer.send_keepalive(self._hop, now)

    def stop(self) -> None:
        """The registration is being renewed: what is still under way counts for nothing."""
        self._due = None

    def receive(self, event: KeepAliveAnswered | KeepAliveLost, now: float) -> None:
        """News of a keep-alive that we or another account sent; those of other flows are not ours."""
        if not event.hop.is_same_path(self._hop) or self._due is None or self._kind == "options":
            return
        if isinstance(event, KeepAliveLost):
            self._note_lost(event.reason, now)
        elif event.moved:
            self._end("the server sees us come from another address", now)
        else:
            self._note_answer()

    # The owner of OPTIONS.

    def receive_response(self, _sent: SentRequest, response: Response, now: float) -> None:
        """Any answer shows that there is somebody, and over UDP whether the address translation has changed."""
        if response.status < 200 or self._due is None:
            return
        self._note_answer()
        via = response.top_via
        seen, self._seen = self._seen, (via.received, via.rport)
        if seen not in (None, self._seen) and not self._hop.is_reliable:
            self._end("the server sees us come from another address", now)

    def receive_failure(self, _sent: SentRequest, _status: int, text: str, now: float) -> None:
        if self._due is not None:
            self._note_lost(text, now)

    def _ask_options(self, now: float) -> None:
        identity, core = self._identity, self._core
        uri = identity.registrar_uri()
        self._call_id = self._call_id or core.ids.call_id()
        headers = Headers([("Route", str(route)) for route in identity.proxy_routes])
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", str(identity.address(identity.registrar_hop(uri)).with_tag(core.ids.tag())))
        headers.add("To", str(NameAddr("", uri)))
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", str(CSeq(self._next_cseq(), "OPTIONS")))
        headers.add("Contact", str(identity.direct_contact(self._hop.transport, self._hop.host)))
        headers.add("Accept", SDP)
        request = Request("OPTIONS", uri, headers)
        core.add_capabilities(request)
        self._client.send(request, identity.registrar_hop(uri), identity, self, self._next_cseq, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _arm(self, now: float) -> None:
        self._number += 1
        fraction = self._core.instance.fraction(self._number)
        self._due = now + self._interval_s * (EARLIEST + (1 - EARLIEST) * fraction)

    def _note_answer(self) -> None:
        self._lost = 0
        self.has_answered = True

    def _note_lost(self, reason: str, now: float) -> None:
        knows_outbound = self._identity.grant.outbound and self._kind != "options"
        self._lost += 1
        if self.has_answered or self._kind == "options":
            if self._lost >= (1 if knows_outbound else LOST_LIMIT):
                self._end(reason, now)
        elif self._kind == "stun" and self._lost >= LOST_LIMIT:
            # It never knew STUN. An empty line does for the address translation, though nothing is learnt by it.
            _log.info("%s: %s answers no STUN; empty lines go there instead", self._identity.account_id, self._hop)
            self._kind = "crlf"

    def _end(self, reason: str, now: float) -> None:
        _log.warning("%s: the way to %s is dead (%s)", self._identity.account_id, self._hop, reason)
        self._due = None
        if self._hop.connection is not None:
            self._core.emit(FlowDoubted(self._hop))
        self._failed(now)
