"""Requests and responses: typed values, building answers, encoding."""

import pytest

from device.sip.errors import SipParseError
from device.sip.headers import CSeq, Headers, Via
from device.sip.message import REASON_PHRASES, Request, Response
from device.sip.uri import Uri, parse_uri


def invite(*more: tuple[str, str], body: bytes = b"") -> Request:
    headers = Headers(
        [
            ("Via", "SIP/2.0/UDP b.example;branch=z9hG4bK2"),
            ("Via", "SIP/2.0/UDP a.example;branch=z9hG4bK1"),
            ("From", '"A" <sip:a@a.example>;tag=1'),
            ("To", "<sip:b@b.example>"),
            ("Call-ID", "c1"),
            ("CSeq", "5 INVITE"),
            *more,
        ]
    )
    return Request("INVITE", parse_uri("sip:b@b.example"), headers, body)


def test_request_on_the_wire() -> None:
    assert invite(("Content-Type", "text/plain"), body=b"hi\xff").encode() == (
        b"INVITE sip:b@b.example SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP b.example;branch=z9hG4bK2\r\n"
        b"Via: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\n"
        b'From: "A" <sip:a@a.example>;tag=1\r\n'
        b"To: <sip:b@b.example>\r\n"
        b"Call-ID: c1\r\n"
        b"CSeq: 5 INVITE\r\n"
        b"Content-Type: text/plain\r\n"
        b"Content-Length: 3\r\n\r\nhi\xff"
    )


def test_content_length_follows_the_body() -> None:
    request = invite(("Content-Length", "99"))
    request.body = b"four"
    assert b"Content-Length: 4\r\n\r\nfour" in request.encode()
    request.body = b""
    assert request.encode().endswith(b"Content-Length: 0\r\n\r\n")


def test_response_on_the_wire() -> None:
    response = Response(486, headers=Headers([("Via", "SIP/2.0/UDP a")]))
    assert response.encode() == b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 0\r\n\r\n"
    assert Response(299).encode().startswith(b"SIP/2.0 299 \r\n")
    assert Response(200, "Gern geschehen é").encode().startswith("SIP/2.0 200 Gern geschehen é\r\n".encode())
    assert (response.is_response, invite().is_response) == (True, False)


def test_every_reason_phrase_fits_its_status() -> None:
    assert all(100 <= status <= 699 and phrase for status, phrase in REASON_PHRASES.items())


def test_answer_copies_what_section_8_2_6_says() -> None:
    request = invite(("Timestamp", "54"), ("Record-Route", "<sip:p>"), ("Subject", "x"), body=b"sdp")
    answer = request.response(180, to_tag="9")
    assert list(answer.headers.items()) == [
        ("Via", "SIP/2.0/UDP b.example;branch=z9hG4bK2"),
        ("Via", "SIP/2.0/UDP a.example;branch=z9hG4bK1"),
        ("From", '"A" <sip:a@a.example>;tag=1'),
        ("To", "<sip:b@b.example>;tag=9"),
        ("Call-ID", "c1"),
        ("CSeq", "5 INVITE"),
    ]
    assert (answer.status, answer.reason, answer.body) == (180, "Ringing", b"")
    assert request.to.tag is None


def test_trying_carries_the_timestamp_and_no_tag() -> None:
    trying = invite(("Timestamp", "54")).response(100, to_tag="9")
    assert trying.headers.get("Timestamp") == "54"
    assert trying.to.tag is None


def test_to_tag_is_never_added_twice() -> None:
    request = invite()
    request.headers.set("To", "sip:b@b.example ;x=1")
    assert request.response(200, to_tag="9").headers.get("To") == "sip:b@b.example ;x=1;tag=9"
    request.headers.set("To", "sip:b@b.example;TAG=7")
    assert request.response(200, to_tag="9").headers.get("To") == "sip:b@b.example;TAG=7"
    request.headers.set("To", "sip:b@b.example;tag;")
    assert request.response(200, to_tag="9").headers.get("To") == "<sip:b@b.example>;tag=9"
    request.headers.set("To", "<sip:b@b.example>;x;")
    assert request.response(200, to_tag="9").headers.get("To") == "<sip:b@b.example>;x;tag=9"
    request.headers.set("To", "broken <")
    assert request.response(400, to_tag="9").headers.get("To") == "broken <"
    assert invite().response(200, "Fine").reason == "Fine"


