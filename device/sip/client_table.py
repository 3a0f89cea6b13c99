"""All client requests of the layer: their Via, hop after hop (RFC 3263 section 4.3), look-ups, CANCEL, deadlines."""

import re
from collections.abc import Callable, Iterable

from device import plain_logging as logging
from device.ids import IdSource
from device.records import replace
from device.sip.client_transaction import (
    ClientTransaction,
    InviteClientTransaction,
    NonInviteClientTransaction,
    build_cancel,
)
from device.sip.hop import DEFAULT_PORTS, TCP, TLS, UDP, Hop, NextHop, Transmission, bracketed
from device.sip.hop_health import HopHealth
from device.sip.message import Request, Response
from device.sip.outbox import Outbox
from device.sip.outgoing_request import OutgoingRequest
from device.sip.timers import DeadlineHeap, SipTimers
from device.sip.transaction import (
    ClientKey,
    HopFailed,
    LookupWanted,
    Output,
    ResponseReceived,
    State,
    StrayResponse,
    TransactionEvent,
    TransactionTerminated,
    TransactionTimedOut,
    TransportFailed,
)
from device.timing import earliest

_log = logging.getLogger(__name__)

SentBy = Callable[[Hop], tuple[str, int]]
"""From where a request goes to the host and port that our Via must name for it."""

Finish = Callable[[Request, Hop], None]
"""Puts into the copy of a request that goes to a hop what depends on that hop, such as a Record-Route."""

MAX_UDP_REQUEST_BYTES = 1300
"""A larger request goes by TCP, since the path MTU is not known (RFC 3261 section 18.1.1)."""

UDP_ONLY_S = 300.0
"""How long a peer that refused TCP gets even large requests by UDP."""

_MAX_UDP_ONLY = 64
_SECONDS = re.compile(r"\s*(\d{1,9})")


