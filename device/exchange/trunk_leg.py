"""The side of a call that runs over a trunk: what the exchange says there in its own name (RFC 3261 section 22).

A proxy may not answer a challenge; the exchange does, as the party that has the account. So on this side it counts
CSeq for itself, which a parameter of its Record-Route remembers, and names the account in From.
"""

from device.annotations import Protocol
from device.exchange.seal import Seal
from device.records import dataclass, replace
from device.sip.header_syntax import is_digits
from device.sip.headers import CSeq, NameAddr
from device.sip.hop import Hop, NextHop
from device.sip.identity import Identity
from device.sip.message import Request, Response
from device.sip.target import next_hop_of
from device.sip.uri import Uri
from device.sip.user_agent_client import MAX_CHALLENGES

LEG_PARAM = "leg"
"""URI parameter of our Record-Route values that names the trunk of a call, its side and how far CSeq is ahead."""

CALLER, CALLED = "i", "o"
"""The side that the trunk is on: that of the caller in calls that come in, of the called one in those that go out."""


class Leg(Protocol):
    """What a branch needs that is more than a copy of the request."""

    patience_s: float
    """Seconds for which nothing at all may come back before the next target is tried."""

    @property
    def route_param(self) -> str:
        """What our Record-Route carries for this side of the call, "name=value"."""

    def dress(self, request: Request) -> tuple[Request, NextHop]:
        """The request as it is to go out, and where to; it may be changed."""

    def preference(self, next_hop: NextHop) -> tuple[Hop | None, NextHop | None]:
        """The hop to try first, and the name that others may be found by; as in `TransactionLayer.send_request`."""

    def own_address(self, transport: str, host: str) -> tuple[str, int]:
        """Where the trunk reaches us: the address that it sees, which need not be the one that we have."""

    def answer(self, request: Request, response: Response) -> Request | None:
        """The request again with credentials, after a 401 or 407; None where there is no use in it."""

    def undress(self, response: Response, request: Request) -> None:
        """Let a response speak of `request`, as it came to us."""

    def fails_over(self, status: int) -> bool:
        """Whether the next target is to be tried after that status."""

    def note_outcome(self, status: int, now: float) -> None:
        """A final status came, or 408 and 503 stand for none."""


@dataclass(frozen=True, slots=True)
class LegMark:
    """What a Record-Route of ours has remembered of a call over a trunk."""

    trunk: str
    side: str
    shift: int

    def text(self, seal: Seal, call: tuple[str, str]) -> str:
        """The value of LEG_PARAM in a call of that Call-ID and caller's tag."""
        parts = (self.trunk, self.side, str(self.shift))
        return ".".join((*parts, seal.of("leg", *call, *parts)))


def parse_mark(text: str, seal: Seal, call: tuple[str, str]) -> LegMark | None:
    """Read LEG_PARAM; None for what we did not write into this call."""
    trunk, _, rest = text.partition(".")
    side, _, rest = rest.partition(".")
    shift, _, _ = rest.partition(".")
    if not (is_digits(shift) and len(shift) <= 6):
        return None
    mark = LegMark(trunk, side, int(shift))
    return mark if mark.text(seal, call) == text else None


FAILS_OVER = frozenset((401, 407, 408, 430, 500, 502, 503, 504, 513))
"""What says more of the trunk than of the number."""
SETTLED = frozenset((486, 600, 603))
"""What ends even an emergency call: somebody was reached."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call that goes out asks for: the number, as the trunk wants it."""

    number: str
    is_emergency: bool = False


class Outcomes(Protocol):
    """Who keeps in mind how trunks fare."""

    def note_outcome(self, trunk: str, status: int, now: float) -> None:
        """A request over a trunk came to an end."""


@dataclass(frozen=True, slots=True)
class Way:
    """A trunk as its legs need it: `caller_mode` is one of CALLER_CHOICES."""

    identity: Identity
    caller_mode: str
    seal: Seal
    outcomes: Outcomes


