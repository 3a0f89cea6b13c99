"""Sequence, loss and jitter as a receiver counts them (RFC 3550 appendices A.1, A.3, A.8)."""

import pytest

from device.rtp.reception import Reception


def counted(*sequences: int) -> Reception:
    reception = Reception(1, sequences[0], 8000)
    for sequence in sequences:
        reception.count(sequence)
    return reception


def test_a_source_is_believed_after_two_packets_in_order() -> None:
    reception = Reception(1, 100, 8000)
    assert reception.count(100) is False
    assert not reception.is_valid
    assert reception.count(105) is False
    assert reception.count(106) is True
    assert reception.is_valid
    assert (reception.received, reception.lost) == (2, 0)


def test_losses_are_what_was_expected_and_did_not_come() -> None:
    reception = counted(10, 11, 12, 15, 16, 20)
    assert (reception.received, reception.lost) == (6, 5)


def test_late_packets_and_duplicates_count_as_received() -> None:
    assert counted(10, 11, 13, 12, 14).lost == 0
    assert counted(10, 11, 11, 11, 12).lost == -2


@pytest.mark.parametrize("start", [65533, 65534, 65535, 0])
def test_the_sequence_wraps(start: int) -> None:
    reception = counted(*((start + n) % 65536 for n in range(10)))
    assert (reception.received, reception.lost) == (10, 0)
    assert reception.extended_highest == reception.report_block(0.0).highest_sequence
    assert reception.extended_highest % 65536 == (start + 9) % 65536
    assert reception.extended_highest - start == 9


def test_a_wild_jump_must_be_repeated_to_be_believed() -> None:
    reception = counted(10, 11, 12)
    assert reception.count(30000) is False
    assert reception.count(13) is True
    assert (reception.received, reception.lost) == (4, 0)
    assert reception.count(40000) is False
    assert reception.count(40001) is True
    assert (reception.received, reception.lost, reception.extended_highest) == (1, 0, 40001)


def test_the_fraction_lost_is_that_of_the_last_interval() -> None:
    reception = counted(*range(10))
    assert reception.report_block(0.0).fraction_lost == 0
    for sequence in (10, 13):
        reception.count(sequence)
    block = reception.report_block(0.0)
    assert (block.fraction_lost, block.cumulative_lost) == (128, 2)
    assert reception.report_block(0.0).fraction_lost == 0
    reception.count(13)
    assert reception.report_block(0.0).fraction_lost == 0


def test_jitter_by_hand() -> None:
    """D is 80 units after the second packet, 40 after the third, 0 after the fourth: J by A.8, without rounding."""
    reception = Reception(1, 0, 8000)
    for timestamp, arrival in ((0, 1.000), (160, 1.030), (320, 1.055), (480, 1.075)):
        reception.measure_jitter(timestamp, arrival)
    first = 80 / 16
    second = first + (40 - first) / 16
    third = second + (0 - second) / 16
    assert reception.jitter == pytest.approx(third, abs=1e-6)


def test_steady_jitter_settles_at_the_mean_difference() -> None:
    reception = Reception(1, 0, 8000)
    for n in range(1000):
        reception.measure_jitter(160 * n, 0.020 * n + (0.010 if n % 2 else 0.0))
    assert reception.jitter == pytest.approx(80, rel=1e-3)
    assert reception.report_block(20.0).jitter in (79, 80)


def test_jitter_survives_the_wrap_of_the_time_stamp_and_a_set_clock() -> None:
    reception = Reception(1, 0, 8000)
    for n in range(100):
        reception.measure_jitter((2**32 - 8000 + 160 * n) % 2**32, 5.0 + 0.020 * n)
    assert reception.jitter < 0.01
    reception.measure_jitter(12345678, 7.0)
    assert reception.jitter < 0.01


def test_the_block_tells_how_long_ago_the_sender_reported() -> None:
    reception = counted(1, 2)
    assert reception.report_block(9.0).last_sr == 0
    reception.note_sender_report(0x1234_5678_9ABC_DEF0, 10.0)
    block = reception.report_block(12.5)
    assert (block.last_sr, block.delay_since_last_sr) == (0x5678_9ABC, int(2.5 * 65536))