class ClientTable:
    """Client requests by the key that the TU knows, and their transactions by the branch on the wire.

    At most `limit` requests live at once. When the table is full the one that was answered longest ago gives way;
    when all are unanswered a new one fails with TransportFailed.

    A hop that says nothing is left for the next one after `SipTimers.next_server`. It may answer yet: whichever of the
    hops answers first has the request, the others are taken back as far as they hear of it.
    """

    __slots__ = (
        "_answered",
        "_deadlines",
        "_health",
        "_ids",
        "_limit",
        "_lookup_deadlines",
        "_outbox",
        "_requests",
        "_sent_by",
        "_timers",
        "_transactions",
        "_udp_only",
        "_waiting",
    )

    def __init__(self, timers: SipTimers, ids: IdSource, sent_by: SentBy, outbox: Outbox, limit: int) -> None:
        self._timers = timers
        self._ids = ids
        self._sent_by = sent_by
        self._outbox = outbox
        self._limit = limit
        self._requests: dict[ClientKey, OutgoingRequest] = {}
        self._transactions: dict[ClientKey, tuple[OutgoingRequest, ClientTransaction]] = {}
        self._answered: dict[ClientKey, None] = {}
        self._waiting: dict[NextHop, list[ClientKey]] = {}
        self._udp_only: dict[tuple[str, int], float] = {}
        self._deadlines: DeadlineHeap[ClientKey] = DeadlineHeap()
        self._lookup_deadlines: DeadlineHeap[ClientKey] = DeadlineHeap()
        self._health = HopHealth()

    def send(
        self,
        request: Request,
        next_hop: NextHop,
        now: float,
        branch_suffix: str = "",
        preferred: Hop | None = None,
        alternative: NextHop | None = None,
        finish: Finish | None = None,
    ) -> ClientKey:
        """Start a request, an ACK for a 2xx included; `request` itself is not changed."""
        outgoing = OutgoingRequest(self._new_key(request.method, branch_suffix), request, next_hop, branch_suffix)
        outgoing.preferred = preferred
        outgoing.finish = finish
        if len(self._requests) >= self._limit and not self._evict():
            _log.debug("%s not sent: %d requests are under way already", request.method, self._limit)
            self._fail(outgoing, TransportFailed(outgoing.key, "too many requests are under way"))
            return outgoing.key
        if next_hop.transport is not None and next_hop.transport.upper() not in DEFAULT_PORTS:
            self._fail(outgoing, TransportFailed(outgoing.key, f"no transport {next_hop.transport} here"))
            return outgoing.key
        self._requests[outgoing.key] = outgoing
        hop = next_hop.literal_hop()
        if hop is not None:
            outgoing.hops.append(hop)
            outgoing.alternative = alternative if request.method != "ACK" else None
            self._try_next_hop(outgoing, now)
        else:
            self._look_up(outgoing, next_hop, now)
        return outgoing.key

    def receive_lookup(self, next_hop: NextHop, hops: Iterable[Hop], now: float) -> None:
        """All requests that wait for `next_hop` go to the first of `hops`, or fail when there is none."""
        hops = tuple(hops)
        for key in self._waiting.pop(next_hop, ()):
            outgoing = self._requests[key]
            outgoing.awaited = None
            self._lookup_deadlines.cancel(key)
            ordered = self._health.order(hops, key.method, now)
            if outgoing.tried:
                outgoing.add_alternatives(ordered)
                self._take_alternatives(outgoing, now)
            elif ordered:
                outgoing.ranking = hops
                outgoing.hops.extend(self._preferred_first(ordered, outgoing.preferred))
                self._try_next_hop(outgoing, now)
            else:
                self._fail(outgoing, TransportFailed(key, f"no address found for {next_hop.host}"))

    def receive_response(self, response: Response, source: Hop, now: float) -> bool:
        """Match a response (section 17.1.3); False when nobody awaits it."""
        via = response.top_via
        method = response.cseq.method
        entry = self._transactions.get(ClientKey(via.branch or "", method))
        if entry is not None:
            if not _answers(response, entry[1].request):
                return False
            self._run(*entry, entry[1].receive_response(response, source, now), now)
            return True
        host, port = self._sent_by(source)
        if (
            method == "INVITE"
            and 200 <= response.status < 300
            and (via.host, via.port) == (bracketed(host).lower(), port)
        ):
            self._outbox.put(StrayResponse(response, source))
            return True
        return False

    def cancel(self, key: ClientKey, now: float, reason: str = "") -> ClientKey | None:
        """Send CANCEL for an INVITE, or note it until a provisional response comes (section 9.1).

        Gives the key of the CANCEL. None when there is nothing to cancel: the request is unknown, no INVITE,
        finally answered, or never left because its look-up had not ended; then it fails at once.
        """
        outgoing = self._requests.get(key)
        if outgoing is None or key.method != "INVITE":
            return None
        invite = outgoing.transaction
        if invite is None:
            self._fail(outgoing, TransportFailed(key, "cancelled before it was sent"))
            return None
        if invite.state not in (State.CALLING, State.PROCEEDING):
            return None
        outgoing.settle()
        self._stop_waiting(outgoing)
        if invite.state is State.CALLING:
            outgoing.cancel_wanted = reason
        else:
            self._send_cancel(invite, reason, now)
        return ClientKey(invite.branch, "CANCEL")

    def abandon(self, key: ClientKey) -> None:
        """Send a request no more and take no answer to it: its TU has another in its place."""
        outgoing = self._requests.get(key)
        if outgoing is None:
            return
        transaction = outgoing.transaction
        if transaction is not None:
            on_wire = ClientKey(transaction.branch, key.method)
            self._transactions.pop(on_wire, None)
            self._deadlines.cancel(on_wire)
        self._forget(key)
        self._outbox.put(TransactionTerminated(key))

    def receive_transport_error(self, hop: Hop, reason: str, now: float) -> None:
        """What was sent to `hop` did not arrive there."""
        if hop.transport == TCP:
            self._remember_udp_only(hop, now)
        self.fail_path(hop, reason, now)

    def fail_path(self, hop: Hop, reason: str, now: float) -> None:
        """Requests that are under way to `hop` have failed there."""
        for outgoing, transaction in list(self._transactions.values()):
            if transaction.hop.is_same_path(hop):
                self._run(outgoing, transaction, transaction.receive_transport_error(reason, now), now)

    def handle_timeout(self, now: float) -> None:
        """Run every transaction that has something due; give up look-ups that take too long."""
        for key in self._deadlines.pop_due(now):
            outgoing, transaction = self._transactions[key]
            patience_until = outgoing.patience_until if outgoing.transaction is transaction else None
            if patience_until is not None and patience_until <= now:
                self._lose_patience(outgoing, transaction, now)
            else:
                self._run(outgoing, transaction, transaction.handle_timeout(now), now)
        for key in self._lookup_deadlines.pop_due(now):
            outgoing = self._requests[key]
            self._stop_waiting(outgoing)
            if outgoing.transaction is None:
                self._fail(outgoing, outgoing.failure or TransactionTimedOut(key))

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return earliest(self._deadlines.next_timeout(), self._lookup_deadlines.next_timeout())

    def hop_of(self, key: ClientKey) -> Hop | None:
        """The hop that a request went to last, the one that answered if any did."""
        outgoing = self._requests.get(key)
        return outgoing.transaction.hop if outgoing is not None and outgoing.transaction is not None else None

    def hops_of(self, key: ClientKey) -> tuple[Hop, ...]:
        """All hops that DNS named for a request; none where nothing was looked up."""
        outgoing = self._requests.get(key)
        return outgoing.ranking if outgoing is not None else ()

    def forget_failures(self) -> None:
        """The network is another one: every server has its chance again."""
        self._health.forget()

    def fail_back_at(self, key: ClientKey) -> float | None:
        """When a server that DNS prefers to the one that answered gets its next chance; None where none was passed."""
        outgoing, hop = self._requests.get(key), self.hop_of(key)
        if outgoing is None or hop is None or hop not in outgoing.ranking:
            return None
        passed = outgoing.ranking[: outgoing.ranking.index(hop)]
        return earliest(*(self._health.retry_at(one) for one in passed))

    def _new_key(self, method: str, branch_suffix: str) -> ClientKey:
        return ClientKey(self._ids.branch() + branch_suffix, method)

    def _look_up(self, outgoing: OutgoingRequest, next_hop: NextHop, now: float) -> None:
        waiting = self._waiting.setdefault(next_hop, [])
        if not waiting:
            self._outbox.put(LookupWanted(next_hop))
        waiting.append(outgoing.key)
        outgoing.awaited = next_hop
        self._lookup_deadlines.set(outgoing.key, now + self._timers.transaction_timeout)

    def _preferred_first(self, hops: list[Hop], preferred: Hop | None) -> list[Hop]:
        """`hops` beginning with the preferred one, if that is among them and well."""
        if preferred is None or self._health.has_failed(preferred):
            return hops
        return sorted(hops, key=lambda hop: not hop.is_same_path(preferred))

    def _lose_patience(self, outgoing: OutgoingRequest, transaction: ClientTransaction, now: float) -> None:
        """The present hop has said nothing for long enough: the next one has its turn, if there is one."""
        outgoing.patience_until = None
        if outgoing.has_hops:
            self._leave(outgoing, transaction, now)
            self._try_next_hop(outgoing, now)
        else:
            self._look_for_alternatives(outgoing, now)
            self._run(outgoing, transaction, [], now)

    def _leave(self, outgoing: OutgoingRequest, transaction: ClientTransaction, now: float) -> None:
        """Send nothing more to a hop; it may answer yet what it was sent."""
        if outgoing.udp_fallback is None:
            # That a server takes no TCP does not mean that it is dead.
            self._note_failure(transaction.hop, now)
        transaction.stop_retransmitting()
        self._deadlines.set(ClientKey(transaction.branch, transaction.key.method), transaction.next_timeout())

    def _look_for_alternatives(self, outgoing: OutgoingRequest, now: float) -> None:
        next_hop, outgoing.alternative = outgoing.alternative, None
        if next_hop is not None:
            self._look_up(outgoing, next_hop, now)

    def _take_alternatives(self, outgoing: OutgoingRequest, now: float) -> None:
        """Go on to a hop that stands in for the one that was tried, if there is one."""
        if outgoing.has_hops:
            if outgoing.transaction is not None:
                self._leave(outgoing, outgoing.transaction, now)
            self._try_next_hop(outgoing, now)
        elif outgoing.failure is not None:
            self._fail(outgoing, outgoing.failure)

    def _try_next_hop(self, outgoing: OutgoingRequest, now: float) -> None:
        """Send by the next hop that is left; the first attempt has the branch of the key, others a new one."""
        request = outgoing.request
        assert request is not None, "settled requests try no other hop"
        key = self._new_key(request.method, outgoing.branch_suffix) if outgoing.tried else outgoing.key
        if outgoing.udp_fallback is None and outgoing.tried and self._health.has_failed(outgoing.tried[-1]):
            self._outbox.put(HopFailed(outgoing.tried[-1]))
        is_fallback = outgoing.udp_fallback is not None
        hop, outgoing.udp_fallback = outgoing.udp_fallback or outgoing.hops.popleft(), None
        if is_fallback:
            self._remember_udp_only(hop, now)
        sent, data = self._address(request, hop, key.branch, outgoing.finish)
        if hop.transport == UDP and len(data) > MAX_UDP_REQUEST_BYTES and not self._is_udp_only(hop, now):
            hop, outgoing.udp_fallback = replace(hop, transport=TCP), hop
            sent, data = self._address(request, hop, key.branch, outgoing.finish)
        if request.method == "ACK":
            self._outbox.put(Transmission(data, hop))
            self._requests.pop(outgoing.key, None)
            return
        if outgoing.tried:
            _log.info("%s goes to %s, for %s does not serve", request.method, hop, outgoing.tried[-1])
        outgoing.tried.append(hop)
        if not outgoing.can_retry:
            outgoing.request = None
        self._start(outgoing, key, sent, data, hop, now)

    def _start(
        self, outgoing: OutgoingRequest, key: ClientKey, request: Request, data: bytes, hop: Hop, now: float
    ) -> None:
        kind = InviteClientTransaction if request.method == "INVITE" else NonInviteClientTransaction
        transaction: ClientTransaction = kind(outgoing.key, request, data, hop, self._timers)
        outgoing.transaction = transaction
        outgoing.heard = False
        outgoing.failure = outgoing.patience_until = None
        if outgoing.can_retry:
            outgoing.patience_until = now + self._timers.hop_patience(hop.is_reliable)
        self._transactions[key] = (outgoing, transaction)
        self._run(outgoing, transaction, transaction.start(now), now)

    def _address(self, request: Request, hop: Hop, branch: str, finish: Finish | None) -> tuple[Request, bytes]:
        """The request with our Via for `hop` on top (section 18.1.1, RFC 3581 section 3), and its bytes."""
        host, port = self._sent_by(hop)
        sent = request.copy()
        if finish is not None:
            finish(sent, hop)
        place = f"{bracketed(host)}:{port}" if port else bracketed(host)
        # Where others can connect to us by TLS they may as well use the connection that we open (RFC 5923 section 5).
        alias = ";alias" if port and hop.transport == TLS else ""
        sent.headers.prepend("Via", f"SIP/2.0/{hop.transport} {place};branch={branch};rport{alias}")
        return sent, sent.encode()

    def _send_cancel(self, invite: ClientTransaction, reason: str, now: float) -> None:
        key = ClientKey(invite.branch, "CANCEL")
        if key in self._requests or not isinstance(invite, InviteClientTransaction):
            return
        cancel = build_cancel(invite.request)
        if reason:
            cancel.headers.add("Reason", reason)
        outgoing = OutgoingRequest(key, cancel, NextHop(invite.hop.host, invite.hop.port, invite.hop.transport))
        outgoing.settle()
        self._requests[key] = outgoing
        self._start(outgoing, key, cancel, cancel.encode(), invite.hop, now)
        entry = self._transactions[ClientKey(invite.branch, "INVITE")]
        self._run(*entry, invite.cancelled(now), now)

    def _run(
        self, outgoing: OutgoingRequest, transaction: ClientTransaction, outputs: list[Output], now: float
    ) -> None:
        """Pass on what a transaction did, and note its deadline or its end."""
        key = ClientKey(transaction.branch, transaction.key.method)
        if transaction.state is State.TERMINATED:
            self._transactions.pop(key, None)
            self._deadlines.cancel(key)
        else:
            is_present = outgoing.transaction is transaction
            patience_until = outgoing.patience_until if is_present else None
            self._deadlines.set(key, earliest(transaction.next_timeout(), patience_until))
        for output in outputs:
            if isinstance(output, Transmission):
                self._outbox.put(output)
            elif outgoing.transaction is transaction:
                self._judge(outgoing, transaction, output, now)
            elif isinstance(output, ResponseReceived):
                self._judge_late(outgoing, transaction, output, now)

    def _judge(
        self, outgoing: OutgoingRequest, transaction: ClientTransaction, event: TransactionEvent, now: float
    ) -> None:
        """Give the event to the TU, unless it means that the next hop has its turn."""
        self._note_health(outgoing, transaction.hop, event, now)
        if outgoing.can_retry and outgoing.means_next_hop(event):
            _log.debug("%s: next hop after %s", outgoing.key, type(event).__name__)
            self._go_on(outgoing, event, now)
            return
        self._outbox.put(event)
        if isinstance(event, TransactionTerminated):
            self._forget(outgoing.key)
        elif isinstance(event, ResponseReceived):
            outgoing.heard = True
            outgoing.patience_until = outgoing.alternative = None
            self._stop_waiting(outgoing)
            if event.response.status >= 200:
                outgoing.settle()
                self._answered.setdefault(outgoing.key)
            elif outgoing.cancel_wanted is not None:
                self._send_cancel(transaction, outgoing.cancel_wanted, now)

    def _go_on(self, outgoing: OutgoingRequest, event: TransactionEvent, now: float) -> None:
        """The present hop has failed: try the next one, or look for others and remember the failure until then."""
        if outgoing.has_hops:
            self._try_next_hop(outgoing, now)
            return
        outgoing.failure, outgoing.transaction = event, None
        if outgoing.awaited is None:
            self._look_for_alternatives(outgoing, now)

    def _judge_late(
        self, outgoing: OutgoingRequest, transaction: ClientTransaction, event: ResponseReceived, now: float
    ) -> None:
        """A hop that had been left answers after all: it has the request if no other one has answered before."""
        status = event.response.status
        is_open = outgoing.key in self._requests and outgoing.key not in self._answered
        if is_open and status != 503 and (not outgoing.heard or 200 <= status < 300):
            later, outgoing.transaction = outgoing.transaction, transaction
            outgoing.settle()
            self._judge(outgoing, transaction, event, now)
            if later is not None:
                self._take_back(later, now)
        elif status < 200:
            # Two servers must not both let it ring.
            self._send_cancel(transaction, outgoing.cancel_wanted or "", now)
        elif status < 300 and transaction.key.method == "INVITE":
            self._outbox.put(StrayResponse(event.response, event.source))

    def _take_back(self, transaction: ClientTransaction, now: float) -> None:
        """Another hop has answered: what is under way here is no longer wanted."""
        transaction.stop_retransmitting()
        if transaction.state is State.PROCEEDING:
            self._send_cancel(transaction, "", now)
        self._deadlines.set(ClientKey(transaction.branch, transaction.key.method), transaction.next_timeout())

    def _note_health(self, outgoing: OutgoingRequest, hop: Hop, event: TransactionEvent, now: float) -> None:
        if isinstance(event, ResponseReceived):
            if event.response.status != 503:
                self._health.note_success(hop)
                return
            told = _SECONDS.match(event.response.headers.get("Retry-After") or "")
            # One call may find no line free while the server is well (section 21.5.4).
            if told is not None or outgoing.key.method != "INVITE":
                self._note_failure(hop, now, float(told[1]) if told is not None else None)
        elif outgoing.means_next_hop(event) and outgoing.udp_fallback is None:
            self._note_failure(hop, now)

    def _note_failure(self, hop: Hop, now: float, retry_after_s: float | None = None) -> None:
        self._health.note_failure(hop, now, retry_after_s)

    def _fail(self, outgoing: OutgoingRequest, event: TransactionEvent) -> None:
        """End a request that has no transaction; nobody waits for news of an ACK."""
        self._forget(outgoing.key)
        if outgoing.key.method != "ACK":
            self._outbox.put(event)
            self._outbox.put(TransactionTerminated(outgoing.key))

    def _forget(self, key: ClientKey) -> None:
        outgoing = self._requests.pop(key, None)
        self._answered.pop(key, None)
        if outgoing is not None:
            self._stop_waiting(outgoing)

    def _stop_waiting(self, outgoing: OutgoingRequest) -> None:
        """Nobody waits for a look-up any more: if another request comes it is to be asked for again."""
        next_hop, outgoing.awaited = outgoing.awaited, None
        if next_hop is None:
            return
        self._lookup_deadlines.cancel(outgoing.key)
        waiting = self._waiting.get(next_hop, [])
        if outgoing.key in waiting:
            waiting.remove(outgoing.key)
            if not waiting:
                del self._waiting[next_hop]

    def _evict(self) -> bool:
        """Make room; False when every request still awaits its answer."""
        key = next(iter(self._answered), None)
        if key is None:
            return False
        transaction = self._requests[key].transaction
        assert transaction is not None, "what was answered was sent"
        wire_key = ClientKey(transaction.branch, key.method)
        del self._transactions[wire_key]
        self._deadlines.cancel(wire_key)
        self._forget(key)
        self._outbox.put(TransactionTerminated(key))
        return True

    def _is_udp_only(self, hop: Hop, now: float) -> bool:
        return self._udp_only.get((hop.host, hop.port), now) > now

    def _remember_udp_only(self, hop: Hop, now: float) -> None:
        self._udp_only.pop((hop.host, hop.port), None)
        self._udp_only[hop.host, hop.port] = now + UDP_ONLY_S
        if len(self._udp_only) > _MAX_UDP_ONLY:
            del self._udp_only[next(iter(self._udp_only))]

    def __len__(self) -> int:
        return len(self._requests)


def _answers(response: Response, request: Request) -> bool:
    """Whether the Vias of a response are those that its request went out with.

    Its first must name us as we named ourselves (section 18.1.2), and a response to a request of our own has no other
    (section 8.1.3.3): one that has was meant for somebody else. What lies below a proxy's Via is for that to restore.
    """
    ours, theirs = request.top_via, response.top_via
    default = DEFAULT_PORTS.get(ours.transport)
    if (ours.host, ours.port or default) != (theirs.host, theirs.port or default):
        return False
    return len(request.headers.get_all("Via")) > 1 or len(response.headers.get_all("Via")) == 1
