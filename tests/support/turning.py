"""A loop that a test turns by hand, with a clock of its own, and a receiver that remembers what sockets told it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from device.daemon.loop import Loop
from device.sip.hop import Hop

MAX_TURNS = 120
"""Turns before a test gives up; each waits at most PATIENCE_S for something to happen."""

PATIENCE_S = 0.05


class HandLoop(Loop):
    """Turned by a test; `later` seconds are added to the clock that sockets ask for."""

    __slots__ = ("later",)

    def __init__(self) -> None:
        super().__init__()
        self.later = 0.0

    def now(self) -> float:
        return time.monotonic() + self.later

    def turn_until(self, reached: Callable[[], object], what: str = "what was awaited") -> None:
        """Turn until it is so; fails after a bounded number of turns."""
        for _ in range(MAX_TURNS):
            if reached():
                return
            self.turn(PATIENCE_S)
        raise AssertionError(f"{what} did not happen")

    def settle(self, turns: int = 3) -> None:
        """Let everything that is there be handled."""
        for _ in range(turns):
            self.turn(0.0)


@contextmanager
def hand_loop() -> Iterator[HandLoop]:
    loop = HandLoop()
    try:
        yield loop
    finally:
        loop.close()


class Recorder:
    """A message receiver that answers nothing."""

    def __init__(self) -> None:
        self.datagrams: list[tuple[bytes, Hop]] = []
        self.streamed: list[tuple[bytes, Hop]] = []
        self.closed: list[Hop] = []
        self.errors: list[tuple[Hop, str]] = []

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        self.datagrams.append((data, source))

    def receive_stream(self, data: bytes, source: Hop, now: float) -> None:
        self.streamed.append((data, source))

    def connection_closed(self, source: Hop, now: float) -> None:
        self.closed.append(source)

    def receive_transport_error(self, hop: Hop, now: float, text: str) -> None:
        self.errors.append((hop, text))

    @property
    def stream(self) -> bytes:
        return b"".join(data for data, _ in self.streamed)
