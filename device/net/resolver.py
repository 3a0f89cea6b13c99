"""Host names to addresses, off the loop's thread (RFC 3263 section 4, address records)."""

import logging
import socket
from collections import deque
from collections.abc import Callable

from device.net.interfaces import Reactor
from device.sip.hop import DEFAULT_PORTS, Hop, NextHop

logger = logging.getLogger(__name__)

POSITIVE_TTL_S = 60.0
"""How long an answer serves; the C library does not tell the record's own time to live."""

STALE_TTL_S = 30.0
"""How long the last good answer serves once more after DNS has failed: not every call is to wait for dead servers."""

MAX_CACHED = 64
MAX_WORKERS = 4
"""Look-ups at once; each may hang for the time-outs of the C library."""

MAX_WAITING = 64
"""Look-ups that wait for a worker; what is asked for beyond them finds nothing."""


class Resolver:
    """Looks names up in worker threads that live only while there is something to look up.

    The last good answer is kept and served while DNS is dead: a phone must be able to call then, too.
    """

    __slots__ = ("_answers", "_deliver", "_family", "_reactor", "_under_way", "_waiting", "_workers")

    def __init__(self, reactor: Reactor, deliver: Callable[[NextHop, list[Hop]], None], ipv6: bool = False) -> None:
        self._reactor = reactor
        self._deliver = deliver
        self._family = socket.AF_UNSPEC if ipv6 else socket.AF_INET
        self._answers: dict[NextHop, tuple[float, list[Hop]]] = {}
        self._under_way: set[NextHop] = set()
        self._waiting: deque[NextHop] = deque()
        self._workers = 0

    def lookup(self, next_hop: NextHop) -> None:
        """Find where `next_hop` is; the answer comes through `deliver`, an empty list when there is none."""
        cached = self._answers.get(next_hop)
        if cached is not None and cached[0] > self._reactor.now():
            self._deliver(next_hop, cached[1])
        elif next_hop in self._under_way:
            return
        elif len(self._waiting) >= MAX_WAITING:
            logger.warning("cannot look up %s: %d look-ups wait already", next_hop.host, MAX_WAITING)
            self._deliver(next_hop, [])
        else:
            self._under_way.add(next_hop)
            self._waiting.append(next_hop)
            self._start_workers()

    def known_address(self, host: str) -> str | None:
        """The address of `host` if it has been looked up before, however long ago."""
        return next((hops[0].host for next_hop, (_, hops) in self._answers.items() if next_hop.host == host), None)

    def _start_workers(self) -> None:
        import threading  # noqa: PLC0415  # not needed by a phone whose servers are given as addresses

        while self._waiting and self._workers < MAX_WORKERS:
            next_hop = self._waiting.popleft()
            self._workers += 1
            try:
                threading.Thread(target=self._work, args=(next_hop,), name="resolver", daemon=True).start()
            except RuntimeError as error:
                self._hand_over(next_hop, [], str(error))

    def _work(self, next_hop: NextHop) -> None:
        """The worker's whole life. It logs nothing: the log belongs to the loop's thread."""
        transport = (next_hop.transport or "UDP").upper()
        port = next_hop.port or DEFAULT_PORTS.get(transport, 5060)
        hops: list[Hop] = []
        fault = ""
        try:
            found = socket.getaddrinfo(next_hop.host, port, self._family, socket.SOCK_DGRAM)
            hops = [next_hop.at(transport, str(address[0]), port) for *_, address in found]
        except Exception as error:  # whatever is wrong with the name, somebody waits for the answer
            fault = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self._hand_over(next_hop, list(dict.fromkeys(hops)), fault)

    def _hand_over(self, next_hop: NextHop, hops: list[Hop], fault: str) -> None:
        self._reactor.call_soon_threadsafe(lambda: self._finish(next_hop, hops, fault))

    def _finish(self, next_hop: NextHop, hops: list[Hop], fault: str) -> None:
        self._workers -= 1
        self._under_way.discard(next_hop)
        self._start_workers()
        before = self._answers.pop(next_hop, None)
        if hops:
            self._keep(next_hop, hops, POSITIVE_TTL_S)
        else:
            logger.info("cannot find %s: %s", next_hop.host, fault or "it has no address")
            if before is not None:
                hops = before[1]
                logger.info("using the last known address of %s: %s", next_hop.host, hops[0].host)
                self._keep(next_hop, hops, STALE_TTL_S)
        self._deliver(next_hop, hops)

    def _keep(self, next_hop: NextHop, hops: list[Hop], ttl_s: float) -> None:
        if len(self._answers) >= MAX_CACHED:
            del self._answers[next(iter(self._answers))]
        self._answers[next_hop] = (self._reactor.now() + ttl_s, hops)
