"""The one event loop of the daemon, on epoll(7): descriptors, deadlines and wake-ups from other threads."""

import os
import time
from collections import deque
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT, epoll

from device import plain_logging as logging
from device.annotations import Protocol

logger = logging.getLogger(__name__)


class Participant(Protocol):
    """Something with work of its own in the loop."""

    def pump(self, now: float) -> float | None:
        """Do whatever is due, pass on whatever has come, and return the next deadline or None.

        Called after every batch of descriptor events and at every deadline.
        """


class Loop:
    """Watches descriptors and pumps its participants; satisfies the reactor that sockets and control ask for.

    A callback that raises is logged and does not stop the loop: one bad message must not end a telephone.
    """

    __slots__ = (
        "_callbacks",
        "_epoll",
        "_forgotten",
        "_participants",
        "_readers",
        "_running",
        "_wake_fd",
        "_watched",
        "_writers",
    )

    def __init__(self) -> None:
        self._epoll = epoll()
        self._watched: set[int] = set()
        self._readers: dict[int, Callable[[], None]] = {}
        self._writers: dict[int, Callable[[], None]] = {}
        self._callbacks: deque[Callable[[], None]] = deque()
        self._forgotten: set[int] = set()
        """Descriptors that left in this turn: an event for them that is still in hand is not for whoever has the
        number next."""
        self._participants: list[Participant] = []
        self._running = False
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.add_reader(self._wake_fd, self._drain_wake_fd)

    def now(self) -> float:
        """The monotonic time in seconds."""
        return time.monotonic()

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `fd` is readable."""
        self._readers[fd] = callback
        self._watch(fd)

    def remove_reader(self, fd: int) -> None:
        """Stop watching `fd` for input; no error if it was not watched."""
        if self._readers.pop(fd, None) is not None:
            self._watch(fd)

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `fd` is writable."""
        self._writers[fd] = callback
        self._watch(fd)

    def remove_writer(self, fd: int) -> None:
        """Stop watching `fd` for output; no error if it was not watched."""
        if self._writers.pop(fd, None) is not None:
            self._watch(fd)

    def add_participant(self, participant: Participant) -> None:
        """Let `participant` take part; in the order of addition within one turn."""
        self._participants.append(participant)

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the loop's thread, soon; may be called from any thread and from signal handlers."""
        self._callbacks.append(callback)
        try:
            os.eventfd_write(self._wake_fd, 1)
        except (OSError, ValueError):
            logger.debug("the loop is closed; its last callbacks are dropped")

    def stop(self) -> None:
        """End `run` after this turn."""
        self._running = False

    def run(self) -> None:
        """Turn until `stop`."""
        self._running = True
        while self._running:
            self.turn()

    def turn(self, longest_wait: float | None = None) -> None:
        """One turn: pump the participants, then wait for a descriptor, a wake-up or the earliest deadline."""
        deadline = self._pump()
        if not self._running and longest_wait is None:
            return
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        if longest_wait is not None:
            timeout = longest_wait if timeout is None else min(timeout, longest_wait)
        self._forgotten.clear()
        for fd, events in self._epoll.poll(timeout):
            # A fault of the descriptor is told to whoever reads and to whoever writes.
            if events & ~EPOLLOUT and fd not in self._forgotten:
                self._call(self._readers.get(fd))
            if events & ~EPOLLIN and fd not in self._forgotten:
                self._call(self._writers.get(fd))
        for _ in range(len(self._callbacks)):
            self._call(self._callbacks.popleft())

    def close(self) -> None:
        """Free the loop's own descriptors; closing twice is no error."""
        # A thread that comes late must not write to whatever has got the number by then.
        wake_fd, self._wake_fd = self._wake_fd, -1
        if wake_fd >= 0:
            self._epoll.close()
            os.close(wake_fd)

    def _pump(self) -> float | None:
        deadline: float | None = None
        for participant in self._participants:
            try:
                wanted = participant.pump(time.monotonic())
            except Exception:
                logger.exception("a fault in %s; the daemon goes on", type(participant).__name__)
                wanted = time.monotonic() + 1.0
            if wanted is not None and (deadline is None or wanted < deadline):
                deadline = wanted
        return deadline

    def _call(self, callback: Callable[[], None] | None) -> None:
        if callback is None:
            return
        try:
            callback()
        except Exception:
            logger.exception("a fault in a callback; the daemon goes on")

    def _watch(self, fd: int) -> None:
        events = (EPOLLIN if fd in self._readers else 0) | (EPOLLOUT if fd in self._writers else 0)
        if events:
            self._watched.add(fd)
            try:
                self._epoll.modify(fd, events)
            except FileNotFoundError:
                self._epoll.register(fd, events)
            return
        self._forgotten.add(fd)
        if fd in self._watched:
            self._watched.discard(fd)
            try:
                self._epoll.unregister(fd)
            except OSError:
                # Whoever owned it has closed it already, with which the kernel has forgotten it, too.
                return

    def _drain_wake_fd(self) -> None:
        try:
            os.eventfd_read(self._wake_fd)
        except BlockingIOError:
            return
