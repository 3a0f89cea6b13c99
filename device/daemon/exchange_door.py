"""The exchange's door: what banned senders and floods of strangers send is dropped before anybody reads it."""

from collections.abc import Callable

from device.exchange.admission import Admission, sender_of
from device.net.interfaces import MessageReceiver
from device.sip.hop import Hop


class Door:
    """Stands between the sockets and the endpoint; a connection of somebody who is not let in is closed."""

    def __init__(self, receiver: MessageReceiver, admission: Admission, close: Callable[[Hop], None]) -> None:
        self._receiver = receiver
        self._admission = admission
        self._close = close

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """Take one UDP datagram, or leave it."""
        if self._admission.admits(data, sender_of(source.host, source.port), now):
            self._receiver.receive_datagram(data, source, now)

    def receive_stream(self, data: bytes, source: Hop, now: float) -> None:
        """Take some bytes of a stream, or close it."""
        if self._admission.admits(data, sender_of(source.host, source.port), now):
            self._receiver.receive_stream(data, source, now)
        else:
            self._close(source)

    def connection_closed(self, source: Hop, now: float) -> None:
        """A stream ended."""
        self._receiver.connection_closed(source, now)

    def receive_transport_error(self, hop: Hop, now: float, text: str) -> None:
        """What was sent to `hop` did not get there."""
        self._receiver.receive_transport_error(hop, now, text)
