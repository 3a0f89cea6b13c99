"""What a network does to a stream of packets, from a seed: the same for every phone that listens."""

from dataclasses import dataclass
from random import Random

MEAN_BURST = 3.0
"""Packets in a row that a burst takes, on average (Gilbert's model)."""


@dataclass(frozen=True)
class Network:
    """One condition."""

    name: str
    loss: float = 0.0
    bursts: bool = False
    jitter_ms: float = 0.0
    """Each packet is delayed by an even chance from 0 to this."""
    reordering: bool = False
    """Packets overtake each other; otherwise each waits for the one before it."""
    drift_ppm: float = 0.0

    def deliveries(self, packets: int, ptime_ms: float, seed: int) -> list[tuple[float, int]]:
        """(arrival in seconds, number of the packet), in order of arrival; lost ones are left out."""
        chance = Random(f"{self.name} {seed}")
        found = []
        in_burst = False
        last = 0.0
        for number in range(packets):
            if self.bursts:
                in_burst = chance.random() < (1 - 1 / MEAN_BURST if in_burst else self._begin_chance())
                lost = in_burst
            else:
                lost = chance.random() < self.loss
            delay_ms = chance.uniform(0, self.jitter_ms)
            sent_s = number * ptime_ms / 1000 / (1 + self.drift_ppm / 1e6)
            arrival = sent_s + delay_ms / 1000
            if not self.reordering:
                arrival = last = max(arrival, last)
            if not lost:
                found.append((arrival, number))
        return sorted(found)

    def _begin_chance(self) -> float:
        return self.loss / (1 - self.loss) / MEAN_BURST if self.loss else 0.0


CONDITIONS = (
    Network("clean"),
    Network("loss 1 %", loss=0.01),
    Network("loss 3 %", loss=0.03),
    Network("loss 5 %", loss=0.05),
    Network("loss 10 %", loss=0.10),
    Network("loss 20 %", loss=0.20),
    Network("bursts 5 %", loss=0.05, bursts=True),
    Network("bursts 10 %", loss=0.10, bursts=True),
    Network("jitter 40", jitter_ms=40),
    Network("jitter 80", jitter_ms=80),
    Network("jitter 20 reord.", jitter_ms=20, reordering=True),
    Network("jitter 40 reord.", jitter_ms=40, reordering=True),
    Network("jitter 80 reord.", jitter_ms=80, reordering=True),
    Network("jitter 120 reord.", jitter_ms=120, reordering=True),
    Network("40 reord. + 3 %", jitter_ms=40, reordering=True, loss=0.03),
    Network("drift +300 ppm", drift_ppm=300),
    Network("drift -300 ppm", drift_ppm=-300),
)
