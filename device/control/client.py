"""The other end of the control socket, for the command line, the console and other processes; it blocks."""

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from device.control.errors import FAILED, ControlError, DaemonUnreachableError
from device.control.protocol import CallNumber, CallReceived, ErrorReceived, JsonRpcConnection, ResultReceived
from device.records import dataclass

CALL_TIMEOUT_S = 10.0
MAX_LINE_BYTES = 1 << 20
"""The daemon's answers may be longer than what it accepts itself."""
RECEIVE_BYTES = 65536
MAX_EVENTS_KEPT = 10000


@dataclass(frozen=True, slots=True)
class DaemonEvent:
    """Something that happened in the daemon; topics and their params are listed in schema.TOPICS."""

    topic: str
    params: dict[str, object]


class ControlClient:
    """A connection to the daemon at `path`, opened by the first call. A context manager; used by one thread.

    After a DaemonUnreachableError the next call connects anew; such a connection has no subscriptions yet.
    """

    def __init__(self, path: str, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._connection = JsonRpcConnection(MAX_LINE_BYTES)
        self._events: deque[DaemonEvent] = deque(maxlen=MAX_EVENTS_KEPT)
        self._answers: dict[CallNumber, ResultReceived | ErrorReceived] = {}

    def open(self) -> None:
        """Connect, if that is not done. Raises DaemonUnreachableError."""
        if self._socket is not None:
            return
        self._connection = JsonRpcConnection(MAX_LINE_BYTES)
        self._answers.clear()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout_s)
        try:
            connection.connect(self.path)
        except OSError as error:
            connection.close()
            raise DaemonUnreachableError(self._unreachable(error)) from None
        self._socket = connection

    def _unreachable(self, error: OSError) -> str:
        if isinstance(error, PermissionError):
            return (
                f"{self.path} may not be used by this user: join the group that owns it, or use sudo "
                f"(see `ls -l {self.path}`)"
            )
        return (
            f"the daemon does not answer at {self.path}: start it with `offhook run` or `systemctl start offhook`, or "
            "name its socket with --socket PATH"
        )

    def close(self) -> None:
        """Close the connection; closing twice is harmless."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor, for those who wait for several things at once.

        When it is readable, call `next_event(0)` until it answers None.
        """
        self.open()
        return -1 if self._socket is None else self._socket.fileno()

    def call(self, method: str, /, **params: object) -> object:
        """Call `method` and wait for its result; a parameter that is None is left out.

        Raises ControlError when the daemon refuses, DaemonUnreachableError when it does not answer in time.
        """
        self.open()
        given = {name: value for name, value in params.items() if value is not None}
        number = self._connection.send_call(method, given)
        self._send(self._connection.data_to_send())
        deadline = time.monotonic() + self._timeout_s
        while number not in self._answers:
            if not self._advance(deadline):
                self.close()
                raise DaemonUnreachableError(
                    f"the daemon at {self.path} did not answer {method} within {self._timeout_s:g} s: see its log with "
                    "`journalctl -u offhook`"
                )
        answer = self._answers.pop(number)
        if isinstance(answer, ErrorReceived):
            raise answer.error
        return answer.result

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for events of `topics`; they come from `events` and `next_event`. Raises as `call` does."""
        self.call("subscribe", topics=list(topics))

    def next_event(
        self, timeout_s: float | None = None, wanted: Callable[[DaemonEvent], bool] | None = None
    ) -> DaemonEvent | None:
        """The next event, of those that are `wanted`; waits at most `timeout_s` seconds in all, for ever with None.

        None when there is none in time. Raises DaemonUnreachableError when the daemon has closed the connection.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            while not self._events:
                if not self._advance(deadline):
                    return None
            event = self._events.popleft()
            if wanted is None or wanted(event):
                return event
            if deadline is not None and not self._events and time.monotonic() >= deadline:
                return None

    def forget_events(self) -> None:
        """Drop the events that came before the last answer, such as log lines that `log.tail` told as well."""
        self._events.clear()

    def wait_closed(self, timeout_s: float) -> bool:
        """Wait until the daemon closes the connection, as it does when it ends; False when it has not in time."""
        deadline = time.monotonic() + timeout_s
        try:
            while self.next_event(max(0.0, deadline - time.monotonic())) is not None:
                pass
        except DaemonUnreachableError:
            return True
        return False

    def events(self, timeout_s: float | None = None) -> Iterator[DaemonEvent]:
        """Events as they come; ends when none has come for `timeout_s` seconds, never with None."""
        while (event := self.next_event(timeout_s)) is not None:
            yield event

    def _send(self, data: bytes) -> None:
        if self._socket is None:
            raise self._lost()
        try:
            self._socket.sendall(data)
        except TimeoutError:
            self.close()
            raise DaemonUnreachableError(f"the daemon at {self.path} does not read: see its log") from None
        except OSError:
            # A server that turned us away has said why before it closed; that reason is worth more than "broken pipe".
            self._advance(time.monotonic() + self._timeout_s)
            raise self._lost() from None

    def _advance(self, deadline: float | None) -> bool:
        """Take in the next thing that the daemon says; False when nothing comes before `deadline`.

        One at a time: what follows an answer must not be mistaken for something that came before it.
        """
        while (event := self._connection.next_event()) is None:
            if not self._receive(deadline):
                return False
        if isinstance(event, CallReceived):
            if event.method.startswith("event."):
                self._events.append(DaemonEvent(event.method.removeprefix("event."), event.params))
        elif isinstance(event, ErrorReceived) and event.id is None:
            raise event.error
        elif isinstance(event, (ResultReceived, ErrorReceived)) and event.id is not None:
            self._answers[event.id] = event
        else:
            raise ControlError(FAILED, f"the daemon at {self.path} sent something that is no answer")
        return True

    def _receive(self, deadline: float | None) -> bool:
        """Take the bytes that come before `deadline` on the monotonic clock; False when none do."""
        if self._socket is None:
            raise self._lost()
        wait = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([self._socket], [], [], wait)[0]:
            return False
        try:
            data = self._socket.recv(RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data:
            self.close()
            raise self._lost()
        self._connection.receive_data(data)
        return True

    def _lost(self) -> DaemonUnreachableError:
        return DaemonUnreachableError(
            f"the daemon at {self.path} closed the connection: see whether it runs with `offhook status`"
        )
