"""Whatever bytes arrive: SipParseError or a message, never another error, never slow, and what is read can be sent on.

Two environment variables make it a longer hunt: FUZZ_ROUNDS (default 10000) and FUZZ_SEED (default 1). A failure names
the seed of its one round: `FUZZ_SEED=<seed> FUZZ_ROUNDS=1` runs it alone.
"""

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.sip.digest import parse_authentication_info, parse_challenges, parse_credentials
from device.sip.errors import SipParseError
from device.sip.headers import (
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
    unquote,
)
from device.sip.message import Message, Request
from device.sip.parser import StreamFramer, is_keepalive, parse_message, validate
from device.sip.uri import Uri, parse_uri

VECTORS = Path(__file__).parent.parent / "vectors" / "sip"
SEEDS = [path.read_bytes() for path in sorted(VECTORS.glob("*.sip"))]
SHORT_SEEDS = [data for data in SEEDS if len(data) < 3000]
GOOD_SEEDS = [path.read_bytes() for path in sorted(VECTORS.glob("[!b]*.sip")) if path.stat().st_size < 3000]

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "10000"))
FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))

PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"\r\n ", b"\r\n\r\n", b":", b";", b",", b"<", b">", b'"', b"\\", b"%",
    b"%00", b"%ZZ", b"=", b"@", b"?", b"&", b"[", b"]", b"[::1]", b"\xff", b"\xc3", b"\xed\xa0\x80", b"SIP/2.0",
    b"SIP/9.9", b"sip:", b"tel:", b"99999999999999999999", b"-1", b"4294967296", b"Via: ", b"v:", b"l: 5\r\n",
    b"Content-Length: 0\r\n", b"tag=", b"Contact: *\r\n", b"m: ", b"To: ", b"Max-Forwards: 1e3\r\n",
    b"CSeq: 1 X\r\n", b"\xe2\x80\xa8", b"\x1c", b"\x85", b"\xc2\x85", b'Authorization: Digest username="', b"\xd9\xa3",
]  # fmt: skip


def use(message: Message) -> None:
    """Do with a validated message what the stack does; nothing here may raise."""
    assert message.top_via.transport
    for address in (message.from_, message.to, *message.contacts, *message.routes, *message.record_routes):
        assert parse_name_addr(str(address)) == address
        assert isinstance((address.tag, address.q, address.expires, address.uri.matches(address.uri)), tuple)
    assert parse_via(str(message.top_via)).params == message.top_via.params
    _ = (message.call_id, message.expires, message.content_type, message.contact_is_star, message.top_via.rport)
    _ = (message.tokens("Supported"), parse_challenges(message.headers.get_all("WWW-Authenticate")))
    again = parse_message(message.encode())
    validate(again)
    assert list(again.headers.items()) == list(message.headers.items())
    assert again.body == message.body
    if isinstance(message, Request):
        assert isinstance(again, Request)
        assert (again.method, again.uri) == (message.method, message.uri)
        answer = parse_message(message.response(200, to_tag="x").encode())
        validate(answer)
        assert answer.to.tag


def chew(data: bytes) -> None:
    try:
        message = parse_message(data)
        validate(message)
    except SipParseError as error:
        if error.partial is not None and error.status is not None:
            error.partial.response(error.status, to_tag="x").encode()
        return
    use(message)
    for name in ("Authorization", "Proxy-Authorization"):
        for value in message.headers.get_all(name):
            tolerate(parse_credentials, value)
    tolerate(lambda value: message.vias, "")


def tolerate(parse: Callable[[str], object], text: str) -> None:
    fault = ""
    try:
        parse(text)
    except SipParseError as error:
        fault = str(error)
    assert fault.isascii()
    assert len(fault) < 1000


def mutated(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(GOOD_SEEDS if rng.random() < 0.9 else SEEDS))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        start = rng.randrange(len(data) + 1)
        end = min(start + rng.choice((0, 1, 1, 2, 5, 20)), len(data))
        kind = rng.random()
        if kind < 0.5:
            data[start:end] = rng.choice(PIECES)
        elif kind < 0.7:
            data[start:end] = rng.randbytes(end - start)
        elif kind < 0.85:
            other = rng.choice(SHORT_SEEDS)
            cut = rng.randrange(len(other))
            data[start:end] = other[cut : cut + rng.choice((5, 40, 200))]
        elif kind < 0.98:
            data[start:end] = data[start:end] * rng.choice((2, 3, 50))
        else:
            del data[start:]
    return bytes(data)


def test_mutated_messages() -> None:
    for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS):
        data = mutated(random.Random(seed))
        try:
            chew(data)
        except Exception as error:
            pytest.fail(f"FUZZ_SEED={seed} FUZZ_ROUNDS=1: {error!r} for {data!r}")


def test_mutated_streams_cut_at_random() -> None:
    for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS // 10):
        rng = random.Random(seed)
        data = b"".join(mutated(rng) for _ in range(3))
        try:
            whole = frames_of([data])
            cuts = sorted(rng.randrange(len(data) + 1) for _ in range(6))
            pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
            in_pieces = frames_of(pieces)
        except Exception as error:
            pytest.fail(f"FUZZ_SEED={seed} FUZZ_ROUNDS=10: {error!r} for {data!r}")
        assert in_pieces == whole, f"FUZZ_SEED={seed} FUZZ_ROUNDS=10"
        for frame in whole:
            chew(frame)


def frames_of(pieces: list[bytes]) -> list[bytes]:
    """The messages of a stream until its first fault; keep-alives depend on where a stream is cut."""
    framer = StreamFramer()
    frames: list[bytes] = []
    for piece in pieces:
        try:
            frames += [frame for frame in framer.receive_data(piece) if isinstance(frame, bytes)]
        except SipParseError:
            break
    return frames


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    chew(data)
    chew(b"INVITE sip:a@b SIP/2.0\r\n" + data)
    is_keepalive(data)


LINES = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=60)
SYNTAX = st.text(alphabet=' \t";,<>=:@?&%\\[]aZ09.-*é\udcff', max_size=30)


@settings(max_examples=400, deadline=None)
@given(st.one_of(LINES, SYNTAX))
def test_arbitrary_values(text: str) -> None:
    for parse in (
        parse_uri,
        parse_name_addr,
        parse_name_addr_list,
        parse_via,
        parse_via_list,
        parse_cseq,
        parse_int_header,
        parse_expires,
        parse_q,
        parse_token_list,
        parse_params,
        split_commas,
        parse_challenges,
        parse_credentials,
        parse_authentication_info,
    ):
        tolerate(parse, text)
    tolerate(parse_uri, f"sip:{text}")
    tolerate(parse_via, f"SIP/2.0/UDP {text}")
    tolerate(parse_credentials, f"Digest {text}")


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
    chew(data)
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
