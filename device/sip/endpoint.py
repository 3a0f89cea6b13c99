"""The one front door of a SIP element: bytes on one side, the transaction user (user agent or proxy) on the other."""

from collections import deque
from collections.abc import Callable, Iterable

from device import plain_logging as logging
from device.annotations import Protocol
from device.ids import IdSource
from device.records import dataclass
from device.sip.client_table import SentBy
from device.sip.errors import SipParseError
from device.sip.hop import Hop, NextHop, Transmission
from device.sip.message import Request
from device.sip.parser import PING, KeepAlive, StreamFramer, is_keepalive, parse_message, validate
from device.sip.routing import mark_source, stateless_tag
from device.sip.timers import SipTimers
from device.sip.transaction_layer import (
    DEFAULT_LIMIT,
    CancelReceived,
    LookupWanted,
    RequestReceived,
    TransactionEvent,
    TransactionLayer,
)
from device.timing import TimerSet, earliest

_log = logging.getLogger(__name__)

STUN_COOKIE = b"\x21\x12\xa4\x42"
"""In the fifth to eighth byte of a datagram it tells STUN from SIP (RFC 8489 section 5, RFC 5626 section 8)."""

MAX_STREAMS = 256
"""Connections that are read at once; what comes on more is not read."""

_LONGEST_REASON = 120

MESSAGE_TIMEOUT_S = 32.0
"""Once a message has begun on a stream it has so many seconds (64 times T1) to end; else the stream is closed."""

Trace = Callable[[str, bytes, Hop, float], None]
"""Called with "in" or "out", the message, the other side and the time, for every message on the wire."""


class TransactionUser(Protocol):
    """What RFC 3261 section 5 calls the TU: the core that decides what messages mean."""

    def bind(self, layer: TransactionLayer) -> None:
        """Told once, before anything else, through which layer to send."""

    def receive_transaction_event(self, event: TransactionEvent, now: float) -> None:
        """Anything but LookupWanted, which is not the core's business.

        A SipParseError out of this method answers the request with the error's status.
        """

    def handle_timeout(self, now: float) -> None:
        """Do all that is due at `now`."""

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""

    def connection_closed(self, source: Hop, now: float) -> None:
        """A stream ended; the requests that awaited an answer on it have been told to have failed."""

    def next_event(self) -> object | None:
        """The oldest event for whoever owns the endpoint, not yet taken."""


@dataclass(frozen=True, slots=True)
class StreamBroken:
    """What comes on this connection can no longer be cut into messages: close it (RFC 3261 section 18.3)."""

    source: Hop
    reason: str


@dataclass(frozen=True, slots=True)
class EndpointCounters:
    """Messages since the start, and transactions now. `malformed` and `unmatched_responses` are parts of `received`."""

    received: int
    sent: int
    keepalives: int
    malformed: int
    unmatched_responses: int
    transactions: int


