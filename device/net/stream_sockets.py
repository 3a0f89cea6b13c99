"""What TCP and TLS share (RFC 3261 section 18): a listener, connections in both directions, limits and deadlines."""

import os
from collections.abc import Iterator
from itertools import count

from device import plain_logging as logging
from device import plain_sockets as socket
from device.annotations import ClassVar
from device.net.addresses import (
    DSCP_CS3,
    bound_socket,
    family_of,
    is_unspecified,
    mark_packets,
    socket_address,
    zones,
)
from device.net.interfaces import MessageReceiver, Reactor
from device.records import replace
from device.sip.hop import TCP, Hop, ip_literal
from device.timing import TimerSet

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
"""Time for the TCP handshake; afterwards a request may try UDP instead (RFC 3261 section 18.1.1)."""

FIRST_WORD_TIMEOUT_S = 32.0
"""Whoever connects to us and says nothing for so long (64 times T1) is shut out again."""

IDLE_TIMEOUT_S = 900.0
"""A connection of others without traffic for so long is closed. Those that we opened stay: behind address translation
a registrar can reach us by them alone, for as long as the registration lasts (RFC 5626 section 1)."""

PROBE_AFTER_S, PROBE_EVERY_S, PROBES = 60, 15, 4
"""The kernel asks a silent peer whether it is still there; one whose power was cut never says goodbye."""

UNACKNOWLEDGED_S = 20
"""A connection whose peer acknowledges nothing for so long is dead: less than the 32 s after which a request on it
times out, so that the next attempt opens a new one (TCP_USER_TIMEOUT of tcp(7); RFC 5482)."""

MAX_CONNECTIONS = 64
WARNING_PAUSE_S = 60.0
"""Between two warnings about refused connections, in seconds."""

MAX_ACCEPTED = 48
"""Connections that others may open; the rest is left for those that we open ourselves."""

ACCEPT_PAUSE_S = 1.0
"""Pause of the listener when no connection can be accepted, as when the process is out of descriptors."""

LISTENER = 0
"""The listener's name among the timers; connections are numbered from 1."""

MAX_UNSENT = 262_144
"""Bytes that may wait for a peer that does not read; beyond it the connection is given up."""

READ_SIZE = 16_384

_numbers: Iterator[int] = count(1)
"""Names of connections, TCP and TLS alike: a Hop tells by the number alone which one it means."""


class Connection:
    """One connection, being opened or open; of plain TCP unless a subclass says otherwise."""

    __slots__ = ("begun_at", "connecting", "hop", "is_ours", "sock", "tcp_done", "unsent", "used_at", "wants_write")

    def __init__(self, sock: socket.socket, hop: Hop, is_ours: bool) -> None:
        self.sock = sock
        self.hop = hop
        self.is_ours = is_ours
        """Whether we opened it."""
        self.tcp_done = not is_ours
        """Whether the handshake of TCP is over."""
        self.connecting = True
        """Whether nothing can be sent yet."""
        self.wants_write = False
        """Whether it can go on only when the kernel takes bytes again."""
        self.unsent = bytearray()
        self.used_at = self.begun_at = 0.0

    @property
    def number(self) -> int:
        """Its name within this process."""
        return self.hop.connection or 0

    def advance(self) -> bool:
        """Go on with what must be done before messages can pass; true when it is done. Raises OSError."""
        return True

    def send(self) -> None:
        """Send of `unsent` what goes. Raises OSError."""
        self.wants_write = False
        try:
            while self.unsent:
                sent = self.sock.send(self.unsent)
                del self.unsent[:sent]
        except BlockingIOError:
            self.wants_write = True

    def receive(self) -> bytes | None:
        """What has come: b"" at the end of the stream, None when it is nothing yet. Raises OSError."""
        try:
            return self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return None

    def has_more(self) -> bool:
        """Whether there is more to receive although the descriptor does not show it."""
        return False

    def say_goodbye(self) -> None:
        """Tell the other side, where the protocol has a word for it, that this is the end."""

    def explain(self, error: OSError) -> str:
        """What went wrong, in words."""
        return error.strerror or str(error)


