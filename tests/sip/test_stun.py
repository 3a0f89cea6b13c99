"""STUN Binding as RFC 8489 lays it out; the long messages are written after its sections 5 and 14, byte for byte."""

import random
from binascii import crc32

import pytest

from device.sip.stun import (
    BINDING_ERROR,
    BINDING_INDICATION,
    BINDING_REQUEST,
    BINDING_SUCCESS,
    StunMessage,
    answer,
    encode_request,
    is_stun,
    parse_stun,
)

ID = bytes(range(12))
HEAD = bytes.fromhex("2112a442") + ID
SIP = b"OPTIONS sip:a@b.example SIP/2.0\r\n\r\n"


def message(kind: int, attributes: bytes) -> bytes:
    return kind.to_bytes(2, "big") + len(attributes).to_bytes(2, "big") + HEAD + attributes


def test_a_request_is_a_header_alone() -> None:
    assert encode_request(ID) == bytes.fromhex("00010000") + HEAD
    assert parse_stun(encode_request(ID)) == StunMessage(BINDING_REQUEST, ID)


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (encode_request(ID), True),
        (SIP, False),
        (b"", False),
        (bytes(20), False),
        (b"\x80" + encode_request(ID)[1:], False),
    ],
)
def test_stun_is_told_from_sip_by_two_bits_and_the_cookie(data: bytes, verdict: bool) -> None:
    assert is_stun(data) is verdict


@pytest.mark.parametrize(
    ("source", "attribute"),
    [
        # Port 32853 masked with 0x2112, the address with cookie and transaction id (section 14.2).
        (("192.0.2.1", 32853), "00200008 0001a147 e112a643"),
        (("2001:db8::ff", 32853), "00200014 0002a147 0113a9fa 00010203 04050607 08090af4"),
    ],
    ids=["IPv4", "IPv6"],
)
def test_the_answer_tells_where_the_request_came_from(source: tuple[str, int], attribute: str) -> None:
    response = answer(StunMessage(BINDING_REQUEST, ID), source)
    assert response == message(BINDING_SUCCESS, bytes.fromhex(attribute))
    assert parse_stun(response) == StunMessage(BINDING_SUCCESS, ID, mapped=source)


@pytest.mark.parametrize(
    "host",
    ["::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "1:2:3:4:5:6:7:8", "1:0:0:2::3", "fe80::1"],
)
def test_ipv6_addresses_are_written_as_rfc_5952_wants(host: str) -> None:
    request = StunMessage(BINDING_REQUEST, ID)
    told = parse_stun(answer(request, (host, 5060)))
    assert told is not None
    assert told.mapped == (host, 5060)


def test_the_zone_of_a_link_local_source_is_not_told() -> None:
    told = parse_stun(answer(StunMessage(BINDING_REQUEST, ID), ("fe80::2%eth0", 5060)))
    assert told is not None
    assert told.mapped == ("fe80::2", 5060)


@pytest.mark.parametrize("host", ["a.example", "1:2:3", "300.0.0.1", "g::1"])
def test_a_source_that_is_no_address_is_not_answered(host: str) -> None:
    assert answer(StunMessage(BINDING_REQUEST, ID), (host, 5060)) == b""


def test_an_indication_is_not_answered() -> None:
    indication = parse_stun(message(BINDING_INDICATION, b""))
    assert indication is not None
    assert answer(indication, ("192.0.2.1", 1)) == b""


def test_a_request_with_an_attribute_that_must_be_understood_is_refused_with_420() -> None:
    # CHANGE-REQUEST of RFC 3489, which RFC 8489 knows no more, and SOFTWARE, which may be passed over.
    request = parse_stun(message(BINDING_REQUEST, bytes.fromhex("00030004000000068022000361626300")))
    assert request == StunMessage(BINDING_REQUEST, ID, unknown=(3,))
    refused = parse_stun(answer(request, ("192.0.2.1", 5060)))
    assert refused == StunMessage(BINDING_ERROR, ID, error=420)
    assert answer(request, ("192.0.2.1", 5060)).endswith(bytes.fromhex("000a000200030000"))


def test_an_old_server_tells_the_address_unmasked() -> None:
    assert parse_stun(message(BINDING_SUCCESS, bytes.fromhex("00010008000113c4c0000201"))) == StunMessage(
        BINDING_SUCCESS, ID, mapped=("192.0.2.1", 5060)
    )


def test_the_masked_address_goes_before_the_plain_one() -> None:
    masked, plain = bytes.fromhex("002000080001a147e112a643"), bytes.fromhex("00010008000113c4c0000209")
    for attributes in (masked + plain, plain + masked):
        told = parse_stun(message(BINDING_SUCCESS, attributes))
        assert told is not None
        assert told.mapped == ("192.0.2.1", 32853)


@pytest.mark.parametrize("value", ["0001", "000313c4c0000201", "000113c4c00002", "000213c4c0000201"])
def test_an_address_that_cannot_be_read_is_none(value: str) -> None:
    raw = bytes.fromhex(value)
    attribute = (1).to_bytes(2, "big") + len(raw).to_bytes(2, "big") + raw + bytes(-len(raw) % 4)
    told = parse_stun(message(BINDING_SUCCESS, attribute))
    assert told is not None
    assert told.mapped is None


def test_the_fingerprint_is_checked_where_there_is_one() -> None:
    # Section 14.7: CRC-32 of all before it, masked with "STUN".
    head = bytes.fromhex("00010008") + HEAD
    right = head + bytes.fromhex("80280004") + (crc32(head) ^ 0x5354554E).to_bytes(4, "big")
    assert parse_stun(right) == StunMessage(BINDING_REQUEST, ID)
    assert parse_stun(right[:-1] + bytes((right[-1] ^ 1,))) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        encode_request(ID)[:-1],
        bytes.fromhex("00010004") + HEAD,
        bytes.fromhex("00010002") + HEAD + b"ab",
        message(BINDING_REQUEST, bytes(600)),
        SIP,
    ],
    ids=["nothing", "cut short", "shorter than it says", "odd length", "too long", "SIP"],
)
def test_damaged_messages_are_dropped(data: bytes) -> None:
    assert parse_stun(data) is None


def test_the_work_on_one_message_is_bounded() -> None:
    told = parse_stun(message(BINDING_REQUEST, bytes.fromhex("00030000") * 128))
    assert told is not None
    assert len(told.unknown) == 32


def test_an_attribute_cut_short_does_no_harm() -> None:
    assert parse_stun(message(BINDING_SUCCESS, bytes.fromhex("0020ffff"))) == StunMessage(BINDING_SUCCESS, ID)


def test_no_datagram_makes_the_reader_stumble() -> None:
    """Seeded: damaged copies of a real answer, which read well or not at all."""
    dice = random.Random(8489)
    good = answer(StunMessage(BINDING_REQUEST, ID), ("2001:db8::ff", 5060))
    for _ in range(5000):
        data = bytearray(good + dice.randbytes(dice.randrange(12)))
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        told = parse_stun(bytes(data[: dice.randrange(len(data) + 1)]))
        if told is not None:
            assert told.mapped is None or 0 <= told.mapped[1] <= 65535
            assert len(answer(told, ("192.0.2.1", 1))) <= 548
