"""RTP ports on loopback."""

import select
import socket
import time

import pytest

from device.ids import CountingIds, SystemIds
from device.net.addresses import NetError
from device.net.rtp_socket import DSCP_EF, LONGEST_WAIT_S, SO_PRIORITY_VOICE, RtpPort, RtpSocketPair, open_rtp_sockets


class _FirstPair(CountingIds):
    """Begins the search at the lowest pair."""

    def number(self, bits: int) -> int:
        return 0


def _wait(port: RtpPort) -> tuple[bytes, tuple[str, int]] | None:
    select.select([port], [], [], 2)
    return port.receive()


def _free_range() -> tuple[int, int]:
    """Twelve ports that were free a moment ago, from an even one on."""
    pair = open_rtp_sockets("127.0.0.1", 20000, 29980, SystemIds())
    first = pair.local_port
    pair.close()
    return first, first + 11


def test_the_pair_is_even_and_odd_and_adjacent() -> None:
    pair = open_rtp_sockets("127.0.0.1", 20001, 29999, SystemIds())
    assert pair.local_port % 2 == 0
    assert pair.rtcp.local_port == pair.local_port + 1
    assert 20001 <= pair.local_port < 29999
    pair.close()
    pair.close()


def test_a_datagram_arrives_with_its_source() -> None:
    pair = open_rtp_sockets("127.0.0.1", 20000, 29999, SystemIds())
    pair.rtp.send(b"speech", ("127.0.0.1", pair.rtcp.local_port))
    assert _wait(pair.rtcp) == (b"speech", ("127.0.0.1", pair.local_port))
    assert pair.rtcp.receive() is None
    pair.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_how_long_a_datagram_waited_is_told(host: str) -> None:
    skew_s = 0.0
    port, other = RtpPort(host, 0, wall_clock=lambda: time.time() + skew_s), RtpPort(host, 0)
    assert port.waited_s() == 0.0, "nothing came yet; from now on the kernel notes the time"
    for data in (b"first", b"second"):
        other.send(data, (host, port.local_port))
    assert _wait(port) == (b"first", (host, other.local_port))
    skew_s = 0.02
    assert 0.02 <= port.waited_s() < LONGEST_WAIT_S
    assert _wait(port) == (b"second", (host, other.local_port))
    skew_s = 3600.0
    assert port.waited_s() == 0.0, "a clock that was set tells nothing"
    port.close()
    assert port.waited_s() == 0.0
    other.close()


def test_two_calls_get_two_pairs_and_a_full_range_says_what_to_do() -> None:
    first, last = _free_range()
    pairs: list[RtpSocketPair] = []
    while len(pairs) < 7:
        try:
            pairs.append(open_rtp_sockets("127.0.0.1", first, last, _FirstPair()))
        except NetError as error:
            assert "wider range" in str(error)  # noqa: PT017
            break
    assert len({pair.local_port for pair in pairs}) == len(pairs)
    assert 1 < len(pairs) < 7
    for pair in pairs:
        pair.close()


def test_a_pair_with_a_taken_odd_port_is_passed_over() -> None:
    first, last = _free_range()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", first + 1))
        pair = open_rtp_sockets("127.0.0.1", first, last, _FirstPair())
        assert pair.local_port > first
        pair.close()


def test_an_empty_range_has_no_pair() -> None:
    with pytest.raises(NetError):
        open_rtp_sockets("127.0.0.1", 20001, 20002, SystemIds())


def test_an_address_of_another_machine_is_told_at_once() -> None:
    with pytest.raises(NetError, match="no such address"):
        open_rtp_sockets("192.0.2.1", 20000, 29999, SystemIds())


def test_the_packets_ask_for_expedited_forwarding() -> None:
    port = RtpPort("127.0.0.1", 0)
    with socket.socket(fileno=socket.dup(port.fileno())) as same:
        assert same.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == DSCP_EF << 2
        assert same.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY) == SO_PRIORITY_VOICE
    port.close()


@pytest.mark.parametrize("destination", [("example.org", 4000), ("::1", 4000), ("127.0.0.1", 70000), ("", 4000)])
def test_what_cannot_be_sent_is_counted_and_never_raises(destination: tuple[str, int]) -> None:
    port = RtpPort("127.0.0.1", 0)
    port.send(b"x", destination)
    port.send(b"x", destination)
    assert port.refused == 2
    port.close()


def test_a_closed_port_neither_sends_nor_receives_nor_raises() -> None:
    port = RtpPort("127.0.0.1", 0)
    port.close()
    port.send(b"x", ("127.0.0.1", 4000))
    assert port.receive() is None
    assert port.refused == 1


def test_many_destinations_do_not_fill_the_memory() -> None:
    port = RtpPort("127.0.0.1", 0)
    other = RtpPort("127.0.0.1", 0)
    for last in range(1, 60):
        port.send(b"x", (f"127.0.0.{last}", other.local_port))
    assert _wait(other) == (b"x", ("127.0.0.1", port.local_port))
    port.close()
    other.close()


def test_ipv6_sources_are_literals_without_brackets() -> None:
    pair = open_rtp_sockets("::1", 20000, 29999, SystemIds())
    pair.rtcp.send(b"report", ("::1", pair.local_port))
    assert _wait(pair.rtp) == (b"report", ("::1", pair.rtcp.local_port))
    pair.close()


def test_a_dual_stack_port_talks_to_ipv4_peers() -> None:
    both = RtpPort("::", 0)
    peer = RtpPort("127.0.0.1", 0)
    both.send(b"to", ("127.0.0.1", peer.local_port))
    assert _wait(peer) == (b"to", ("127.0.0.1", both.local_port))
    peer.send(b"fro", ("127.0.0.1", both.local_port))
    assert _wait(both) == (b"fro", ("127.0.0.1", peer.local_port))
    both.send(b"x", ("example.org", 4000))
    assert both.refused == 1
    both.close()
    peer.close()


def test_the_same_source_is_written_the_same_way_each_time() -> None:
    both, peer = RtpPort("", 0), RtpPort("::1", 0)
    for count in range(2):
        peer.send(b"%d" % count, ("::1", both.local_port))
        assert _wait(both) == (b"%d" % count, ("::1", peer.local_port))
    both.close()
    peer.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_mark_is_on_the_packets_of_either_family(host: str) -> None:
    """As the other side sees it: type of service of IPv4, traffic class of IPv6 (RFC 2474 section 3)."""
    sender = RtpPort("", 0, dscp=26)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((host, 0))
        peer.settimeout(2)
        if ":" in host:
            peer.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            peer.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        sender.send(b"x", (host, peer.getsockname()[1]))
        _, ((_, _, mark), *_), _, _ = peer.recvmsg(10, 64)
    assert mark[0] >> 2 == 26
    sender.close()
