"""What a REFER asks for, and the fragments that tell how it went."""

import pytest

from device.sip.errors import SipParseError
from device.sip.headers import Headers
from device.sip.message import Request
from device.sip.refer import (
    Replaces,
    build_sipfrag,
    parse_referral,
    parse_replaces,
    parse_sipfrag,
    refer_to,
)
from device.sip.uri import parse_uri


def refer(*values: str, **more: str) -> Request:
    headers = Headers([("Refer-To", value) for value in values])
    for name, value in more.items():
        headers.add(name.replace("_", "-"), value)
    return Request("REFER", "sip:offhook@192.0.2.1", headers)


def test_a_plain_referral() -> None:
    found = parse_referral(refer("Carol <sip:carol@192.0.2.3;method=INVITE>", Referred_By="<sip:bob@192.0.2.2>"))
    assert str(found.target) == "sip:carol@192.0.2.3"
    assert (found.headers, found.referred_by, found.wants_notify) == ((), "<sip:bob@192.0.2.2>", True)
    assert not found.is_attended


def test_a_referral_that_replaces_a_call() -> None:
    uri = "<sip:carol@192.0.2.3?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces&Route=%3Csip%3Ax%3E>"
    found = parse_referral(refer(uri))
    assert found.headers == (("Replaces", "a@b;to-tag=1;from-tag=2"), ("Require", "replaces"))
    assert str(found.target) == "sip:carol@192.0.2.3"
    assert found.is_attended


@pytest.mark.parametrize(("text", "wants"), [("false", False), ("False;x", False), ("true", True), ("what", True)])
def test_whether_notifications_are_wanted(text: str, wants: bool) -> None:
    assert parse_referral(refer("<sip:carol@192.0.2.3>", Refer_Sub=text)).wants_notify is wants


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ((), 400),
        (("<sip:a@192.0.2.3>, <sip:b@192.0.2.3>",), 400),
        (("<sip:a@192.0.2.3>", "<sip:b@192.0.2.3>"), 400),
        (("<http://192.0.2.3/>",), 416),
        (("<sip:a@192.0.2.3;method=BYE>",), 501),
        (("<sip:a@192.0.2.3?Replaces=only-this>",), 400),
        (("<sip:a@192.0.2.3?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=b%3Bto-tag%3D1%3Bfrom-tag%3D2>",), 400),
        (("no address",), 400),
    ],
)
def test_referrals_that_cannot_be_carried_out(values: tuple[str, ...], status: int) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_referral(refer(*values))
    assert caught.value.status == status


def test_replaces_is_read_and_written() -> None:
    replaces = parse_replaces("98asjd8@test.host ;from-tag=r33th4x0r;to-tag=ff87ff;early-only")
    assert replaces == Replaces("98asjd8@test.host", "ff87ff", "r33th4x0r", True)
    assert str(replaces) == "98asjd8@test.host;to-tag=ff87ff;from-tag=r33th4x0r;early-only"


@pytest.mark.parametrize(
    "text",
    ["", "call", "call;to-tag=1", "call;from-tag=1", ";to-tag=1;from-tag=2", "call;to-tag=1;to-tag=2;from-tag=3"],
)
def test_replaces_that_name_no_dialog(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_replaces(text)


def test_a_refer_to_that_replaces_is_escaped() -> None:
    text = refer_to(parse_uri("sip:carol@192.0.2.3"), Replaces("a@b", "1", "2"))
    assert text == "<sip:carol@192.0.2.3?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    assert parse_referral(refer(text)).headers == (("Replaces", "a@b;to-tag=1;from-tag=2"),)
    assert refer_to(parse_uri("sip:carol@192.0.2.3")) == "<sip:carol@192.0.2.3>"


def test_fragments() -> None:
    assert build_sipfrag(180) == b"SIP/2.0 180 Ringing\r\n"
    assert build_sipfrag(299) == b"SIP/2.0 299 Unknown\r\n"
    assert parse_sipfrag(build_sipfrag(486)) == (486, "Busy Here")
    assert parse_sipfrag(b"\r\nSIP/2.0 200\r\nContact: <sip:x>\r\n") == (200, "")
    assert parse_sipfrag(b"SIP/2.0 603 \x07ring\r\n") == (603, "")
    for body in (b"", b"INVITE sip:x SIP/2.0\r\n", b"SIP/2.0 99 Low\r\n", b"\xff\xfe"):
        assert parse_sipfrag(body) is None
