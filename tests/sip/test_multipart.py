"""Bodies of several parts: the session description is found in what gateways send."""

import pytest

from device.sip.errors import SipParseError
from device.sip.multipart import MAX_PARTS, find_session, is_acceptable, read_parts

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\n"
MIXED = "multipart/mixed; boundary=gap"


def part(body: bytes, *fields: str) -> bytes:
    return "".join(f"{field}\r\n" for field in fields).encode() + b"\r\n" + body


def join(*parts: bytes, end: bytes = b"--gap--\r\n") -> bytes:
    return b"".join(b"--gap\r\n" + one + b"\r\n" for one in parts) + end


OFFER = part(SDP, "Content-Type: application/sdp")
PIDF = part(b"<presence/>", "Content-Type: application/pidf+xml", "Content-ID: <alice@example.org>")
TEXT = part(b"hello")


def isup(handling: str) -> bytes:
    return part(b"\x01\x00\r\n--ga\r\n", "content-type: application/ISUP", f"Content-Disposition: Signal; {handling}")


@pytest.mark.parametrize(
    "content_type",
    [
        MIXED,
        'Multipart/Mixed;charset=utf-8;BOUNDARY="gap"',
        "multipart/alternative;boundary=gap",
        "multipart/related;boundary=gap;type=x",
    ],
)
def test_the_session_description_is_found(content_type: str) -> None:
    body = join(PIDF, OFFER, isup("handling=optional"))
    assert find_session(content_type, body) == SDP
    assert is_acceptable(content_type, body)


@pytest.mark.parametrize(
    "body",
    [
        b"preamble --gap\r\n" + join(OFFER) + b"epilogue\r\n--gap\r\n\r\nnot any more",
        join(OFFER, end=b"--gap-- \t"),
        join(OFFER, TEXT, end=b""),
        b"--gap  \r\nContent-Type:application/sdp\r\n\r\n" + SDP + b"\r\n--gap\r\n",
        b"--gap\nContent-Type: application/sdp\n\n" + SDP + b"\n--gap--\n",
        join(part(SDP, "Content-Type:\r\n application/sdp;charset=x", "Content-Transfer-Encoding: 8BIT")),
        join(part(SDP, "Content-Type: Application/SDP", "Content-Disposition: Session;handling=required")),
    ],
)
def test_ways_to_write_it(body: bytes) -> None:
    assert find_session(MIXED, body) == SDP


def test_without_the_last_delimiter_all_that_follows_is_the_part() -> None:
    assert find_session(MIXED, b"--gap\r\n" + OFFER) == SDP


def test_a_delimiter_is_a_whole_line() -> None:
    body = b"x--gap\r\n--gapless\r\n--gap and more\r\n"
    assert [one.body for one in read_parts(MIXED, join(part(body)))] == [body]


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Type: application/sdp", "Content-Disposition: early-session"),
        ("Content-Type: application/sdp", "Content-Transfer-Encoding: base64"),
        ("Content-Type: sdp",),
        (),
    ],
)
def test_what_is_no_session_description_for_us(fields: tuple[str, ...]) -> None:
    assert find_session(MIXED, join(part(SDP, *fields))) == b""
    assert not is_acceptable(MIXED, join(part(SDP, *fields)))


def test_the_last_alternative_is_the_best_and_the_first_of_mixed_parts_counts() -> None:
    body = join(OFFER, part(b"v=0 better", "Content-Type: application/sdp"))
    assert find_session("multipart/alternative;boundary=gap", body) == b"v=0 better"
    assert find_session(MIXED, body) == SDP


def test_one_multipart_inside_another() -> None:
    inner = b"--in\r\n" + TEXT + b"\r\n--in\r\n" + OFFER + b"\r\n--in--"
    outer = join(PIDF, part(inner, "Content-Type: multipart/alternative;boundary=in"))
    assert find_session(MIXED, outer) == SDP
    assert [one.content_type for one in read_parts(MIXED, outer)] == [
        "application/pidf+xml",
        "text/plain",
        "application/sdp",
    ]
    innermost = b"--top\r\n" + part(inner, "Content-Type: multipart/mixed;boundary=in") + b"\r\n--top--"
    deeper = join(part(innermost, "Content-Type: multipart/mixed;boundary=top"))
    assert [one.content_type for one in read_parts(MIXED, deeper)] == ["multipart/mixed"]


def test_a_required_part_that_is_unknown_hinders() -> None:
    body = join(OFFER, isup('handling="Required"'))
    assert not is_acceptable(MIXED, body)
    assert is_acceptable("multipart/alternative;boundary=gap", body), "one of alternatives is enough"


def test_without_a_session_description_every_part_must_be_optional() -> None:
    assert is_acceptable(MIXED, join(isup("handling=optional")))
    assert not is_acceptable(MIXED, join(isup("handling=optional"), TEXT))
    assert not is_acceptable(MIXED, b"nothing at all")


@pytest.mark.parametrize(
    "content_type",
    ["multipart/mixed", "multipart/mixed;x=y", 'multipart/mixed;boundary=""', "multipart/mixed;boundary=" + "x" * 71,
     'multipart/mixed;boundary="é"', "multipart/mixed;;;", 'multipart/mixed;boundary="'],
)  # fmt: skip
def test_a_boundary_there_must_be(content_type: str) -> None:
    with pytest.raises(SipParseError):
        read_parts(content_type, join(OFFER))
    assert find_session(content_type, join(OFFER)) == b""


def test_the_number_of_parts_is_bounded() -> None:
    assert len(read_parts(MIXED, join(*[TEXT] * 100))) == MAX_PARTS
    inner = part(join(*[TEXT] * 100).replace(b"--gap", b"--in"), "Content-Type: multipart/mixed;boundary=in")
    assert len(read_parts(MIXED, join(*[inner] * 3))) == MAX_PARTS


def test_a_body_of_nothing_but_delimiters_is_quickly_read() -> None:
    for unit in (b"--gap", b"\n--gap", b"\n--gap\n"):
        assert len(read_parts(MIXED, unit * 10_000)) <= MAX_PARTS
