"""No input makes more work than its length deserves: four times as much of any mischief is four times the work."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from device.ids import CountingIds
from device.model import Credential
from device.sip.auto_answer import auto_answer_delay
from device.sip.client_auth import ClientAuth
from device.sip.digest import parse_challenges, parse_credentials
from device.sip.errors import SipParseError
from device.sip.headers import parse_name_addr_list, parse_via_list
from device.sip.hop import Hop
from device.sip.message import Request
from device.sip.multipart import is_acceptable
from device.sip.parser import MAX_HEADER_LINES, StreamFramer, parse_message, validate
from device.sip.tel_uri import parse_subscriber
from device.sip.uri import parse_uri
from tests.support.sip_bench import Bench
from tests.support.sip_messages import request as build
from tests.support.work import growth

SIZE = 1500
MOST = 4.6
"""The allowed growth of work when an input is four times as long; a square would be sixteen."""

HEAD = (
    "INVITE sip:offhook@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{n}\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:a@b>\r\nCall-ID: x{n}\r\nCSeq: 1 INVITE\r\n"
)


def with_header(name: str, piece: str, between: str = "", start: str = "", end: str = "") -> Callable[[int], bytes]:
    """A request with one header field made of so many pieces."""

    def make(size: int) -> bytes:
        value = start + between.join([piece] * size) + end
        return (HEAD.format(n=size) + f"{name}: {value}\r\n\r\n").encode()

    return make


def with_lines(line: str) -> Callable[[int], bytes]:
    """A request with so many lines, a quarter of what is allowed at most."""
    return lambda size: (HEAD.format(n=size) + f"{line}\r\n" * (size * MAX_HEADER_LINES // SIZE // 5) + "\r\n").encode()


MESSAGES: dict[str, Callable[[int], bytes]] = {
    "spaces": lambda size: b" " * size,
    "letters": lambda size: b"x" * size,
    "line ends": lambda size: b"\r\n" * size,
    "spaces in the request line": lambda size: b"INVITE " + b" " * size + b" SIP/2.0\r\n\r\n",
    "a long user": lambda size: b"INVITE sip:" + b"a" * size + b"@b SIP/2.0\r\n\r\n",
    "escapes": lambda size: b"INVITE sip:" + b"%41" * size + b"@b SIP/2.0\r\n\r\n",
    "URI parameters": lambda size: b"INVITE sip:a@b" + b";a" * size + b" SIP/2.0\r\n\r\n",
    "different URI parameters": lambda size: (
        b"INVITE sip:a@b" + b"".join(b";a%d=1" % n for n in range(size)) + b" SIP/2.0\r\n\r\n"
    ),
    "URI headers": lambda size: b"INVITE sip:a@b?" + b"&".join([b"a=b"] * size) + b" SIP/2.0\r\n\r\n",
    "contacts": with_header("Contact", "<sip:a@b>;q=0.5", ","),
    "empty contacts": with_header("Contact", "<>", ","),
    "brackets": with_header("Contact", "<"),
    "quotes": with_header("Contact", '"'),
    "quoted pairs": with_header("Contact", '"\\'),
    "backslashes": with_header("Contact", "\\", start='"'),
    "commas": with_header("Contact", ","),
    "contact parameters": with_header("Contact", ";a", start="<sip:a@b>"),
    "semicolons in a quote": with_header("Contact", ";", start='<sip:a@b>;x="'),
    "quoted parameters": with_header("Contact", ';a=";"', start="<sip:a@b>"),
    "repeated tags": with_header("From", ";tag=1", start="<sip:a@b>"),
    "Vias": with_header("Via", "SIP/2.0/UDP b;branch=z9hG4bK", ","),
    "routes": with_header("Route", "<sip:a;lr>", ","),
    "folds": lambda size: (HEAD.format(n=size) + "Subject:" + "\r\n " * (size // 20) + "\r\n\r\n").encode(),
    "white space": with_header("Subject", "\t ", end="x"),
    "digits": with_header("Content-Length", "9"),
    "lines that are no header field": with_lines("x"),
    "unknown header fields": with_lines("X-Y: z"),
    "From after From": with_lines("From: <sip:a@b>;tag=1"),
    "Content-Length after Content-Length": with_lines("Content-Length: 0"),
    "Via after Via": with_lines("Via: SIP/2.0/UDP b;branch=z9hG4bK"),
    "folded lines": with_lines("X: y\r\n z"),
    "tokens": with_header("Require", "x", ","),
    "answer-after": with_header("Call-Info", "<sip:a>;answer-after=x", ","),
    "infos": with_header("Alert-Info", "<sip:a>;info=x;y", ","),
    "accepted types": with_header("Accept", "a/b", ","),
}


EXTENSIONS = [
    *("Alert-Info", "Allow-Events", "Answer-Mode", "Call-Info", "Diversion", "Error-Info", "Event", "History-Info"),
    *("Identity", "Join", "Min-SE", "P-Asserted-Identity", "P-Preferred-Identity", "Path", "Privacy", "RAck", "Reason"),
    *("Record-Route", "Refer-To", "Referred-By", "Remote-Party-ID", "Replaces", "Reply-To", "Retry-After", "RSeq"),
    *(
        "Security-Client",
        "Service-Route",
        "Session-Expires",
        "SIP-ETag",
        "Subscription-State",
        "Supported",
        "Timestamp",
    ),
    *("User-Agent", "Warning"),
]
"""What the extensions bring along."""

MISCHIEF = ("<sip:a@b>;index=1;reason=x,", ";a=b", "x,", '"a" <tel:+1-2>,', "<sip:a?Reason=SIP%3Bcause%3D302>;i=1,")
METHODS = ("INVITE", "NOTIFY", "SUBSCRIBE", "REFER", "MESSAGE", "INFO", "UPDATE", "PRACK", "OPTIONS", "CANCEL", "BYE")


def handled(data: bytes) -> Callable[[], None]:
    """The way of a datagram through a whole telephone."""

    def handle() -> None:
        bench = Bench()
        bench.endpoint.receive_datagram(data, Hop("UDP", "192.0.2.2", 5060), 0.0)
        while bench.endpoint.next_event() is not None:
            pass
        bench.endpoint.transmissions_to_send()

    return handle


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message(name: str) -> None:
    assert growth(lambda size: handled(MESSAGES[name](size)), SIZE) < MOST


@pytest.mark.parametrize("piece", MISCHIEF)
@pytest.mark.parametrize("name", EXTENSIONS)
def test_a_header_field_of_an_extension(name: str, piece: str) -> None:
    make = with_header(name, piece, start="<sip:a@b>", end="<sip:c@d>\r\nContact: <sip:a@192.0.2.2>")
    assert growth(lambda size: handled(make(size)), SIZE // 3) < MOST


@pytest.mark.parametrize("method", METHODS)
def test_a_request_of_any_method_with_lists_in_all_its_fields(method: str) -> None:
    def make(size: int) -> Callable[[], None]:
        value = "<sip:a@b>;x=y, " * (size // len(EXTENSIONS)) + "<sip:c@d>"
        fields = "".join(f"{name}: {value}\r\n" for name in EXTENSIONS) + "Contact: <sip:a@192.0.2.2>\r\n"
        return handled((HEAD.format(n=size).replace("INVITE", method) + fields + "\r\n").encode())

    assert growth(make, SIZE) < MOST


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_on_a_stream_that_comes_in_pieces(name: str) -> None:
    def framed(size: int) -> Callable[[], None]:
        data = MESSAGES[name](size)

        def feed() -> None:
            framer = StreamFramer(limit_bytes=2**20)
            with suppress(SipParseError):
                for at in range(0, len(data), 64):
                    framer.receive_data(data[at : at + 64])

        return feed

    assert growth(framed, SIZE) < MOST


def test_many_messages_on_a_stream() -> None:
    message = build("OPTIONS").encode()

    def feed(size: int) -> Callable[[], object]:
        return lambda: StreamFramer(limit_bytes=2**20).receive_data(message * (size // 10))

    assert growth(feed, SIZE) < MOST


def tolerated(parse: Callable[[str], object], text: str) -> Callable[[], None]:
    def action() -> None:
        with suppress(SipParseError):
            parse(text)

    return action


VALUES: list[tuple[Callable[[str], object], str, str, str]] = [
    (parse_name_addr_list, "", "<sip:a@b>,", "<sip:a@b>"),
    (parse_name_addr_list, "", '"a" <sip:a@b>;x="y",', "<sip:a@b>"),
    (parse_via_list, "", "SIP/2.0/UDP a;b=c,", "SIP/2.0/UDP a"),
    (parse_challenges, "Digest ", 'realm="x",nonce="y",a="b",', "x=y"),
    (parse_challenges, "", 'Digest realm="x",nonce="y",', "Basic x=y"),
    (parse_challenges, "Digest ", "a ", ""),
    (parse_credentials, "Digest ", 'a="b",', ""),
    (parse_credentials, 'Digest username="', "\\", ""),
    (parse_subscriber, "+1", "-", ""),
    (parse_subscriber, "+1", ";a=b", ""),
    (parse_subscriber, "7;phone-context=", "a.", "b"),
    (parse_subscriber, "7;phone-context=", "a-", ""),
    (parse_uri, "tel:", "1-", ""),
    (parse_uri, "sip:[", "1:", "]"),
    (parse_uri, "sip:", "a.", "b"),
    (parse_uri, "sip:", "a-", ""),
]


@pytest.mark.parametrize(("parse", "start", "piece", "end"), VALUES)
def test_a_value(parse: Callable[[str], object], start: str, piece: str, end: str) -> None:
    assert growth(lambda size: tolerated(parse, start + piece * size + end), SIZE) < MOST


@pytest.mark.parametrize("piece", [b"--x\r\n", b"--x", b"\r\n", b"--x\r\n\r\n\r\n", b"--x\r\nA: b\r\n", b"-"])
def test_a_multipart_body(piece: bytes) -> None:
    def read(size: int) -> Callable[[], None]:
        def action() -> None:
            with suppress(SipParseError):
                is_acceptable("multipart/mixed;boundary=x", b"--x\r\n\r\n" + piece * size)

        return action

    assert growth(read, SIZE) < MOST


def test_a_server_that_names_ever_new_realms() -> None:
    refused = build("REGISTER")

    def answer(size: int) -> Callable[[], object]:
        response = refused.response(401)
        for number in range(size):
            response.headers.add("WWW-Authenticate", f'Digest realm="{number}", nonce="n", algorithm=X')
        return lambda: ClientAuth(Credential("a", password="b"), CountingIds()).challenge_received(response, refused)

    assert growth(answer, SIZE // 10) < MOST


def test_a_server_that_redirects_to_everybody() -> None:
    def redirect(size: int) -> Callable[[], None]:
        bench = Bench()
        invite = bench.call()
        response = invite.response(302, to_tag="t")
        response.headers.add("Contact", ", ".join(f"<sip:u{number}@192.0.2.9>" for number in range(size)))
        data = response.encode()

        def action() -> None:
            bench.endpoint.receive_datagram(data, Hop("UDP", "192.0.2.2", 5060), 0.0)
            bench.sent()

        return action

    assert growth(redirect, SIZE // 5) < MOST


def test_what_the_caller_wishes_is_looked_for_once() -> None:
    def ask(size: int) -> Callable[[], object]:
        invite = Request("INVITE", "sip:a@b")
        for _ in range(size):
            invite.headers.add("Call-Info", "<sip:a>;x=y")
        return lambda: auto_answer_delay(invite)

    assert growth(ask, SIZE // 10) < MOST


def test_a_message_is_read_and_checked_in_linear_work() -> None:
    """The measure itself: a square is noticed."""

    def square(size: int) -> Callable[[], None]:
        def action() -> None:
            for _ in range(size):
                for _ in range(size):
                    pass

        return action

    def scanning(size: int) -> Callable[[], None]:
        text = "x" * size

        def action() -> None:
            for _ in range(size):
                text.partition("y")

        return action

    assert growth(square, 100) > 10
    assert growth(scanning, SIZE) > 8
    data = (HEAD.format(n=1) + "\r\n").encode()
    assert growth(lambda size: lambda: [validate(parse_message(data)) for _ in range(size)], 50) == pytest.approx(
        4, 0.1
    )
