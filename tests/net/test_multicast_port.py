"""Sound to a multicast group, on the loopback interface."""

import socket
import struct
from collections.abc import Iterator

import pytest

from device.net.addresses import NetError
from device.net.multicast_port import MulticastPort

GROUP = "239.255.42.7"
HOST = "127.0.0.1"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((GROUP, 0))
        sock.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", *map(socket.inet_aton, (GROUP, HOST)))
        )
        sock.settimeout(5.0)
        yield sock


def test_what_is_sent_arrives_at_the_group(listener: socket.socket) -> None:
    port = MulticastPort(HOST, GROUP, listener.getsockname()[1])
    port.send(b"page")
    data, source = listener.recvfrom(100)
    assert (data, source[0]) == (b"page", HOST)
    port.close()
    port.send(b"after the end")
    assert port.refused == 1


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(NetError, match="no such address"):
        MulticastPort("192.0.2.77", GROUP, 4000)
