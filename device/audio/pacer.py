"""Real time for devices without a clock of their own."""

import time
from collections.abc import Callable

MAX_CATCH_UP = 4
"""Periods that may be run without a pause after a delay; more than that is given up, as a card would overrun."""


class Pacer:
    """Waits from period to period by absolute deadlines, so that errors do not add up."""

    __slots__ = ("_clock", "_deadline", "_period_s", "_sleep", "lost")

    def __init__(
        self,
        period_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._period_s = period_s
        self._deadline = clock()
        self.lost = 0
        """How often the caller was so late that time had to be given up."""

    def wait(self) -> None:
        """Return when the next period is over; at once for a caller that is late."""
        self._deadline += self._period_s
        early_s = self._deadline - self._clock()
        if early_s > 0:
            self._sleep(early_s)
        elif early_s < -MAX_CATCH_UP * self._period_s:
            self.lost += 1
            self._deadline -= early_s
