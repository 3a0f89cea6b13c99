"""Notices when this machine's addresses, default routes or links change (rtnetlink(7)): a phone must register anew."""

import struct
from collections.abc import Callable

from device import plain_logging as logging
from device import plain_sockets as socket
from device.net.interfaces import Reactor

logger = logging.getLogger(__name__)

# linux/netlink.h and linux/rtnetlink.h
NETLINK_ROUTE = 0
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE = 0x40, 0x400
GROUPS = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE
NLMSG_DONE = 3
NLM_F_REPLACE = 0x100
RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE = 16, 17, 20, 21, 24, 25
RTA_OIF, RTA_GATEWAY, RTA_PRIORITY = 4, 5, 6
RT_TABLE_MAIN, RTN_UNICAST = 254, 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFA_F_TENTATIVE = 0x40
IFF_RUNNING = 0x40

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_ROUTE = struct.Struct("=BBBBBBBBI")


def _dump(kind: int, size: int) -> bytes:
    """A request with NLM_F_REQUEST and NLM_F_DUMP: what is there now, as if it were new."""
    return _HEADER.pack(_HEADER.size + size, kind, 0x301, 1, 0) + bytes(size)


_DUMPS = (_dump(18, _LINK.size), _dump(22, _ADDRESS.size), _dump(26, _ROUTE.size))
"""RTM_GETLINK, RTM_GETADDR and RTM_GETROUTE, of which the kernel answers one at a time."""

SETTLE_S = 0.2
"""Changes come in bursts (link, then address, then route); they are told once, so long after the last of them."""
LONGEST_BURST_S = 0.8
"""So long after the first at the latest: the phone is to be reachable again within a second."""

READ_SIZE = 65_536


class LinkMonitor:
    """Calls `changed` when an address or a default route came or went, or a link came up.

    Not for each renewal of a lease or of a router's advertisement.
    """

    __slots__ = (
        "_addresses",
        "_all_known",
        "_changed",
        "_due",
        "_dumps",
        "_latest",
        "_reactor",
        "_routes",
        "_running",
        "_socket",
    )

    def __init__(self, reactor: Reactor, changed: Callable[[], None]) -> None:
        self._reactor = reactor
        self._changed = changed
        self._socket: socket.socket | None = None
        self._addresses: set[tuple[int, bytes]] = set()
        self._running: dict[int, bool] = {}
        self._routes: dict[tuple[int, bytes], set[tuple[bytes, bytes]]] = {}
        """Gateway and link of the default routes by address family and priority."""
        self._dumps: list[bytes] = []
        """What is still to be asked of the kernel."""
        self._latest = 0.0
        """When the burst that is under way is told at the latest."""
        self._due: float | None = None
        self._all_known = False
        """Whether the kernel has told all that was there at the start, which is no news."""

    def open(self) -> None:
        """Start to listen; where the kernel does not let us, the phone works without."""
        sock = None
        try:
            sock = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, NETLINK_ROUTE
            )
            sock.bind((0, GROUPS))
            sock.send(_DUMPS[0])
        except OSError as error:
            logger.info("changes of the network are not noticed at once: %s", error.strerror)
            if sock is not None:
                sock.close()
            return
        self._socket = sock
        self._dumps = list(_DUMPS[1:])
        self._reactor.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop to listen; closing twice is no error."""
        if self._socket is not None:
            self._reactor.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def next_timeout(self) -> float | None:
        """When a change is to be told."""
        return self._due

    def handle_timeout(self, now: float) -> None:
        """Tell a change that has settled."""
        if self._due is not None and now >= self._due:
            self._due = None
            logger.info("the network has changed: registering anew")
            self._changed()

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            # The kernel had more to tell than fitted (ENOBUFS): something changed, whatever it was.
            self._note_change()
            self._ask_anew()
            return
        if self.receive(data):
            self._note_change()

    def _ask_anew(self) -> None:
        """Forget what may no longer be so, and have the kernel tell it all again."""
        assert self._socket is not None
        self._addresses.clear()
        self._routes.clear()
        self._dumps = list(_DUMPS)
        self._all_known = not self._ask_next()

    def _ask_next(self) -> bool:
        """Ask for the next of the dumps; false when all has been told."""
        if self._socket is None or not self._dumps:
            return False
        try:
            self._socket.send(self._dumps.pop(0))
        except OSError as error:
            logger.debug("the kernel tells no more of the network: %s", error)
            return False
        return True

    def _note_change(self) -> None:
        now = self._reactor.now()
        if self._due is None:
            self._latest = now + LONGEST_BURST_S
        self._due = min(now + SETTLE_S, self._latest)

    def receive(self, data: bytes) -> bool:
        """Take netlink messages; answers whether one of them changes what the phone must know."""
        changed = False
        while len(data) >= _HEADER.size:
            length, kind, flags, *_ = _HEADER.unpack_from(data)
            if length < _HEADER.size or length > len(data):
                break
            body = data[_HEADER.size : length]
            if kind in (RTM_NEWADDR, RTM_DELADDR) and len(body) >= _ADDRESS.size:
                changed |= self._receive_address(kind, body)
            elif kind in (RTM_NEWLINK, RTM_DELLINK) and len(body) >= _LINK.size:
                changed |= self._receive_link(kind, body)
            elif kind in (RTM_NEWROUTE, RTM_DELROUTE) and len(body) >= _ROUTE.size:
                changed |= self._receive_route(kind, body, bool(flags & NLM_F_REPLACE))
            elif kind == NLMSG_DONE:
                self._all_known, changed = not self._ask_next(), False
            data = data[(length + 3) & ~3 :]
        return changed and self._all_known

    def _receive_address(self, kind: int, body: bytes) -> bool:
        _family, _prefix, flags, _scope, index = _ADDRESS.unpack_from(body)
        found = _attributes(body[_ADDRESS.size :])
        address = found.get(IFA_LOCAL) or found.get(IFA_ADDRESS)
        if address is None or flags & IFA_F_TENTATIVE:
            return False
        known = (index, address) in self._addresses
        if kind == RTM_DELADDR:
            self._addresses.discard((index, address))
            return known
        self._addresses.add((index, address))
        return not known

    def _receive_link(self, kind: int, body: bytes) -> bool:
        """A link that comes up is news; one that goes down leaves nothing to register by."""
        _family, _type, index, flags, _change = _LINK.unpack_from(body)
        running = kind == RTM_NEWLINK and bool(flags & IFF_RUNNING)
        before = self._running.get(index)
        self._running[index] = running
        return running and before is False

    def _receive_route(self, kind: int, body: bytes, replaces: bool) -> bool:
        """Another default route leads to the server by another way, and from another address of ours."""
        family, prefix, _source, _tos, table, _protocol, _scope, route_type, _flags = _ROUTE.unpack_from(body)
        if prefix or table != RT_TABLE_MAIN or route_type != RTN_UNICAST:
            return False
        found = _attributes(body[_ROUTE.size :])
        key = (family, found.get(RTA_PRIORITY, b""))
        way = (found.get(RTA_GATEWAY, b""), found.get(RTA_OIF, b""))
        before = self._routes.get(key, set())
        kept = set() if replaces else before - {way}
        after = kept if kind == RTM_DELROUTE else kept | {way}
        self._routes[key] = after
        return after != before


def _attributes(data: bytes) -> dict[int, bytes]:
    """The attributes after a message's fixed part (rtnetlink(7), struct rtattr)."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size or length > len(data):
            break
        found[kind] = data[_ATTRIBUTE.size : length]
        data = data[(length + 3) & ~3 :]
    return found
