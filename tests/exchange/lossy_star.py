"""A seeded bad network with any number of endpoints: loses, doubles, delays and reorders datagrams by its own clock.

The sister of `tests.support.lossy_link`, which joins two. Only UDP; every endpoint has one address.
"""

from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from random import Random

from device.sip.endpoint import SipEndpoint
from device.sip.hop import Hop
from device.sip.transaction_layer import LookupWanted

Address = tuple[str, int]
OnEvent = Callable[[object, float], None]

_MAX_STEPS = 100_000


def ignore(_event: object, _now: float) -> None:
    """For endpoints whose events nobody wants."""


class LossyStar:
    """Carries datagrams between `endpoints`; `loss` and `duplication` may be changed on the way."""

    def __init__(
        self, endpoints: Mapping[Address, tuple[SipEndpoint, OnEvent]], seed: int, delay_s: tuple[float, float]
    ) -> None:
        self.now = 0.0
        self.loss = 0.0
        self.duplication = 0.0
        self._delay_s = delay_s
        self._endpoints = dict(endpoints)
        self._random = Random(seed)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0

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
            for endpoint, _ in self._endpoints.values():
                at = endpoint.next_timeout()
                if at is not None and at <= self.now:
                    endpoint.handle_timeout(self.now)
        raise AssertionError(f"the network is still busy after {_MAX_STEPS} steps, at {self.now:.3f} s")

    def is_idle(self) -> bool:
        """Whether nothing is under way and no timer runs anywhere."""
        self._flush()
        return self._next_deadline() is None

    def _next_deadline(self) -> float | None:
        deadlines = [endpoint.next_timeout() for endpoint, _ in self._endpoints.values()]
        if self._due:
            deadlines.append(self._due[0][0])
        return min((at for at in deadlines if at is not None), default=None)

    def _flush(self) -> None:
        busy = True
        while busy:
            busy = False
            for address, (endpoint, on_event) in self._endpoints.items():
                while (event := endpoint.next_event()) is not None:
                    busy = True
                    assert not isinstance(event, LookupWanted), f"nobody here is called {event.next_hop.host}"
                    on_event(event, self.now)
                for transmission in endpoint.transmissions_to_send():
                    busy = True
                    self._carry(Hop("UDP", *address), transmission.data, transmission.hop)

    def _carry(self, source: Hop, data: bytes, hop: Hop) -> None:
        assert hop.transport == "UDP", hop
        target = self._endpoints.get((hop.host, hop.port))
        if target is None or self._random.random() < self.loss:
            return
        endpoint = target[0]
        copies = 2 if self._random.random() < self.duplication else 1
        for _ in range(copies):
            self._sequence += 1
            at = self.now + self._random.uniform(*self._delay_s)
            arrive = lambda: endpoint.receive_datagram(data, source, self.now)  # noqa: E731
            heappush(self._due, (at, self._sequence, arrive))
