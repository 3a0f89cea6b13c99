"""The time of day for the services, in the time zone of this process."""

import time

from device.exchange.services.spoken import SpokenTime

DAY_S = 86_400


def local_time(unix: float) -> SpokenTime:
    """The local time of a Unix time."""
    parts = time.localtime(unix)
    day = int((unix + (parts.tm_gmtoff or 0)) // DAY_S)
    return SpokenTime(parts.tm_hour, parts.tm_min, parts.tm_sec + unix % 1, day)


class WallClock:
    """The clock of the day beside the monotonic one: whatever sets it is seen at once."""

    def at(self, now: float) -> SpokenTime:
        """At `now`, in monotonic seconds."""
        return local_time(time.time() - time.monotonic() + now)
