"""Asks DNS for the NAPTR records of telephone numbers (RFC 6116), apart from the look-ups of servers."""

from collections.abc import Callable

from device.annotations import Final
from device.ids import IdSource
from device.net.dns_client import DnsClient
from device.net.dns_message import NAPTR, DnsResponse, Naptr
from device.net.interfaces import Reactor
from device.net.server_location import Question
from device.net.system_names import RESOLV_CONF, ResolvConf, ServerAddress, WatchedFile, parse_resolv_conf
from device.records import replace

KEPT: Final = 256
"""Answers that are kept; the oldest makes room."""
LONGEST_S: Final = 3600.0
NOTHING_FOR_S: Final = 60.0
"""How long an answer without records serves whose zone does not say."""


class EnumLookups:
    """One question a number; `deliver` gets the name and its records, none where there are none or nobody answers."""

    def __init__(
        self,
        reactor: Reactor,
        ids: IdSource,
        deliver: Callable[[str, tuple[Naptr, ...]], None],
    ) -> None:
        self._reactor = reactor
        self._deliver = deliver
        self.servers: tuple[ServerAddress, ...] = ()
        """Whom to ask; none for the system's own."""
        self._client = DnsClient(reactor, ids, self._receive)
        self._resolv_conf: WatchedFile[ResolvConf] = WatchedFile(RESOLV_CONF, parse_resolv_conf)
        self._known: dict[str, tuple[tuple[Naptr, ...], float]] = {}

    def lookup(self, name: str) -> None:
        """Ask for a name; the answer may come at once."""
        records, until = self._known.get(name, ((), 0.0))
        if self._reactor.now() < until:
            self._deliver(name, records)
            return
        conf = self._resolv_conf.get()
        self._client.conf = replace(conf, servers=self.servers) if self.servers else conf
        if not self._client.ask(Question(name, NAPTR)):
            self._deliver(name, ())

    def _receive(self, question: Question, response: DnsResponse | None) -> None:
        if response is None:
            self._deliver(question.name, ())
            return
        data, ttl_s = response.find()
        records = tuple(record for record in data if isinstance(record, Naptr))
        lasts_s = ttl_s if records else response.negative_ttl_s or NOTHING_FOR_S
        if len(self._known) >= KEPT:
            del self._known[next(iter(self._known))]
        self._known[question.name] = (records, self._reactor.now() + min(float(lasts_s), LONGEST_S))
        self._deliver(question.name, records)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._client.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Go on to the next name server where one is silent."""
        self._client.handle_timeout(now)

    def close(self) -> None:
        """Close every socket."""
        self._client.close()
