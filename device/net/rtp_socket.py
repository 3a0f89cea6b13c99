"""The UDP ports of one call's sound: RTP on an even port, RTCP on the odd one above it (RFC 3550 section 11)."""

import errno
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from select import POLLIN, poll
from struct import Struct

from device import plain_sockets as socket
from device.ids import IdSource
from device.net.addresses import (
    NetError,
    SocketAddress,
    explain_bind_error,
    mark_packets,
    open_socket,
    socket_address,
    zones,
)
from device.records import dataclass

MAX_RTP_DATAGRAM = 2048
"""Longest datagram taken whole, in bytes: an Ethernet packet and some reserve; what is longer is no speech."""

DSCP_EF = 46
"""The mark of voice: expedited forwarding (RFC 3246, RFC 4594 section 4.1)."""

SO_PRIORITY_VOICE = 6
"""Highest priority that a process may give its packets on the way to the network card without a privilege."""

MAX_KNOWN_DESTINATIONS = 16
"""How many checked destinations a port remembers; a call has one or two."""

NOWHERE: SocketAddress = ("", -1)
"""Stands for what is no IP literal: the kernel is never asked, for Python refuses the port."""

SIOCGSTAMPNS = 0x8907
"""When the datagram that was read last came, as seconds and nanoseconds (socket(7)); asking for it begins it."""
LONGEST_WAIT_S = 0.3
"""More than this is no wait: the clock was set."""
_STAMP = Struct("@ll")

_TAKEN = (errno.EADDRINUSE, errno.EACCES)
"""Why one port cannot be bound although another may."""


class RtpPort:
    """One bound UDP socket that never waits and never raises in use; made for the audio thread."""

    __slots__ = ("_arrivals", "_destinations", "_family", "_heard", "_socket", "_wall_clock", "local_port", "refused")

    def __init__(self, host: str, port: int, dscp: int = DSCP_EF, wall_clock: Callable[[], float] = time.time) -> None:
        """Bind to `host` ("" for every address of both families). Raises OSError."""
        self._wall_clock = wall_clock
        self._socket = open_socket(socket.SOCK_DGRAM, host, port)
        self._family = self._socket.family
        mark_packets(self._socket, dscp, SO_PRIORITY_VOICE)
        self._arrivals = poll()
        """Asked before each datagram: an exception where nothing is waiting would cost more than three system calls."""
        self._arrivals.register(self._socket.fileno(), POLLIN)
        self.local_port: int = self._socket.getsockname()[1]
        self.refused = 0
        """Datagrams that the kernel would not send: no route, full queue, bad address."""
        self._destinations: dict[tuple[str, int], SocketAddress] = {}
        self._heard: tuple[tuple[str, int, int, int], tuple[str, int]] | None = None
        """The last source as the kernel and as we write it: of fifty packets a second all come from one."""

    def receive(self) -> tuple[bytes, tuple[str, int]] | None:
        """The next datagram with its source, or None when none is waiting."""
        if not self._arrivals.poll(0):
            return None
        try:
            data, source = self._socket.recvfrom(MAX_RTP_DATAGRAM)
        except OSError:
            # ICMP errors of earlier datagrams, a wrong checksum, or a closed socket.
            return None
        if self._family == socket.AF_INET:
            return data, source
        if self._heard is None or self._heard[0] != source:
            # Descriptions name link-local addresses without zone; sending finds that again.
            self._heard = source, (zones.host_of(source).partition("%")[0], source[1])
        return data, self._heard[1]

    def waited_s(self) -> float:
        """How long the datagram that was received last had waited to be read; what came before the first such question
        is not known to have waited."""
        try:
            seconds, nanoseconds = _STAMP.unpack(ioctl(self._socket.fileno(), SIOCGSTAMPNS, bytes(_STAMP.size)))
        except (OSError, ValueError):
            return 0.0
        waited = self._wall_clock() - seconds - nanoseconds / 1e9
        return waited if 0.0 < waited < LONGEST_WAIT_S else 0.0

    def send(self, data: bytes, destination: tuple[str, int]) -> None:
        """Send to an IP literal. A host name is refused: to look it up would make the audio thread wait."""
        address = self._destinations.get(destination) or self._accept(destination)
        try:
            self._socket.sendto(data, address)
        except (OSError, OverflowError):
            self.refused += 1

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def _accept(self, destination: tuple[str, int]) -> SocketAddress:
        """The destination as our socket wants it; one that the kernel refuses for anything that is no IP literal."""
        try:
            address = socket_address(*destination, self._family)
            socket.inet_pton(self._family, address[0])
        except (OSError, ValueError):
            address = NOWHERE
        if len(self._destinations) >= MAX_KNOWN_DESTINATIONS:
            self._destinations.clear()
        self._destinations[destination] = address
        return address


@dataclass(frozen=True, slots=True)
class RtpSocketPair:
    """The two ports of one call."""

    rtp: RtpPort
    rtcp: RtpPort

    @property
    def local_port(self) -> int:
        """The even port, as the session description names it."""
        return self.rtp.local_port

    def close(self) -> None:
        """Release both; only for a pair that was not given to the audio thread."""
        self.rtp.close()
        self.rtcp.close()


def _even_ports(first_port: int, last_port: int, ids: IdSource) -> Iterator[int]:
    first = first_port + first_port % 2
    pairs = max(0, (last_port - first + 1) // 2)
    start = ids.number(16) % pairs if pairs else 0
    for index in range(pairs):
        yield first + 2 * ((start + index) % pairs)


def open_rtp_sockets(host: str, first_port: int, last_port: int, ids: IdSource, dscp: int = DSCP_EF) -> RtpSocketPair:
    """Bind an even port and the odd one above it, both within `first_port` to `last_port`.

    The search begins at a random pair, so that a stranger cannot guess the port and late packets of the last call do
    not reach the next. Raises NetError when no pair is free, or at once when the address itself cannot be used.
    """
    for port in _even_ports(first_port, last_port, ids):
        try:
            rtp = RtpPort(host, port, dscp)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise NetError(explain_bind_error(error, "RTP", host, port)) from error
            continue
        try:
            rtcp = RtpPort(host, port + 1, dscp)
        except OSError:
            rtp.close()
            continue
        rtcp.waited_s()  # from now on the kernel notes when datagrams come: round trips are measured by that
        return RtpSocketPair(rtp, rtcp)
    raise NetError(
        f"no free pair of RTP ports from {first_port} to {last_port}: other programs hold them; set a wider range"
    )
