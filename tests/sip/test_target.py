"""What people dial, and where URIs lead."""

import pytest

from device.sip.errors import SipParseError, SipStateError
from device.sip.hop import NextHop
from device.sip.target import dialled_uri, host_uri, next_hop_of
from device.sip.uri import parse_uri


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("1002", "sip:1002@example.org"),
        (" +44 (20) 7946-0000 ", "sip:+442079460000@example.org"),
        ("*21#", "sip:*21%23@example.org"),
        ("bob", "sip:bob@example.org"),
        ("bob@there.org", "sip:bob@there.org"),
        ("bob@there.org:5070;transport=tcp", "sip:bob@there.org:5070;transport=tcp"),
        ("sip:x@y", "sip:x@y"),
        ("sips:x@y", "sips:x@y"),
        ("SIP:x@y?Subject=hello", "sip:x@y"),
        ("tel:+44-20-7946;phone-context=x", "sip:+44207946@example.org"),
        ("tel:+44 20 7946", "sip:+44207946@example.org"),
        ("TEL:*21%23", "sip:*21%23@example.org"),
        ("tel:7042;phone-context=example.org", "sip:7042@example.org"),
        ("tel:7042;phone-context=+1-914", "sip:7042;phone-context=+1-914@example.org;user=phone"),
        ("tel:+1914;isub=12;ext=7", "sip:+1914;isub=12;ext=7@example.org;user=phone"),
        ("10.0.0.5", "sip:10.0.0.5"),
        ("10.0.0.5:5070", "sip:10.0.0.5:5070"),
        ("[2001:db8::1]:5070", "sip:[2001:db8::1]:5070"),
        ("2001:DB8::1", "sip:[2001:db8::1]"),
    ],
)
def test_dialled_text_becomes_a_uri(target: str, uri: str) -> None:
    assert str(dialled_uri(target, "Example.org")) == uri


def test_a_domain_may_be_an_ipv6_address() -> None:
    assert str(dialled_uri("1002", "2001:db8::7")) == "sip:1002@[2001:db8::7]"


def test_a_domain_may_have_a_port() -> None:
    assert str(dialled_uri("1002", "pbx:5070")) == "sip:1002@pbx:5070"
    assert str(dialled_uri("bob", "pbx:5070")) == "sip:bob@pbx:5070"


def test_without_an_account_a_name_is_a_host_and_a_number_is_nothing() -> None:
    assert str(dialled_uri("door", "")) == "sip:door"
    for number in ("1002", "tel:+1002"):
        with pytest.raises(SipStateError, match="no account to call through"):
            dialled_uri(number, "")


@pytest.mark.parametrize("target", ["", "   ", "a" * 300, "1\n2", "<mailto:x@y>", "sip:", "tel:bob", "bob smith"])
def test_what_cannot_be_called_is_said_in_words(target: str) -> None:
    with pytest.raises(SipStateError, match="cannot call"):
        dialled_uri(target, "" if target == "bob smith" else "example.org")


def test_the_next_hop_of_a_uri_names_what_the_uri_says() -> None:
    assert next_hop_of(parse_uri("sip:a@b.org")) == NextHop("b.org", None, None)
    assert next_hop_of(parse_uri("sip:a@b.org:5070"), "TCP") == NextHop("b.org", 5070, "TCP")
    for secure in ("sips:a@b.org", "sips:a@b.org;transport=tcp", "sips:a@b.org;transport=udp"):
        assert next_hop_of(parse_uri(secure), "UDP") == NextHop("b.org", None, "TLS")
    assert next_hop_of(parse_uri("sip:a@b.org;transport=udp;maddr=192.0.2.9"), "TCP") == NextHop(
        "192.0.2.9", None, "UDP"
    )


def test_a_server_is_written_as_host_and_port() -> None:
    assert str(host_uri("Pbx.example.org:5070")) == "sip:pbx.example.org:5070"
    assert str(host_uri("pbx", "TCP")) == "sip:pbx;transport=tcp"
    assert str(host_uri("2001:db8::1", "UDP")) == "sip:[2001:db8::1]"
    assert str(host_uri("[2001:db8::1]:5062")) == "sip:[2001:db8::1]:5062"
    with pytest.raises(SipParseError):
        host_uri("pbx:port")


@pytest.mark.parametrize(
    "text", ["<sip:bob@example.org>", '"Bob" <sip:bob@example.org>', "Bob <sip:bob@example.org;x=1>"]
)
def test_an_address_out_of_an_address_book(text: str) -> None:
    assert str(dialled_uri(text, "pbx.lan")).startswith("sip:bob@example.org")


@pytest.mark.parametrize("method", ["REGISTER", "invite", "DANCE", ""])
def test_a_uri_that_asks_for_something_else_than_a_call_is_not_dialled(method: str) -> None:
    with pytest.raises(SipStateError, match="dial it without ;method="):
        dialled_uri(f"sip:bob@example.org;method={method}", "")


def test_a_uri_keeps_what_says_how_it_is_reached_and_loses_what_is_no_part_of_a_request_line() -> None:
    text = "sip:bob@example.org:5070;transport=tcp;maddr=192.0.2.9;ttl=1;user=ip;x=1"
    assert str(dialled_uri(f"{text};method=INVITE?Subject=hello&Route=%3Csip:x%3E&From=x", "")) == text
