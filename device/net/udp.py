"""SIP over UDP (RFC 3261 section 18): one socket, datagrams in and out."""

from device import plain_logging as logging
from device import plain_sockets as socket
from device.net.addresses import DSCP_CS3, SocketAddress, bound_socket, mark_packets, socket_address, zones
from device.net.icmp_errors import ask_for_errors, take_errors
from device.net.interfaces import MessageReceiver, Reactor
from device.sip.hop import Hop, ip_literal

logger = logging.getLogger(__name__)

DATAGRAMS_PER_TURN = 32
"""How many datagrams are read before the loop's other work has its turn."""

MAX_DATAGRAM = 65535
"""The largest payload that UDP can carry, in bytes."""


class UdpSocket:
    """The UDP socket of a SIP element."""

    __slots__ = ("_dscp", "_family", "_reactor", "_receiver", "_socket", "local_port")

    def __init__(self, reactor: Reactor, receiver: MessageReceiver, dscp: int = DSCP_CS3) -> None:
        self._dscp = dscp
        self._reactor = reactor
        self._receiver = receiver
        self._socket: socket.socket | None = None
        self._family: int = socket.AF_INET
        self.local_port = 0

    def open(self, host: str, port: int) -> None:
        """Bind to `host` ("" for every address) and `port` (0 for any); raises NetError with the reason."""
        self.close()
        sock = bound_socket(socket.SOCK_DGRAM, host, port)
        mark_packets(sock, self._dscp)
        self._family = sock.family
        ask_for_errors(sock, self._family)
        self._socket = sock
        self.local_port = sock.getsockname()[1]
        self._reactor.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Close the socket; closing twice is no error."""
        if self._socket is not None:
            self._reactor.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def send(self, data: bytes, hop: Hop) -> None:
        """Send one datagram; a failure is told to the receiver, loss is SIP's own business."""
        if self._socket is None:
            return
        if ip_literal(hop.host) is None:
            # The kernel would look a name up, and the whole phone would wait for it.
            self._receiver.receive_transport_error(hop, self._reactor.now(), f"{hop.host} is no IP address")
            return
        try:
            self._send_to(socket_address(hop.host, hop.port, self._family), data)
        except BlockingIOError:
            logger.debug("socket buffer full: datagram to %s:%d dropped, SIP will repeat it", hop.host, hop.port)
        except (OSError, OverflowError) as error:
            text = getattr(error, "strerror", None) or str(error)
            self._receiver.receive_transport_error(hop, self._reactor.now(), text)

    def _send_to(self, address: SocketAddress, data: bytes) -> None:
        assert self._socket is not None
        try:
            self._socket.sendto(data, address)
        except BlockingIOError:
            raise
        except OSError:
            # The kernel may have meant an earlier datagram, to somebody else.
            if not self._report_unreachable() or self._socket is None:
                raise
            self._socket.sendto(data, address)

    def _report_unreachable(self) -> bool:
        """Tell of the peers to whom datagrams did not get; false when there are none (RFC 3261 section 18.4)."""
        assert self._socket is not None
        unreachable = take_errors(self._socket)
        for (host, port), text in unreachable.items():
            self._receiver.receive_transport_error(Hop("UDP", host, port), self._reactor.now(), text)
        return bool(unreachable)

    def _readable(self) -> None:
        for number in range(DATAGRAMS_PER_TURN):
            if self._socket is None:
                return
            try:
                data, address = self._socket.recvfrom(MAX_DATAGRAM)
            except BlockingIOError:
                if number == 0:
                    # Nothing to read after all: it is the queue of errors that woke us, and would again.
                    self._report_unreachable()
                return
            except OSError:
                self._report_unreachable()
                continue
            source = Hop("UDP", zones.host_of(address), address[1])
            self._receiver.receive_datagram(data, source, self._reactor.now())
