"""Where bytes come from and go to: values of the transport layer's border, without any socket behind them."""

import re

from device.annotations import Final
from device.records import dataclass

UDP: Final = "UDP"
TCP: Final = "TCP"
TLS: Final = "TLS"

_IPV6: Final = re.compile(r"(?=(?:[^:]*:){2})[0-9a-fA-F:.]{2,45}(?:%[\w.-]+)?")

DEFAULT_PORTS: Final = {UDP: 5060, TCP: 5060, TLS: 5061}
"""Port by transport where a URI or a Via names none (RFC 3261 section 18.1.1 and 19.1.2)."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One neighbour: the source of a message that came, or where a message goes.

    `transport` is "UDP", "TCP" or "TLS", `host` an IP literal without brackets. For a stream `connection` names
    an open connection: the one that the message came on, or the one to send on; when that is closed, or None,
    a connection to `host`:`port` is used or opened.
    """

    transport: str
    host: str
    port: int
    connection: int | None = None
    names: tuple[str, ...] = ()
    """Over TLS: the certificate of the peer must bear one of these (RFC 5922 section 7.1); SNI asks for the first."""

    @property
    def is_reliable(self) -> bool:
        """Whether the transport itself retransmits, so that the transactions need not (section 17)."""
        return self.transport != UDP

    def is_same_path(self, other: "Hop") -> bool:
        """Whether both name the same connection, or the same address by the same transport."""
        if self.connection is not None and self.connection == other.connection:
            return True
        if (self.port, self.host, self.transport) != (other.port, other.host, other.transport):
            return False
        # What proved not to be one domain's server may well be another's.
        return self.names == other.names or not (self.domains and other.domains) or bool(self.domains & other.domains)

    @property
    def domains(self) -> frozenset[str]:
        """Those of `names` that are no addresses."""
        return frozenset(name for name in self.names if ip_literal(name) is None)

    def __str__(self) -> str:
        return f"{self.transport.lower()}:{bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class Transmission:
    """Bytes ready for the wire, and where they go."""

    data: bytes
    hop: Hop
    only_if_open: bool = False
    """Over a stream: send on an open connection, and tell a transport error rather than open one."""


@dataclass(frozen=True, slots=True)
class NextHop:
    """What a URI or a route says about where to go; RFC 3263 turns it into hops. None means "not said"."""

    host: str
    port: int | None = None
    transport: str | None = None
    domain: str = ""
    """Of the account that goes this way: a TLS server may be certified for that instead of for `host`."""
    connection: int | None = None
    """The open connection to send on, where one to this very address is known and still there."""

    def at(self, transport: str, address: str, port: int) -> Hop:
        """The hop that `address` (an IP literal) is on this way, whatever names DNS gave in between.

        A TLS server proves to be `host` or `domain`, never the target of an SRV record (RFC 5922 section 4).
        """
        if transport != TLS:
            return Hop(transport, address, port, self.connection)
        names = dict.fromkeys(name for name in (ip_literal(self.host) or self.host, self.domain) if name)
        return Hop(transport, address, port, self.connection, tuple(names))

    def literal_hop(self) -> Hop | None:
        """The hop when `host` is an IP literal, so that nothing has to be looked up (RFC 3263 section 4.1)."""
        host = ip_literal(self.host)
        if host is None:
            return None
        transport = (self.transport or UDP).upper()
        return self.at(transport, host, self.port or DEFAULT_PORTS.get(transport, 5060))


def ip_literal(host: str) -> str | None:
    """The address in `host` without brackets, or None when `host` is a name."""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if ":" in host:
        # Three colons before an IPv4 tail are what the grammar of RFC 3261 asks by mistake (RFC 5118 section 4.10).
        return host.replace(":::", "::") if _IPV6.fullmatch(host) else None
    numbers = host.split(".")
    if len(numbers) == 4 and all(n.isascii() and n.isdigit() and len(n) <= 3 and int(n) <= 255 for n in numbers):
        return host
    return None


def bracketed(host: str) -> str:
    """`host` as it stands in a Via or a URI: an IPv6 literal goes in brackets, its zone means nothing to others."""
    return f"[{host.partition('%')[0]}]" if ":" in host and not host.startswith("[") else host
