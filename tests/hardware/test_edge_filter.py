"""Raw edges, some of them lost or seen too late, become changes that can be relied on."""

import pytest

from device.hardware.edge_filter import EdgeFilter
from device.hardware.interfaces import LineChanged


class Line:
    def __init__(self, active=False, debounce_ms=10):
        self.active = active
        self.waiting = []
        self.filter = EdgeFilter("hook", debounce_ms, self.take, lambda: self.active)

    def take(self):
        taken, self.waiting = self.waiting, []
        return taken

    def edge(self, active, at):
        self.active = active
        self.waiting.append((active, at))


def test_change_is_named_and_dated_when_it_settles():
    line = Line()
    line.edge(True, 1.0)
    assert line.filter.read_events() == []
    assert line.filter.next_timeout() == pytest.approx(1.01)
    assert line.filter.handle_timeout(1.005) == []
    assert line.filter.handle_timeout(1.02) == [LineChanged("hook", True, pytest.approx(1.01))]
    assert line.filter.active is True


def test_lost_second_edge_of_a_spike_does_not_leave_a_wrong_state():
    line = Line()
    line.edge(True, 1.0)
    line.active = False
    assert line.filter.read_events() == []
    assert line.filter.handle_timeout(1.02) == []
    assert line.filter.next_timeout() is None
    assert line.filter.active is False


def test_edge_whose_level_was_read_too_late_does_not_count():
    line = Line()
    line.waiting = [(False, 1.0), (False, 1.00001)]
    assert line.filter.read_events() == []
    assert line.filter.handle_timeout(2.0) == []
    assert line.filter.next_timeout() is None


def test_last_edge_of_a_bounce_may_be_lost():
    line = Line()
    line.edge(True, 1.0)
    line.edge(False, 1.001)
    line.active = True
    assert line.filter.read_events() == []
    assert line.filter.handle_timeout(1.02) == [LineChanged("hook", True, pytest.approx(1.011))]


def test_pulse_that_ended_before_a_late_loop_came_is_kept_whole():
    line = Line()
    line.edge(True, 1.0)
    line.filter.read_events()
    line.edge(False, 1.06)
    assert line.filter.handle_timeout(1.07) == [
        LineChanged("hook", True, pytest.approx(1.01)),
        LineChanged("hook", False, pytest.approx(1.07)),
    ]


def test_edge_that_comes_between_reading_the_queue_and_reading_the_line_is_kept():
    line = Line()
    line.edge(True, 1.0)
    line.filter.read_events()
    reads = []

    def read_active():
        # The contact opens just before the line is read, and its edge lands in the queue at the same moment.
        if not reads:
            line.edge(False, 1.06)
        reads.append(1)
        return line.active

    line.filter._read_active = read_active
    assert line.filter.handle_timeout(1.0605) == [LineChanged("hook", True, pytest.approx(1.01))]
    assert line.filter.handle_timeout(1.08) == [LineChanged("hook", False, pytest.approx(1.07))]


def test_begins_with_the_level_of_the_line():
    assert Line(active=True).filter.active is True


def test_without_debounce_time_repeated_edges_are_one_change():
    line = Line(debounce_ms=0)
    line.edge(True, 1.0)
    line.edge(True, 1.1)
    assert line.filter.read_events() == [LineChanged("hook", True, 1.0)]
