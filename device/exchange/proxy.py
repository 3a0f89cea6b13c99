"""The stateful proxy (RFC 3261 section 16): forwards requests to targets and the best answer back."""

from collections.abc import Sequence

from device.exchange.response_context import Branch, ResponseContext, Target
from device.exchange.route_set import OwnAddress, add_record_routes, next_hop_of
from device.exchange.seal import Seal
from device.exchange.trunk_leg import Leg
from device.ids import IdSource
from device.records import dataclass, replace
from device.sip.header_syntax import parse_int_header
from device.sip.hop import Hop, NextHop
from device.sip.message import Request, Response
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ClientKey, ServerKey
from device.sip.transaction_layer import TransactionLayer
from device.timing import earliest

MAX_FORWARDS = 70
"""What a request gets that has no Max-Forwards (section 16.6 step 3)."""

MAX_BREADTH = 60
"""Branches that a request may have in all the network, if it does not say (RFC 5393 section 5.3.3)."""

RECORD_ROUTED = ("INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE")
"""Requests that make or keep up a dialog in whose path we stay."""

MAX_OPEN = 500
"""Requests that wait for a final response at once; beyond it new ones are answered with 503."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: its transaction, its source, and its `loop_mark` from before anything was changed."""

    key: ServerKey
    request: Request
    source: Hop
    mark: str
    leg: Leg | None = None
    """What marks a call that comes in by a trunk."""


