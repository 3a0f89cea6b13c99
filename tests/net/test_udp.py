"""One UDP socket in the loop."""

import errno
import socket
from collections.abc import Iterator

import pytest

from device.net.addresses import NetError
from device.net.udp import DATAGRAMS_PER_TURN, DSCP_CS3, UdpSocket
from device.sip.hop import Hop
from tests.support.turning import HandLoop, Recorder

HOST = "127.0.0.1"


@pytest.fixture
def udp(loop: HandLoop, heard: Recorder) -> Iterator[UdpSocket]:
    udp = UdpSocket(loop, heard)
    udp.open(HOST, 0)
    yield udp
    udp.close()


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((HOST, 0))
        peer.settimeout(2)
        yield peer


class _BrokenSocket:
    """Stands for a kernel that has bad news."""

    def __init__(self, on_send: Exception | None = None, on_receive: list[Exception] | None = None) -> None:
        self._on_send = on_send
        self._on_receive = on_receive or []

    def sendto(self, data: bytes, address: object) -> None:
        if self._on_send is not None:
            raise self._on_send

    def recvfrom(self, size: int) -> None:
        raise self._on_receive.pop(0)

    def recvmsg(self, *_: object) -> None:
        raise BlockingIOError

    def fileno(self) -> int:
        return 0

    def close(self) -> None:
        pass


def _break(udp: UdpSocket, broken: _BrokenSocket) -> None:
    udp.close()
    udp._socket = broken  # type: ignore[assignment]


def test_a_datagram_comes_with_its_source(loop: HandLoop, heard: Recorder, udp: UdpSocket, peer: socket.socket) -> None:
    peer.sendto(b"REGISTER", (HOST, udp.local_port))
    loop.turn_until(lambda: heard.datagrams)
    assert heard.datagrams == [(b"REGISTER", Hop("UDP", HOST, peer.getsockname()[1]))]


def test_a_datagram_goes_out(udp: UdpSocket, peer: socket.socket) -> None:
    udp.send(b"200", Hop("UDP", HOST, peer.getsockname()[1]))
    assert peer.recvfrom(100) == (b"200", (HOST, udp.local_port))


def test_a_flood_leaves_the_loop_its_other_work(
    loop: HandLoop, heard: Recorder, udp: UdpSocket, peer: socket.socket
) -> None:
    for number in range(2 * DATAGRAMS_PER_TURN):
        peer.sendto(b"%d" % number, (HOST, udp.local_port))
    loop.turn(1.0)
    assert len(heard.datagrams) == DATAGRAMS_PER_TURN
    loop.turn(1.0)
    assert len(heard.datagrams) == 2 * DATAGRAMS_PER_TURN


def test_the_packets_are_marked_as_signalling(udp: UdpSocket) -> None:
    assert udp._socket is not None
    assert udp._socket.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == DSCP_CS3 << 2


@pytest.mark.parametrize("host", ["example.org", "", "::1"])
def test_what_cannot_be_reached_is_reported_without_a_look_up(heard: Recorder, udp: UdpSocket, host: str) -> None:
    hop = Hop("UDP", host, 5060)
    udp.send(b"x", hop)
    assert [error[0] for error in heard.errors] == [hop]
    assert heard.errors[0][1]


@pytest.mark.parametrize("port", [0, 70_000])
def test_a_port_that_is_none_is_reported(heard: Recorder, udp: UdpSocket, port: int) -> None:
    udp.send(b"x", Hop("UDP", HOST, port))
    assert len(heard.errors) == 1


def test_a_full_socket_buffer_is_loss_and_no_error(heard: Recorder, udp: UdpSocket) -> None:
    _break(udp, _BrokenSocket(on_send=BlockingIOError()))
    udp.send(b"x", Hop("UDP", HOST, 5060))
    assert heard.errors == []


def test_news_of_an_icmp_error_neither_raises_nor_stops_the_reading(heard: Recorder, udp: UdpSocket) -> None:
    refused = OSError(errno.ECONNREFUSED, "Connection refused")
    _break(udp, _BrokenSocket(on_receive=[refused, refused, BlockingIOError()]))
    udp._readable()
    assert heard.datagrams == heard.errors == []
    udp.close()


def _unused_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind((host, 0))
        return int(gone.getsockname()[1])


@pytest.mark.parametrize(("local", "remote"), [(HOST, HOST), ("::1", "::1"), ("::", HOST)])
def test_a_port_where_nobody_listens_is_reported_at_once(
    loop: HandLoop, heard: Recorder, udp: UdpSocket, local: str, remote: str
) -> None:
    udp.open(local, 0)
    hop = Hop("UDP", remote, _unused_port(remote))
    udp.send(b"x", hop)
    loop.turn_until(lambda: heard.errors)
    assert heard.errors == [(hop, "Connection refused")]
    loop.settle()
    assert len(heard.errors) == 1


