"""The service manager's protocol: READY, STATUS, STOPPING and the watchdog (sd_notify(3))."""

import os
from collections.abc import Mapping

from device import plain_sockets as socket


class ServiceNotifier:
    """Tells systemd how the daemon is; does nothing where no service manager listens.

    It is pumped by the very loop that runs calls, so a loop that hangs stops feeding the watchdog.
    """

    __slots__ = ("_address", "_interval_s", "_next_ping", "_socket")

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        self._interval_s: float | None = None
        self._next_ping: float | None = None
        if self._address:
            self._interval_s = _watchdog_interval(environment)
            # A manager that is too busy to read must not make the telephone wait.
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_UNIX, kind)

    @property
    def is_listening(self) -> bool:
        """Whether there is a service manager."""
        return self._socket is not None

    @property
    def next_ping(self) -> float | None:
        """When the watchdog is to be fed next."""
        return self._next_ping

    def send(self, *assignments: str) -> None:
        """Send assignments such as "READY=1"; a manager that is away is no fault of ours."""
        if self._socket is None:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            self._socket.sendto("\n".join(assignments).encode(), socket.MSG_NOSIGNAL, name)
        except OSError:
            return

    def ready(self, status: str) -> None:
        """Tell that start-up is complete."""
        self.send("READY=1", f"STATUS={status}")

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`."""
        self.send(f"STATUS={text}")

    def stopping(self, within_s: float = 0.0) -> None:
        """Tell that a clean stop is under way, and, where it may last longer than the unit allows, how long."""
        self.send("STOPPING=1", "STATUS=stopping")
        if within_s:
            self.send(f"EXTEND_TIMEOUT_USEC={round(within_s * 1_000_000)}")

    def pump(self, now: float) -> float | None:
        """Feed the watchdog when half its time is over."""
        if self._interval_s is None:
            return None
        if self._next_ping is None or now >= self._next_ping:
            self.send("WATCHDOG=1")
            self._next_ping = now + self._interval_s
        return self._next_ping

    def close(self) -> None:
        """Close the socket to the manager."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _watchdog_interval(environment: Mapping[str, str]) -> float | None:
    """Half of the watchdog's time in seconds, when one is set for this process."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    wanted_pid = environment.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or (wanted_pid and wanted_pid != str(os.getpid())):
        return None
    return int(microseconds) / 2_000_000 or None
