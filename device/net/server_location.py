"""Where the servers of a domain are (RFC 3263): from a next hop and the answers of DNS to hops in order. No socket.

`locate` is asked again with each answer that has come, until nothing is missing; it keeps nothing in between.
"""

from collections.abc import Callable
from math import log

from device.annotations import Final, NamedTuple
from device.net.dns_message import NAPTR, SRV, Naptr, RecordData, Srv
from device.records import dataclass
from device.sip.hop import DEFAULT_PORTS, TCP, TLS, UDP, Hop, NextHop

MAX_HOPS: Final = 16
"""Hops that a request may try; what DNS names beyond them is left out."""

_SERVICES: Final = {"SIP+D2U": UDP, "SIP+D2T": TCP, "SIPS+D2T": TLS}
"""RFC 3263 section 4.1."""
_SRV_PREFIXES: Final = {UDP: "_sip._udp.", TCP: "_sip._tcp.", TLS: "_sips._tcp."}
_LEAST_WEIGHT: Final = 0.01
"""What weight 0 counts for: "a very small chance of being selected" (RFC 2782)."""


class Question(NamedTuple):
    """A name, in lower case and without the last dot, and the type of records that are asked for."""

    name: str
    type: int


@dataclass(frozen=True, slots=True)
class Abilities:
    """What of the ways that DNS names can be gone.

    `transports` in the order of preference where DNS leaves the choice; `address_types` A, AAAA or both, the
    preferred one first. `draw` gives a random number above 0 and up to 1 for a server, always the same for the same
    server, so that a phone stays with the one that it has drawn.
    """

    transports: tuple[str, ...]
    address_types: tuple[int, ...]
    draw: Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Location:
    """The hops in the order in which to try them, or the questions that must be answered first."""

    hops: tuple[Hop, ...] = ()
    missing: tuple[Question, ...] = ()


Known = Callable[[Question], tuple[RecordData, ...] | None]
"""The answer to a question: empty when there are no such records, None when it is not known yet."""


class _Server(NamedTuple):
    """A host by name that takes SIP by a transport at a port."""

    host: str
    transport: str
    port: int


def locate(next_hop: NextHop, host: str, abilities: Abilities, known: Known) -> Location:
    """Where `next_hop` is (RFC 3263 section 4), its host given as the full name `host`."""
    host = host.lower().removesuffix(".")
    servers, missing = _servers(next_hop, host, abilities, known)
    if missing:
        return Location(missing=missing)
    servers = servers[:MAX_HOPS]
    answers = {}
    for server in servers:
        for kind in abilities.address_types:
            question = Question(server.host, kind)
            answers[question] = known(question)
    unknown = tuple(question for question, addresses in answers.items() if addresses is None)
    if unknown:
        return Location(missing=unknown)
    hops: dict[Hop, None] = {}
    for server in servers:
        kinds = (answers[Question(server.host, kind)] or () for kind in abilities.address_types)
        for address in _interleaved(*kinds):
            hops.setdefault(next_hop.at(server.transport, address, server.port))
    return Location(tuple(hops)[:MAX_HOPS])


def _servers(
    next_hop: NextHop, host: str, abilities: Abilities, known: Known
) -> tuple[list[_Server], tuple[Question, ...]]:
    """Transport and port of the servers (sections 4.1 and 4.2), or what must be known for that."""
    transport = next_hop.transport.upper() if next_hop.transport else None
    if next_hop.port is not None:
        return [_Server(host, transport or UDP, next_hop.port)], ()
    fallback = _Server(host, transport or UDP, DEFAULT_PORTS.get(transport or UDP, 5060))
    if transport is not None and transport != TLS:
        prefix = _SRV_PREFIXES.get(transport)
        return _by_srv([] if prefix is None else [(transport, prefix + host)], fallback, abilities, known)
    # A sips URI names no transport, though it can only be TLS: NAPTR may know where that is.
    transports = abilities.transports if transport is None else (TLS,)
    # Without NAPTR records, as most domains are, SRV is asked for each transport: that is done in the same breath.
    ways = [(name, _SRV_PREFIXES[name] + host) for name in transports if name != TLS or transport == TLS]
    question = Question(host, NAPTR)
    records = known(question)
    if records is None:
        wanted = (question, *(Question(name, SRV) for _, name in ways))
        return [], tuple(question for question in wanted if known(question) is None)
    pointers = _usable(records, transports)
    if not pointers:
        return _by_srv(ways, fallback, abilities, known)
    servers, missing = _by_naptr(pointers, abilities, known)
    # Where NAPTR leads to nothing the domain may still have been set up without it in mind.
    return (servers, missing) if servers or missing else _by_srv(ways, fallback, abilities, known)


def _usable(records: tuple[RecordData, ...], transports: tuple[str, ...]) -> list[Naptr]:
    """The records of the lowest order that lead to a transport that we speak, best first (RFC 3403 section 4.1)."""
    usable = [
        record
        for record in records
        if isinstance(record, Naptr)
        and record.flags in ("S", "A")
        and record.replacement
        and _SERVICES.get(record.service) in transports
    ]
    usable.sort(key=lambda record: (record.order, record.preference))
    return [record for record in usable if record.order == usable[0].order]


def _by_naptr(pointers: list[Naptr], abilities: Abilities, known: Known) -> tuple[list[_Server], tuple[Question, ...]]:
    servers: list[_Server] = []
    missing: list[Question] = []
    for pointer in pointers:
        transport = _SERVICES[pointer.service]
        if pointer.flags == "A":
            servers.append(_Server(pointer.replacement, transport, DEFAULT_PORTS[transport]))
            continue
        found, unknown = _by_srv([(transport, pointer.replacement)], None, abilities, known)
        servers += found
        missing += unknown
    return servers, tuple(missing)


def _by_srv(
    ways: list[tuple[str, str]], fallback: _Server | None, abilities: Abilities, known: Known
) -> tuple[list[_Server], tuple[Question, ...]]:
    """The servers that the SRV records of `ways` (transport, name) tell; `fallback` where there is no such record."""
    questions = [Question(name, SRV) for _, name in ways]
    missing = tuple(question for question in questions if known(question) is None)
    if missing:
        return [], missing
    servers: list[_Server] = []
    described = False
    for (transport, _), question in zip(ways, questions, strict=True):
        records = [record for record in known(question) or () if isinstance(record, Srv)]
        described = described or bool(records)
        # A target of "." says that there is decidedly no such service (RFC 2782).
        usable = [record for record in records if record.target and record.port]
        servers += (_Server(srv.target, transport, srv.port) for srv in _in_order(usable, abilities.draw))
    if not described and fallback is not None:
        servers.append(fallback)
    return servers, ()


def _in_order(records: list[Srv], draw: Callable[[str], float]) -> list[Srv]:
    """By priority, and by chance according to weight among equal ones (RFC 2782).

    Each record gets a waiting time of exponential distribution whose rate is its weight. The order of the waiting
    times is distributed as RFC 2782 draws it record after record, and does not change when other records come or go.
    """

    def waiting_time(record: Srv) -> float:
        return -log(draw(f"{record.target}:{record.port}")) / (record.weight or _LEAST_WEIGHT)

    return sorted(records, key=lambda record: (record.priority, waiting_time(record), record.target))


def _interleaved(*kinds: tuple[RecordData, ...]) -> list[str]:
    """The addresses of all kinds by turns, so that a family that does not work costs one attempt (RFC 6157, 8305)."""
    longest = max(map(len, kinds), default=0)
    return [str(kind[index]) for index in range(longest) for kind in kinds if index < len(kind)]
