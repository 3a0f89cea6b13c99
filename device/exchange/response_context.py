"""One request being forwarded, stage by stage, and the choice of the best response (RFC 3261 section 16.7)."""

from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from device.exchange.trunk_leg import Leg
from device.records import dataclass, replace
from device.sip.hop import Hop, NextHop
from device.sip.message import Request, Response
from device.sip.transaction import ClientKey, ServerKey
from device.sip.uri import Uri

PREFERRED = (401, 407, 415, 420, 484)
"""Responses of class 4xx that say how the request could be mended go before others (step 6)."""

CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")

NOBODY_THERE = (408, 430, 480, 487, 503)
"""What a phone that nobody is at, or that is away, comes to in the end."""


class Cause(Enum):
    """Why a stage came to nothing, as far as what comes next may depend on it."""

    BUSY = "user-busy"
    NO_ANSWER = "no-answer"
    REFUSED = "unknown"
    """Any other failure: what is wrong with the request, or with the phone."""


class Progress(Enum):
    """How far a forwarded request has come; `proxy.TABLE` says what happens in each state."""

    SEARCHING = auto()
    """Nobody has answered, and other targets may have their turn."""
    CANCELLED = auto()
    """The caller has taken it back: no further targets, the branches end one by one."""
    DECLINED = auto()
    """A 6xx has come: as CANCELLED, by the word of the called one."""
    ANSWERED = auto()
    """A 2xx has been passed on."""
    REFUSED = auto()
    """The best failure has been passed on."""


