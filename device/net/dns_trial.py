"""One look-up made for a person to see: each question with who answered it, how quickly, and what (RFC 3263).

Loaded when somebody tests DNS. Nothing is taken from the cache, nor from the store of the last good answers.
"""

from collections.abc import Callable

from device.annotations import Final
from device.net.dns_lookups import DnsLookups
from device.net.dns_message import (
    FORMAT_ERROR,
    NAME_ERROR,
    NOT_IMPLEMENTED,
    REFUSED,
    SERVER_FAILURE,
    TYPE_NAMES,
    DnsResponse,
    Naptr,
    RecordData,
    Srv,
)
from device.net.resolver import Resolver
from device.net.server_location import Question
from device.net.system_names import ServerAddress
from device.records import dataclass
from device.sip.hop import Hop, NextHop

SYSTEM: Final = "system"
"""In place of a name server: the C library, with whatever nsswitch.conf(5) names."""
NO_NAME, NO_RECORD, NO_ANSWER = "no-name", "no-record", "no-answer"
_CODES: Final = {
    FORMAT_ERROR: "not-understood",
    SERVER_FAILURE: "server-failure",
    NAME_ERROR: NO_NAME,
    NOT_IMPLEMENTED: "not-understood",
    REFUSED: "refused",
}
"""RFC 1035 section 4.1.1 in words of the control socket."""


@dataclass(frozen=True, slots=True)
class DnsStep:
    """One question to one server, and what came of it."""

    type: str
    name: str
    server: str
    seconds: float
    ttl_s: int
    """How long the answer may be kept; 0 where the server did not say."""
    records: tuple[str, ...]
    fault: str
    """"" where there are records; else a word of `_CODES`, NO_RECORD, NO_ANSWER, or the error of the system."""


class DnsTrial:
    """Looks `next_hop` up afresh; `told` gets every step, `found` the hops at the end."""

    def __init__(
        self,
        resolver: Resolver,
        next_hop: NextHop,
        told: Callable[[DnsStep], None],
        found: Callable[[list[Hop]], None],
    ) -> None:
        self._told = told
        self._found = found
        self._next_hop = next_hop
        self._lookups: DnsLookups = resolver.fresh_lookups(self._finish, self)

    def begin(self) -> None:
        """Ask."""
        self._lookups.lookup(self._next_hop)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._lookups.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Go on to the next server, or give up."""
        self._lookups.handle_timeout(now)

    def close(self) -> None:
        """Ask nothing more."""
        self._lookups.close()

    def answered(self, question: Question, server: ServerAddress, seconds: float, outcome: DnsResponse | str) -> None:
        """A name server has answered, or has not; called by the look-ups."""
        kind = TYPE_NAMES.get(question.type, str(question.type))
        if isinstance(outcome, str):
            self._told(DnsStep(kind, question.name, _server_text(server), round(seconds, 6), 0, (), outcome))
            return
        data, ttl_s = outcome.find()
        fault = "truncated" if outcome.truncated else _CODES.get(outcome.rcode, f"code {outcome.rcode}")
        if not outcome.rcode and not outcome.truncated:
            fault = "" if data else NO_RECORD
        kept = ttl_s if data else outcome.negative_ttl_s or 0
        records = tuple(map(_record_text, data))
        self._told(DnsStep(kind, question.name, _server_text(server), round(seconds, 6), kept, records, fault))

    def system_answered(self, host: str, addresses: list[str], fault: str, seconds: float) -> None:
        """The C library has answered; called by the look-ups."""
        self._told(DnsStep("address", host, SYSTEM, round(seconds, 6), 0, tuple(addresses), fault))

    def _finish(self, _next_hop: NextHop, hops: list[Hop], _fault: str) -> None:
        self._found(hops)


def servers_asked(resolver: Resolver) -> list[str]:
    """The name servers that are asked; none where all is the system's business."""
    return [_server_text(server) for server in resolver.servers_asked()]


def _server_text(server: ServerAddress) -> str:
    host, port = server
    return host if port == 53 else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _record_text(record: RecordData) -> str:
    if isinstance(record, Srv):
        return f"{record.target or '.'}:{record.port} priority {record.priority} weight {record.weight}"
    if isinstance(record, Naptr):
        return (
            f"{record.service} at {record.replacement or '.'} order {record.order} preference {record.preference}"
            f" flag {record.flags or 'none'}"
        )
    return record
