"""What ICMP says of datagrams that did not arrive, read from the error queue of a UDP socket (ip(7), IP_RECVERR).

An unconnected socket is told of such an error, but not of which datagram: the queue knows where it was going.
"""

import os
import struct

from device import plain_logging as logging
from device import plain_sockets as socket
from device.annotations import Final
from device.net.addresses import zones

logger = logging.getLogger(__name__)

# linux/in.h, linux/in6.h, linux/errqueue.h
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_EXTENDED_ERROR: Final = struct.Struct("=IBBBBII")
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3

_UNREACHABLE: Final = {(_ORIGIN_ICMP, 3), (_ORIGIN_ICMP, 12), (_ORIGIN_ICMP6, 1), (_ORIGIN_ICMP6, 4)}
"""Origin and ICMP type of what RFC 3261 section 18.4 counts as failure: destination unreachable, parameter problem."""
_FRAGMENTATION_NEEDED: Final = (_ORIGIN_ICMP, 3, 4)
"""Counted among the unreachable ones by ICMP; the kernel deals with it."""

_ERRORS_PER_TURN: Final = 32
_ANCILLARY_SIZE: Final = 512


def ask_for_errors(sock: socket.socket, family: int) -> None:
    """Let the kernel queue ICMP errors; where it refuses, transactions learn of dead peers by their timers alone."""
    try:
        # A dual-stack socket hears of IPv4 by the first.
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    except OSError as error:
        logger.debug("the kernel tells nothing of unreachable peers: %s", error.strerror)


def take_errors(sock: socket.socket) -> dict[tuple[str, int], str]:
    """Empty the queue: address and port of each peer that cannot be reached, with the reason in words."""
    unreachable: dict[tuple[str, int], str] = {}
    for _ in range(_ERRORS_PER_TURN):
        try:
            _, ancillary, _, address = sock.recvmsg(0, _ANCILLARY_SIZE, socket.MSG_ERRQUEUE)
        except OSError:
            break
        text = next(filter(None, map(_reason, ancillary)), "")
        if text:
            unreachable[zones.host_of(address), address[1]] = text
    return unreachable


def _reason(item: tuple[int, int, bytes]) -> str:
    """Why a datagram did not arrive; empty for what is no failure or no error at all."""
    level, kind, data = item
    if (level, kind) not in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
        return ""
    if len(data) < _EXTENDED_ERROR.size:
        return ""
    number, origin, icmp_type, code, *_ = _EXTENDED_ERROR.unpack_from(data)
    if (origin, icmp_type) not in _UNREACHABLE or (origin, icmp_type, code) == _FRAGMENTATION_NEEDED:
        return ""
    return os.strerror(number)
