"""The stateful proxy (RFC 3261 section 16): forwards requests to targets, stage by stage, and the best answer back."""

from collections.abc import Callable, Mapping, Sequence

from device.annotations import ClassVar, Protocol
from device.exchange.request_copy import on_its_way
from device.exchange.response_context import Branch, News, Progress, ResponseContext, Stage, Target
from device.exchange.route_set import OwnAddress, add_record_routes
from device.exchange.seal import Seal
from device.exchange.trunk_leg import Leg
from device.ids import IdSource
from device.records import dataclass, replace
from device.sip.causes import reason_of
from device.sip.header_syntax import parse_int_header
from device.sip.hop import Hop, NextHop
from device.sip.message import Request, Response
from device.sip.timers import DeadlineHeap
from device.sip.transaction import ClientKey, ServerKey
from device.sip.transaction_layer import TransactionLayer
from device.timing import earliest

MAX_BREADTH = 60
"""Branches that a request may have in all the network, if it does not say (RFC 5393 section 5.3.3)."""

RECORD_ROUTED = ("INVITE", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE")
"""Requests that make or keep up a dialog in whose path we stay."""

FLOW_FAILED = (408, 430, 503)
"""What it comes to when the flow to a phone is gone, and another one of it is tried (RFC 5626 section 6)."""

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
    in_dns: tuple[Target, ...] | None = None
    """Where DNS says that the called number is (ENUM); None where it was not asked."""


ELSEWHERE = reason_of(200, "Call completed elsewhere")
"""Why the other telephones of a user fall silent: the call was not missed (RFC 3326)."""

MAX_BRANCHES = 60
"""Branches that one request may ever have here, so that redirections come to an end."""


Action = Callable[..., None]
"""A method of the proxy: takes context, branch, response and time."""

Follow = Callable[[Request, Response, float], tuple[list[Stage], list[str]]]
"""From a request and a 3xx to it: the stages that stand for the contacts to follow, and the other contacts."""


def follow_nothing(_request: Request, response: Response, _now: float) -> tuple[list[Stage], list[str]]:
    """Every redirection goes back to the caller."""
    return [], response.headers.get_all("Contact")


class Observer(Protocol):
    """Who follows what becomes of forwarded requests."""

    def branch_sent(self, context: ResponseContext, branch: Branch, now: float) -> None:
        """A copy was sent to a target."""

    def branch_responded(self, context: ResponseContext, branch: Branch, response: Response, now: float) -> None:
        """A response other than 100 to it came, or one of our own for one that did not come."""

    def branch_replaced(self, context: ResponseContext, branch: Branch) -> None:
        """Another branch takes the place of this one; `branch_sent` follows."""

    def finished(self, context: ResponseContext, response: Response, now: float) -> None:
        """A final response went back; to an INVITE there may be several 2xx."""


class Proxy:
    """The response contexts of all requests under way; its owner decides who may call whom.

    A context lives as long as the client transaction of any of its branches, of which the layer has a bounded number.
    """

    def __init__(
        self,
        own_address: OwnAddress,
        seal: Seal,
        ids: IdSource,
        ring_timeout_s: float,
        follow: Follow = follow_nothing,
    ) -> None:
        self._own_address = own_address
        self._seal = seal
        self._ids = ids
        self._ring_timeout_s = ring_timeout_s
        self._follow = follow
        self._contexts: dict[ServerKey, ResponseContext] = {}
        self._by_branch: dict[ClientKey, ResponseContext] = {}
        self._open: set[ServerKey] = set()
        """The contexts of which no final response has been passed on."""
        self._ringing: DeadlineHeap[ClientKey] = DeadlineHeap()
        """Timer C of each INVITE branch (section 16.8)."""
        self._silent: DeadlineHeap[ClientKey] = DeadlineHeap()
        """Until when branches with alternatives may be without any response."""
        self._stage_ends: DeadlineHeap[ServerKey] = DeadlineHeap()
        """When the present stage of a request has rung for long enough."""
        self.on_final: Callable[[ServerKey, Response, float], None] = lambda key, response, now: None
        """Told of each final response that goes back."""
        self.soften: Callable[[ServerKey, Response, float], Response] = lambda key, response, now: response
        """What goes back in place of a failure."""
        self.observer: Observer | None = None
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
        """Whether we sent this very request on its way before, so that who sent it has been asked then.

        It comes back from ourselves where one user's contact is another user of ours, and from another exchange where
        that sends it on to one of our users.
        """
        for via in request.vias:
            context = self._by_branch.get(ClientKey(via.branch or "", request.method))
            if context is not None:
                first = context.request
                return (first.call_id, first.from_, first.cseq) == (request.call_id, request.from_, request.cseq)
        return False

    # Requests.

    def forward(self, received: Received, stages: Sequence[Stage], now: float) -> None:
        """Forward a request to the targets of the first of `stages`, and later to the others (section 16.6)."""
        request = received.request
        text = request.headers.get("Max-Breadth")
        breadth = MAX_BREADTH if text is None else parse_int_header(text)
        if breadth < max(len(stage.targets) for stage in stages):
            response = request.response(440, "Max-Breadth Exceeded", self._ids.tag())
            self.on_final(received.key, response, now)
            self.layer.send_response(received.key, response, now)
            return
        context = ResponseContext(received.key, request, received.source, received.mark, breadth, received.leg)
        context.waiting.extend(stages)
        self._contexts[context.key] = context
        self._open.add(context.key)
        self._go_on(context, now)

    def join(self, key: ServerKey, target: Target, now: float) -> bool:
        """Offer a request that still looks for its target to one more; false where it does not any more.

        Its breadth was shared out already; this branch gets one beside it.
        """
        context = self._contexts.get(key)
        if context is None or context.state is not Progress.SEARCHING or len(context.branches) >= MAX_BRANCHES:
            return False
        context.free += 1
        self._try(context, target, 1, now)
        return True

    def _go_on(self, context: ResponseContext, now: float) -> None:
        """Let the next stage have its turn when the present one is over; without any the request has failed."""
        if context.state is Progress.SEARCHING and context.is_stage_over:
            stage = context.next_stage()
            if stage is not None:
                self._stage_ends.set(context.key, now + stage.ring_s if stage.ring_s and context.is_invite else None)
                self._try_all(context, stage.targets, now)
                return
            if context.waiting and context.pending():
                # There is room for no more branches until some have ended.
                return
        if not context.pending():
            self._step(context, News.EXHAUSTED, None, None, now)

    def _try_all(self, context: ResponseContext, targets: Sequence[Target], now: float) -> None:
        for target, share in zip(targets, context.shares(len(targets)), strict=True):
            self._try(context, target, share, now)

    def _try(self, context: ResponseContext, target: Target, breadth: int, now: float) -> None:
        copy, hop = on_its_way(context.request, target)
        copy.headers.set("Max-Breadth", str(breadth))
        self._send(context, target, breadth, copy, hop, now)

    def _send(
        self, context: ResponseContext, target: Target, breadth: int, copy: Request, hop: NextHop, now: float
    ) -> None:
        leg = target.leg
        preferred, alternative = (None, None) if leg is None else leg.preference(hop)
        finish = self._record_route(context, target) if copy.method in RECORD_ROUTED else None
        key = self.layer.send_request(copy, hop, now, context.mark, preferred, alternative, finish)
        branch = Branch(key, copy, hop, target, breadth, context.stage_number)
        context.free -= breadth
        context.branches[branch.key] = branch
        self._by_branch[branch.key] = context
        if context.is_invite:
            self._ringing.set(branch.key, now + self._ring_timeout_s)
        if leg is not None and target.alternatives:
            self._silent.set(branch.key, now + leg.patience_s)
        if self.observer is not None:
            self.observer.branch_sent(context, branch, now)

    def _record_route(self, context: ResponseContext, target: Target) -> Callable[[Request, Hop], None]:
        """What puts our Record-Route into a copy, once it is known which way that goes."""
        marking = target.leg or context.leg
        param = marking.route_param if marking is not None else ""
        secure = context.request.uri.scheme == "sips"
        source = context.source
        back = context.leg.own_address if context.leg is not None else self._own_address
        towards = target.leg.own_address if target.leg is not None else self._own_address
        return lambda sent, hop: add_record_routes(sent, source, hop, back, self._seal, param, secure, towards)

    def forward_ack(self, ack: Request, targets: Sequence[Target], now: float) -> None:
        """Pass an ACK for a 2xx on; nobody can be told when that fails."""
        if ack.max_forwards == 0:
            return
        for target in targets:
            copy, hop = on_its_way(ack, target)
            self.layer.send_ack(copy, hop, now, None if target.leg is None else target.leg.preference(hop)[0])

    def cancel(self, key: ServerKey, now: float, reason: str = "") -> None:
        """The caller has taken an INVITE back: cancel its branches (section 16.10), for the `reason` of the CANCEL."""
        context = self._contexts.get(key)
        if context is not None:
            context.cancel_reason = reason
            self._step(context, News.CANCEL, None, None, now)

    # Responses.

    def receive_response(self, key: ClientKey, response: Response, now: float) -> None:
        """A response to one of our branches (section 16.7)."""
        context = self._by_branch.get(key)
        if context is None or response.status == 100:
            # The answer to a CANCEL, which went hop by hop and ends here as a 100 does.
            return
        branch = context.branches[key]
        self._silent.cancel(key)
        if not self._answer_challenge(context, branch, response, now):
            self._receive(context, branch, context.onward(branch, response), now)

    def _answer_challenge(self, context: ResponseContext, branch: Branch, response: Response, now: float) -> bool:
        """Where the account that a challenge is for is our own, send the request again with its credentials."""
        leg = branch.target.leg
        if leg is None or response.status not in (401, 407) or branch.cancel_wanted:
            return False
        again = leg.answer(branch.request, response)
        if again is None:
            return False
        self._replace_branch(context, branch)
        self._send(context, branch.target, branch.breadth, again, branch.hop, now)
        return True

    def _replace_branch(self, context: ResponseContext, branch: Branch) -> None:
        """Another branch takes the place of one, and its breadth."""
        if self.observer is not None:
            self.observer.branch_replaced(context, branch)
        self._forget_branch(branch.key)
        del context.branches[branch.key]
        context.free += branch.breadth

    def _receive(self, context: ResponseContext, branch: Branch, onward: Response, now: float) -> None:
        if onward.status < 200:
            news = News.PROVISIONAL
        elif onward.status < 300:
            news = News.SUCCESS
        else:
            news = News.FAILURE if onward.status < 600 else News.GLOBAL_FAILURE
        if news is News.PROVISIONAL and context.is_invite:
            self._ringing.set(branch.key, now + self._ring_timeout_s)
        elif news is not News.PROVISIONAL and not branch.is_over:
            if onward.status >= 300 and self._try_next(context, branch, onward.status, now):
                return
            context.free += branch.breadth
        if self.observer is not None:
            self.observer.branch_responded(context, branch, onward, now)
        self._step(context, news, branch, onward, now)

    def _try_next(self, context: ResponseContext, branch: Branch, status: int, now: float) -> bool:
        """Put the next alternative in the place of a branch that has failed, where there is one for that failure."""
        leg = branch.target.leg
        if branch.cancel_wanted:
            return False
        if leg is not None:
            leg.note_outcome(status, now)
        fails_over = status in FLOW_FAILED if leg is None else leg.fails_over(status)
        if not branch.target.alternatives or not fails_over:
            return False
        following, *others = branch.target.alternatives
        self._replace_branch(context, branch)
        self._try(context, replace(following, alternatives=tuple(others)), branch.breadth, now)
        return True

    def receive_failure(self, key: ClientKey, status: int, now: float) -> None:
        """A branch got no answer at all (408), or could not be reached (503): as if it had said so itself.

        Where only the hop that a phone once registered from is gone, as its connection is when we were started anew,
        its contact is tried.
        """
        context = self._by_branch.get(key)
        if context is None or context.branches[key].is_over:
            return
        branch = context.branches[key]
        is_hop_alone = branch.target.hop is not None and not branch.target.alternatives
        if status == 503 and is_hop_alone and not branch.cancel_wanted:
            self._replace_branch(context, branch)
            self._try(context, replace(branch.target, hop=None), branch.breadth, now)
            return
        reason = "Nobody answered" if status == 408 else "The phone cannot be reached"
        if context.state is Progress.CANCELLED:
            # Nobody answered the CANCEL, or it came before the INVITE had gone.
            status, reason = 487, "Request Terminated"
        self._receive(context, branch, context.request.response(status, reason, self._ids.tag()), now)

    def receive_terminated(self, key: ClientKey) -> None:
        """A client transaction is over; a context goes with its last one."""
        context = self._forget_branch(key)
        if context is None or any(branch in self._by_branch for branch in context.branches):
            return
        # A late copy of the request may have begun another context of the same key.
        if self._contexts.get(context.key) is context:
            self._stage_ends.cancel(context.key)
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
            self._receive(context, branch, context.onward(branch, response), now)

    # Time.

    def handle_timeout(self, now: float) -> None:
        """Give up branches that rang too long: Timer C (section 16.8), and stages whose time is over.

        Where no response has come at all, the CANCEL waits for one, and Timer B ends the wait.
        """
        for key in self._ringing.pop_due(now):
            self._give_up(self._by_branch[key].branches[key], now)
        for key in self._silent.pop_due(now):
            context = self._by_branch[key]
            branch = context.branches[key]
            if not branch.cancel_wanted:
                self.layer.abandon(key, now)
                self._receive(context, branch, context.request.response(408, to_tag=self._ids.tag()), now)
        for stage in self._stage_ends.pop_due(now):
            self._step(self._contexts[stage], News.RING_OVER, None, None, now)

    def next_timeout(self) -> float | None:
        """When Timer C of some INVITE, the time of some stage, or the patience with a silent trunk is over."""
        return earliest(self._ringing.next_timeout(), self._silent.next_timeout(), self._stage_ends.next_timeout())

    # What each piece of news does.

    def _step(
        self, context: ResponseContext, news: News, branch: Branch | None, response: Response | None, now: float
    ) -> None:
        """Look the pair up, enter the next state, run the action."""
        row = self.TABLE.get((context.state, news))
        if row is None:
            assert (context.state, news) in self.IGNORED, f"{news.name} cannot happen in {context.state.name}"
            return
        context.state = row[0]
        row[1](self, context, branch, response, now)

    def _relay(self, context: ResponseContext, _branch: Branch, onward: Response, now: float) -> None:
        """A provisional response goes back."""
        self.layer.send_response(context.key, onward, now)

    def _answer(self, context: ResponseContext, branch: Branch, onward: Response, now: float) -> None:
        """A 2xx goes back at once, and nobody else need answer (step 5)."""
        branch.final = onward
        context.waiting.clear()
        self._stage_ends.cancel(context.key)
        self._pass_on(context, onward, now)
        self._cancel_pending(context, now, ELSEWHERE)

    def _answer_again(self, context: ResponseContext, branch: Branch, onward: Response, now: float) -> None:
        """Further 2xx to an INVITE go back, too, since each makes a dialog; to others only the first does."""
        branch.final = onward
        if context.is_invite:
            self._pass_on(context, onward, now)
            self._cancel_pending(context, now, ELSEWHERE)

    def _answer_late(self, context: ResponseContext, branch: Branch, onward: Response, now: float) -> None:
        """The server transaction takes no 2xx after a failure, but whoever answered an INVITE wants an ACK."""
        branch.final = onward
        if context.is_invite:
            self.layer.send_stateless(onward, context.source)
            self._cancel_pending(context, now, ELSEWHERE)

    def _fail(self, context: ResponseContext, branch: Branch, final: Response, now: float) -> None:
        """Keep a failure, or follow where it leads; the best goes back when there is nothing left to try."""
        if branch.is_overdue and final.status == 487:
            # It was not the caller who took it back.
            final = context.request.response(408, "Nobody answered", final.to.tag)
        if 300 <= final.status < 400 and context.state is Progress.SEARCHING:
            self._redirect(context, branch, final, now)
        else:
            branch.final = final
        self._go_on(context, now)

    def _decline(self, context: ResponseContext, branch: Branch, final: Response, now: float) -> None:
        """A 6xx speaks for all branches: they are cancelled, and nothing else is tried (step 5)."""
        branch.final = final
        context.waiting.clear()
        self._stage_ends.cancel(context.key)
        self._cancel_pending(context, now, reason_of(final.status, final.reason))
        self._go_on(context, now)

    def _take_back(self, context: ResponseContext, _branch: None, _response: None, now: float) -> None:
        """The caller's CANCEL goes to every branch that is open."""
        context.waiting.clear()
        self._stage_ends.cancel(context.key)
        self._cancel_pending(context, now, context.cancel_reason)

    def _end_stage(self, context: ResponseContext, _branch: None, _response: None, now: float) -> None:
        """Who has not answered by now is given up, and the next stage has its turn at once."""
        for branch in context.pending():
            self._give_up(branch, now)
        self._go_on(context, now)

    def _refuse(self, context: ResponseContext, _branch: None, _response: None, now: float) -> None:
        """The best of the failures goes back."""
        best = context.best()
        assert best is not None, "every branch has failed"
        self._stage_ends.cancel(context.key)
        self._pass_on(context, self.soften(context.key, best, now), now)

    def _pass_on(self, context: ResponseContext, response: Response, now: float) -> None:
        self.on_final(context.key, response, now)
        self._open.discard(context.key)
        if self.observer is not None:
            self.observer.finished(context, response, now)
        if not self.layer.send_response(context.key, response, now) and context.is_invite and response.status < 300:
            # The server transaction is over, but whoever answered wants an ACK.
            self.layer.send_stateless(response, context.source)

    def _redirect(self, context: ResponseContext, branch: Branch, final: Response, now: float) -> None:
        """Follow a 3xx as far as we are allowed to; what we do not follow is kept as its answer (step 4)."""
        stages, others = self._follow(context.request, final, now)
        fresh = [context.untried(stage) for stage in stages]
        fresh = [stage for stage in fresh if stage.targets]
        if not fresh or len(context.branches) + len(fresh[0].targets) > MAX_BRANCHES or not context.free:
            branch.final = final
            return
        branch.is_redirected = not others
        if others:
            branch.final = final.copy()
            branch.final.headers.remove("Contact")
            for other in others:
                branch.final.headers.add("Contact", other)
        first, later = fresh[0].targets[: context.free], fresh[0].targets[context.free :]
        context.waiting.extendleft(reversed([*([Stage(later)] if later else []), *fresh[1:]]))
        self._try_all(context, first, now)

    def _cancel_pending(self, context: ResponseContext, now: float, reason: str) -> None:
        if context.is_invite:
            for branch in context.pending():
                self._cancel_branch(branch, now, reason)

    def _give_up(self, branch: Branch, now: float) -> None:
        branch.is_overdue = True
        self._cancel_branch(branch, now)

    def _cancel_branch(self, branch: Branch, now: float, reason: str = "") -> None:
        if not branch.cancel_wanted:
            branch.cancel_wanted = True
            self.layer.cancel(branch.key, now, reason)

    TABLE: ClassVar[Mapping[tuple[Progress, News], tuple[Progress, Action]]] = {
        (Progress.SEARCHING, News.PROVISIONAL): (Progress.SEARCHING, _relay),
        (Progress.SEARCHING, News.SUCCESS): (Progress.ANSWERED, _answer),
        (Progress.SEARCHING, News.FAILURE): (Progress.SEARCHING, _fail),
        (Progress.SEARCHING, News.GLOBAL_FAILURE): (Progress.DECLINED, _decline),
        (Progress.SEARCHING, News.CANCEL): (Progress.CANCELLED, _take_back),
        (Progress.SEARCHING, News.RING_OVER): (Progress.SEARCHING, _end_stage),
        (Progress.SEARCHING, News.EXHAUSTED): (Progress.REFUSED, _refuse),
        (Progress.CANCELLED, News.PROVISIONAL): (Progress.CANCELLED, _relay),
        (Progress.CANCELLED, News.SUCCESS): (Progress.ANSWERED, _answer),
        (Progress.CANCELLED, News.FAILURE): (Progress.CANCELLED, _fail),
        (Progress.CANCELLED, News.GLOBAL_FAILURE): (Progress.CANCELLED, _fail),
        (Progress.CANCELLED, News.EXHAUSTED): (Progress.REFUSED, _refuse),
        (Progress.DECLINED, News.PROVISIONAL): (Progress.DECLINED, _relay),
        (Progress.DECLINED, News.SUCCESS): (Progress.ANSWERED, _answer),
        (Progress.DECLINED, News.FAILURE): (Progress.DECLINED, _fail),
        (Progress.DECLINED, News.GLOBAL_FAILURE): (Progress.DECLINED, _fail),
        (Progress.DECLINED, News.CANCEL): (Progress.CANCELLED, _take_back),
        (Progress.DECLINED, News.EXHAUSTED): (Progress.REFUSED, _refuse),
        (Progress.ANSWERED, News.SUCCESS): (Progress.ANSWERED, _answer_again),
        (Progress.REFUSED, News.SUCCESS): (Progress.REFUSED, _answer_late),
    }
    IGNORED: ClassVar[frozenset[tuple[Progress, News]]] = frozenset(
        {
            (Progress.CANCELLED, News.CANCEL),
            (Progress.ANSWERED, News.PROVISIONAL),
            (Progress.ANSWERED, News.FAILURE),
            (Progress.ANSWERED, News.GLOBAL_FAILURE),
            (Progress.ANSWERED, News.CANCEL),
            (Progress.REFUSED, News.PROVISIONAL),
            (Progress.REFUSED, News.CANCEL),
        }
    )
    """Pairs that may happen and change nothing: what comes too late."""