class TrunkLeg:
    """One request, and its repetitions with credentials, over one trunk.

    `call` is the Call-ID and the tag of its caller. `wish` is there for requests that begin a call; those within one
    go to its remote target, `shift` sequence numbers ahead of what the phone counts.
    """

    def __init__(self, way: Way, mark: LegMark, call: tuple[str, str], wish: Wish | None = None) -> None:
        self.patience_s = PATIENCE_S
        self._identity = way.identity
        self._mode = way.caller_mode
        self._seal = way.seal
        self._outcomes = way.outcomes
        self._mark = mark
        self._call = call
        self._wish = wish
        self._answered = 0

    @property
    def route_param(self) -> str:
        return f"{LEG_PARAM}={self._mark.text(self._seal, self._call)}"

    def dress(self, request: Request) -> tuple[Request, NextHop]:
        identity, wish = self._identity, self._wish
        if wish is None:
            next_hop = identity.vouched(next_hop_of(request.routes[0].uri if request.routes else request.uri))
            self._count(request)
        else:
            uri = replace(identity.registrar_uri(), user=wish.number)
            request.uri = uri
            request.headers.set("To", str(NameAddr("", uri)))
            for route in identity.routes:
                request.headers.add("Route", str(route))
            next_hop = identity.vouched(identity.next_hop(uri))
        if self._mark.side == CALLED:
            request.headers.set("From", str(self._from(request.from_, next_hop)))
        return (request if identity.auth is None else identity.auth.authorize(request)), next_hop

    def _from(self, original: NameAddr, next_hop: NextHop) -> NameAddr:
        """Who calls, by the words of the trunk."""
        if self._mode == "own":
            return original
        account = self._identity.address(next_hop)
        uri: Uri = account.uri if self._mode == "account" else replace(account.uri, user=original.uri.user)
        return replace(original, uri=uri, display_name=account.display_name or original.display_name)

    def _count(self, request: Request) -> None:
        """Write the sequence numbers of this side: that of the request, and in a PRACK that of the INVITE."""
        cseq = request.cseq
        request.headers.set("CSeq", str(CSeq(cseq.number + self._mark.shift, cseq.method)))
        rack = (request.headers.get("RAck") or "").split()
        if len(rack) == 3 and is_digits(rack[1]):
            request.headers.set("RAck", f"{rack[0]} {int(rack[1]) + self._mark.shift} {rack[2]}")

    def preference(self, next_hop: NextHop) -> tuple[Hop | None, NextHop | None]:
        return self._identity.home_hop, self._identity.stand_in(next_hop)

    def own_address(self, transport: str, host: str) -> tuple[str, int]:
        uri = self._identity.direct_contact(transport, host).uri
        return uri.host, uri.port or 0

    def answer(self, request: Request, response: Response) -> Request | None:
        auth = self._identity.auth
        if auth is None or self._answered >= MAX_CHALLENGES:
            return None
        self._answered += 1
        again = auth.challenge_received(response, request)
        if again is not None:
            # The Via of those before us stay: they tell loops.
            for via in request.headers.get_all("Via"):
                again.headers.add("Via", via)
            self._mark = replace(self._mark, shift=self._mark.shift + 1)
        return again

    def undress(self, response: Response, request: Request) -> None:
        to = request.to if request.to.tag or not response.to.tag else request.to.with_tag(response.to.tag)
        response.headers.set("From", request.headers.get("From") or "")
        response.headers.set("To", str(to))
        response.headers.set("CSeq", request.headers.get("CSeq") or "")

    def fails_over(self, status: int) -> bool:
        if self._wish is not None and self._wish.is_emergency:
            return status not in SETTLED
        return status in FAILS_OVER

    def note_outcome(self, status: int, now: float) -> None:
        self._outcomes.note_outcome(self._mark.trunk, status, now)


PATIENCE_S = 4.0
"""A trunk that has not even said 100 after so long is passed over where there is another: T1 doubled thrice."""
