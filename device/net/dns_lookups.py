"""Look-ups of servers under way: joins RFC 3263 (`server_location`), the cache, the name servers and the system.

Loaded when the first name must be looked up; a phone whose servers are addresses goes without.
"""

from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Final, Protocol
from device.ids import IdSource
from device.net.addresses import has_route
from device.net.dns_cache import DnsCache, decode_answer, encode_answer
from device.net.dns_client import DnsClient, Watch
from device.net.dns_message import AAAA, NAPTR, SRV, A, DnsResponse, RecordData
from device.net.interfaces import Reactor
from device.net.name_service import NameService
from device.net.server_location import Abilities, Location, Question, locate
from device.net.system_names import (
    HOSTS,
    RESOLV_CONF,
    ResolvConf,
    ServerAddress,
    WatchedFile,
    addresses_of_type,
    parse_hosts,
    parse_resolv_conf,
)
from device.records import replace
from device.sip.hop import Hop, NextHop
from device.timing import TimerSet

logger = logging.getLogger(__name__)

IMPATIENT_AFTER_S: Final = 1.8
"""Somebody waits: from then on the last good answer serves, and a name is tried as a host (RFC 8767 section 5)."""
GIVE_UP_AFTER_S: Final = 12.0
"""The longest look-up, whatever is wrong with the name servers."""
SYSTEM_TTL_S: Final = 60.0
"""How long an answer of the C library serves; it does not tell the record's own time to live."""
MAX_LOOKUPS: Final = 64
"""Look-ups under way at once; what is asked for beyond them finds nothing."""
MAX_DRAWS: Final = 256
STORE_PAUSE_S: Final = 6 * 3600.0
"""A card wears out by writing: an answer that differs each time is stored no more often than this."""

_MULTICAST: Final = ".local"
_LOOPBACK: Final = {A: ("127.0.0.1",), AAAA: ("::1",)}
"""What "localhost" is, whatever DNS says (RFC 6761 section 6.3)."""


class AnswerStore(Protocol):
    """Where the last good answers outlive the process."""

    def get(self, name: str, kind: int) -> str | None:
        """The text stored for a question."""

    def put(self, name: str, kind: int, answer: str) -> None:
        """Store a text; trouble with the store is its own affair and raises nothing."""


class _Lookup:
    """One next hop on its way through its candidates and their questions."""

    __slots__ = ("answers", "by_system", "candidates", "host", "is_impatient", "is_over", "missing", "next_hop")

    def __init__(self, next_hop: NextHop, candidates: deque[str]) -> None:
        self.next_hop = next_hop
        self.candidates = candidates
        self.host = candidates.popleft()
        self.by_system = False
        """Whether the C library is asked instead of the name servers."""
        self.is_impatient = False
        """Whether it has lasted so long that the last good answers serve."""
        self.is_over = False
        """Whether its time is over, so that what is known now must do."""
        self.answers: dict[Question, tuple[RecordData, ...]] = {}
        """What has been answered or assumed for this look-up, whatever the cache says."""
        self.missing: tuple[Question, ...] = ()

    def restart(self, host: str, by_system: bool) -> None:
        """Go on with another host."""
        self.host, self.by_system = host, by_system
        self.answers.clear()
        self.missing = ()


