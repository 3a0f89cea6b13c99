"""The bench's registrar and caller against a phone that the test plays."""

import socket
import threading

import pytest

from device.sip.message import Request
from device.sip.parser import parse_message
from tests.bench.caller import Caller, CallFailedError, header
from tests.bench.flood_sender import options_request
from tests.bench.registrar import HOST, Registrar


def register(credentials: str = "") -> bytes:
    return (
        f"REGISTER sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:5060;branch=z9hG4bK1\r\n"
        f"From: <sip:1001@{HOST}>;tag=1\r\nTo: <sip:1001@{HOST}>\r\nCall-ID: r\r\nCSeq: 1 REGISTER\r\n"
        f"Contact: <sip:1001@{HOST}:5060>;expires=600\r\n{credentials}Content-Length: 0\r\n\r\n"
    ).encode()


def test_the_registrar_asks_for_credentials_and_notes_the_first_request() -> None:
    with Registrar() as registrar, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        host, _, port = registrar.address.partition(":")
        phone.settimeout(5)
        phone.connect((host, int(port)))
        phone.send(register())
        answer = phone.recv(4096)
        assert answer.startswith(b"SIP/2.0 401 ")
        assert b"algorithm=MD5" in header(answer, b"WWW-Authenticate")
        assert registrar.registered == set()
        first_seen = registrar.first_seen["1001"]
        phone.send(register('Authorization: Digest username="1001"\r\n'))
        answer = phone.recv(4096)
        assert answer.startswith(b"SIP/2.0 200 ")
        assert header(answer, b"Contact") == f"<sip:1001@{HOST}:5060>;expires=3600".encode()
        assert header(answer, b"CSeq") == b"1 REGISTER"
        assert registrar.registered == {"1001"}
        assert registrar.first_seen["1001"] == first_seen
        registrar.forget("1001")
        assert not registrar.registered


class PlayedPhone(threading.Thread):
    """Answers each request by what the script says for its method, and keeps what it was sent."""

    def __init__(self, script: dict[str, list[int]]) -> None:
        super().__init__(daemon=True)
        self.script = script
        self.requests: list[bytes] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            request, source = self.socket.recvfrom(65536)
            if request == b"end":
                self.socket.close()
                return
            self.requests.append(request)
            for status in self.script.get(request.split()[0].decode(), []):
                # A CANCEL is followed by the end of the INVITE it belongs to.
                method = b"INVITE" if status == 487 else header(request, b"CSeq").split()[1]
                lines = [
                    f"SIP/2.0 {status} as the script says",
                    f"To: <sip:1001@{HOST}>;tag=phone",
                    f"Call-ID: {header(request, b'Call-ID').decode()}",
                    f"CSeq: 1 {method.decode()}",
                    "",
                    "m=audio 40000 RTP/AVP 0\r\n" if status == 200 else "",
                ]
                self.socket.sendto("\r\n".join(lines).encode(), source)

    def end(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"end", (HOST, self.port))
        self.join(5)


def test_a_call_is_placed_acknowledged_and_ended() -> None:
    phone = PlayedPhone({"INVITE": [100, 180, 200], "BYE": [200]})
    phone.start()
    with Caller("1001", phone.port) as caller:
        call = caller.place()
        assert caller.hang_up(call) > 0
    phone.end()
    assert [request.split()[0] for request in phone.requests] == [b"INVITE", b"ACK", b"BYE"]
    assert header(phone.requests[1], b"To").endswith(b";tag=phone")
    assert call.audio_port == 40_000
    assert call.ringing_s is not None
    assert call.answered_s is not None
    assert 0 < call.ringing_s <= call.answered_s


def test_a_ringing_call_is_given_up() -> None:
    phone = PlayedPhone({"INVITE": [180], "CANCEL": [200, 487]})
    phone.start()
    with Caller("1001", phone.port) as caller:
        assert caller.ring().ringing_s
    phone.end()
    assert [request.split()[0] for request in phone.requests] == [b"INVITE", b"CANCEL", b"ACK"]
    vias = [header(request, b"Via") for request in phone.requests]
    assert vias[0] == vias[1] == vias[2]


def test_a_refused_call_is_a_failure() -> None:
    phone = PlayedPhone({"INVITE": [486]})
    phone.start()
    with Caller("1001", phone.port) as caller, pytest.raises(CallFailedError, match="486"):
        caller.place()
    phone.end()
    assert phone.requests[-1].startswith(b"ACK ")


def test_the_requests_of_the_flood_are_requests_each_of_its_own() -> None:
    first, second = (parse_message(options_request(5060, 40_000, number)) for number in (1, 2))
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert first.method == "OPTIONS"
    assert first.top_via.branch != second.top_via.branch
    assert first.call_id != second.call_id