def test_the_fault_of_one_peer_does_not_touch_another(
    loop: HandLoop, heard: Recorder, udp: UdpSocket, peer: socket.socket
) -> None:
    hop = Hop("UDP", HOST, _unused_port(HOST))
    udp.send(b"x", hop)
    # The kernel tells the next sender of the refusal.
    udp.send(b"y", Hop("UDP", HOST, peer.getsockname()[1]))
    assert peer.recvfrom(10)[0] == b"y"
    assert heard.errors == [(hop, "Connection refused")]
    peer.sendto(b"z", (HOST, udp.local_port))
    loop.turn_until(lambda: heard.datagrams)
    assert len(heard.errors) == 1


def test_an_error_that_the_socket_has_forgotten_is_still_in_the_queue(
    loop: HandLoop, heard: Recorder, udp: UdpSocket
) -> None:
    hop = Hop("UDP", HOST, _unused_port(HOST))
    udp.send(b"x", hop)
    assert udp._socket is not None
    assert udp._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
    loop.turn_until(lambda: heard.errors)
    assert heard.errors == [(hop, "Connection refused")]


def test_a_socket_that_is_closed_on_bad_news_sends_no_more(udp: UdpSocket, peer: socket.socket) -> None:
    class Closing(Recorder):
        def receive_transport_error(self, hop: Hop, now: float, text: str) -> None:
            super().receive_transport_error(hop, now, text)
            udp.close()

    closing = udp._receiver = Closing()
    udp.send(b"x", Hop("UDP", HOST, _unused_port(HOST)))
    udp.send(b"y", Hop("UDP", HOST, peer.getsockname()[1]))
    assert [hop.port for hop, _ in closing.errors][1:] == [peer.getsockname()[1]]


def test_a_closed_socket_is_silent(loop: HandLoop, heard: Recorder, udp: UdpSocket, peer: socket.socket) -> None:
    udp.close()
    udp.close()
    udp.send(b"x", Hop("UDP", HOST, peer.getsockname()[1]))
    udp._readable()
    assert heard.datagrams == heard.errors == []


def test_closing_while_reading_ends_the_reading(loop: HandLoop, udp: UdpSocket, peer: socket.socket) -> None:
    class Closing(Recorder):
        def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
            super().receive_datagram(data, source, now)
            udp.close()

    closing = udp._receiver = Closing()
    peer.sendto(b"1", (HOST, udp.local_port))
    peer.sendto(b"2", (HOST, udp.local_port))
    loop.turn(1.0)
    loop.settle()
    assert [data for data, _ in closing.datagrams] == [b"1"]


def test_opening_again_moves_the_socket(loop: HandLoop, udp: UdpSocket) -> None:
    udp.open(HOST, 0)
    with pytest.raises(NetError, match=r"UDP 192\.0\.2\.1:5060"):
        udp.open("192.0.2.1", 5060)


def test_ipv6_is_spoken_on_loopback(loop: HandLoop, heard: Recorder) -> None:
    udp = UdpSocket(loop, heard)
    udp.open("::1", 0)
    udp.send(b"x", Hop("UDP", "::1", udp.local_port))
    loop.turn_until(lambda: heard.datagrams)
    assert heard.datagrams == [(b"x", Hop("UDP", "::1", udp.local_port))]
    udp.close()


def test_a_dual_stack_socket_reaches_ipv4(loop: HandLoop, heard: Recorder, peer: socket.socket) -> None:
    udp = UdpSocket(loop, heard)
    udp.open("::", 0)
    udp.send(b"x", Hop("UDP", HOST, peer.getsockname()[1]))
    assert peer.recvfrom(10)[0] == b"x"
    peer.sendto(b"y", (HOST, udp.local_port))
    loop.turn_until(lambda: heard.datagrams)
    assert heard.datagrams[0][1].host == HOST
    udp.close()


def test_without_a_bind_address_both_families_are_served(loop: HandLoop, heard: Recorder) -> None:
    udp = UdpSocket(loop, heard)
    udp.open("", 0)
    for host in (HOST, "::1"):
        udp.send(host.encode(), Hop("UDP", host, udp.local_port))
    loop.turn_until(lambda: len(heard.datagrams) == 2)
    assert {data.decode(): hop.host for data, hop in heard.datagrams} == {HOST: HOST, "::1": "::1"}
    udp.close()
