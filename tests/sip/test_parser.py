"""Datagrams, keep-alives and streams to messages; every file of tests/vectors/sip and what must be read from it."""

import pytest

from device.sip.errors import SipParseError
from device.sip.message import Request, Response
from device.sip.parser import PING, PONG, StreamFramer, is_keepalive, parse_message, validate
from tests.support.sip_facts import VECTORS, differences, load_facts

FACTS = load_facts(VECTORS)

GOOD = sorted(name for name, facts in FACTS.items() if "refused" not in facts)
BAD = sorted(name for name, facts in FACTS.items() if "refused" in facts)

OPTIONS = (
    b"OPTIONS sip:desk@office.example SIP/2.0\r\n"
    b"Via: SIP/2.0/TCP 192.0.2.31;branch=z9hG4bK-s\r\n"
    b"From: <sip:door@gate.example>;tag=d1\r\n"
    b"To: <sip:desk@office.example>\r\n"
    b"Call-ID: stream\r\n"
    b"CSeq: 1 OPTIONS\r\n"
)


def read(name: str) -> Request | Response:
    message = parse_message((VECTORS / f"{name}.sip").read_bytes())
    validate(message)
    return message


def test_every_vector_file_has_its_facts() -> None:
    assert {path.stem for path in VECTORS.glob("*.sip")} == set(FACTS)


@pytest.mark.parametrize("name", GOOD)
def test_well_formed_message_is_read(name: str) -> None:
    assert differences(read(name), FACTS[name]) == {}


@pytest.mark.parametrize("name", GOOD)
def test_encoded_message_reads_the_same(name: str) -> None:
    message = read(name)
    message.headers.set("Content-Length", str(len(message.body)))
    again = parse_message(message.encode())
    assert (again.headers, again.body) == (message.headers, message.body)
    assert again.encode() == message.encode()


@pytest.mark.parametrize("name", BAD)
def test_malformed_message_is_refused(name: str) -> None:
    with pytest.raises(SipParseError) as caught:
        read(name)
    assert caught.value.status == FACTS[name]["refused"]
    assert FACTS[name]["says"] in str(caught.value)


@pytest.mark.parametrize("name", [name for name in BAD if FACTS[name]["refused"] is not None])
def test_refused_request_can_be_answered(name: str) -> None:
    with pytest.raises(SipParseError) as caught:
        read(name)
    error = caught.value
    assert error.partial is not None
    assert error.status is not None
    answer = error.partial.response(error.status, to_tag="ours")
    again = parse_message(answer.encode())
    assert isinstance(again, Response)
    assert again.status == error.status
    assert again.headers.get_all("Via") == error.partial.headers.get_all("Via")
    for header in ("From", "Call-ID", "CSeq"):
        assert again.headers.get_all(header) == error.partial.headers.get_all(header)[:1]


def test_comma_joined_routing_fields_stand_one_a_line() -> None:
    data = OPTIONS.replace(b"-s\r\n", b"-s, SIP/2.0/UDP b;branch=z9hG4bK-t\r\nRoute: <sip:a;lr>, <sip:b;lr>\r\n")
    message = parse_message(data + b"Allow: INVITE, ACK\r\n\r\n")
    assert message.headers.get_all("Via") == [
        "SIP/2.0/TCP 192.0.2.31;branch=z9hG4bK-s",
        "SIP/2.0/UDP b;branch=z9hG4bK-t",
    ]
    assert message.headers.get_all("Route") == ["<sip:a;lr>", "<sip:b;lr>"]
    assert message.headers.get_all("Allow") == ["INVITE, ACK"]


def test_second_via_line_with_a_comma_is_split_too() -> None:
    data = OPTIONS + b"Via: SIP/2.0/UDP b, SIP/2.0/UDP c\r\n\r\n"
    assert [via.host for via in parse_message(data).vias] == ["192.0.2.31", "b", "c"]


def test_header_of_too_many_lines_is_dropped() -> None:
    with pytest.raises(SipParseError, match="header lines") as caught:
        parse_message(OPTIONS + b"X: y\r\n" * 600 + b"\r\n")
    assert caught.value.status is None


def test_header_of_too_many_bytes_is_dropped() -> None:
    with pytest.raises(SipParseError, match="bytes") as caught:
        parse_message(OPTIONS + b"X: " + b"y" * 70000 + b"\r\n\r\n")
    assert caught.value.status is None


def test_bytes_after_content_length_are_no_body() -> None:
    assert parse_message(OPTIONS + b"Content-Length: 3\r\n\r\nabcdef").body == b"abc"
    assert parse_message(b"SIP/2.0 200 OK\r\nContent-Length: 1\r\n\r\nab").body == b"a"


