"""Notices when the clock of the day is set: a board without a battery starts in 1970 and learns the time much later.

Everything that must not care for that runs on the monotonic clock; what does care is told: certificates that could not
be checked can be now, and times that were written down were wrong.
"""

import os
import time
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Any
from device.net.interfaces import Reactor

logger = logging.getLogger(__name__)

kernel: Any = os
"""Timers by descriptor are in `os` since Python 3.13."""

STEP_S = 2.0
"""A smaller change is the steering of NTP, which hurts nobody."""

YEAR_2000 = 946_684_800
"""In Unix seconds. A clock that says less has not been set since the board got its power, and soon will be."""

LOOK_S = 1.0
"""How often a clock that has not been set is looked at, in seconds."""

FAR_FUTURE_S = 2.0**33
"""In the year 2242: a timer that never runs out, and within what the kernel can count."""


class ClockWatch:
    """Calls `stepped` with the seconds by which the clock was set ahead (negative: back).

    Within a second as long as it says 1970. Later at once where the kernel tells (timerfd_create(2),
    TFD_TIMER_CANCEL_ON_SET; Python 3.13 and later), otherwise with the next thing that happens in the loop: under
    systemd the watchdog sees to one every 15 s.
    """

    __slots__ = ("_fd", "_offset_s", "_reactor", "_stepped", "_wall_clock")

    def __init__(
        self, reactor: Reactor, stepped: Callable[[float], None], wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._reactor = reactor
        self._stepped = stepped
        self._wall_clock = wall_clock
        self._offset_s = wall_clock() - reactor.now()
        self._fd = -1

    def open(self) -> None:
        """Let the kernel tell, if it and this Python can."""
        if not hasattr(kernel, "timerfd_create"):
            return
        try:
            self._fd = kernel.timerfd_create(time.CLOCK_REALTIME, flags=kernel.TFD_NONBLOCK | kernel.TFD_CLOEXEC)
            self._arm()
        except OSError as error:
            logger.debug("the kernel does not tell when the clock is set: %s", error)
            self.close()
            return
        self._reactor.add_reader(self._fd, self._cancelled)

    def close(self) -> None:
        """Listen no more; closing twice is no error."""
        if self._fd >= 0:
            self._reactor.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def pump(self, now: float) -> float | None:
        """See whether the clock has been set since the last time; answers when to look again."""
        unix_time = self._wall_clock()
        offset_s = unix_time - now
        ahead_s, self._offset_s = offset_s - self._offset_s, offset_s
        if abs(ahead_s) >= STEP_S:
            logger.warning("the clock was set %s by %s", "ahead" if ahead_s > 0 else "back", _span(abs(ahead_s)))
            self._stepped(ahead_s)
        return now + LOOK_S if unix_time < YEAR_2000 else None

    def _arm(self) -> None:
        flags = kernel.TFD_TIMER_ABSTIME | kernel.TFD_TIMER_CANCEL_ON_SET
        kernel.timerfd_settime(self._fd, flags=flags, initial=FAR_FUTURE_S)

    def _cancelled(self) -> None:
        """The kernel's word: the timer was cancelled, since the clock was set. The loop pumps us after this."""
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        except OSError:
            self._arm()


def _span(seconds: float) -> str:
    days = seconds / 86_400
    return f"{days:.0f} days" if days >= 2 else f"{seconds:.0f} s"
