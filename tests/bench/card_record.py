"""When what a fake card played was heard: reads the record and the log that the card writes."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RATE_HZ = 48_000
NS_PER_S = 1_000_000_000
PAUSE_S = 0.5
"""Shorter than from one burst to the next, longer than a burst."""


@dataclass(frozen=True, slots=True)
class Run:
    """Sound played without a gap: from frame `first` of the record on, heard from `started_at` (monotonic) on."""

    first: int
    started_at: float

    def heard_at(self, frame: int) -> float:
        """When a frame of the record was heard."""
        return self.started_at + (frame - self.first) / RATE_HZ


def parse_log(text: str) -> list[Run]:
    """The runs of the card. All that was written before an underrun has been played; a start plays what follows it."""
    runs = []
    first = 0
    for line in text.splitlines():
        event, at_ns, frames = line.split()
        if event == "start":
            runs.append(Run(first, int(at_ns) / NS_PER_S))
        else:
            first = int(frames)
    return runs


def burst_starts(samples: Sequence[int], rate_hz: int = RATE_HZ) -> list[int]:
    """Indexes of the first loud sample of each burst: half as loud as the loudest, after a pause."""
    loudest = max(map(abs, samples), default=0)
    if not loudest:
        return []
    starts: list[int] = []
    pause = int(PAUSE_S * rate_hz)
    last = -pause
    for index, sample in enumerate(samples):
        if abs(sample) > loudest // 2:
            if index - last >= pause:
                starts.append(index)
            last = index
    return starts


def bursts_heard_at(directory: Path) -> list[float]:
    """Monotonic times at which bursts came out of the card."""
    samples = array("h", (directory / "playback.raw").read_bytes())
    runs = parse_log((directory / "log").read_text())
    firsts = [run.first for run in runs]
    heard = []
    for start in burst_starts(samples):
        position = bisect_right(firsts, start) - 1
        if position >= 0:
            heard.append(runs[position].heard_at(start))
    return heard


def delays_ms(causes: Sequence[float], effects: Sequence[float], longest_s: float = 0.9) -> list[float]:
    """From each cause to the first effect after it, in ms; causes without one within `longest_s` are left out."""
    found = []
    for cause in causes:
        effect = next((at for at in effects if at >= cause), None)
        if effect is not None and effect - cause <= longest_s:
            found.append(1000 * (effect - cause))
    return found
