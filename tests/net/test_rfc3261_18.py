"""RFC 3261 section 18 on real sockets, where no other test of this folder shows a clause."""

import socket

from device.net.udp import UdpSocket
from device.sip.hop import Hop
from tests.support.turning import HandLoop, Recorder

HOST = "127.0.0.1"
LARGEST = 65507
"""The most that a datagram carries over IPv4, in bytes."""


def test_a_datagram_of_the_largest_size_is_read(loop: HandLoop, heard: Recorder) -> None:
    udp = UdpSocket(loop, heard)
    udp.open(HOST, 0)
    data = b"x" * LARGEST
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * LARGEST)
        peer.bind((HOST, 0))
        peer.sendto(data, (HOST, udp.local_port))
        loop.turn_until(lambda: heard.datagrams)
        assert heard.datagrams == [(data, Hop("UDP", HOST, peer.getsockname()[1]))]
    udp.close()
