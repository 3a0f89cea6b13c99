"""Extended reports on the wire (RFC 3611), and what two tell each other by them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.rtp.errors import RtcpParseError
from device.rtp.extended_report import (
    UNAVAILABLE,
    ExtendedReporting,
    ReceiverReferenceTime,
    ReceptionDelay,
    VoipMetrics,
    XrBlock,
    encode_blocks,
    parse_blocks,
)
from device.rtp.packet import parse_rtp
from device.rtp.rtcp import ExtendedReport, ReceiverReport, SenderReport, encode_compound, parse_rtcp
from device.rtp.session import RtpSession

WORD = st.integers(0, 0xFFFFFFFF)
OCTET = st.integers(0, 255)
SHORT = st.integers(0, 0xFFFF)
LEVEL = st.integers(-128, 127)
METRICS = st.builds(VoipMetrics, WORD, *[OCTET] * 4, *[SHORT] * 4, LEVEL, LEVEL, *[OCTET] * 7, *[SHORT] * 3)
BLOCK = st.builds(ReceiverReferenceTime, st.integers(0, 2**64 - 1)) | st.builds(ReceptionDelay, WORD, WORD, WORD)
BLOCKS = st.lists(BLOCK | METRICS, max_size=6)

METRICS_OCTETS = """
    07000008 0000002a 10083304 01f41388 00640087 e7 b5 37 10 5a 7f 2b 29 f4 00 0028 0050 012c
