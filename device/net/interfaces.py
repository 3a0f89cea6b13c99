"""What the sockets need from their surroundings: an event loop below them, a SIP endpoint above them."""

from collections.abc import Callable

from device.annotations import Protocol
from device.sip.hop import Hop


class Reactor(Protocol):
    """The part of an event loop that sockets use."""

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `fd` is readable."""

    def remove_reader(self, fd: int) -> None:
        """Stop watching `fd` for input; no error if it was not watched."""

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `fd` is writable."""

    def remove_writer(self, fd: int) -> None:
        """Stop watching `fd` for output; no error if it was not watched."""

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the loop's thread, soon; may be called from any thread."""

    def now(self) -> float:
        """The monotonic time in seconds."""


class MessageReceiver(Protocol):
    """Where received bytes go: `SipEndpoint` has this shape."""

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """One UDP datagram."""

    def receive_stream(self, data: bytes, source: Hop, now: float) -> None:
        """Some bytes of a stream; `source.connection` names it."""

    def connection_closed(self, source: Hop, now: float) -> None:
        """A stream ended."""

    def receive_transport_error(self, hop: Hop, now: float, text: str) -> None:
        """What was sent to `hop` did not get there."""
