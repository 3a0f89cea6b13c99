"""The time line of a call: a point a second, and never more than fits."""

import pytest

from device.media.stream_parameters import StreamReport
from device.media.time_line import CURVES, MOST_POINTS, TimeLine


def second(number: int, **figures: float) -> StreamReport:
    return StreamReport("PCMA", "", packets_expected=50 * number, **figures)  # type: ignore[arg-type]


def test_a_point_for_each_second() -> None:
    line = TimeLine()
    line.note(second(1, jitter_ms=2.0, buffer_ms=40, heard_db=-30.0, sent_db=-20.0))
    line.note(second(2, packets_missing=5))
    line.note(second(3, packets_missing=5))
    curves = line.curves()
    assert tuple(curves) == CURVES
    assert curves["loss_percent"] == [0.0, 10.0, 0.0], "of that second, not of the call"
    assert curves["jitter_ms"] == [2.0, 0.0, 0.0]
    assert (curves["buffer_ms"][0], curves["heard_db"][0], curves["sent_db"][0]) == (40.0, -30.0, -20.0)


def test_while_nothing_is_expected_nothing_is_lost() -> None:
    line = TimeLine()
    line.note(second(0, packets_missing=0))
    line.note(second(0, packets_missing=0))
    assert line.curves()["loss_percent"] == [0.0, 0.0]


@pytest.mark.parametrize(("seconds", "step_s"), [(599, 1), (600, 2), (1199, 2), (1200, 4), (36_000, 64)])
def test_long_calls_get_coarser_points(seconds: int, step_s: int) -> None:
    line = TimeLine()
    for number in range(1, seconds + 1):
        line.note(second(number, jitter_ms=float(number)))
        assert len(line) < MOST_POINTS
    assert line.step_s == step_s
    jitter = line.curves()["jitter_ms"]
    assert len(jitter) == seconds // step_s
    assert jitter[0] == pytest.approx((1 + step_s) / 2), "each point is the mean of its seconds"
    assert jitter[-1] == pytest.approx(len(jitter) * step_s - (step_s - 1) / 2)