"""
"""Written by hand from the picture in section 4.7."""


def hexadecimal(text: str) -> bytes:
    return bytes.fromhex(text)


@given(BLOCKS, WORD)
def test_what_is_encoded_is_parsed_again(blocks: list[XrBlock], ssrc: int) -> None:
    packet = ExtendedReport(ssrc, encode_blocks(blocks))
    parsed = parse_rtcp(encode_compound([ReceiverReport(ssrc), packet]))
    assert parsed == [ReceiverReport(ssrc), packet]
    assert isinstance(parsed[1], ExtendedReport)
    assert parse_blocks(parsed[1].blocks) == blocks


def test_voip_metrics_octet_by_octet() -> None:
    metrics = VoipMetrics(42, 16, 8, 51, 4, 500, 5000, 100, 135, -25, -75, 55, 16, 90, 127, 43, 41, 0xF4, 40, 80, 300)
    assert parse_blocks(hexadecimal(METRICS_OCTETS)) == [metrics]
    assert encode_blocks([metrics]) == hexadecimal(METRICS_OCTETS)


def test_reference_time_and_its_answer_octet_by_octet() -> None:
    octets = hexadecimal("04000002 0001000280000000 05000003 0000002a 00028000 00008000")
    blocks: list[XrBlock] = [ReceiverReferenceTime(0x0001000280000000), ReceptionDelay(42, 0x28000, 0x8000)]
    assert parse_blocks(octets) == blocks
    assert encode_blocks(blocks) == octets


def test_answers_to_several_come_in_one_block_or_in_many() -> None:
    octets = hexadecimal("05000006 00000001 00000002 00000003 00000004 00000005 00000006")
    assert parse_blocks(octets) == [ReceptionDelay(1, 2, 3), ReceptionDelay(4, 5, 6)]


def test_blocks_of_other_types_are_passed_over() -> None:
    loss_rle = hexadecimal("01000003 0000002a 00010005 80000000")
    assert parse_blocks(loss_rle + encode_blocks([ReceiverReferenceTime(1)])) == [ReceiverReferenceTime(1)]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("0400", "inside the header"),
        ("04000003 00000000 00000000", "fewer are left"),
        ("04000001 00000000", "cannot have"),
        ("05000001 00000000", "cannot have"),
        ("07000007" + "00000000" * 7, "cannot have"),
    ],
)
def test_lengths_that_cannot_be_are_refused(octets: str, why: str) -> None:
    with pytest.raises(RtcpParseError, match=why):
        parse_blocks(hexadecimal(octets))


@given(st.binary(max_size=80))
def test_any_octets_give_blocks_or_a_parse_error(data: bytes) -> None:
    with suppress(RtcpParseError):
        assert encode_blocks(parse_blocks(data)) is not None


def test_figures_beyond_their_fields_stay_at_the_limit() -> None:
    metrics = VoipMetrics(1, 900, -3, 256, 0, 70_000, 65_536, 99_999, -1, -400, 400, 900, 16)
    (read,) = parse_blocks(encode_blocks([metrics]))
    assert read == VoipMetrics(1, 255, 0, 255, 0, 65_535, 65_535, 65_535, 0, -128, 127, 255, 16)


def session(ssrc: int, agreed: tuple[str, ...], metrics: VoipMetrics | None = None) -> RtpSession:
    made = RtpSession(ssrc, 5, 0, f"cname{ssrc}", 8000, lambda bits: 1 << (bits - 1))
    made.extended = ExtendedReporting(agreed, lambda: metrics)
    return made


def talk(listener: RtpSession, talker: RtpSession, seconds: float, there: float, back: float) -> list[object]:
    """The talker sends sound, the listener none; answers the extended blocks that the listener got."""
    told: list[object] = []
    under_way: list[tuple[float, RtpSession, bytes]] = []
    for n in range(int(seconds * 50)):
        now = 1000 + n / 50
        data = talker.packet(0, bytes(160), False, talker.timestamp, now)
        talker.advance(160)
        listener.receive(parse_rtp(data), now + back, timed=True)
        for source, target, delay in ((listener, talker, there), (talker, listener, back)):
            if report := source.report_due(now):
                under_way.append((now + delay, target, report))
        due = [item for item in under_way if item[0] <= now]
        under_way = [item for item in under_way if item[0] > now]
        for at, target, report in due:
            packets = parse_rtcp(report)
            target.receive_reports(packets, len(report), at)
            if target is listener:
                told += [
                    block
                    for packet in packets
                    if isinstance(packet, ExtendedReport)
                    for block in parse_blocks(packet.blocks)
                ]
    return told


def test_whoever_only_listens_learns_the_round_trip() -> None:
    listener, talker = session(1, ("rcvr-rtt=all",)), session(2, ("rcvr-rtt=all",))
    told = talk(listener, talker, 30, 0.050, 0.070)
    assert listener.round_trip_s == pytest.approx(0.120, abs=0.001)
    assert any(isinstance(block, ReceptionDelay) and block.ssrc == 1 for block in told)
    assert not any(isinstance(block, ReceiverReferenceTime) for block in told), "who sends needs to send no time"


def test_nothing_is_sent_that_was_not_agreed() -> None:
    listener, talker = session(1, ()), session(2, ())
    assert talk(listener, talker, 20, 0.05, 0.05) == []
    assert listener.round_trip_s is None
    plain = RtpSession(3, 5, 0, "cname", 8000, lambda bits: 1)
    plain.receive_reports([ExtendedReport(9, encode_blocks([ReceptionDelay(3, 1, 0)]))], 40, 5.0)
    assert plain.round_trip_s is None


def test_only_senders_answer_where_that_was_agreed() -> None:
    asker = ExtendedReporting(("rcvr-rtt=sender",), lambda: None)
    asker.receive(ExtendedReport(7, encode_blocks([ReceiverReferenceTime(3 << 32)])), 1, 0, 10.0)
    assert asker.report(1, False, 5 << 32, 12.0) is None
    answer = asker.report(1, True, 5 << 32, 12.0)
    assert answer is not None
    assert parse_blocks(answer.blocks) == [ReceptionDelay(7, 3 << 16, 2 << 16)]
    assert asker.report(1, True, 6 << 32, 13.0) is None, "one answer is enough"


def test_voip_metrics_reach_whom_they_are_about() -> None:
    metrics = VoipMetrics(1, 3, 0, 0, 3, 0, 9000, 120, 80, mos_listening=41)
    agreed = ("voip-metrics",)
    left, right = session(1, agreed), session(2, agreed, metrics)
    right.report_due(0.0)
    data = right.report_due(10.0)
    assert data is not None
    left.receive_reports(parse_rtcp(data), len(data), 10.0)
    assert left.extended is not None
    assert left.extended.remote_metrics == metrics
    assert left.extended.remote_metrics.mos_conversational == UNAVAILABLE


def test_a_broken_extended_report_costs_nothing_else() -> None:
    left = session(1, ("rcvr-rtt=all",))
    report = SenderReport(2, 5 << 32, 0, 10, 1600)
    left.receive_reports([report, ExtendedReport(2, b"\x04\0\0\x09")], 60, 5.0)
    assert left.round_trip_s is None


def test_many_sources_cannot_fill_the_memory() -> None:
    reporting = ExtendedReporting(("rcvr-rtt=all",), lambda: None)
    for ssrc in range(10_000):
        reporting.receive(ExtendedReport(ssrc, encode_blocks([ReceiverReferenceTime(1 << 32)])), 1, 0, 1.0)
    report = reporting.report(1, True, 0, 2.0)
    assert report is not None
    assert len(parse_blocks(report.blocks)) <= 8
