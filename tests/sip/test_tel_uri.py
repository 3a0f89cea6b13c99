"""Telephone numbers as URIs: reading, writing, comparison, and whom they call."""

import pytest

from device.sip.errors import SipParseError
from device.sip.tel_uri import MAX_NUMBER, TelUri, called_number, is_same_number, parse_subscriber, parse_tel
from device.sip.uri import parse_uri


@pytest.mark.parametrize(
    ("text", "number", "is_global", "context", "extension", "subaddress"),
    [
        ("tel:+44-20-7946-0018", "+442079460018", True, "", "", ""),
        ("TEL:+1(555)010.99", "+155501099", True, "", "", ""),
        ("tel:7042;phone-context=Office.Example", "7042", False, "Office.Example", "", ""),
        ("tel:863-1234;phone-context=+1-914-555", "8631234", False, "+1-914-555", "", ""),
        ("tel:*21%23", "*21#", False, "", "", ""),
        ("tel:0a-b", "0AB", False, "", "", ""),
        ("tel:+4930;EXT=1-2;isub=a%3Bb;tariff", "+4930", True, "", "1-2", "a;b"),
    ],
)
def test_a_number_and_what_belongs_to_it(
    text: str, number: str, is_global: bool, context: str, extension: str, subaddress: str
) -> None:
    tel = parse_tel(parse_uri(text))
    assert (tel.number, tel.is_global, tel.context) == (number, is_global, context)
    assert (tel.extension, tel.subaddress) == (extension, subaddress)


@pytest.mark.parametrize(
    "text",
    [
        "+", "-", "()", "bob", "+44a", "44+", "1 2", "%00", "+1;", "+1;;ext=1", "+1;=x", "+1;ext", "+1;ext=",
        "+1;ext=x", "7;phone-context", "7;phone-context=", "7;phone-context=+", "7;phone-context=a_b!",
        "7;phone-context=-a", "7;phone-context=" + "a" * 256, "+1;ext=1;ext=1", "1" * (MAX_NUMBER + 1), "\u0665",
        "+1;na me=x",
    ],
)  # fmt: skip
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_subscriber(text)
    assert caught.value.status == 400
    assert str(caught.value).isascii()


def test_another_scheme_is_no_tel_uri() -> None:
    with pytest.raises(SipParseError, match="not a tel URI but sip"):
        parse_tel(parse_uri("sip:+44@h"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+44-20-7946", "tel:+44207946"),
        ("TEL:0A", "tel:0a"),
        ("tel:7042;phone-context=A.Example;x=Y", "tel:7042;X=y;phone-context=a.example"),
        ("tel:7042;phone-context=+1-555", "tel:7042;phone-context=+1555"),
        ("tel:+1;ext=1-2;flag", "tel:+1;FLAG;ext=12"),
        ("tel:bob", "tel:BOB"),
    ],
)
def test_equal_numbers(one: str, other: str) -> None:
    assert parse_uri(one).matches(parse_uri(other))
    assert parse_uri(other).matches(parse_uri(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+442079", "tel:442079"),
        ("tel:7042;phone-context=a.example", "tel:7042;phone-context=b.example"),
        ("tel:7042;phone-context=a.example", "tel:7042"),
        ("tel:+1;ext=1", "tel:+1;ext=2"),
        ("tel:+1;isub=1-2", "tel:+1;isub=12"),
        ("tel:+1;flag", "tel:+1;flag=1"),
        ("tel:bob", "tel:eve"),
        ("tel:+1", "sip:+1@h"),
    ],
)
def test_different_numbers(one: str, other: str) -> None:
    assert not parse_uri(one).matches(parse_uri(other))
    assert not parse_uri(other).matches(parse_uri(one))


def test_parameters_stand_in_the_order_of_the_standard() -> None:
    tel = parse_subscriber("7042;zone=1;phone-context=a.example;alpha;ext=5;isub=9")
    assert str(tel) == "tel:7042;isub=9;ext=5;phone-context=a.example;alpha;zone=1"
    assert parse_tel(parse_uri(str(tel))).matches(tel)


def test_what_needs_an_escape_gets_it() -> None:
    tel = TelUri("*21#", (("isub", "a b;c=d"),))
    assert str(tel) == "tel:*21%23;isub=a%20b%3Bc%3Dd"
    assert parse_tel(parse_uri(str(tel))) == tel


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tel:+44-20;ext=5", "+4420"),
        ("sip:+44-20;ext=5@h;user=phone", "+4420"),
        ("sips:1001@h;user=PHONE", "1001"),
        ("sip:+44-20@h", None),
        ("sip:bob@h;user=phone", None),
        ("tel:bob", None),
        ("urn:x:y", None),
    ],
)
def test_the_number_that_a_uri_calls(text: str, number: str | None) -> None:
    assert called_number(parse_uri(text)) == number


@pytest.mark.parametrize(
    ("number", "user", "same"),
    [
        ("+442079", "+442079", True),
        ("+442079", "442079", True),
        ("+442079", "+44 20".replace(" ", "-") + "79", True),
        ("442079", "+442079", False),
        ("0AB", "0ab", True),
        ("1001", "1002", False),
    ],
)
def test_whose_number_it_is(number: str, user: str, same: bool) -> None:
    assert is_same_number(number, user) is same
