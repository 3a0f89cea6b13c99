"""URIs: reading, writing with escapes, comparison."""

import pytest

from device.sip import uri as uri_module
from device.sip.errors import SipParseError
from device.sip.uri import Uri, parse_host_port, parse_uri, unescape


def test_all_parts_of_a_sip_uri() -> None:
    uri = parse_uri("SIPS:Al%20ice:se%3Acret@Example.COM:5061;Transport=TLS;LR;x=%3D?Subject=a%26b&X=")
    assert uri == Uri(
        "sips",
        "Al ice",
        "se:cret",
        "example.com",
        5061,
        (("transport", "TLS"), ("lr", None), ("x", "=")),
        (("Subject", "a&b"), ("X", "")),
    )
    assert (uri.transport, uri.is_loose, uri.host_port, uri.is_sip) == ("tls", True, "example.com:5061", True)


def test_text_of_a_parsed_uri_is_kept() -> None:
    for text in ("SIP:B%6fb@Example.COM;Transport=udp;rinstance=a==", "sip:a@b;x=%7c,|", "sip:[2001:DB8::1]:5070"):
        assert str(parse_uri(text)) == text


def test_built_uri_is_escaped() -> None:
    uri = Uri("sip", "a b@c/é\udcff", "p:w", "h", 5060, (("x y", "1;2=3"), ("lr", None)), (("Subject", "a b&c"),))
    text = "sip:a%20b%40c/%C3%A9%FF:p%3Aw@h:5060;x%20y=1%3B2%3D3;lr?Subject=a%20b%26c"
    assert str(uri) == text
    assert str(uri) == text
    assert parse_uri(text) == uri


@pytest.mark.parametrize("text", ["sip:host", "sip:u@host;lr;a=b", "sips:u:p@[::1]:5061;maddr=[::2]?a=b&c=d"])
def test_built_uri_reads_as_itself(text: str) -> None:
    uri = parse_uri(text)
    rebuilt = uri.with_params(extra="1").without_param("extra")
    assert rebuilt is not uri
    assert str(rebuilt) == text


def test_password_without_user_keeps_its_place() -> None:
    assert str(Uri("sip", "", "pw", "h")) == "sip::pw@h"
    assert parse_uri("sip:@h").user == ""


@pytest.mark.parametrize(
    ("text", "scheme", "opaque"),
    [
        ("tel:+49-30-123;phone-context=x", "tel", "+49-30-123;phone-context=x"),
        ("HTTP://a/b?c", "http", "//a/b?c"),
        ("urn:service:sos", "urn", "service:sos"),
        ("a.b+c-1:x", "a.b+c-1", "x"),
    ],
)
def test_other_schemes_are_opaque(text: str, scheme: str, opaque: str) -> None:
    uri = parse_uri(text)
    assert (uri.scheme, uri.opaque, uri.is_sip, uri.host) == (scheme, opaque, False, "")
    assert str(Uri(scheme, opaque=opaque)) == f"{scheme}:{opaque}"


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "sip", "sip:", "1sip:a", "<sip:a>", "sip:a b", "sip:a\tb", 'sip:"a"@b', "sip:a@", "sip:a@b@c",
        "sip:a@b:", "sip:a@b:x", "sip:a@b:65536", "sip:a@b:-1", "sip:a@b:5060000", "sip:a@b:\u0665",
        "sip:a@b;transport=udp;transport=tcp", "sip:a@b;maddr=1.2.3.4;lr;MADDR=1.2.3.5",
        "sip:a@b;=x", "sip:a@b;;lr", "sip:a@b?", "sip:a@b?x", "sip:a@b?=x",
        "sip:[::1", "sip:[::1]x", "sip:[zz]", "sip:[]", "sip:a,b", "sip:-a",
        "sip:" + "h" * 256, "sip:ü.example", "sip:a\x00b", "s<ip:x", "tel:1 2",
    ],
)  # fmt: skip
def test_not_a_uri(text: str) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_uri(text)
    assert caught.value.status == 400
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 500


def test_a_percent_sign_that_escapes_nothing_stays() -> None:
    assert parse_uri("sip:50%@h").user == "50%"
    assert unescape("%zz%4") == "%zz%4"
    assert unescape("%ff%C3%A4") == "\udcffä"


