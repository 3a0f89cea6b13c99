"""Header fields: the multi-map, lists, and the typed values."""

import pytest

from device.sip import headers as headers_module
from device.sip.errors import SipParseError, SipStateError
from device.sip.header_names import KNOWN_NAMES
from device.sip.headers import (
    CSeq,
    Headers,
    NameAddr,
    Via,
    canonical_name,
    parse_cseq,
    parse_expires,
    parse_int_header,
    parse_name_addr,
    parse_name_addr_list,
    parse_params,
    parse_q,
    parse_token_list,
    parse_via,
    parse_via_list,
    quote,
    split_commas,
    unfold,
    unquote,
)
from device.sip.uri import parse_uri

# The multi-map


def test_names_are_equal_in_any_case_and_form() -> None:
    headers = Headers([("call-ID", "1"), ("V", "a"), ("via", "b"), ("x-PANEL-id", "c")])
    assert list(headers.items()) == [("Call-ID", "1"), ("Via", "a"), ("Via", "b"), ("X-Panel-Id", "c")]
    assert headers.get("i") == "1"
    assert headers.get_all("VIA") == ["a", "b"]
    assert "X-Panel-ID" in headers
    assert "Route" not in headers
    assert (headers.get("Route"), headers.get_all("Route")) == (None, [])
    assert len(headers) == 4


def test_set_takes_the_place_of_the_first() -> None:
    headers = Headers([("Via", "a"), ("To", "x"), ("v", "b")])
    headers.set("VIA", "c")
    assert list(headers.items()) == [("Via", "c"), ("To", "x")]
    headers.set("From", "y")
    assert list(headers.items())[-1] == ("From", "y")


def test_prepend_and_remove() -> None:
    headers = Headers([("Via", "a"), ("Route", "r")])
    headers.prepend("v", "b")
    assert headers.get_all("Via") == ["b", "a"]
    headers.remove_first("via")
    assert headers.get_all("Via") == ["a"]
    headers.remove_first("Contact")
    headers.remove("route")
    headers.remove("route")
    assert list(headers.items()) == [("Via", "a")]


def test_a_copy_is_independent_and_a_change_forgets_parsed_values() -> None:
    headers = Headers([("To", "x")])
    headers.typed["To"] = "parsed"
    copy = headers.copy()
    assert copy == headers
    assert copy.typed == {"To": "parsed"}
    copy.add("To", "y")
    assert copy.typed == {}
    assert headers.typed == {"To": "parsed"}
    assert headers.get_all("To") == ["x"]
    assert headers != copy
    assert headers != 5
    assert "To" in repr(headers)


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "\rb"])
def test_a_line_break_cannot_be_smuggled_in(value: str) -> None:
    headers = Headers()
    for put in (headers.add, headers.prepend, headers.set):
        with pytest.raises(SipStateError, match="line break"):
            put("Subject", value)
    assert len(headers) == 0


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("i", "Call-ID"),
        ("CALL-id", "Call-ID"),
        ("cseq", "CSeq"),
        ("cSeQ", "CSeq"),
        (" www-authenticate\t", "WWW-Authenticate"),
        ("mime-VERSION", "MIME-Version"),
        ("x-foo-bar9", "X-Foo-Bar9"),
        ("z", "Z"),
        ("K", "Supported"),
    ],
)
def test_canonical_names(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


def test_unknown_names_do_not_pile_up() -> None:
    before = len(KNOWN_NAMES)
    for number in range(1000):
        assert canonical_name(f"x-n{number}") == f"X-N{number}"
    canonical_name("x" * 100)
    assert len(KNOWN_NAMES) <= before + 256


# Lists and words


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("a", ["a"]),
        ("a,b ,\tc", ["a", "b", "c"]),
        ('"a,\\",b" <x,y>;p="1,2" , c', ['"a,\\",b" <x,y>;p="1,2"', "c"]),
        ('<sip:a?b=",">, <c>', ['<sip:a?b=",">', "<c>"]),
    ],
)
def test_split_at_commas_outside_quotes_and_brackets(text: str, pieces: list[str]) -> None:
    assert split_commas(text) == pieces


@pytest.mark.parametrize("text", [",", "a,", "a,,b", '"a,b', "a, <b", '"a\\",b'])
def test_lists_that_are_malformed(text: str) -> None:
    with pytest.raises(SipParseError):
        split_commas(text)


def test_empty_elements_can_be_skipped() -> None:
    assert split_commas(" a,, b,", skip_empty=True) == ["a", "b"]


