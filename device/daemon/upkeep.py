"""What the daemon does for itself beside its calls: watchdog, status line, last good copy, network and clock."""

from device import plain_logging as logging
from device.daemon.clock_watch import ClockWatch
from device.daemon.notify import ServiceNotifier
from device.daemon.wiring import PhoneParts
from device.store.database import Database
from device.timing import earliest

logger = logging.getLogger(__name__)

STORE_LOOK_S = 15.0
"""How often a phone that runs on a copy of its store looks whether the store itself can be used again."""


class Upkeep:
    """The watchdog, the store's last good copy, news of network and clock, pumped by the loop that runs the calls."""

    def __init__(self, parts: PhoneParts, database: Database, notifier: ServiceNotifier) -> None:
        self._parts = parts
        self._database = database
        self._notifier = notifier
        self._look_at: float | None = 0.0 if database.stands_in_for is not None else None
        self._sound_hung = False
        self.store_is_back = False
        """Whether the loop was stopped because the store, of which there was only a copy, can be used again."""
        self.clock_watch = ClockWatch(parts.loop, self._clock_set)

    def pump(self, now: float) -> float | None:
        """Do what is due; the watchdog first, whatever the store may have to complain of."""
        next_ping = self._feed(now)
        next_look = self.clock_watch.pump(now)
        self._database.handle_timeout(now)
        self._parts.link_monitor.handle_timeout(now)
        if self._look_at is not None and now >= self._look_at:
            self._look_at = now + STORE_LOOK_S
            self._look_for_store()
        deadlines = (self._database.next_timeout(), self._parts.link_monitor.next_timeout(), self._look_at)
        return earliest(next_ping, next_look, *deadlines)

    def _feed(self, now: float) -> float | None:
        """Feed the watchdog, unless the audio thread hangs: then let it bite."""
        hung = self._parts.engine.is_hung(now)
        if hung and not self._sound_hung:
            logger.error("the audio thread hangs in the sound card's driver; the watchdog is fed no more")
        self._sound_hung = hung
        return self._notifier.next_ping if hung else self._notifier.pump(now)

    def _look_for_store(self) -> None:
        copy = self._database.stands_in_for
        if copy is not None and copy.original_is_back() and self._parts.runtime.is_idle:
            logger.warning("%s can be written again: starting anew with it", self._database.path)
            self.store_is_back = True
            self._parts.loop.stop()

    def _clock_set(self, ahead_s: float) -> None:
        self._parts.call_log.clock_set(ahead_s)
        self._parts.accounts.retry(self._parts.loop.now())


class StatusLine:
    """One line for `systemctl status`: as whom the phone is registered, and what it is doing. Last in a turn."""

    def __init__(self, parts: PhoneParts, notifier: ServiceNotifier) -> None:
        self._parts = parts
        self._notifier = notifier
        self._told = ""

    def pump(self, _now: float) -> float | None:
        """Tell what is new."""
        if self._notifier.is_listening:
            text = f"{self._parts.accounts.summary()}, {self._parts.runtime.activity}"
            if text != self._told:
                self._told = text
                self._notifier.status(text)
        return None
