"""Digits as events (RFC 4733): what is sent, and what survives a bad line and odd senders."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.rtp.packet import RtpPacket
from device.rtp.telephone_event import DIGITS, MAX_QUEUED, EventPacket, TelephoneEventReceiver, TelephoneEventSender

INTERVAL = 160


def sent(digits: str, duration: int = 960, gap: int = 640, intervals: int = 400) -> list[EventPacket | None]:
    """What each packet interval carries, from time stamp 1000 on."""
    sender = TelephoneEventSender()
    for digit in digits:
        sender.queue(digit, duration, gap, 10)
    packets: list[EventPacket | None] = []
    timestamp = 1000
    while sender.is_active() and len(packets) < intervals:
        packets.append(sender.next_packet(timestamp, INTERVAL))
        timestamp += INTERVAL
    return packets


def received(packets: list[EventPacket | None]) -> str:
    receiver = TelephoneEventReceiver()
    heard = [receiver.receive(_as_rtp(packet, n)) for n, packet in enumerate(packets) if packet]
    return "".join(digit for digit in heard if digit)


def _as_rtp(packet: EventPacket, sequence: int) -> RtpPacket:
    return RtpPacket(101, sequence, packet.timestamp, 7, packet.marker, packet.payload)


def test_one_digit_packet_by_packet() -> None:
    packets = sent("5", duration=800, gap=320)
    told = [(p.payload.hex(), p.timestamp, p.marker) if p else None for p in packets]
    assert told == [
        ("050a00a0", 1000, True),
        ("050a0140", 1000, False),
        ("050a01e0", 1000, False),
        ("050a0280", 1000, False),
        ("058a0320", 1000, False),
        ("058a0320", 1000, False),
        ("058a0320", 1000, False),
    ]


def test_digits_keep_their_pause_and_time_stamps() -> None:
    packets = sent("12", duration=320, gap=640)
    starts = [n for n, packet in enumerate(packets) if packet and packet.marker]
    assert starts[0] == 0
    assert packets[starts[1]].timestamp == 1000 + INTERVAL * starts[1]  # type: ignore[union-attr]
    assert INTERVAL * starts[1] - 320 >= 640
    assert INTERVAL * starts[1] - 320 < 640 + 2 * INTERVAL


def test_every_key_has_its_code() -> None:
    assert [p.payload[0] for p in sent(DIGITS, 160, 0) if p and p.marker] == list(range(16))
    assert received(sent("abcd")) == "ABCD"


@pytest.mark.parametrize("digit", ["", "12", "E", "!", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_what_is_no_key_is_refused(digit: str) -> None:
    with pytest.raises(ValueError, match="is not one of"):
        TelephoneEventSender().queue(digit, 800, 400, 10)


def test_the_queue_is_bounded_and_can_be_cleared() -> None:
    sender = TelephoneEventSender()
    for _ in range(MAX_QUEUED + 10):
        sender.queue("1", 160, 0, 10)
    while sender.is_active():
        sender.next_packet(0, INTERVAL)
    assert sender.sent == MAX_QUEUED
    assert sender.next_packet(0, INTERVAL) is None
    sender.queue("2", 100_000, 0, 10)
    first = sender.next_packet(0, INTERVAL)
    sender.clear()
    assert first is not None
    assert not sender.is_active()


def test_a_duration_beyond_the_field_is_cut() -> None:
    last = [packet for packet in sent("1", duration=70_000, intervals=1000) if packet][-1]
    assert last.payload[2:] == b"\xff\xff"


@given(st.text(DIGITS, min_size=1, max_size=12), st.integers(0, 2**32), st.floats(0.0, 0.6))
def test_digits_survive_any_loss_that_leaves_one_packet_of_each(digits: str, seed: int, loss: float) -> None:
    rng = random.Random(seed)
    packets = sent(digits)
    left: list[EventPacket | None] = [packet if rng.random() >= loss else None for packet in packets]
    alive = {packet.timestamp for packet in left if packet}
    expected = [packet for packet in packets if packet and packet.marker and packet.timestamp in alive]
    assert received(left) == "".join(DIGITS[packet.payload[0]] for packet in expected)


def test_digits_survive_reordering_and_duplicates() -> None:
    packets = [packet for packet in sent("1189#") if packet]
    shuffled: list[EventPacket | None] = []
    for at in range(0, len(packets), 3):
        shuffled += packets[at : at + 3][::-1] + packets[at : at + 1]
    assert received(shuffled) == "1189#"


def test_the_marker_is_not_needed() -> None:
    packets = sent("557")
    assert received([EventPacket(p.payload, p.timestamp, False) if p else None for p in packets]) == "557"


def test_the_same_key_twice_with_the_ends_lost_is_two_digits() -> None:
    packets = sent("33")
    assert received([p for p in packets if p and not p.payload[1] & 0x80]) == "33"


def test_a_sender_that_moves_the_time_stamp_along_gives_one_digit() -> None:
    packets = [p for p in sent("4") if p]
    moved: list[EventPacket | None] = [
        EventPacket(p.payload, p.timestamp + INTERVAL * min(n, 5), p.marker) for n, p in enumerate(packets)
    ]
    assert received(moved) == "4"


def test_a_long_event_in_segments_is_one_digit() -> None:
    segments: list[EventPacket | None] = [
        EventPacket(b"\x06\x0a\xff\xff", 1000, True),
        EventPacket(b"\x06\x0a\x10\x00", 1000 + 0xFFFF, False),
        EventPacket(b"\x06\x8a\x20\x00", 1000 + 0xFFFF, False),
    ]
    assert received(segments) == "6"


def test_a_straggler_of_an_earlier_digit_is_not_a_new_one() -> None:
    packets = [p for p in sent("98") if p]
    assert received([*packets, packets[0]]) == "98"


@pytest.mark.parametrize("payload", [b"", b"\x05\x0a\x00", b"\x10\x0a\x00\xa0", b"\xff\xff\xff\xff"])
def test_short_packets_and_other_events_are_no_digits(payload: bytes) -> None:
    receiver = TelephoneEventReceiver()
    assert receiver.receive(RtpPacket(101, 1, 1000, 7, True, payload)) is None
    assert receiver.received == 0
