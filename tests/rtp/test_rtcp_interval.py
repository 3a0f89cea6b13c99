"""When reports are due (RFC 3550 sections 6.2 and 6.3)."""

import random
from functools import partial
from itertools import pairwise

from device.rtp.rtcp_interval import COMPENSATION, RtcpInterval


def _always(drawn: int, bits: int) -> int:
    assert bits == 16
    return drawn


def test_the_first_report_comes_within_half_the_least_interval() -> None:
    for drawn, expected in ((0, 2.5 * 0.5 / COMPENSATION), (0xFFFF, 2.5 * 1.5 / COMPENSATION)):
        interval = RtcpInterval(80_000, partial(_always, drawn))
        interval.start(10.0, 2, 2)
        assert interval.due_at is not None
        assert abs(interval.due_at - 10.0 - expected) < 0.001


def test_nothing_is_due_before_the_start() -> None:
    assert not RtcpInterval(80_000, lambda _bits: 0).expired(100.0, 2, 2)


def test_reports_come_every_five_seconds_on_the_average() -> None:
    numbers = random.Random(1)
    interval = RtcpInterval(80_000, numbers.getrandbits)
    interval.start(0.0, 2, 2)
    sent = []
    for tick in range(50 * 2000):
        if interval.expired(tick / 50, 2, 2):
            interval.note_octets(100)
            sent.append(tick / 50)
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert min(gaps) >= 0.5 * 5 / COMPENSATION - 0.03
    assert max(gaps) < 2 * 1.5 * 5 / COMPENSATION
    assert 4.6 < sum(gaps) / len(gaps) < 5.4
    assert sent[0] < 3.2


def test_a_thin_line_gets_reports_less_often() -> None:
    interval = RtcpInterval(1_000, lambda _bits: 0x8000)
    interval.start(0.0, 2, 2)
    assert interval.due_at is not None
    assert interval.due_at > 30


def test_a_grown_group_puts_the_report_off() -> None:
    interval = RtcpInterval(8_000, lambda _bits: 0x8000)
    interval.start(0.0, 2, 2)
    due = interval.due_at
    assert due is not None
    assert not interval.expired(due, 50, 50)
    assert interval.due_at is not None
    assert interval.due_at > due
