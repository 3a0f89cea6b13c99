"""A network of several SIP elements under one clock, in which one chosen message meets with a mishap.

Everything else arrives after `DELAY_S`, in order, so that two runs differ by nothing but the mishap.
"""

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush

from device.records import dataclass
from device.sip.endpoint import SipEndpoint
from device.sip.hop import Hop, Transmission
from device.sip.message import Request
from device.sip.parser import parse_message
from device.sip.transaction_layer import LookupWanted

Address = tuple[str, int]
OnEvent = Callable[[object, float], None]

DELAY_S = 0.01
"""How long each message travels."""

_MAX_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Mishap:
    """What befalls the message number `index` on the wire: all its `copies` arrive, each so many seconds late.

    No copy: it is lost. Two: it is doubled. One with a delay: others overtake it.
    """

    index: int
    copies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HangUp:
    """Not the network: somebody puts the handset down at this moment, whatever is on the wire."""

    who: str
    at: float


Trouble = Mishap | HangUp | None


@dataclass(frozen=True, slots=True)
class Carried:
    """One message that was put on the wire, lost ones too."""

    at: float
    source: str
    target: str
    data: bytes

    def __str__(self) -> str:
        """A rung of the ladder: "alice p1 INVITE", "p1 alice 407 INVITE"."""
        message = parse_message(self.data)
        what = message.method if isinstance(message, Request) else f"{message.status} {message.cseq.method}"
        return f"{self.source} {self.target} {what}"


class Station:
    """One SIP element: its name in the ladder, its addresses, the endpoint, and who is told its events.

    One with `further` addresses sends from the one that is in the network of whom it sends to.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        endpoint: SipEndpoint,
        on_event: OnEvent,
        further: tuple[Address, ...] = (),
    ) -> None:
        self.name = name
        self.address = address
        """Where it sends from now."""
        self.further = further
        self.endpoint = endpoint
        self.on_event = on_event

    def address_towards(self, host: str) -> Address:
        """The address that `host` sees."""
        return address_in_network((self.address, *self.further), host)


def address_in_network(addresses: Sequence[Address], host: str) -> Address:
    """The first of some addresses that shares its first three numbers with `host`, else the first of all."""
    network = host.rpartition(".")[0]
    return next((one for one in addresses if one[0].rpartition(".")[0] == network), addresses[0])


class Network:
    """Carries datagrams, and bytes of streams, between stations; `names` maps hosts to the hops of their look-up.

    A stream is there once it is wanted, one for two stations and a transport.
    """

    def __init__(
        self,
        stations: Sequence[Station],
        names: Mapping[str, Sequence[Hop]] | None = None,
        mishap: Mishap | None = None,
    ) -> None:
        self.now = 0.0
        self.wire: list[Carried] = []
        self._stations = list(stations)
        self._at = {address: one for one in stations for address in (one.address, *one.further)}
        self._streams: list[Stream] = []
        self.names = dict(names or {})
        self._mishap = mishap
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0

    def move(self, station: Station, address: Address) -> None:
        """The station has another address from now on; what is sent to the old one is lost."""
        del self._at[station.address]
        station.address = address
        self._at[address] = station

    def cut(self, station: Station) -> None:
        """Nothing reaches the station any more, and nothing comes from it."""
        del self._at[station.address]
        self._stations.remove(station)

    def plan(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something later."""
        self._sequence += 1
        heappush(self._due, (self.now + delay_s, self._sequence, action))

    def run(self, until: float) -> None:
        """Let everything happen that is due up to `until`, then stand there."""
        for _ in range(_MAX_STEPS):
            self._flush()
            upcoming = self._next_deadline()
            if upcoming is None or upcoming > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, upcoming)
            while self._due and self._due[0][0] <= self.now:
                heappop(self._due)[2]()
            for station in self._stations:
                at = station.endpoint.next_timeout()
                if at is not None and at <= self.now:
                    station.endpoint.handle_timeout(self.now)
        raise AssertionError(f"the network is still busy after {_MAX_STEPS} steps, at {self.now:.3f} s")

    def is_idle(self, within_s: float) -> bool:
        """Whether nothing is under way and no timer will run out soon anywhere."""
        self._flush()
        upcoming = self._next_deadline()
        return upcoming is None or upcoming > self.now + within_s

    def ladder(self) -> list[str]:
        """Every message so far as a rung."""
        return [str(carried) for carried in self.wire]

    def _next_deadline(self) -> float | None:
        deadlines = [station.endpoint.next_timeout() for station in self._stations]
        if self._due:
            deadlines.append(self._due[0][0])
        return min((at for at in deadlines if at is not None), default=None)

    def _flush(self) -> None:
        busy = True
        while busy:
            busy = False
            for station in self._stations:
                while (event := station.endpoint.next_event()) is not None:
                    busy = True
                    self._take_event(station, event)
                for transmission in station.endpoint.transmissions_to_send():
                    busy = True
                    self._carry(station, transmission)

    def _take_event(self, station: Station, event: object) -> None:
        if isinstance(event, LookupWanted):
            hops = self.names.get(event.next_hop.host, ())
            station.endpoint.receive_lookup(event.next_hop, hops, self.now)
        else:
            station.on_event(event, self.now)

    def _carry(self, station: Station, transmission: Transmission) -> None:
        hop = transmission.hop
        stream = self._stream(station, hop) if hop.transport != "UDP" else None
        target = self._at.get((hop.host, hop.port)) if stream is None else stream.other(station)
        index = len(self.wire)
        self.wire.append(Carried(self.now, station.name, target.name if target else "nobody", transmission.data))
        source = Hop(hop.transport, *station.address_towards(hop.host), stream.number if stream else None)
        copies: tuple[float, ...] = (0.0,)
        if isinstance(self._mishap, Mishap) and self._mishap.index == index:
            copies = self._mishap.copies
        for late_s in copies:
            self.plan(DELAY_S + late_s, lambda: self._arrive(hop, transmission.data, source, stream, station))

    def _stream(self, station: Station, hop: Hop) -> "Stream":
        """The stream that a hop names, or one to its address."""
        if hop.connection is not None:
            return self._streams[hop.connection]
        other = next(one for address, one in self._at.items() if address[0] == hop.host)
        for stream in self._streams:
            if stream.transport == hop.transport and {stream.one, stream.two} == {station, other}:
                return stream
        self._streams.append(Stream(len(self._streams), hop.transport, station, other))
        return self._streams[-1]

    def _arrive(self, hop: Hop, data: bytes, source: Hop, stream: "Stream | None", sender: Station) -> None:
        if stream is not None:
            stream.other(sender).endpoint.receive_stream(data, source, self.now)
            return
        target = self._at.get((hop.host, hop.port))
        if target is not None:
            target.endpoint.receive_datagram(data, source, self.now)


@dataclass(frozen=True, slots=True)
class Stream:
    """A connection between two stations."""

    number: int
    transport: str
    one: Station
    two: Station

    def other(self, station: Station) -> Station:
        """The station at its other end."""
        return self.two if station is self.one else self.one