class StreamSockets:
    """One transport over streams; everything that TCP and TLS have in common."""

    TRANSPORT: ClassVar[str] = TCP
    CONNECTION: ClassVar[type[Connection]] = Connection

    __slots__ = (
        "_by_id",
        "_dscp",
        "_listener",
        "_local_host",
        "_reactor",
        "_receiver",
        "_timers",
        "_warn_at",
        "local_port",
    )

    def __init__(self, reactor: Reactor, receiver: MessageReceiver, dscp: int = DSCP_CS3) -> None:
        self._warn_at = 0.0
        self._reactor = reactor
        self._receiver = receiver
        self._dscp = dscp
        self._listener: socket.socket | None = None
        self._local_host = ""
        self._by_id: dict[int, Connection] = {}
        self._timers: TimerSet[int] = TimerSet()
        self.local_port = 0
        """Where others can connect to us; 0 where they cannot."""

    def listen(self, host: str, port: int) -> None:
        """Accept connections at `host` ("" for every address) and `port`; raises NetError with the reason."""
        sock = bound_socket(socket.SOCK_STREAM, host, port)
        mark_packets(sock, self._dscp)
        self._listener = sock
        self.bind(host)
        self.local_port = sock.getsockname()[1]
        self._reactor.add_reader(sock.fileno(), self._acceptable)

    def bind(self, host: str) -> None:
        """Begin connections of ours at `host`, "" for whatever suits their destination."""
        self._local_host = "" if is_unspecified(host) else host

    def close(self) -> None:
        """Close the listener and every connection."""
        if self._listener is not None:
            self._reactor.remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None
            self._timers.cancel(LISTENER)
        for connection in list(self._by_id.values()):
            self._forget(connection)

    def send(self, data: bytes, hop: Hop, only_if_open: bool = False) -> None:
        """Send over the named connection, one open to the same peer, or, unless `only_if_open`, a new one."""
        connection = self.find(hop)
        if connection is None:
            if only_if_open:
                self._report(hop, "no connection is open")
                return
            connection = self._connect(hop)
            if connection is None:
                return
        if len(connection.unsent) + len(data) > MAX_UNSENT:
            self._fail(connection, "the peer does not read what we send")
            return
        connection.unsent += data
        if not connection.connecting:
            self._flush(connection)

    def find(self, hop: Hop) -> Connection | None:
        """The connection that `hop` names, or else the latest to the same peer (RFC 3261 section 18.1.1)."""
        named = self._by_id.get(hop.connection) if hop.connection is not None else None
        if named is not None:
            return named
        peers = (other for other in reversed(self._by_id.values()) if other.hop.port == hop.port)
        return next((other for other in peers if other.hop.host == hop.host and self._serves(other, hop)), None)

    def _serves(self, connection: Connection, hop: Hop) -> bool:
        """Whether a connection to the address of `hop` is what `hop` wants."""
        return True

    def next_timeout(self) -> float | None:
        """When a handshake or an idle connection times out, in monotonic seconds."""
        return self._timers.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Give up handshakes that take too long, close idle connections, accept again after a pause."""
        for number in self._timers.pop_due(now):
            connection = self._by_id.get(number)
            if number == LISTENER and self._listener is not None:
                self._reactor.add_reader(self._listener.fileno(), self._acceptable)
            elif connection is None:
                continue
            elif connection.connecting and connection.is_ours:
                what = self.TRANSPORT if connection.tcp_done else TCP
                seconds = now - connection.begun_at
                self._fail(connection, f"no answer to the {what} handshake within {seconds:.0f} s")
            else:
                self._end(connection)

    def _acceptable(self) -> None:
        if self._listener is None:
            return
        try:
            sock, address = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:
            # The connection stays in the queue and the listener readable: without a pause the loop would spin.
            logger.warning(
                "%s: no connection can be accepted: %s; next try in %.0f s", self.TRANSPORT, error, ACCEPT_PAUSE_S
            )
            self._reactor.remove_reader(self._listener.fileno())
            self._timers.set(LISTENER, self._reactor.now() + ACCEPT_PAUSE_S)
            return
        sock.setblocking(False)
        mark_packets(sock, self._dscp)
        host = zones.host_of(address)
        accepted = sum(not connection.is_ours for connection in self._by_id.values())
        if accepted >= MAX_ACCEPTED:
            self._warn(f"connections are refused, such as one from {host}: {accepted} are open")
            sock.close()
            return
        self._begin(self._add(sock, Hop(self.TRANSPORT, host, address[1]), is_ours=False))

    def _warn(self, text: str) -> None:
        """One line a minute: a scanner must not fill the log."""
        now = self._reactor.now()
        if now >= self._warn_at:
            self._warn_at = now + WARNING_PAUSE_S
            logger.warning("%s %s", self.TRANSPORT, text)

    def _connect(self, hop: Hop) -> Connection | None:
        if ip_literal(hop.host) is None:
            # The kernel would look a name up, and the whole phone would wait for it.
            self._report(hop, f"{hop.host} is no IP address")
            return None
        if len(self._by_id) >= MAX_CONNECTIONS:
            self._make_room()
        sock = None
        try:
            sock = socket.socket(family_of(hop.host), socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            # Before the first packet, so that the handshake carries the mark too.
            mark_packets(sock, self._dscp)
            if self._local_host and family_of(self._local_host) == sock.family:
                sock.bind((self._local_host, 0))
            sock.connect(socket_address(hop.host, hop.port, sock.family))
        except BlockingIOError:
            assert sock is not None
        except (OSError, OverflowError) as error:
            if sock is not None:
                sock.close()
            self._report(hop, getattr(error, "strerror", None) or str(error))
            return None
        connection = self._add(sock, hop, is_ours=True)
        self._reactor.add_writer(sock.fileno(), lambda: self._writable(connection))
        return connection

    def _make_room(self) -> None:
        """Close that connection of ours which has not been used for the longest time."""
        ours = [connection for connection in self._by_id.values() if connection.is_ours]
        self._end(min(ours, key=lambda connection: connection.used_at))

    def _add(self, sock: socket.socket, hop: Hop, is_ours: bool) -> Connection:
        _tune(sock)
        connection = self.CONNECTION(sock, replace(hop, connection=next(_numbers)), is_ours)
        connection.used_at = connection.begun_at = self._reactor.now()
        self._by_id[connection.number] = connection
        patience_s = CONNECT_TIMEOUT_S if is_ours else FIRST_WORD_TIMEOUT_S
        self._timers.set(connection.number, connection.used_at + patience_s)
        self._reactor.add_reader(sock.fileno(), lambda: self._readable(connection))
        return connection

    def _begin(self, connection: Connection) -> None:
        """The handshake of TCP is over: do what comes between it and the first message."""
        self._advance(connection)

    def _advance(self, connection: Connection) -> None:
        try:
            done = connection.advance()
        except OSError as error:
            self._fail(connection, connection.explain(error))
            return
        if not done:
            self._follow_wish_to_write(connection)
        elif self._accept_peer(connection):
            connection.connecting = False
            self._flush(connection)
            if not connection.is_ours:
                # Nothing has been said yet.
                self._timers.set(connection.number, connection.begun_at + FIRST_WORD_TIMEOUT_S)

    def _accept_peer(self, connection: Connection) -> bool:
        """Whether the other side is who it should be; a connection to another one has been failed."""
        return True

    def _follow_wish_to_write(self, connection: Connection) -> None:
        if connection.wants_write:
            self._reactor.add_writer(connection.sock.fileno(), lambda: self._writable(connection))
        else:
            self._reactor.remove_writer(connection.sock.fileno())

    def _writable(self, connection: Connection) -> None:
        if not connection.tcp_done:
            error = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._fail(connection, os.strerror(error))
                return
            connection.tcp_done = True
            self._begin(connection)
        elif connection.connecting:
            self._advance(connection)
        else:
            self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        self._touch(connection)
        try:
            connection.send()
        except OSError as error:
            self._fail(connection, connection.explain(error))
            return
        self._follow_wish_to_write(connection)

    def _readable(self, connection: Connection) -> None:
        if not connection.tcp_done:
            # The news is that it stands, or that it cannot be made.
            self._writable(connection)
            return
        if connection.connecting:
            self._advance(connection)
            return
        more = True
        while more and connection.number in self._by_id:
            try:
                data = connection.receive()
            except OSError as error:
                self._fail(connection, connection.explain(error))
                return
            if data is None:
                break
            if not data:
                self._end(connection)
                return
            self._touch(connection)
            self._receiver.receive_stream(data, connection.hop, self._reactor.now())
            more = connection.has_more()
        if connection.number in self._by_id and (connection.wants_write or connection.unsent):
            # TLS may want to write in order to read, and may have waited to read something before it could write.
            self._flush(connection)

    def _touch(self, connection: Connection) -> None:
        connection.used_at = self._reactor.now()
        if connection.is_ours:
            self._timers.cancel(connection.number)
        else:
            self._timers.set(connection.number, connection.used_at + IDLE_TIMEOUT_S)

    def close_connection(self, number: int) -> None:
        """Close one connection, as when its stream cannot be made sense of.

        It is closed at the end of the loop's turn: what is being answered to the last message goes out before that.
        """
        self._reactor.call_soon_threadsafe(lambda: self._close_numbered(number))

    def _close_numbered(self, number: int) -> None:
        if number in self._by_id:
            self._end(self._by_id[number])

    def drop_ours(self) -> None:
        """Close every connection that we opened; the next message opens a new one."""
        for connection in [connection for connection in self._by_id.values() if connection.is_ours]:
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        connection.say_goodbye()
        self._forget(connection)
        self._receiver.connection_closed(connection.hop, self._reactor.now())

    def _fail(self, connection: Connection, text: str) -> None:
        self._forget(connection)
        if connection.connecting and not connection.is_ours:
            # A stranger who could not even introduce himself; nobody has heard of him, and nobody waits.
            self._warn(f"from {connection.hop.host}: {text}")
            return
        self._report(connection.hop, text)
        self._receiver.connection_closed(connection.hop, self._reactor.now())

    def _report(self, hop: Hop, text: str) -> None:
        logger.info("%s to %s:%d: %s", self.TRANSPORT, hop.host, hop.port, text)
        self._receiver.receive_transport_error(hop, self._reactor.now(), text)

    def _forget(self, connection: Connection) -> None:
        fd = connection.sock.fileno()
        self._reactor.remove_reader(fd)
        self._reactor.remove_writer(fd)
        connection.sock.close()
        self._by_id.pop(connection.number, None)
        self._timers.cancel(connection.number)


def _tune(sock: socket.socket) -> None:
    """Send at once, and notice a peer that is gone; a peer that is gone already is noticed at the first read."""
    for level, option, value in (
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBE_AFTER_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_EVERY_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_S * 1000),
    ):
        try:
            sock.setsockopt(level, option, value)
        except OSError as error:
            logger.debug("the kernel refuses an option of TCP: %s", error)
