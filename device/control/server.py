"""The daemon's end of the control socket: listens, calls the methods, and sends events to subscribers."""

import os
import stat
from collections.abc import Callable, Mapping

from device import plain_logging as logging
from device import plain_sockets as socket
from device.annotations import Any, Protocol
from device.control import schema
from device.control.errors import (
    FAILED,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    ControlError,
    SocketTakenError,
)
from device.control.protocol import (
    BadLineReceived,
    CallNumber,
    CallReceived,
    JsonRpcConnection,
    encode_line,
    encode_notification,
    error_object,
)
from device.errors import DeviceError

logger = logging.getLogger(__name__)

MAX_CLIENTS = 16
MAX_WAITING_CALLS = 32
"""Calls of one client that may wait for their answer at once."""
MAX_UNSENT_BYTES = 262144
"""A client that reads slower than it is told things may fall behind so far, then it is dropped."""
MAX_ANSWER_BYTES = 196608
RECEIVE_BYTES = 16384
SOCKET_UMASK = 0o117
"""The socket is made with mode 0660: owner and group may use the phone."""
DIRECTORY_MODE = 0o750
STALE_CHECK_S = 0.5
MAX_PATH_BYTES = 107
"""sun_path of unix(7) holds 108 bytes with the final zero."""


class Loop(Protocol):
    """What the server needs of the event loop."""

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `fd` is readable."""

    def remove_reader(self, fd: int) -> None:
        """Stop watching `fd` for input."""

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `fd` is writable."""

    def remove_writer(self, fd: int) -> None:
        """Stop watching `fd` for output."""


class Deferred:
    """The answer to a call that finishes later. The first `resolve` or `fail` counts, later ones do nothing."""

    __slots__ = ("_listener", "_outcome")

    def __init__(self) -> None:
        self._outcome: tuple[object, ControlError | None] | None = None
        self._listener: Callable[[object, ControlError | None], None] | None = None

    @property
    def done(self) -> bool:
        return self._outcome is not None

    def resolve(self, result: object) -> None:
        """The call has succeeded."""
        self._settle(result, None)

    def fail(self, error: ControlError) -> None:
        """The call has failed."""
        self._settle(None, error)

    def listen(self, listener: Callable[[object, ControlError | None], None]) -> None:
        """Tell `listener` the result or the error, once: at once if it is there already. For the server."""
        if self._outcome is not None:
            listener(*self._outcome)
        else:
            self._listener = listener

    def _settle(self, result: object, error: ControlError | None) -> None:
        if self._outcome is None:
            self._outcome = (result, error)
            if self._listener is not None:
                self._listener(result, error)


Handler = Callable[[dict[str, Any]], object]
"""Takes the params, returns the result or a Deferred, raises ControlError."""


class _Client:
    """One connected client."""

    __slots__ = ("connection", "has_asked", "open", "socket", "topics", "unsent", "waiting", "watching")

    def __init__(self, client_socket: socket.socket) -> None:
        self.socket = client_socket
        self.connection = JsonRpcConnection()
        self.topics: set[str] = set()
        self.unsent = bytearray()
        self.waiting = 0
        self.watching = False
        self.open = True
        self.has_asked = False


