"""Bursts and gaps (RFC 3611 section 4.7.2), beside a slow reading of the same definitions packet by packet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.rtp.loss_pattern import MIN_GAP, LossFigures, LossPattern


def told(came: list[bool]) -> LossFigures:
    """What the pattern says of packets that came or did not, told as the jitter buffer tells it."""
    pattern = LossPattern()
    good = missing = 0
    for one in came:
        if one and missing:
            pattern.note(good, missing)
            good = missing = 0
        if one:
            good += 1
        else:
            missing += 1
    if missing:
        pattern.note(good, missing)
        good = 0
    return pattern.figures(good)


def slowly(came: list[bool]) -> tuple[int, int, float, float]:
    """Bursts, packets in them, and both densities: losses with fewer than Gmin packets between them belong together."""
    lost = [n for n, one in enumerate(came) if not one]
    groups: list[list[int]] = []
    for n in lost:
        if groups and n - groups[-1][-1] - 1 < MIN_GAP:
            groups[-1].append(n)
        else:
            groups.append([n])
    bursts = [group for group in groups if len(group) > 1]
    packets = sum(group[-1] - group[0] + 1 for group in bursts)
    within = sum(len(group) for group in bursts)
    outside = len(came) - packets
    return (
        len(bursts),
        packets,
        within / packets if packets else 0.0,
        (len(lost) - within) / outside if outside else 0.0,
    )


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(0, 60))
def test_bursts_and_gaps_are_those_of_the_definition(runs: list[int], end: int) -> None:
    came = [packet for good in runs for packet in [*[True] * good, False]] + [True] * end
    figures = told(came)
    bursts, packets, burst_density, gap_density = slowly(came)
    assert (figures.expected, figures.missing) == (len(came), came.count(False))
    assert figures.burst_packets == pytest.approx(packets / bursts if bursts else 0)
    assert figures.burst_density == pytest.approx(burst_density)
    assert figures.gap_density == pytest.approx(gap_density)
    assert figures.gap_packets == pytest.approx((len(came) - packets) / (bursts + 1))


def test_single_losses_far_apart_are_no_burst() -> None:
    figures = told(([True] * 49 + [False]) * 20)
    assert (figures.burst_packets, figures.burst_density) == (0.0, 0.0)
    assert figures.gap_density == pytest.approx(0.02)
    assert figures.burst_ratio == 1.0


def test_runs_of_losses_make_a_burst_ratio_above_one() -> None:
    figures = told(([True] * 96 + [False] * 4) * 10)
    assert figures.runs == 10
    assert figures.burst_ratio == pytest.approx(4 * 0.96)


def test_losses_by_chance_have_a_burst_ratio_near_one() -> None:
    state, came = 1, []
    for _ in range(50_000):
        state = (state * 1103515245 + 12345) % 2**31
        came.append(state / 2**31 >= 0.05)
    assert told(came).burst_ratio == pytest.approx(1.0, abs=0.05)


def test_nothing_came_at_all() -> None:
    figures = LossPattern().figures(0)
    assert (figures.expected, figures.missing, figures.burst_ratio, figures.gap_packets) == (0, 0, 1.0, 0.0)


def test_another_time_line_ends_a_burst() -> None:
    pattern = LossPattern()
    pattern.note(5, 2)
    pattern.pass_over(3)
    pattern.note(2, 1)
    figures = pattern.figures(0)
    assert (figures.expected, figures.missing) == (13, 3)
    assert (figures.burst_packets, figures.burst_density) == (2.0, 1.0)
