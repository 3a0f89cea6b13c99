"""Connections in both directions, and everything that becomes of them: by TCP, which adds nothing of its own."""

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from device import plain_sockets
from device.net.addresses import DSCP_CS3, NetError
from device.net.stream_sockets import (
    ACCEPT_PAUSE_S,
    CONNECT_TIMEOUT_S,
    FIRST_WORD_TIMEOUT_S,
    IDLE_TIMEOUT_S,
    MAX_ACCEPTED,
    MAX_CONNECTIONS,
    MAX_UNSENT,
    UNACKNOWLEDGED_S,
    _tune,
)
from device.net.tcp import TcpSockets
from device.sip.hop import Hop
from tests.support.turning import HandLoop, Recorder

HOST = "127.0.0.1"

TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28
"""Options of tcp(7) that the module `socket` does not name: keep the packet that opened a connection, and give it."""


@pytest.fixture
def tcp(loop: HandLoop, heard: Recorder) -> Iterator[TcpSockets]:
    tcp = TcpSockets(loop, heard)
    tcp.listen(HOST, 0)
    yield tcp
    tcp.close()


@contextmanager
def _listening(backlog: int = 16) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(backlog)
        listener.settimeout(2)
        yield listener


@contextmanager
def _connected(tcp: TcpSockets) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, tcp.local_port), 2) as peer:
        yield peer


def _hop(listener: socket.socket, connection: int | None = None) -> Hop:
    return Hop("TCP", HOST, listener.getsockname()[1], connection)


