"""A stub resolver in the loop (RFC 1035 section 7, RFC 5452): questions go to name servers until one has answered.

Over UDP from a fresh random port with a random id each time, over TCP where the answer was too long for that. No cache.
"""

from collections import deque
from collections.abc import Callable

from device import plain_logging as logging
from device import plain_sockets as socket
from device.annotations import Final, Protocol
from device.ids import IdSource
from device.net.addresses import family_of
from device.net.dns_message import (
    FORMAT_ERROR,
    NAME_ERROR,
    NO_ERROR,
    NOT_IMPLEMENTED,
    TYPE_NAMES,
    DnsMessageError,
    DnsResponse,
    encode_query,
    parse_response,
)
from device.net.interfaces import Reactor
from device.net.server_location import Question
from device.net.system_names import ResolvConf, ServerAddress
from device.timing import TimerSet

logger = logging.getLogger(__name__)

MAX_QUERIES: Final = 16
"""Questions that are with a name server at once; the others wait."""
MAX_WAITING: Final = 256
MAX_SOCKETS: Final = 4
"""Servers whose late answer to one question is still listened for."""
SLOW_SERVER_S: Final = 60.0
"""A server that did not answer is asked after the others for so long."""
MAX_SERVERS_REMEMBERED: Final = 16
MAX_RESPONSE: Final = 65_535


class Watch(Protocol):
    """Somebody who looks on while questions are asked."""

    def answered(self, question: Question, server: ServerAddress, seconds: float, outcome: DnsResponse | str) -> None:
        """A server has answered after so long, or it has not, with the reason in a few words."""

    def system_answered(self, host: str, addresses: list[str], fault: str, seconds: float) -> None:
        """The C library has answered."""


class _Attempt:
    """A question on its way to one server, over one socket, since the time `at`."""

    __slots__ = ("at", "edns", "id", "query", "received", "server", "sock", "stream", "unsent")

    def __init__(
        self, query: "_Query", server: ServerAddress, sock: socket.socket, stream: bool, edns: bool, at: float
    ) -> None:
        self.at = at
        self.query = query
        self.server = server
        self.sock = sock
        self.stream = stream
        self.edns = edns
        self.id = 0
        self.unsent = b""
        self.received = bytearray()


class _Query:
    """A question until it is answered or every server has been asked often enough."""

    __slots__ = ("attempts", "question", "schedule")

    def __init__(self, question: Question, schedule: list[ServerAddress]) -> None:
        self.question = question
        self.schedule = deque(schedule)
        self.attempts: list[_Attempt] = []


