"""The sockets of one SIP element together: UDP and TCP at one port, look-ups, and the address to show others."""

import logging

from device.net.addresses import NetError, is_unspecified, local_address_towards
from device.net.interfaces import MessageReceiver, Reactor
from device.net.tcp import TcpSockets
from device.net.udp import UdpSocket
from device.sip.hop import Hop, Transmission

logger = logging.getLogger(__name__)

PORT_TRIES = 8
"""Attempts to find a free port that UDP and TCP can share when any port will do."""


class SipSockets:
    """Carries `Transmission` out and bytes in; keeps UDP and TCP on the same port number."""

    __slots__ = ("_advertised", "_bind_address", "_reactor", "_receiver", "tcp", "udp")

    def __init__(
        self, reactor: Reactor, receiver: MessageReceiver, bind_address: str = "", advertised_address: str = ""
    ) -> None:
        self._reactor = reactor
        self._receiver = receiver
        self._bind_address = bind_address
        self._advertised = advertised_address
        self.udp = UdpSocket(reactor, receiver)
        self.tcp = TcpSockets(reactor, receiver)

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

    @property
    def local_port(self) -> int:
        """The port both listen on."""
        return self.udp.local_port

    def send(self, transmission: Transmission) -> None:
        """Send by the transport that the transmission's hop names."""
        if transmission.hop.transport == "UDP":
            self.udp.send(transmission.data, transmission.hop)
        elif transmission.hop.transport == "TCP":
            self.tcp.send(transmission.data, transmission.hop, transmission.only_if_open)
        else:
            # Whoever asked for secrecy must not be served in the open.
            text = f"{transmission.hop.transport} is not available; use UDP or TCP"
            self._receiver.receive_transport_error(transmission.hop, self._reactor.now(), text)

    def sent_by(self, hop: Hop) -> tuple[str, int]:
        """The host and port at which the peer at `hop` can reach us: for Via, Contact and SDP."""
        return self.address_towards(hop.host), self.local_port

    def address_towards(self, host: str) -> str:
        """Our own address as `host` should see it: advertised, bound, or the one of the outgoing interface."""
        if self._advertised:
            return self._advertised
        if not is_unspecified(self._bind_address):
            return self._bind_address
        return local_address_towards(host)

    def renew(self) -> None:
        """Make new sockets in place of those that bring nothing to its goal; listening ones keep their port."""
        port = self.udp.local_port
        try:
            self.udp.open(self._bind_address, port)
        except NetError as error:
            logger.error("the UDP socket could not be made anew: %s", error)
        self.tcp.drop_ours()

    def close(self) -> None:
        """Close every socket."""
        self.udp.close()
        self.tcp.close()

    def next_timeout(self) -> float | None:
        """When a TCP connection needs attention."""
        return self.tcp.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Give up slow handshakes, close idle connections."""
        self.tcp.handle_timeout(now)