class Proxy:
    """The response contexts of all requests under way; its owner decides who may call whom.

    A context lives as long as the client transaction of any of its branches, of which the layer has a bounded number.
    """

    def __init__(self, own_address: OwnAddress, seal: Seal, ids: IdSource, ring_timeout_s: float) -> None:
        self._own_address = own_address
        self._seal = seal
        self._ids = ids
        self._ring_timeout_s = ring_timeout_s
        self._contexts: dict[ServerKey, ResponseContext] = {}
        self._by_branch: dict[ClientKey, ResponseContext] = {}
        self._open: set[ServerKey] = set()
        """The contexts of which no final response has been passed on."""
        self._ringing: DeadlineHeap[ClientKey] = DeadlineHeap()
        """Timer C of each INVITE branch (section 16.8)."""
        self._silent: DeadlineHeap[ClientKey] = DeadlineHeap()
        """Until when branches with alternatives may be without any response."""
        self.layer: TransactionLayer

    def bind(self, layer: TransactionLayer) -> None:
        """Told once through which layer to send."""
        self.layer = layer

    def __len__(self) -> int:
        """How many requests are remembered; none once every transaction is over."""
        return len(self._contexts)

    def is_full(self) -> bool:
        """Whether another request would be too many."""
        return len(self._open) >= MAX_OPEN

    # Loops and spirals.

    def loop_mark(self, request: Request) -> str:
        """A digest of all that decides where a request goes; the same again means a loop (section 16.6 step 8).

        As RFC 5393 section 4.2.1 has it, but without Proxy-Authorization: our own is gone when it comes again.
        """
        return "-" + self._seal.of(
            "loop",
            request.uri_text,
            request.headers.get("To") or "",
            request.headers.get("From") or "",
            request.call_id,
            str(request.cseq.number),
            *request.headers.get_all("Route"),
            *request.headers.get_all("Proxy-Require"),
        )

    def is_looped(self, request: Request, mark: str) -> bool:
        """Whether this very request has passed here before, unchanged (section 16.3 step 4); spirals are no loops."""
        return any((via.branch or "").endswith(mark) for via in request.vias)

    def is_spiral(self, request: Request) -> bool:
        """Whether we sent this request to ourselves just now, as when one user's contact is another user of ours."""
        context = self._by_branch.get(ClientKey(request.top_via.branch or "", request.method))
        if context is None:
            return False
        first = context.request
        return (first.call_id, first.from_, first.cseq) == (request.call_id, request.from_, request.cseq)

    # Requests.

    def forward(self, received: Received, targets: Sequence[Target], now: float) -> None:
        """Forward a request to all `targets` at once (section 16.6)."""
        request = received.request
        text = request.headers.get("Max-Breadth")
        breadth = MAX_BREADTH if text is None else parse_int_header(text)
        if breadth < len(targets):
            response = request.response(440, "Max-Breadth Exceeded", self._ids.tag())
            self.layer.send_response(received.key, response, now)
            return
        context = ResponseContext(received.key, request, received.source, received.mark, received.leg)
        self._contexts[context.key] = context
        self._open.add(context.key)
        share, rest = divmod(breadth, len(targets))
        for position, target in enumerate(targets):
            self._try(context, target, share + (position < rest), now)

    def _try(self, context: ResponseContext, target: Target, breadth: int, now: float) -> None:
        copy, hop = _on_its_way(context.request, target)
        copy.headers.set("Max-Breadth", str(breadth))
        self._send(context, target, breadth, copy, hop, now)

    def _send(
        self, context: ResponseContext, target: Target, breadth: int, copy: Request, hop: NextHop, now: float
    ) -> None:
        leg = target.leg
        if copy.method in RECORD_ROUTED:
            marking = leg or context.leg
            param = marking.route_param if marking is not None else ""
            add_record_routes(copy, context.source, hop, self._own_address, self._seal, param)
        preferred, alternative = (None, None) if leg is None else leg.preference(hop)
        key = self.layer.send_request(copy, hop, now, context.mark, preferred, alternative)
        branch = Branch(key, copy, hop, target, breadth)
        context.branches[branch.key] = branch
        self._by_branch[branch.key] = context
        if context.is_invite:
            self._ringing.set(branch.key, now + self._ring_timeout_s)
        if leg is not None and target.alternatives:
            self._silent.set(branch.key, now + leg.patience_s)

    def forward_ack(self, ack: Request, targets: Sequence[Target], now: float) -> None:
        """Pass an ACK for a 2xx on; nobody can be told when that fails."""
        if ack.max_forwards == 0:
            return
        for target in targets:
            copy, hop = _on_its_way(ack, target)
            self.layer.send_ack(copy, hop, now, None if target.leg is None else target.leg.preference(hop)[0])

    def cancel(self, key: ServerKey, now: float) -> None:
        """The caller has taken an INVITE back: cancel its branches (section 16.10)."""
        context = self._contexts.get(key)
        if context is not None:
            context.cancelled = True
            self._cancel_pending(context, now)

    # Responses.

    def receive_response(self, key: ClientKey, response: Response, now: float) -> None:
        """A response to one of our branches (section 16.7)."""
        context = self._by_branch.get(key)
        if context is None:
            # The answer to a CANCEL, which went hop by hop and ends here.
            return
        branch = context.branches[key]
        self._silent.cancel(key)
        onward = context.onward(branch, response)
        if response.status < 200:
            self._receive_provisional(context, branch, onward, now)
        elif response.status < 300:
            self._receive_success(context, branch, onward, now)
        elif not self._answer_challenge(context, branch, response, now):
            self._receive_final(context, branch, onward, now)

    def _answer_challenge(self, context: ResponseContext, branch: Branch, response: Response, now: float) -> bool:
        """Where the account that a challenge is for is our own, send the request again with its credentials."""
        leg = branch.target.leg
        if leg is None or response.status not in (401, 407) or branch.cancel_wanted or context.cancelled:
            return False
        again = leg.answer(branch.request, response)
        if again is None:
            return False
        # Our own Record-Route is written anew: it tells how often the trunk has counted.
        again.headers.remove("Record-Route")
        for value in context.request.headers.get_all("Record-Route"):
            again.headers.add("Record-Route", value)
        self._replace_branch(context, branch)
        self._send(context, branch.target, branch.breadth, again, branch.hop, now)
        return True

    def _replace_branch(self, context: ResponseContext, branch: Branch) -> None:
        self._forget_branch(branch.key)
        del context.branches[branch.key]

    def _receive_provisional(self, context: ResponseContext, branch: Branch, onward: Response, now: float) -> None:
        if onward.status == 100:
            return
        if context.is_invite:
            self._ringing.set(branch.key, now + self._ring_timeout_s)
        if not context.final_status:
            self.layer.send_response(context.key, onward, now)

    def _receive_success(self, context: ResponseContext, branch: Branch, onward: Response, now: float) -> None:
        """A 2xx goes back at once; those to INVITE all of them, since each makes a dialog (step 5)."""
        branch.final = onward
        if context.is_invite:
            self._pass_on(context, onward, now)
            self._cancel_pending(context, now)
        elif not context.final_status:
            self._pass_on(context, onward, now)

    def _receive_final(self, context: ResponseContext, branch: Branch, final: Response, now: float) -> None:
        """Keep a final response other than 2xx; the best goes back when the last branch has one."""
        leg = branch.target.leg
        if leg is not None and not branch.cancel_wanted:
            leg.note_outcome(final.status, now)
            if branch.target.alternatives and leg.fails_over(final.status):
                self._try_next(context, branch, now)
                return
        branch.final = final
        if final.status >= 600:
            self._cancel_pending(context, now)
        best = context.best()
        if best is not None and not context.final_status:
            self._pass_on(context, best, now)

    def _pass_on(self, context: ResponseContext, response: Response, now: float) -> None:
        has_failed = context.final_status >= 300
        context.final_status = context.final_status or response.status
        self._open.discard(context.key)
        if not has_failed and self.layer.send_response(context.key, response, now):
            return
        if context.is_invite and response.status < 300:
            # The server transaction is over or takes no 2xx after a failure, but whoever answered wants an ACK.
            self.layer.send_stateless(response, context.source)

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
            self._forget_branch(key)
            del context.branches[key]
            self._try(context, Target(branch.target.uri), branch.breadth, now)
            return
        reason = "Nobody answered" if status == 408 else "The phone cannot be reached"
        if context.cancelled:
            # Nobody answered the CANCEL, or it came before the INVITE had gone.
            status, reason = 487, "Request Terminated"
        self._receive_final(context, branch, context.request.response(status, reason, self._ids.tag()), now)

    def _try_next(self, context: ResponseContext, branch: Branch, now: float) -> None:
        """Put the next alternative in the place of a branch."""
        following, *others = branch.target.alternatives
        self._replace_branch(context, branch)
        self._try(context, replace(following, alternatives=tuple(others)), branch.breadth, now)

    def receive_terminated(self, key: ClientKey) -> None:
        """A client transaction is over; a context goes with its last one."""
        context = self._forget_branch(key)
        if context is None or any(branch in self._by_branch for branch in context.branches):
            return
        # A late copy of the request may have begun another context of the same key.
        if self._contexts.get(context.key) is context:
            del self._contexts[context.key]

    def _forget_branch(self, key: ClientKey) -> ResponseContext | None:
        self._ringing.cancel(key)
        self._silent.cancel(key)
        return self._by_branch.pop(key, None)

    def receive_stray(self, response: Response, now: float) -> None:
        """A 2xx on a branch that has failed before, from another branch of a fork further on.

        One that belongs to no transaction of ours is dropped: who would relay it could be made to send anything
        anywhere (RFC 6026 section 7.3).
        """
        key = ClientKey(response.top_via.branch or "", "INVITE")
        context = self._by_branch.get(key)
        if context is not None:
            branch = context.branches[key]
            self._receive_success(context, branch, context.onward(branch, response), now)

    # Time.

    def handle_timeout(self, now: float) -> None:
        """Give up branches that rang too long: Timer C (section 16.8).

        Where no response has come at all, the CANCEL waits for one, and Timer B ends the wait.
        """
        for key in self._ringing.pop_due(now):
            self._cancel_branch(self._by_branch[key].branches[key], now)
        for key in self._silent.pop_due(now):
            context = self._by_branch[key]
            branch = context.branches[key]
            if not branch.cancel_wanted:
                self.layer.abandon(key, now)
                self._receive_final(context, branch, context.request.response(408, to_tag=self._ids.tag()), now)

    def next_timeout(self) -> float | None:
        """When Timer C of some INVITE is over, or the patience with a silent trunk."""
        return earliest(self._ringing.next_timeout(), self._silent.next_timeout())

    def _cancel_pending(self, context: ResponseContext, now: float) -> None:
        if context.is_invite:
            for branch in context.pending():
                self._cancel_branch(branch, now)

    def _cancel_branch(self, branch: Branch, now: float) -> None:
        if not branch.cancel_wanted:
            branch.cancel_wanted = True
            self.layer.cancel(branch.key, now)


def _on_its_way(request: Request, target: Target) -> tuple[Request, NextHop]:
    """The request as it goes to a target, and the hop."""
    copy = _prepared(request, target)
    if target.leg is not None:
        return target.leg.dress(copy)
    return copy, next_hop_of(copy) if copy.routes or target.hop is None else target.hop


def _prepared(request: Request, target: Target) -> Request:
    """A copy with the target's URI and one Max-Forwards less (section 16.6 steps 1 to 3)."""
    copy = request.copy()
    copy.uri = target.uri.target()
    left = request.max_forwards
    copy.headers.set("Max-Forwards", str(MAX_FORWARDS if left is None else left - 1))
    return copy
