"""A seeded bad network with a clock of its own: joins two SipEndpoints, loses, doubles, delays and reorders.

    link = LossyLink(phone, server, seed=7, loss=0.3, duplication=0.2, delay_s=(0.01, 0.4))
    phone_core.call(..., now=link.now)
    link.run(until=link.now + 40.0)

Nothing sleeps: `run` jumps from one deadline to the next, whichever of a timer of either endpoint or a delivery is
earlier. The same seed and the same calls give the same run. The endpoints must put LEFT and RIGHT into their Via
(`sent_by(LEFT)`) and send to these addresses; host names are looked up in `names`.
"""

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Final

from device.sip.endpoint import SipEndpoint, StreamBroken
from device.sip.hop import Hop, NextHop, Transmission
from device.sip.transaction_layer import LookupWanted

Address = tuple[str, int]
"""IP literal and port."""

LEFT: Final[Address] = ("192.0.2.1", 5060)
RIGHT: Final[Address] = ("192.0.2.2", 5060)

OnEvent = Callable[[object, float], None]
"""Told each event of one endpoint and the time; may call the endpoint's core."""

_MAX_STEPS: Final = 100_000
"""Steps within one `run`, after which the endpoints are taken to be talking in circles."""

_FIRST_EPHEMERAL_PORT: Final = 40_000


def sent_by(address: Address) -> Callable[[Hop], Address]:
    """What a SipEndpoint of the link takes as its `sent_by`."""
    return lambda _hop: address


def never(_data: bytes) -> bool:
    """No datagram."""
    return False


class _Side:
    """One endpoint and what the link knows of it."""

    def __init__(self, endpoint: SipEndpoint, address: Address, on_event: OnEvent | None) -> None:
        self.endpoint = endpoint
        self.address = address
        self.on_event = on_event
        self.events: list[object] = []


