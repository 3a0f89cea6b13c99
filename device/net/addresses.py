"""Local and remote socket addresses as the kernel sees them."""

import errno
import socket

from device.errors import DeviceError

LOOPBACK = "127.0.0.1"

BACKLOG = 16
"""Connections that may wait to be accepted."""


class NetError(DeviceError):
    """A socket could not be opened or used."""


def is_ipv6(host: str) -> bool:
    """Whether `host` is an IPv6 literal."""
    return ":" in host


def is_unspecified(host: str) -> bool:
    """Whether `host` stands for every local address."""
    return host in ("", "0.0.0.0", "::")  # noqa: S104  # recognised here, not bound


def family_of(host: str) -> socket.AddressFamily:
    """The address family of an IP literal; the empty host means IPv4."""
    return socket.AF_INET6 if is_ipv6(host) else socket.AF_INET


def plain_host(host: str) -> str:
    """An address as SIP and SDP write it: no zone, IPv4 not wrapped in IPv6."""
    host = host.partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


def socket_host(host: str, family: int) -> str:
    """`host` as a socket of `family` wants it: IPv4 mapped into IPv6 on a dual-stack socket."""
    return f"::ffff:{host}" if family == socket.AF_INET6 and not is_ipv6(host) else host


def local_address_towards(host: str, port: int = 5060) -> str:
    """The local IP address from which a datagram to `host` would leave; sends nothing.

    Falls back to the loopback address when there is no route, so that a message can still be written.
    """
    try:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))
            return plain_host(probe.getsockname()[0])
    except OSError:
        return "::1" if is_ipv6(host) else LOOPBACK


def explain_bind_error(error: OSError, what: str, host: str, port: int) -> str:
    """Why a socket could not be bound, and what to do about it."""
    place = f"{what} {host or '0.0.0.0'}:{port}"  # noqa: S104  # text only
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


def bound_socket(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    """A socket bound to `host` ("" for every IPv4 address, "::" for every address) that never waits; a stream listens.

    Raises NetError with the reason and what to do.
    """
    family = family_of(host)
    sock = None
    try:
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        if kind == socket.SOCK_STREAM:
            # Connections of a run before this one that still close must not keep us from listening.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(BACKLOG)
    except OSError as error:
        if sock is not None:
            sock.close()
        what = "TCP" if kind == socket.SOCK_STREAM else "UDP"
        raise NetError(explain_bind_error(error, what, host, port)) from error
    return sock
