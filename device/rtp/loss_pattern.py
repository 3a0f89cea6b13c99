"""How lost packets are spread: bursts and the gaps between them (RFC 3611 section 4.7.2), and the length of runs."""

from device.records import dataclass

MIN_GAP = 16
"""So many packets in a row that came end a burst; the value that section 4.7.2 recommends."""


@dataclass(frozen=True, slots=True)
class LossFigures:
    """What was not there to be played, lost or too late, since the beginning."""

    expected: int
    missing: int
    runs: int
    """Of missing packets in a row."""
    burst_density: float
    """Share of missing packets within bursts, 0 to 1."""
    burst_packets: float
    """Mean length of a burst; 0 when there was none."""
    gap_density: float
    gap_packets: float

    @property
    def burst_ratio(self) -> float:
        """Mean length of a run beside that of chance losses of the same number: 1 or more (ITU-T G.107 clause 3.5)."""
        if not self.runs or self.missing >= self.expected:
            return 1.0
        return max(1.0, self.missing / self.runs * (1 - self.missing / self.expected))


class LossPattern:
    """Told of losses alone, so that a packet that came costs nothing."""

    __slots__ = ("_burst", "_burst_lost", "_burst_packets", "_bursts", "_expected", "_in_burst", "_missing", "_runs")

    def __init__(self) -> None:
        self._expected = self._missing = self._runs = 0
        self._bursts = self._burst_packets = self._burst_lost = 0
        self._burst = self._in_burst = 0
        """Length of what may become a burst, and how many of it are missing."""

    def note(self, good: int, missing: int) -> None:
        """After so many packets that came, so many did not."""
        self._expected += good + missing
        self._missing += missing
        if good or not self._runs:
            self._runs += 1
        if good >= MIN_GAP:
            self._close()
        if self._in_burst:
            self._burst += good
        self._burst += missing
        self._in_burst += missing

    def pass_over(self, good: int) -> None:
        """So many packets came; then another time line begins."""
        self._expected += good
        if good:
            self._close()

    def _close(self) -> None:
        """A loss that stands alone belongs to the gap around it."""
        if self._in_burst > 1:
            self._bursts += 1
            self._burst_packets += self._burst
            self._burst_lost += self._in_burst
        self._burst = self._in_burst = 0

    def figures(self, good: int) -> LossFigures:
        """All of it, when so many packets came since the last loss."""
        open_burst = self._in_burst > 1
        bursts = self._bursts + open_burst
        packets = self._burst_packets + (self._burst if open_burst else 0)
        lost = self._burst_lost + (self._in_burst if open_burst else 0)
        expected = self._expected + good
        outside = expected - packets
        return LossFigures(
            expected,
            self._missing,
            self._runs,
            lost / packets if packets else 0.0,
            packets / bursts if bursts else 0.0,
            (self._missing - lost) / outside if outside else 0.0,
            outside / (bursts + 1),
        )
