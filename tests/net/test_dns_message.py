"""DNS messages: vectors after RFC 1035 section 4, RFC 2308, RFC 2782, RFC 3403, and bytes that are none."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.net import dns_message as dns
from device.net.dns_message import DnsMessageError, Naptr, Srv, encode_name, encode_query, parse_response
from tests.support import dns_wire as wire

OWNER_AT_12 = b"\xc0\x0c"
"""A pointer to the name in the question."""


def test_a_query_is_one_question_with_recursion_and_a_larger_payload() -> None:
    data = encode_query(0x1234, "_sip._udp.Example.org.", dns.SRV)
    header = bytes.fromhex("1234 0100 0001 0000 0000 0001")
    question = b"\x04_sip\x04_udp\x07Example\x03org\x00" + bytes.fromhex("0021 0001")
    assert data == header + question + bytes.fromhex("00 0029 04d0 00000000 0000")
    assert encode_query(1, "a.b", dns.A, edns=False) == bytes.fromhex(
        "0001 0100 0001 0000 0000 0000 0161 0162 00 00010001"
    )


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "a b.c", "x" * 64, ".".join(["x" * 40] * 7), "münchen.example", "a\\.b", "a\n.b"]
)
def test_names_that_no_query_can_carry_are_refused(name: str) -> None:
    with pytest.raises(DnsMessageError):
        encode_name(name)


def test_the_longest_name_can_be_asked_for() -> None:
    longest = ".".join(["x" * 63] * 3 + ["y" * 61])
    assert len(encode_name(longest)) == 255
    with pytest.raises(DnsMessageError):
        encode_name(longest + "z")


def test_addresses_of_both_kinds_and_the_question_are_read() -> None:
    data = wire.response(
        7,
        "PBX.example",
        dns.AAAA,
        (wire.address(OWNER_AT_12, "2001:db8::7", 300), wire.address("pbx.example", "2001:DB8:0:0:1:0:0:1", 20)),
    )
    answer = parse_response(data)
    assert (answer.id, answer.rcode, answer.truncated, answer.name, answer.type) == (
        7,
        0,
        False,
        "pbx.example",
        dns.AAAA,
    )
    assert answer.find() == (("2001:db8::7", "2001:db8::1:0:0:1"), 20)


def test_aliases_are_followed_with_the_least_time_to_live() -> None:
    data = wire.response(
        7,
        "sip.example",
        dns.A,
        (
            wire.alias("sip.example", "a.example", 50),
            wire.address("b.example", "192.0.2.7", 90),
            wire.alias("a.example", "B.example", 40),
        ),
    )
    assert parse_response(data).find() == (("192.0.2.7",), 40)


def test_aliases_in_a_circle_lead_nowhere() -> None:
    data = wire.response(
        7, "a.example", dns.A, (wire.alias("a.example", "b.example"), wire.alias("b.example", "a.example"))
    )
    assert parse_response(data).find() == ((), 0)


def test_srv_records_name_priority_weight_port_and_target() -> None:
    owner = "_sip._udp.example"
    data = wire.response(
        7, owner, dns.SRV, (wire.srv(owner, 10, 60, 5060, "a.example"), wire.srv(owner, 20, 0, 5070, "B.example."))
    )
    assert parse_response(data).find()[0] == (Srv(10, 60, 5060, "a.example"), Srv(20, 0, 5070, "b.example"))


def test_a_service_that_is_not_there_has_the_root_as_target() -> None:
    data = wire.response(7, "_sip._tcp.example", dns.SRV, (wire.srv("_sip._tcp.example", 0, 0, 0, "."),))
    assert parse_response(data).find()[0] == (Srv(0, 0, 0, ""),)


def test_naptr_records_are_read_with_flags_and_service_in_capitals() -> None:
    data = wire.response(7, "example", dns.NAPTR, (wire.naptr("example", 50, 10, "s", "sip+d2t", "_sip._tcp.example"),))
    assert parse_response(data).find()[0] == (Naptr(50, 10, "S", "SIP+D2T", "", "_sip._tcp.example"),)


def test_a_name_that_is_not_there_tells_how_long_that_holds() -> None:
    data = wire.response(7, "no.example", dns.A, authorities=(wire.soa("example", 30, ttl=900),), rcode=dns.NAME_ERROR)
    answer = parse_response(data)
    assert (answer.rcode, answer.negative_ttl_s, answer.find()) == (dns.NAME_ERROR, 30, ((), 0))
    short = wire.response(7, "no.example", dns.A, authorities=(wire.soa("example", 300, ttl=9),))
    assert parse_response(short).negative_ttl_s == 9


def test_other_types_and_classes_are_passed_over() -> None:
    answers = (
        wire.record("pbx.example", 16, b"\x04text"),
        wire.record("pbx.example", dns.A, b"\x7f\x00\x00\x01", class_=3),
        wire.address("pbx.example", "192.0.2.7"),
        wire.address("other.example", "192.0.2.8"),
    )
    assert parse_response(wire.response(7, "pbx.example", dns.A, answers)).find() == (("192.0.2.7",), 60)


def test_a_time_to_live_with_its_highest_bit_set_is_none() -> None:
    data = wire.response(7, "pbx.example", dns.A, (wire.address("pbx.example", "192.0.2.7", 2**31),))
    assert parse_response(data).find() == (("192.0.2.7",), 0)


def test_of_a_truncated_response_no_record_is_taken() -> None:
    data = wire.response(7, "pbx.example", dns.A, (wire.address("pbx.example", "192.0.2.7"),), flags=0x8380)
    answer = parse_response(data)
    assert answer.truncated
    assert answer.answers == ()


def test_a_refusal_may_be_a_header_alone() -> None:
    answer = parse_response(bytes.fromhex("0007 8181 0000 0000 0000 0000"))
    assert (answer.id, answer.rcode, answer.name, answer.type) == (7, dns.FORMAT_ERROR, "", 0)


def test_what_no_host_name_holds_is_escaped() -> None:
    data = wire.response(
        7, "x.example", dns.CNAME, (wire.record("x.example", dns.CNAME, b"\x04a.\\ \x02\xff\x00\x00"),)
    )
    (value,), _ = parse_response(data).find()
    assert value == "a\\046\\092\\032.\\255\\000"
    with pytest.raises(DnsMessageError):
        encode_name(str(value))


def _with_data(kind: int, data: bytes) -> bytes:
    return wire.response(7, "x.example", kind, (wire.record("x.example", kind, data),))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 11,
        encode_query(7, "x.example", dns.A),
        wire.response(7, "x.example", dns.A, flags=0xA980),
        bytes.fromhex("0007 8180 0000 0000 0000 0000"),
        bytes.fromhex("0007 8180 0002 0000 0000 0000") + wire.name("x.example") + bytes(4),
        wire.response(7, "x.example", dns.A)[:-1],
        bytes.fromhex("0007 8180 0001 0000 0000 0000") + wire.name("x") + bytes.fromhex("0001 0003"),
        bytes.fromhex("0007 8180 0001 0001 0000 0000") + wire.name("x") + bytes.fromhex("0001 0001"),
        _with_data(dns.A, b"\x7f\0\0")[:-1],
        _with_data(dns.A, b"\x7f\0\0"),
        _with_data(dns.A, b"\x7f\0\0\1")[:-5],
        _with_data(dns.AAAA, b"\0" * 15),
        _with_data(dns.CNAME, b"\x01a\0\0"),
        _with_data(dns.CNAME, b"\x01a"),
        _with_data(dns.CNAME, b"\x40" + b"a" * 64 + b"\0"),
        _with_data(dns.CNAME, b"\xc0"),
        _with_data(dns.SRV, b"\0" * 5),
        _with_data(dns.SRV, b"\0" * 6),
        _with_data(dns.NAPTR, b"\0" * 3),
        _with_data(dns.NAPTR, b"\0" * 4 + b"\x05ab"),
        _with_data(dns.NAPTR, b"\0" * 4),
        _with_data(dns.CNAME, (b"\x3f" + b"a" * 63) * 4 + b"\0"),
    ],
)
def test_bytes_that_are_no_response_are_refused(data: bytes) -> None:
    with pytest.raises(DnsMessageError):
        parse_response(data)


@pytest.mark.parametrize("pointer", [b"\xc0\x0c", b"\xc0\x1b", b"\xff\xff"])
def test_a_name_points_only_to_what_stands_before_it(pointer: bytes) -> None:
    header = bytes.fromhex("0007 8180 0001 0001 0000 0000")
    question = pointer if pointer == b"\xc0\x0c" else wire.name("x.example")
    data = header + question + bytes.fromhex("0001 0001") + pointer + bytes.fromhex("0001 0001 00000000 0004 7f000001")
    with pytest.raises(DnsMessageError):
        parse_response(data)


def test_a_name_of_very_many_pointers_is_refused() -> None:
    header = bytes.fromhex("0007 8180 0001 0001 0000 0000")
    pointers = b"".join(struct.pack("!H", 0xC000 | at) for at in range(32, 32 + 2 * 130, 2))
    text = wire.record("x", 16, b"\0\0" + pointers)
    question = wire.name("x") + bytes.fromhex("0001 0001")
    # The text's data begin at 32 with a root; each pointer leads to the one before it, and a second record to the last.
    data = header.replace(b"\0\1\0\1", b"\0\1\0\2", 1) + question + text
    with pytest.raises(DnsMessageError):
        parse_response(
            data + struct.pack("!H", 0xC000 | len(data) - 2) + bytes.fromhex("0001 0001 00000000 0004 7f000001")
        )


def test_no_more_than_256_records_are_looked_at() -> None:
    answers = tuple(wire.address(OWNER_AT_12, f"192.0.2.{number}") for number in range(256))
    data = wire.response(7, "x.example", dns.A, (*answers, b"\xff\xff what comes now is not looked at"))
    assert len(parse_response(data).answers) == 256


@given(st.binary(max_size=300))
def test_no_bytes_do_harm(data: bytes) -> None:
    for candidate in (data, wire.response(7, "x.example", dns.SRV)[:12] + data):
        with suppress(DnsMessageError):
            parse_response(candidate)


@given(st.data())
def test_a_response_with_any_byte_changed_does_no_harm(data: st.DataObject) -> None:
    good = wire.response(
        7,
        "example",
        dns.NAPTR,
        (
            wire.naptr(OWNER_AT_12, 1, 1, "s", "SIP+D2U", "_sip._udp.example"),
            wire.srv(OWNER_AT_12, 1, 1, 5060, "a.example"),
        ),
        (wire.soa(OWNER_AT_12, 60),),
    )
    changed = bytearray(good)
    changed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DnsMessageError):
        parse_response(bytes(changed)).find()
