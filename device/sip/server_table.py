"""All server transactions of the layer: matching (RFC 3261 section 17.2.3), deadlines and the bound on their number."""

from device import plain_logging as logging
from device.ids import BRANCH_MAGIC_COOKIE
from device.sip.hop import DEFAULT_PORTS, Hop, Transmission
from device.sip.message import Request, Response
from device.sip.outbox import Outbox
from device.sip.routing import response_hop, stateless_tag
from device.sip.server_transaction import (
    InviteServerTransaction,
    NonInviteServerTransaction,
    ServerTransaction,
    trace_of,
)
from device.sip.timers import DeadlineHeap, SipTimers
from device.sip.transaction import (
    AckReceived,
    CancelReceived,
    Output,
    RequestReceived,
    ServerKey,
    State,
    TransactionTerminated,
)

_log = logging.getLogger(__name__)

OVERLOAD_RETRY_AFTER_S = 10
"""What a 503 for lack of room asks the client to wait."""

FINISHED_KEPT = 512
"""Transactions that are over but known, lest a datagram that comes very late be taken for a new request."""


FINISHED_KEPT_S = 64.0
"""So long; whoever sends the same bytes again later, as tests and some devices do, means a new request."""


def server_key(request: Request, transport: str) -> ServerKey:
    """What names the transaction of `request`; ACK and CANCEL differ from their INVITE in the method alone.

    What comes by another transport is no copy: whoever changes it makes a new branch (section 18.1.1), and the answer
    has to go back by it.

    Without the magic cookie (RFC 2543 clients), or with nothing behind it (RFC 4475 section 3.2.1), the branch says
    nothing, and what section 17.2.3 lists takes its place; the To tag, which an ACK has and its INVITE has not, is
    left out.
    """
    via = request.top_via
    branch = via.branch or ""
    if not branch.startswith(BRANCH_MAGIC_COOKIE) or branch == BRANCH_MAGIC_COOKIE:
        tag = request.from_.tag or ""
        branch = f"{request.uri}|{tag}|{request.call_id}|{request.cseq.number}|{via.transport}|{branch}"
    port = via.port or DEFAULT_PORTS.get(via.transport, 5060)
    return ServerKey(branch, f"{transport}:{via.host}:{port}", request.method)


