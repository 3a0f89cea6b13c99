"""Host names to addresses, off the loop's thread (RFC 3263 section 4, address records)."""

import logging
import socket
from collections.abc import Callable

from device.net.interfaces import Reactor
from device.sip.hop import Hop, NextHop

logger = logging.getLogger(__name__)

DEFAULT_PORT = 5060
POSITIVE_TTL_S = 60.0
"""How long an answer serves; the C library does not tell the record's own time to live."""

MAX_CACHED = 64


class Resolver:
    """Looks names up in a worker thread that lives only while there is something to look up.

    The last good answer is kept and served while DNS is dead: a phone must be able to call then, too.
    """

    __slots__ = ("_answers", "_deliver", "_family", "_reactor", "_under_way")

    def __init__(self, reactor: Reactor, deliver: Callable[[NextHop, list[Hop]], None], ipv6: bool = False) -> None:
        self._reactor = reactor
        self._deliver = deliver
        self._family = socket.AF_UNSPEC if ipv6 else socket.AF_INET
        self._answers: dict[NextHop, tuple[float, list[Hop]]] = {}
        self._under_way: set[NextHop] = set()

    def lookup(self, next_hop: NextHop) -> None:
        """Find where `next_hop` is; the answer comes through `deliver`, an empty list when there is none."""
        cached = self._answers.get(next_hop)
        if cached is not None and cached[0] > self._reactor.now():
            self._deliver(next_hop, cached[1])
            return
        if next_hop in self._under_way:
            return
        import threading  # noqa: PLC0415  # not needed by a phone whose servers are given as addresses

        self._under_way.add(next_hop)
        threading.Thread(target=self._work, args=(next_hop,), name="resolver", daemon=True).start()

    def known_address(self, host: str) -> str | None:
        """The address of `host` if it has been looked up before, however long ago."""
        return next((hops[0].host for next_hop, (_, hops) in self._answers.items() if next_hop.host == host), None)

    def _work(self, next_hop: NextHop) -> None:
        transport = (next_hop.transport or "UDP").upper()
        port = next_hop.port or DEFAULT_PORT
        try:
            found = socket.getaddrinfo(next_hop.host, port, self._family, socket.SOCK_DGRAM)
            hops = [Hop(transport, str(address[0]), port) for *_, address in found]
        except (OSError, UnicodeError) as error:
            logger.info("cannot find %s: %s", next_hop.host, getattr(error, "strerror", None) or error)
            hops = []
        unique = list(dict.fromkeys(hops))
        self._reactor.call_soon_threadsafe(lambda: self._finish(next_hop, unique))

    def _finish(self, next_hop: NextHop, hops: list[Hop]) -> None:
        self._under_way.discard(next_hop)
        if hops:
            if len(self._answers) >= MAX_CACHED:
                del self._answers[next(iter(self._answers))]
            self._answers[next_hop] = (self._reactor.now() + POSITIVE_TTL_S, hops)
        elif next_hop in self._answers:
            hops = self._answers[next_hop][1]
            logger.info("using the last known address of %s: %s", next_hop.host, hops[0].host)
        self._deliver(next_hop, hops)