class LossyLink:
    """Two endpoints, the wire between them, and the only clock that they know.

    `loss` and `duplication` are probabilities of a datagram, `delay_s` the bounds of its travel time; with bounds
    far apart datagrams overtake each other. TCP is lossless and in order: its bytes take the smaller bound, are cut
    into random pieces, and a connection once made is used in both directions. With `tcp_refused` every attempt to
    connect is reported as a transport error instead. `drop` may lose chosen datagrams: it is asked for each and
    answers True for those that vanish. `names` maps host names to the hops of their look-up.

    Read `now`, `left_events`, `right_events` (everything `next_event` gave except look-ups), `wire` (each
    transmission with its time and the side it left, before loss) and `lost`.
    """

    def __init__(
        self,
        left: SipEndpoint,
        right: SipEndpoint,
        *,
        seed: int = 0,
        loss: float = 0.0,
        duplication: float = 0.0,
        delay_s: tuple[float, float] = (0.01, 0.01),
        tcp_refused: bool = False,
        drop: Callable[[bytes], bool] = never,
        names: Mapping[str, Sequence[Hop]] | None = None,
        on_left_event: OnEvent | None = None,
        on_right_event: OnEvent | None = None,
    ) -> None:
        self.now = 0.0
        self.loss = loss
        self.duplication = duplication
        self.delay_s = delay_s
        self.tcp_refused = tcp_refused
        self.drop = drop
        self.names = dict(names or {})
        self.wire: list[tuple[float, str, Transmission]] = []
        self.lost = 0
        self._random = Random(seed)
        self._left = _Side(left, LEFT, on_left_event)
        self._right = _Side(right, RIGHT, on_right_event)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0
        self._connections: dict[int, tuple[Hop, Hop]] = {}
        """For each connection the source hop as the left side and as the right side sees it."""
        self._last_connection = 0
        self._stream_free_at: dict[tuple[int, int], float] = {}

    @property
    def left_events(self) -> list[object]:
        """What the left endpoint told, oldest first."""
        return self._left.events

    @property
    def right_events(self) -> list[object]:
        """What the right endpoint told, oldest first."""
        return self._right.events

    def run(self, until: float) -> None:
        """Let everything happen that is due up to `until` (seconds on the link's clock), then stand there."""
        for _ in range(_MAX_STEPS):
            self._flush()
            upcoming = self._next_deadline()
            if upcoming is None or upcoming > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, upcoming)
            self._step()
        raise AssertionError(f"the link is still busy after {_MAX_STEPS} steps, at {self.now:.3f} s")

    def is_idle(self) -> bool:
        """Whether nothing is under way and no timer runs on either side."""
        self._flush()
        return self._next_deadline() is None

    def close_connections(self) -> None:
        """End every TCP connection; both sides are told at once."""
        for left_view, right_view in self._connections.values():
            self._left.endpoint.connection_closed(left_view, self.now)
            self._right.endpoint.connection_closed(right_view, self.now)
        self._connections.clear()

    def _next_deadline(self) -> float | None:
        deadlines = [self._left.endpoint.next_timeout(), self._right.endpoint.next_timeout()]
        if self._due:
            deadlines.append(self._due[0][0])
        return min((at for at in deadlines if at is not None), default=None)

    def _step(self) -> None:
        while self._due and self._due[0][0] <= self.now:
            heappop(self._due)[2]()
        for side in (self._left, self._right):
            at = side.endpoint.next_timeout()
            if at is not None and at <= self.now:
                side.endpoint.handle_timeout(self.now)

    def _flush(self) -> None:
        """Take what both endpoints have to say until neither has anything."""
        busy = True
        while busy:
            busy = False
            for side in (self._left, self._right):
                while (event := side.endpoint.next_event()) is not None:
                    busy = True
                    self._take_event(side, event)
                for transmission in side.endpoint.transmissions_to_send():
                    busy = True
                    self._carry(side, transmission)

    def _take_event(self, side: _Side, event: object) -> None:
        if isinstance(event, LookupWanted):
            self._look_up(side, event.next_hop)
            return
        side.events.append(event)
        if isinstance(event, StreamBroken):
            self._connections.pop(event.source.connection or 0, None)
            side.endpoint.connection_closed(event.source, self.now)
        if side.on_event is not None:
            side.on_event(event, self.now)

    def _look_up(self, side: _Side, next_hop: NextHop) -> None:
        hops = list(self.names.get(next_hop.host, ()))
        self._later(self.delay_s[0], lambda: side.endpoint.receive_lookup(next_hop, hops, self.now))

    def _carry(self, side: _Side, transmission: Transmission) -> None:
        name = "left" if side is self._left else "right"
        self.wire.append((self.now, name, transmission))
        if transmission.hop.transport == "UDP":
            self._carry_datagram(side, transmission)
        else:
            self._carry_stream(side, transmission)

    def _carry_datagram(self, side: _Side, transmission: Transmission) -> None:
        target = self._at((transmission.hop.host, transmission.hop.port))
        if target is None or self.drop(transmission.data) or self._random.random() < self.loss:
            self.lost += 1
            return
        source = Hop("UDP", *side.address)
        copies = 2 if self._random.random() < self.duplication else 1
        for _ in range(copies):
            delay = self._random.uniform(*self.delay_s)
            self._later(delay, lambda: target.endpoint.receive_datagram(transmission.data, source, self.now))

    def _carry_stream(self, side: _Side, transmission: Transmission) -> None:
        hop = transmission.hop
        target = self._right if side is self._left else self._left
        number = self._connection(side, hop)
        if number is None:
            reason = "connection refused"
            self._later(self.delay_s[0], lambda: side.endpoint.receive_transport_error(hop, self.now, reason))
            return
        source = self._connections[number][0 if target is self._left else 1]
        at = max(self.now + self.delay_s[0], self._stream_free_at.get((number, id(target)), 0.0))
        self._stream_free_at[number, id(target)] = at
        for piece in self._pieces(transmission.data):
            self._at_time(at, self._delivery(target, number, source, piece))

    def _delivery(self, target: _Side, number: int, source: Hop, piece: bytes) -> Callable[[], None]:
        def deliver() -> None:
            if number in self._connections:
                target.endpoint.receive_stream(piece, source, self.now)

        return deliver

    def _connection(self, side: _Side, hop: Hop) -> int | None:
        """The connection that carries bytes from `side` to `hop`, made when there is none; None when refused."""
        if hop.connection in self._connections:
            return hop.connection
        own = 0 if side is self._left else 1
        for number, views in self._connections.items():
            if (views[own].host, views[own].port) == (hop.host, hop.port):
                return number
        target = self._at((hop.host, hop.port))
        if self.tcp_refused or target is None or target is side:
            return None
        self._last_connection += 1
        number = self._last_connection
        ours = Hop(hop.transport, hop.host, hop.port, number)
        theirs = Hop(hop.transport, side.address[0], _FIRST_EPHEMERAL_PORT + number, number)
        self._connections[number] = (ours, theirs) if side is self._left else (theirs, ours)
        return number

    def _pieces(self, data: bytes) -> list[bytes]:
        cut = self._random.randrange(len(data) + 1)
        return [piece for piece in (data[:cut], data[cut:]) if piece]

    def _at(self, address: Address) -> _Side | None:
        return next((side for side in (self._left, self._right) if side.address == address), None)

    def _later(self, delay: float, action: Callable[[], None]) -> None:
        self._at_time(self.now + delay, action)

    def _at_time(self, at: float, action: Callable[[], None]) -> None:
        self._sequence += 1
        heappush(self._due, (at, self._sequence, action))
