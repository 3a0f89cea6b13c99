"""SIP over TCP (RFC 3261 section 18): a listener and the connections in both directions."""

import logging
import os
import socket

from device.net.addresses import NetError, explain_bind_error, family_of, plain_host
from device.net.interfaces import MessageReceiver, Reactor
from device.records import replace
from device.sip.hop import Hop
from device.timing import TimerSet

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
"""Time for the TCP handshake; afterwards a request may try UDP instead (RFC 3261 section 18.1.1)."""

IDLE_TIMEOUT_S = 900.0
"""A connection without traffic for so long is closed; SIP re-opens it when needed."""

MAX_CONNECTIONS = 64
MAX_UNSENT = 262_144
"""Bytes that may wait for a peer that does not read; beyond it the connection is given up."""

READ_SIZE = 16_384


class Connection:
    """One TCP connection, being opened or open."""

    __slots__ = ("connecting", "hop", "sock", "unsent")

    def __init__(self, sock: socket.socket, hop: Hop, connecting: bool) -> None:
        self.sock = sock
        self.hop = hop
        self.connecting = connecting
        self.unsent = bytearray()


class TcpSockets:
    """The TCP side of a SIP element."""

    __slots__ = ("_by_id", "_by_peer", "_last_id", "_listener", "_reactor", "_receiver", "_timers", "local_port")

    def __init__(self, reactor: Reactor, receiver: MessageReceiver) -> None:
        self._reactor = reactor
        self._receiver = receiver
        self._listener: socket.socket | None = None
        self._by_id: dict[int, Connection] = {}
        self._by_peer: dict[tuple[str, int], Connection] = {}
        self._timers: TimerSet[int] = TimerSet()
        self._last_id = 0
        self.local_port = 0

    def listen(self, host: str, port: int) -> None:
        """Accept connections at `host` ("" for every address) and `port`; raises NetError with the reason."""
        family = family_of(host)
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind((host, port))
            sock.listen(16)
        except OSError as error:
            sock.close()
            raise NetError(explain_bind_error(error, "TCP", host, port)) from error
        self._listener = sock
        self.local_port = sock.getsockname()[1]
        self._reactor.add_reader(sock.fileno(), self._acceptable)

    def close(self) -> None:
        """Close the listener and every connection."""
        if self._listener is not None:
            self._reactor.remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
        for connection in list(self._by_id.values()):
            self._forget(connection)

    def send(self, data: bytes, hop: Hop) -> None:
        """Send over the named connection, one open to the same peer, or a new one."""
        connection = self._by_id.get(hop.connection) if hop.connection is not None else None
        connection = connection or self._by_peer.get((hop.host, hop.port))
        if connection is None:
            connection = self._connect(hop)
            if connection is None:
                return
        if len(connection.unsent) + len(data) > MAX_UNSENT:
            self._fail(connection, "the peer does not read what we send")
            return
        connection.unsent += data
        if not connection.connecting:
            self._flush(connection)

    def next_timeout(self) -> float | None:
        """When a handshake or an idle connection times out, in monotonic seconds."""
        return self._timers.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Give up handshakes that take too long and close idle connections."""
        for number in self._timers.pop_due(now):
            connection = self._by_id.get(number)
            if connection is None:
                continue
            if connection.connecting:
                self._fail(connection, f"no answer to the TCP handshake within {CONNECT_TIMEOUT_S:.0f} s")
            else:
                self._end(connection)

    def _acceptable(self) -> None:
        if self._listener is None:
            return
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            logger.debug("TCP accept: %s", error.strerror)
            return
        sock.setblocking(False)
        if len(self._by_id) >= MAX_CONNECTIONS:
            logger.warning("refused a TCP connection from %s: %d are open", address[0], MAX_CONNECTIONS)
            sock.close()
            return
        self._add(sock, Hop("TCP", plain_host(address[0]), address[1]), connecting=False)

    def _connect(self, hop: Hop) -> Connection | None:
        if len(self._by_id) >= MAX_CONNECTIONS:
            self._report(hop, f"{MAX_CONNECTIONS} TCP connections are open already")
            return None
        sock = socket.socket(family_of(hop.host), socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            sock.connect((hop.host, hop.port))
        except BlockingIOError:
            pass
        except (OSError, OverflowError, UnicodeError) as error:
            sock.close()
            self._report(hop, getattr(error, "strerror", None) or str(error))
            return None
        connection = self._add(sock, hop, connecting=True)
        self._reactor.add_writer(sock.fileno(), lambda: self._writable(connection))
        return connection

    def _add(self, sock: socket.socket, hop: Hop, connecting: bool) -> Connection:
        self._last_id += 1
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection = Connection(sock, replace(hop, connection=self._last_id), connecting)
        self._by_id[self._last_id] = connection
        self._by_peer[hop.host, hop.port] = connection
        self._timers.set(self._last_id, self._reactor.now() + (CONNECT_TIMEOUT_S if connecting else IDLE_TIMEOUT_S))
        self._reactor.add_reader(sock.fileno(), lambda: self._readable(connection))
        return connection

    def _writable(self, connection: Connection) -> None:
        if connection.connecting:
            error = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._fail(connection, os.strerror(error))
                return
            connection.connecting = False
        self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        self._touch(connection)
        try:
            while connection.unsent:
                sent = connection.sock.send(connection.unsent)
                del connection.unsent[:sent]
        except BlockingIOError:
            self._reactor.add_writer(connection.sock.fileno(), lambda: self._writable(connection))
            return
        except OSError as error:
            self._fail(connection, error.strerror or str(error))
            return
        self._reactor.remove_writer(connection.sock.fileno())

    def _readable(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(connection, error.strerror or str(error))
            return
        if not data:
            self._end(connection)
            return
        self._touch(connection)
        self._receiver.receive_stream(data, connection.hop, self._reactor.now())

    def _touch(self, connection: Connection) -> None:
        if connection.hop.connection is not None:
            self._timers.set(connection.hop.connection, self._reactor.now() + IDLE_TIMEOUT_S)

    def close_connection(self, number: int) -> None:
        """Close one connection, as when its stream cannot be made sense of."""
        if number in self._by_id:
            self._end(self._by_id[number])

    def _end(self, connection: Connection) -> None:
        self._forget(connection)
        self._receiver.connection_closed(connection.hop, self._reactor.now())

    def _fail(self, connection: Connection, text: str) -> None:
        self._forget(connection)
        self._report(connection.hop, text)
        self._receiver.connection_closed(connection.hop, self._reactor.now())

    def _report(self, hop: Hop, text: str) -> None:
        logger.info("TCP to %s:%d: %s", hop.host, hop.port, text)
        self._receiver.receive_transport_error(hop, self._reactor.now(), text)

    def _forget(self, connection: Connection) -> None:
        fd = connection.sock.fileno()
        self._reactor.remove_reader(fd)
        self._reactor.remove_writer(fd)
        connection.sock.close()
        number = connection.hop.connection
        if number is not None:
            self._by_id.pop(number, None)
            self._timers.cancel(number)
        peer = (connection.hop.host, connection.hop.port)
        if self._by_peer.get(peer) is connection:
            del self._by_peer[peer]