class DnsClient:
    """Asks the servers of `conf` and hands every answer, None for none at all, to `deliver`.

    A question that is asked again while it is under way gets one answer.
    """

    def __init__(
        self,
        reactor: Reactor,
        ids: IdSource,
        deliver: Callable[[Question, DnsResponse | None], None],
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch
        self._reactor = reactor
        self._ids = ids
        self._deliver = deliver
        self.conf = ResolvConf()
        self._queries: dict[Question, _Query] = {}
        self._waiting: deque[Question] = deque()
        self._timers: TimerSet[Question] = TimerSet()
        self._slow: dict[ServerAddress, float] = {}
        """Servers that left a question open, and until when they are asked last."""
        self._plain: dict[ServerAddress, float] = {}
        """Servers that do not understand EDNS (RFC 6891 section 6.2.2)."""
        self._asked = 0

    def ask(self, question: Question) -> bool:
        """Ask for the records; false when it cannot be asked, so that no answer will come."""
        if question in self._queries or question in self._waiting:
            return True
        if not self.conf.servers or len(self._waiting) >= MAX_WAITING:
            return False
        if len(self._queries) >= MAX_QUERIES:
            self._waiting.append(question)
            return True
        try:
            encode_query(0, *question)
        except DnsMessageError as error:
            logger.info("%s", error)
            return False
        query = self._queries[question] = _Query(question, self._servers_in_order() * self.conf.attempts)
        if self._next_attempt(query):
            return True
        self._end(query)
        return False

    def next_timeout(self) -> float | None:
        """When a server has had its time."""
        return self._timers.next_timeout()

    def handle_timeout(self, now: float) -> None:
        """Go on to the next server where one has had its time."""
        for question in self._timers.pop_due(now):
            query = self._queries[question]
            self._note_slow(query.attempts[-1].server)
            self._tell(query.attempts[-1], "no-answer")
            self._go_on(query)

    def close(self) -> None:
        """Forget every question and close every socket."""
        self._waiting.clear()
        for query in list(self._queries.values()):
            self._end(query)

    def _servers_in_order(self) -> list[ServerAddress]:
        """The ones that answer first; in turn where `rotate` asks for it."""
        now, servers = self._reactor.now(), list(self.conf.servers)
        if self.conf.rotate:
            self._asked = (self._asked + 1) % len(servers)
            servers = servers[self._asked :] + servers[: self._asked]
        return sorted(servers, key=lambda server: self._slow.get(server, now) > now)

    def _next_attempt(self, query: _Query) -> bool:
        """Ask the next server that a datagram can be sent to; false when there is none."""
        while query.schedule:
            server = query.schedule.popleft()
            if self._start(query, server, stream=False, edns=server not in self._plain):
                return True
        return False

    def _go_on(self, query: _Query) -> None:
        """Ask the next server, or give the question up."""
        if not self._next_attempt(query):
            self._finish(query, None)

    def _start(self, query: _Query, server: ServerAddress, stream: bool, edns: bool) -> bool:
        """Open a socket to `server` and send the question; false when that is not possible."""
        sock, now = None, self._reactor.now()
        try:
            sock = _socket_towards(server, stream)
            attempt = _Attempt(query, server, sock, stream, edns, now)
            attempt.id = self._ids.number(16)
            message = encode_query(attempt.id, *query.question, edns)
            if stream:
                attempt.unsent = len(message).to_bytes(2, "big") + message
            else:
                sock.send(message)
        except (OSError, DnsMessageError) as error:
            logger.debug("DNS server %s: %s", server[0], error)
            if self._watch is not None:
                self._watch.answered(query.question, server, 0.0, getattr(error, "strerror", None) or str(error))
            if sock is not None:
                sock.close()
            return False
        query.attempts.append(attempt)
        if len(query.attempts) > MAX_SOCKETS:
            self._close(query.attempts.pop(0))
        if stream:
            self._reactor.add_writer(sock.fileno(), lambda: self._writable(attempt))
        self._reactor.add_reader(sock.fileno(), lambda: self._readable(attempt))
        self._timers.set(query.question, now + self.conf.timeout_s)
        return True

    def _writable(self, attempt: _Attempt) -> None:
        """The connection stands: send the question, as far as it can be sent now."""
        try:
            sent = attempt.sock.send(attempt.unsent)
        except OSError:
            # What is wrong with the connection is told by reading from it.
            return
        attempt.unsent = attempt.unsent[sent:]
        if not attempt.unsent:
            self._reactor.remove_writer(attempt.sock.fileno())

    def _readable(self, attempt: _Attempt) -> None:
        try:
            data = attempt.sock.recv(MAX_RESPONSE)
        except BlockingIOError:
            return
        except OSError as error:
            # A refusal by ICMP, or a connection that could not be made.
            self._tell_failure(attempt, error.strerror or str(error))
            return
        if attempt.stream:
            self._receive_stream(attempt, data)
        else:
            self._receive(attempt, data)

    def _receive_stream(self, attempt: _Attempt, data: bytes) -> None:
        """Two bytes of length stand before the message (RFC 1035 section 4.2.2)."""
        attempt.received += data
        if len(attempt.received) >= 2:
            length = int.from_bytes(attempt.received[:2], "big")
            if len(attempt.received) >= 2 + length:
                self._receive(attempt, bytes(attempt.received[2 : 2 + length]))
                return
        if not data:
            self._tell_failure(attempt, "the connection was closed")

    def _receive(self, attempt: _Attempt, data: bytes) -> None:
        if len(data) < 2 or int.from_bytes(data[:2], "big") != attempt.id:
            # Not the answer to this: somebody guesses (RFC 5452 section 9), so the right one may yet come.
            return
        try:
            response = parse_response(data)
        except DnsMessageError as error:
            self._tell_failure(attempt, str(error))
            return
        if response.name and (response.name, response.type) != attempt.query.question:
            return
        self._judge(attempt, response)

    def _judge(self, attempt: _Attempt, response: DnsResponse) -> None:
        """Take the answer, ask the same server in another way, or ask the next one."""
        query, server = attempt.query, attempt.server
        self._slow.pop(server, None)
        self._tell(attempt, response)
        if response.truncated and not attempt.stream:
            self._drop(attempt)
            if not self._start(query, server, stream=True, edns=attempt.edns):
                self._go_on(query)
        elif response.rcode in (FORMAT_ERROR, NOT_IMPLEMENTED) and attempt.edns:
            _remember(self._plain, server, self._reactor.now())
            self._drop(attempt)
            if not self._start(query, server, attempt.stream, edns=False):
                self._go_on(query)
        elif response.rcode in (NO_ERROR, NAME_ERROR) and not response.truncated:
            self._finish(query, response)
        else:
            self._fail(attempt, f"it answers with code {response.rcode}")

    def _tell(self, attempt: _Attempt, outcome: DnsResponse | str) -> None:
        if self._watch is not None:
            seconds = self._reactor.now() - attempt.at
            self._watch.answered(attempt.query.question, attempt.server, seconds, outcome)

    def _tell_failure(self, attempt: _Attempt, text: str) -> None:
        self._tell(attempt, text)
        self._fail(attempt, text)

    def _fail(self, attempt: _Attempt, text: str) -> None:
        """This server has no answer; the next one is asked at once if nobody else has been asked since."""
        query = attempt.query
        kind = TYPE_NAMES.get(query.question.type, "")
        logger.debug("DNS server %s on %s %s: %s", attempt.server[0], query.question.name, kind, text)
        self._note_slow(attempt.server)
        is_latest = query.attempts[-1] is attempt
        self._drop(attempt)
        if is_latest:
            self._go_on(query)

    def _note_slow(self, server: ServerAddress) -> None:
        _remember(self._slow, server, self._reactor.now() + SLOW_SERVER_S)

    def _finish(self, query: _Query, response: DnsResponse | None) -> None:
        self._end(query)
        self._deliver(query.question, response)
        while self._waiting and len(self._queries) < MAX_QUERIES:
            self._resume(self._waiting.popleft())

    def _resume(self, question: Question) -> None:
        if not self.ask(question):
            self._deliver(question, None)

    def _end(self, query: _Query) -> None:
        self._queries.pop(query.question, None)
        self._timers.cancel(query.question)
        for attempt in query.attempts:
            self._close(attempt)
        query.attempts.clear()

    def _drop(self, attempt: _Attempt) -> None:
        attempt.query.attempts.remove(attempt)
        self._close(attempt)

    def _close(self, attempt: _Attempt) -> None:
        fd = attempt.sock.fileno()
        self._reactor.remove_reader(fd)
        self._reactor.remove_writer(fd)
        attempt.sock.close()


def _remember(table: dict[ServerAddress, float], server: ServerAddress, time: float) -> None:
    """Note something of a server; the oldest note gives way."""
    table.pop(server, None)
    table[server] = time
    if len(table) > MAX_SERVERS_REMEMBERED:
        del table[next(iter(table))]


def _socket_towards(server: ServerAddress, stream: bool) -> socket.socket:
    """A socket that hears this server alone, at a port that the kernel chooses by chance. Raises OSError."""
    host, _, zone = server[0].partition("%")
    family = family_of(host)
    kind = (socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    sock = socket.socket(family, kind)
    try:
        address: tuple[str | int, ...] = (host, server[1])
        if family == socket.AF_INET6:
            address = (host, server[1], 0, socket.if_nametoindex(zone) if zone else 0)
        sock.connect(address)
    except BlockingIOError:
        pass
    except OSError:
        sock.close()
        raise
    return sock