class DnsLookups:
    """Finds hops; `deliver` gets them for every look-up, none with the reason in words."""

    def __init__(
        self,
        reactor: Reactor,
        ids: IdSource,
        deliver: Callable[[NextHop, list[Hop], str], None],
        transports: tuple[str, ...],
        ipv6: bool,
        servers: tuple[ServerAddress, ...] = (),
        store: AnswerStore | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch
        self._asked_system_at: dict[str, float] = {}
        """Since when the C library is at work on a host, for who looks on."""
        self._reactor = reactor
        self._ids = ids
        self._deliver = deliver
        self._servers = servers
        self._store = store
        self._abilities = Abilities(transports, (AAAA, A) if ipv6 else (A,), self._draw)
        self._draws: dict[str, float] = {}
        self._stored: dict[Question, tuple[str, float]] = {}
        """What the store holds, and when it may be written anew."""
        self._cache = DnsCache()
        self._client = DnsClient(reactor, ids, self._receive_response, watch)
        self._system = NameService(reactor, self._receive_system, ipv6)
        self._resolv_conf: WatchedFile[ResolvConf] = WatchedFile(RESOLV_CONF, parse_resolv_conf)
        self._hosts: WatchedFile[dict[str, tuple[str, ...]]] = WatchedFile(HOSTS, parse_hosts)
        self._lookups: dict[NextHop, _Lookup] = {}
        self._impatient: TimerSet[NextHop] = TimerSet()
        self._give_up: TimerSet[NextHop] = TimerSet()

    def servers(self) -> tuple[ServerAddress, ...]:
        """The name servers that are asked; none where the C library is."""
        self._configure()
        return self._client.conf.servers

    def lookup(self, next_hop: NextHop) -> None:
        """Find where `next_hop` is; one that is being looked up already gets one answer."""
        if next_hop in self._lookups:
            return
        if len(self._lookups) >= MAX_LOOKUPS:
            self._deliver(next_hop, [], f"{MAX_LOOKUPS} look-ups are under way already")
            return
        self._configure()
        name = next_hop.host.lower()
        is_settled_here = name in self._hosts.get() or _is_loopback_name(name)
        candidates = (name,) if is_settled_here else self._client.conf.candidates(name)
        lookup = self._lookups[next_hop] = _Lookup(next_hop, deque(candidates))
        lookup.by_system = self._is_for_system(lookup.host)
        now = self._reactor.now()
        self._impatient.set(next_hop, now + IMPATIENT_AFTER_S)
        self._give_up.set(next_hop, now + GIVE_UP_AFTER_S)
        self._step(lookup)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        deadlines = (self._client.next_timeout(), self._impatient.next_timeout(), self._give_up.next_timeout())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Ask further servers, fall back on what is known, give up."""
        self._client.handle_timeout(now)
        for next_hop in self._impatient.pop_due(now):
            self._lose_patience(self._lookups[next_hop])
        for next_hop in self._give_up.pop_due(now):
            lookup = self._lookups[next_hop]
            lookup.is_over = True
            for question in lookup.missing:
                lookup.answers[question] = self._last_good(question) or ()
            self._step(lookup)

    def network_changed(self) -> None:
        """What failed before may work now."""
        self._cache.forget_failures()

    def close(self) -> None:
        """Forget what is under way."""
        self._client.close()
        self._lookups.clear()

    def _configure(self) -> None:
        changed = self._resolv_conf.refresh()
        conf = self._resolv_conf.get()
        if self._servers:
            conf = replace(conf, servers=self._servers)
        if changed:
            self._cache.forget_failures()
        self._client.conf = conf

    def _is_for_system(self, host: str) -> bool:
        """Multicast names (RFC 6762 section 3), and all where no name server is known, are the C library's business."""
        return host.endswith(_MULTICAST) or not self._client.conf.servers

    def _step(self, lookup: _Lookup) -> None:
        """Ask what is missing; finish when nothing is."""
        while True:
            location = self._locate(lookup)
            lookup.missing = location.missing
            hopeless = [question for question in location.missing if not self._ask(lookup, question)]
            for question in hopeless:
                lookup.answers[question] = self._last_good(question) or ()
            if not hopeless and not self._take_last_good(lookup):
                break
        if not location.missing:
            self._conclude(lookup, location.hops)

    def _locate(self, lookup: _Lookup) -> Location:
        now, hosts = self._reactor.now(), self._hosts.get()
        is_settled_here = lookup.by_system or lookup.host in hosts or _is_loopback_name(lookup.host)

        def known(question: Question) -> tuple[RecordData, ...] | None:
            if is_settled_here and question.type in (NAPTR, SRV):
                return ()
            if _is_loopback_name(question.name):
                return _LOOPBACK.get(question.type, ())
            if question.name in hosts:
                return addresses_of_type(hosts[question.name], question.type)
            answer = lookup.answers.get(question)
            if answer is None:
                answer = self._cache.fresh(question, now)
                # What name servers do not know the system may.
                return answer or None if lookup.by_system else answer
            return answer

        return locate(lookup.next_hop, lookup.host, self._abilities, known)

    def _ask(self, lookup: _Lookup, question: Question) -> bool:
        """Have a question answered; false when nobody will."""
        if lookup.is_over:
            return False
        if lookup.by_system:
            if self._watch is not None:
                self._asked_system_at.setdefault(question.name, self._reactor.now())
            self._system.lookup(question.name)
            return True
        return not self._cache.has_failed(question, self._reactor.now()) and self._client.ask(question)

    def _receive_response(self, question: Question, response: DnsResponse | None) -> None:
        now = self._reactor.now()
        data: tuple[RecordData, ...] | None = None
        if response is None:
            self._cache.put_failure(question, now)
        else:
            data, ttl_s = response.find()
            self._cache.put(question, data, ttl_s if data else response.negative_ttl_s, now)
            if data:
                self._keep(question, data, now)
        self._answer(question, data)

    def _receive_system(self, host: str, addresses: list[str], fault: str) -> None:
        """The C library's answer: for the questions of both address types."""
        now = self._reactor.now()
        if self._watch is not None:
            self._watch.system_answered(host, addresses, fault, now - self._asked_system_at.pop(host, now))
        if fault:
            logger.info("cannot find %s: %s", host, fault)
        for kind in self._abilities.address_types:
            question = Question(host, kind)
            data = addresses_of_type(tuple(addresses), kind)
            if addresses:
                self._cache.put(question, data, SYSTEM_TTL_S, now)
                self._keep(question, data, now)
            self._answer(question, data if addresses else None)

    def _answer(self, question: Question, data: tuple[RecordData, ...] | None) -> None:
        """All that wait for a question go on; where there was no answer, with the last good one."""
        for lookup in [lookup for lookup in self._lookups.values() if question in lookup.missing]:
            lookup.answers[question] = (self._last_good(question) or ()) if data is None else data
            self._skip_ignored(lookup, question, data)
            self._step(lookup)

    def _skip_ignored(self, lookup: _Lookup, question: Question, data: tuple[RecordData, ...] | None) -> None:
        """A server that tells the host's address but nothing of its services does not know such records.

        Some boxes drop such questions. When the answer comes late the next look-up finds it in the cache.
        """
        if data and lookup.is_impatient and question.name == lookup.host and question.type in (A, AAAA):
            for other in lookup.missing:
                if other.type in (NAPTR, SRV):
                    self._cache.put(other, (), None, self._reactor.now())
                    lookup.answers[other] = ()

    def _lose_patience(self, lookup: _Lookup) -> None:
        """Take the last good answers for what is not answered yet; without one, ask whether the name is a host."""
        lookup.is_impatient = True
        if self._take_last_good(lookup):
            self._step(lookup)
        elif any(question.type in (NAPTR, SRV) for question in lookup.missing):
            addresses = tuple(Question(lookup.host, kind) for kind in self._abilities.address_types)
            lookup.missing += tuple(question for question in addresses if self._ask(lookup, question))

    def _take_last_good(self, lookup: _Lookup) -> bool:
        """Where patience is at its end, let old answers serve until the new ones come; false when there are none."""
        if not lookup.is_impatient:
            return False
        held = {question: self._last_good(question) for question in lookup.missing}
        for question, data in held.items():
            if data is not None:
                logger.info("DNS is slow: using what it last said about %s", question.name)
                lookup.answers[question] = data
        return any(data is not None for data in held.values())

    def _conclude(self, lookup: _Lookup, hops: tuple[Hop, ...]) -> None:
        """Hand the hops over; without any try the next candidate, and the system for a name without domain."""
        may_go_on = not hops and not lookup.is_over
        if may_go_on and lookup.candidates:
            host = lookup.candidates.popleft()
            lookup.restart(host, self._is_for_system(host))
            self._step(lookup)
        elif may_go_on and not lookup.by_system and not self._servers and "." not in lookup.host:
            lookup.restart(lookup.host, True)
            self._step(lookup)
        elif may_go_on and lookup.by_system and self._client.conf.servers and lookup.host.endswith(_MULTICAST):
            # Some offices have such a domain in DNS.
            lookup.restart(lookup.host, False)
            self._step(lookup)
        else:
            del self._lookups[lookup.next_hop]
            self._impatient.cancel(lookup.next_hop)
            self._give_up.cancel(lookup.next_hop)
            fault = "" if hops else "DNS knows no such server, or does not answer"
            self._deliver(lookup.next_hop, self._reachable_first(hops), fault)

    def _reachable_first(self, hops: tuple[Hop, ...]) -> list[Hop]:
        """Addresses to which there is a route before those of a family that this network does not have (RFC 6724)."""
        if len({":" in hop.host for hop in hops}) < 2:
            return list(hops)
        return sorted(hops, key=lambda hop: not has_route(hop.host))

    def _last_good(self, question: Question) -> tuple[RecordData, ...] | None:
        """The last answer in memory, or the one that an earlier run has stored."""
        now = self._reactor.now()
        data = self._cache.stale(question, now)
        if data is None and self._store is not None:
            text = self._store.get(*question)
            if text:
                data = decode_answer(question.type, text)
                self._cache.restore(question, data, now)
        return data

    def _keep(self, question: Question, data: tuple[RecordData, ...], now: float) -> None:
        """Store an answer for the next start, when it is another one than before."""
        if self._store is None or not data:
            return
        text = encode_answer(data)
        before, not_before = self._stored.get(question) or (self._store.get(*question), now)
        if text == before or now < not_before:
            self._remember_stored(question, before or "", not_before)
            return
        self._store.put(*question, text)
        self._remember_stored(question, text, now + STORE_PAUSE_S)

    def _remember_stored(self, question: Question, text: str, not_before: float) -> None:
        self._stored.pop(question, None)
        if len(self._stored) >= MAX_DRAWS:
            del self._stored[next(iter(self._stored))]
        self._stored[question] = text, not_before

    def _draw(self, server: str) -> float:
        """The lot of a server, drawn once."""
        if server not in self._draws:
            if len(self._draws) >= MAX_DRAWS:
                del self._draws[next(iter(self._draws))]
            self._draws[server] = (self._ids.number(32) + 1) / 2**32
        return self._draws[server]


def _is_loopback_name(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")
