"""The transaction layer (RFC 3261 section 17) with the rules of the transport layer that it needs (section 18).

Messages and time in; messages for the wire and events for the transaction user (TU) out.
"""

from collections import deque
from collections.abc import Iterable

from device.annotations import TYPE_CHECKING
from device.ids import IdSource
from device.sip.client_table import ClientTable, Finish, SentBy
from device.sip.errors import SipParseError
from device.sip.hop import Hop, NextHop, Transmission
from device.sip.message import Message, Request, Response
from device.sip.outbox import Outbox
from device.sip.routing import mark_source, response_hop
from device.sip.server_table import ServerTable
from device.sip.timers import SipTimers
from device.sip.transaction import (
    AckReceived,
    CancelReceived,
    ClientKey,
    HopFailed,
    KeepAliveAnswered,
    KeepAliveLost,
    LookupWanted,
    RequestReceived,
    ResponseReceived,
    ServerKey,
    StrayResponse,
    TransactionEvent,
    TransactionKey,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from device.timing import earliest

if TYPE_CHECKING:
    from device.sip.flow_keepalive import FlowKeepAlives

DEFAULT_LIMIT = 1000
"""Server transactions, and likewise client requests, that live at once; see the tables for what happens beyond."""


class TransactionLayer:
    """All transactions of one SIP element.

    `sent_by` gives the host (name or IP literal) and port for our Via on the way to a hop. All times are seconds on
    the caller's monotonic clock. No method raises for anything that a peer did; the typed properties of a message
    that `parser.validate` has not seen may raise SipParseError out of `receive_message`.
    """

    __slots__ = ("_clients", "_ids", "_keepalives", "_outbox", "_raw", "_servers", "now", "unmatched_responses")

    def __init__(
        self,
        timers: SipTimers,
        ids: IdSource,
        sent_by: SentBy,
        server_limit: int = DEFAULT_LIMIT,
        client_limit: int = DEFAULT_LIMIT,
    ) -> None:
        self._outbox = Outbox()
        self._ids = ids
        self._keepalives: FlowKeepAlives | None = None
        self._raw: deque[Transmission] = deque()
        self._servers = ServerTable(timers, self._outbox, server_limit)
        self._clients = ClientTable(timers, ids, sent_by, self._outbox, client_limit)
        self.now = 0.0
        """The latest time that any caller told."""
        self.unmatched_responses = 0
        """Responses that belonged to nothing and were dropped (section 18.1.2)."""

    def send_request(
        self,
        request: Request,
        next_hop: NextHop,
        now: float,
        branch_suffix: str = "",
        preferred: Hop | None = None,
        alternative: NextHop | None = None,
        finish: Finish | None = None,
    ) -> ClientKey:
        """Send a request other than ACK and CANCEL through a client transaction.

        `request` comes without our Via and is not changed; the layer prepends a Via with branch and rport to a copy.
        A host name is looked up first (LookupWanted). Several hops are tried in turn, with a new branch but the
        same key. `branch_suffix` ends every branch; a proxy puts its loop detection there (section 16.6 step 8).
        `preferred` comes first among the hops that a name leads to, as long as it serves. When `next_hop` is an address
        that fails, and the name `alternative` leads to it among others, those are tried after it.
        `finish` is called with each copy and the hop that it goes to, and may change it.
        Every key ends with exactly one TransactionTerminated.
        """
        self.now = now
        return self._clients.send(request, next_hop, now, branch_suffix, preferred, alternative, finish)

    def send_ack(self, ack: Request, next_hop: NextHop, now: float, preferred: Hop | None = None) -> None:
        """Send an ACK for a 2xx, or forward one: no transaction, a branch of its own, no events (section 13.2.2.4).

        Where a name leads to several hops it goes to `preferred`, the one that the INVITE went to.
        """
        self.now = now
        self._clients.send(ack, next_hop, now, preferred=preferred)

    def hop_of(self, key: ClientKey) -> Hop | None:
        """The hop that a request went to last; None when its key is over or its look-up is not."""
        return self._clients.hop_of(key)

    def hops_of(self, key: ClientKey) -> tuple[Hop, ...]:
        """All hops that DNS named for a request, the preferred ones first; none where nothing was looked up."""
        return self._clients.hops_of(key)

    def forget_failures(self) -> None:
        """The network is another one: servers that failed are no longer asked last."""
        self._clients.forget_failures()

    def fail_back_at(self, key: ClientKey) -> float | None:
        """When a server that DNS prefers to the one that answered gets its next chance; None where there is none."""
        return self._clients.fail_back_at(key)

    def cancel(self, key: ClientKey, now: float, reason: str = "") -> ClientKey | None:
        """Cancel an INVITE (section 9.1); see `ClientTable.cancel`. Calling it twice sends one CANCEL.

        `reason` is its Reason header field (RFC 3326).
        """
        self.now = now
        return self._clients.cancel(key, now, reason)

    def abandon(self, key: ClientKey, now: float) -> None:
        """Forget a request on its way; its TransactionTerminated follows and nothing else."""
        self.now = now
        self._clients.abandon(key)

    def receive_lookup(self, next_hop: NextHop, hops: Iterable[Hop], now: float) -> None:
        """The answer to LookupWanted: hops in the order in which to try them, none when nothing was found."""
        self.now = now
        self._clients.receive_lookup(next_hop, hops, now)

    def send_response(self, key: ServerKey, response: Response, now: float) -> bool:
        """Answer a request through its transaction, which sends it again as needed, except a 2xx to INVITE.

        False when the transaction is over; the response is dropped then.
        """
        self.now = now
        return self._servers.send_response(key, response, now)

    def drop_request(self, key: ServerKey) -> None:
        """Leave a request without any answer: its sender is to learn nothing, not even that somebody is here."""
        self._servers.drop(key)

    def send_stateless(self, response: Response, source: Hop) -> None:
        """Answer a request that has no transaction; `source` is where it came from.

        One whose Via cannot be read is answered there.
        """
        try:
            hop = response_hop(response.top_via, source)
        except SipParseError:
            hop = source
        self._put_response(response, hop)

    def forward_response(self, response: Response) -> None:
        """Send a response on by its top Via alone, a proxy's own having been removed (section 16.7 step 9)."""
        self._put_response(response, response_hop(response.top_via, None))

    def send_keepalive(self, hop: Hop, now: float) -> None:
        """Keep the flow to `hop` open and find out whether it lives (RFC 5626 section 4.4).

        CRLF CRLF on the open stream, a STUN Binding request over UDP. KeepAliveAnswered or KeepAliveLost follows.
        """
        self.now = now
        if self._keepalives is None:
            # A phone without address translation before it sends none.
            from device.sip.flow_keepalive import FlowKeepAlives  # noqa: PLC0415

            self._keepalives = FlowKeepAlives(self._ids, self._outbox, self._raw)
        self._keepalives.send(hop, now)

    def send_crlf(self, hop: Hop, now: float) -> None:
        """Keep an address translator's entry for UDP alive with CRLF CRLF, for servers that know no STUN.

        Nothing answers it.
        """
        self.now = now
        self._raw.append(Transmission(b"\r\n\r\n", hop, only_if_open=True))

    def send_pong(self, source: Hop) -> None:
        """Answer the CRLF CRLF that came on a stream (RFC 5626 section 4.4.1)."""
        self._raw.append(Transmission(b"\r\n", source, only_if_open=True))

    def receive_pong(self, source: Hop, now: float) -> None:
        """CR LF came on a stream between messages."""
        self.now = now
        if self._keepalives is not None:
            self._keepalives.receive_pong(source, now)

    def receive_stun(self, data: bytes, source: Hop, now: float) -> None:
        """Answer a STUN Binding request, or match the answer to one of ours."""
        from device.sip.stun import answer, parse_stun  # noqa: PLC0415  # as above

        self.now = now
        if data[0]:
            if self._keepalives is not None:
                self._keepalives.receive_stun(data, source, now)
            return
        request = parse_stun(data)
        response = answer(request, (source.host, source.port)) if request is not None else b""
        if response:
            self._raw.append(Transmission(response, source))

    def receive_message(self, message: Message, source: Hop, now: float) -> None:
        """Take a parsed and validated message off the wire."""
        self.now = now
        if isinstance(message, Request):
            mark_source(message, source)
            self._servers.receive_request(message, source, now)
        elif not self._clients.receive_response(message, source, now):
            self.unmatched_responses += 1

    def receive_transport_error(self, hop: Hop, now: float, text: str) -> None:
        """Sending to `hop` failed: ICMP says unreachable, or the connection could not be made (section 18.4)."""
        self.now = now
        self._clients.receive_transport_error(hop, text, now)
        self._servers.receive_transport_error(hop, text, now)
        if self._keepalives is not None:
            self._keepalives.fail(hop, text)

    def connection_closed(self, hop: Hop, now: float) -> None:
        """A stream ended: requests that await their first answer on it fail; responses will open a new one."""
        self.now = now
        self._clients.fail_path(hop, "the connection was closed", now)
        if self._keepalives is not None:
            self._keepalives.fail(hop, "the connection was closed")

    def handle_timeout(self, now: float) -> None:
        """Do all that is due at `now`."""
        self.now = now
        self._clients.handle_timeout(now)
        self._servers.handle_timeout(now)
        if self._keepalives is not None:
            self._keepalives.handle_timeout(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        ours = self._keepalives.next_timeout() if self._keepalives is not None else None
        return earliest(self._clients.next_timeout(), self._servers.next_timeout(), ours)

    def transmissions_to_send(self) -> list[Transmission]:
        """Everything that is to go on the wire, oldest first; each is given once."""
        transmissions = list(self._outbox.transmissions)
        self._outbox.transmissions.clear()
        return transmissions

    def keepalives_to_send(self) -> list[Transmission]:
        """Bytes for the wire that are no SIP messages: keep-alives and answers to such; each is given once."""
        transmissions = list(self._raw)
        self._raw.clear()
        return transmissions

    def next_event(self) -> TransactionEvent | None:
        """The oldest event not yet taken."""
        return self._outbox.events.popleft() if self._outbox.events else None

    def __len__(self) -> int:
        """How many transactions and requests waiting for a look-up there are."""
        return len(self._clients) + len(self._servers)

    def _put_response(self, response: Response, hop: Hop | None) -> None:
        if hop is not None:
            self._outbox.put(Transmission(response.encode(), hop))


__all__ = [
    "AckReceived",
    "CancelReceived",
    "ClientKey",
    "HopFailed",
    "KeepAliveAnswered",
    "KeepAliveLost",
    "LookupWanted",
    "RequestReceived",
    "ResponseReceived",
    "SentBy",
    "ServerKey",
    "StrayResponse",
    "TransactionEvent",
    "TransactionKey",
    "TransactionLayer",
    "TransactionTerminated",
    "TransactionTimedOut",
    "TransportFailed",
]