def test_params_can_be_looked_up_changed_and_removed() -> None:
    uri = parse_uri("sip:a@b;lr;transport=tcp;x=")
    assert (uri.param("lr"), uri.param("transport"), uri.param("x"), uri.param("y")) == ("", "tcp", "", None)
    assert uri.has_param("x")
    changed = uri.with_params(transport="udp", ob=None, phone_context="z")
    assert str(changed) == "sip:a@b;lr;transport=udp;x=;ob;phone-context=z"
    assert str(changed.without_param("lr")) == "sip:a@b;transport=udp;x=;ob;phone-context=z"
    assert parse_uri("sip:a").transport is None


def test_target_drops_what_a_request_line_may_not_carry() -> None:
    assert str(parse_uri("sip:a@b;method=BYE;lr?Subject=x").target()) == "sip:a@b;lr"
    plain = parse_uri("sip:a@b;lr")
    assert plain.target() is plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@desk.example;transport=TCP", "sip:alice@DESK.Example;Transport=tcp"),
        ("sip:carol@c.example", "sip:carol@c.example;newparam=5"),
        ("sip:carol@c.example;security=on", "sip:carol@c.example;newparam=5"),
        (
            "sip:b.example;transport=tcp;method=REGISTER?to=x%40y",
            "sip:b.example;method=register;transport=tcp?TO=%78%40y",
        ),
        ("sip:a@b?x=1&y=2", "sip:a@b?Y=2&X=1"),
        ("sip:[2001:db8::0:1]", "sip:[2001:DB8:0:0:0:0:0:1]"),
        ("sip:[::]", "sip:[0:0:0:0:0:0:0:0]"),
        ("sip:[1::]", "sip:[1:0::0]"),
        ("sip:[::ffff:192.0.2.2]", "sip:[::FFFF:c000:0202]"),
        ("sip:[2001:db8:::192.0.2.1]", "sip:[2001:db8::192.0.2.1]"),
        ("tel:+1", "TEL:+1"),
    ],
)
def test_equivalent(one: str, other: str) -> None:
    assert parse_uri(one).matches(parse_uri(other))
    assert parse_uri(other).matches(parse_uri(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:ALICE@a.example", "sip:alice@a.example"),
        ("sip:bob@b.example", "sip:bob@b.example:5060"),
        ("sip:bob@b.example", "sip:bob@b.example;transport=udp"),
        ("sip:bob@b.example", "sip:bob@b.example;maddr=1.2.3.4"),
        ("sip:bob@b.example;user=ip", "sip:bob@b.example"),
        ("sip:bob@b.example;x=1", "sip:bob@b.example;x=2"),
        ("sip:bob@b.example", "sip:bob@b.example?Subject=x"),
        ("sip:bob@b.example?Subject=y", "sip:bob@b.example?Subject=x"),
        ("sip:bob@b.example", "sips:bob@b.example"),
        ("sip:bob:1@b.example", "sip:bob:2@b.example"),
        ("sip:bob@b.example", "sip:bob@c.example"),
        ("sip:[::1]", "sip:[::2]"),
        ("sip:[1:2:3]", "sip:[1:2:3::]"),
        ("sip:[1:2:3:4:5:6:7::8]", "sip:[1:2:3:4:5:6:7:8]"),
        ("sip:[12345:::]", "sip:[::]"),
        ("sip:[::1.2.3]", "sip:[::1.2.3.4]"),
        ("sip:[::1.2.3.4:5]", "sip:[::102:304:5]"),
        ("sip:a", "tel:a"),
        ("tel:1", "tel:2"),
    ],
)
def test_not_equivalent(one: str, other: str) -> None:
    assert not parse_uri(one).matches(parse_uri(other))
    assert not parse_uri(other).matches(parse_uri(one))


def test_host_and_port() -> None:
    assert parse_host_port("[2001:DB8::1]:0") == ("[2001:db8::1]", 0)
    assert parse_host_port("under_score.Example.") == ("under_score.example.", None)


def test_many_different_uris_do_not_pile_up() -> None:
    for number in range(1000):
        parse_uri(f"sip:{number}@h")
    parse_uri("sip:" + "u" * 1000 + "@h")
    assert len(uri_module._parsed) <= 256


def test_an_empty_user_is_none_and_the_first_of_two_parameters_counts() -> None:
    for text in ("sip:@a.example", "sip:a.example;x=1;x=2"):
        uri = parse_uri(text)
        assert (uri.user, uri.host, str(uri)) == ("", "a.example", text)
    assert parse_uri("sip:a.example;x=1;x=2").param("x") == "1"