def test_response_with_too_short_a_body_is_dropped() -> None:
    with pytest.raises(SipParseError) as caught:
        parse_message(b"SIP/2.0 200 OK\r\nContent-Length: 4\r\n\r\nab")
    assert (caught.value.status, caught.value.partial) == (None, None)


def test_folded_start_line_and_first_header_line() -> None:
    with pytest.raises(SipParseError):
        parse_message(b"OPTIONS\r\n sip:desk@office.example SIP/2.0\r\n\r\n")
    message = parse_message(b"OPTIONS sip:a@b SIP/2.0\r\n folded: nowhere\r\n" + OPTIONS.split(b"\r\n", 1)[1] + b"\r\n")
    assert "folded" not in message.headers
    assert message.call_id == "stream"


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\0", b"\0\0\0\0", b" \r\n"])
def test_keepalive_datagrams(data: bytes) -> None:
    assert is_keepalive(data)


def test_message_is_no_keepalive() -> None:
    assert not is_keepalive(b"\r\n" + OPTIONS)


# Streams


def framed(body: bytes = b"", line: bytes = b"Content-Length: %d\r\n") -> bytes:
    return OPTIONS + (line % len(body)) + b"\r\n" + body


def test_stream_gives_messages_pings_and_pongs_in_order() -> None:
    data = framed(b"one") + b"\r\n\r\n" + framed() + b"\r\n" + framed(b"\r\n\r\n")
    assert StreamFramer().receive_data(data) == [framed(b"one"), PING, framed(), PONG, framed(b"\r\n\r\n")]


def test_stream_cut_anywhere_gives_the_same_messages() -> None:
    data = framed(b"body \r\n\r\n of one") + framed() + framed(b"x")
    whole = StreamFramer().receive_data(data)
    for cut in range(len(data)):
        framer = StreamFramer()
        assert framer.receive_data(data[:cut]) + framer.receive_data(data[cut:]) == whole


def test_stream_byte_by_byte() -> None:
    data = framed(b"abc") + framed()
    framer = StreamFramer()
    got = [frame for byte in data for frame in framer.receive_data(bytes((byte,)))]
    assert got == [framed(b"abc"), framed()]


@pytest.mark.parametrize(
    "line",
    [b"l:%d\r\n", b"CONTENT-LENGTH :  %d \r\n", b"Content-Length:\r\n  %d\r\n", b"Content-Length: 000%d\r\n"],
)
def test_stream_reads_every_form_of_content_length(line: bytes) -> None:
    assert StreamFramer().receive_data(framed(b"hello", line) + framed()) == [framed(b"hello", line), framed()]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"", 400),
        (b"Content-Length: 3\r\nl: 4\r\n", 400),
        (b"Content-Length: three\r\n", 400),
        (b"Content-Length: \r\n", 400),
        (b"Content-Length: -1\r\n", 400),
        (b"Content-Length: 65000\r\n", 513),
        (b"Content-Length: 99999999999999999999\r\n", 400),
    ],
)
def test_stream_that_cannot_be_followed_names_the_request_to_answer(line: bytes, status: int) -> None:
    framer = StreamFramer(limit_bytes=8192)
    with pytest.raises(SipParseError) as caught:
        framer.receive_data(OPTIONS + line + b"\r\n")
    assert caught.value.status == status
    assert caught.value.partial is not None
    assert caught.value.partial.call_id == "stream"


def test_stream_keeps_the_messages_before_the_fault() -> None:
    framer = StreamFramer()
    assert framer.receive_data(framed() + OPTIONS + b"\r\n") == [framed()]
    assert framer.fault is not None
    with pytest.raises(SipParseError, match="no Content-Length"):
        framer.receive_data(b"")


def test_stream_without_end_of_header_is_bounded() -> None:
    framer = StreamFramer(limit_bytes=1000)
    assert framer.receive_data(b"x" * 1000) == []
    with pytest.raises(SipParseError, match="no end of the header"):
        framer.receive_data(b"x")


def test_faulty_response_or_noise_on_a_stream_is_not_answered() -> None:
    for noise in (b"SIP/2.0 200 OK\r\nCall-ID: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\nx", b"\rx"):
        with pytest.raises(SipParseError) as caught:
            StreamFramer().receive_data(noise)
        assert caught.value.status is None


def test_half_a_ping_waits() -> None:
    framer = StreamFramer()
    assert framer.receive_data(b"\r") == []
    assert framer.receive_data(b"\n\r\n") == [PING]
    assert framer.receive_data(b"\r\n") == [PONG]
