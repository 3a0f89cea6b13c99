"""The sockets of one SIP element together: UDP and TCP at one port, TLS, and the address to show others."""

from device import plain_logging as logging
from device.annotations import TYPE_CHECKING
from device.net.addresses import DSCP_CS3, NetError, has_route, is_ipv6, is_unspecified, local_address_towards
from device.net.interfaces import MessageReceiver, Reactor
from device.net.stream_sockets import StreamSockets
from device.net.tcp import TcpSockets
from device.net.tls_options import TlsOptions
from device.net.udp import UdpSocket
from device.sip.hop import TCP, TLS, UDP, Hop, Transmission
from device.timing import earliest

if TYPE_CHECKING:
    from device.net.tls import TlsSockets

logger = logging.getLogger(__name__)

PORT_TRIES = 8
"""Attempts to find a free port that UDP and TCP can share when any port will do."""


class SipSockets:
    """Carries `Transmission` out and bytes in; keeps UDP and TCP on the same port number."""

    __slots__ = ("_advertised", "_bind_address", "_dscp", "_reactor", "_receiver", "_tls", "_tls_options", "tcp", "udp")

    def __init__(
        self,
        reactor: Reactor,
        receiver: MessageReceiver,
        bind_address: str = "",
        advertised_address: str = "",
        tls_options: TlsOptions | None = None,
        dscp: int = DSCP_CS3,
    ) -> None:
        self._reactor = reactor
        self._receiver = receiver
        self._bind_address = bind_address
        self._advertised = advertised_address
        self._tls_options = tls_options or TlsOptions()
        self._dscp = dscp
        self._tls: TlsSockets | None = None
        self.udp = UdpSocket(reactor, receiver, dscp)
        self.tcp = TcpSockets(reactor, receiver, dscp)
        self.tcp.bind(bind_address)

    def open(self, port: int, listen_tcp: bool = True) -> None:
        """Open both sockets at `port`, or at one free port for both when it is 0; raises NetError.

        Without `listen_tcp` nobody can connect to us, but we can still use TCP towards others.
        """
        if not listen_tcp:
            self.udp.open(self._bind_address, port)
            return
        for attempt in range(PORT_TRIES if port == 0 else 1):
            self.udp.open(self._bind_address, port)
            try:
                self.tcp.listen(self._bind_address, self.udp.local_port)
            except NetError:
                self.udp.close()
                if attempt == PORT_TRIES - 1 or port:
                    raise
            else:
                return

    def listen_tls(self, port: int) -> None:
        """Let others connect by TLS, with the certificate of the options; raises NetError with the reason."""
        self.tls.listen(self._bind_address, port)

    @property
    def tls(self) -> "TlsSockets":
        """The TLS side, made and loaded when it is first wanted."""
        if self._tls is None:
            from device.net.tls import TlsSockets  # noqa: PLC0415  # ssl costs megabytes

            self._tls = TlsSockets(self._reactor, self._receiver, self._tls_options, self._dscp)
            self._tls.bind(self._bind_address)
        return self._tls

    @property
    def local_port(self) -> int:
        """The port of UDP, and of TCP where it listens."""
        return self.udp.local_port

    def port_of(self, transport: str) -> int:
        """Where others reach us by `transport`; 0 where nobody can connect, so that only our own connections serve."""
        if transport == UDP:
            return self.udp.local_port
        if transport == TCP:
            return self.tcp.local_port
        return self._tls.local_port if self._tls is not None else 0

    def send(self, transmission: Transmission) -> None:
        """Send by the transport that the transmission's hop names, never by another."""
        hop = transmission.hop
        if hop.transport == UDP:
            self.udp.send(transmission.data, hop)
        elif hop.transport in (TCP, TLS):
            streams = self.tcp if hop.transport == TCP else self.tls
            streams.send(transmission.data, hop, transmission.only_if_open)
        else:
            text = f"{hop.transport} is not available; use UDP, TCP or TLS"
            self._receiver.receive_transport_error(hop, self._reactor.now(), text)

    def sent_by(self, hop: Hop) -> tuple[str, int]:
        """The host and port at which the peer at `hop` can reach us, for Via and Contact; port 0 as in `port_of`."""
        return self.address_towards(hop.host), self.port_of(hop.transport)

    def address_towards(self, host: str) -> str:
        """Our own address as `host` should see it: advertised, bound, or the one of the outgoing interface."""
        if self._advertised:
            return self._advertised
        if not is_unspecified(self._bind_address):
            return self._bind_address
        return local_address_towards(host)

    def media_address_towards(self, host: str) -> str:
        """Our own address for sound from and to `host`, of the same family; "" where there is none."""
        if self._advertised:
            return self._advertised
        if not is_unspecified(self._bind_address):
            return self._bind_address if is_ipv6(self._bind_address) == is_ipv6(host) else ""
        return local_address_towards(host) if has_route(host) else ""

    def renew(self) -> None:
        """Make new sockets in place of those that bring nothing to its goal; listening ones keep their port."""
        port = self.udp.local_port
        try:
            self.udp.open(self._bind_address, port)
        except NetError as error:
            logger.error("the UDP socket could not be made anew: %s", error)
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close the connections that we opened: after a change of network nothing may come back on them.

        Where something would, the kernel's ever longer pauses between repetitions could still take minutes.
        """
        for streams in self._streams():
            streams.drop_ours()

    def close(self) -> None:
        """Close every socket."""
        self.udp.close()
        for streams in self._streams():
            streams.close()

    def close_connection(self, source: Hop) -> None:
        """Close the connection that `source` names, when what was being answered on it has gone out."""
        for streams in self._streams():
            if source.connection is not None and source.transport == streams.TRANSPORT:
                streams.close_connection(source.connection)

    def next_timeout(self) -> float | None:
        """When a connection needs attention."""
        return earliest(*(streams.next_timeout() for streams in self._streams()))

    def handle_timeout(self, now: float) -> None:
        """Give up slow handshakes, close idle connections."""
        for streams in self._streams():
            streams.handle_timeout(now)

    def _streams(self) -> tuple[StreamSockets, ...]:
        return (self.tcp,) if self._tls is None else (self.tcp, self._tls)
