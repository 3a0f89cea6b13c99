"""Addresses from the system's own name service (nsswitch.conf(5)): mDNS, and whatever else the C library knows.

It waits, so it works in threads that live only while there is something to look up.
"""

from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device import plain_sockets as socket
from device.annotations import Final
from device.net.addresses import plain_host
from device.net.interfaces import Reactor

logger = logging.getLogger(__name__)

MAX_WORKERS: Final = 4
"""Look-ups at once; each may hang for the time-outs of the C library."""

MAX_WAITING: Final = 64
"""Look-ups that wait for a worker; what is asked for beyond them finds nothing."""


class NameService:
    """Looks hosts up; every answer goes to `deliver`, without addresses and with the reason when there is none.

    A host that is asked for again while it is looked up gets one answer.
    """

    __slots__ = ("_deliver", "_family", "_reactor", "_under_way", "_waiting", "_workers")

    def __init__(self, reactor: Reactor, deliver: Callable[[str, list[str], str], None], ipv6: bool) -> None:
        self._reactor = reactor
        self._deliver = deliver
        self._family = socket.AF_UNSPEC if ipv6 else socket.AF_INET
        self._under_way: set[str] = set()
        self._waiting: deque[str] = deque()
        self._workers = 0

    def lookup(self, host: str) -> None:
        """Find the addresses of `host`."""
        if host in self._under_way:
            return
        if len(self._waiting) >= MAX_WAITING:
            fault = f"{MAX_WAITING} look-ups wait already"
            self._reactor.call_soon_threadsafe(lambda: self._deliver(host, [], fault))
            return
        self._under_way.add(host)
        self._waiting.append(host)
        self._start_workers()

    def _start_workers(self) -> None:
        import threading  # noqa: PLC0415  # not needed by a phone whose servers DNS knows

        while self._waiting and self._workers < MAX_WORKERS:
            host = self._waiting.popleft()
            self._workers += 1
            try:
                threading.Thread(target=self._work, args=(host,), name="names", daemon=True).start()
            except RuntimeError as error:
                self._hand_over(host, [], str(error))

    def _work(self, host: str) -> None:
        """The worker's whole life. It logs nothing: the log belongs to the loop's thread."""
        addresses: list[str] = []
        fault = "it has no address"
        try:
            found = socket.getaddrinfo(host, None, self._family, socket.SOCK_DGRAM)
            addresses = [plain_host(str(address[0])) for *_, address in found]
        except Exception as error:  # whatever is wrong with the name, somebody waits for the answer
            fault = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self._hand_over(host, list(dict.fromkeys(addresses)), fault)

    def _hand_over(self, host: str, addresses: list[str], fault: str) -> None:
        self._reactor.call_soon_threadsafe(lambda: self._finish(host, addresses, fault))

    def _finish(self, host: str, addresses: list[str], fault: str) -> None:
        self._workers -= 1
        self._under_way.discard(host)
        self._start_workers()
        self._deliver(host, addresses, "" if addresses else fault)
