"""The stateful proxy (RFC 3261 section 16): forwards requests to targets and the best answer back."""

import logging
from binascii import crc32

from device.exchange.response_context import Branch, ResponseContext, Target
from device.exchange.route_set import OwnAddress, OwnNames, add_record_routes, next_hop_of
from device.records import dataclass
from device.sip.errors import SipParseError
from device.sip.hop import Hop
from device.sip.message import Request, Response
from device.sip.transaction import ClientKey, ServerKey
from device.sip.transaction_layer import TransactionLayer
from device.sip.uri import Uri
from device.timing import TimerSet

logger = logging.getLogger(__name__)

MAX_FORWARDS = 70
RECORD_ROUTED = ("INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE")
"""Requests that make or keep up a dialog in whose path we stay."""

MAX_CONTEXTS = 500
"""Requests being forwarded at once; beyond it new ones are answered with 503."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: its transaction, its source, and its `loop_mark` from before anything was changed."""

    key: ServerKey
    request: Request
    source: Hop
    mark: str


class Proxy:
    """The response contexts of all requests under way; its owner decides who may call whom."""

    def __init__(self, own: OwnNames, own_address: OwnAddress, ring_timeout_s: float) -> None:
        self._own = own
        self._own_address = own_address
        self._ring_timeout_s = ring_timeout_s
        self._contexts: dict[ServerKey, ResponseContext] = {}
        self._by_branch: dict[ClientKey, ResponseContext] = {}
        self._timers: TimerSet[ServerKey] = TimerSet()
        self._layer: TransactionLayer | None = None

    def bind(self, layer: TransactionLayer) -> None:
        """Told once through which layer to send."""
        self._layer = layer

    @property
    def layer(self) -> TransactionLayer:
        """The transaction layer; bound before anything else happens."""
        assert self._layer is not None
        return self._layer

    def is_full(self) -> bool:
        """Whether another request would be too many."""
        return len(self._contexts) >= MAX_CONTEXTS

    def is_looped(self, request: Request, mark: str) -> bool:
        """Whether this very request has passed here before, unchanged (section 16.3 step 4); spirals are no loops."""
        for via in request.vias[1:]:
            if (via.branch or "").endswith(mark) and self._is_own_via(via.host, via.port):
                return True
        return False

    def _is_own_via(self, host: str, port: int | None) -> bool:
        return self._own.include(Uri("sip", host=host, port=port))

    def forward(self, received: Received, targets: list[Target], now: float) -> None:
        """Forward a request to all `targets` at once (section 16.6)."""
        context = ResponseContext(received.key, received.request, received.source, received.mark)
        self._contexts[context.key] = context
        for target in targets:
            self._try(context, target, now)
        if context.is_invite:
            self._timers.set(context.key, now + self._ring_timeout_s)

    def _try(self, context: ResponseContext, target: Target, now: float) -> None:
        copy = self._prepared(context.request, target)
        hop = next_hop_of(copy) if copy.routes or target.hop is None else target.hop
        if copy.method in RECORD_ROUTED:
            add_record_routes(copy, context.source, hop, self._own_address)
        branch = Branch(self.layer.send_request(copy, hop, now, context.mark), target)
        context.branches[branch.key] = branch
        self._by_branch[branch.key] = context

    def _prepared(self, request: Request, target: Target) -> Request:
        """A copy with the target's URI and one Max-Forwards less (section 16.6 steps 1 to 3)."""
        copy = request.copy()
        copy.uri = target.uri.target()
        left = request.max_forwards
        copy.headers.set("Max-Forwards", str(MAX_FORWARDS if left is None else left - 1))
        return copy

    def forward_ack(self, ack: Request, now: float) -> None:
        """Pass an ACK for a 2xx on along its route; one that ends here is dropped."""
        if self._own.include(ack.uri) and not ack.routes:
            return
        left = ack.max_forwards
        if left == 0:
            return
        copy = ack.copy()
        copy.headers.set("Max-Forwards", str(MAX_FORWARDS if left is None else left - 1))
        self.layer.send_ack(copy, next_hop_of(copy), now)

    def cancel(self, key: ServerKey | None, now: float) -> bool:
        """Cancel the branches of an INVITE (section 16.10); False when there is no such request."""
        context = self._contexts.get(key) if key is not None else None
        if context is None:
            return False
        context.cancelled = True
        self._cancel_pending(context, now)
        return True

    def receive_response(self, key: ClientKey, response: Response, now: float) -> None:
        """A response to one of our branches (section 16.7)."""
        context = self._by_branch.get(key)
        if context is None:
            self.forward_stray(response)
            return
        branch = context.branches[key]
        onward = response.copy()
        onward.headers.remove_first("Via")
        if response.status < 200:
            self._receive_provisional(context, branch, onward, now)
        elif response.status < 300 and context.is_invite:
            branch.final = onward
            self._pass_on(context, onward, now)
            self._cancel_pending(context, now)
        elif branch.final is None:
            branch.final = onward
            if onward.status >= 600:
                self._cancel_pending(context, now)
            self._choose(context, now)

    def _receive_provisional(self, context: ResponseContext, branch: Branch, onward: Response, now: float) -> None:
        if onward.status > 100:
            branch.rang = True
            if context.is_invite:
                self._timers.set(context.key, now + self._ring_timeout_s)
            if not context.succeeded:
                self.layer.send_response(context.key, onward, now)

    def receive_failure(self, key: ClientKey, status: int, now: float) -> None:
        """A branch got no answer at all (408), or could not be reached (503): as if it had said so itself.

        Where only the hop that a phone once registered from is gone, as its connection is when we were started anew,
        its contact is tried.
        """
        context = self._by_branch.get(key)
        if context is None or context.branches[key].final is not None:
            return
        branch = context.branches[key]
        if status == 503 and branch.target.hop is not None and not branch.cancel_wanted:
            del context.branches[key], self._by_branch[key]
            self._try(context, Target(branch.target.uri), now)
            return
        reason = "Nobody answered" if status == 408 else "The phone cannot be reached"
        branch.final = context.request.response(status, reason, "x-" + key.branch[-8:])
        self._choose(context, now)

    def receive_terminated(self, key: ClientKey | ServerKey) -> None:
        """A transaction is over; a context goes with its last one."""
        if isinstance(key, ServerKey):
            return
        context = self._by_branch.pop(key, None)
        if context is not None and not any(branch in self._by_branch for branch in context.branches):
            self._timers.cancel(context.key)
            self._contexts.pop(context.key, None)

    def forward_stray(self, response: Response) -> None:
        """A response whose request we have forgotten: pass it on by its next Via (section 16.7, last paragraph)."""
        onward = response.copy()
        onward.headers.remove_first("Via")
        try:
            _ = onward.top_via
        except SipParseError:
            return
        self.layer.forward_response(onward)

    def handle_timeout(self, now: float) -> None:
        """Give up INVITEs that rang too long: Timer C (section 16.8)."""
        for key in self._timers.pop_due(now):
            context = self._contexts.get(key)
            if context is None or context.succeeded:
                continue
            for branch in context.pending():
                if branch.rang:
                    self._cancel_branch(branch, now)
                else:
                    self.receive_failure(branch.key, 408, now)

    def next_timeout(self) -> float | None:
        """When Timer C of some INVITE is over."""
        return self._timers.next_timeout()

    def _choose(self, context: ResponseContext, now: float) -> None:
        best = context.best()
        if best is not None and not context.succeeded:
            self._pass_on(context, best, now)

    def _pass_on(self, context: ResponseContext, response: Response, now: float) -> None:
        context.succeeded = True
        self._timers.cancel(context.key)
        if not self.layer.send_response(context.key, response, now):
            # The server transaction is over; a late 2xx of another branch must reach the caller all the same.
            self.layer.forward_response(response)

    def _cancel_pending(self, context: ResponseContext, now: float) -> None:
        if context.is_invite:
            for branch in context.pending():
                self._cancel_branch(branch, now)

    def _cancel_branch(self, branch: Branch, now: float) -> None:
        if not branch.cancel_wanted:
            branch.cancel_wanted = True
            self.layer.cancel(branch.key, now)


def loop_mark(request: Request) -> str:
    """A digest of all that decides where a request goes; the same again means a loop (section 16.6 step 8)."""
    parts = [
        str(request.uri),
        request.headers.get("To") or "",
        request.headers.get("From") or "",
        request.call_id,
        str(request.cseq.number),
        "|".join(str(route) for route in request.routes),
        "|".join(request.headers.get_all("Proxy-Require")),
        "|".join(request.headers.get_all("Proxy-Authorization")),
    ]
    return f"-{crc32(chr(0).join(parts).encode('utf-8', 'surrogateescape')):08x}"
