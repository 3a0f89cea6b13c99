"""SIP over TCP (RFC 3261 section 18)."""

from device.net.stream_sockets import StreamSockets


class TcpSockets(StreamSockets):
    """The TCP side of a SIP element."""

    __slots__ = ()
