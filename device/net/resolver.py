"""Host names and domains to hops (RFC 3263): the front door to `dns_lookups`, which is loaded when a name comes."""

from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING, Final
from device.ids import IdSource
from device.net.interfaces import Reactor
from device.sip.hop import TCP, TLS, UDP, Hop, NextHop
from device.sip.settings import parse_dns_servers

if TYPE_CHECKING:
    from device.net.dns_client import Watch
    from device.net.dns_lookups import AnswerStore, DnsLookups
    from device.net.system_names import ServerAddress

logger = logging.getLogger(__name__)

MAX_ADDRESSES: Final = 64
"""Hosts whose address is remembered to tell which of our own addresses they see."""


class Resolver:
    """Looks names up without making the loop wait; every look-up gets one answer through `deliver`.

    Answers are kept for as long as DNS says. The last good one serves while DNS is dead, also one of an earlier run
    where there is a store for them: a phone must be able to register and to call then, too.
    """

    __slots__ = (
        "_addresses",
        "_deliver",
        "_fresh",
        "_ids",
        "_lookups",
        "_open_store",
        "_reactor",
        "_servers",
        "ipv6",
        "transports",
    )

    def __init__(
        self,
        reactor: Reactor,
        deliver: Callable[[NextHop, list[Hop]], None],
        ids: IdSource,
        ipv6: bool = False,
        servers: str = "",
        open_store: "Callable[[], AnswerStore] | None" = None,
    ) -> None:
        self._reactor = reactor
        self._deliver = deliver
        self._ids = ids
        self._servers = servers
        self._open_store = open_store
        self._lookups: DnsLookups | None = None
        self._fresh: DnsLookups | None = None
        self._addresses: dict[str, str] = {}
        self.ipv6 = ipv6
        """Whether IPv6 can be spoken; may be set until the first name comes, like `transports`."""
        self.transports: tuple[str, ...] = (UDP, TCP, TLS)
        """What we speak, in the order of preference where DNS leaves the choice."""

    def lookup(self, next_hop: NextHop) -> None:
        """Find where `next_hop` is; the answer comes through `deliver`, an empty list when there is none."""
        if self._lookups is None:
            self._lookups = self._load()
        self._lookups.lookup(next_hop)

    def known_address(self, host: str) -> str | None:
        """The address of `host` if it has been looked up before, however long ago."""
        return self._addresses.get(host)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._lookups.next_timeout() if self._lookups is not None else None

    def handle_timeout(self, now: float) -> None:
        """Do what is due in the look-ups under way."""
        if self._lookups is not None:
            self._lookups.handle_timeout(now)

    def network_changed(self) -> None:
        """What could not be found before may be found now."""
        if self._lookups is not None:
            self._lookups.network_changed()

    def close(self) -> None:
        """Close every socket; what is under way gets no answer."""
        for lookups in (self._lookups, self._fresh):
            if lookups is not None:
                lookups.close()

    def fresh_lookups(self, deliver: "Callable[[NextHop, list[Hop], str], None]", watch: "Watch") -> "DnsLookups":
        """Look-ups made as ours are, but from nothing that is known already, for somebody who looks on.

        Those that were made before are broken off.
        """
        if self._fresh is not None:
            self._fresh.close()
        self._fresh = self._make(deliver, None, watch)
        return self._fresh

    def servers_asked(self) -> "tuple[ServerAddress, ...]":
        """The name servers that are asked; none where all is the system's business."""
        if self._lookups is None:
            self._lookups = self._load()
        return self._lookups.servers()

    @property
    def is_told_servers(self) -> bool:
        """Whether the settings name the servers to ask, and not the system."""
        return bool(parse_dns_servers(self._servers))

    def _load(self) -> "DnsLookups":
        return self._make(self._found, self._open_store() if self._open_store is not None else None, None)

    def _make(
        self,
        deliver: "Callable[[NextHop, list[Hop], str], None]",
        store: "AnswerStore | None",
        watch: "Watch | None",
    ) -> "DnsLookups":
        from device.net.dns_lookups import DnsLookups  # noqa: PLC0415  # a phone whose servers are addresses needs none

        servers = parse_dns_servers(self._servers)
        return DnsLookups(self._reactor, self._ids, deliver, self.transports, self.ipv6, servers, store, watch)

    def _found(self, next_hop: NextHop, hops: list[Hop], fault: str) -> None:
        if hops:
            self._addresses.pop(next_hop.host, None)
            if len(self._addresses) >= MAX_ADDRESSES:
                del self._addresses[next(iter(self._addresses))]
            self._addresses[next_hop.host] = hops[0].host
        else:
            logger.info("cannot find %s: %s", next_hop.host, fault)
        self._deliver(next_hop, hops)
