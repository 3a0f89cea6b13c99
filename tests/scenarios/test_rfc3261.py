"""Whole daemons on loopback: what a stranger's message gets from the running telephone and the running exchange."""

import socket
from collections.abc import Iterator

import pytest

from device.sip.message import Request, Response
from device.sip.parser import parse_message
from tests.support.daemons import Daemon, ExchangeDaemon, PhoneDaemon, running
from tests.support.processes import HOST, PATIENCE_S

OFFER = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


class Stranger:
    """A socket that writes messages as they are and reads what comes back."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(PATIENCE_S)
        self.port = self._socket.getsockname()[1]
        self._count = 0

    def close(self) -> None:
        self._socket.close()

    def ask(self, daemon: Daemon, method: str, uri: str, body: bytes = b"", branch: str = "", **fields: str) -> Request:
        """Send a request with the usual header fields, those in `fields` changed; `X=""` leaves one out."""
        self._count += 1
        branch = branch or f"z9hG4bK-{self.port}-{self._count}"
        usual = {
            "Via": f"SIP/2.0/UDP {HOST}:{self.port};branch={branch};rport",
            "Max-Forwards": "70",
            "From": "<sip:stranger@example.org>;tag=s",
            "To": f"<{uri}>",
            "Call-ID": f"c{self._count}-{self.port}",
            "CSeq": f"1 {method}",
            "Contact": f"<sip:stranger@{HOST}:{self.port}>",
        }
        if body:
            usual["Content-Type"] = "application/sdp"
        usual |= {name.replace("_", "-"): value for name, value in fields.items()}
        lines = [f"{method} {uri} SIP/2.0", *(f"{name}: {value}" for name, value in usual.items() if value)]
        data = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
        self._socket.sendto(data, (HOST, daemon.port))
        asked = parse_message(data)
        assert isinstance(asked, Request)
        return asked

    def response(self, final: bool = True) -> Response:
        """The next response, or the next final one."""
        while True:
            message = parse_message(self._socket.recv(65536))
            if isinstance(message, Response) and (message.status >= 200 or not final):
                return message


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    stranger = Stranger()
    yield stranger
    stranger.close()


@pytest.fixture(scope="module")
def phone(tmp_path_factory) -> Iterator[PhoneDaemon]:
    phone = PhoneDaemon("phone", tmp_path_factory.mktemp("phone"))
    with running(phone):
        yield phone


@pytest.fixture(scope="module")
def exchange(tmp_path_factory) -> Iterator[ExchangeDaemon]:
    exchange = ExchangeDaemon(tmp_path_factory.mktemp("exchange"), {"1001": "a secret"})
    with running(exchange):
        yield exchange


REFUSALS = [
    ("DANCE", "", b"", {}, 501, "Allow", "INVITE"),
    ("PUBLISH", "", b"", {}, 405, "Allow", "INVITE"),
    ("INVITE", "foo:bar", OFFER, {}, 416, "To", ";tag="),
    ("INVITE", "sip:nobody@127.0.0.1", OFFER, {"Require": "x"}, 404, "To", ";tag="),
    ("INVITE", "", OFFER, {"Require": "x, y"}, 420, "Unsupported", "x, y"),
    ("INVITE", "", OFFER, {"Content_Type": "text/plain"}, 415, "Accept", "application/sdp"),
    ("INVITE", "", OFFER, {"Content_Encoding": "gzip"}, 415, "Accept-Encoding", "identity"),
    ("INVITE", "", OFFER, {"Content_Disposition": "early-session"}, 415, "Accept", "application/sdp"),
    ("INVITE", "", b"\x30\x82", {"Content_Type": "application/pkcs7-mime"}, 415, "Accept", "application/sdp"),
    ("INVITE", "", OFFER.replace(b"AVP 0", b"AVP 9"), {}, 488, "Warning", "305"),
    ("INVITE", "", OFFER, {"Contact": ""}, 400, "To", ";tag="),
    ("BYE", "", b"", {"To": "<sip:x@127.0.0.1>;tag=gone"}, 481, "To", ";tag=gone"),
    ("CANCEL", "", b"", {}, 481, "To", ";tag="),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal[0]}-{refusal[4]}")
def test_what_the_telephone_refuses(phone, stranger, refusal) -> None:
    method, uri, body, fields, status, name, part = refusal
    asked = stranger.ask(phone, method, uri or phone.target, body, **fields)
    response = stranger.response()
    assert response.status == status
    assert part in (response.headers.get(name) or "")
    for field in ("From", "Call-ID", "CSeq"):
        assert response.headers.get(field) == asked.headers.get(field)
    assert not phone.status()["calls"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"CSeq": "one OPTIONS"}, "CSeq: not a number"),
        ({"CSeq": "1 INVITE"}, "CSeq names INVITE in a OPTIONS"),
        ({"Call_ID": ""}, "Call-ID is missing"),
        ({"Max_Forwards": "999"}, "Max-Forwards: a number above 255"),
    ],
)
def test_a_bad_request_hears_what_is_bad(phone, exchange, stranger, fields, reason) -> None:
    for daemon in (phone, exchange):
        stranger.ask(daemon, "OPTIONS", f"sip:{HOST}", **fields)
        response = stranger.response()
        assert response.status == 400
        assert response.reason.startswith(f"Bad Request: {reason}")


def test_options_are_answered_by_both(phone, exchange, stranger) -> None:
    for daemon in (phone, exchange):
        stranger.ask(daemon, "OPTIONS", f"sip:{HOST}", Max_Forwards="0")
        response = stranger.response()
        assert response.status == 200
        for name in ("Accept", "Accept-Encoding", "Accept-Language", "Supported"):
            assert name in response.headers


def test_a_call_that_is_taken_back(phone, stranger) -> None:
    invite = stranger.ask(phone, "INVITE", phone.target, OFFER, branch="z9hG4bK-back", Timestamp="7.5")
    first = stranger.response(final=False)
    assert first.status in (100, 180)
    if first.status == 100:
        assert (first.headers.get("Timestamp") or "").startswith("7.5 ")
        first = stranger.response(final=False)
    assert (first.status, len(first.contacts)) == (180, 1)
    # The same request by another way is looped; the call itself goes on.
    stranger.ask(phone, "INVITE", phone.target, OFFER, Call_ID=invite.call_id)
    assert stranger.response().status == 482
    stranger.ask(phone, "CANCEL", phone.target, branch="z9hG4bK-back", Call_ID=invite.call_id, Contact="", Require="x")
    answers = {one.cseq.method: one for one in (stranger.response(), stranger.response())}
    assert {method: one.status for method, one in answers.items()} == {"CANCEL": 200, "INVITE": 487}
    assert len({one.to.tag for one in (first, *answers.values())}) == 1
    failed = answers["INVITE"].headers.get("To") or ""
    stranger.ask(
        phone, "ACK", phone.target, branch="z9hG4bK-back", To=failed, Call_ID=invite.call_id, Contact="", Require="x"
    )
    phone.rest()


def test_a_stranger_at_the_exchange(exchange, stranger) -> None:
    for method, uri, fields, status in (
        ("INVITE", "sip:x@elsewhere.example", {}, 403),
        ("MESSAGE", f"sip:1001@{HOST}", {}, 480),
        ("MESSAGE", f"sip:1002@{HOST}", {}, 480),
        ("MESSAGE", f"sip:1001@{HOST}", {"From": f"<sip:1001@{HOST}>;tag=s"}, 407),
        ("MESSAGE", f"sip:1001@{HOST}", {"Max_Forwards": "0"}, 483),
        ("MESSAGE", f"sip:1001@{HOST}", {"Proxy_Require": "x"}, 420),
        ("MESSAGE", "tel:1001", {}, 416),
        ("CANCEL", f"sip:1001@{HOST}", {}, 481),
        ("REGISTER", f"sip:{HOST}", {"To": f"<sip:1001@{HOST}>"}, 401),
        ("REGISTER", f"sip:{HOST}", {"To": f"<sip:1001@{HOST}>", "Authorization": "Basic MTAwMTph"}, 401),
    ):
        stranger.ask(exchange, method, uri, **fields)
        assert stranger.response().status == status, (method, uri, fields)