class ServerTable:
    """Server transactions by key.

    At most `limit` live at once. When the table is full the transaction that was answered longest ago gives way;
    when all are unanswered a new request is refused with a stateless 503. A CANCEL whose INVITE is in the table
    always finds room, so that a full table can be emptied.

    The newest FINISHED_KEPT transactions that ran their course are remembered for FINISHED_KEPT_S: a copy of a request
    that comes later than any timer waits for it (RFC 3261 hopes for T4) is dropped, since it would ring the phone for
    nobody.
    """

    __slots__ = (
        "_answered",
        "_deadlines",
        "_finished",
        "_is_full",
        "_limit",
        "_outbox",
        "_timers",
        "_transactions",
        "_unacknowledged",
    )

    def __init__(self, timers: SipTimers, outbox: Outbox, limit: int) -> None:
        self._timers = timers
        self._outbox = outbox
        self._limit = limit
        self._is_full = False
        self._transactions: dict[ServerKey, ServerTransaction] = {}
        self._answered: dict[ServerKey, None] = {}
        self._unacknowledged: dict[ServerKey, None] = {}
        self._finished: dict[int, float] = {}
        """The traces of transactions that are over and when they ended, oldest first."""
        self._deadlines: DeadlineHeap[ServerKey] = DeadlineHeap()

    def receive_request(self, request: Request, source: Hop, now: float) -> None:
        """Match a request whose Via is marked with its source, or start a transaction for it."""
        key = server_key(request, source.transport)
        if request.method == "ACK":
            self._receive_ack(key._replace(method="INVITE"), request, source, now)
            return
        transaction = self._transactions.get(key)
        if transaction is not None:
            self._run(transaction, transaction.receive_request(now))
            return
        if self._finished and now < self._finished.get(trace_of(key, request), -FINISHED_KEPT_S) + FINISHED_KEPT_S:
            _log.debug("%s from %s is a late copy: dropped", request.method, source)
            return
        invite_key = key._replace(method="INVITE") if request.method == "CANCEL" else None
        if invite_key not in self._transactions:
            invite_key = None
        if len(self._transactions) >= self._limit and not self._evict() and invite_key is None:
            self._refuse(request, source)
            return
        self._start(key, request, source, now)
        if request.method == "CANCEL":
            self._outbox.put(CancelReceived(key, invite_key, request, source))
        else:
            self._outbox.put(RequestReceived(key, request, source))

    def send_response(self, key: ServerKey, response: Response, now: float) -> bool:
        """Answer through the transaction; False when it is over and the response therefore dropped."""
        transaction = self._transactions.get(key)
        if transaction is None:
            _log.debug("%s: too late for %d", key, response.status)
            return False
        self._run(transaction, transaction.send_response(response, now))
        return True

    def drop(self, key: ServerKey) -> None:
        """Forget a request that is to get no answer at all, as if it had never come; no event tells of it."""
        if key in self._transactions:
            self._forget(key)

    def receive_transport_error(self, hop: Hop, reason: str, now: float) -> None:
        """A response to `hop` could not be sent."""
        for transaction in list(self._transactions.values()):
            if transaction.hop.is_same_path(hop):
                self._run(transaction, transaction.receive_transport_error(reason, now))

    def handle_timeout(self, now: float) -> None:
        """Run every transaction that has something due."""
        for key in self._deadlines.pop_due(now):
            transaction = self._transactions[key]
            self._run(transaction, transaction.handle_timeout(now))
            if transaction.state is State.TERMINATED and not transaction.hop.is_reliable:
                self._remember(transaction.trace, now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._deadlines.next_timeout()

    def _start(self, key: ServerKey, request: Request, source: Hop, now: float) -> None:
        hop = response_hop(request.top_via, source) or source
        kind = InviteServerTransaction if request.method == "INVITE" else NonInviteServerTransaction
        transaction: ServerTransaction = kind(key, request, hop, self._timers)
        self._transactions[key] = transaction
        self._run(transaction, transaction.start(now))

    def _receive_ack(self, invite_key: ServerKey, ack: Request, source: Hop, now: float) -> None:
        transaction = self._transactions.get(invite_key)
        if isinstance(transaction, InviteServerTransaction):
            self._run(transaction, transaction.receive_ack(ack, source, now))
        else:
            self._outbox.put(AckReceived(ack, source))

    def _run(self, transaction: ServerTransaction, outputs: list[Output]) -> None:
        """Pass on what a transaction did, and note its deadline or its end."""
        for output in outputs:
            self._outbox.put(output)
        key = transaction.key
        if transaction.state is State.TERMINATED:
            self._forget(key)
            return
        self._deadlines.set(key, transaction.next_timeout())
        if transaction.may_give_way:
            self._unacknowledged.pop(key, None)
            self._answered.setdefault(key)
        elif transaction.state is State.COMPLETED:
            self._unacknowledged.setdefault(key)

    def _forget(self, key: ServerKey) -> None:
        del self._transactions[key]
        self._is_full = self._is_full and len(self._transactions) > self._limit // 2
        self._answered.pop(key, None)
        self._unacknowledged.pop(key, None)
        self._deadlines.cancel(key)

    def _remember(self, trace: int, now: float) -> None:
        """Know the copies of a request by UDP whose transaction has run its course."""
        self._finished.pop(trace, None)
        self._finished[trace] = now
        if len(self._finished) > FINISHED_KEPT:
            del self._finished[next(iter(self._finished))]

    def _evict(self) -> bool:
        """Make room; False when every transaction still has to be answered.

        Refused INVITEs whose ACK does not come give way, too: strangers who flood a phone never send one, and a BYE
        or a call of somebody else must find room.
        """
        oldest = next(iter(self._answered), None) or next(iter(self._unacknowledged), None)
        if oldest is None:
            return False
        self._forget(oldest)
        self._outbox.put(TransactionTerminated(oldest))
        return True

    def _refuse(self, request: Request, source: Hop) -> None:
        # Whoever floods us must not fill the log as well: one line for each time that the table fills up.
        if not self._is_full:
            _log.warning("%d transactions wait for an answer: %s from %s refused", self._limit, request.method, source)
        self._is_full = True
        response = request.response(503, to_tag=stateless_tag(request))
        response.headers.add("Retry-After", str(OVERLOAD_RETRY_AFTER_S))
        self._outbox.put(Transmission(response.encode(), response_hop(request.top_via, source) or source))

    def __len__(self) -> int:
        return len(self._transactions)
