"""Local and remote socket addresses as the kernel sees them."""

import errno

from device import plain_logging as logging
from device import plain_sockets as socket
from device.errors import DeviceError
from device.sip.hop import bracketed

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"

BACKLOG = 16
"""Connections that may wait to be accepted."""

SOMEWHERE, SOMEWHERE_IPV6 = "192.0.2.1", "2001:db8::1"
"""Addresses of RFC 5737 and RFC 3849, to which the default route leads; nothing is ever sent there."""

DSCP_CS3 = 24
"""The mark of signalling (RFC 4594 section 4.2)."""

NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)
"""What the kernel answers to "::" where IPv6 has been left out or switched off."""

IF_INET6 = "/proc/net/if_inet6"
_LINK_SCOPE = "20"

MAX_ZONES = 16
"""Link-local neighbours of which the interface is remembered; one segment with more telephones than that is rare."""


SocketAddress = tuple[str, int] | tuple[str, int, int, int]
"""Host and port; for a link-local address of IPv6 also flow (always 0) and interface."""


class NetError(DeviceError):
    """A socket could not be opened or used."""


def is_ipv6(host: str) -> bool:
    """Whether `host` is an IPv6 literal. IPv4 wrapped in IPv6 travels by IPv4 (RFC 4291 section 2.5.5.2)."""
    return ":" in plain_host(host)


def is_unspecified(host: str) -> bool:
    """Whether `host` stands for every local address."""
    return host in ("", "0.0.0.0", "::")  # noqa: S104  # recognised here, not bound


def family_of(host: str) -> int:
    """The address family of an IP literal."""
    return socket.AF_INET6 if is_ipv6(host) else socket.AF_INET


def plain_host(host: str) -> str:
    """An address as SIP and SDP write it: no zone, IPv4 not wrapped in IPv6."""
    host = host.partition("%")[0]
    return host[7:] if host[:7].lower() == "::ffff:" and "." in host else host


class LinkLocalZones:
    """Which interface a link-local neighbour was heard on (RFC 4007): messages name its address without that."""

    __slots__ = ("_zones",)

    def __init__(self) -> None:
        self._zones: dict[str, int] = {}

    def host_of(self, source: tuple[str, int] | tuple[str, int, int, int]) -> str:
        """The host of a source address as the kernel gives it; a link-local one keeps its zone, to be answered."""
        host = plain_host(source[0])
        if len(source) == 2 or not source[3] or not is_link_local(host):
            return host
        self._zones.pop(host, None)
        self._zones[host] = source[3]
        if len(self._zones) > MAX_ZONES:
            del self._zones[next(iter(self._zones))]
        return f"{host}%{source[3]}"

    def complete(self, host: str) -> str:
        """A link-local address with its zone, if that is known or there is only one; any other host as it is."""
        if not is_link_local(host) or "%" in host:
            return host
        zone = self._zones.get(host) or _only_zone()
        return f"{host}%{zone}" if zone else host


def _only_zone() -> int:
    """The index of the interface with link-local addresses where there is exactly one, else 0 (proc_pid_net(5))."""
    try:
        with open(IF_INET6, encoding="utf-8") as file:
            fields = [line.split() for line in file]
    except OSError:
        return 0
    found = {int(index, 16) for _address, index, _prefix, scope, *_ in fields if scope == _LINK_SCOPE}
    return found.pop() if len(found) == 1 else 0


zones = LinkLocalZones()
"""The neighbours of this machine, shared by all its sockets as the interfaces are."""


def is_link_local(host: str) -> bool:
    """Whether `host` is an IPv6 address of fe80::/10."""
    return host[:3].lower() in ("fe8", "fe9", "fea", "feb") and is_ipv6(host)


def socket_address(host: str, port: int, family: int) -> SocketAddress:
    """An IP literal and a port as a socket of `family` wants them: IPv4 wrapped in IPv6, neighbours with their zone.

    Raises OSError for a zone that names no interface.
    """
    if family != socket.AF_INET6:
        return plain_host(host), port
    if not is_ipv6(host):
        return f"::ffff:{plain_host(host)}", port
    host, _, zone = zones.complete(host).partition("%")
    if not zone:
        return host, port
    return host, port, 0, int(zone) if zone.isdigit() else socket.if_nametoindex(zone)


def local_address_towards(host: str, port: int = 5060) -> str:
    """The local IP address from which a datagram to `host` would leave; sends nothing.

    Falls back to the loopback address when there is no route, so that a message can still be written.
    """
    try:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
            probe.connect(socket_address(host, port, probe.family))
            return plain_host(probe.getsockname()[0])
    except OSError:
        return "::1" if is_ipv6(host) else LOOPBACK


def has_route(host: str) -> bool:
    """Whether the kernel knows a way to an address; sends nothing."""
    try:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
            probe.connect(socket_address(host, 9, probe.family))
    except OSError:
        return False
    return True


def somewhere() -> str:
    """An address that stands for "out there": the route to it tells our own. Of IPv6 where that is all there is."""
    return SOMEWHERE if has_route(SOMEWHERE) or not has_route(SOMEWHERE_IPV6) else SOMEWHERE_IPV6


def explain_bind_error(error: OSError, what: str, host: str, port: int) -> str:
    """Why a socket could not be bound, and what to do about it."""
    place = f"{what} {bracketed(host or '0.0.0.0')}:{port}"  # noqa: S104  # text only
    if error.errno == errno.EADDRINUSE:
        return (
            f"{place} is already in use: stop the other program, or take another port "
            "(a phone with --set sip.port=5062, an exchange with --listen ADDRESS:5062)"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{place}: this machine has no such address now; start once with --set sip.bind_address= (empty) and then "
            "put it right with `offhook settings set`"
        )
    if error.errno == errno.EACCES:
        return f"{place}: ports below 1024 need a privilege; set sip.port to 1024 or higher"
    return f"{place}: {error.strerror}"


def open_socket(kind: int, host: str, port: int) -> socket.socket:
    """A socket bound to `host` that never waits.

    "" means every address: of both families by one socket (RFC 6157 section 3), of IPv4 alone where the kernel has no
    IPv6. "::" means the same, but insists on IPv6. Raises OSError.
    """
    if not host:
        try:
            return open_socket(kind, "::", port)
        except OSError as error:
            if error.errno not in NO_IPV6:
                raise
    sock = socket.socket(family_of(host), kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if kind == socket.SOCK_STREAM:
            # Connections of a run before this one that still close must not keep us from listening.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def bound_socket(kind: int, host: str, port: int) -> socket.socket:
    """A socket of `open_socket`; a stream listens. Raises NetError with the reason and what to do."""
    try:
        sock = open_socket(kind, host, port)
        if kind == socket.SOCK_STREAM:
            sock.listen(BACKLOG)
    except OSError as error:
        what = "TCP" if kind == socket.SOCK_STREAM else "UDP"
        raise NetError(explain_bind_error(error, what, host, port)) from error
    return sock


def mark_packets(sock: socket.socket, dscp: int, priority: int = 0) -> None:
    """Ask routers to treat the packets of `sock` as `dscp` says (RFC 2474), and our own kernel by `priority`.

    Never a reason to fail. A socket of both families has two marks.
    """
    # The priority comes last: with the mark the kernel sets one of its own.
    marks = [(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2), (socket.SOL_SOCKET, socket.SO_PRIORITY, priority)]
    if sock.family == socket.AF_INET6:
        marks.insert(0, (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2))
    for level, option, value in marks if priority else marks[:-1]:
        try:
            sock.setsockopt(level, option, value)
        except OSError as error:
            logger.debug("the kernel refuses a mark: %s", error.strerror)