class ControlServer:
    """Serves `methods` on a Unix stream socket at `path`; every callback runs in the thread of `loop`.

    Parameters are checked against `schema` before a method is called; a method that is not in the schema gets them
    unchecked. `subscribe` and `unsubscribe` are the server's own.
    """

    def __init__(self, loop: Loop, path: str, methods: Mapping[str, Handler]) -> None:
        self.path = path
        self._loop = loop
        self._methods = methods
        self._listener: socket.socket | None = None
        self._reserve: int | None = None
        self._inode: tuple[int, int] | None = None
        self._clients: list[_Client] = []

    def open(self) -> None:
        """Make the socket and listen. Raises SocketTakenError; a socket that nobody serves any more is replaced."""
        if self._listener is not None:
            return
        clear_stale_socket(self.path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(SOCKET_UMASK)
        try:
            listener.bind(self.path)
        except OSError as error:
            listener.close()
            raise SocketTakenError(f"{self.path}: no control socket can be made here ({error.strerror})") from None
        finally:
            os.umask(umask)
        listener.listen(MAX_CLIENTS)
        listener.setblocking(False)
        self._listener = listener
        self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._inode = _inode(self.path)
        self._loop.add_reader(listener.fileno(), self._accept)

    def close(self) -> None:
        """Send what can be sent at once, drop all clients and remove the socket; closing twice is harmless."""
        for client in list(self._clients):
            self._flush(client)
            self._drop(client)
        if self._listener is None:
            return
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self._listener = None
        self._close_reserve()
        if self._inode is not None and _inode(self.path) == self._inode:
            os.unlink(self.path)

    def serve(self, methods: Mapping[str, Handler]) -> None:
        """Answer these methods from now on."""
        self._methods = methods

    def has_subscribers(self, topic: str) -> bool:
        """Whether anybody wants events of `topic`; saves making up what nobody hears."""
        return any(topic in client.topics for client in self._clients)

    def publish(self, topic: str, params: Mapping[str, object]) -> None:
        """Send an event to all subscribers of `topic`. Never blocks, never raises: a slow subscriber is dropped."""
        subscribers = [client for client in self._clients if topic in client.topics]
        if not subscribers:
            return
        try:
            line = encode_notification(f"event.{topic}", params)
        except (TypeError, ValueError):
            logger.exception("an event of topic %r cannot be said in JSON and was not sent", topic)
            return
        for client in subscribers:
            client.unsent += line
            self._flush(client)

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            client_socket, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            logger.warning("control socket: a client could not be accepted: %s", error)
            self._shed()
            return
        client_socket.setblocking(False)
        if len(self._clients) >= MAX_CLIENTS and not self._make_room():
            self._turn_away(client_socket)
            return
        client = _Client(client_socket)
        self._clients.append(client)
        self._loop.add_reader(client_socket.fileno(), lambda: self._receive(client))

    def _shed(self) -> None:
        """Hang up on the waiting client, with a descriptor kept for this: left waiting, it would spin the loop."""
        if self._listener is None or self._reserve is None:
            return
        self._close_reserve()
        try:
            self._listener.accept()[0].close()
            self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            logger.debug("control socket: the client left by itself: %s", error)

    def _close_reserve(self) -> None:
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _make_room(self) -> bool:
        """Drop the oldest client that has never asked for anything: a hung script must not lock a person out."""
        silent = next((client for client in self._clients if not client.has_asked), None)
        if silent is None:
            return False
        logger.info("control socket: a client that never asked for anything made room for another")
        self._drop(silent)
        return True

    @staticmethod
    def _turn_away(client_socket: socket.socket) -> None:
        text = f"{MAX_CLIENTS} clients are connected already: close one and try again"
        logger.warning("control socket: %s", text)
        try:
            client_socket.send(encode_line(error_object(None, ControlError(FAILED, text))))
        except OSError:
            logger.debug("control socket: the client that was turned away did not wait for the reason")
        client_socket.close()

    def _receive(self, client: _Client) -> None:
        if not client.open:
            return
        try:
            data = client.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        client.has_asked = True
        client.connection.receive_data(data)
        while client.open and (event := client.connection.next_event()) is not None:
            if isinstance(event, CallReceived):
                self._serve(client, event)
            elif isinstance(event, BadLineReceived):
                client.connection.send_error(event.id, event.error)
                self._flush(client)

    def _serve(self, client: _Client, call: CallReceived) -> None:
        try:
            result = self._call(client, call)
        except ControlError as error:
            self._refuse(client, call.id, error)
        except DeviceError as error:
            self._refuse(client, call.id, ControlError(FAILED, str(error)))
        except Exception:
            logger.exception("control socket: %s failed", call.method)
            text = f"a fault inside {call.method}: see `offhook log`, and please report it"
            self._refuse(client, call.id, ControlError(INTERNAL_ERROR, text))
        else:
            if isinstance(result, Deferred):
                self._wait(client, call.id, result)
            else:
                self._answer(client, call.id, result)

    def _call(self, client: _Client, call: CallReceived) -> object:
        described = schema.METHODS.get(call.method)
        own = {"subscribe": self._subscribe, "unsubscribe": self._unsubscribe}.get(call.method)
        handler = self._methods.get(call.method)
        if own is None and handler is None:
            raise ControlError(
                METHOD_NOT_FOUND, f"unknown method {call.method!r}: `offhook help methods` lists them all"
            )
        if described is not None and (found := schema.faults(described, call.params)):
            raise ControlError(INVALID_PARAMS, f"{call.method}: {'; '.join(found)}")
        if own is not None:
            return own(client, call.params)
        if client.waiting >= MAX_WAITING_CALLS:
            raise ControlError(FAILED, f"{MAX_WAITING_CALLS} calls wait for their answers: wait for some of them first")
        return handler(call.params) if handler is not None else None

    def _wait(self, client: _Client, call_id: CallNumber | None, deferred: Deferred) -> None:
        def settled(result: object, error: ControlError | None) -> None:
            client.waiting -= 1
            if error is None:
                self._answer(client, call_id, result)
            else:
                self._refuse(client, call_id, error)

        client.waiting += 1
        deferred.listen(settled)

    def _answer(self, client: _Client, call_id: CallNumber | None, result: object) -> None:
        if call_id is None or not client.open:
            return
        try:
            client.connection.send_result(call_id, {} if result is None else result, MAX_ANSWER_BYTES)
        except OverflowError as error:
            self._refuse(client, call_id, ControlError(FAILED, f"{error}: ask for fewer at once"))
            return
        except (TypeError, ValueError):
            logger.exception("control socket: a result cannot be said in JSON")
            self._refuse(client, call_id, ControlError(INTERNAL_ERROR, "a fault in the answer: see `offhook log`"))
            return
        self._flush(client)

    def _refuse(self, client: _Client, call_id: CallNumber | None, error: ControlError) -> None:
        if call_id is None or not client.open:
            return
        try:
            client.connection.send_error(call_id, error)
        except (TypeError, ValueError):
            logger.exception("control socket: the data of an error cannot be said in JSON")
            client.connection.send_error(call_id, ControlError(error.code, error.message))
        self._flush(client)

    def _subscribe(self, client: _Client, params: dict[str, Any]) -> object:
        unknown = [topic for topic in params["topics"] if topic not in schema.TOPICS]
        if unknown:
            text = f"unknown topic {', '.join(map(repr, unknown))}: there are {', '.join(schema.TOPICS)}"
            raise ControlError(INVALID_PARAMS, text)
        client.topics.update(params["topics"])
        return {"topics": sorted(client.topics)}

    @staticmethod
    def _unsubscribe(client: _Client, params: dict[str, Any]) -> object:
        client.topics.difference_update(params["topics"])
        return {"topics": sorted(client.topics)}

    def _flush(self, client: _Client) -> None:
        """Send what the socket takes now; the rest follows when it is writable, unless it is too much."""
        if not client.open:
            return
        client.unsent += client.connection.data_to_send()
        try:
            while client.unsent:
                sent = client.socket.send(client.unsent)
                del client.unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if len(client.unsent) > MAX_UNSENT_BYTES:
            self._drop(client)
            logger.warning("control socket: a client that does not read what it asked for was dropped")
        elif client.unsent and not client.watching:
            client.watching = True
            self._loop.add_writer(client.socket.fileno(), lambda: self._flush(client))
        elif not client.unsent and client.watching:
            client.watching = False
            self._loop.remove_writer(client.socket.fileno())

    def _drop(self, client: _Client) -> None:
        if not client.open:
            return
        client.open = False
        client.topics.clear()
        client.unsent.clear()
        self._clients.remove(client)
        self._loop.remove_reader(client.socket.fileno())
        if client.watching:
            self._loop.remove_writer(client.socket.fileno())
        client.socket.close()


def clear_stale_socket(path: str) -> None:
    """Remove a socket at `path` that nobody serves and make its directory. Raises SocketTakenError otherwise."""
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise SocketTakenError(f"{path}: longer than the {MAX_PATH_BYTES} bytes that a socket may have: shorten it")
    try:
        os.makedirs(os.path.dirname(path) or ".", DIRECTORY_MODE, exist_ok=True)
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise SocketTakenError(f"{path}: no control socket can be made here ({error.strerror})") from None
    if not stat.S_ISSOCK(mode):
        raise SocketTakenError(f"{path} exists and is no socket: remove it, or choose another path with --socket")
    if _answers(path):
        raise SocketTakenError(f"a daemon answers at {path} already: stop it first with `offhook stop`")
    os.unlink(path)


def _answers(path: str) -> bool:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(STALE_CHECK_S)
    try:
        probe.connect(path)
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:
        # Whoever is too busy or not ours to talk to is alive all the same.
        return True
    finally:
        probe.close()
    return True


def _inode(path: str) -> tuple[int, int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
