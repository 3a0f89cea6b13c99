"""SIP over TCP; what it shares with TLS is in test_stream_sockets."""

import socket

from device.net.tcp import TcpSockets
from device.sip.hop import TCP, Hop
from tests.support.turning import HandLoop, Recorder

HOST = "127.0.0.1"


def test_bytes_travel_as_they_are(loop: HandLoop, heard: Recorder) -> None:
    tcp = TcpSockets(loop, heard)
    tcp.listen(HOST, 0)
    with socket.create_connection((HOST, tcp.local_port), 2) as peer:
        peer.sendall(b"OPTIONS")
        loop.turn_until(lambda: heard.streamed)
        source = heard.streamed[0][1]
        assert (heard.stream, source.transport, source.names) == (b"OPTIONS", TCP, ())
        tcp.send(b"SIP/2.0 200 OK", Hop(TCP, source.host, source.port))
        assert peer.recv(100) == b"SIP/2.0 200 OK"
    tcp.close()
