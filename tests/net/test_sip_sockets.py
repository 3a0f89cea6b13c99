"""UDP and TCP at one port, and the address that others are told."""

import socket
import subprocess
import sys

import pytest

from device.net.addresses import NetError
from device.net.sip_sockets import PORT_TRIES, SipSockets
from device.net.tls_options import TlsOptions
from device.net.udp import UdpSocket
from device.sip.hop import Hop, Transmission
from tests.support.certificates import Authority
from tests.support.processes import ROOT
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
    # What comes to the plain port is a handshake, no message; and nobody answers it.
    loop.turn_until(lambda: heard.streamed)
    sockets.close()
    assert b"secret" not in heard.stream
    assert not heard.datagrams


def test_a_transport_that_nobody_knows_is_told(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    hop = Hop("SCTP", HOST, 5060)
    sockets.send(Transmission(b"x", hop))
    assert heard.errors == [(hop, "SCTP is not available; use UDP, TCP or TLS")]


def test_tls_is_loaded_when_it_is_wanted(loop: HandLoop, heard: Recorder) -> None:
    script = (
        "import sys; from tests.support.turning import Recorder, hand_loop\n"
        "from device.net.sip_sockets import SipSockets; from device.sip.hop import Hop, Transmission\n"
        "with hand_loop() as loop:\n"
        "    sockets = SipSockets(loop, Recorder(), '127.0.0.1'); sockets.open(0); sockets.handle_timeout(1.0)\n"
        "    print('ssl' in sys.modules, end=' ')\n"
        "    sockets.send(Transmission(b'x', Hop('TLS', '127.0.0.1', 1))); print('ssl' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == ["False", "True"]


def test_tls_has_a_port_of_its_own_where_there_is_a_certificate(loop: HandLoop, heard: Recorder, tmp_path) -> None:
    authority = Authority(tmp_path / "ca")
    ours = authority.issue(f"IP:{HOST}")
    options = TlsOptions(ca_file=str(authority.path), certificate=str(ours.path), key=str(ours.key))
    sockets = SipSockets(loop, heard, HOST, tls_options=options)
    sockets.open(0)
    assert sockets.port_of("TLS") == 0
    sockets.listen_tls(0)
    port = sockets.port_of("TLS")
    assert sockets.sent_by(Hop("TLS", HOST, 5061)) == (HOST, port)
    assert sockets.port_of("UDP") == sockets.port_of("TCP") == sockets.local_port != port
    sockets.send(Transmission(b"a secret", Hop("TLS", HOST, port)))
    loop.turn_until(lambda: heard.streamed)
    assert heard.streamed[0][0] == b"a secret"
    assert sockets.next_timeout() is not None
    sockets.close_connection(Hop("UDP", HOST, port))
    sockets.close_connection(heard.streamed[0][1])
    sockets.drop_connections()
    loop.turn_until(lambda: len(heard.closed) == 2)
    sockets.close()


def test_where_nobody_can_connect_there_is_no_port(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    sockets.open(0, listen_tcp=False)
    assert (sockets.port_of("UDP"), sockets.port_of("TCP"), sockets.port_of("TLS")) == (sockets.local_port, 0, 0)
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


def test_sound_of_ipv4_wrapped_in_ipv6_has_its_way_without_ipv6(loop: HandLoop, heard: Recorder) -> None:
    sockets = SipSockets(loop, heard, HOST)
    assert sockets.media_address_towards("::ffff:192.0.2.2") == HOST
    assert sockets.media_address_towards("2001:db8::2") == ""