def test_typed_values() -> None:
    request = invite(
        ("Contact", "<sip:x>;expires=5"),
        ("m", "<sip:y>, <sip:z>"),
        ("Route", "<sip:r1;lr>,<sip:r2;lr>"),
        ("Record-Route", "<sip:rr>"),
        ("Max-Forwards", "69"),
        ("Expires", "120"),
        ("Content-Type", 'Application/SDP ; x="/"'),
        ("Supported", "replaces, timer"),
        ("k", "100rel"),
    )
    for _ in range(2):  # the second time from memory
        assert request.top_via == Via("UDP", "b.example", None, (("branch", "z9hG4bK2"),))
        assert [via.host for via in request.vias] == ["b.example", "a.example"]
        assert (request.from_.tag, request.to.uri.user, request.call_id) == ("1", "b", "c1")
        assert request.cseq == CSeq(5, "INVITE")
        assert [str(contact.uri) for contact in request.contacts] == ["sip:x", "sip:y", "sip:z"]
        assert [str(route.uri) for route in request.routes] == ["sip:r1;lr", "sip:r2;lr"]
        assert len(request.record_routes) == 1
        assert (request.max_forwards, request.expires) == (69, 120)
        assert request.content_type == "application/sdp"
        assert request.tokens("Supported") == ["replaces", "timer", "100rel"]


def test_absent_values() -> None:
    request = invite()
    assert (request.contacts, request.contact_is_star, request.routes, request.record_routes) == ([], False, [], [])
    assert (request.max_forwards, request.expires, request.content_type) == (None, None, None)
    assert request.tokens("Allow") == []
    assert invite(("Contact", "")).contacts == []


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("Via", "x", lambda m: m.top_via),
        ("Via", "x", lambda m: m.vias),
        ("From", "<", lambda m: m.from_),
        ("To", "", lambda m: m.to),
        ("CSeq", "x", lambda m: m.cseq),
        ("Call-ID", "", lambda m: m.call_id),
        ("Contact", "<", lambda m: m.contacts),
        ("Route", "<sip:a>,", lambda m: m.routes),
        ("Record-Route", "x", lambda m: m.record_routes),
        ("Max-Forwards", "256", lambda m: m.max_forwards),
        ("Content-Type", "x", lambda m: m.content_type),
        ("Content-Type", "/x", lambda m: m.content_type),
    ],
)
def test_malformed_and_missing_values(name, value, read) -> None:  # type: ignore[no-untyped-def]
    request = invite()
    request.headers.set(name, value)
    with pytest.raises(SipParseError, match=name) as caught:
        read(request)
    assert caught.value.status == 400


def test_missing_value_names_the_header_field() -> None:
    request = invite()
    request.headers.remove("From")
    with pytest.raises(SipParseError, match="From is missing"):
        _ = request.from_


def test_changing_a_header_field_changes_the_typed_value() -> None:
    request = invite()
    assert request.to.tag is None
    request.headers.set("To", "<sip:b@b.example>;tag=2")
    assert request.to.tag == "2"
    assert request.top_via.host == "b.example"
    request.headers.remove_first("Via")
    assert request.top_via.host == "a.example"


def test_returned_lists_are_the_callers_own() -> None:
    request = invite()
    request.vias.clear()
    assert len(request.vias) == 2


def test_top_via_of_a_joined_line() -> None:
    request = invite()
    request.headers.set("Via", "SIP/2.0/UDP x;a=1, SIP/2.0/UDP y")
    assert request.top_via.host == "x"
    assert [via.host for via in request.vias] == ["x", "y"]


def test_copies_are_independent() -> None:
    request = invite(body=b"1")
    copy = request.copy()
    copy.headers.set("To", "<sip:z>")
    copy.uri = parse_uri("sip:elsewhere")
    copy.method = "BYE"
    copy.body = b"2"
    assert (str(request.to), str(request.uri), request.method, request.body) == (
        "<sip:b@b.example>",
        "sip:b@b.example",
        "INVITE",
        b"1",
    )
    answer = request.response(200)
    other = answer.copy()
    other.headers.remove("Via")
    other.status = 500
    assert (len(answer.vias), answer.status) == (2, 200)


def test_request_uri_off_the_wire_is_sent_on_as_it_came() -> None:
    request = Request("INVITE", "sip:%61lice@X.example;P=%7c")
    assert request.uri.user == "alice"
    assert request.copy().encode().startswith(b"INVITE sip:%61lice@X.example;P=%7c SIP/2.0\r\n")
    request.uri = Uri("sip", "b", host="c")
    assert (request.uri_text, request.copy().uri_text) == ("sip:b@c", "sip:b@c")
    with pytest.raises(SipParseError):
        _ = Request("INVITE", "nothing").uri


def test_messages_show_what_they_are() -> None:
    assert repr(invite()) == "<Request INVITE sip:b@b.example>"
    assert repr(Response(404)) == "<Response 404 Not Found>"