class SipEndpoint:
    """Joins parser, transaction layer and core.

    No input raises: bad requests are answered with their status, all else that is bad is dropped and counted.
    After any call, also one of the core's own methods, take `transmissions_to_send` and `next_event` until both are
    empty, and arm the clock for `next_timeout`.
    """

    __slots__ = (
        "_core",
        "_events",
        "_keepalives",
        "_malformed",
        "_received",
        "_sent",
        "_streams",
        "_unfinished",
        "layer",
        "on_trace",
    )

    def __init__(
        self,
        core: TransactionUser,
        timers: SipTimers,
        ids: IdSource,
        sent_by: SentBy,
        on_trace: Trace | None = None,
        server_limit: int = DEFAULT_LIMIT,
        client_limit: int = DEFAULT_LIMIT,
    ) -> None:
        self.layer = TransactionLayer(timers, ids, sent_by, server_limit, client_limit)
        self.on_trace = on_trace
        """May be set and taken away at any time."""
        self._core = core
        self._events: deque[LookupWanted | StreamBroken] = deque()
        self._streams: dict[Hop, StreamFramer | None] = {}
        self._unfinished: TimerSet[Hop] = TimerSet()
        self._received = self._sent = self._keepalives = self._malformed = 0
        core.bind(self.layer)

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """Take one UDP datagram."""
        self.layer.now = now
        if is_keepalive(data):
            self._keepalives += 1
        elif data[4:8] == STUN_COOKIE and data[0] < 0x40:
            self._keepalives += 1
            self.layer.receive_stun(data, source, now)
            self._pump()
        else:
            self._receive_message(data, source, now)

    def receive_stream(self, data: bytes, source: Hop, now: float) -> None:
        """Take some bytes of the stream that `source`, its connection included, names."""
        self.layer.now = now
        framer = self._framer(source)
        if framer is None:
            return
        try:
            frames = framer.receive_data(data)
        except SipParseError:
            frames = []
        for frame in frames:
            if not isinstance(frame, KeepAlive):
                self._receive_message(frame, source, now)
                continue
            self._keepalives += 1
            if frame is PING:
                self.layer.send_pong(source)
            else:
                self.layer.receive_pong(source, now)
                self._pump()
        if framer.fault is not None:
            self._refuse(framer.fault, source)
            self._break(source, str(framer.fault))
        elif not framer.is_within_message:
            self._unfinished.cancel(source)
        elif frames or source not in self._unfinished:
            self._unfinished.set(source, now + MESSAGE_TIMEOUT_S)

    def connection_closed(self, source: Hop, now: float) -> None:
        """A stream ended, by either side."""
        self._streams.pop(source, None)
        self._unfinished.cancel(source)
        self.layer.connection_closed(source, now)
        self._pump()
        self._core.connection_closed(source, now)

    def receive_transport_error(self, hop: Hop, now: float, text: str) -> None:
        """What was sent to `hop` did not get there; `text` says why in words."""
        self.layer.receive_transport_error(hop, now, text)
        self._pump()

    def receive_lookup(self, next_hop: NextHop, hops: Iterable[Hop], now: float) -> None:
        """The answer to LookupWanted: hops in the order in which to try them, none when nothing was found."""
        self.layer.receive_lookup(next_hop, hops, now)
        self._pump()

    def send_keepalive(self, hop: Hop, now: float) -> None:
        """Keep the flow to `hop` open; the core gets KeepAliveAnswered or KeepAliveLost for it."""
        self.layer.send_keepalive(hop, now)
        self._pump()

    def handle_timeout(self, now: float) -> None:
        """Do all that is due at `now`."""
        self.layer.handle_timeout(now)
        self._pump()
        self._core.handle_timeout(now)
        self._pump()
        for source in self._unfinished.pop_due(now):
            self._break(source, f"a message that did not end within {MESSAGE_TIMEOUT_S:.0f} s")

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted, in seconds of the caller's monotonic clock."""
        return earliest(self.layer.next_timeout(), self._core.next_timeout(), self._unfinished.next_timeout())

    def transmissions_to_send(self) -> list[Transmission]:
        """Everything that is to go on the wire, oldest first; each is given once."""
        self._pump()
        messages = self.layer.transmissions_to_send()
        self._sent += len(messages)
        if self.on_trace is not None:
            for message in messages:
                self.on_trace("out", message.data, message.hop, self.layer.now)
        return messages + self.layer.keepalives_to_send()

    def next_event(self) -> object | None:
        """The oldest event not yet taken: LookupWanted, StreamBroken, or one of the core's."""
        self._pump()
        return self._events.popleft() if self._events else self._core.next_event()

    def counters(self) -> EndpointCounters:
        """How much has come and gone."""
        return EndpointCounters(
            self._received,
            self._sent,
            self._keepalives,
            self._malformed,
            self.layer.unmatched_responses,
            len(self.layer),
        )

    def _break(self, source: Hop, reason: str) -> None:
        """Read no more of a stream and have it closed."""
        self._streams[source] = None
        self._unfinished.cancel(source)
        self._events.append(StreamBroken(source, reason))

    def _framer(self, source: Hop) -> StreamFramer | None:
        """The framer of a stream; None when the stream is broken or one too many."""
        if source not in self._streams:
            if len(self._streams) >= MAX_STREAMS:
                self._events.append(StreamBroken(source, f"{MAX_STREAMS} connections are open already"))
                return None
            self._streams[source] = StreamFramer()
        return self._streams[source]

    def _receive_message(self, data: bytes, source: Hop, now: float) -> None:
        self._received += 1
        if self.on_trace is not None:
            self.on_trace("in", data, source, now)
        try:
            message = parse_message(data)
            validate(message)
            self.layer.receive_message(message, source, now)
        except SipParseError as error:
            self._refuse(error, source)
        self._pump()

    def _refuse(self, error: SipParseError, source: Hop) -> None:
        """Count what could not be read, and answer it when enough of it could (RFC 3261 section 8.2)."""
        self._malformed += 1
        _log.debug("malformed message from %s: %s", source, error)
        request = error.partial
        if error.status is None or request is None or request.method == "ACK" or "Via" not in request.headers:
            return
        try:
            mark_source(request, source)
        except SipParseError:
            _log.debug("its Via cannot be read either")
        response = request.response(error.status, _reason(error), stateless_tag(request))
        self.layer.send_stateless(response, source)

    def _pump(self) -> None:
        """Give the core what the layer has for it, which may go on for some rounds."""
        while (event := self.layer.next_event()) is not None:
            if isinstance(event, LookupWanted):
                self._events.append(event)
                continue
            try:
                self._core.receive_transaction_event(event, self.layer.now)
            except SipParseError as error:
                self._malformed += 1
                _log.debug("the core cannot read %s: %s", type(event).__name__, error)
                if isinstance(event, RequestReceived | CancelReceived):
                    self._answer_bad_request(event, error)

    def _answer_bad_request(self, event: RequestReceived | CancelReceived, error: SipParseError) -> None:
        request: Request = event.request
        response = request.response(error.status or 400, _reason(error), stateless_tag(request))
        self.layer.send_response(event.key, response, self.layer.now)


def _reason(error: SipParseError) -> str | None:
    """What a 400 says about the fault (section 21.4.1), None where the usual phrase of the status will do."""
    text = str(error)[:_LONGEST_REASON]
    if error.status not in (None, 400) or not (text.isascii() and text.isprintable()):
        return None
    return f"Bad Request: {text}"
