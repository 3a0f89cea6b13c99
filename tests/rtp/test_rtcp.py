"""RTCP packets on the wire (RFC 3550 section 6 and appendix A.2)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.rtp.errors import RtcpParseError
from device.rtp.rtcp import (
    Bye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    encode_compound,
    parse_rtcp,
    round_trip_s,
)

WORD = st.integers(0, 0xFFFFFFFF)
BLOCK = st.builds(ReportBlock, WORD, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), WORD, WORD, WORD, WORD)
BLOCKS = st.lists(BLOCK, max_size=31).map(tuple)
REPORT = st.builds(SenderReport, WORD, st.integers(0, 2**64 - 1), WORD, WORD, WORD, BLOCKS) | st.builds(
    ReceiverReport, WORD, BLOCKS
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
ITEM = st.tuples(st.integers(1, 8), TEXT)
SDES = st.lists(st.tuples(WORD, st.lists(ITEM, max_size=3).map(tuple)), max_size=4).map(tuple).map(SourceDescription)
BYE = st.builds(Bye, st.lists(WORD, max_size=4).map(tuple), TEXT)


@given(REPORT, st.lists(REPORT | SDES | BYE, max_size=4))
def test_what_is_encoded_is_parsed_again(first: ReceiverReport, rest: list[Bye]) -> None:
    packets: list[RtcpPacket] = [first, *rest]
    data = encode_compound(packets)
    assert len(data) % 4 == 0
    assert parse_rtcp(data) == packets


def test_a_receiver_report_octet_by_octet() -> None:
    data = bytes.fromhex("81c90007 00000001 00000002 40fffffe 00010005 00000010 aabbccdd 00008000")
    block = ReportBlock(2, 0x40, -2, 0x10005, 16, 0xAABBCCDD, 0x8000)
    assert parse_rtcp(data) == [ReceiverReport(1, (block,))]
    assert encode_compound([ReceiverReport(1, (block,))]) == data


def test_losses_beyond_24_bits_stay_at_the_limit() -> None:
    many = ReportBlock(2, 255, 10**9, 0, 0, 0, 0)
    few = ReportBlock(2, 0, -(10**9), 0, 0, 0, 0)
    (report,) = parse_rtcp(encode_compound([ReceiverReport(1, (many, few))]))
    assert isinstance(report, ReceiverReport)
    assert [block.cumulative_lost for block in report.blocks] == [0x7FFFFF, -0x800000]


def test_packets_of_other_types_are_passed_over() -> None:
    application = bytes.fromhex("80cc0002 00000001") + b"ABCD"
    data = encode_compound([ReceiverReport(1)]) + application + encode_compound([Bye((1,), "done")])
    assert parse_rtcp(data) == [ReceiverReport(1), Bye((1,), "done")]


def test_padding_at_the_end_is_taken_off() -> None:
    bye = bytearray(encode_compound([Bye((1,))]) + b"\0\0\0\4")
    bye[0] |= 0x20
    bye[3] += 1
    assert parse_rtcp(encode_compound([ReceiverReport(1)]) + bytes(bye))[1] == Bye((1,))


REPORT_OCTETS = "80c90001 00000001"


@pytest.mark.parametrize(
    ("hexadecimal", "why"),
    [
        ("", "empty"),
        ("80", "inside a header"),
        ("40c90001 00000001", "version 1"),
        ("80ca0001 00000001", "begins with type 202"),
        ("80c90002 00000001", "are left"),
        ("81c90001 00000001", "count asks"),
        ("80c80001 00000001", "count asks"),
        ("a0c90001 00000005", "padding"),
        ("a0c90001 00000000", "padding"),
        ("a0c90001 00000004 80c90001 00000001", "padding"),
        (REPORT_OCTETS + "81ca0000", "inside a chunk"),
        (REPORT_OCTETS + "81ca0002 00000001 0105ff00", "inside an item"),
        (REPORT_OCTETS + "82cb0001 00000001", "count asks"),
        (REPORT_OCTETS + "8000", "inside a header"),
    ],
)
def test_what_is_no_compound_packet_is_refused(hexadecimal: str, why: str) -> None:
    with pytest.raises(RtcpParseError, match=why):
        parse_rtcp(bytes.fromhex(hexadecimal))


@given(st.binary(max_size=60), st.sampled_from([b"", bytes.fromhex(REPORT_OCTETS)]), st.integers(192, 210))
def test_any_octets_give_packets_or_a_parse_error(data: bytes, prefix: bytes, kind: int) -> None:
    body = data[: len(data) // 4 * 4]
    for octets in (prefix + data, prefix + bytes((0x81, kind)) + (len(body) // 4).to_bytes(2, "big") + body):
        with suppress(RtcpParseError):
            encode_compound(parse_rtcp(octets))


@pytest.mark.parametrize(
    ("at_s", "sent_s", "delay_s", "expected"),
    [
        (100.0, 99.0, 0.9, 0.1),
        (100.0, 100.0, 0.01, 0.0),  # read a moment too early
        (100.0, 100.0, 0.5, None),
        (100.0, 60.0, 0.0, None),
        (65536.1, 65535.9, 0.1, 0.1),  # the middle 32 bits begin anew every 18 hours
    ],
)
def test_a_round_trip_by_the_answer_to_a_report(
    at_s: float, sent_s: float, delay_s: float, expected: float | None
) -> None:
    measured = round_trip_s(int(at_s * 2**32), int(sent_s * 65536) & 0xFFFFFFFF, int(delay_s * 65536))
    assert measured == (None if expected is None else pytest.approx(expected, abs=0.001))
