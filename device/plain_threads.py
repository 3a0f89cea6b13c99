"""A thread by the names of `threading.Thread`, without what that module brings along; see decision 0013."""

from _thread import allocate_lock, get_native_id, start_new_thread
from collections.abc import Callable


class Thread:
    """Runs `target` beside everything else; it does not keep the process from ending."""

    def __init__(self, target: Callable[[], None]) -> None:
        self._target = target
        self._running = allocate_lock()
        self.native_id: int | None = None
        """The kernel's number of it, once it runs."""

    def start(self) -> None:
        """Begin; once only. Raises RuntimeError when the system allows no further thread."""
        self._running.acquire()
        try:
            start_new_thread(self._run, ())
        except BaseException:
            self._running.release()
            raise

    def is_alive(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._running.locked()

    def join(self, timeout_s: float) -> None:
        """Wait for its end, at most so long; `is_alive` tells which of the two it was."""
        if self._running.acquire(True, timeout_s):
            self._running.release()

    def _run(self) -> None:
        self.native_id = get_native_id()
        try:
            self._target()
        finally:
            self._running.release()
