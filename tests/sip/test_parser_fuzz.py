"""Whatever bytes arrive: SipParseError or a message, never another error, never slow, and what is read can be sent on.

The mutated messages are in tests/fuzz.
"""

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sip import headers as headers_module
from device.sip import uri as uri_module
from device.sip.errors import SipParseError
from device.sip.headers import parse_name_addr, parse_name_addr_list, quote, unquote
from device.sip.parser import StreamFramer
from device.sip.uri import Uri, parse_uri
from tests.fuzz.targets import chew_message, chew_value


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    chew_message(data)
    chew_message(b"INVITE sip:a@b SIP/2.0\r\n" + data)


LINES = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=60)
SYNTAX = st.text(alphabet=' \t";,<>=:@?&%\\[]aZ09.-*é\udcff', max_size=30)


@settings(max_examples=400, deadline=None)
@given(st.one_of(LINES, SYNTAX))
def test_arbitrary_values(text: str) -> None:
    chew_value(text.encode("utf-8", "surrogateescape"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(LINES, SYNTAX))
def test_any_display_name_can_be_sent_and_read(text: str) -> None:
    assert unquote(quote(text)) == text
    address = parse_name_addr(f"{quote(text)} <sip:a@b>;tag=1")
    assert address.display_name == text
    assert parse_name_addr_list(f"{address}, {address}") == [address, address]


WORDS = st.text(alphabet=' ;,<>=:@?&%\\[]"aZ09.-é\x00\r\n', max_size=12)
NAMES = st.text(alphabet=" ;,=:@?&%[]a9.-é\n", min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(
    WORDS,
    WORDS,
    st.lists(st.tuples(NAMES, st.none() | WORDS), max_size=3),
    st.lists(st.tuples(NAMES, WORDS), max_size=2),
)
def test_any_uri_can_be_sent_and_read(user, password, params, headers) -> None:  # type: ignore[no-untyped-def]
    uri = Uri("sip", user, password, "host.example", 5060, tuple(params), tuple(headers))
    assert parse_uri(str(uri)) == uri
    assert "\n" not in str(uri)


def outcome(parse, text):  # type: ignore[no-untyped-def]
    """What comes of parsing, the fault without its words."""
    try:
        return parse(text)
    except SipParseError as error:
        return error.status


NEVER = re.compile("(?!)")
PLAIN = st.text(alphabet=' \t";<>=:@?&%\\[]a9.-_/,', max_size=14)


@settings(max_examples=2000, deadline=None)
@given(PLAIN, st.sampled_from(["sip:", "sips:", "sip:a@", "sip:a@b:"]))
def test_the_short_way_to_a_uri_is_the_long_way(text: str, start: str) -> None:
    assert outcome(uri_module._parse, start + text) == outcome(uri_module._parse_pieces, start + text)


@settings(max_examples=2000, deadline=None)
@given(PLAIN, st.sampled_from(["SIP/2.0/UDP ", "SIP/2.0/UDP a", "SIP/2.0/"]))
def test_the_short_way_to_a_via_is_the_long_way(text: str, start: str) -> None:
    head = start + text
    assert outcome(headers_module._parse_sent_by, head) == outcome(headers_module._parse_sent_by_pieces, head)


@settings(max_examples=2000, deadline=None)
@given(PLAIN, st.sampled_from(["<sip:a@b>", "", '"x"']), PLAIN)
def test_the_short_way_to_an_address_is_the_long_way(before: str, middle: str, after: str) -> None:
    text = (before + middle + after).strip(" \t")
    headers_module._addresses.clear()
    short = outcome(parse_name_addr, text)
    plain, headers_module._PLAIN_ADDRESS = headers_module._PLAIN_ADDRESS, NEVER
    try:
        headers_module._addresses.clear()
        assert outcome(parse_name_addr, text) == short
    finally:
        headers_module._PLAIN_ADDRESS = plain


BIG = 60000
HEAD = (
    b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: x\r\n"
    b"CSeq: 1 INVITE\r\n"
)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n" * (BIG // 2),
        b"\n" * BIG,
        b" " * BIG,
        b"x" * BIG,
        b"INVITE " + b" " * BIG + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:" + b"a" * BIG + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:a" + b";" * BIG + b" SIP/2.0\r\n\r\n",
        b"INVITE sip:" + b"%41" * (BIG // 3) + b"@h SIP/2.0\r\n\r\n",
        HEAD + b"Contact: " + b"<" * BIG + b"\r\n\r\n",
        HEAD + b"Contact: " + b"<>," * (BIG // 3) + b"\r\n\r\n",
        HEAD + b"Contact: " + b'"' * BIG + b"\r\n\r\n",
        HEAD + b"Contact: " + b'"\\' * (BIG // 2) + b"\r\n\r\n",
        HEAD + b"Contact: " + b'"' + b"\\" * BIG + b"\r\n\r\n",
        HEAD + b"Contact: " + b"," * BIG + b"\r\n\r\n",
        HEAD + b"Contact: <sip:a>" + b";a" * (BIG // 2) + b"\r\n\r\n",
        HEAD + b'Contact: <sip:a>;x="' + b";" * BIG + b"\r\n\r\n",
        HEAD + b"Via: " + b"a," * (BIG // 2) + b"a\r\n\r\n",
        HEAD + b"Route: <sip:a>" + b",<sip:a>" * (BIG // 8) + b"\r\n\r\n",
        HEAD + b"Subject:" + b"\r\n " * (BIG // 3) + b"\r\n\r\n",
        HEAD + b"Subject: " + b"\t " * (BIG // 2) + b"x\r\n\r\n",
        HEAD + (b"Via" + b" " * 1000 + b":\r\n") * 55 + b"\r\n",
        HEAD + b"Content-Length: " + b"9" * BIG + b"\r\n\r\n",
        HEAD + b"Authorization: Digest " + b'a="b",' * (BIG // 6) + b"\r\n\r\n",
        HEAD + b"Authorization: Digest " + b"a " * (BIG // 2) + b"\r\n\r\n",
        HEAD + b"x:y\r\n" * (BIG // 5) + b"\r\n",
        b"SIP/2.0 " + b"1" * BIG,
    ],
    ids=lambda data: repr(data[-30:])[:40],
)
def test_a_full_datagram_of_mischief_is_no_work(data: bytes) -> None:
    started = time.process_time()
    chew_message(data)
    with suppress(SipParseError):
        StreamFramer(limit_bytes=2 * BIG).receive_data(data)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    "data",
    [
        b"x" * BIG,
        HEAD + b"X: " + b"y" * (BIG // 2) + b"\r\nl: %d\r\n\r\n" % (BIG // 4) + b"z" * (BIG // 4),
        (HEAD + b"l: 0\r\n\r\n") * (BIG // 130),
    ],
    ids=["no end of header", "long header and body", "many messages"],
)
def test_a_stream_fed_byte_by_byte_is_no_work(data: bytes) -> None:
    framer = StreamFramer()
    started = time.process_time()
    for position in range(len(data)):
        framer.receive_data(data[position : position + 1])
    assert time.process_time() - started < 2.0
