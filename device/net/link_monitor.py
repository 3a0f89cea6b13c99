"""Notices when this machine's addresses or links change (rtnetlink(7)): a phone must register anew then."""

import logging
import socket
import struct
from collections.abc import Callable

from device.net.interfaces import Reactor

logger = logging.getLogger(__name__)

# linux/netlink.h and linux/rtnetlink.h
NETLINK_ROUTE = 0
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
NLMSG_DONE = 3
RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR = 16, 17, 20, 21
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFA_F_TENTATIVE = 0x40
IFF_RUNNING = 0x40

_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_DUMP_ADDRESSES = _HEADER.pack(_HEADER.size + _ADDRESS.size, 22, 0x301, 1, 0) + bytes(_ADDRESS.size)
"""RTM_GETADDR with NLM_F_REQUEST and NLM_F_DUMP: the addresses that are there now, as if they were new."""

SETTLE_S = 1.0
"""Changes come in bursts (link, then address, then route); they are told once, so long after the last of them."""

READ_SIZE = 65_536


class LinkMonitor:
    """Calls `changed` when an address came or went, or a link came up: not for each renewal of a lease."""

    __slots__ = ("_addresses", "_all_known", "_changed", "_due", "_reactor", "_running", "_socket")

    def __init__(self, reactor: Reactor, changed: Callable[[], None]) -> None:
        self._reactor = reactor
        self._changed = changed
        self._socket: socket.socket | None = None
        self._addresses: set[tuple[int, bytes]] = set()
        self._running: dict[int, bool] = {}
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
            sock.bind((0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))
            sock.send(_DUMP_ADDRESSES)
        except OSError as error:
            logger.info("changes of the network are not noticed at once: %s", error.strerror)
            if sock is not None:
                sock.close()
            return
        self._socket = sock
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
            return
        if self.receive(data):
            self._note_change()

    def _note_change(self) -> None:
        self._due = self._reactor.now() + SETTLE_S

    def receive(self, data: bytes) -> bool:
        """Take netlink messages; answers whether one of them changes what the phone must know."""
        changed = False
        while len(data) >= _HEADER.size:
            length, kind, *_ = _HEADER.unpack_from(data)
            if length < _HEADER.size or length > len(data):
                break
            body = data[_HEADER.size : length]
            if kind in (RTM_NEWADDR, RTM_DELADDR) and len(body) >= _ADDRESS.size:
                changed |= self._receive_address(kind, body)
            elif kind in (RTM_NEWLINK, RTM_DELLINK) and len(body) >= _LINK.size:
                changed |= self._receive_link(kind, body)
            elif kind == NLMSG_DONE:
                self._all_known, changed = True, False
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
