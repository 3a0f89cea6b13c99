"""The port at which boards enrol, and the way to another board's: one line of JSON each way, by TCP."""

import socket
import time
from collections.abc import Callable

from device import plain_logging as logging
from device.annotations import Any
from device.discovery.errors import DiscoveryError
from device.plain_json import dumps, loads

logger = logging.getLogger(__name__)

LONGEST_LINE = 4096
PATIENCE_S = 1.0
"""So long another board may take for a line: whoever takes longer holds nobody else up."""
BACKLOG = 16

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class EnrolmentPort:
    """Listens on every address; each connection asks once."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._socket: socket.socket | None = None
        self.port = 0

    def open(self) -> None:
        """Listen at a free port. Raises DiscoveryError."""
        try:
            listener = socket.create_server(("", 0), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
        except (OSError, ValueError):
            try:
                listener = socket.create_server(("", 0), backlog=BACKLOG)
            except OSError as error:
                raise DiscoveryError(f"no port for other boards to enrol at: {error.strerror}") from None
        listener.setblocking(False)
        self._socket = listener
        self.port = listener.getsockname()[1]

    def fileno(self) -> int:
        """Readable when somebody has connected."""
        assert self._socket is not None
        return self._socket.fileno()

    def serve(self) -> None:
        """Answer one board."""
        assert self._socket is not None
        try:
            connection, source = self._socket.accept()
        except OSError:
            return
        with connection:
            try:
                question = _receive(connection)
                connection.sendall(_line(self._answer(question)))
            except (OSError, ValueError) as error:
                logger.info("%s asked nothing that can be answered: %s", source[0], error)

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def ask(host: str, port: int, question: dict[str, Any]) -> dict[str, Any]:
    """Ask another board. Raises DiscoveryError when it does not answer within a second or two."""
    try:
        with socket.create_connection((host, port), PATIENCE_S) as connection:
            connection.sendall(_line(question))
            return _receive(connection)
    except (OSError, ValueError) as error:
        raise DiscoveryError(f"the board at {host} does not answer: {error}") from None


def _line(values: dict[str, Any]) -> bytes:
    return dumps(values).encode() + b"\n"


def _receive(connection: socket.socket) -> dict[str, Any]:
    """One line. Raises OSError for silence, ValueError for anything but an object."""
    deadline = time.monotonic() + PATIENCE_S
    data = b""
    while not data.endswith(b"\n"):
        left_s = deadline - time.monotonic()
        if left_s <= 0 or len(data) > LONGEST_LINE:
            raise ValueError("no line within a second")
        connection.settimeout(left_s)
        more = connection.recv(LONGEST_LINE)
        if not more:
            raise ValueError("the line has no end")
        data += more
    try:
        values = loads(data.decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("that is nested too deep") from None
    if not isinstance(values, dict):
        raise ValueError("that is no object")
    return values