def test_token_lists() -> None:
    assert parse_token_list("INVITE, ACK,,BYE ;x=1") == ["INVITE", "ACK", "BYE"]
    assert parse_token_list(["a", "", "b,c"]) == ["a", "b", "c"]
    assert parse_token_list("") == []


def test_quoting() -> None:
    assert quote('a "b" \\c') == '"a \\"b\\" \\\\c"'
    assert unquote('"a \\"b\\" \\\\c"') == 'a "b" \\c'
    assert unquote("plain") == "plain"
    assert unquote('"') == '"'
    assert quote("two\r\nlines") == '"two  lines"'


def test_unfolding() -> None:
    assert unfold("a\r\n b\r\n\t\tc\r\nd") == "a b c\r\nd"
    assert unfold("a\r\nb") == "a\r\nb"


def test_params() -> None:
    assert parse_params('A=1; b = "x;\\"y" ;c;d=') == (("a", "1"), ("b", '"x;\\"y"'), ("c", None), ("d", ""))
    assert parse_params("a;") == (("a", None),)
    for text in ("", ";", "a;;b", "=1", 'a="x', "a=1,b", "a;;"):
        with pytest.raises(SipParseError):
            parse_params(text)


# Numbers


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("0070", 70), ("4294967295", 2**32 - 1), ("0" * 99 + "7", 7)])
def test_numbers(text: str, value: int) -> None:
    assert parse_int_header(text) == value


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", " 1", "0x1", "٣", "²", "4294967296", "9" * 5000])
def test_not_numbers(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_int_header(text)


def test_expiry_that_makes_no_sense_counts_as_an_hour() -> None:
    assert [parse_expires(text) for text in ("0", "60", "60;x=1", "4294967296", "soon", "")] == [0, 60, 60] + [3600] * 3


def test_preference_values() -> None:
    assert [parse_q(text) for text in ("0", "1", "0.5", "0.123", "1.000", "1.5")] == [0.0, 1.0, 0.5, 0.123, 1.0, 1.0]
    assert [parse_q(text) for text in (None, "", "high", "0.1234", "-1", "1.5.")] == [1.0] * 6


@pytest.mark.parametrize(
    ("text", "cseq"),
    [
        ("1 INVITE", CSeq(1, "INVITE")),
        ("0 x.Y", CSeq(0, "x.Y")),
        ("2147483647\t ACK", CSeq(2147483647, "ACK")),
        ("0000000000001  INVITE", CSeq(1, "INVITE")),
    ],
)
def test_cseq(text: str, cseq: CSeq) -> None:
    assert parse_cseq(text) == cseq
    assert parse_cseq(str(cseq)) == cseq


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "1 IN(VITE", "1 A B", "-1 INVITE", "2147483648 INVITE", "x INVITE"]
)
def test_not_cseq(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_cseq(text)


# Addresses


@pytest.mark.parametrize(
    ("text", "name", "uri", "params"),
    [
        ("<sip:a@b>", "", "sip:a@b", ()),
        ("sip:a@b", "", "sip:a@b", ()),
        ("sip:a@b;tag=1;x", "", "sip:a@b", (("tag", "1"), ("x", None))),
        ("sip:a@b ; tag = 1", "", "sip:a@b", (("tag", "1"),)),
        ("<sip:a@b;lr>;tag=1", "", "sip:a@b;lr", (("tag", "1"),)),
        ("Bob <sip:a@b> ;tag=1", "Bob", "sip:a@b", (("tag", "1"),)),
        ("Dr. Bob (lab)  <sip:a@b>", "Dr. Bob (lab)", "sip:a@b", ()),
        ('"B\\"o\\\\b; <x>, y" <sip:a@b>;tag=1', 'B"o\\b; <x>, y', "sip:a@b", (("tag", "1"),)),
        ("sip:x@y <sip:a@b>", "sip:x@y", "sip:a@b", ()),
        ('""<sip:a@b>', "", "sip:a@b", ()),
        ("Zoë <sip:a@b>", "Zoë", "sip:a@b", ()),
        ("<tel:+1>;tag=x", "", "tel:+1", (("tag", "x"),)),
        ("tel:+1;phone-context=x", "", "tel:+1", (("phone-context", "x"),)),
    ],
)
def test_addresses(text: str, name: str, uri: str, params: headers_module.Params) -> None:
    for _ in range(2):  # the second time out of the cache
        address = parse_name_addr(text)
        assert address == NameAddr(name, parse_uri(uri), params)
    assert parse_name_addr(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "bob", "<sip:a@b", "sip:a@b>", '"Bob <sip:a@b>', '"Bob" sip:a@b', '"B" x <sip:a@b>', "B, C <sip:a@b>",
        'B"x" <sip:a@b>', "<sip:a@b> tag=1", "<sip:a@b>x", "sip:a@b?x=1", "sip:a,b", "<>", "< sip:a@b>", "<sip:a@b>;;x",
        "<sip:a@b>;tag=1, <sip:c>", "<<sip:a@b>>", "*", ";tag=1",
    ],
)  # fmt: skip
def test_not_addresses(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_name_addr(text)


def test_white_space_behind_an_address_is_none_of_it() -> None:
    for text in ("Bob <sip:a@b> \t", '"B\\"b" <sip:a@b> '):
        assert str(parse_name_addr(text).uri) == "sip:a@b"


def test_address_parameters() -> None:
    address = parse_name_addr('<sip:a@b>;Q=0.3;expires=60;+sip.instance="<urn:x>";ob;tag=')
    assert (address.tag, address.q, address.expires) == ("", 0.3, 60)
    assert address.param("+sip.instance") == "<urn:x>"
    assert (address.param("ob"), address.has_param("ob"), address.param("z"), address.has_param("z")) == (
        "",
        True,
        None,
        False,
    )
    assert address.with_tag("t").tag == "t"
    assert str(address.with_param("expires", "7").without_param("q").without_param("tag")) == (
        '<sip:a@b>;expires=7;+sip.instance="<urn:x>";ob'
    )
    assert str(parse_name_addr("<sip:a@b>").with_param("+x", 'a "b"').with_param("y", None)) == (
        '<sip:a@b>;+x="a \\"b\\"";y'
    )
    assert parse_name_addr("sip:a").expires is None


def test_several_addresses() -> None:
    assert [str(one) for one in parse_name_addr_list(["<sip:a>, sip:b;x=1", '"c,d" <sip:e>'])] == [
        "<sip:a>",
        "<sip:b>;x=1",
        '"c,d" <sip:e>',
    ]
    assert len(parse_name_addr_list("sip:a,sip:b")) == 2


def test_same_address_is_read_from_memory_and_memory_is_bounded() -> None:
    assert parse_name_addr('"M" <sip:m@x>;tag=1').uri is parse_name_addr('"M" <sip:m@x>;tag=2').uri
    for number in range(1000):
        parse_name_addr(f"<sip:{number}@h>")
        parse_via(f"SIP/2.0/UDP h{number}")
    parse_name_addr("<sip:" + "u" * 1000 + "@h>")
    parse_via("SIP/2.0/UDP        " + " " * 300 + "h")
    assert len(headers_module._addresses) <= 256
    assert len(headers_module._sent_bys) <= 256


# Via


def test_via() -> None:
    via = parse_via("SIP/2.0/udp Host.Example:5070;branch=z9hG4bKx;rport;received=192.0.2.1")
    assert via == Via("UDP", "host.example", 5070, (("branch", "z9hG4bKx"), ("rport", None), ("received", "192.0.2.1")))
    assert (via.branch, via.sent_by, via.received, via.rport, via.has_rport) == (
        "z9hG4bKx",
        "host.example:5070",
        "192.0.2.1",
        None,
        True,
    )
    filled = via.with_param("rport", "4000").with_param("received", "2001:db8::1")
    assert str(filled) == "SIP/2.0/UDP host.example:5070;branch=z9hG4bKx;rport=4000;received=2001:db8::1"
    assert filled.rport == 4000


def test_via_white_space_and_ipv6() -> None:
    via = parse_via("SIP / 2.0 / TCP  [2001:DB8::1] : 5060 ; branch = b")
    assert (via.transport, via.host, via.port, via.branch) == ("TCP", "[2001:db8::1]", 5060, "b")
    assert parse_via("SIP/2.0/UDP h;received=[::1];rport=x").received == "::1"
    assert parse_via("SIP/2.0/UDP h;rport=123456").rport is None
    assert parse_via("SIP/2.0/UDP h").branch is None


def test_via_list() -> None:
    assert [via.host for via in parse_via_list(["SIP/2.0/UDP a, SIP/2.0/UDP b;x", "SIP/2.0/UDP c"])] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "", "SIP/2.0/UDP", "SIP/2.0 host", "SIP/3.0/UDP h", "HTTP/2.0/UDP h", "SIP/2.0/U<P h", "SIP/2.0/UDP h:x",
        "SIP/2.0/UDP h x", "SIP/2.0/UDP h;;", "SIP/2.0/UDP h;branch=a, SIP/2.0/UDP b", "SIP/2.0/UDP ;branch=x",
    ],
)  # fmt: skip
def test_not_via(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_via(text)
