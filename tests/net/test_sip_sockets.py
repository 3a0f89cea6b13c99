"""UDP and TCP at one port, and the address that others are told."""

import socket

import pytest

from device.net.addresses import NetError
from device.net.sip_sockets import PORT_TRIES, SipSockets
from device.net.udp import UdpSocket
from device.sip.hop import Hop, Transmission
from tests.support.turning import HandLoop, Recorder

HOST = "127.0.0.1"


def test_both_transports_share_one_port(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    sockets.open(0)
    assert sockets.local_port == sockets.udp.local_port == sockets.tcp.local_port
    sockets.send(Transmission(b"by datagram", Hop("UDP", HOST, sockets.local_port)))
    sockets.send(Transmission(b"by stream", Hop("TCP", HOST, sockets.local_port)))
    loop.turn_until(lambda: heard.datagrams and heard.streamed)
    assert heard.stream == b"by stream"
    sockets.handle_timeout(loop.now())
    assert sockets.next_timeout() is not None
    sockets.close()


def test_nothing_that_was_to_be_secret_goes_out_in_the_open(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    sockets.open(0)
    hop = Hop("TLS", HOST, sockets.local_port)
    sockets.send(Transmission(b"a secret", hop))
    assert heard.errors == [(hop, "TLS is not available; use UDP or TCP")]
    assert not heard.streamed
    sockets.close()


def test_tcp_can_be_left_out(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    sockets.open(0, listen_tcp=False)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, sockets.local_port), 2)
    sockets.close()


def test_a_port_of_which_tcp_is_taken_is_told_and_udp_is_given_back(loop: HandLoop, heard: Recorder) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(NetError, match="TCP"):
            SipSockets(loop, heard, HOST).open(port)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((HOST, port))


class _Unlucky:
    """A TCP side that finds its port taken so many times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.tried: list[int] = []

    def listen(self, host: str, port: int) -> None:
        self.tried.append(port)
        if len(self.tried) <= self.failures:
            raise NetError("taken")

    def close(self) -> None:
        pass


def test_any_port_means_one_that_both_can_have(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    unlucky = sockets.tcp = _Unlucky(2)  # type: ignore[assignment]
    sockets.open(0)
    assert len(unlucky.tried) == 3  # type: ignore[attr-defined]
    assert sockets.local_port == unlucky.tried[-1]  # type: ignore[attr-defined]
    sockets.close()


def test_the_search_for_a_port_ends(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    sockets.tcp = _Unlucky(100)  # type: ignore[assignment]
    with pytest.raises(NetError):
        sockets.open(0)
    assert len(sockets.tcp.tried) == PORT_TRIES  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("bound", "advertised", "shown"),
    [("", "", HOST), ("127.0.0.2", "", "127.0.0.2"), ("127.0.0.2", "phone.example", "phone.example"), ("::", "", HOST)],
)
def test_others_are_told_an_address_that_they_can_reach(
    loop: HandLoop, heard: Recorder, bound: str, advertised: str, shown: str
) -> None:
    sockets = SipSockets(loop, heard, bound, advertised)
    assert sockets.sent_by(Hop("UDP", "127.0.0.9", 5060)) == (shown, 0)


def test_sockets_that_are_made_anew_keep_their_port_and_leave_old_connections(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    sockets.open(0)
    port, first = sockets.local_port, sockets.udp._socket
    sockets.send(Transmission(b"by stream", Hop("TCP", HOST, port)))
    loop.turn_until(lambda: heard.streamed)
    sockets.renew()
    assert sockets.local_port == port
    assert sockets.udp._socket is not first
    sockets.send(Transmission(b"by datagram", Hop("UDP", HOST, port)))
    loop.turn_until(lambda: heard.datagrams and heard.closed)
    sockets.close()


def test_a_port_that_cannot_be_had_again_is_told(
    loop: HandLoop, heard: Recorder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = SipSockets(loop, heard, HOST)
    sockets.open(0)

    def refuse(_host: str, _port: int) -> None:
        raise NetError("taken")

    monkeypatch.setattr(UdpSocket, "open", lambda _self, host, port: refuse(host, port))
    sockets.renew()
    assert "could not be made anew: taken" in caplog.text
    sockets.close()
