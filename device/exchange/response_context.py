"""One request being forwarded to one or more targets, and the choice of the best response (RFC 3261 section 16.7)."""

from device.exchange.trunk_leg import Leg
from device.records import dataclass
from device.sip.hop import Hop, NextHop
from device.sip.message import Request, Response
from device.sip.transaction import ClientKey, ServerKey
from device.sip.uri import Uri

PREFERRED = (401, 407, 415, 420, 484)
"""Responses of class 4xx that say how the request could be mended go before others (step 6)."""

CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")


@dataclass(frozen=True, slots=True)
class Target:
    """One place to forward to: the new Request-URI, and the hop to try first where that is not the URI's own.

    A `leg` says what is different on the way there. `alternatives` are tried in turn when this place fails.
    """

    uri: Uri
    hop: NextHop | None = None
    leg: Leg | None = None
    alternatives: "tuple[Target, ...]" = ()


class Branch:
    """One attempt at a target: what was sent, and where to; `breadth` is its share of Max-Breadth."""

    __slots__ = ("breadth", "cancel_wanted", "final", "hop", "key", "request", "target")

    def __init__(self, key: ClientKey, request: Request, hop: NextHop, target: Target, breadth: int) -> None:
        self.key = key
        self.request = request
        self.hop = hop
        self.target = target
        self.breadth = breadth
        self.final: Response | None = None
        self.cancel_wanted = False


class ResponseContext:
    """The server transaction of a forwarded request and the client transactions of its branches."""

    __slots__ = ("branches", "cancelled", "final_status", "key", "leg", "mark", "request", "source")

    def __init__(self, key: ServerKey, request: Request, source: Hop, mark: str, leg: Leg | None = None) -> None:
        self.key = key
        self.request = request
        self.source = source
        self.mark = mark
        """What ends the branches of this request, for loop detection."""
        self.leg = leg
        """What marks the side that the request came from, where that is a trunk."""
        self.branches: dict[ClientKey, Branch] = {}
        self.final_status = 0
        """Status of the final response that has been passed on; 0 before that."""
        self.cancelled = False
        """Whether the caller has taken the request back."""

    @property
    def is_invite(self) -> bool:
        """Whether it is an INVITE, which alone may ring long, get several 2xx and be cancelled."""
        return self.request.method == "INVITE"

    def pending(self) -> list[Branch]:
        """The branches without a final response."""
        return [branch for branch in self.branches.values() if branch.final is None]

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
        if len(finals) < len(self.branches):
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