def _reset(peer: socket.socket) -> None:
    """Close so that the other side gets an RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def test_bytes_come_with_the_connection_they_came_on(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as first, _connected(tcp) as second:
        first.sendall(b"one")
        second.sendall(b"two")
        loop.turn_until(lambda: len(heard.streamed) == 2)
        sources = dict(heard.streamed)
        assert sources[b"one"].connection != sources[b"two"].connection
        assert (sources[b"one"].host, sources[b"one"].port) == first.getsockname()
        tcp.send(b"answer", sources[b"two"])
        assert second.recv(100) == b"answer"


def test_a_connection_to_a_peer_is_opened_once_and_used_again(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _listening() as listener:
        tcp.send(b"INVITE ", _hop(listener))
        tcp.send(b"sip:", _hop(listener))
        loop.turn_until(lambda: not any(connection.unsent for connection in tcp._by_id.values()))
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"INVITE sip:"
            tcp.send(b"ACK", _hop(listener))
            assert accepted.recv(100) == b"ACK"
            accepted.sendall(b"BYE")
            loop.turn_until(lambda: heard.streamed)
            assert heard.stream == b"BYE"
    assert heard.errors == []


def test_a_refused_connection_is_reported(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _listening() as listener:
        hop = _hop(listener)
    tcp.send(b"INVITE", hop)
    loop.turn_until(lambda: heard.errors)
    assert heard.errors[0][0].is_same_path(hop)
    assert heard.errors[0][1] == "Connection refused"
    assert len(heard.closed) == 1
    assert tcp.next_timeout() is None


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [("example.org", 5060, "no IP address"), (HOST, 70_000, ""), ("255.255.255.255", 5060, "")],
)
def test_what_cannot_even_be_tried_is_reported_at_once(
    heard: Recorder, tcp: TcpSockets, host: str, port: int, words: str
) -> None:
    tcp.send(b"x", Hop("TCP", host, port))
    assert len(heard.errors) == 1
    assert words in heard.errors[0][1]
    assert not tcp._by_id


def test_a_handshake_that_takes_too_long_is_given_up(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _listening() as listener:
        tcp.send(b"INVITE", _hop(listener))
        # The loop is not turned: as far as we know the peer has not answered yet.
        started = tcp.next_timeout()
        assert started is not None
        tcp.handle_timeout(started)
    assert f"within {CONNECT_TIMEOUT_S:.0f} s" in heard.errors[0][1]
    assert not tcp._by_id


def test_an_orderly_end_is_told(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as peer:
        peer.sendall(b"x")
        loop.turn_until(lambda: heard.streamed)
    loop.turn_until(lambda: heard.closed)
    assert heard.errors == []
    assert heard.closed == [heard.streamed[0][1]]


def test_a_reset_is_an_error_and_an_end(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as peer:
        peer.sendall(b"x")
        loop.turn_until(lambda: heard.streamed)
        _reset(peer)
    loop.turn_until(lambda: heard.closed)
    assert heard.errors[0][1] == "Connection reset by peer"


def test_after_the_end_a_new_connection_is_opened(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _listening() as listener:
        tcp.send(b"first", _hop(listener))
        loop.turn_until(lambda: not any(connection.unsent for connection in tcp._by_id.values()))
        accepted, _ = listener.accept()
        assert accepted.recv(100) == b"first"
        accepted.close()
        loop.turn_until(lambda: heard.closed)
        stale = heard.closed[0]
        tcp.send(b"second", stale)
        loop.settle()
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"second"
            loop.settle()


def test_a_peer_that_does_not_read_is_given_up(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _listening() as listener:
        hop = _hop(listener)
        tcp.send(b"x", hop)
        loop.settle()
        accepted, _ = listener.accept()
        with accepted:
            for _ in range(400):
                tcp.send(b"y" * 65_536, hop)
                if heard.errors:
                    break
            assert "does not read" in heard.errors[0][1]
            assert not tcp._by_id


def test_what_did_not_fit_follows_when_the_peer_reads(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _listening() as listener:
        hop = _hop(listener)
        tcp.send(b"x", hop)
        loop.settle()
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(2)
            sent = 1
            connection = next(iter(tcp._by_id.values()))
            while not connection.unsent and sent < 100 * MAX_UNSENT:
                tcp.send(b"y" * 65_536, hop)
                sent += 65_536
            received = 0
            while received < sent:
                received += len(accepted.recv(1 << 20))
                loop.turn(0.0)
    assert not connection.unsent
    assert heard.errors == []


def test_a_send_that_fails_is_reported(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as peer:
        peer.sendall(b"x")
        loop.turn_until(lambda: heard.streamed)
        source = heard.streamed[0][1]
        connection = next(iter(tcp._by_id.values()))
        connection.sock.shutdown(socket.SHUT_WR)
        tcp.send(b"answer", source)
    assert heard.errors == [(source, "Broken pipe")]
    assert heard.closed == [source]


def test_a_reader_without_news_is_no_end(heard: Recorder, loop: HandLoop, tcp: TcpSockets) -> None:
    with _connected(tcp):
        loop.turn_until(lambda: tcp._by_id)
        tcp._readable(next(iter(tcp._by_id.values())))
        assert heard.closed == []


def test_whoever_says_nothing_is_shut_out(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as peer:
        loop.turn_until(lambda: tcp._by_id)
        due = tcp.next_timeout()
        assert due is not None
        assert loop.now() < due <= loop.now() + FIRST_WORD_TIMEOUT_S
        tcp.handle_timeout(due - 0.001)
        assert tcp._by_id
        tcp.handle_timeout(due)
        assert not tcp._by_id
        assert len(heard.closed) == 1
        assert peer.recv(10) == b""


def test_a_connection_that_was_used_may_be_idle_for_longer(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as peer:
        peer.sendall(b"x")
        loop.turn_until(lambda: heard.streamed)
        due = tcp.next_timeout()
        assert due is not None
        assert due > loop.now() + FIRST_WORD_TIMEOUT_S
        tcp.handle_timeout(due)
        assert heard.closed == [heard.streamed[0][1]]
        assert heard.errors == []
        assert due <= loop.now() + IDLE_TIMEOUT_S


def test_a_connection_of_ours_stays_for_calls_that_come_on_it(loop: HandLoop, tcp: TcpSockets) -> None:
    with _listening() as listener:
        tcp.send(b"REGISTER", _hop(listener))
        loop.turn_until(lambda: not any(connection.unsent for connection in tcp._by_id.values()))
        assert tcp.next_timeout() is None


def test_strangers_cannot_take_every_connection(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    strangers = []
    for number in range(MAX_ACCEPTED + 2):
        stranger = socket.create_connection((HOST, tcp.local_port), 2)
        strangers.append(stranger)
        loop.turn_until(lambda number=number: len(tcp._by_id) >= min(number + 1, MAX_ACCEPTED))  # type: ignore[misc]
    loop.settle()
    assert len(tcp._by_id) == MAX_ACCEPTED
    assert strangers[-1].recv(10) == b""
    with _listening(64) as listener:
        tcp.send(b"ours", _hop(listener))
        assert len(tcp._by_id) == MAX_ACCEPTED + 1
        assert heard.errors == []
    for stranger in strangers:
        stranger.close()


def test_the_connection_of_ours_that_rested_longest_gives_way(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    listeners = []
    for number in range(MAX_CONNECTIONS + 1):
        listener = socket.socket()
        listener.bind((HOST, 0))
        listener.listen(1)
        listeners.append(listener)
        loop.later = float(number)
        tcp.send(b"x", _hop(listener))
    assert len(tcp._by_id) == MAX_CONNECTIONS
    assert [hop.port for hop in heard.closed] == [listeners[0].getsockname()[1]]
    for listener in listeners:
        listener.close()


class _OutOfDescriptors:
    def __init__(self, listener: socket.socket, error: OSError) -> None:
        self._listener = listener
        self._error = error
        self.tries = 0

    def accept(self) -> None:
        self.tries += 1
        raise self._error

    def fileno(self) -> int:
        return self._listener.fileno()

    def close(self) -> None:
        self._listener.close()


def test_without_descriptors_the_listener_pauses_instead_of_spinning(
    loop: HandLoop, heard: Recorder, tcp: TcpSockets
) -> None:
    listener = tcp._listener
    assert listener is not None
    broken = _OutOfDescriptors(listener, OSError(errno.EMFILE, "Too many open files"))
    tcp._listener = broken  # type: ignore[assignment]
    with _connected(tcp) as peer:
        loop.turn_until(lambda: broken.tries)
        loop.settle()
        assert broken.tries == 1
        due = tcp.next_timeout()
        assert due is not None
        assert due <= loop.now() + ACCEPT_PAUSE_S
        tcp._listener = listener
        tcp.handle_timeout(due)
        peer.sendall(b"here")
        loop.turn_until(lambda: heard.streamed)


def test_a_caller_who_left_before_he_was_accepted_is_no_fault(loop: HandLoop, tcp: TcpSockets) -> None:
    listener = tcp._listener
    assert listener is not None
    for error in (BlockingIOError(), ConnectionAbortedError()):
        tcp._listener = _OutOfDescriptors(listener, error)  # type: ignore[assignment]
        tcp._acceptable()
        assert tcp.next_timeout() is None
    tcp._listener = listener


def test_no_descriptor_for_a_connection_of_ours_is_reported(
    heard: Recorder, tcp: TcpSockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(plain_sockets, "socket", refuse)
    tcp.send(b"x", Hop("TCP", HOST, 5060))
    assert heard.errors == [(Hop("TCP", HOST, 5060), "Too many open files")]


def test_a_connection_can_be_closed_by_its_number(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as peer:
        peer.sendall(b"nonsense")
        loop.turn_until(lambda: heard.streamed)
        source = heard.streamed[0][1]
        assert source.connection is not None
        tcp.close_connection(source.connection)
        tcp.send(b"SIP/2.0 400 ", source)
        loop.settle()
        assert peer.recv(100) == b"SIP/2.0 400 "
        assert peer.recv(100) == b""
        tcp.close_connection(source.connection)
        loop.settle()
    assert heard.closed == [source]


def test_closing_ends_everything(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _connected(tcp) as peer:
        loop.turn_until(lambda: tcp._by_id)
        tcp.close()
        tcp.close()
        assert peer.recv(10) == b""
        tcp._acceptable()
        assert tcp.next_timeout() is None
        assert heard.closed == []


def test_a_closed_listener_is_not_taken_up_again_after_its_pause(tcp: TcpSockets) -> None:
    listener = tcp._listener
    assert listener is not None
    tcp._listener = _OutOfDescriptors(listener, OSError(errno.EMFILE, "x"))  # type: ignore[assignment]
    tcp._acceptable()
    due = tcp.next_timeout()
    assert due is not None
    tcp.close()
    tcp.handle_timeout(due)
    assert tcp.next_timeout() is None


def test_a_taken_port_is_told(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with pytest.raises(NetError, match=r"TCP .* already in use"):
        TcpSockets(loop, heard).listen(HOST, tcp.local_port)


def test_a_connection_of_ours_leaves_from_the_address_that_we_name(loop: HandLoop, heard: Recorder) -> None:
    tcp = TcpSockets(loop, heard)
    tcp.listen("127.0.0.2", 0)
    with _listening() as listener:
        tcp.send(b"x", _hop(listener))
        accepted, address = listener.accept()
        with accepted:
            assert address[0] == "127.0.0.2"
    tcp.close()


def test_a_dead_peer_is_noticed_by_the_kernel(loop: HandLoop, tcp: TcpSockets) -> None:
    with _connected(tcp):
        loop.turn_until(lambda: tcp._by_id)
        sock = next(iter(tcp._by_id.values())).sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNACKNOWLEDGED_S * 1000


def test_after_a_change_of_network_the_connections_that_we_opened_go(
    loop: HandLoop, heard: Recorder, tcp: TcpSockets
) -> None:
    tcp._local_host = ""
    with _listening() as listener, _connected(tcp):
        tcp.send(b"x", _hop(listener))
        loop.turn_until(lambda: len(tcp._by_id) == 2 and not any(c.connecting for c in tcp._by_id.values()))
        tcp.drop_ours()
        assert [connection.is_ours for connection in tcp._by_id.values()] == [False]
        assert [hop.port for hop in heard.closed] == [listener.getsockname()[1]]
        assert heard.errors == []


def test_a_kernel_that_refuses_options_is_put_up_with() -> None:
    class Refusing:
        def setsockopt(self, *_: object) -> None:
            raise OSError(errno.EINVAL, "no")

    _tune(Refusing())  # type: ignore[arg-type]


def test_ipv6_is_spoken_on_loopback(loop: HandLoop, heard: Recorder) -> None:
    tcp = TcpSockets(loop, heard)
    tcp.listen("::1", 0)
    tcp.send(b"to myself", Hop("TCP", "::1", tcp.local_port))
    loop.turn_until(lambda: heard.streamed)
    assert heard.streamed[0][1].host == "::1"
    tcp.close()


def test_a_keepalive_opens_no_connection(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with _listening() as listener:
        tcp.send(b"\r\n\r\n", _hop(listener), only_if_open=True)
        assert heard.errors == [(_hop(listener), "no connection is open")]
        tcp.send(b"REGISTER", _hop(listener))
        tcp.send(b"\r\n\r\n", _hop(listener), only_if_open=True)
        loop.turn_until(lambda: not any(connection.unsent for connection in tcp._by_id.values()))
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"REGISTER\r\n\r\n"
    assert len(heard.errors) == 1


def test_one_listener_takes_connections_of_both_families(loop: HandLoop, heard: Recorder) -> None:
    tcp = TcpSockets(loop, heard)
    tcp.listen("", 0)
    for host in (HOST, "::1"):
        tcp.send(host.encode(), Hop("TCP", host, tcp.local_port))
    loop.turn_until(lambda: len(heard.streamed) == 2)
    assert {data.decode(): hop.host for data, hop in heard.streamed} == {HOST: HOST, "::1": "::1"}
    tcp.close()


def test_connections_are_marked_as_signalling(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    tcp.send(b"x", Hop("TCP", HOST, tcp.local_port))
    loop.turn_until(lambda: heard.streamed)
    marks = [one.sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) for one in tcp._by_id.values()]
    assert marks == [DSCP_CS3 << 2] * 2


def test_the_handshake_is_marked_too(loop: HandLoop, heard: Recorder, tcp: TcpSockets) -> None:
    with socket.create_server((HOST, 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 1)
        tcp.send(b"x", Hop("TCP", HOST, listener.getsockname()[1]))
        accepted, _ = listener.accept()
        with accepted:
            packet = accepted.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 100)
    type_of_service = packet[1]
    assert type_of_service == DSCP_CS3 << 2