class News(Enum):
    """What moves a forwarded request."""

    PROVISIONAL = auto()
    """101 to 199 of a branch."""
    SUCCESS = auto()
    """2xx of a branch."""
    FAILURE = auto()
    """3xx to 5xx of a branch, or one of our own where none came."""
    GLOBAL_FAILURE = auto()
    """6xx of a branch."""
    CANCEL = auto()
    """The caller takes it back."""
    RING_OVER = auto()
    """The present stage has rung for its time."""
    EXHAUSTED = auto()
    """Every branch has failed and no stage is left."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place to forward to: the new Request-URI, and the hop to try first where that is not the URI's own.

    A `leg` says what is different on the way there. `alternatives` are tried in turn when this place fails. `headers`
    are put into the copy that goes there, before fields of the same name, but for History-Info, which go after them.
    `user` is the user of ours whose phone it is.
    """

    uri: Uri
    hop: NextHop | None = None
    leg: Leg | None = None
    alternatives: tuple["Target", ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    user: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Targets that are tried at the same time, for `ring_s` seconds where that is not 0.

    `diversions` are what follows, in place of all later stages, where this one came to nothing for such a cause.
    """

    targets: tuple[Target, ...]
    ring_s: float = 0.0
    diversions: tuple[tuple[Cause, tuple["Stage", ...]], ...] = ()

    def diverted(self, cause: Cause) -> tuple["Stage", ...] | None:
        """The stages that follow for `cause`, None where the later ones do."""
        return next((stages for one, stages in self.diversions if one is cause), None)

    @property
    def width(self) -> int:
        """How many targets this stage and the longest of its diversions have."""
        return len(self.targets) + max((width_of(stages) for _, stages in self.diversions), default=0)


def width_of(stages: Sequence[Stage]) -> int:
    """How many targets there are in all, at most, if nobody answers."""
    return sum(stage.width for stage in stages)


class Branch:
    """One attempt at a target: what was sent, but for our Record-Route, and where to.

    `breadth` is its share of Max-Breadth, `stage` the number of its stage.
    """

    __slots__ = (
        "breadth",
        "cancel_wanted",
        "final",
        "hop",
        "is_overdue",
        "is_redirected",
        "key",
        "request",
        "stage",
        "target",
    )

    def __init__(
        self, key: ClientKey, request: Request, hop: NextHop, target: Target, breadth: int, stage: int = 0
    ) -> None:
        self.key = key
        self.request = request
        self.hop = hop
        self.target = target
        self.breadth = breadth
        self.stage = stage
        self.final: Response | None = None
        self.cancel_wanted = False
        self.is_overdue = False
        """It was given up because nobody answered in time."""
        self.is_redirected = False
        """Its 3xx was followed: the places that it named stand for it."""

    @property
    def is_over(self) -> bool:
        """Whether its final response has come."""
        return self.final is not None or self.is_redirected


class ResponseContext:
    """The server transaction of a forwarded request and the client transactions of its branches.

    `free` is what is left of the request's Max-Breadth: how many branches may be open at once (RFC 5393 section 5.3).
    """

    __slots__ = (
        "branches",
        "cancel_reason",
        "free",
        "key",
        "leg",
        "mark",
        "request",
        "source",
        "stage",
        "stage_number",
        "state",
        "waiting",
    )

    def __init__(
        self, key: ServerKey, request: Request, source: Hop, mark: str, breadth: int = 60, leg: Leg | None = None
    ) -> None:
        self.key = key
        self.request = request
        self.source = source
        self.mark = mark
        """What ends the branches of this request, for loop detection."""
        self.leg = leg
        """What marks the side that the request came from, where that is a trunk."""
        self.branches: dict[ClientKey, Branch] = {}
        self.cancel_reason = ""
        """Why the caller has taken it back, as its CANCEL says."""
        self.free = breadth
        self.state = Progress.SEARCHING
        self.stage: Stage | None = None
        self.stage_number = 0
        self.waiting: deque[Stage] = deque()
        """The stages that have not had their turn."""

    @property
    def is_invite(self) -> bool:
        """Whether it is an INVITE, which alone may ring long, get several 2xx and be cancelled."""
        return self.request.method == "INVITE"

    def pending(self) -> list[Branch]:
        """The branches without a final response."""
        return [branch for branch in self.branches.values() if not branch.is_over]

    @property
    def is_stage_over(self) -> bool:
        """Whether nothing is to be expected of the present stage any more."""
        return all(branch.is_over or branch.is_overdue for branch in self._present())

    def next_stage(self) -> Stage | None:
        """The stage that has its turn now, taken out of what waits; None where none is left or there is no room."""
        if self.stage is not None:
            diverted = self.stage.diverted(self._cause()) if self.stage.diversions else None
            if diverted is not None:
                self.waiting = deque(diverted)
            # What follows has been decided once, also where it has to wait for room.
            self.stage = None
        if not self.waiting or len(self.waiting[0].targets) > self.free:
            return None
        self.stage = self.waiting.popleft()
        self.stage_number += 1
        return self.stage

    def shares(self, count: int) -> list[int]:
        """The breadth of each of `count` branches of the present stage, so that enough is left for later ones."""
        later = width_of(self.waiting)
        if self.stage is not None:
            later += self.stage.width - len(self.stage.targets)
        share, rest = divmod(self.free, count + later)
        return [max(1, share + (position < rest)) for position in range(count)]

    def has_tried(self, uri: Uri) -> bool:
        """Whether a branch went there already: nothing is tried twice (section 16.5)."""
        return any(branch.target.uri.matches(uri) for branch in self.branches.values())

    def untried(self, stage: Stage) -> Stage:
        """A stage without the targets that had their turn already, or that stand in it twice."""
        fresh: list[Target] = []
        for target in stage.targets:
            if not self.has_tried(target.uri) and not any(other.uri.matches(target.uri) for other in fresh):
                fresh.append(target)
        return replace(stage, targets=tuple(fresh))

    def _present(self) -> list[Branch]:
        return [branch for branch in self.branches.values() if branch.stage == self.stage_number]

    def _cause(self) -> Cause:
        """Why the present stage came to nothing: a phone that rang in vain counts before one that was busy."""
        present = self._present()
        statuses = [branch.final.status for branch in present if branch.final is not None]
        if any(branch.is_overdue for branch in present):
            return Cause.NO_ANSWER
        if 486 in statuses:
            return Cause.BUSY
        return Cause.NO_ANSWER if any(status in NOBODY_THERE for status in statuses) else Cause.REFUSED

    def onward(self, branch: Branch, response: Response) -> Response:
        """A branch's response as it goes back: with the Vias that the request came with, whatever became of them."""
        copy = response.copy()
        copy.headers.remove("Via")
        for via in reversed(self.request.headers.get_all("Via")):
            copy.headers.prepend("Via", via)
        if branch.target.leg is not None:
            branch.target.leg.undress(copy, self.request)
        return copy

    def best(self) -> Response | None:
        """The best of the final responses, None while one is missing (step 6 of section 16.7)."""
        finals = [branch.final for branch in self.branches.values() if branch.final is not None]
        if self.pending() or not finals:
            return None
        chosen = min(finals, key=_rank)
        if chosen.status in (401, 407):
            return _with_all_challenges(chosen, finals)
        if chosen.status == 503:
            # The element before us shall not think that we ourselves are overloaded.
            return self.request.response(500, chosen.reason, chosen.to.tag)
        return chosen


def _rank(response: Response) -> tuple[int, int]:
    """6xx first, then the lowest class; in 4xx those first that say what to change, and 408 last."""
    status_class = response.status // 100
    order = 0 if status_class == 6 else status_class
    if response.status in PREFERRED:
        return order, 0
    return order, 2 if response.status in (408, 503) else 1


def _with_all_challenges(chosen: Response, finals: list[Response]) -> Response:
    """Every challenge of every branch goes back together (section 16.7 step 7)."""
    merged = chosen.copy()
    for response in finals:
        if response is not chosen and response.status in (401, 407):
            for name in CHALLENGES:
                for value in response.headers.get_all(name):
                    merged.headers.add(name, value)
    return merged
