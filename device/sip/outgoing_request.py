"""A request of the TU on its way through one or more hops (RFC 3263 section 4.3), each with its transaction."""

from collections import deque
from collections.abc import Callable

from device.sip.client_transaction import ClientTransaction
from device.sip.hop import Hop, NextHop
from device.sip.message import Request
from device.sip.transaction import (
    ClientKey,
    ResponseReceived,
    TransactionEvent,
    TransactionTimedOut,
    TransportFailed,
)


class OutgoingRequest:
    """What is known of a request, from the TU's word until its key is forgotten."""

    __slots__ = (
        "alternative",
        "awaited",
        "branch_suffix",
        "cancel_wanted",
        "failure",
        "finish",
        "heard",
        "hops",
        "key",
        "next_hop",
        "patience_until",
        "preferred",
        "ranking",
        "request",
        "transaction",
        "tried",
        "udp_fallback",
    )

    def __init__(self, key: ClientKey, request: Request, next_hop: NextHop, branch_suffix: str = "") -> None:
        self.key = key
        self.request: Request | None = request
        """As the TU gave it, without our Via; None when no other hop will be tried."""
        self.next_hop = next_hop
        self.branch_suffix = branch_suffix
        self.preferred: Hop | None = None
        """The hop to begin with, if it is among those that DNS names."""
        self.alternative: NextHop | None = None
        """Where the hops are looked for that stand in for a `next_hop` that is the address of one of them."""
        self.finish: Callable[[Request, Hop], None] | None = None
        """Puts into each copy what depends on the hop that it goes to."""
        self.awaited: NextHop | None = None
        """What is being looked up for it."""
        self.hops: deque[Hop] = deque()
        """The hops that have not been tried yet."""
        self.ranking: tuple[Hop, ...] = ()
        """All hops, in the order of DNS."""
        self.tried: list[Hop] = []
        self.udp_fallback: Hop | None = None
        """Where a large request that is being tried by TCP goes next."""
        self.transaction: ClientTransaction | None = None
        """The one whose events count; None while the look-up lasts."""
        self.heard = False
        """Whether any response has come from the present hop."""
        self.patience_until: float | None = None
        """When a hop that has said nothing is left for the next one."""
        self.failure: TransactionEvent | None = None
        """How the last hop failed while alternatives are being looked up."""
        self.cancel_wanted: str | None = None
        """The Reason (RFC 3326) of the CANCEL that waits for a provisional response, "" for none; None without one."""

    @property
    def can_retry(self) -> bool:
        """Whether there may be another hop to try."""
        return self.request is not None and (self.has_hops or self.alternative is not None or self.awaited is not None)

    @property
    def has_hops(self) -> bool:
        """Whether there is another hop to try at once."""
        return bool(self.hops) or self.udp_fallback is not None

    def means_next_hop(self, event: TransactionEvent) -> bool:
        """Whether `event` is a failure after which another hop, if there is one, has its turn (RFC 3263 4.3)."""
        if isinstance(event, ResponseReceived):
            return event.response.status == 503
        return isinstance(event, TransactionTimedOut | TransportFailed) and not self.heard

    def add_alternatives(self, hops: list[Hop]) -> None:
        """Take the other hops of the set to which the address belongs that was tried; none if it belongs to no set."""
        addresses = {hop.host for hop in self.tried}
        if addresses & {hop.host for hop in hops}:
            self.hops.extend(hop for hop in hops if not any(hop.is_same_path(tried) for tried in self.tried))

    def settle(self) -> None:
        """The present hop is the last: somebody answered there, or the TU wants it no more."""
        self.hops.clear()
        self.udp_fallback = self.request = self.patience_until = self.alternative = None
