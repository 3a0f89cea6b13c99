"""A UDP socket that sends sound to a multicast group and hears nothing back."""

from device import plain_sockets as socket
from device.annotations import Final
from device.net.addresses import NetError, explain_bind_error, is_ipv6, is_unspecified, mark_packets, open_socket
from device.net.rtp_socket import DSCP_EF, SO_PRIORITY_VOICE

HOPS: Final = 4
"""Routers that let multicast pass may let a page pass, too, but it does not leave the site."""


class MulticastPort:
    """Sends; made in the main thread, used in the thread of the services' sound."""

    def __init__(self, host: str, group: str, port: int) -> None:
        """Send from `host` ("" for whatever interface the route says) to `group`. Raises NetError."""
        any_address = "::" if is_ipv6(group) else "0.0.0.0"  # noqa: S104  # it only sends
        bound = any_address if is_unspecified(host) or is_ipv6(host) is not is_ipv6(group) else host
        self._destination = (group, port)
        try:
            self._socket = open_socket(socket.SOCK_DGRAM, bound, 0)
        except OSError as error:
            raise NetError(explain_bind_error(error, "multicast", bound, 0)) from error
        if is_ipv6(group):
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
            if bound != any_address:
                self._socket.setsockopt(
                    socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_pton(socket.AF_INET, bound)
                )
        mark_packets(self._socket, DSCP_EF, SO_PRIORITY_VOICE)
        self.refused = 0
        """Datagrams that the kernel would not send, as where no route leads to multicast."""

    def send(self, data: bytes) -> None:
        """Send one datagram; never waits, never raises."""
        try:
            self._socket.sendto(data, self._destination)
        except OSError:
            self.refused += 1

    def close(self) -> None:
        self._socket.close()
