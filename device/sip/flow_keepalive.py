"""Keep-alives that we send on the flow to a server, and their answers (RFC 5626 section 4.4)."""

from collections import deque

from device.annotations import Final
from device.ids import IdSource
from device.sip.hop import UDP, Hop, Transmission
from device.sip.outbox import Outbox
from device.sip.stun import BINDING_ERROR, BINDING_SUCCESS, TRANSACTION_ID_BYTES, encode_request, parse_stun
from device.sip.transaction import KeepAliveAnswered, KeepAliveLost
from device.timing import TimerSet

PONG_TIMEOUT_S: Final = 10.0
"""A stream on which no pong has come by then has failed (section 4.4.1)."""

FIRST_RTO_S: Final = 0.5
REQUESTS: Final = 7
LAST_WAIT: Final = 16
"""RFC 8489 section 6.2.1: RTO, Rc and Rm. The seventh request leaves after 31.5 s, all is over after 39.5 s."""

MAX_FLOWS: Final = 64
"""Flows that await an answer; beyond them the oldest is told as lost."""

PING: Final = b"\r\n\r\n"

_Flow = tuple[str, str, int]


class _Waiting:
    """One keep-alive that has not been answered yet."""

    __slots__ = ("data", "hop", "interval_s", "left", "sent_at", "transaction_id")

    def __init__(self, hop: Hop, data: bytes, transaction_id: bytes, now: float) -> None:
        self.hop = hop
        self.data = data
        self.transaction_id = transaction_id
        self.sent_at = now
        self.interval_s = FIRST_RTO_S
        self.left = REQUESTS - 1


class FlowKeepAlives:
    """What was sent to which flow and not answered yet: one keep-alive a flow, known by transport and address.

    Every `send` ends with exactly one KeepAliveAnswered or KeepAliveLost.
    """

    __slots__ = ("_ids", "_mapped", "_outbox", "_raw", "_timers", "_waiting")

    def __init__(self, ids: IdSource, outbox: Outbox, raw: deque[Transmission]) -> None:
        self._ids = ids
        self._outbox = outbox
        self._raw = raw
        self._waiting: dict[_Flow, _Waiting] = {}
        self._mapped: dict[_Flow, tuple[str, int]] = {}
        self._timers: TimerSet[_Flow] = TimerSet()

    def send(self, hop: Hop, now: float) -> None:
        """Ping a stream, or ask by STUN over UDP; while one is unanswered no other is sent to the same flow."""
        flow = _flow(hop)
        if flow in self._waiting:
            return
        if len(self._waiting) >= MAX_FLOWS:
            self._lose(next(iter(self._waiting)), "too many keep-alives are under way")
        if hop.transport == UDP:
            transaction_id = self._ids.number(8 * TRANSACTION_ID_BYTES).to_bytes(TRANSACTION_ID_BYTES, "big")
            waiting = _Waiting(hop, encode_request(transaction_id), transaction_id, now)
            self._timers.set(flow, now + FIRST_RTO_S)
        else:
            waiting = _Waiting(hop, PING, b"", now)
            self._timers.set(flow, now + PONG_TIMEOUT_S)
        self._waiting[flow] = waiting
        self._put(waiting)

    def receive_pong(self, source: Hop, now: float) -> None:
        """One CR LF came on a stream."""
        flow = _flow(source)
        waiting = self._waiting.get(flow)
        if waiting is not None:
            self._settle(flow, KeepAliveAnswered(waiting.hop, now - waiting.sent_at))

    def receive_stun(self, data: bytes, source: Hop, now: float) -> None:
        """A STUN response came; one that answers nothing is dropped (RFC 8489 section 6.3.3)."""
        flow = _flow(source)
        waiting = self._waiting.get(flow)
        message = parse_stun(data)
        if waiting is None or message is None or message.transaction_id != waiting.transaction_id:
            return
        if message.kind == BINDING_SUCCESS and message.mapped is not None and not message.unknown:
            before = self._mapped.pop(flow, message.mapped)
            self._mapped[flow] = message.mapped
            if len(self._mapped) > MAX_FLOWS:
                del self._mapped[next(iter(self._mapped))]
            moved = before != message.mapped
            self._settle(flow, KeepAliveAnswered(waiting.hop, now - waiting.sent_at, message.mapped, moved))
        elif message.kind == BINDING_ERROR:
            self._lose(flow, f"the server answers STUN with error {message.error}")
        elif message.kind == BINDING_SUCCESS:
            self._lose(flow, "the server's STUN answer tells no address")

    def fail(self, hop: Hop, reason: str) -> None:
        """The flow is gone: the connection was closed, or what was sent did not get there."""
        flow = _flow(hop)
        if flow in self._waiting:
            self._lose(flow, reason)

    def handle_timeout(self, now: float) -> None:
        """Repeat STUN requests, give up what was not answered."""
        for flow in self._timers.pop_due(now):
            waiting = self._waiting[flow]
            if not waiting.transaction_id or waiting.left == 0:
                self._lose(flow, f"no answer within {now - waiting.sent_at:.1f} s")
                continue
            waiting.left -= 1
            waiting.interval_s *= 2
            pause = waiting.interval_s if waiting.left else LAST_WAIT * FIRST_RTO_S
            self._timers.set(flow, now + pause)
            self._put(waiting)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is next wanted."""
        return self._timers.next_timeout()

    def _put(self, waiting: _Waiting) -> None:
        self._raw.append(Transmission(waiting.data, waiting.hop, only_if_open=True))

    def _lose(self, flow: _Flow, reason: str) -> None:
        self._settle(flow, KeepAliveLost(self._waiting[flow].hop, reason))

    def _settle(self, flow: _Flow, event: KeepAliveAnswered | KeepAliveLost) -> None:
        del self._waiting[flow]
        self._timers.cancel(flow)
        self._outbox.put(event)


def _flow(hop: Hop) -> _Flow:
    return hop.transport, hop.host, hop.port
